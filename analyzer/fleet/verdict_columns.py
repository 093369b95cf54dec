"""What does a scan say of a model's limits, and of what lint's rules find in it?"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.budgets.judging import judge_report
from cnnscope.analyzer.budgets.limit import Limit
from cnnscope.analyzer.budgets.verdicts import Verdict
from cnnscope.analyzer.fleet.row_values import texts
from cnnscope.analyzer.lint.linting import lint_report
from cnnscope.analyzer.lint.settings import LintSettings
from cnnscope.analyzer.report.report import Report

#: asked of files, not of graphs: whether weights beside the model are there is told in a column of its own
_OF_THE_FILE = ("CNS607",)


def limit_columns(report: Report, limits: Sequence[Limit]) -> dict[str, object]:
    """Whether limits are kept."""
    found = judge_report(report, limits)
    exceeded = [x for x in found if x.state == "exceeds"]
    unknown = [x for x in found if x.state == "unknown" and not x.ok]
    return {
        "within_limits": False if exceeded else None if unknown else True,
        "exceeded": texts(map(_said, exceeded)),
        "unknown_limits": texts(map(_said, unknown)),
    }


def _said(verdict: Verdict) -> str:
    """A limit in words: ``macs <= 4.2 G``."""
    return f"{verdict.limit.name} {verdict.asked}"


def lint_columns(report: Report) -> dict[str, object]:
    """What lint's rules find, counted."""
    found = lint_report(report, LintSettings(ignore=_OF_THE_FILE))
    number = found.counts()
    return {
        "lint_errors": number["error"],
        "lint_warnings": number["warning"],
        "lint_infos": number["info"],
        "lint_codes": sorted(found.codes),
    }
