"""How does a GitHub workflow show findings? As annotations: commands in what a step prints.

A command is a line ``::error file=...,title=...::message`` (GitHub Docs, *Workflow commands for
GitHub Actions*). A line end in the message would begin a new line, and with it perhaps a new command,
so ``%``, CR and LF are written as ``%25``, ``%0D``, ``%0A``; in a property also ``:`` and ``,``. A
runner still reads the older form, ``##[error]``, anywhere in a line. Ten annotations of each level
are shown per step; the rest are counted in one line. This is the one format whose lines are commands
(see `job_log`), so it sees itself to it that they are those written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.report.finding import Finding, Outcome
from cnnscope.analyzer.values.diagnostics import Severity
from cnnscope.analyzer.values.notation import escape, name

MOST: Final = 10
_LEVELS: Final[Mapping[Severity, str]] = {
    "error": "error", "warning": "warning", "info": "notice",
}  # fmt: skip


def workflow_commands(outcome: Outcome, version: str = "") -> str:
    """The findings as a workflow's commands, the worst first, at most ten of each level."""
    lines: list[str] = []
    for severity, level in _LEVELS.items():
        found = [x for x in outcome.findings if x.severity == severity]
        lines += [_annotation(finding, level) for finding in found[:MOST]]
        if len(found) > MOST:
            lines.append(f"cnnscope {outcome.gate}: {len(found) - MOST} more of level {level}")
    passed = sum(not case.failed for case in outcome.cases)
    lines.append(f"cnnscope {outcome.gate}: {passed} of {len(outcome.cases)} passed")
    return "\n".join(lines) + "\n"


def _annotation(finding: Finding, level: str) -> str:
    where = "" if finding.layer is None or finding.subject else f" at {name(finding.layer, 80)}"
    message = f"{name(finding.model)}{where}: {escape(finding.message)}"
    if finding.hint:
        message += f"\n{escape(finding.hint)}"
    properties = {
        "file": escape(finding.model), "line": "1", "title": f"cnnscope {escape(finding.code)}"
    }  # fmt: skip
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {given}::{_data(message)}"


def _data(text: str) -> str:
    text = without_commands(text)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
