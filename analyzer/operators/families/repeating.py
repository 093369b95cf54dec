"""Repeating elements along axes: what do Expand and Tile put out, and which copy is read?

Nothing here costs work.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    Only,
    OutputReads,
    elementwise,
)
from cnnscope.analyzer.operators.rules import Outputs, demand_rank, in_range
from cnnscope.analyzer.values.conditions import fits_onto
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor, axes_of
from cnnscope.analyzer.values.window import Window


def expand_output(x: Tensor, shape: Tensor, *, node_name: str = "") -> Tensor:
    """Numpy's broadcasting against a shape; a free length against another stays the input's."""
    if x.shape is None:
        return x.of(None)
    if shape.value is None:
        count = shape.dims[0]
        if not isinstance(count, int):
            return x.of(None)
        wanted: list[Dim] = [FreeDim.from_data(f"{node_name} axis {i}") for i in axes_of(count)]
    else:
        wanted = shape.lengths
    rank = max(x.rank, len(wanted))
    left = (1,) * (rank - x.rank) + x.dims
    right = [1] * (rank - len(wanted)) + wanted
    return x.of(tuple(expanded(m, n) for m, n in zip(left, right, strict=True)))


def expanded(m: Dim, n: Dim) -> Dim:
    if m == 1:
        return n
    if n == 1 or m == n:
        return m
    short, length = (m, n) if isinstance(n, int) else (n, m)
    if not fits_onto(short, length):
        raise ValueError(f"an axis of length {m} can't be expanded to {n}")
    return length


def expand_reads(outputs: Outputs, x: Tensor, shape: Tensor) -> OutputReads:
    return elementwise(outputs[0], x), NOTHING


def tile_output(
    x: Tensor, repeats: Tensor, axis: Tensor | None = None, *, node_name: str = ""
) -> Tensor:
    if axis is None:
        demand_rank(repeats, "repeats", 1)
    if x.shape is None:
        return x.of(None)
    if repeats.value is None or (axis is not None and axis.value is None):
        return x.of(tuple(FreeDim.from_data(f"{node_name} axis {i}") for i in range(x.rank)))
    times = repeats.lengths
    if axis is not None:  # opset 1: so many times along one axis
        along = in_range(axis.only_number, x.rank)
        times = [times[0] if i == along else 1 for i in range(x.rank)]
    if len(times) != x.rank:
        raise ValueError(f"{len(times)} repeats for {x.rank} axes")
    return x.of(tuple(n * k for n, k in zip(x.dims, times, strict=True)))


def tile_reads(
    outputs: Outputs, x: Tensor, repeats: Tensor, axis: Tensor | None = None
) -> OutputReads:
    reads: list[AxisRead] = []
    for i, (n, out) in enumerate(zip(x.dims, outputs[0].dims, strict=True)):
        if n == out:
            reads.append(Along(i))
        else:
            reads.append(Only(0, 0) if n == 1 else Along(i, Window(outside="wrap")))
    return tuple(reads), NOTHING, NOTHING


define("Expand", kind="data movement", infer=expand_output, reads=expand_reads)
define("Tile", kind="data movement", infer=tile_output, reads=tile_reads)
