"""How does a rule's documentation look? The same headings for every rule."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from cnnscope.analyzer.lint.rule import GROUPS, LintRule
from cnnscope.analyzer.render.forms.terminal import fitted

_GENERATED = "<!-- Generated from the rule itself by tests/test_rule_pages.py: change it there. -->"


def _sections(rule: LintRule) -> list[tuple[str, str]]:
    page = rule.page
    return [
        ("What it does", page.what),
        ("Why it matters", page.why),
        ("How it is computed", page.how),
        ("Example", page.example),
        ("What to do", page.todo),
    ]


def rule_markdown(rule: LintRule) -> str:
    """A rule's page."""
    lines = [f"# {rule.code} {rule.name}", "", _GENERATED, ""]
    lines += [f"Severity: {rule.severity}. Group: {rule.group}.", ""]
    for title, text in _sections(rule):
        lines += [f"## {title}", "", _wrapped(text), ""]
    lines += ["## References", ""]
    lines += [_wrapped(text, "- ", "  ") for text in rule.page.references]
    return "\n".join(lines) + "\n"


def rules_markdown(rules: Sequence[LintRule]) -> str:
    """The list of all rules, by group."""
    lines = ["# Rules of `cnnscope lint`", "", _GENERATED, ""]
    for digit, group in GROUPS.items():
        lines += [f"## CNS{digit}xx: {group}", "", "| code | name | severity | what it does |"]
        lines.append("|---|---|---|---|")
        for rule in rules:
            if rule.code[3] == digit:
                what = rule.page.what.replace("|", "\\|")
                link = f"[{rule.code}]({rule.code}.md)"
                lines.append(f"| {link} | {rule.name} | {rule.severity} | {what} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def rule_text(rule: LintRule, width: int = 100) -> str:
    """A rule's page for a terminal."""
    width = max(min(width, 100), 20)
    heading = f"{rule.code} {rule.name} ({rule.severity}; {rule.group})"
    lines = [textwrap.fill(heading, width, break_on_hyphens=False), ""]
    for title, text in _sections(rule):
        plain = text.replace("`", "")
        lines += [title, textwrap.fill(plain, width, initial_indent="  ", subsequent_indent="  ")]
        lines.append("")
    lines.append("References")
    lines += [
        textwrap.fill(text, width, initial_indent="  ", subsequent_indent="    ")
        for text in rule.page.references
    ]
    return "\n".join(lines) + "\n"


def rules_text(rules: Sequence[LintRule], width: int = 100) -> str:
    """One line per rule, the end of it left out where there's no room."""
    longest = max(len(rule.name) for rule in rules)
    lines = (
        f"{rule.code}  {rule.severity:<7}  {rule.name:<{longest}}  {rule.group}" for rule in rules
    )
    return "".join(f"{fitted(line, width)}\n" for line in lines)


def rule_dict(rule: LintRule) -> dict[str, object]:
    """A rule as data."""
    page = rule.page
    return {
        "code": rule.code, "name": rule.name, "severity": rule.severity, "group": rule.group,
        "what": page.what, "why": page.why, "how": page.how, "example": page.example,
        "todo": page.todo, "references": list(page.references),
    }  # fmt: skip


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        text, 100, initial_indent=first, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
