"""What is said of a model? Its layers or groups of them as a table, then totals, then findings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from cnnscope.analyzer.fields.border import combined_share
from cnnscope.analyzer.render.columns import Column, Row, chosen_columns, sorted_rows
from cnnscope.analyzer.render.document import (
    Document,
    Figures,
    Heading,
    Note,
    Notes,
    Pair,
    Pairs,
    Section,
)
from cnnscope.analyzer.render.subjects.beside import (
    counted_as,
    group_with_convention,
    layer_columns,
    total_line,
    uncounted,
    with_convention,
    with_execution,
)
from cnnscope.analyzer.render.subjects.groups import GROUP_COLUMNS
from cnnscope.analyzer.render.subjects.layers import LAYER_COLUMNS, along_axes, field_size
from cnnscope.analyzer.render.subjects.totals import total_lines
from cnnscope.analyzer.render.tables import Table, Tone, table
from cnnscope.analyzer.report.execution import Execution
from cnnscope.analyzer.report.groups import By, grouped
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import (
    alike,
    middle,
    name,
    percent,
    shape,
)
from cnnscope.analyzer.values.tensor import plain_shape


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a report is shown.

    Args:
        columns: those asked for; None: as many of the usual ones as fit.
        sort: the column to sort by.
        top: only so many rows.
        by: a row per operator, kind, module or block instead of one per layer.
        depth: of modules, how many steps below the path that all layers share.
        convention: show the work as this counter counts it, too.
    """

    columns: tuple[str, ...] | None = None
    sort: str | None = None
    top: int | None = None
    by: By | None = None
    depth: int | None = None
    convention: str | None = None


EVERYTHING = Selection()


def document(report: Report, shown: Selection = EVERYTHING) -> Document:
    """The report as a document.

    Raises:
        ValueError: there is no such column, sort key or convention.
    """
    counted = counted_as(report, shown.convention)
    if shown.by is not None:
        columns = group_with_convention(GROUP_COLUMNS[shown.by], counted)
        rows = _table(grouped(report, shown.by, shown.depth), columns, shown)
    else:
        rows = _table(tuple(report.layers), layer_columns(report, counted), shown)
    totals = [*total_lines(report), *([total_line(counted)] if counted is not None else [])]
    fields = tuple(Pair("receptive field", text) for text in field_lines(report))
    ports = tuple(Pair(kind, text, "dim") for kind, text in ends(report))
    found = tuple(
        Note(text, severity, tone=_TONES[severity]) for severity, text in diagnostic_lines(report)
    )
    return Document(
        title(report),
        (
            Section((Heading(title(report)), Pairs(ports))),
            Section((rows,)),
            Section((Figures(("total", "figure", "meaning"), tuple(totals)), Pairs(fields, once=True))),
            Section((Notes(found),)),
        ),
    )  # fmt: skip


def check_selection(shown: Selection, *, run: bool = False) -> None:
    """Before there is a report: are there such columns?

    Args:
        run: the report will have what running the model showed.

    Raises:
        ValueError: there is no such column, sort key or convention.
    """
    counted = uncounted(shown.convention)
    if shown.by is not None:
        _table((), group_with_convention(GROUP_COLUMNS[shown.by], counted), shown)
        return
    columns = with_convention(LAYER_COLUMNS, counted)
    _table((), with_execution(columns, Execution()) if run else columns, shown)


_TONES: dict[str, Tone] = {"error": "error", "warning": "warning", "info": "info"}


def _table(rows: Sequence[Row], columns: tuple[Column[Row], ...], shown: Selection) -> Table:
    kept = sorted_rows(rows, columns, shown.sort, shown.top)
    left = len(rows) - len(kept)
    more = f"{left} more rows not shown" if left else ""
    if shown.columns is None:
        return table(columns, kept, more=more)
    return table(chosen_columns(columns, shown.columns), kept, "grow", chosen=True, more=more)


def record(
    report: Report, *, tensors: bool = False, convention: str | None = None
) -> dict[str, object]:
    """The report as JSON has it; on demand with a convention's figures."""
    found = report.to_dict(tensors=tensors)
    totals = counted_as(report, convention)
    if totals is not None:
        found["convention"] = totals.to_dict()
    return found


def report_schema() -> dict[str, object]:
    """The JSON Schema of a report (draft 2020-12)."""
    text = files("cnnscope.analyzer.render").joinpath("report.schema.json").read_text("utf-8")
    schema: dict[str, object] = json.loads(text)
    return schema


# -- the lines around the table ------------------------------------------------------------------


def title(report: Report) -> str:
    """The model in one line: its file, layers, opsets and weights."""
    model = report.model
    opsets = ", ".join(f"{name(d or 'ai.onnx', 40)} {v}" for d, v in model.opsets.items())
    weights = {"none": "no weights stored", "missing": "weights not present"}.get(
        model.weights, f"weights {name(model.weights, 40)}"
    )
    path = name(model.path or "model in memory", 120)
    return f"{path}: {len(report.layers)} layers, {opsets}, {weights}"


def ends(report: Report) -> list[tuple[str, str]]:
    """The model's inputs and outputs, each in one line."""
    found = [("input", x) for x in report.inputs] + [("output", x) for x in report.outputs]
    return [
        (kind, f"{name(x.name, 60)}  {middle(shape(plain_shape(x.shape)), 80)} {x.dtype or '?'}")
        for kind, x in found
    ]


def field_lines(report: Report) -> list[str]:
    """What the model's outputs see of its inputs, one line per output and input."""
    lines = []
    for output in report.outputs[:4]:
        try:
            layer = report.layers[output.name]
        except KeyError:
            continue  # an output that is an input or a constant
        by_input: dict[str, list[ReceptiveField]] = {}
        for field in layer.receptive_field:
            by_input.setdefault(field.input, []).append(field)
        for source, fields in by_input.items():
            size = along_axes([field_size(f) for f in fields])
            shares = [f.coverage for f in fields if f.coverage is not None]
            text = f"{name(output.name, 40)} sees {size} of {name(source, 40)}"
            if shares and len(shares) == len(fields):
                text += f" ({alike([percent(share) for share in shares])} of each axis)"
            outside = combined_share([f.outside_share for f in fields])
            if outside and any(f.output_axis is not None for f in fields):
                text += f", {percent(outside)} of its units see beyond the border"
            makers = dict.fromkeys(f.global_by for f in fields if f.global_ and f.global_by)
            if makers:
                text += ", global by " + ", ".join(name(x, 60) for x in list(makers)[:2])
            lines.append(text)
    return lines


def diagnostic_lines(report: Report, each: int = 3) -> list[tuple[str, str]]:
    """Severity and text of the diagnostics, gravest first; of each code the first few."""
    groups: dict[tuple[int, str, str], list[str]] = {}
    grave = {"error": 0, "warning": 1, "info": 2}
    for found in report.diagnostics:
        named = not found.layer or found.layer in found.message
        where = "" if named else f"{name(found.layer or '', 60)}: "
        hint = f" ({name(found.hint, 300)})" if found.hint else ""
        text = f"{where}{name(found.message, 400)}{hint}"
        key = (grave.get(found.severity, 3), found.severity, found.code)
        groups.setdefault(key, []).append(text)
    lines = []
    for (_, severity, code), texts in sorted(groups.items(), key=lambda item: item[0][0]):
        lines += [(severity, f"{code}: {text}") for text in texts[:each]]
        if len(texts) > each:
            lines.append((severity, f"{code}: ... and {len(texts) - each} more"))
    return lines
