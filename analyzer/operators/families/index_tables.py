"""How is an axis read at constant indices?"""

from __future__ import annotations

import itertools

import numpy as np

from cnnscope.analyzer.operators.reading import Along, AxisRead, Listed, Only
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window


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
