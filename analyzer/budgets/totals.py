"""How far is a total of a report known, and what is missing from it?"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from typing import TYPE_CHECKING

from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.report.metric import FREE, Metric
from cnnscope.analyzer.report.report import Report

if TYPE_CHECKING:
    from cnnscope.analyzer.sizes.costs_over import Interval


def figure_of(metric: Metric) -> Figure:
    """A total as an interval: a partial one is a lower bound.

    >>> figure_of(Metric.of(5, {"MyOp": 2})).high is None
    True
    """
    if metric.value is not None:
        return Figure.exactly(metric.value)
    known = None if metric.known is None else Fraction(metric.known)
    return Figure(known, None, _why_partial(metric), uncounted=metric.uncounted)


def _why_partial(metric: Metric) -> str:
    free = metric.free
    if free:
        several = "s" if len(free) > 1 else ""
        named = " ".join(f"--dim {name}=LENGTH" for name in free)
        return (
            f"it depends on the free dimension{several} {', '.join(free)}: give a length ({named}; "
            "in Python dims)"
        )
    missing = ", ".join(f"{what} x{n}" if n > 1 else what for what, n in metric.uncounted.items())
    because = "nothing of it is known" if metric.known is None else "only part of it is known"
    return f"{because}; missing: {missing}" if missing else because


def figure_over(interval: Interval, metric: Metric) -> Figure:
    """A total over all valid sizes in a range.

    Args:
        interval: between what it lies.
        metric: its formula.
    """
    if interval.least is None or interval.most is None:
        return Figure(None, None, interval.why, uncounted=metric.lacking, spread=True)
    return Figure(
        Fraction(interval.least), Fraction(interval.most), spread=True,
        least_at=interval.least_at, most_at=interval.most_at,
    )  # fmt: skip


def missing_terms(report: Report, given: Collection[str] = ()) -> int:
    """How many terms the total that lacks most of them lacks.

    Args:
        report: the model's.
        given: free dimensions that have lengths all the same, a range of them: these lack nothing.
    """
    own = {f"{FREE}{name}" for name in given}
    metrics = report.totals.metrics().values()
    return max((sum(n for x, n in m.uncounted.items() if x not in own) for m in metrics), default=0)
