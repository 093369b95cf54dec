"""What does a map of how much a unit hangs on each input position come to: squares, shares, spread?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cnnscope.analyzer.fields.effective_mass import Values

#: how far from a share of all the mass rounding may leave a sum of it
_ROUNDING = 1e-9


def square_sides(found: Values, center: Sequence[float], shares: Sequence[float]) -> list[int]:
    """The sides of the smallest squares (cubes, intervals) about a centre that hold shares of a map.

    A position is held where it is no farther from the centre than half the side along every axis; with
    the centre between two positions sides are even.

    >>> square_sides(np.array([1, 2, 3, 2, 1.0]), [2], [0.3, 0.5, 1])
    [1, 3, 5]
    """
    halves = np.zeros((), np.intp)  # twice the distance from the centre, in whole positions
    for axis, (length, middle) in enumerate(zip(found.shape, center, strict=True)):
        twice = np.abs(2 * np.arange(length) - round(2 * middle))
        halves = np.maximum(
            halves, twice.reshape([-1 if k == axis else 1 for k in range(found.ndim)])
        )
    held: Values = np.cumsum(np.bincount(halves.ravel(), found.ravel()))
    return [int(_first(held, share)) + 1 for share in shares]


def position_counts(found: Values, shares: Sequence[float]) -> list[int]:
    """How many positions hold shares of a map, those with the most first.

    >>> position_counts(np.array([1, 2, 3, 2, 1.0]), [0.3, 0.5, 1])
    [1, 2, 5]
    """
    held: Values = np.cumsum(np.sort(found, axis=None)[::-1])
    return [int(_first(held, share)) + 1 for share in shares]


def _first(held: Values, share: float) -> int:
    """The first of rising sums that comes to a share of the last."""
    at = int(np.searchsorted(held, share * held[-1] * (1 - _ROUNDING)))
    return min(at, len(held) - 1)


def spreads(found: Values) -> tuple[float, ...]:
    """By axis, the standard deviation in positions.

    >>> spreads(np.array([1, 0, 1.0]))
    (1.0,)
    """
    result = []
    for axis, length in enumerate(found.shape):
        along = found.sum(axis=tuple(k for k in range(found.ndim) if k != axis))
        along = along / along.sum()
        at = np.arange(length) - np.arange(length) @ along
        result.append(math.sqrt(float(at**2 @ along)))
    return tuple(result)
