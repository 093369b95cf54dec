"""How do several models compare? Their totals side by side, and as ratios to the first one's.

A ratio of two complete totals is exact. Where one of them is a lower bound only, so is the ratio, or
it is an upper bound; where both are, or one isn't known at all, there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Literal

from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

Bound = Literal["exact", "at least", "at most"]

#: the totals that are compared, in the order they are shown
TOTALS = (
    "params", "macs", "flops", "weight_bytes", "peak_activation_bytes", "traffic_bytes",
)  # fmt: skip
FIELD, LAYERS = "receptive_field", "layers"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A model's figure over the first model's; `bound` says whether it is exactly that."""

    value: float
    bound: Bound = "exact"

    @classmethod
    def of(cls, figure: Metric, first: Metric) -> Ratio | None:
        """The ratio of two figures; None where there is none to be given.

        >>> Ratio.of(Metric.of(3), Metric.of(4))
        Ratio(value=0.75, bound='exact')
        >>> Ratio.of(Metric.of(3, {"MyOp": 1}), Metric.of(4)).bound
        'at least'
        """
        if figure.known is None or not first.known:
            return None
        value = figure.known / first.known
        if figure.value is not None and first.value is not None:
            return cls(value)
        if first.value is not None:
            return cls(value, "at least")
        return cls(value, "at most") if figure.value is not None else None


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of all models.

    Args:
        key: which: a total's name, ``"receptive_field"`` or ``"layers"``.
        figures: of each model.
        ratios: of each model's to the first one's.
    """

    key: str
    figures: tuple[Metric, ...]
    ratios: tuple[Ratio | None, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Answer):
    """Several models side by side.

    Args:
        reports: the models', the first being what the others are compared with.

    >>> import cnnscope
    >>> both = cnnscope.compare(["a.onnx", "b.onnx"])  # doctest: +SKIP
    >>> both["macs"].ratios[1].value  # doctest: +SKIP
    0.34
    """

    reports: tuple[Report, ...]

    @property
    def names(self) -> list[str]:
        """What tells the models apart: their files' names, with folders where those are alike."""
        paths = [PurePath(report.model.path or "model in memory").parts for report in self.reports]
        longest = max(map(len, paths), default=1)
        names: list[str] = []
        for count in range(1, longest + 1):
            names = [str(PurePath(*parts[-count:])) for parts in paths]
            if len(set(names)) == len(set(paths)):
                break
        return names

    @property
    def rows(self) -> list[Compared]:
        """The totals, the receptive field and the number of layers."""
        figures = {
            key: tuple(getattr(report.totals, key) for report in self.reports) for key in TOTALS
        }
        figures[FIELD] = tuple(largest_field(report) for report in self.reports)
        figures[LAYERS] = tuple(Metric.of(len(report.layers)) for report in self.reports)
        return [
            Compared(key, found, tuple(Ratio.of(figure, found[0]) for figure in found))
            for key, found in figures.items()
        ]

    def __getitem__(self, key: str) -> Compared:
        """One of the rows; raises KeyError where there is no such figure."""
        rows = {row.key: row for row in self.rows}
        if key not in rows:
            raise KeyError(f"no figure {key!r}; there are: {', '.join(rows)}")
        return rows[key]

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data: the models, and per figure a metric and a ratio for each."""
        return {
            "models": [report.model.path for report in self.reports],
            "figures": {
                row.key: {
                    "values": [figure.to_dict() for figure in row.figures],
                    "ratios": [
                        None if r is None else {"value": r.value, "bound": r.bound}
                        for r in row.ratios
                    ],
                }
                for row in self.rows
            },
        }

    def records(self) -> list[dict[str, int | float | str | None]]:
        """One row per model: each figure, how far it is known, and its ratio to the first one's."""
        rows = self.rows
        found: list[dict[str, int | float | str | None]] = []
        for i, report in enumerate(self.reports):
            line: dict[str, int | float | str | None] = {"model": report.model.path}
            for row in rows:
                ratio = row.ratios[i]
                line[row.key] = row.figures[i].known
                line[f"{row.key}_status"] = row.figures[i].status
                line[f"{row.key}_ratio"] = None if ratio is None else ratio.value
                line[f"{row.key}_ratio_bound"] = None if ratio is None else ratio.bound
            found.append(line)
        return found

    def summary(self) -> str:
        return f"of {many(len(self.reports), 'model')}"


def largest_field(report: Report) -> Metric:
    """The largest field of any layer along paths on which no axis is collapsed, in input elements.

    It is what a network's receptive field is quoted as: behind a global pooling every unit sees
    everything, whatever the layers before it do. Partial where what some layer sees isn't known.
    """
    sizes = []
    unknown = 0
    for layer in report.layers:
        for seen in layer.extents():
            unknown += seen.size is None and not seen.global_
            sizes += [n for n in (seen.local_size, seen.at_least) if n is not None]
    missing = {"field of a layer, not known": unknown} if unknown else {}
    return Metric.of(max(sizes, default=None), missing)


def compared(reports: Sequence[Report]) -> Comparison:
    """The reports side by side.

    Raises:
        ValueError: there is none.
    """
    if not reports:
        raise ArgumentError("a comparison needs a model")
    return Comparison(tuple(reports))
