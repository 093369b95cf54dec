"""What do a layer's kernels look like, as images?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cnnscope.analyzer.charts.chart import Chart, Row, model_name
from cnnscope.analyzer.values.arguments import checked_count
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.report import Report

#: filters that are drawn, unless told otherwise
MOST: Final = 256
_COLORS: Final = ("red", "green", "blue")


@dataclass(frozen=True, eq=False, repr=False)
class FiltersChart(Chart):
    """Rows: ``filter``, its index along each kernel axis (``k0``, ``k1``, ...), of colours the ``color``, and
    the ``level`` from 0 to 1 that is drawn: 0.5 is a weight of 0, None one that is no number.

    Args:
        images: (filters, *kernel), in colour (filters, *kernel, 3).
        color: whether they are in colour.
        filters: how many the layer has, drawn or not.
    """

    images: NDArray[np.float32]
    color: bool
    filters: int

    @property
    def square(self) -> bool:
        """It is a map, as high as it is wide."""
        return True


def chart(
    report: Report, layer: Layer | str | int, *, channel: int | None = None, together: bool = False,
    most: int = MOST,
) -> FiltersChart:  # fmt: skip
    """The kernels of a layer.

    Args:
        layer: as `Report.filters` takes it.
        channel, together: as `LayerFilters.images` takes them. Without a channel, where there are more than
            colours can show, the first.
        most: of so many filters at most, the first ones.

    Raises:
        KeyError: there is no such layer, or several fit.
        ValueError: it has no kernels, there is no such channel, or `most` is no number from 1 on.
        ModelFileError: the weights can't be read.

    >>> import cnnscope
    >>> chart(cnnscope.analyze("tests/data/edges.onnx"), "conv1").images.shape
    (8, 5, 5, 3)
    """
    shown, found = checked_count(most, "most", 1), report.filters(layer)
    if channel is None and found.channels not in (1, 3):
        channel = 0
    images = found.images(channel, together=together)[:shown]
    if not images.size:
        raise ValueError("its weights are empty: there are no kernels to draw")
    if len(found.kernel) == 1:  # which they have a height of 1 for
        images = images[:, 0]
    color = images.ndim == 2 + len(found.kernel)
    few = f"the first {len(images)} of " if len(images) < found.filters else ""
    few += many(found.filters, "filter")
    said = "" if channel is None else f", input channel {channel}"
    title = f"Filters of {name(found.layer, 42)}\n{few}{said}, {model_name(report)}"
    return FiltersChart(title, tuple(_rows(images, color)), images, color, found.filters)


def _rows(images: NDArray[np.float32], color: bool) -> Iterator[Row]:
    for at in np.ndindex(*images.shape):
        place = at[1:-1] if color else at[1:]
        row: dict[str, int | float | str] = {
            "filter": at[0],
            **{f"k{i}": k for i, k in enumerate(place)},
        }
        if color:
            row["color"] = _COLORS[at[-1]]
        level = float(images[at])
        yield {**row, "level": level if level == level else None}
