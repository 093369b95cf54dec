"""What does a check say of the models of a scan?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cnnscope.analyzer.budgets.bounds import Bound
from cnnscope.analyzer.budgets.limit import Limit
from cnnscope.analyzer.budgets.verdicts import Verdict
from cnnscope.analyzer.fleet.failures import Failure
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

SCAN_CHECK_SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class LimitTally:
    """How the models of a scan stand to one bound of a limit.

    Args:
        limit: what was asked.
        bound: the bound; None for a list of operators.
        asked: the bound as it was written, with its comparison.
        within, exceeds, unknown, new: how many models keep it, cross it, can't be judged, or are new and have
            nothing to be held against.
    """

    limit: Limit
    bound: Bound | None
    asked: str
    within: int
    exceeds: int
    unknown: int
    new: int

    @property
    def models(self) -> int:
        """All that have a report."""
        return self.within + self.exceeds + self.unknown + self.new

    def to_dict(self) -> dict[str, object]:
        return {
            "quantity": self.limit.quantity, "limit": self.asked, "origin": self.limit.origin,
            "within": self.within, "exceeds": self.exceeds, "unknown": self.unknown, "new": self.new,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A model of a scan that isn't within its limits: what is to be said of those that it doesn't keep."""

    path: str
    verdicts: tuple[Verdict, ...]

    @property
    def ok(self) -> bool:
        """What isn't within is unknown or new, and that is allowed."""
        return all(verdict.ok for verdict in self.verdicts)

    def to_dict(self) -> dict[str, object]:
        return {
            "path": self.path,
            "ok": self.ok,
            "verdicts": [x.to_dict() for x in self.verdicts],
        }


@dataclass(frozen=True, eq=False, repr=False)
class ScanCheck(Answer):
    """How the models of a scan keep their limits.

    Args:
        source: the scan's file.
        baseline: the scan that relative limits are relative to; None: none was given.
        models: how many rows there are.
        limits: how many models keep each bound.
        failing: how many models keep some limit not, or can't be judged where they have to be.
        unread: how many have no report, or contradict themselves, and so keep no limit.
        rows: models that aren't within some limit, the worst first: at most so many as `most` says.
        failures: why that is so, the most frequent reason first.
        broken: of these models some, with what is said of each.
        most: models that are told one by one.

    >>> import cnnscope
    >>> found = cnnscope.read_scan("zoo.parquet").check({"macs": "4 G"})  # doctest: +SKIP
    >>> found.ok, found.failing, found.rows[0].path  # doctest: +SKIP
    (False, 3, 'vit.onnx')
    """

    source: str
    baseline: str | None
    models: int
    limits: tuple[LimitTally, ...]
    failing: int
    unread: int
    rows: tuple[CheckedRow, ...]
    failures: tuple[Failure, ...]
    broken: tuple[tuple[str, str], ...]
    most: int

    @property
    def ok(self) -> bool:
        """Every model has a report that doesn't contradict itself, and keeps its limits."""
        return not self.failing and not self.unread

    def __bool__(self) -> bool:
        return self.ok

    @property
    def left_out(self) -> int:
        """Models that fail and aren't told one by one."""
        told = sum(not row.ok for row in self.rows) + len(self.broken)
        return self.failing + self.unread - told

    def to_dict(self) -> dict[str, object]:
        return {
            "schema_version": SCAN_CHECK_SCHEMA_VERSION,
            "ok": self.ok,
            "source": self.source,
            "baseline": self.baseline,
            "models": self.models,
            "failing": self.failing,
            "broken_models": self.unread,
            "limits": [x.to_dict() for x in self.limits],
            "rows": [x.to_dict() for x in self.rows],
            "failures": [x.to_dict() for x in self.failures],
            "broken": [{"path": path, "error": said} for path, said in self.broken],
            "left_out": self.left_out,
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each verdict on a model that isn't within some limit."""
        for row in self.rows:
            for verdict in row.verdicts:
                for record in verdict.records():
                    yield {"path": row.path, **record}

    def summary(self) -> str:
        kept = self.models - self.failing - self.unread
        said = "ok" if self.ok else f"NOT ok: {kept:,} within"
        return f"of {name(self.source, 120)}: {many(self.models, 'model')}, {said}"
