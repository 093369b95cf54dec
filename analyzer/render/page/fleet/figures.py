"""Which figures of a model does a fleet's page compare, and in which bins does it count models?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.fleet.distribution import Distribution, distribution
from cnnscope.analyzer.fleet.figure_columns import FigureColumn
from cnnscope.analyzer.render.page.fleet.fleet_contents import Row
from cnnscope.analyzer.values.amounts import Measure
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    import numpy


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that every analysed model has.

    Args:
        name: on the page and in its address; of a column, that one's.
        title: a few words.
        measure: what it is measured in.
        value: what a row says; None: it isn't known, or there is none.
    """

    name: str
    title: str
    measure: Measure
    value: Callable[[Row], int | None]


def whole(row: Row, column: str) -> int | None:
    """A column's number; None where it isn't known."""
    found = row.get(column)
    return found if type(found) is int else None  # True is none


def _field(row: Row) -> int | None:
    """The largest receptive field along any axis, in elements of the input."""
    return max((x for axis in "dhwl" if (x := whole(row, f"rf_{axis}")) is not None), default=None)


def _input_length(row: Row) -> int | None:
    """The longest axis of any input, of those after its first two; None where one of them is free."""
    ends = row.get("inputs")
    shapes = [x["shape"] for x in ends] if isinstance(ends, list) else []
    lengths = [n for dims in shapes for n in (dims or ())[2:]]
    return None if None in lengths or None in shapes else max(lengths, default=None)


def _column(name: str, title: str, measure: Measure) -> Figure:
    return Figure(name, title, measure, lambda row: whole(row, name))


FIGURES: Final = (
    _column("params", "parameters", "count"),
    _column("macs", "MACs", "count"),
    _column("peak_activation_bytes", "peak activations", "bytes"),
    _column("file_bytes", "file", "bytes"),
    Figure("field", "receptive field", "length", _field),
    _column("weight_bytes", "weights", "bytes"),
    _column("flops", "FLOPs", "count"),
    _column("traffic_bytes", "bytes moved", "bytes"),
    _column("layers", "layers", "count"),
    Figure("input_length", "longest input axis", "length", _input_length),
)
"""Those that have a histogram, in the page's order."""


def spread(figure: Figure, values: numpy.ndarray, failed: int) -> Distribution:
    """How a figure is distributed, as `cnnscope scan --summary` tells it."""
    return distribution(FigureColumn(figure.name, figure.measure, figure.title), values, failed)


def bins(figure: Figure, values: numpy.ndarray) -> tuple[list[float], list[int]]:
    """How many models have a figure of which size, in bins that grow with it, as on a log axis.

    Args:
        figure: in bins of half a factor of two if it is of bytes, else of a sixth of a factor of ten.
        values: a model each; 0, and what isn't known, is in no bin.

    Returns:
        Where bins begin and, in the end, where the last one ends; how many models each has.

    >>> import numpy as np
    >>> bins(FIGURES[2], np.array([0, 1024, 1025, 1500, 2048]))
    ([1024.0, 1448.1546878700494, 2048.0, 2896.309375740099], [2, 1, 1])
    """
    import numpy as np

    edges = np.array(
        [2 ** (i / 2) if figure.measure == "bytes" else 10 ** (i / 6) for i in range(129)]
    )
    places = np.searchsorted(edges, values[values > 0], "right") - 1
    if not len(places):
        return [], []
    first, last = int(places.min()), int(places.max())
    counts = np.bincount(places - first, minlength=last - first + 1)
    return edges[first : last + 2].tolist(), counts.tolist()
