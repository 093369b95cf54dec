"""How do code scanners show findings? As SARIF 2.1.0 (OASIS, 2020).

A model is an artifact without lines: a result is at its first line, and at the path of a node, a
*logical location*. GitHub takes 25,000 results and rules per run, 1,000 locations per result (it
shows 100), 20 tags per rule, and recognises a result by its fingerprint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath, PureWindowsPath
from typing import Final
from urllib.parse import quote

from cnnscope.analyzer.model.remote_names import is_far
from cnnscope.analyzer.render.ci.fingerprint import fingerprints
from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.report.finding import Finding, Outcome, ReportedRule
from cnnscope.analyzer.values.diagnostics import Severity
from cnnscope.analyzer.values.notation import escape

RESULTS: Final = 25_000
LOCATIONS: Final = 100
TAGS: Final = 20
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final[Mapping[Severity, str]] = {
    "error": "error", "warning": "warning", "info": "note",
}  # fmt: skip


def sarif_json(outcome: Outcome, version: str = "") -> str:
    """The findings as a SARIF log of one run.

    Args:
        outcome: what a gate found.
        version: cnnscope's.
    """
    return dumped(sarif_dict(outcome, version))


def sarif_dict(outcome: Outcome, version: str = "") -> dict[str, object]:
    """`sarif_json`, as plain data."""
    found = outcome.findings
    # The worst are kept where there are too many.
    order = {"error": 0, "warning": 1, "info": 2}
    marked = sorted(
        zip(found, fingerprints(found), strict=True), key=lambda pair: order[pair[0].severity]
    )[:RESULTS]
    known = {rule.code for rule in outcome.rules}
    unnamed = dict.fromkeys(x.code for x, _ in marked if x.code not in known)
    rules = [*outcome.rules, *(ReportedRule(code, code, code) for code in unnamed)][:RESULTS]
    index = {rule.code: i for i, rule in enumerate(rules)}
    driver: dict[str, object] = {"name": "cnnscope", "rules": [_rule(rule) for rule in rules]}
    if version:
        driver["version"] = version
    run: dict[str, object] = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"cnnscope/{outcome.gate}/"},
        "columnKind": "utf16CodeUnits",
        "results": [_result(finding, key, index) for finding, key in marked],
    }
    if len(found) > RESULTS:
        run["properties"] = {"resultsLeftOut": len(found) - RESULTS}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: ReportedRule) -> dict[str, object]:
    written: dict[str, object] = {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in re.split(r"[^A-Za-z0-9]+", rule.name)),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": rule.help or rule.summary, "markdown": rule.help or rule.summary},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": list(dict.fromkeys(["onnx", *rule.tags]))[:TAGS]},
    }
    if rule.uri:
        written["helpUri"] = rule.uri
    return written


def _result(finding: Finding, fingerprint: str, index: Mapping[str, int]) -> dict[str, object]:
    text = finding.message if not finding.hint else f"{finding.message}. {finding.hint}"
    return {
        "ruleId": finding.code,
        "ruleIndex": index[finding.code],
        "level": _LEVELS[finding.severity],
        "message": {"text": message_text(text)},
        "locations": [
            _location(finding.model, layer)
            for layer in (finding.layers[:LOCATIONS] if finding.layers else (None,))
        ],
        "partialFingerprints": {
            "cnnscopeFinding/v1": fingerprint,
            "primaryLocationLineHash": f"{fingerprint[:16]}:1",
        },
        "properties": {"stake": dict(finding.stake)},
    }


def _location(model: str, layer: str | None) -> dict[str, object]:
    found: dict[str, object] = {
        "physicalLocation": {
            "artifactLocation": _artifact(model),
            "region": {"startLine": 1, "startColumn": 1},
        }
    }
    if layer is not None:
        seen = escape(layer)
        found["logicalLocations"] = [
            {"name": seen.rpartition("/")[2] or seen, "fullyQualifiedName": seen, "kind": "element"}
        ]
    return found


def _artifact(model: str) -> dict[str, object]:
    """A path as a URI: relative to the checkout, or absolute."""
    if is_far(model):
        return {"uri": quote(model, safe=":/@")}
    windows = PureWindowsPath(model)
    if windows.drive:
        return {"uri": f"file:///{_quoted(windows.as_posix())}"}
    path = PurePath(model).as_posix()
    if path.startswith("/"):
        return {"uri": f"file://{_quoted(path)}"}
    return {"uri": _quoted(path), "uriBaseId": "%SRCROOT%"}


def _quoted(path: str) -> str:
    return quote(
        path.encode("utf-8", "surrogateescape" if _is_undecoded(path) else "surrogatepass")
    )


def _is_undecoded(path: str) -> bool:
    """Every surrogate in it stands for a byte that a file's name has and no text can have."""
    return all("\udc80" <= c <= "\udcff" for c in path if "\ud800" <= c <= "\udfff")


def message_text(text: str) -> str:
    r"""Text in which nothing is a link or a placeholder (SARIF 2.1.0, 3.11.5 and 3.11.6).

    >>> print(message_text("a[b](http://c) {0}"))
    a\[b\](http://c) {{0}}
    """
    text = escape(text)
    if "](" in text:
        text = re.sub(r"([\\\[\]])", r"\\\1", text)
    return re.sub(r"\{(\d+)\}", r"{{\1}}", text)
