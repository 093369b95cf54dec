"""Are the rules' pages in docs/rules what the rules say of themselves?

With CNNSCOPE_WRITE_PAGES=1 in the environment they are written anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from laid_out import rule_markdown, rule_text, rules_markdown

from cnnscope.analyzer.lint.rule import LintRule
from cnnscope.analyzer.lint.selection import all_rules
from cnnscope.analyzer.render.subjects.rules import neutral_rule, rule_dict

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "rules"
PAGES = {f"{rule.code}.md": rule_markdown(rule) for rule in all_rules()} | {
    "README.md": rules_markdown(all_rules())
}


@pytest.mark.parametrize("name", PAGES)
def test_pages(name: str) -> None:
    if os.environ.get("CNNSCOPE_WRITE_PAGES") == "1":
        (FOLDER / name).write_text(PAGES[name], encoding="utf-8")
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name]


def test_no_page_without_a_rule() -> None:
    assert {path.name for path in FOLDER.glob("*")} == set(PAGES)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_a_rule_says_everything(rule: LintRule) -> None:
    page = rule.page
    for text in (page.what, page.why, page.how, page.example, page.todo):
        assert text.endswith(".")
        assert "  " not in text
    assert page.references
    assert rule.name == rule.name.lower().replace(" ", "-")
    assert rule_dict(rule)["code"] == rule.code
    assert all(len(line) <= 100 for line in rule_text(rule, 200).splitlines() if "http" not in line)
    assert neutral_rule(rule).help == rule_markdown(rule)
