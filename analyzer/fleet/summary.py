"""What do many models look like together: how is each figure distributed, which stand out, what failed?

The rows are gone through once, and for the names of what stands out once more: what is kept meanwhile is a
number for each model and figure, on disk where there are many, and what is told apart by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol, cast

from cnnscope.analyzer.fleet.distribution import Distribution, distribution, furthest
from cnnscope.analyzer.fleet.failures import Failing, Failure
from cnnscope.analyzer.fleet.figure_columns import FIGURES
from cnnscope.analyzer.fleet.number_column import UNKNOWN, NumberColumn
from cnnscope.analyzer.fleet.tally import Tally, Tallying
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

if TYPE_CHECKING:
    import numpy

SUMMARY_SCHEMA_VERSION: Final = 1
#: columns whose things are counted
TALLIED: Final = (
    "opset", "ir_version", "producer", "operators", "body_operators", "uncounted", "weight_dtypes",
    "quantised", "weights", "domains", "diagnostics", "lint_codes", "exceeded", "cnnscope_version",
)  # fmt: skip
#: rows that are looked at together, column by column
_AT_ONCE: Final = 1000
#: models that are named on each side of a figure
NAMED: Final = 5


class Rows(Protocol):
    """What rows of a scan come from, as often as they are asked for and always in the same order."""

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Mapping[str, object]]:
        """The rows, with these columns at least."""


@dataclass(frozen=True, slots=True)
class Outlier:
    """A model that is far from the others.

    Args:
        path: the model's.
        figure: in which figure.
        value: how much that is.
        ratio: how many times the median; None: that is 0.
    """

    path: str
    figure: str
    value: int
    ratio: float | None

    def to_dict(self) -> dict[str, object]:
        return {
            "path": self.path, "figure": self.figure, "value": self.value, "times_median": self.ratio
        }  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class ScanSummary(Answer):
    """What the models of a scan look like together.

    Args:
        source: the scan's file.
        models: how many there are.
        statuses: how many are ``"ok"``, ``"partial"`` or ``"error"``.
        figures: how each figure is distributed.
        outliers: models that are far from the others, by figure, the furthest first.
        failures: why there is no report of some, or where others contradict themselves, the most frequent
            reason first.
        tallies: how often opsets, producers, operators and the like come up, by column.
        graphs: how many different graphs there are.
        shared: of how many models another has the same graph.
        other_failures: how many failed in ways beyond the first thousand, in which they are told apart.

    >>> import cnnscope
    >>> found = cnnscope.read_scan("zoo.parquet").summarise()  # doctest: +SKIP
    >>> found["macs"].median, found.tallies["opset"]["17"].models  # doctest: +SKIP
    (4089184256, 31)
    """

    source: str
    models: int
    statuses: Mapping[str, int]
    figures: tuple[Distribution, ...]
    outliers: tuple[Outlier, ...]
    failures: tuple[Failure, ...]
    tallies: Mapping[str, Tally]
    graphs: int
    shared: int
    other_failures: int = 0

    @property
    def reported(self) -> int:
        """Of how many models there is a report."""
        return self.models - self.statuses.get("error", 0)

    def __getitem__(self, figure: str) -> Distribution:
        """How a figure is distributed, by the name of its column.

        Raises:
            KeyError: there is no such figure; the message lists those there are.
        """
        known = {x.name: x for x in self.figures}
        if figure not in known:
            raise KeyError(f"no figure {figure!r}; there are: {', '.join(known)}")
        return known[figure]

    def to_dict(self) -> dict[str, object]:
        return {
            "schema_version": SUMMARY_SCHEMA_VERSION,
            "source": self.source,
            "models": self.models,
            "statuses": dict(self.statuses),
            "graphs": {"different": self.graphs, "models_that_share_one": self.shared},
            "figures": [x.to_dict() for x in self.figures],
            "outliers": [x.to_dict() for x in self.outliers],
            "failures": [x.to_dict() for x in self.failures],
            "other_failures": self.other_failures,
            "tallies": {key: x.to_dict() for key, x in self.tallies.items()},
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each figure."""
        for figure in self.figures:
            yield figure.to_dict()

    def summary(self) -> str:
        return f"of {name(self.source, 120)}: {many(self.models, 'model')}, {status_text(self.statuses)}"


def status_text(statuses: Mapping[str, int]) -> str:
    """How many models there are of each status.

    >>> status_text({"ok": 98000, "partial": 12, "error": 1})
    '98,000 ok, 12 partial, 1 failed'
    """
    words = {"ok": "ok", "partial": "partial", "error": "failed"}
    shown = {**dict.fromkeys(words, 0), **statuses}
    return ", ".join(f"{n:,} {words.get(key, key)}" for key, n in shown.items() if n) or "none"


class _Taken:
    """All that is kept of the rows while they are gone through."""

    def __init__(self) -> None:
        self.models = 0
        self.statuses: dict[str, int] = {}
        self.numbers = {x.name: NumberColumn() for x in FIGURES}
        self.digests = NumberColumn()
        self.tallies = {column: Tallying(column) for column in TALLIED}
        self.failing = Failing()

    def take(self, rows: Iterable[Mapping[str, object]]) -> None:
        every = iter(rows)
        while some := list(islice(every, _AT_ONCE)):
            self.models += len(some)
            told = [row for row in some if row["status"] != "error"]
            for row in some:
                status = str(row["status"])
                self.statuses[status] = self.statuses.get(status, 0) + 1
                if row["error"] is not None:  # also where a model contradicts itself
                    kind = str(row["error_kind"] or "")
                    self.failing.add(kind, str(row["error"]), str(row["path"]))
            # What is known of one that failed nevertheless says nothing of the others.
            there = [row if row["status"] != "error" else {} for row in some]
            for column, numbers in self.numbers.items():
                numbers.extend([cast("int | None", row.get(column)) for row in there])
            self.digests.extend([leading_bits(row.get("graph_digest")) for row in there])
            for column, tally in self.tallies.items():
                tally.extend([row.get(column) for row in told])


def leading_bits(digest: object) -> int | None:
    """The first 60 bits of a digest: of a million, two are taken for one once in a million scans."""
    try:
        return None if digest is None else int(str(digest)[:15], 16)
    except ValueError:
        return None


def summarised(scan: Rows, source: str) -> ScanSummary:
    """What the models of a scan look like together.

    Args:
        scan: its rows, which are gone through twice.
        source: what the scan is called.
    """
    taken = _Taken()
    columns = {"path", "status", "error", "error_kind", "graph_digest", *TALLIED, *taken.numbers}
    taken.take(scan.rows(sorted(columns)))
    figures, far = [], {}
    for column in FIGURES:
        values = taken.numbers[column.name].values()
        found = distribution(column, values, taken.statuses.get("error", 0))
        figures.append(found)
        far[column.name] = [(at, int(values[at])) for at in furthest(found, values, NAMED)]
    graphs, shared = _shared(taken.digests.values())
    return ScanSummary(
        source, taken.models, taken.statuses, tuple(figures), tuple(_outliers(scan, figures, far)),
        taken.failing.failures(), {key: x.tally() for key, x in taken.tallies.items()}, graphs, shared,
        taken.failing.others,
    )  # fmt: skip


def _outliers(
    scan: Rows, figures: Sequence[Distribution], far: Mapping[str, Sequence[tuple[int, int]]]
) -> Iterator[Outlier]:
    wanted = sorted({at for places in far.values() for at, _ in places})
    paths: dict[int, str] = {}
    if wanted:
        every = enumerate(scan.rows(["path"]))
        sought = set(wanted)
        paths = {at: str(row["path"]) for at, row in islice(every, wanted[-1] + 1) if at in sought}
    for figure in figures:
        for at, value in far[figure.name]:
            ratio = value / figure.median if figure.median else None
            yield Outlier(paths[at], figure.name, value, ratio)


def _shared(digests: numpy.ndarray) -> tuple[int, int]:
    """How many different graphs there are, and of how many models another has the same."""
    import numpy as np

    _, counts = np.unique(digests[digests != UNKNOWN], return_counts=True)
    return len(counts), int(counts[counts > 1].sum())
