"""How much of what a unit could see does it hang on, position by position?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.charts.chart import Chart, last_meant, model_name
from cnnscope.analyzer.report.effective_field import SHARES, EffectiveField
from cnnscope.analyzer.report.unit_text import unit_text
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnscope.analyzer.charts.chart import Row
    from cnnscope.analyzer.fields.effective import Counting
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.report import Report


@dataclass(frozen=True, eq=False, repr=False)
class EffectiveChart(Chart):
    """Rows: for each position inside the theoretical field, its index along each axis (``axis_2``, ...) and
    its ``share``.

    Args:
        found: the effective field.
        sides: of the squares that hold shares of it, by share.
    """

    found: EffectiveField
    sides: dict[float, int]

    @property
    def square(self) -> bool:
        """It is a map, as high as it is wide."""
        return self.found.map.ndim > 1


def chart(
    report: Report, layer: Layer | str | int | EffectiveField, *,
    unit: Sequence[int | None] | None = None, input: str | None = None,  # noqa: A002
    counting: Counting = "uniform",
) -> EffectiveChart:  # fmt: skip
    """The effective field of a unit.

    Args:
        layer: the layer; of a word that fits several, such as a module's name, the last. Or an effective
            field that is at hand, such as a measured one.
        unit, input, counting: as `Layer.effective_field` takes them.

    Raises:
        KeyError: there is no such layer.
        ValueError: there is no such unit or input, or it can't be told; the unit sees along three axes.
    """
    if isinstance(layer, EffectiveField):
        found, path = layer, layer.layer
    else:
        meant = last_meant(report, layer)
        found, path = meant.effective_field(unit, input=input, counting=counting), meant.path
    if found.map.ndim > 2:
        raise ValueError(f"a figure has two axes, and the unit sees along {found.map.ndim}")
    title = (
        f"Effective field of {name(path, 36)}\nunit [{unit_text(found.unit)}], {model_name(report)}"
    )
    sides = dict(zip(SHARES, found.sides(SHARES), strict=True))
    return EffectiveChart(title, tuple(_rows(found)), found, sides)


def _rows(found: EffectiveField) -> Iterator[Row]:
    import itertools

    places = [range(spans[0][0], spans[-1][1] + 1) for spans in found.region]
    for at in itertools.product(*places):
        where = {f"axis_{axis}": i for axis, i in zip(found.axes, at, strict=True)}
        yield {**where, "share": float(found.map[at])}
