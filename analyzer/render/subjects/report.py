"""What is said of a model? Its layers or groups of them as a table, then totals, then findings."""

from __future__ import annotations

import json
from importlib.resources import files

from cnnscope.analyzer.fields.border import combined_share
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
    total_line,
)
from cnnscope.analyzer.render.subjects.layers import along_axes, field_size
from cnnscope.analyzer.render.subjects.selection import EVERYTHING, Selection, chosen_line, selected
from cnnscope.analyzer.render.subjects.totals import total_lines
from cnnscope.analyzer.render.tables import Tone
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import alike, many, middle, name, percent, shape
from cnnscope.analyzer.values.tensor import plain_shape


def document(report: Report, shown: Selection = EVERYTHING) -> Document:
    """The report as a document.

    Raises:
        ValueError: there is no such column, sort key or convention.
    """
    counted = counted_as(report, shown.convention)
    found = selected(report, shown)
    totals = [*total_lines(report), *([total_line(counted)] if counted is not None else [])]
    fields = tuple(Pair("receptive field", text) for text in field_lines(report))
    chosen: tuple[Pair, ...] = ()
    if found.chosen:
        chosen = (Pair("chosen", chosen_line(report, found.chosen, shown.choice)),)
    ports = tuple(Pair(kind, text, "dim") for kind, text in ends(report))
    said = tuple(
        Note(text, severity, tone=_TONES[severity]) for severity, text in diagnostic_lines(report)
    )
    return Document(
        title(report),
        (
            Section((Heading(title(report)), Pairs(ports))),
            Section(found.blocks),
            Section((
                Pairs(chosen), Figures(("total", "figure", "meaning"), tuple(totals)),
                Pairs(fields, once=True),
            )),
            Section((Notes(said),)),
        ),
    )  # fmt: skip


_TONES: dict[str, Tone] = {"error": "error", "warning": "warning", "info": "info"}


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
    return f"{path}: {many(len(report.layers), 'layer')}, {opsets}, {weights}"


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
