"""Splitting along an axis: how long is each part, and where did it lie?

Nothing here costs work; output i along the axis reads input ``i + offset of the part``.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.concat import shifted
from cnnscope.analyzer.operators.reading import NOTHING, Along, InputRead, OutputReads, Whole
from cnnscope.analyzer.operators.rules import Outputs, counted, demand_rank, in_range
from cnnscope.analyzer.values.conditions import agree, divides, reaches
from cnnscope.analyzer.values.dimension import Dim, FreeDim, ceil_div
from cnnscope.analyzer.values.tensor import Tensor


def parts(
    n: Dim, sizes: Tensor | None, attribute: tuple[int, ...] | None, count: int, version: int,
    node_name: str,
) -> list[Dim]:  # fmt: skip
    """How long the parts of a Split are.

    Without sizes they are equal; from opset 18 on rounded up, the last one taking what is left.
    """
    if sizes is not None and sizes.value is None:
        return [FreeDim.from_data(f"{node_name} part {i}") for i in range(count)]
    given: list[Dim] | None = sizes.lengths if sizes is not None else None
    if attribute is not None:
        given = list(attribute)
    if given is not None:
        total: Dim = 0
        for part in given:
            total = total + part
        if not agree(n, total):
            raise ValueError(f"an axis of length {n} is split into {given}")
        if len(given) != count:
            raise ValueError(f"{count} outputs for {len(given)} parts")
        return given
    if version < 18 and not divides(count, n):
        raise ValueError(f"an axis of length {n} doesn't split into {count} equal parts")
    size = ceil_div(n, count) if version >= 18 else n // count
    last = n - size * (count - 1)
    if not reaches(last, 0 if n == 0 else 1):
        raise ValueError(f"an axis of length {n} doesn't split into {count} parts of {size}")
    return [size] * (count - 1) + [last if version >= 18 else size]


def split_output(
    x: Tensor, sizes: Tensor | None = None, *, split: tuple[int, ...] | None = None, axis: int = 0,
    num_outputs: int | None = None, opset: int, output_count: int, node_name: str = "",
) -> Outputs:  # fmt: skip
    demand_rank(sizes, "split", 1)
    if opset >= 18 and sizes is None and num_outputs is None:
        raise ValueError("neither split nor num_outputs is given")
    count = output_count if num_outputs is None else counted(num_outputs, "num_outputs")
    if count != output_count:
        raise ValueError(f"num_outputs is {count}, the node has {output_count} outputs")
    if x.shape is None:
        return (x.of(None),) * count
    along = in_range(axis, x.rank)
    found = parts(x.dims[along], sizes, split, count, opset, node_name)
    return tuple(x.of((*x.dims[:along], n, *x.dims[along + 1 :])) for n in found)


def split_reads(
    outputs: Outputs, x: Tensor, sizes: Tensor | None = None, *, axis: int = 0
) -> dict[int, OutputReads]:
    along = in_range(axis, x.rank)
    # Where the parts are known only at run time, so is the place they are taken from.
    unknown = sizes is not None and sizes.value is None
    reads: dict[int, OutputReads] = {}
    offset: Dim = 0
    for i, part in enumerate(outputs):
        axes: InputRead
        if unknown and i:
            axes = tuple(Whole() if a == along else Along(a) for a in range(x.rank))
        else:
            axes = shifted(x, along, -offset)
            offset = offset + part.dims[along]
        reads[i] = axes, NOTHING
    return reads


define("Split", kind="data movement", infer=split_output, reads=split_reads)
