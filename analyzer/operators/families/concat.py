"""Joining along an axis: where does each part lie?

Nothing here costs work; output i along the axis reads input ``i - offset of the part``.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import Along, Beside, InputRead, OutputReads
from cnnscope.analyzer.operators.rules import Outputs, in_range
from cnnscope.analyzer.values.conditions import agree
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window


def concat_output(*inputs: Tensor, axis: int = 1) -> Tensor:
    dtype = next((x.dtype for x in inputs if x.dtype is not None), None)
    if any(x.shape is None for x in inputs):
        return Tensor(dtype, None)
    rank = inputs[0].rank
    if any(x.rank != rank for x in inputs):
        raise ValueError(f"inputs of {sorted({x.rank for x in inputs})} axes can't be joined")
    along = in_range(axis, rank)
    shape: list[Dim] = []
    for i in range(rank):
        dims = [x.dims[i] for x in inputs]
        known = [dim for dim in dims if isinstance(dim, int)]
        if i == along:
            total: Dim = 0
            for dim in dims:
                total = total + dim
            shape.append(total)
        else:
            length = known[0] if known else dims[0]
            if not all(agree(dim, length) for dim in dims):
                lengths = " and ".join(map(str, sorted(set(known))))
                raise ValueError(f"axis {i} is of length {lengths}")
            shape.append(length)
    return Tensor(dtype, tuple(shape))


def shifted(x: Tensor, axis: int, offset: Dim) -> InputRead:
    """Every axis as it is, but for one where the output's index 0 is the input's -offset."""
    if isinstance(offset, FreeDim):
        raise Undetermined(f"the offset {offset}", offset.names, offset.data)
    return tuple(
        Along(i, Window(before=offset)) if i == axis and offset else Along(i) for i in range(x.rank)
    )


def concat_reads(outputs: Outputs, *inputs: Tensor, axis: int = 1) -> OutputReads:
    after = outputs[0].dims
    along = in_range(axis, len(after))
    sides = after[:along], after[along + 1 :]
    offsets: list[int] = []
    offset: Dim = 0
    even = True
    for x in inputs:
        if isinstance(offset, FreeDim):
            raise Undetermined(f"the offset {offset}", offset.names, offset.data)
        offsets.append(offset)
        dims = x.dims
        offset = offset + dims[along]
        even = even and (dims[:along], dims[along + 1 :]) == sides
    return Beside(len(after), along, offsets, even)


define("Concat", kind="data movement", infer=concat_output, reads=concat_reads)
