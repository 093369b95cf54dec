"""Which positions of an input does one unit of a layer see, exactly?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.charts.chart import Chart, Row, last_meant, model_name
from cnnscope.analyzer.report.unit_text import unit_text
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.report import Report
    from cnnscope.analyzer.values.spans import Span


@dataclass(frozen=True, eq=False, repr=False)
class RegionChart(Chart):
    """Rows: ``input``, ``axis``, ``first`` and ``last`` position of each range that is seen along it.

    Args:
        axes: the input's axes that layers look along.
        lengths: theirs.
        spans: by axis, the ranges.
        image: what is drawn in the input's place: a file, or an array (height, width[, 3 or 4]).
    """

    axes: tuple[int, ...]
    lengths: tuple[int, ...]
    spans: tuple[tuple[Span, ...], ...]
    image: str | os.PathLike[str] | NDArray[np.generic] | None

    @property
    def square(self) -> bool:
        """It is a map, as high as it is wide."""
        return len(self.axes) > 1


def chart(
    report: Report, layer: Layer | str | int, *, unit: Sequence[int | None] | None = None,
    image: str | os.PathLike[str] | NDArray[np.generic] | None = None,
    input: str | None = None,  # noqa: A002
) -> RegionChart:  # fmt: skip
    """What a unit sees.

    Args:
        layer: the layer; of a word that fits several, such as a module's name, the last.
        unit: as `Layer.effective_field` takes it; None: the central one.
        image: as `RegionChart` has it.
        input: the network input; by default the first one that the unit sees along a spatial axis.

    Raises:
        KeyError: there is no such layer.
        ValueError: there is no such unit or input, or regions can't be told.

    >>> import cnnscope
    >>> found = chart(cnnscope.analyze("sample_models/lenet5.onnx"), "conv2", unit=(9, 9))
    >>> found.spans, found.lengths
    ((((18, 31),), ((18, 31),)), (32, 32))
    """
    meant = last_meant(report, layer)
    asked = meant.effective_unit(unit, input)
    shape = next(x.shape for x in report.inputs if x.name == asked.input) or ()
    lengths = [shape[axis] for axis in asked.axes]
    known = tuple(n for n in lengths if isinstance(n, int))
    if len(known) < len(lengths):
        raise ValueError(
            f"the size of input {name(asked.input)} isn't known: give free lengths one"
        )
    rows: tuple[Row, ...] = tuple(
        {"input": asked.input, "axis": axis, "first": first, "last": last}
        for axis, spans in zip(asked.axes, asked.region, strict=True)
        for first, last in spans
    )
    title = (
        f"Seen from {name(meant.path, 42)}\nunit [{unit_text(asked.unit)}], {model_name(report)}"
    )
    for axis, spans in list(zip(asked.axes, asked.region, strict=True))[
        :-2
    ]:  # which a map can't show
        title += f"; axis {axis}: {spans[0][0]} to {spans[-1][1]}"
    return RegionChart(title, rows, asked.axes, known, asked.region, image)
