"""How is an axis read at constant indices, and how long does it have to be for them?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from cnnscope.analyzer.operators.reading import Along, AxisRead, Listed, Only
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window


def known_numbers(x: Tensor | None) -> np.ndarray | None:
    """Constant whole numbers in their shape, or None: one isn't known, or there are none."""
    if x is None or x.value is None or x.value.dtype == object or not x.value.size:
        return None
    return np.asarray(x.value)


def demand_places(found: np.ndarray | None, n: Dim) -> None:
    """Raise ValueError where an axis is surely too short for indices, which count from either end.

    Args:
        found: the indices, from `known_numbers`.
        n: how long the axis is.

    >>> demand_places(np.array([0, -4]), 3)
    Traceback (most recent call last):
    ValueError: indices from -4 to 0 ask for an axis of 4 at least, it is 3 long
    """
    if found is None:
        return
    low, high = int(found.min()), int(found.max())
    least = max(high + 1, -low)
    if not reaches(n, least):
        raise ValueError(
            f"indices from {low} to {high} ask for an axis of {least} at least, it is {n} long"
        )


def demand_tuples(indices: Tensor, lengths: Sequence[Dim]) -> None:
    """Raise ValueError where an axis is surely too short for its column of constant indices."""
    found = known_numbers(indices)
    if found is not None:
        for axis, n in enumerate(lengths):
            demand_places(found[..., axis], n)


def demand_steps(sequence_lens: Tensor | None, n: Dim) -> None:
    """Raise ValueError where sequences are surely longer than the steps that there are.

    >>> demand_steps(Tensor("int32", (2,), value=np.array([2, 5])), 3)
    Traceback (most recent call last):
    ValueError: sequence_lens is up to 5, there are 3 steps
    """
    found = known_numbers(sequence_lens)
    if found is not None and not reaches(n, int(found.max())):
        raise ValueError(f"sequence_lens is up to {found.max()}, there are {n} steps")


def positions(indices: Tensor, n: Dim) -> np.ndarray | None:
    """Constant indices counted from the front, or None."""
    try:
        found = np.array(indices.numbers, dtype=np.int64).reshape(indices.value.shape)  # type: ignore[union-attr]
    except Undetermined:
        return None
    if isinstance(n, int):
        return np.where(found < 0, found + n, found)
    return None if (found < 0).any() else found


def table(found: np.ndarray, first: int) -> AxisRead:
    """How an axis is read at positions that are laid out along output axes from `first` on.

    One input axis is read along one output axis: the one that tells the positions best apart, the
    hull over the others. What single units read, the table keeps.
    """
    if found.size == 0:
        return Only(0, -1)
    if found.min() == found.max():
        return Only(int(found.min()), int(found.min()))
    best: tuple[int, list[Span], int] | None = None
    for axis in range(found.ndim):
        rows = np.moveaxis(found, axis, 0).reshape(found.shape[axis], -1)
        spans = [(int(row.min()), int(row.max())) for row in rows]
        width = sum(hi - lo for lo, hi in spans) * found.size // len(spans)
        if best is None or width < best[0]:
            best = width, spans, axis
    assert best is not None
    _, spans, axis = best
    steps = {b[0] - a[0] for a, b in itertools.pairwise(spans)}
    if len(steps) == 1 and steps != {0} and all(lo == hi for lo, hi in spans):
        return Along(first + axis, Window(stride=steps.pop(), before=-spans[0][0]))
    kept = (first, found) if found.ndim > 1 else None
    return Listed(first + axis, tuple(spans), table=kept)
