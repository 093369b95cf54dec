"""Containers: what does a sequence or an optional hold?

A sequence is known by what all its elements share (dtype, rank, the lengths that agree), by how many
there are, and, where they differ, by each of them, in runs of elements alike (`Tensor.runs`). In what
they share, a length on which they differ is a `FreeDim` of data. Its axes, in `reads`, are those of
its elements. None of this is arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.sequence_runs import (
    common,
    held,
    listed,
    of_runs,
    place,
    sequence,
    split_at,
)
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    OutputReads,
    Whole,
    nothing_read,
)
from cnnscope.analyzer.operators.rules import Outputs, in_range
from cnnscope.analyzer.values.conditions import agree, reaches
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor, dtype_of


def alike(x: Tensor) -> InputRead:
    """Every axis point by point."""
    shape = held(x).shape
    return NOTHING if shape is None else tuple(Along(i) for i in range(len(shape)))


def construct_output(*inputs: Tensor, node_name: str = "") -> Tensor:
    return of_runs([(x.of(x.shape), 1) for x in inputs], inputs[0].dtype, node_name)


def construct_reads(outputs: Outputs, *inputs: Tensor) -> OutputReads:
    return tuple(alike(x) for x in inputs)


def empty_output(*, dtype: int = 1) -> Tensor:
    return sequence(Tensor(dtype_of(dtype), None), 0)


def at_output(items: Tensor, position: Tensor) -> Tensor:
    if not isinstance(items.length, int):
        return held(items)
    at = place(position, items.length, items.length - 1)
    runs = listed(items)
    if at is None or runs is None:
        return held(items)
    return split_at(runs, at)[1][0][0]


def insert_output(
    items: Tensor, x: Tensor, position: Tensor | None = None, *, node_name: str = ""
) -> Tensor:
    new = x.of(x.shape)
    runs = listed(items)
    if isinstance(items.length, int):
        at = items.length if position is None else place(position, items.length, items.length)
        if runs is not None and (at is not None or not runs):
            before, behind = split_at(runs, at or 0)
            return of_runs([*before, (new, 1), *behind], x.dtype, node_name)
    element = new if items.length == 0 else common(held(items), new, node_name)
    return sequence(element, None if items.length is None else items.length + 1)


def insert_reads(
    outputs: Outputs, items: Tensor, x: Tensor, position: Tensor | None = None
) -> OutputReads:
    return alike(items), alike(x), NOTHING


def erase_output(items: Tensor, position: Tensor | None = None, *, node_name: str = "") -> Tensor:
    if items.length == 0:
        raise ValueError("nothing to erase from an empty sequence")
    if not isinstance(items.length, int):
        return sequence(held(items), None if items.length is None else items.length - 1)
    last = items.length - 1
    at = last if position is None else place(position, items.length, last)
    runs = listed(items)
    if at is None or runs is None:
        return sequence(held(items), last)
    before, behind = split_at(runs, at)
    (x, count), *rest = behind
    return of_runs([*before, (x, count - 1), *rest], items.dtype, node_name)


def item_reads(outputs: Outputs, items: Tensor, position: Tensor | None = None) -> OutputReads:
    return alike(items), NOTHING


def length_output(items: Tensor) -> Tensor:
    if items.length is None:
        return Tensor("int64", ())
    free = isinstance(items.length, FreeDim)
    value = np.empty((), dtype=object if free else np.int64)
    value[()] = items.length
    return Tensor("int64", (), value=value)


def split_output(
    x: Tensor, split: Tensor | None = None, *, axis: int = 0, keepdims: int = 1,
    node_name: str = "",
) -> Tensor:  # fmt: skip
    """Parts of one length (the last may be shorter), or of the lengths listed."""
    if x.shape is None:
        return sequence(x.of(None), None)
    along = in_range(axis, x.rank)
    before, n, after = x.dims[:along], x.dims[along], x.dims[along + 1 :]
    if split is None:
        return sequence(x.of((*before, *((1,) if keepdims else ()), *after)), n)
    part: Dim = FreeDim.from_data(f"{node_name} element axis {along}")
    count: Dim | None = None
    parts: list[tuple[Dim, int]] | None = None
    if split.shape is not None and split.rank == 1:
        count = split.dims[0]
        if split.value is not None:
            parts = [(size, 1) for size in split.lengths]
            total: Dim = sum((size for size, _ in parts), start=0)
            if not agree(n, total):
                raise ValueError(f"parts of {total} together, of a tensor of {n}")
            if not all(reaches(size, 0) for size, _ in parts):
                raise ValueError("a part has a negative length")
    elif split.value is not None:
        size = split.only_number
        if size < 1:
            raise ValueError(f"parts of length {size}")
        count = -((-n) // size)
        part = size if n % size == 0 else part
        if isinstance(n, int):
            parts = [(size, n // size), (n % size, 1 if n % size else 0)]
    if parts is not None:
        runs = [(x.of((*before, size, *after)), times) for size, times in parts]
        return of_runs(runs, x.dtype, node_name)
    return sequence(x.of((*before, part, *after)), count)


def split_reads(
    outputs: Outputs, x: Tensor, split: Tensor | None = None, *, axis: int = 0, keepdims: int = 1
) -> OutputReads:
    """Which part an element is can't be told: any of the axis."""
    along = in_range(axis, x.rank)
    shift = 1 if split is None and not keepdims else 0
    reads: list[AxisRead] = [Along(i - (shift if i > along else 0)) for i in range(x.rank)]
    reads[along] = Whole()
    return tuple(reads), NOTHING


def _demand_joinable(elements: Sequence[Tensor], along: int | None) -> None:
    """Raise ValueError where elements surely differ along another axis than the one joined."""
    first = elements[0]
    for x in elements[1:]:
        differs = x.rank != first.rank or any(
            axis != along and not agree(m, n)
            for axis, (m, n) in enumerate(zip(x.dims, first.dims, strict=True))
        )
        if differs:
            raise ValueError("the elements differ in a length that isn't joined")


def concat_output(items: Tensor, *, axis: int, new_axis: int = 0, node_name: str = "") -> Tensor:
    element = held(items)
    if items.length == 0:
        raise ValueError("nothing to join in an empty sequence")
    if items.runs is not None:
        first = items.runs[0][0].rank
        _demand_joinable([x for x, _ in items.runs], None if new_axis else in_range(axis, first))
    if element.shape is None:
        return element.of(None)
    shape = list(element.dims)
    joined: Dim = FreeDim.from_data(f"{node_name} axis {axis}")
    along = in_range(axis, len(shape) + (1 if new_axis else 0))
    if new_axis:
        shape.insert(along, joined if items.length is None else items.length)
        return element.of(tuple(shape))
    dim = shape[along]
    if items.runs is not None:
        joined = sum((x.dims[along] * count for x, count in items.runs), start=0)
    # A length on which the elements differ is that of none.
    elif items.length is not None and not (isinstance(dim, FreeDim) and dim.data):
        joined = items.length * dim
    shape[along] = joined
    return element.of(tuple(shape))


def concat_reads(outputs: Outputs, items: Tensor, *, axis: int, new_axis: int = 0) -> OutputReads:
    """Which element an output comes from isn't followed: the joined axis is read whole."""
    rank = held(items).rank
    if new_axis:
        along = in_range(axis, rank + 1)
        return (tuple(Along(i + (i >= along)) for i in range(rank)),)
    along = in_range(axis, rank)
    return (tuple(Whole() if i == along else Along(i) for i in range(rank)),)


def optional_output(x: Tensor | None = None) -> Tensor:
    if x is None:
        return Tensor(kind="optional")
    return Tensor(x.dtype, kind="optional", element=x)


def has_element_output(x: Tensor | None = None) -> Tensor:
    if x is None:
        return Tensor("bool", (), value=np.array(False))
    return Tensor("bool", (), value=np.array(True) if x.kind != "optional" else None)


define("SequenceConstruct", kind="sequence", infer=construct_output, reads=construct_reads)
define("SequenceEmpty", kind="sequence", infer=empty_output)
define("SequenceAt", kind="sequence", infer=at_output, reads=item_reads)
define("SequenceInsert", kind="sequence", infer=insert_output, reads=insert_reads)
define("SequenceErase", kind="sequence", infer=erase_output, reads=item_reads)
define("SequenceLength", kind="sequence", infer=length_output, reads=nothing_read)
define("SplitToSequence", kind="sequence", infer=split_output, reads=split_reads)
define("ConcatFromSequence", kind="sequence", infer=concat_output, reads=concat_reads)
define("Optional", kind="sequence", infer=optional_output, reads=construct_reads)
define("OptionalGetElement", kind="sequence", infer=held, reads=item_reads)
define("OptionalHasElement", kind="sequence", infer=has_element_output, reads=nothing_read)
