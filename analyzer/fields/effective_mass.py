"""How much of a unit hangs on each element of a tensor: how is that kept, added up and reshaped?

Along each axis a map says which row of the values an index stands for, and none where all indices have
the same (as channels do nearly everywhere), so that a layer costs as much as its pixels. An index of which
nothing hangs has the row -1. The values carry a power of two besides, so that no depth of a network
makes them too large or too small for a float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.fields.reshapes import shape_groups
from cnnscope.analyzer.values.plain_class import dataclass

Values = npt.NDArray[np.float64]
#: along an axis, by index: the row, or -1
Rows = npt.NDArray[np.intp]
#: up to so many elements are laid out in full where axes are cut or joined
MAX_ELEMENTS = 1 << 25
#: how far the values' largest may be from 1, as a power of two, before the exponent takes it over
_FAR = 64


@dataclass(frozen=True, slots=True, eq=False)
class Mass:
    """What hangs on each element of a tensor.

    Args:
        values: an axis per axis of the tensor.
        rows: by axis, which row of the values an index stands for; None: all of them for the only one.
        exponent: the values are times ``2**exponent``.
    """

    values: Values
    rows: tuple[Rows | None, ...]
    exponent: int = 0

    @classmethod
    def of_unit(cls, unit: Sequence[int | None], lengths: Sequence[int]) -> Mass:
        """1 at one unit; at all along an axis where its index is None."""
        rows: list[Rows | None] = []
        for index, length in zip(unit, lengths, strict=True):
            own = None
            if index is not None and length > 1:
                own = np.full(length, -1)
                own[index] = 0
            rows.append(own)
        return cls(np.ones((1,) * len(lengths)), tuple(rows))

    def levelled(self) -> Mass | None:
        """The same, its largest value near 1; None where nothing is left."""
        most = float(self.values.max(initial=0.0))
        if most <= 0:
            return None
        power = math.frexp(most)[1]
        if abs(power) <= _FAR:
            return self
        return Mass(np.ldexp(self.values, -power), self.rows, self.exponent + power)

    def times(self, factor: float) -> Mass:
        """As many times as much."""
        return self if factor == 1 else Mass(self.values * factor, self.rows, self.exponent)

    def plus(self, other: Mass) -> Mass:
        """Both together."""
        top = max(self.exponent, other.exponent)
        one, two = (np.ldexp(m.values, m.exponent - top) for m in (self, other))
        rows: list[Rows | None] = []
        for axis, (mine, theirs) in enumerate(zip(self.rows, other.rows, strict=True)):
            if mine is theirs or (
                mine is not None and theirs is not None and np.array_equal(mine, theirs)
            ):
                rows.append(mine)
                continue
            first, second, both = _refined(mine, theirs, two.shape[axis])
            one, two = taken(one, axis, first), taken(two, axis, second)
            rows.append(both)
        return Mass(one + two, tuple(rows), top)

    def whole(self, axes: Sequence[int], lengths: Sequence[int]) -> Values:
        """The values with some axes laid out index by index.

        Raises:
            ValueError: they are too many.
        """
        size = self.values.size
        for axis in axes:
            size = size // self.values.shape[axis] * lengths[axis]
        if size > MAX_ELEMENTS:
            raise ValueError(f"effective fields are told up to {MAX_ELEMENTS} elements at once")
        found = self.values
        for axis in axes:
            own = self.rows[axis]
            found = taken(found, axis, np.zeros(lengths[axis], np.intp) if own is None else own)
        return found

    def over(self, axes: Sequence[int], lengths: Sequence[int]) -> Values:
        """What hangs on the indices of some axes, summed over the others; the exponent left out."""
        found = self.values
        for axis, own in enumerate(self.rows):
            if axis not in axes:
                times = np.array([lengths[axis]]) if own is None else np.bincount(own[own >= 0])
                shape = [-1 if k == axis else 1 for k in range(found.ndim)]
                found = (found * times.reshape(shape)).sum(axis=axis, keepdims=True)
        laid = Mass(found, self.rows).whole(axes, lengths)
        return laid.reshape([lengths[axis] for axis in axes])

    def reshaped(self, before: tuple[int, ...], after: tuple[int, ...]) -> Mass:
        """Behind a change of shape that keeps row-major order.

        Raises:
            ValueError: the sizes differ, or what is to be laid out is too large.
        """
        found, at = self, 0  # the axis of `found` where a group begins
        for old, new in shape_groups(before, after):
            lengths = tuple(after[axis] for axis in new)
            if math.prod(lengths) != math.prod(before[axis] for axis in old):
                raise ValueError(f"shapes {before} and {after} differ in size")
            old_lengths = [before[axis] for axis in old]
            found = found._regrouped(range(at, at + len(old)), old_lengths, lengths)
            at += len(new)
        return found

    def _regrouped(self, axes: range, before: Sequence[int], after: tuple[int, ...]) -> Mass:
        """A run of axes as others that hold the same elements."""
        first, last = axes.start, axes.stop
        shape, rows = self.values.shape, self.rows
        new: list[Rows | None] = [None] * len(after)
        if tuple(before) == after:
            return self
        if all(rows[axis] is None for axis in axes):
            values = self.values.reshape(*shape[:first], *(1,) * len(after), *shape[last:])
            return Mass(values, (*rows[:first], *new, *rows[last:]), self.exponent)
        lengths = dict(zip(axes, before, strict=True))
        laid = self.whole(axes, [lengths.get(axis, 1) for axis in range(len(shape))])
        values = laid.reshape(*shape[:first], *after, *shape[last:])
        for k, length in enumerate(after):
            values, new[k] = settled(values, first + k, np.arange(length), length)
        return Mass(values, (*rows[:first], *new, *rows[last:]), self.exponent)


def taken(values: Values, axis: int, rows: Rows) -> Values:
    """The values with rows of an axis as listed, 0 for the row -1."""
    if rows.size and rows.min() < 0:
        nothing = list(values.shape)
        nothing[axis] = 1
        values = np.concatenate([values, np.zeros(nothing)], axis=axis)
    found: Values = values.take(rows, axis=axis)
    return found


def settled(values: Values, axis: int, indices: Rows, length: int) -> tuple[Values, Rows | None]:
    """Values of some indices of an axis with equal neighbours as one row, and the rows by index.

    Args:
        indices: those that the rows of the values stand for, rising; of all others nothing hangs.
        length: of the axis.
    """
    lines = np.moveaxis(values, axis, 0).reshape(len(indices), -1)
    there = lines.any(axis=1)
    begins = np.ones(len(indices), bool)
    np.any(lines[1:] != lines[:-1], axis=1, out=begins[1:])
    begins &= there
    number = np.where(there, np.cumsum(begins) - 1, -1)
    rows = np.full(length, -1)
    rows[indices] = number
    if not begins.all():
        values = values.take(np.flatnonzero(begins), axis=axis)
    if values.shape[axis] == 1 and there.all() and len(indices) == length:
        return values, None
    return values, rows


def _refined(mine: Rows | None, theirs: Rows | None, count: int) -> tuple[Rows, Rows, Rows]:
    """Rows that tell apart what either of two maps does: which of the one's and of the other's each is."""
    length = len(mine if mine is not None else theirs if theirs is not None else ())
    one = np.zeros(length, np.intp) if mine is None else mine
    two = np.zeros(length, np.intp) if theirs is None else theirs
    pairs, number = np.unique((one + 1) * (count + 1) + two + 1, return_inverse=True)
    if pairs.size and pairs[0] == 0:
        pairs, number = pairs[1:], number - 1
    return pairs // (count + 1) - 1, pairs % (count + 1) - 1, number.reshape(-1)
