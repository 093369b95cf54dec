"""How many input elements a unit sees along each axis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.quantity import Quantity, define
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report


def _widest(report: Report, layers: Iterable[Layer]) -> Sequence[Figure]:
    """Per axis of an input the largest field of these layers, along paths that collapse no axis."""
    largest: dict[tuple[str, int], int] = {}
    unknown: dict[tuple[str, int], str] = {}
    # What is behind an operator that nobody knows may see anything. A pooling over an axis of free
    # length sees all of it: its paths don't count here, however long that is.
    strangers = {layer.name for layer in report.layers if layer.uncounted}
    for layer in layers:
        for field in layer.receptive_field:
            axis = (field.input, field.axis)
            collapsed = field.global_ and field.global_by not in strangers
            if field.size is None and not collapsed:
                unknown.setdefault(axis, layer.name)
            for size in (field.local_size, field.at_least):
                if size is not None:
                    largest[axis] = max(largest.get(axis, 0), size)
    found = []
    for axis in sorted({*largest, *unknown}):  # an earlier model's stand in the same order
        most = Fraction(largest[axis]) if axis in largest else None
        if axis in unknown:
            why = f"what {unknown[axis]} sees along axis {axis[1]} of {axis[0]} isn't known"
            found.append(Figure(most, None, why))
        elif most is not None:
            found.append(Figure.exactly(most))
    return found or (Figure.unknown("no layer has a receptive field along an axis"),)


def _field_of(layer: Layer) -> int | None:
    sizes = [f.local_size for f in layer.receptive_field if f.local_size is not None]
    return max(sizes, default=None)


define(
    Quantity("receptive_field", "length", "input elements a unit sees along each axis",
             lambda report: _widest(report, report.layers), _widest, _field_of, default=None),
)  # fmt: skip
