"""What do the rules find in a model? Which of them are asked, and what is done with the answers.

A rule is asked if it is selected and not ignored, the longer prefix of its code winning (``CNS1``
ignored and ``CNS105`` selected leaves CNS105), a tie going to *ignored*. What it finds is then left
out where the configuration ignores that rule for those layers, or where the model's own property
``cnnscope.lint.ignore`` says so: entries separated by commas, each a code or prefix, or
``CODE:GLOB`` for the layers whose names the glob matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from typing import ClassVar, Final

from cnnscope.analyzer.lint.evidence import Particulars
from cnnscope.analyzer.lint.rule import Hit, Kernels, LintRule, Subject
from cnnscope.analyzer.lint.selection import code_prefix, find_rule, selected
from cnnscope.analyzer.lint.settings import SEVERITIES, LintSettings
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.report.finding import Finding
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.collector import collector_resting
from cnnscope.analyzer.values.diagnostics import Severity
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Listing

SCHEMA_VERSION: Final = 1
PROPERTY: Final = "cnnscope.lint.ignore"
#: characters of the model's property that are read: it may have been written by anybody
_LONGEST: Final = 10_000


@dataclass(frozen=True, eq=False, repr=False)
class Findings(Listing[Finding]):
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
    COLUMNS: ClassVar = ("code", "severity", "layer", "others", "message", "hint", "stake")

    @property
    def items(self) -> tuple[Finding, ...]:
        return self.found

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

    def records(self) -> Iterator[dict[str, object]]:
        """One for each finding."""
        yield from ({key: x.to_dict()[key] for key in self.COLUMNS} for x in self.found)

    def summary(self) -> str:
        return f"of {name(self.model, 120)}: {len(self.found)}"


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
        raise ValueError("rules need the model itself, not what was read back: analyse it anew")
    with collector_resting():
        return _findings(report, analysis, settings, asked, kernels)


def _findings(
    report: Report, analysis: Analysis, settings: LintSettings, asked: Sequence[LintRule],
    kernels: Kernels | None,
) -> Findings:  # fmt: skip
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
        prefix = code_prefix(text)
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
