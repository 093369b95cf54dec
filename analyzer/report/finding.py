"""What do the reporters of CI services need to know of whatever a gate found?

A gate (`check`, `lint`) has richer results of its own. A *finding* is the part of one that SARIF,
JUnit, GitHub and GitLab can show: which rule, how bad, where, and in what words. The texts hold
names from the model's file as they are: a reporter escapes them as its format asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from cnnscope.analyzer.values.diagnostics import Severity
from cnnscope.analyzer.values.plain_class import dataclass

_RANK: Mapping[Severity, int] = {"info": 0, "warning": 1, "error": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Args:
        code: the rule's, e.g. ``"CNS101"`` or ``"budget/macs"``; stable.
        severity: ``"error"``, ``"warning"`` or ``"info"``.
        model: the path of the model's file as the user knows it.
        message: one sentence.
        layer: the layer it is about, or the first of them; None: the whole model.
        others: further layers it is about.
        hint: what the reader can do about it, or ``""``.
        stake: how much it is about: what (``"macs"``, ``"params"``, ``"bytes"``) to how many.
        subject: what, besides code, model and layer, makes it the same finding next time, e.g. the
            limit's own name; never a number that changes with the model.

    >>> Finding("CNS101", "warning", "m.onnx", "branches are misaligned", "/add").layer
    '/add'
    """

    code: str
    severity: Severity
    model: str
    message: str
    layer: str | None = None
    others: tuple[str, ...] = ()
    hint: str = ""
    stake: Mapping[str, int] = field(default_factory=dict)
    subject: str = ""

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer it is about."""
        return () if self.layer is None else (self.layer, *self.others)

    def to_dict(self) -> dict[str, object]:
        return {
            "code": self.code,
            "severity": self.severity,
            "model": self.model,
            "layer": self.layer,
            "others": list(self.others),
            "message": self.message,
            "hint": self.hint,
            "stake": dict(self.stake),
        }


@dataclass(frozen=True, slots=True)
class ReportedRule:
    """What findings of one code have in common.

    Args:
        code: stable.
        name: in a few words, e.g. ``"misaligned-branches"``.
        summary: one sentence.
        help: its documentation, in Markdown; ``""`` where the summary says it all.
        uri: where that documentation is, or ``""``.
        severity: what its findings are unless configured otherwise.
        tags: a few words to filter by.
    """

    code: str
    name: str
    summary: str
    help: str = ""
    uri: str = ""
    severity: Severity = "warning"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One question that was asked of one model, for reporters that also show what is fine.

    Args:
        model: the model's path.
        name: what was asked, e.g. ``"macs <= 4.2 G"`` or ``"CNS101 misaligned-branches"``.
        findings: what speaks against it; none: it passed.
        said: what the answer was, in a sentence.
        skipped: why it wasn't asked after all, or ``""``.
        threshold: how bad a finding has to be to fail it.
    """

    model: str
    name: str
    findings: tuple[Finding, ...] = ()
    said: str = ""
    skipped: str = ""
    threshold: Severity = "error"

    def fails(self, finding: Finding) -> bool:
        """A finding is as bad as the threshold, or worse."""
        return _RANK[finding.severity] >= _RANK[self.threshold]

    @property
    def failed(self) -> bool:
        """One of the findings fails it."""
        return any(map(self.fails, self.findings))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a gate has to say, as reporters take it.

    Args:
        gate: the command: ``"check"`` or ``"lint"``.
        cases: the questions in order, with what was found.
        rules: every rule a finding may name; also those that found nothing.
        command: the command line without paths of this machine, or ``""``.
    """

    gate: str
    cases: Sequence[Case]
    rules: Sequence[ReportedRule] = ()
    command: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that was found, in order."""
        return tuple(finding for case in self.cases for finding in case.findings)

    @property
    def models(self) -> tuple[str, ...]:
        """The models asked about, in order, each once."""
        return tuple(dict.fromkeys(case.model for case in self.cases))
