"""How is a figure distributed over many models, and which of them are far from the others?

A quantile is the smallest figure that so many of the models don't exceed (Hyndman and Fan 1996, type 1): it
is some model's, to the last digit. Far out is by Tukey's rule (*Exploratory Data Analysis*, 1977) on
logarithms, since models' sizes lie decades apart: more than three interquartile ranges beyond a quartile,
an interquartile range being a factor of two at least.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.fleet.figure_columns import FigureColumn
from cnnscope.analyzer.fleet.number_column import UNKNOWN
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    import numpy

#: how many interquartile ranges beyond a quartile is far out; the least such range, as a logarithm
_FAR: Final = 3.0
_LEAST_RANGE: Final = math.log(2)
#: so few models say nothing of what is usual
_FEWEST: Final = 20
_SHARES: Final = {
    "p25": Fraction(1, 4), "median": Fraction(1, 2), "p75": Fraction(3, 4), "p90": Fraction(9, 10),
    "p99": Fraction(99, 100),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a figure is distributed.

    Args:
        column: which figure.
        known, missing: of how many models it is known, and of how many that have a report not.
        least, most: the smallest and the largest; None: it is known of no model.
        quantiles: by name, such as ``"median"`` or ``"p99"``; none where nothing is known.
        total: the sum of those known, exactly; None: of lengths.
        zeros: of how many models it is 0.
        low, high: below and above which a model is far out; None: there are too few models to say.
        below, above: how many are.
    """

    column: FigureColumn
    known: int
    missing: int
    least: int | None
    most: int | None
    quantiles: dict[str, int]
    total: int | None
    zeros: int
    low: float | None
    high: float | None
    below: int = 0
    above: int = 0

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def median(self) -> int | None:
        """Half of the models have no more; None: it is known of none."""
        return self.quantiles.get("median")

    def to_dict(self) -> dict[str, object]:
        return {
            "figure": self.name,
            "measure": self.column.measure,
            "known": self.known,
            "missing": self.missing,
            "zeros": self.zeros,
            "min": self.least,
            **{key: self.quantiles.get(key) for key in _SHARES},
            "max": self.most,
            "sum": self.total,
            "far_out": {
                "below": self.low, "above": self.high,
                "models_below": self.below, "models_above": self.above,
            },
        }  # fmt: skip


def distribution(column: FigureColumn, values: numpy.ndarray, failed: int = 0) -> Distribution:
    """How the figures of a column are distributed.

    Args:
        column: which figure it is.
        values: a model each, `UNKNOWN` where it isn't known.
        failed: of how many models there is no report.
    """
    import numpy as np

    known = np.sort(values[values != UNKNOWN])
    count, missing = len(known), len(values) - len(known) - failed
    if not count:
        return Distribution(column, 0, missing, None, None, {}, None, 0, None, None)
    quantiles = {key: int(known[math.ceil(share * count) - 1]) for key, share in _SHARES.items()}
    first = int(np.searchsorted(known, 1))
    low, high = _fences(known[first:])
    return Distribution(
        column, count, missing, int(known[0]), int(known[-1]), quantiles,
        _sum(known) if column.adds_up else None, int(first - np.searchsorted(known, 0)), low, high,
        0 if low is None else int(np.searchsorted(known, low)) - first,
        0 if high is None else count - int(np.searchsorted(known, high, "right")),
    )  # fmt: skip


def _fences(positive: numpy.ndarray) -> tuple[float | None, float | None]:
    """Below and above which a figure is far out; figures are sorted, and above 0."""
    count = len(positive)
    if count < _FEWEST:
        return None, None
    low, high = (math.log(int(positive[math.ceil(q * count / 4) - 1])) for q in (1, 3))
    far = _FAR * max(high - low, _LEAST_RANGE)
    return math.exp(low - far), math.exp(min(high + far, 700))


def _sum(values: numpy.ndarray) -> int:
    """The exact sum, which may have more than 64 bits."""
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())


def furthest(found: Distribution, values: numpy.ndarray, most: int) -> list[int]:
    """At which rows the figures lie that are far out, on each side so many, the furthest first."""
    import numpy as np

    rows: list[int] = []
    if found.high is not None and found.above:
        at = np.nonzero(values > found.high)[0]
        rows += at[np.argsort(-values[at], kind="stable")[:most]].tolist()
    if found.low is not None and found.below:
        at = np.nonzero((values > 0) & (values < found.low))[0]
        rows += at[np.argsort(values[at], kind="stable")[:most]].tolist()
    return rows
