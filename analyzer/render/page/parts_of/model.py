"""The model in a few lines: what its report says around the table of layers, and the totals as in JSON."""

from __future__ import annotations

from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.subjects.diagnostics import diagnostic_lines
from cnnscope.analyzer.render.subjects.report import ends, field_lines, title
from cnnscope.analyzer.render.subjects.totals import total_lines


def part(contents: Contents) -> object:
    """The first screen's figures, as words and as numbers."""
    report = contents.report
    facts = [
        *ends(report),
        *((label.strip(), f"{figure}") for label, figure, _ in total_lines(report)),
    ]
    facts += [("receptive field", text) for text in field_lines(report)]
    totals = report.stream()["totals"]
    return {
        "title": title(report),
        "facts": [{"head": head, "text": text} for head, text in facts],
        "notes": [
            {"severity": severity, "text": text} for severity, text in diagnostic_lines(report)
        ],
        "totals": totals,
    }
