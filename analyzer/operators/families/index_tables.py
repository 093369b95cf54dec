"""How is an axis read at constant indices, and how long does it have to be for them?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from cnnscope.analyzer.operators.bounding import bounds_of
from cnnscope.analyzer.operators.reading import Along, AxisRead, Listed, Only
from cnnscope.analyzer.values.bounds import Bounds
from cnnscope.analyzer.values.conditions import Claim, not_followed, reaches, reaches_surely
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window


def demand_places(indices: Tensor, n: Dim) -> None:
    """Raise ValueError where an axis is surely too short for indices, which count from either end.

    What hangs on the model's inputs is taken to fit; what is made of lengths and can't be told is noted.

    Args:
        indices: the indices.
        n: how long the axis is.

    >>> demand_places(Tensor("int64", (2,), True, np.array([0, -4])), 3)
    Traceback (most recent call last):
    ValueError: indices from -4 to 0 ask for an axis of 4 at least, it is 3 long
    """
    found = bounds_of(indices)
    if found is not None:
        demand_between(found, n, indices.size)
    elif indices.constant and isinstance(n, FreeDim) and indices.value is None:
        not_followed(f"which places of {n} are read isn't followed")


def demand_between(found: Bounds, n: Dim, count: Dim) -> None:
    """The same of indices of which it is known what they lie between.

    Args:
        count: how many there are.
    """
    if count == 0 or (found.of_data and not found.is_followed):
        return
    if not found.is_followed:
        not_followed(f"which places of {n} are read isn't followed")
    none_at_all = Claim(0, count, "positive")
    for end, met, least in (
        (found.high, found.high_met, None if found.high is None else found.high + 1),
        (found.low, found.low_met, None if found.low is None else -found.low),
    ):
        if least is None or reaches_surely(n, least):
            continue
        if not met:
            if not found.of_data or isinstance(n, FreeDim) or isinstance(least, FreeDim):
                not_followed(f"whether place {end} of {n} is ever read isn't followed")
        elif not reaches(n, least, none_at_all):
            raise ValueError(
                f"indices from {found.low} to {found.high} ask for an axis of {least} at least,"
                f" it is {n} long"
            )


def demand_tuples(indices: Tensor, lengths: Sequence[Dim]) -> None:
    """Raise ValueError where an axis is surely too short for its column of indices."""
    value, found = indices.value, bounds_of(indices)
    for axis, n in enumerate(lengths):
        if value is not None:
            column = value[..., axis]
            demand_places(Tensor(indices.dtype, column.shape, indices.constant, column), n)
        elif found is not None:
            demand_between(found if len(lengths) == 1 else found.loosened(), n, indices.size)


def demand_steps(sequence_lens: Tensor | None, n: Dim) -> None:
    """Raise ValueError where sequences are surely longer than the steps that there are.

    >>> demand_steps(Tensor("int32", (2,), value=np.array([2, 5])), 3)
    Traceback (most recent call last):
    ValueError: sequence_lens is up to 5, there are 3 steps
    """
    found = None if sequence_lens is None else bounds_of(sequence_lens)
    if found is None or found.high is None or not found.high_met:
        if found is not None and not found.of_data:
            not_followed(f"which of {n} steps are taken isn't followed")
    elif not reaches(n, found.high):
        raise ValueError(f"sequence_lens is up to {found.high}, there are {n} steps")


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
