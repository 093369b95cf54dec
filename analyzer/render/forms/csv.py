"""How is a report written as CSV? One row per layer, exact numbers, lists as JSON.

A spreadsheet takes a cell that starts with ``=``, ``+``, ``-`` or ``@`` for a formula, and the
model's author chose the names: text that starts so gets an apostrophe before it. Invisible
characters are escaped, so that a row is a line. JSON has every name as it is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import TypeVar

from cnnscope.analyzer.render.columns import (
    GROUP_COLUMNS,
    Column,
    Exact,
    chosen_columns,
    sorted_rows,
)
from cnnscope.analyzer.render.subjects.beside import (
    counted_as,
    group_with_convention,
    layer_columns,
)
from cnnscope.analyzer.report.groups import By, grouped
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import escape

Row = TypeVar("Row")


def report_csv(
    reports: Sequence[Report],
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
    top: int | None = None,
    by: By | None = None,
    depth: int | None = None,
    with_model: bool = False,
    convention: str | None = None,
) -> str:
    """Reports as one CSV file, with the model's path in a first column where asked for."""
    lines: list[list[str]] = []
    for report in reports:
        totals = counted_as(report, convention)
        if by is not None:
            groups = grouped(report, by, depth)
            shown = group_with_convention(GROUP_COLUMNS[by], totals)
            found = _cells(groups, shown, columns, sort, top)
        else:
            layers = tuple(report.layers)
            found = _cells(layers, layer_columns(report, totals), columns, sort, top)
        if with_model:
            path = cell(report.model.path or "")
            found = [["model", *found[0]], *([path, *line] for line in found[1:])]
        lines += found[1:] if lines else found
    return written(lines)


def csv_table(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> str:
    """Rows as CSV, with a heading."""
    return written(_grid(rows, columns))


def _cells(
    rows: Sequence[Row],
    columns: tuple[Column[Row], ...],
    names: Sequence[str] | None,
    sort: str | None,
    top: int | None,
) -> list[list[str]]:
    chosen = list(columns) if names is None else chosen_columns(columns, names)
    return _grid(sorted_rows(rows, columns, sort, top), chosen)


def _grid(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> list[list[str]]:
    return [[c.name for c in columns], *([cell(c.exact(row)) for c in columns] for row in rows)]


def written(lines: list[list[str]]) -> str:
    """Rows of cells as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def cell(value: Exact) -> str:
    """A fact as a cell.

    >>> cell("=1+1"), cell(None), cell([1, "H"]), cell(-3), cell(True)
    ("'=1+1", '', '[1, "H"]', '-3', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, str):
        return json.dumps(list(value))
    text = escape(value)
    return f"'{text}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") and value else text
