"""How much of what a layer's central unit could see does it hang on? Maps of some layers, spread over depth.

A map takes a walk back through the network: a page has those of a few layers, where the field differs.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.render.page.blocks import Json
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.report.effective_field import SHARES, EffectiveField
from cnnscope.analyzer.report.layer import Layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: layers with a map
_LAYERS: Final = 32
#: layers that have one, however alike their fields are
_FEW: Final = 12
#: cells of a map along an axis
_CELLS: Final = 64


def part(contents: Contents) -> object:
    """For each of some layers, by index: the unit, the sides that hold shares, and the map as bytes."""
    if contents.large:
        return None
    found: dict[int, Json] = {}
    for index in _spread(contents.report.layers):
        try:
            field = contents.report.effective_field(index)
        except ValueError:  # it can't be told, or sees along no axis
            continue
        if 1 <= field.map.ndim <= 2 and field.map.sum() > 0:
            found[index] = _written(field)
    return {"shares": list(SHARES), "layers": found} if found else None


def _spread(layers: Sequence[Layer]) -> list[int]:
    """Layers at which the field isn't that of the one before, and, where these are few, some between."""
    last: object = None
    different: list[int] = []
    seeing: list[int] = []
    for index, layer in enumerate(layers):
        sizes = tuple(
            (x.input, x.axis, x.size, x.local_size, x.step) for x in layer.receptive_field
        )
        if sizes:
            seeing.append(index)
        if sizes and sizes != last:
            different.append(index)
            last = sizes
    if len(different) < _FEW:  # behind attention all see everything, and not alike
        return sorted({*different, *_even(seeing, _FEW)})
    return _even(different, _LAYERS)


def _even(places: Sequence[int], most: int) -> list[int]:
    """So many of them at even distances, the first and the last too."""
    if len(places) <= most:
        return list(places)
    return [places[round(i * (len(places) - 1) / (most - 1))] for i in range(most)]


def _written(field: EffectiveField) -> Json:
    box = [[spans[0][0], spans[-1][1]] for spans in field.region]
    inside = field.map[tuple(slice(lo, hi + 1) for lo, hi in box)]
    cells = _coarse(inside)
    peak = float(cells.max()) or 1.0
    # A square root, so that the weak outskirts can be seen.
    levels = ((cells / peak) ** 0.5 * 255).round().astype("uint8")
    return {
        "input": field.input,
        "unit": [x for x in field.unit if x is not None],
        "axes": list(field.axes),
        "box": box,
        "sides": list(field.sides(SHARES)),
        "sigma": [round(x, 4) for x in field.sigma],
        "grid": list(levels.shape),
        "map": base64.b64encode(levels.tobytes()).decode(),
    }


def _coarse(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over so many positions that no axis has more cells than a page shows, over their size."""
    import numpy as np

    for axis, length in enumerate(found.shape):
        edges = np.unique(np.linspace(0, length, min(length, _CELLS) + 1).round().astype(int))
        sums = np.add.reduceat(found, edges[:-1], axis=axis)
        sizes = np.diff(edges).reshape([-1 if i == axis else 1 for i in range(found.ndim)])
        found = sums / sizes
    return found
