"""How does a report look in a notebook? One table and a summary, everything escaped."""

from __future__ import annotations

from html import escape as quoted

from cnnscope.analyzer.render.columns import (
    default_columns,
    diagnostic_lines,
    ends,
    field_lines,
    title,
    total_lines,
)
from cnnscope.analyzer.render.subjects.beside import layer_columns
from cnnscope.analyzer.report.report import Report

_STYLE = "overflow:auto;max-height:32em"


def report_html(report: Report, longest: int = 500) -> str:
    """The report as a fragment of HTML, without scripts; at most *longest* layers in the table."""
    columns = default_columns(layer_columns(report))
    head = "".join(f"<th>{quoted(c.title)}</th>" for c in columns)
    lines = []
    for layer in list(report.layers)[:longest]:
        cells = "".join(_cell(c.text(layer), c.right) for c in columns)
        lines.append(f"<tr>{cells}</tr>")
    if len(report.layers) > longest:
        left = len(report.layers) - longest
        lines.append(f'<tr><td colspan="{len(columns)}">... {left} more layers</td></tr>')
    totals = "".join(
        f"<tr><th>{quoted(name)}</th>{_cell(text, True)}{_cell(meaning, False)}</tr>"
        for name, text, meaning in total_lines(report)
    )
    notes = [f"{kind}: {text}" for kind, text in ends(report)]
    notes += [f"receptive field: {text}" for text in field_lines(report)]
    notes += [f"{severity}: {text}" for severity, text in diagnostic_lines(report)]
    listed = "".join(f"<li>{quoted(text)}</li>" for text in notes)
    return (
        f"<div><p><b>{quoted(title(report))}</b></p><table>{totals}</table><ul>{listed}</ul>"
        f'<div style="{_STYLE}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div></div>"
    )


def _cell(text: str, right: bool) -> str:
    side = "right" if right else "left"
    return f'<td style="text-align:{side}">{quoted(text)}</td>'
