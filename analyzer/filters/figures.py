"""How large are a layer's weights, how many are zero, and which filters are dead or there twice?

Two filters are *nearly* the same where the root mean square of their difference is at most ``max|w|/254``,
half a step of the layer's symmetric 8-bit grid: rounding to 8 bits, the commonest way of storing weights, may
move each of them as far. A filter is nearly dead where it is nearly the filter of zeros. Which filters are
near each other is told by the products of all pairs where these are at most `PAIRS`; else filters that are
near after a random projection to `PROJECTED` columns are looked at (Johnson & Lindenstrauss 1984), and since
each is then measured itself, nothing is found that isn't so; what is missed has a probability below 1e-20.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from cnnscope.analyzer.values.plain_class import dataclass

#: half a step of 8 bits with a sign, over the largest weight
HALF_STEP: Final = 1 / 254
#: multiplications for all pairs of filters
PAIRS: Final = 1 << 36
PROJECTED: Final = 64
#: filters beyond which near ones aren't looked for
COMPARED: Final = 1 << 16
#: what isn't smaller can't be squared
TOO_LARGE: Final = 1e150
_ROWS: Final = 1 << 22  # numbers gone through at a time


@dataclass(frozen=True, eq=False)
class WeightFigures:
    """Of all weights of a layer; what isn't a finite number is counted, and left out of all else.

    Args:
        least, most, mean, std: of the weights; None: there is no usable number.
        norm: square root of the sum of their squares.
        zeros: how many are 0.
        unusable: how many are NaN or infinite, or too large to be squared.
        norms: of each filter.
        lows, highs: of each filter, the least and the largest weight; NaN: there is no usable number.
        filter_zeros: of each filter, how many weights are 0.
    """

    least: float | None
    most: float | None
    mean: float | None
    std: float | None
    norm: float
    zeros: int
    unusable: int
    norms: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    filter_zeros: np.ndarray

    @property
    def largest(self) -> float:
        """The largest absolute value."""
        return max(-(self.least or 0.0), self.most or 0.0, 0.0)


def weight_figures(filters: np.ndarray) -> WeightFigures:
    """The figures of filters, a row each, gone through piece by piece."""
    rows, columns = filters.shape
    norms, lows, highs = (np.zeros(rows) for _ in range(3))
    zeros = np.zeros(rows, np.int64)
    total, unusable = 0.0, 0
    for at, piece in _pieces(filters):
        usable = _usable(piece)
        bad = piece.size - int(np.count_nonzero(usable))
        if bad:
            unusable += bad
            piece = np.where(usable, piece, 0)
            zeros[at] -= np.count_nonzero(~usable, axis=1)
        zeros[at] += np.count_nonzero(piece == 0, axis=1)
        lows[at] = np.min(piece, axis=1, where=usable, initial=np.inf)
        highs[at] = np.max(piece, axis=1, where=usable, initial=-np.inf)
        norms[at] = np.einsum("ij,ij->i", piece, piece)
        total += float(piece.sum())
    count, squares = rows * columns - unusable, float(norms.sum())
    least = most = mean = std = None
    if count:
        least, most, mean = float(lows.min()), float(highs.max()), total / count
        std = float(np.sqrt(max(0.0, squares / count - mean * mean)))
    nothing = lows > highs
    lows[nothing] = highs[nothing] = np.nan
    return WeightFigures(
        least, most, mean, std, float(np.sqrt(squares)), int(zeros.sum()), unusable,
        np.sqrt(norms), lows, highs, zeros,
    )  # fmt: skip


def _usable(numbers: np.ndarray) -> np.ndarray:
    """Which numbers are finite, and can be squared."""
    if numbers.dtype == np.float32:
        return np.asarray(np.isfinite(numbers))
    return np.asarray(np.abs(numbers) < TOO_LARGE)


def _pieces(filters: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Some filters at a time, in float64."""
    step = max(1, _ROWS // max(1, filters.shape[1]))
    for start in range(0, len(filters), step):
        at = slice(start, start + step)
        yield at, filters[at].astype(np.float64)


@dataclass(frozen=True, slots=True)
class Repeats:
    """Which filters carry nothing, or nothing of their own.

    Args:
        tolerance: root mean square difference of filters that are nearly the same.
        dead, nearly_dead: indices of filters of nothing but zeros, and of others that are near them.
        same: groups of equal filters that aren't dead.
        nearly: groups that hang together by pairs that are nearly the same, equal ones included, nearly
            dead ones left out; None: not looked for, there are too many filters.
    """

    tolerance: float
    dead: tuple[int, ...]
    nearly_dead: tuple[int, ...]
    same: tuple[tuple[int, ...], ...]
    nearly: tuple[tuple[int, ...], ...] | None

    @property
    def spare(self) -> int:
        """Filters without which the layer would give as much: dead ones, and all but one of equal ones."""
        return len(self.dead) + sum(len(group) - 1 for group in self.same)

    @property
    def nearly_spare(self) -> int | None:
        """The same with nearly dead ones and nearly equal ones."""
        if self.nearly is None:
            return None
        near = sum(len(group) - 1 for group in self.nearly)
        return len(self.dead) + len(self.nearly_dead) + near


def find_repeats(
    filters: np.ndarray, groups: int, figures: WeightFigures, gram: np.ndarray | None
) -> Repeats:
    """Dead and repeated filters; those that hold NaN are like no other, nor are those of other groups, which
    read other channels.

    Args:
        filters: a row each, of so many groups.
        gram: products of all pairs of filters, where they are at hand.
    """
    tolerance = figures.largest * HALF_STEP
    limit = tolerance * float(np.sqrt(filters.shape[1]))
    usable: np.ndarray = np.ones(len(filters), bool)
    if figures.unusable:
        usable = np.asarray(_usable(filters).all(axis=1))
    dead = usable & (figures.norms == 0)
    faint = usable & ~dead & (figures.norms <= limit)
    each = max(1, len(filters) // groups)
    alike: dict[tuple[int, bytes], list[int]] = {}
    for i in np.flatnonzero(usable & ~dead).tolist():
        alike.setdefault((i // each, (filters[i] + 0.0).tobytes()), []).append(i)  # -0 equals 0
    same = tuple(tuple(group) for group in alike.values() if len(group) > 1)
    left = np.flatnonzero(usable & ~dead & ~faint)
    near: tuple[tuple[int, ...], ...] | None = None
    if each <= COMPARED:
        near = tuple(
            group
            for start in (range(0, len(filters), each) if each > 1 else ())
            for group in _near(
                filters, figures.norms, left[(left >= start) & (left < start + each)], limit, gram
            )
        )
    return Repeats(
        tolerance, tuple(np.flatnonzero(dead).tolist()), tuple(np.flatnonzero(faint).tolist()), same, near
    )  # fmt: skip


def _near(
    filters: np.ndarray, norms: np.ndarray, left: np.ndarray, limit: float, gram: np.ndarray | None
) -> Iterator[tuple[int, ...]]:
    """The groups that pairs of filters at most so far from each other make."""
    count, columns = len(left), filters.shape[1]
    label = np.arange(count)
    look, sizes, short = filters, norms, 1.0
    if gram is None and count * count * columns > PAIRS:
        directions = np.random.default_rng(0).standard_normal((columns, PROJECTED))
        look = filters @ (directions / np.sqrt(PROJECTED)).astype(filters.dtype)
        sizes, short = np.sqrt(np.einsum("ij,ij->i", look, look)), 2.0
    squares = sizes[left] ** 2
    step = max(1, _ROWS // max(1, count))
    for start in range(0, count, step):
        rows = left[start : start + step]
        products = look[rows] @ look[left].T if gram is None else gram[np.ix_(rows, left)]
        both = sizes[rows, None] ** 2 + squares
        # Products in single precision are that much off: every candidate is measured itself.
        close = both - 2 * products <= (short * limit) ** 2 + 1e-5 * both
        for i in range(len(rows)):
            at = start + i
            for j in np.flatnonzero(close[i] & (label != label[at])).tolist():
                if label[j] == label[at]:
                    continue
                apart = filters[left[at]].astype(np.float64) - filters[left[j]]
                if float(np.sqrt(apart @ apart)) <= limit:
                    label[label == label[j]] = label[at]
    order = np.argsort(label, kind="stable")
    ends = np.flatnonzero(np.diff(label[order])) + 1
    for group in np.split(left[order], ends):
        if len(group) > 1:
            yield tuple(np.sort(group).tolist())


def find_period(matrices: np.ndarray) -> int | None:
    """After how many rows they begin again; None where they don't.

    >>> find_period(np.array([[1, 2], [3, 4], [1, 2], [3, 4]]))
    2
    """
    for period in range(1, len(matrices)):
        if np.array_equal(matrices[period], matrices[0]) and np.array_equal(
            matrices[period:], matrices[:-period]
        ):
            return period
    return None
