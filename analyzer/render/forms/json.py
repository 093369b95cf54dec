"""How is a report written as JSON? As `Report.to_dict()` says, strictly, and in ASCII.

``report.schema.json`` beside this module is its JSON Schema (draft 2020-12).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files

from cnnscope.analyzer.render.columns import Column, Row
from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.subjects.beside import counted_as
from cnnscope.analyzer.report.report import Report


def report_json(
    reports: Sequence[Report],
    *,
    tensors: bool = False,
    as_list: bool = False,
    convention: str | None = None,
) -> str:
    """One report as an object, or several as a list of them; on demand with a convention's figures."""
    found = [report.to_dict(tensors=tensors) for report in reports]
    for report, fields in zip(reports, found, strict=True):
        totals = counted_as(report, convention)
        if totals is not None:
            fields["convention"] = totals.to_dict()
    return dumped(found if as_list else found[0])


def json_table(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> str:
    """Rows as a list of objects."""
    return dumped([{c.name: c.exact(row) for c in columns} for row in rows])


def dumped(value: object) -> str:
    """Strict JSON: a number that JSON doesn't have raises ValueError.

    What a runner would take for a command has a letter written as JSON's escape: readers get the
    text as it is.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, indent=2)
    return without_commands(text, colon="\\u003a", sign="\\u0023") + "\n"


def report_schema() -> dict[str, object]:
    """The JSON Schema of a report."""
    text = files("cnnscope.analyzer.render").joinpath("report.schema.json").read_text("utf-8")
    schema: dict[str, object] = json.loads(text)
    return schema
