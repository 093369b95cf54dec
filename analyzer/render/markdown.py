"""How does a report look in Markdown? Tables in GitHub's dialect, every name escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from cnnscope.analyzer.render.columns import (
    LAYER_COLUMNS,
    OPERATOR_COLUMNS,
    Column,
    chosen_columns,
    default_columns,
    diagnostic_lines,
    ends,
    field_lines,
    sorted_rows,
    title,
    total_lines,
)
from cnnscope.analyzer.report import Report

Row = TypeVar("Row")


def report_markdown(
    report: Report,
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
    top: int | None = None,
    by_op: bool = False,
) -> str:
    """The report as Markdown: a heading, the table, totals and findings."""
    parts = [f"## {plain(title(report))}", _list(f"{kind}: {text}" for kind, text in ends(report))]
    if by_op:
        parts.append(_table(report.by_op(), OPERATOR_COLUMNS, columns, sort, top))
    else:
        parts.append(_table(tuple(report.layers), LAYER_COLUMNS, columns, sort, top))
    totals = [(name.strip(), text, meaning) for name, text, meaning in total_lines(report)]
    parts.append(_grid(("total", "figure", "meaning"), (False, True, False), totals))
    parts.append(_list(f"receptive field: {text}" for text in field_lines(report)))
    parts.append(_list(f"{severity}: {text}" for severity, text in diagnostic_lines(report)))
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown_table(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> str:
    """Rows as a Markdown table."""
    return _grid(
        [c.title for c in columns], [c.right for c in columns],
        [[c.text(row) for c in columns] for row in rows],
    )  # fmt: skip


def _table(
    rows: Sequence[Row],
    columns: tuple[Column[Row], ...],
    names: Sequence[str] | None,
    sort: str | None,
    top: int | None,
) -> str:
    chosen = default_columns(columns) if names is None else chosen_columns(columns, names)
    kept = sorted_rows(rows, columns, sort, top)
    text = markdown_table(kept, chosen)
    left = len(rows) - len(kept)
    return text + (f"\n\n{left} more rows not shown" if left else "")


def _grid(titles: Sequence[str], right: Sequence[bool], rows: Sequence[Sequence[str]]) -> str:
    lines = [_row(titles), _row(["---:" if r else "---" for r in right], raw=True)]
    return "\n".join([*lines, *map(_row, rows)])


def _row(cells: Sequence[str], raw: bool = False) -> str:
    return "| " + " | ".join(cell if raw else plain(cell) for cell in cells) + " |"


def _list(texts: Iterable[str]) -> str:
    return "\n".join(f"- {plain(text)}" for text in texts)


def plain(text: str) -> str:
    r"""Text in which nothing is Markdown or HTML.

    >>> print(plain("a|b <i> *c*"))
    a\|b &lt;i&gt; \*c\*
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#!$@])", r"\\\1", text)
