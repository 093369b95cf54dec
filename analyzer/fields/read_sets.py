"""What do a node's reads make of the sets that the units which it reads have?"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from cnnscope.analyzer.fields.boxes import all_positions
from cnnscope.analyzer.fields.index_sets import MAX_SPANS, IndexSets, Rows, TooMany
from cnnscope.analyzer.fields.joined_sets import read_ranges, side_by_side, union
from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.operators.reading import Along, Coupled, Flat, Listed, Only, Upto, straight
from cnnscope.analyzer.passes.reads import KnownRead
from cnnscope.analyzer.values.window import POINT

#: by input axis, what each unit sees of it. An input of no axes has one, -1, with the index 0
SeenSets = Mapping[InputAxis, IndexSets]


def joined(
    parts: Sequence[tuple[SeenSets, KnownRead, tuple[int, ...]]], after: tuple[int, ...]
) -> SeenSets:
    """What is seen through all of a node's inputs together."""
    beside = _laid_out([(read, before) for _, read, before in parts], after)
    if beside is not None:
        axis, starts = beside
        laid: dict[InputAxis, list[tuple[int, int, IndexSets]]] = {}
        for start, (seen, _, before) in zip(starts, parts, strict=True):
            for key, sets in seen.items():
                laid.setdefault(key, []).append((start, before[axis], sets))
        return {key: side_by_side(those, axis, after[axis]) for key, those in laid.items()}
    moved = [_behind_all(*part, after) for part in parts]
    if all(one is moved[0] for one in moved):
        return moved[0]
    together: dict[InputAxis, list[IndexSets]] = {}
    for one in moved:
        for key, sets in one.items():
            together.setdefault(key, []).append(sets)
    return {key: union(those) for key, those in together.items()}


def _laid_out(
    reads: Sequence[tuple[KnownRead, tuple[int, ...]]], after: tuple[int, ...]
) -> tuple[int, list[int]] | None:
    """Where each output index of an axis reads one of several inputs: the axis, and each one's start."""
    if len(reads) < 2:
        return None
    where = [_start(read, before, after) for read, before in reads]
    axes = {one[0] for one in where if one is not None}
    if None in where or len(axes) != 1:
        return None
    (axis,) = axes
    starts = [one[1] for one in where if one is not None]
    ends = [start + before[axis] for start, (_, before) in zip(starts, reads, strict=True)]
    order = sorted(zip(starts, ends, strict=True))
    apart = all(end <= start for (_, end), (start, _) in itertools.pairwise(order))
    return (axis, starts) if apart and order[0][0] >= 0 and order[-1][1] <= after[axis] else None


def _start(
    read: KnownRead, before: tuple[int, ...], after: tuple[int, ...]
) -> tuple[int, int] | None:
    """Of an input read as it is, but shorter than the output along one axis: that, and where it begins."""
    if not isinstance(read, tuple) or isinstance(read, Coupled) or len(before) != len(after):
        return None
    found: tuple[int, int] | None = None
    for axis, way in enumerate(read):
        if not isinstance(way, Along) or way.axis != axis:
            return None
        window = way.window
        if before[axis] == after[axis] and (window is POINT or window.is_identity):
            continue
        start = window.before
        if window.size != 1 or window.stride != 1 or window.outside != "nothing" or window.unread:
            return None
        if found is not None or not isinstance(start, int):
            return None
        found = axis, start
    return found


def _behind_all(
    seen: SeenSets, read: KnownRead, before: tuple[int, ...], after: tuple[int, ...]
) -> SeenSets:
    """What units see that read an input whose units see this."""
    if read is straight(len(before)) and before == after:
        return seen
    known: dict[int, IndexSets] = {}  # of several axes the same is often seen
    for sets in seen.values():
        if id(sets) not in known:
            known[id(sets)] = behind(sets, read, before, after)
    return {key: known[id(sets)] for key, sets in seen.items()}


def behind(
    sets: IndexSets, read: KnownRead, before: tuple[int, ...], after: tuple[int, ...]
) -> IndexSets:
    """The sets of the units that read units with some sets.

    Raises:
        ValueError: they are too many, or hang on several axes together.
    """
    if isinstance(read, Flat):
        return sets.reshaped(before, after)
    if isinstance(read, Coupled):
        if read.parts is not None:
            raise TooMany("parts of a tensor, each read in a way of its own")
        for step, shape in read.steps:
            there = tuple([d for d in shape if isinstance(d, int)])
            sets, before = behind(sets, step, before, there), there
        return sets
    to: list[int | None] = [None] * len(before)
    for axis, way in enumerate(read if isinstance(read, tuple) else ()):
        length = before[axis]
        if isinstance(way, Along):
            to[axis] = way.axis
            if way.window.is_identity and length == after[way.axis]:
                continue
            if way.window.size * after[way.axis] > MAX_SPANS:
                raise TooMany("a window of many taps")
            taken = all_positions(way.window, after[way.axis], length)
            sets = sets.read(axis, taken, length)
        elif isinstance(way, Listed) and way.table is not None:
            to[axis], table = way.table
            if table.ndim != 1:
                raise TooMany("a table over several axes")
            inside = (table >= 0) & (table < length)
            sets = sets.read(axis, np.where(inside, table, length)[:, None], length)
        elif isinstance(way, Listed | Upto):
            to[axis] = way.axis
            first, last = _ranges(way, after[way.axis], length)
            sets = read_ranges(sets, axis, first, last, length)
        elif isinstance(way, Only):
            if not 0 <= way.lo <= way.hi or way.lo >= length:
                raise TooMany("none of an axis")
            sets = sets.all_of(axis, way.lo, way.hi)
        else:
            sets = sets.all_of(axis)
    if read is None:
        for axis in range(len(before)):
            sets = sets.all_of(axis)
    return sets.moved(to, len(after))


def _ranges(way: Listed | Upto, count: int, length: int) -> tuple[Rows, Rows]:
    """By output index, the first and the last index read; where nothing is, the last before the first."""
    at = np.arange(count)
    if isinstance(way, Upto):
        none, end = np.zeros(count, np.intp), np.full(count, length - 1)
        return (at, end) if way.reverse else (none, np.minimum(at, end))
    rows: Iterable[tuple[int, int]] = [(1, 0) if row is None else row for row in way.rows]
    first, last = np.array(list(rows), np.intp).reshape(-1, 2).T
    return np.maximum(first, 0), np.minimum(last, length - 1)
