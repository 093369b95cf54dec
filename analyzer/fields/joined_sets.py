"""What do several sets of indices come to together: laid over each other, or side by side?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cnnscope.analyzer.fields.index_sets import (
    NOTHING,
    IndexSets,
    Rows,
    Spans,
    allow,
    merged,
    stretches,
)


def union(sets: Sequence[IndexSets]) -> IndexSets:
    """Unit by unit, what all of some sets have together."""
    several = list({id(one): one for one in sets}.values())
    if len(several) == 1:
        return several[0]
    spans, rows = _in_common_rows(several)
    shape = np.broadcast_shapes(*(one.shape[:-1] for one in spans))
    allow(math.prod(shape) * sum(one.shape[-1] for one in spans))
    laid = [np.broadcast_to(one, (*shape, one.shape[-1])) for one in spans]
    return IndexSets(merged(np.concatenate(laid, axis=-1)), rows)


def side_by_side(parts: Sequence[tuple[int, int, IndexSets]], axis: int, length: int) -> IndexSets:
    """Parts of an axis put one beside another: each with its first index and how many it has."""
    first = parts[0][2]
    if (
        first.rows[axis] is None
        and all(one is first for _, _, one in parts)
        and sum(count for _, count, _ in parts) == length
    ):
        return first
    parts = sorted(parts, key=lambda part: part[0])
    spans, rows = _in_common_rows([one for _, _, one in parts], axis)
    shape = list(
        np.broadcast_shapes(*{(*a.shape[:axis], 1, *a.shape[axis + 1 : -1]) for a in spans})
    )
    most = max(one.shape[-1] for one in spans)
    nothing = np.full((*shape, most), NOTHING)
    allow(nothing.size * (sum(one.shape[axis] for one in spans) + len(parts) + 1))
    laid: list[Spans] = []
    counts: list[int] = []  # of indices, for each row
    at = 0
    for (start, count, one), mine in zip(parts, spans, strict=True):
        if start > at:  # where no part is, there's nothing
            laid.append(nothing)
            counts.append(start - at)
        own, at = one.rows[axis], start + count
        counts += [count] if own is None else np.bincount(own).tolist()
        shape[axis] = mine.shape[axis]
        laid.append(mine if mine.shape == (*shape, most) else _widened(mine, (*shape, most)))
    if length > at:
        laid.append(nothing)
        counts.append(length - at)
    told = np.repeat(np.arange(len(counts)), counts) if len(counts) > 1 else None
    return IndexSets(np.concatenate(laid, axis), (*rows[:axis], told, *rows[axis + 1 :]))


def _widened(spans: Spans, shape: tuple[int, ...]) -> Spans:
    """The same sets for more rows, with room for more spans."""
    found = np.full(shape, NOTHING)
    found[..., : spans.shape[-1]] = spans
    return found


def _in_common_rows(
    sets: Sequence[IndexSets], but: int | None = None
) -> tuple[list[Spans], tuple[Rows | None, ...]]:
    """The spans of several sets in rows that are the same ones, but for an axis that is left alone."""
    spans, rows = [one.spans for one in sets], list(sets[0].rows)
    kinds = list({id(one.rows): one.rows for one in sets}.values())
    for axis in range(sets[0].rank):
        told = list({id(own): own for of in kinds if (own := of[axis]) is not None}.values())
        if axis == but or not told:
            rows[axis] = None
            continue
        rows[axis] = told[0]
        if len(told) > 1:
            firsts, rows[axis] = stretches(np.stack(told, axis=1))
            spans = [
                one if own is None else one.take(own[firsts], axis=axis)
                for one, own in zip(spans, [one.rows[axis] for one in sets], strict=True)
            ]
    return spans, tuple(rows)


def read_ranges(sets: IndexSets, axis: int, first: Rows, last: Rows, length: int) -> IndexSets:
    """Index i of an axis read as the indices from ``first[i]`` to ``last[i]``."""
    # Sets of 1, 2, 4, ... indices from each one on; two of them overlap to any range.
    counts = np.maximum(last - first + 1, 0)
    powers = np.frexp(np.maximum(counts, 1))[1] - 1
    some, parts = sets, []
    at = np.arange(length)
    for power in range(int(powers.max(initial=0)) + 1):
        mine = (powers == power) & (counts > 0)
        if mine.any() or not power:
            ends = np.stack([first, last - (1 << power) + 1], axis=1)
            parts.append(some.read(axis, np.where(mine[:, None], ends, length), length))
        ahead = np.minimum(at + (1 << power), length)
        some = some.read(axis, np.stack([at, ahead], axis=1), length)
    return union(parts)
