"""Which figures of a model does a fleet's page compare, and in which bins does it count models?"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final

from cnnscope.analyzer.render.page.fleet.fleet_contents import Row
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that every analysed model has.

    Args:
        name: on the page and in its address; of a column, that one's.
        title: a few words.
        unit: ``count``, ``bytes`` or ``length``.
        value: what a row says; None: it isn't known.
    """

    name: str
    title: str
    unit: str
    value: Callable[[Row], int | None]


def whole(row: Row, column: str) -> int | None:
    """A column's number; None where it isn't known."""
    found = row.get(column)
    return found if type(found) is int else None  # True is none


def field(row: Row) -> int | None:
    """The largest receptive field along any axis, in elements of the input."""
    found = [x for x in (whole(row, f"rf_{axis}") for axis in "dhwl") if x is not None]
    return max(found) if found else None


def _column(name: str, title: str, unit: str) -> Figure:
    return Figure(name, title, unit, lambda row: whole(row, name))


FIGURES: Final = (
    _column("params", "parameters", "count"),
    _column("macs", "MACs", "count"),
    _column("peak_activation_bytes", "peak activations", "bytes"),
    _column("file_bytes", "file", "bytes"),
    Figure("field", "receptive field", "length", field),
    _column("weight_bytes", "weights", "bytes"),
    _column("flops", "FLOPs", "count"),
    _column("traffic_bytes", "bytes moved", "bytes"),
    _column("layers", "layers", "length"),
)
"""Those that have a distribution, in the page's order."""


def _edges(unit: str) -> tuple[float, ...]:
    """Where bins begin: half a factor of two of bytes, a sixth of a factor of ten of what else is counted."""
    if unit == "bytes":
        return tuple(2.0 ** (i / 2) for i in range(2 * 64 + 1))
    return tuple(10.0 ** (i / 6) for i in range(6 * 19 + 1))


_EDGES: Final = {unit: _edges(unit) for unit in ("count", "bytes", "length")}


class Distribution:
    """How many models have a figure of which size; the bins grow with the figure, as on a log axis.

    >>> found = Distribution(FIGURES[0])
    >>> for n in (0, 7, 1000, 1500, None):
    ...     found.add(n)
    >>> found.counts(), found.none, found.unknown
    ([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], 1, 1)
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.none = 0
        self.unknown = 0
        self.total = 0
        self.least: int | None = None
        self.most: int | None = None
        self._edges = _EDGES[figure.unit]
        self._bins: dict[int, int] = {}

    def add(self, value: int | None) -> None:
        """Count one model."""
        if value is None:
            self.unknown += 1
            return
        self.total += value
        self.least = value if self.least is None else min(self.least, value)
        self.most = value if self.most is None else max(self.most, value)
        if value <= 0:
            self.none += 1
            return
        at = min(bisect_right(self._edges, value), len(self._edges) - 1) - 1
        self._bins[at] = self._bins.get(at, 0) + 1

    def _span(self) -> tuple[int, int]:
        return (min(self._bins), max(self._bins)) if self._bins else (0, -1)

    def counts(self) -> list[int]:
        """How many models each bin has, from the first that has any to the last."""
        first, last = self._span()
        return [self._bins.get(i, 0) for i in range(first, last + 1)]

    @property
    def edges(self) -> list[float]:
        """Where each of `counts` begins, and where the last ends."""
        first, last = self._span()
        return list(self._edges[first : last + 2]) if self._bins else []

    @property
    def known(self) -> int:
        """Models of which the figure is known, nought among them."""
        return self.none + sum(self._bins.values())

    def quantile(self, share: float) -> float | None:
        """About which figure a share of the models stay below, by the bins; nought isn't counted."""
        counts, edges = self.counts(), self.edges
        left = share * sum(counts)
        for i, found in enumerate(counts):
            if found and left <= found:
                return float(edges[i] * (edges[i + 1] / edges[i]) ** (left / found))
            left -= found
        return None

    def fences(self) -> tuple[float, float] | None:
        """What is usual, on a log axis: the quartiles, and three times what lies between them beyond each.

        Tukey's outer fences (Exploratory Data Analysis, 1977); None where there are fewer than eight models.
        """
        low, high = self.quantile(0.25), self.quantile(0.75)
        if low is None or high is None or sum(self._bins.values()) < _FEWEST:
            return None
        reach = (high / low) ** 3
        return low / reach, high * reach

    def part(self) -> dict[str, object]:
        """As the page's script reads it."""
        return {
            "name": self.figure.name,
            "title": self.figure.title,
            "unit": self.figure.unit,
            "edges": self.edges,
            "counts": self.counts(),
            "none": self.none,
            "unknown": self.unknown,
            "least": self.least,
            "most": self.most,
            "total": self.total,
            "median": self.quantile(0.5),
            "usual": self.fences(),
        }


#: models without which nothing can be called unusual
_FEWEST: Final = 8


def distributions() -> Iterator[Distribution]:
    """One of each figure, still empty."""
    return (Distribution(figure) for figure in FIGURES)
