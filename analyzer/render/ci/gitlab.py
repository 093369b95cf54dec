"""How does GitLab show findings? From a Code Quality report: a list of issues in JSON.

An issue has a description, the check's name, a fingerprint that stays the same from one commit to
the next, a severity (info, minor, major, critical, blocker) and a place, a relative path and a line
(GitLab Docs, *Code Quality report format*). A model has no lines, so it is the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cnnscope.analyzer.render.ci.fingerprint import fingerprints
from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.report.finding import Finding, Outcome
from cnnscope.analyzer.values.diagnostics import Severity
from cnnscope.analyzer.values.notation import escape, name

_SEVERITIES: Final[Mapping[Severity, str]] = {
    "error": "major", "warning": "minor", "info": "info",
}  # fmt: skip


def code_quality(outcome: Outcome, version: str = "") -> str:
    """The findings as GitLab's Code Quality report."""
    found = outcome.findings
    return dumped([_issue(x, key) for x, key in zip(found, fingerprints(found), strict=True)])


def _issue(finding: Finding, fingerprint: str) -> dict[str, object]:
    where = "" if finding.layer is None or finding.subject else f" [{name(finding.layer, 80)}]"
    hint = f" ({escape(finding.hint)})" if finding.hint else ""
    return {
        "description": f"{escape(finding.message)}{where}{hint}",
        "check_name": finding.code,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": escape(finding.model).removeprefix("./"),
            "lines": {"begin": 1},
        },
    }
