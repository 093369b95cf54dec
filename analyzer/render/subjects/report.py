"""What is said of a model? Its layers or groups of them as a table, then totals, then findings."""

from __future__ import annotations

from cnnscope.analyzer.fields.border import combined_share
from cnnscope.analyzer.render.document import (
    Block,
    Document,
    Figures,
    Heading,
    Note,
    Notes,
    Pair,
    Pairs,
    Picture,
    Section,
)
from cnnscope.analyzer.render.subjects.beside import (
    counted_as,
    total_line,
)
from cnnscope.analyzer.render.subjects.diagnostics import diagnostic_lines
from cnnscope.analyzer.render.subjects.free_sizes import binding, free_names
from cnnscope.analyzer.render.subjects.layers import along_axes, field_size
from cnnscope.analyzer.render.subjects.selection import EVERYTHING, Selection, selected
from cnnscope.analyzer.render.subjects.selection_said import chosen_line
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
    command = binding(report)
    said = tuple(
        Note(text, severity, tone=_TONES[severity])
        for severity, text in diagnostic_lines(report, free_names(report) if command else ())
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
            Section(_to_bind(report, command)),
            Section((Notes(said),)),
        ),
    )  # fmt: skip


def _to_bind(report: Report, command: str | None) -> tuple[Block, ...]:
    """Where totals hang on free lengths, the command that binds them."""
    if command is None:
        return ()
    names = free_names(report)
    free = f"{', '.join(name(x, 40) for x in names)} {'is' if len(names) == 1 else 'are'} free"
    said = Note(
        f"{free}: formulas are shown by their leading terms. For numbers, with lengths of yours:"
    )
    return (Notes((said,), listed=False), Picture((command,), whole=True))


_TONES: dict[str, Tone] = {"error": "error", "warning": "warning", "info": "info"}


def record(
    report: Report, *, tensors: bool = False, convention: str | None = None
) -> dict[str, object]:
    """The report as JSON has it, layers made as they are written; on demand with a convention's figures."""
    found = report.stream(tensors=tensors)
    totals = counted_as(report, convention)
    if totals is not None:
        found["convention"] = totals.to_dict()
    return found


def report_schema() -> dict[str, object]:
    """The JSON Schema of a report (draft 2020-12)."""
    # Here: reports are printed without it.
    import json
    from importlib.resources import files

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
                text += ", global by " + ", ".join(name(x) for x in list(makers)[:2])
            lines.append(text)
    return lines
