"""What does AffineGrid put out, and what work is it?

It is a product of ``theta`` with the places of a fixed grid: ``d*d`` MACs each, and d additions for the
translation.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import NOTHING, Along, OutputReads, Whole
from cnnscope.analyzer.operators.rules import demand
from cnnscope.analyzer.operators.work import Work, matrix_work
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor, axes_of


def affine_output(theta: Tensor, size: Tensor, *, node_name: str = "") -> Tensor:
    axes = theta.dims[1] if theta.rank == 3 else None
    demand(theta, "theta", None, axes, None if axes is None else axes + 1)
    assert axes is not None
    demand(size, "size", axes + 2)
    if size.value is not None:
        demand(theta, "theta", size.lengths[0], None, None)
        lengths = size.lengths[2:]
    else:
        count = int(axes)
        lengths = [FreeDim.from_data(f"{node_name} length {axis}") for axis in axes_of(count)]
    return theta.of((theta.dims[0], *lengths, axes))


def affine_work(outputs: tuple[Tensor, ...], theta: Tensor, size: Tensor) -> Work:
    grid = outputs[0].size  # d numbers at each place
    return matrix_work(grid * theta.dims[1], theta, bias=grid)


def affine_reads(outputs: tuple[Tensor, ...], theta: Tensor, size: Tensor) -> OutputReads:
    return (Along(0), Along(outputs[0].rank - 1), Whole()), NOTHING


define("AffineGrid", kind="sampling", infer=affine_output, work=affine_work, reads=affine_reads)
