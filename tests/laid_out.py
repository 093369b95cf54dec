"""How do tests ask for a subject in a form? By one name for each pair."""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.budgets.check import Check
from cnnscope.analyzer.difference.difference import Difference
from cnnscope.analyzer.explanation.explanation import Explanation
from cnnscope.analyzer.lint.rule import LintRule
from cnnscope.analyzer.render.columns import Column, Row
from cnnscope.analyzer.render.document import Document, Section
from cnnscope.analyzer.render.forms.csv import csv_text
from cnnscope.analyzer.render.forms.html import fragment
from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.render.forms.markdown import markdown
from cnnscope.analyzer.render.forms.terminal import text
from cnnscope.analyzer.render.subjects import (
    check,
    comparison,
    difference,
    explanation,
    profile,
    report,
    rules,
    verification,
)
from cnnscope.analyzer.render.subjects.profile_rows import ProfileSelection
from cnnscope.analyzer.render.subjects.selection import EVERYTHING, Selection
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.comparison import Comparison
from cnnscope.analyzer.report.group import By
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.verification import Verification


def report_text(found: Report, width: int = 100, shown: Selection = EVERYTHING) -> str:
    return text(report.document(found, shown), width)


def report_markdown(
    found: Report,
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
    top: int | None = None,
    by: By | None = None,
    depth: int | None = None,
    convention: str | None = None,
) -> str:
    names = None if columns is None else tuple(columns)
    return markdown(report.document(found, Selection(names, sort, top, by, depth, convention)))


def report_html(found: Report, longest: int = 500) -> str:
    return fragment(report.document(found), longest)


def report_csv(
    reports: Sequence[Report],
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
    top: int | None = None,
    by: By | None = None,
    depth: int | None = None,
    with_model: bool = False,
    convention: str | None = None,
) -> str:
    names = None if columns is None else tuple(columns)
    shown = Selection(names, sort, top, by, depth, convention)
    models = [x.model.path or "" for x in reports] if with_model else None
    return csv_text([report.document(x, shown) for x in reports], models)


def report_json(
    reports: Sequence[Report],
    *,
    tensors: bool = False,
    as_list: bool = False,
    convention: str | None = None,
) -> str:
    found = [report.record(x, tensors=tensors, convention=convention) for x in reports]
    return dumped(found if as_list else found[0])


def markdown_table(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> str:
    document = Document("", (Section((table(columns, rows, chosen=True),)),))
    return markdown(document).removesuffix("\n")


def comparison_text(found: Comparison, width: int = 100) -> str:
    return text(comparison.document(found), width)


def comparison_markdown(found: Comparison) -> str:
    return markdown(comparison.document(found))


def comparison_csv(found: Comparison) -> str:
    return csv_text([comparison.document(found)])


def explanation_text(found: Explanation, width: int = 100) -> str:
    return text(explanation.document(found), width)


def explanation_markdown(found: Explanation) -> str:
    return markdown(explanation.document(found))


def explanation_json(found: Explanation) -> str:
    return dumped(found.to_dict())


def difference_text(found: Difference, width: int = 100, *, everything: bool = False) -> str:
    return text(difference.document(found, everything=everything), width)


def difference_markdown(found: Difference, *, everything: bool = False) -> str:
    return markdown(difference.document(found, everything=everything))


def difference_json(found: Difference) -> str:
    return dumped(found.to_dict())


def check_text(found: Check, width: int = 100) -> str:
    return text(check.document(found), width)


def check_markdown(found: Check) -> str:
    return markdown(check.document(found))


def check_json(found: Check) -> str:
    return dumped(found.to_dict())


def profile_text(
    found: Profile, width: int = 100, sort: str | None = None, top: int | None = None
) -> str:
    return text(profile.document(found, ProfileSelection(sort, top)), width)


def profile_markdown(found: Profile, sort: str | None = None, top: int | None = None) -> str:
    return markdown(profile.document(found, ProfileSelection(sort, top)))


def profile_csv(found: Profile, sort: str | None = None, top: int | None = None) -> str:
    return csv_text([profile.document(found, ProfileSelection(sort, top))])


def profile_json(found: Profile) -> str:
    return dumped(found.to_dict())


def verification_markdown(found: Verification) -> str:
    return markdown(verification.document(found))


def verification_json(found: Verification) -> str:
    return dumped(found.to_dict())


def rule_text(found: LintRule, width: int = 100) -> str:
    return f"{text(rules.document(found), width)}\n"


def rule_markdown(found: LintRule) -> str:
    return markdown(rules.document(found))


def rules_markdown(found: Sequence[LintRule]) -> str:
    return markdown(rules.list_document(found))
