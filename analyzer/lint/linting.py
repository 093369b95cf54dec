"""What do the rules find in a model? Which of them are asked, and what is done with the answers.

A rule is asked if it is selected and not ignored, the longer prefix of its code winning (``CNS1``
ignored and ``CNS105`` selected leaves CNS105), a tie going to *ignored*. What it finds is then left
out where the configuration ignores that rule for those layers, or where the model's own property
``cnnscope.lint.ignore`` says so: entries separated by commas, each a code or prefix, or
``CODE:GLOB`` for the layers whose names the glob matches.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, overload

from cnnscope.analyzer.lint import rules as _rules  # noqa: F401  (registers every rule)
from cnnscope.analyzer.lint.evidence import Particulars
from cnnscope.analyzer.lint.rule import (
    Hit,
    Kernels,
    LintRule,
    Options,
    Subject,
    registered_rules,
)
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.report.finding import Finding
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import CnnscopeError, Severity
from cnnscope.analyzer.values.shown import Shown

if TYPE_CHECKING:
    import pandas

SCHEMA_VERSION: Final = 1
PROPERTY: Final = "cnnscope.lint.ignore"
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "error")
#: characters of the model's property that are read: it may have been written by anybody
_LONGEST: Final = 10_000
_KEYS: Final = (
    "select", "ignore", "severity", "severities", "per-layer-ignores", "ridge", "heavy",
    "target-opset", "providers", "weights",
)  # fmt: skip


class LintError(CnnscopeError):
    """The rules can't be asked that way: an unknown code, a setting that makes no sense.

    Args:
        message: what is wrong.
        keys: where in the table ``[lint]`` of a configuration, or ``()``.
    """

    def __init__(self, message: str, keys: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.keys = keys


@dataclass(frozen=True, slots=True)
class LintSettings:
    """Which rules are asked, and how.

    Args:
        select, ignore: codes, prefixes of codes or names of rules; nothing selected: all.
        per_layer_ignores: glob over layers' names to what is ignored there.
        severities: code or prefix to how bad its findings are.
        threshold: findings at least that bad make the command fail.
        inline: the model's own property counts.
        options: what the rules are told.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_layer_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    threshold: Severity = "warning"
    inline: bool = True
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, eq=False)
class Findings(Shown, Sequence[Finding]):
    """What the rules found in a model, the worst first.

    Args:
        model: its path, ``"model"`` for one in memory.
        found: the findings.
        asked: the rules that were asked.
        suppressed: what the configuration or the model itself said to leave out, by code.
    """

    model: str
    found: tuple[Finding, ...]
    asked: tuple[LintRule, ...] = ()
    suppressed: Mapping[str, int] = field(default_factory=dict)

    @overload
    def __getitem__(self, key: int) -> Finding: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, key: int | slice) -> Finding | tuple[Finding, ...]:
        return self.found[key]

    def __len__(self) -> int:
        return len(self.found)

    @property
    def codes(self) -> frozenset[str]:
        """The rules that found something."""
        return frozenset(finding.code for finding in self.found)

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings that are that bad or worse."""
        least = SEVERITIES.index(severity)
        return tuple(x for x in self.found if SEVERITIES.index(x.severity) >= least)

    def counts(self) -> dict[Severity, int]:
        """How many findings of each severity, the worst first."""
        return {s: sum(x.severity == s for x in self.found) for s in reversed(SEVERITIES)}

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data, ``schema_version`` 1."""
        return {
            "schema_version": SCHEMA_VERSION,
            "model": self.model,
            "summary": dict(self.counts()),
            "suppressed": dict(self.suppressed),
            "rules": [rule.code for rule in self.asked],
            "findings": [finding.to_dict() for finding in self.found],
        }

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per finding; raises ImportError where pandas isn't there."""
        import pandas

        columns = ["code", "severity", "layer", "others", "message", "hint", "stake"]
        rows = [{key: x.to_dict()[key] for key in columns} for x in self.found]
        return pandas.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        return f"<cnnscope.Findings of {self.model}: {len(self.found)}>"


# -- asking ----------------------------------------------------------------------------------------


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


def lint_report(
    report: Report, settings: LintSettings | None = None, kernels: Kernels | None = None
) -> Findings:
    """Ask the rules about a model that was analysed.

    Args:
        report: what `analyze` gave.
        settings: which rules, and how.
        kernels: which kernels providers have, where some are asked about.

    Raises:
        LintError: the settings name an unknown rule.
        ValueError: the report was read from data, or its model isn't at hand any more.
    """
    settings = settings or LintSettings()
    asked = selected(settings)
    analysis = report._analysis
    if not isinstance(analysis, Analysis):
        raise ValueError("rules need the model: analyse it anew")
    particulars = Particulars(
        analysis.file, analysis.graph, analysis.shapes, analysis.weights, analysis.fields
    )
    subject = Subject(report, particulars, settings.options, kernels)
    ignored = list(settings.per_layer_ignores.items())
    if settings.inline:
        ignored += _inline(particulars.metadata)
    path = report.model.path or "model"
    found: list[Finding] = []
    suppressed: dict[str, int] = {}
    for rule in asked:
        for hit in rule.check(subject):
            if any(_silenced(rule, hit, glob, codes) for glob, codes in ignored):
                suppressed[rule.code] = suppressed.get(rule.code, 0) + 1
            else:
                found.append(_finding(rule, hit, path, settings))
    order = {layer.name: layer.index for layer in report.layers}
    found.sort(key=lambda x: (-SEVERITIES.index(x.severity), x.code, order.get(x.layer or "", -1)))
    return Findings(path, tuple(found), tuple(asked), suppressed)


def unreadable(path: str, message: str, settings: LintSettings | None = None) -> Findings | None:
    """The one finding of a model that isn't opened because its data lies outside its folder.

    None where the rule about that isn't asked.
    """
    settings = settings or LintSettings()
    rule = find_rule("CNS606")
    if rule not in selected(settings):
        return None
    finding = _finding(rule, Hit((), message), path, settings)
    return Findings(path, (finding,), tuple(selected(settings)))


def selected(settings: LintSettings) -> list[LintRule]:
    """The rules that are asked.

    Raises:
        LintError: a code, prefix or name that fits no rule.
    """
    select = [_prefix(text) for text in settings.select] or [""]
    ignore = [_prefix(text) for text in settings.ignore]
    for text in (
        *settings.severities,
        *(c for x in settings.per_layer_ignores.values() for c in x),
    ):
        _prefix(text)
    return [
        rule for rule in all_rules() if _longest(rule.code, select) > _longest(rule.code, ignore)
    ]


def _longest(code: str, prefixes: Iterable[str]) -> int:
    return max((len(x) for x in prefixes if code.startswith(x)), default=-1)


def _prefix(text: str) -> str:
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
    wanted = text.strip()
    close = difflib.get_close_matches(wanted.lower(), names, 1) or difflib.get_close_matches(
        wanted.upper(), names, 1
    )
    return f"; did you mean {close[0]}?" if close else " (cnnscope rule --all lists them)"


def _inline(metadata: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for entry in metadata.get(PROPERTY, "")[:_LONGEST].split(","):
        code, colon, glob = entry.strip().partition(":")
        if code:
            yield (glob.strip() if colon else ""), (code,)


def _silenced(rule: LintRule, hit: Hit, glob: str, codes: Iterable[str]) -> bool:
    """All the layers of a hit match the glob, and the rule one of the codes.

    An empty glob stands for the whole model. What a model says of rules that don't exist is of
    no concern.
    """
    named = {code.strip().upper() for code in codes} | {c.strip().lower() for c in codes}
    if not any(rule.code.startswith(code) or code in (rule.name, "ALL") for code in named if code):
        return False
    return not glob or (bool(hit.layers) and all(fnmatchcase(layer, glob) for layer in hit.layers))


def _finding(rule: LintRule, hit: Hit, path: str, settings: LintSettings) -> Finding:
    severity = hit.severity or rule.severity
    longest = -1
    for text, wanted in settings.severities.items():
        prefix = _prefix(text)
        if rule.code.startswith(prefix) and len(prefix) > longest:
            severity, longest = wanted, len(prefix)
    return Finding(
        code=rule.code,
        severity=severity,
        model=path,
        message=hit.message,
        layer=hit.layers[0] if hit.layers else None,
        others=hit.layers[1:],
        hint=hit.hint or rule.page.todo,
        stake={what: value for what, value in hit.stake.items() if value},
        subject=hit.subject,
    )


# -- configuration ---------------------------------------------------------------------------------


#: of a setting; no machine has more
_LARGEST_NUMBER = 10**100


def settings_from(table: Mapping[str, object]) -> LintSettings:
    """The settings in a table ``[lint]`` of the configuration.

    Raises:
        LintError: an unknown key, or a value that isn't what the key takes.
    """
    for key, value in table.items():  # each by itself, to say which one it is
        try:
            _settings({key: value})
        except LintError as error:
            raise LintError(str(error), (key,)) from None
    return _settings(table)


def _settings(table: Mapping[str, object]) -> LintSettings:
    for key in table:
        if key.replace("_", "-") not in _KEYS:
            close = difflib.get_close_matches(key.replace("_", "-"), _KEYS, 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise LintError(f"[lint] has no key {key!r}{meant}")
    given = {key.replace("_", "-"): value for key, value in table.items()}
    severities = {
        code: _severity(value, f"severities.{code}")
        for code, value in _table(given.get("severities", {}), "severities").items()
    }
    per_layer = {
        glob: _words(value, f"per-layer-ignores.{glob}")
        for glob, value in _table(given.get("per-layer-ignores", {}), "per-layer-ignores").items()
    }
    usual = Options()
    target = given.get("target-opset")
    if target is not None and (isinstance(target, bool) or not isinstance(target, int)):
        raise LintError("lint.target-opset is a number such as 17")
    weights = given.get("weights", False)
    if not isinstance(weights, bool):
        raise LintError("lint.weights is true or false")
    settings = LintSettings(
        _words(given.get("select", []), "select"),
        _words(given.get("ignore", []), "ignore"),
        per_layer,
        severities,
        _severity(given.get("severity", "warning"), "severity"),
        options=Options(
            _number(given.get("ridge", usual.ridge), "ridge"),
            _number(given.get("heavy", usual.heavy), "heavy"),
            target,
            _words(given.get("providers", []), "providers"),
            weights,
        ),
    )
    selected(settings)
    return settings


def _table(value: object, key: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise LintError(f"lint.{key} is a table")
    return value


def _words(value: object, key: str) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
        raise LintError(f'lint.{key} is a list of texts such as ["CNS1", "CNS404"]')
    return tuple(value)


def _severity(value: object, key: str) -> Severity:
    for severity in SEVERITIES:
        if value == severity:
            return severity
    raise LintError(f"lint.{key} is one of {', '.join(SEVERITIES)}")


def _number(value: object, key: str) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, Decimal))
        or not 0 < value < _LARGEST_NUMBER
    ):
        raise LintError(f"lint.{key} is a number above 0")
    return float(value)
