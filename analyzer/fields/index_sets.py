"""Which indices does each unit of a tensor have, all units at once: how are so many sets kept and moved?

A set is a few *spans*, in order and apart from each other; a span is one number, ``first << 32 | last``,
so that sets are put together by sorting. Units that have the same set share a row: along each axis of the
tensor a map says which row an index stands for, and none where it doesn't matter. So what a plain network's
units see along the height takes a row for each index of the height and nothing for channels and width.

What a read makes of the sets is exact: behind it a unit has the union of what it reads, and nothing where
it reads nothing along some axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.fields.boxes import Indices
from cnnscope.analyzer.fields.reshapes import shape_groups
from cnnscope.analyzer.values.plain_class import dataclass

Spans = npt.NDArray[np.int64]
#: along an axis, by index: the row
Rows = npt.NDArray[np.intp]

#: no span; it sorts behind all
NOTHING = 1 << 62
_LAST = (1 << 32) - 1
#: spans that one step may take in hand, and indices that a map may have
MAX_SPANS = 1 << 20


class TooMany(ValueError):
    """There are too many sets, or they hang on the unit in a way that rows don't tell."""


@dataclass(frozen=True, slots=True, eq=False)
class IndexSets:
    """A set of indices for each unit of a tensor.

    Args:
        spans: an axis per axis of the tensor, and one for the spans of a set.
        rows: by axis, which row an index stands for, in the order of the indices; None: all of
            them for the only one.
    """

    spans: Spans
    rows: tuple[Rows | None, ...]

    @classmethod
    def own_indices(cls, rank: int, axis: int, length: int) -> IndexSets:
        """Each unit has its own index along an axis."""
        shape = [1] * (rank + 1)
        shape[axis] = length
        at = np.arange(length)
        rows: list[Rows | None] = [None] * rank
        rows[axis] = at if length > 1 else None
        return cls(((at << 32) | at).reshape(shape), tuple(rows))

    @property
    def rank(self) -> int:
        """How many axes the tensor has."""
        return len(self.rows)

    def read(self, axis: int, taken: Indices, length: int) -> IndexSets:
        """Index i of an axis read as the indices ``taken[i]``; `length` stands for nothing."""
        own, nothing = self.rows[axis], self.spans.shape[axis]
        if own is None:
            reached = (taken < length).any(axis=1)
            if reached.all():
                return self
            numbers = np.where(reached, 0, nothing)[:, None]
        else:
            numbers = np.append(own, nothing)[taken]
        firsts, rows = stretches(numbers)
        chosen = numbers[firsts]
        allow(chosen.size * self.spans.size // nothing)
        spans = np.moveaxis(self._with_nothing(axis).take(chosen, axis=axis), axis + 1, -2)
        return self._replaced(axis, merged(spans.reshape(*spans.shape[:-2], -1)), rows)

    def all_of(self, axis: int, first: int = 0, last: int | None = None) -> IndexSets:
        """Every index of an axis read as all of them, or those from a first to a last one."""
        own = self.rows[axis]
        if own is None:
            return self
        spans = self.spans
        if last is not None:
            spans = spans.take(np.unique(own[first : last + 1]), axis=axis)
        allow(spans.size)
        spans = np.moveaxis(spans, axis, -2)
        spans = spans.reshape(*spans.shape[:-2], -1)
        return self._replaced(axis, merged(np.expand_dims(spans, axis)), None)

    def moved(self, to: Sequence[int | None], rank: int) -> IndexSets:
        """The sets by the axes of another tensor, which move along this one's.

        Raises:
            TooMany: two axes move along the same one.
        """
        mine = [axis for axis, own in enumerate(self.rows) if own is not None]
        targets = [to[axis] for axis in mine]
        if len(set(targets)) < len(targets) or None in targets:
            raise TooMany("axes that are read together")
        rows: list[Rows | None] = [None] * rank
        shape = [1] * rank
        order = sorted(mine, key=lambda axis: to[axis] or 0)
        for axis in order:
            rows[to[axis] or 0] = self.rows[axis]
            shape[to[axis] or 0] = self.spans.shape[axis]
        others = [axis for axis in range(self.rank) if axis not in mine]
        spans = self.spans.transpose(*others, *order, self.rank)
        return IndexSets(spans.reshape(*shape, -1), tuple(rows))

    def reshaped(self, before: tuple[int, ...], after: tuple[int, ...]) -> IndexSets:
        """The sets behind a change of shape that keeps row-major order."""
        groups = shape_groups(before, after)
        sizes = [math.prod(self.spans.shape[axis] for axis in old) for old, _ in groups]
        spans = self.spans.reshape(*sizes, -1)
        rows: list[Rows | None] = []
        at = 0  # the axis of `spans` that has a group's rows
        for old, new in groups:
            lengths = tuple(after[axis] for axis in new)
            if math.prod(lengths) != math.prod(before[axis] for axis in old):
                raise TooMany("a shape of another size")
            mine = [axis for axis in old if self.rows[axis] is not None]
            wide = [k for k, length in enumerate(lengths) if length > 1]
            told: list[Rows | None] = [None] * len(new)
            if len(mine) == 1 and len(wide) == 1 and before[mine[0]] == lengths[wide[0]]:
                told[wide[0]] = self.rows[mine[0]]
                spans = spans.reshape(
                    *spans.shape[:at], *(spans.shape[at] if k == wide[0] else 1 for k in range(len(new))),
                    *spans.shape[at + 1 :],
                )  # fmt: skip
            elif mine:
                numbers = self._flat(list(old), before).reshape(lengths)
                for k in range(len(new)):
                    firsts, told[k] = stretches(np.moveaxis(numbers, k, 0).reshape(lengths[k], -1))
                    numbers = numbers.take(firsts, axis=k)
                    if len(firsts) == 1:
                        told[k] = None
                    lengths = numbers.shape
                spans = spans.take(numbers, axis=at)
            else:
                spans = spans.reshape(*spans.shape[:at], *(1,) * len(new), *spans.shape[at + 1 :])
            rows += told
            at += len(new)
        allow(spans.size)
        return IndexSets(spans, tuple(rows))

    def of(self, unit: Sequence[Rows | int | None]) -> Spans:
        """The spans of one unit; of several together where an axis has several indices or all (None)."""
        found, one = self.spans, True
        for axis in reversed(range(self.rank)):
            own, index = self.rows[axis], unit[axis]
            if own is None:
                continue
            if isinstance(index, int):
                found = found.take(own[index : index + 1], axis=axis)
                continue
            one = False
            if index is not None:
                found = found.take(np.unique(own[index]), axis=axis)
        return found.ravel() if one else together([found.ravel()])

    def _flat(self, axes: Sequence[int], lengths: tuple[int, ...]) -> Rows:
        """For the elements along some axes in row-major order, the row among all theirs."""
        allow(math.prod(lengths[axis] for axis in axes))
        numbers = np.zeros(1, np.intp)
        for axis in axes:
            own = self.rows[axis]
            mine = np.zeros(lengths[axis], np.intp) if own is None else own
            numbers = np.add.outer(numbers * self.spans.shape[axis], mine).ravel()
        return numbers

    def _with_nothing(self, axis: int) -> Spans:
        """The spans with a row more along an axis, of a unit that has none."""
        shape = list(self.spans.shape)
        shape[axis] = 1
        return np.concatenate([self.spans, np.full(shape, NOTHING)], axis=axis)

    def _replaced(self, axis: int, spans: Spans, rows: Rows | None) -> IndexSets:
        few = spans.shape[axis] == 1
        return IndexSets(spans, (*self.rows[:axis], None if few else rows, *self.rows[axis + 1 :]))


def together(found: Sequence[Spans]) -> Spans:
    """Several sets as one."""
    flat: Spans = merged(np.concatenate(found)[None])[0]
    return flat


def spans_of(found: Spans) -> tuple[tuple[int, int], ...]:
    """A set's spans, first and last index of each."""
    return tuple([(key >> 32, key & _LAST) for key in found.tolist() if key < NOTHING])


def stretches(numbers: Rows) -> tuple[Rows, Rows]:
    """Of lines of numbers, where each stretch of equal ones begins; and by line, which stretch."""
    begins = np.ones(len(numbers), bool)
    np.any(numbers[1:] != numbers[:-1], axis=1, out=begins[1:])
    return np.flatnonzero(begins), np.cumsum(begins) - 1


def merged(spans: Spans) -> Spans:
    """Sets whose spans lie in any order and overlap, with as few spans as can be."""
    if spans.shape[-1] == 1:
        return spans
    spans = np.sort(spans, axis=-1)
    first, last = spans >> 32, np.maximum.accumulate(spans & _LAST, axis=-1)
    there = spans < NOTHING
    apart = there[..., 1:] & (first[..., 1:] > last[..., :-1] + 1)
    if not apart.any():
        return (first[..., :1] << 32) | last[..., -1:]
    begins = there.copy()
    begins[..., 1:] = apart
    ends = there.copy()
    ends[..., :-1] &= apart | ~there[..., 1:]
    number = np.cumsum(begins, axis=-1) - 1
    found = np.full((*spans.shape[:-1], int(number.max()) + 1), NOTHING)
    found[(*np.nonzero(begins)[:-1], number[begins])] = (first[begins] << 32) | last[ends]
    return found


def allow(spans: int) -> None:
    """Raises `TooMany` where a step would take too many spans in hand."""
    if spans > MAX_SPANS:
        raise TooMany(f"more than {MAX_SPANS} spans")
