"""Picking elements by a mask: how many are left, and where did each lie?"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import (
    FLAT,
    Along,
    AxisRead,
    Coupled,
    Listed,
    OutputReads,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import Outputs, in_range
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.tensor import Tensor


def compress_output(
    x: Tensor, condition: Tensor, *, axis: int | None = None, node_name: str = ""
) -> Tensor:
    count: Dim = FreeDim.from_data(f"{node_name} count")
    if condition.value is not None:
        count = sum(map(bool, condition.numbers))
    if axis is None:
        return x.of((count,))
    if x.shape is None:
        return x.of(None)
    along = in_range(axis, x.rank)
    return x.of((*x.dims[:along], count, *x.dims[along + 1 :]))


def compress_reads(
    outputs: Outputs, x: Tensor, condition: Tensor, *, axis: int | None = None
) -> OutputReads:
    mask = everything(condition)
    if axis is None:
        total = x.size
        if condition.value is None or not isinstance(total, int) or total > MAX_PERIOD:
            return everything(x), mask
        rows = tuple((i, i) for i, on in enumerate(condition.numbers) if on)
        flat = (Listed(0, rows),)
        return Coupled(everything(x), steps=((FLAT, (total,)), (flat, (len(rows),)))), mask
    along = in_range(axis, x.rank)
    chosen: AxisRead = Whole()
    if condition.value is not None:
        chosen = Listed(along, tuple((i, i) for i, on in enumerate(condition.numbers) if on))
    return tuple(chosen if i == along else Along(i) for i in range(x.rank)), mask


define("Compress", kind="indexing", infer=compress_output, reads=compress_reads)
