"""What does a rule's documentation say? The same headings for every rule."""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.lint.rule import GROUPS, LintRule
from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Block,
    Document,
    Flow,
    Heading,
    Note,
    Notes,
    Only,
    Picture,
    Prose,
    Section,
)
from cnnscope.analyzer.render.forms.markdown import markdown
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.finding import ReportedRule

_GENERATED = "<!-- Generated from the rule itself by tests/test_rule_pages.py: change it there. -->"
_WIDEST = 100  # cells of a line
_PARAGRAPH = Flow("  ", "  ", _WIDEST, hyphens=True)
_REFERENCE = Flow("  ", "    ", _WIDEST, hyphens=True)


def _sections(rule: LintRule) -> list[tuple[str, str]]:
    page = rule.page
    return [
        ("What it does", page.what),
        ("Why it matters", page.why),
        ("How it is computed", page.how),
        ("Example", page.example),
        ("What to do", page.todo),
    ]


def document(rule: LintRule) -> Document:
    """A rule's page."""
    title = f"{rule.code} {rule.name}"
    about = f"{title} ({rule.severity}; {rule.group})"
    sections = [
        Section((
            Only(PAGE, (Heading(title, level=1),)),
            Only(("markdown",), (Prose((_GENERATED,)),)),
            Only(PAGE, (Prose((f"Severity: {rule.severity}. Group: {rule.group}.",)),)),
            Only(SCREEN, (Notes((Note(about, flow=Flow(most=_WIDEST)),)),)),
        ))
    ]  # fmt: skip
    for heading, text in _sections(rule):
        sections.append(_section(heading, Prose((text,), flow=_PARAGRAPH)))
    sections.append(_section("References", Prose(rule.page.references, True, _REFERENCE)))
    return Document(title, tuple(sections))


def _section(heading: str, prose: Prose) -> Section:
    shown: tuple[Block, ...] = (
        Only(SCREEN, (Picture((heading,), tone=""),)), Only(PAGE, (Heading(heading),)), prose
    )  # fmt: skip
    return Section(shown)


_COLUMNS: tuple[Column[LintRule], ...] = (
    Column("code", "code", lambda x: f"[{x.code}]({x.code}.md)", lambda x: x.code),
    Column("name", "name", lambda x: x.name, lambda x: x.name),
    Column("severity", "severity", lambda x: x.severity, lambda x: x.severity),
    Column(
        "what", "what it does", lambda x: x.page.what.replace("|", "\\|"), lambda x: x.page.what
    ),
)


def list_document(rules: Sequence[LintRule]) -> Document:
    """All rules: a line each on a screen, a table per group on a page."""
    title = "Rules of `cnnscope lint`"
    longest = max(len(rule.name) for rule in rules)
    lines = tuple(
        f"{rule.code}  {rule.severity:<7}  {rule.name:<{longest}}  {rule.group}" for rule in rules
    )
    groups: list[Block] = []
    for digit, group in GROUPS.items():
        own = [rule for rule in rules if rule.code[3] == digit]
        listed = table(_COLUMNS, own, chosen=True, prose=[c.name for c in _COLUMNS], dense=True)
        groups += [Heading(f"CNS{digit}xx: {group}"), listed]
    return Document(
        title,
        (
            Section((
                Only(("markdown",), (Prose((f"# {title}", _GENERATED)),)),
                Only(("html",), (Heading(title.replace("`", ""), level=1),)),
                Only(SCREEN, (Picture(lines, tone=""),)),
                Only(PAGE, tuple(groups)),
            )),
        ),
    )  # fmt: skip


def neutral_rule(rule: LintRule) -> ReportedRule:
    """A rule as reporters take it."""
    return ReportedRule(
        rule.code, rule.name, rule.page.what, markdown(document(rule)), severity=rule.severity,
        tags=(rule.group,),
    )  # fmt: skip


def rule_dict(rule: LintRule) -> dict[str, object]:
    """A rule as data."""
    page = rule.page
    return {
        "code": rule.code, "name": rule.name, "severity": rule.severity, "group": rule.group,
        "what": page.what, "why": page.why, "how": page.how, "example": page.example,
        "todo": page.todo, "references": list(page.references),
    }  # fmt: skip
