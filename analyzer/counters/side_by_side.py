"""Which conventions are there, and what do all of them say of a model?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import overload

from cnnscope.analyzer.counters.conventions import ConventionTotals, all_conventions
from cnnscope.analyzer.counters.peers import CONVENTIONS, Convention
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Listing

CONVENTIONS_SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False, repr=False)
class Conventions(Listing[Convention]):
    """The conventions that there are."""

    listed: tuple[Convention, ...]

    @property
    def items(self) -> tuple[Convention, ...]:
        return self.listed

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""
        return {"conventions": list(self.records())}

    def records(self) -> Iterator[dict[str, object]]:
        """One for each convention."""
        for found in self.listed:
            yield {
                "name": found.name,
                "aliases": list(found.aliases),
                "unit": found.unit,
                "printed": found.printed,
                "counts": found.counts,
                "source": found.source,
            }

    def summary(self) -> str:
        return f"{len(self.listed)}"


@dataclass(frozen=True, eq=False, repr=False)
class ConventionFigures(Listing[ConventionTotals]):
    """A model's figures in every convention.

    Args:
        report: the model's.
        figures: one for each convention.
    """

    report: Report
    figures: tuple[ConventionTotals, ...]

    @property
    def items(self) -> tuple[ConventionTotals, ...]:
        return self.figures

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope conventions MODEL --format json``; layers are left out."""
        return {
            "schema_version": CONVENTIONS_SCHEMA_VERSION,
            "model": self.report.model.path,
            "conventions": [
                {k: v for k, v in x.to_dict().items() if k != "layers"} | {"ratio": x.ratio}
                for x in self.figures
            ],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each convention."""
        for x in self.figures:
            yield {
                "convention": x.name,
                "unit": x.unit,
                **x.total.record("total"),
                "ratio": x.ratio,
                "differs": "; ".join(x.differs),
                "may_differ": "; ".join(x.may_differ),
            }

    def summary(self) -> str:
        return f"of {name(self.report.model.path or 'a model in memory', 120)}: {len(self.figures)}"


@overload
def conventions() -> Conventions: ...
@overload
def conventions(report: Report) -> ConventionFigures: ...
def conventions(report: Report | None = None) -> Conventions | ConventionFigures:
    """Every convention there is, or a model's figures in each of them.

    Args:
        report: what `cnnscope.analyze` gave; without one, it is said who counts what.

    Raises:
        ValueError: it isn't a report.

    >>> [c.name for c in conventions()][:3]
    ['core', 'flops', 'torchvision']
    """
    if report is None:
        return Conventions(CONVENTIONS)
    if not isinstance(report, Report):
        raise ArgumentError("conventions takes a report that analyze gave")
    return ConventionFigures(report, tuple(all_conventions(report)))
