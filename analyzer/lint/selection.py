"""Which rules do codes, their beginnings and names stand for?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnscope.analyzer.lint import rules as _rules  # noqa: F401  (registers every rule)
from cnnscope.analyzer.lint.rule import LintRule, registered_rules
from cnnscope.analyzer.lint.settings import LintError, LintSettings
from cnnscope.analyzer.values.near_names import near_names


def all_rules() -> Sequence[LintRule]:
    """Every rule there is, by code."""
    return registered_rules()


def find_rule(text: str) -> LintRule:
    """A rule by its code or its name.

    Raises:
        LintError: there is none; with the closest there is.
    """
    for rule in all_rules():
        if text.strip().lower() in (rule.code.lower(), rule.name):
            return rule
    raise LintError(f"there is no rule {text!r}{_meant(text)}")


def selected(settings: LintSettings) -> list[LintRule]:
    """The rules that are asked.

    Raises:
        LintError: a code, prefix or name that fits no rule.
    """
    select = [code_prefix(text) for text in settings.select] or [""]
    ignore = [code_prefix(text) for text in settings.ignore]
    for text in (
        *settings.severities,
        *(c for x in settings.per_layer_ignores.values() for c in x),
    ):
        code_prefix(text)
    return [
        rule for rule in all_rules() if _longest(rule.code, select) > _longest(rule.code, ignore)
    ]


def _longest(code: str, prefixes: Iterable[str]) -> int:
    return max((len(x) for x in prefixes if code.startswith(x)), default=-1)


def code_prefix(text: str) -> str:
    """A code or the beginning of one, from what the user wrote."""
    wanted = text.strip()
    for rule in all_rules():
        if wanted.lower() == rule.name:
            return rule.code
    wanted = wanted.upper()
    if wanted == "ALL":
        return ""
    if wanted and any(rule.code.startswith(wanted) for rule in all_rules()):
        return wanted
    raise LintError(f"no rule's code begins with {text!r}, and none has that name{_meant(text)}")


def _meant(text: str) -> str:
    names = [rule.name for rule in all_rules()] + [rule.code for rule in all_rules()]
    close = near_names(text, names)
    meant = " or ".join(close)
    return f"; did you mean {meant}?" if close else " (cnnscope rule --all lists them)"
