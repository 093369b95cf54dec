"""What was noticed, and what looks wrong: diagnostics and the rules' findings, each with its layers."""

from __future__ import annotations

from collections.abc import Iterable

from cnnscope.analyzer.lint.linting import lint_report
from cnnscope.analyzer.render.page.blocks import Json
from cnnscope.analyzer.render.page.contents import Contents


def part(contents: Contents) -> object:
    """Errors first; ``layers`` are places in the table of layers."""
    report = contents.report
    places = {name: i for i, layer in enumerate(report.layers) for name in (layer.path, layer.name)}

    def row(
        severity: str, code: str, layers: Iterable[str | None], message: str, hint: str
    ) -> Json:
        known = [places[name] for name in layers if name in places]
        return {
            "severity": severity,
            "code": code,
            "layers": known,
            "message": message,
            "hint": hint,
        }

    rows = [row(x.severity, x.code, [x.layer], x.message, x.hint) for x in report.diagnostics]
    try:
        found = lint_report(report)
    except ValueError:  # it was read from data
        found = None
    for x in found or ():
        rows.append(row(x.severity, x.code, [x.layer, *x.others], x.message, x.hint))
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(rows, key=lambda x: order.get(str(x["severity"]), 3)) or None
