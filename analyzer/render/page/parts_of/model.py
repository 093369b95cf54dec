"""The first screen: a few large figures with what belongs to them, inputs and outputs, and what is amiss."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from cnnscope.analyzer.render.document import Document, Figures, Section
from cnnscope.analyzer.render.page.blocks import Json, blocks
from cnnscope.analyzer.render.page.contents import MOST_LAYERS, Contents
from cnnscope.analyzer.render.page.parts_of import budgets, run
from cnnscope.analyzer.render.subjects.diagnostics import diagnostic_lines
from cnnscope.analyzer.render.subjects.report import field_lines, title
from cnnscope.analyzer.render.subjects.totals import metric, total_lines
from cnnscope.analyzer.render.subjects.valid_sizes import lengths_text
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import count, middle, name, nbytes, shape
from cnnscope.analyzer.values.tensor import plain_shape

_TILES: tuple[tuple[str, str, Callable[[int], str]], ...] = (
    ("params", "parameters", count),
    ("macs", "MACs", count),
    ("flops", "FLOPs", count),
    ("weight_bytes", "weights", nbytes),
    ("peak_activation_bytes", "peak activations", nbytes),
)
_LARGE = (
    f"More than {MOST_LAYERS} layers: what units see and other sizes aren't on this page"
    " (cnnscope explain, effective, sizes and analyze --dim tell them)"
)
#: a figure with its unit, which stands smaller
_MEASURED = re.compile(r"(>= )?[\d.]+ [A-Za-z]+")


def part(contents: Contents) -> object:
    """The figures as words and, in ``totals``, as JSON has them."""
    report = contents.report
    more = Figures(("total", "figure", "meaning"), tuple(total_lines(report)))
    return {
        "title": title(report),
        "tiles": [
            *_totals(report),
            *_sight(report),
            *_valid(contents),
            *run.tiles(contents),
            *budgets.tiles(contents),
        ],
        "ends": list(_ends(report)),
        "notes": [
            *({"severity": severity, "text": text} for severity, text in diagnostic_lines(report)),
            *([{"severity": "info", "text": _LARGE}] if contents.large else []),
        ],
        "more": blocks(Document("totals", (Section((more,)),))),
        "totals": report.stream()["totals"],
    }


def _totals(report: Report) -> Iterator[Json]:
    for key, label, write in _TILES:
        found: Metric = getattr(report.totals, key)
        said = ""
        if key == "peak_activation_bytes" and report.totals.peak_layer:
            said = f"at {middle(name(report.totals.peak_layer, 80), 40)}"
        elif found.uncounted:
            said = f"not counted: {', '.join(name(op, 30) for op in list(found.uncounted)[:3])}"
        yield _tile(
            key, label, metric(found, write), said, "" if found.value is not None else "open"
        )


def _sight(report: Report) -> Iterator[Json]:
    """The largest field that isn't the whole input because of something global, and what the outputs see."""
    sizes: dict[tuple[str, int], int] = {}
    for layer in report.layers:
        for field in layer.receptive_field:
            key = (field.input, field.axis)
            if field.input == report.inputs[0].name and isinstance(field.local_size, int):
                sizes[key] = max(sizes.get(key, 0), field.local_size)
    if sizes:
        largest = list(sizes.values())[:3]
        said = field_lines(report)
        yield _tile(
            "receptive_field",
            "largest local field",
            " x ".join(map(str, largest)),
            "; ".join(said[:1]),
        )


def _valid(contents: Contents) -> Iterator[Json]:
    found = contents.valid
    if found is None:
        return
    alike: dict[str, list[str]] = {}
    for dim in found.dims:
        alike.setdefault(lengths_text(dim.runs()), []).append(name(dim.name, 20))
    for text, dims in list(alike.items())[:2]:
        figure, _, rest = text.partition(": ")
        said = rest if found.exact else f"{rest} (found by trying, not proved)".strip()
        yield _tile("valid_sizes", f"valid {', '.join(dims)}", figure, said)


def _tile(key: str, label: str, text: str, said: str, tone: str = "") -> Json:
    figure, unit = text, ""
    if _MEASURED.fullmatch(text):
        figure, _, unit = text.rpartition(" ")
    return {"id": key, "label": label, "figure": figure, "unit": unit, "said": said, "tone": tone}


def _ends(report: Report) -> Iterator[Json]:
    for kind, ends in (("input", report.inputs), ("output", report.outputs)):
        for end in ends:
            yield {
                "kind": kind,
                "name": name(end.name, 60),
                "shape": middle(shape(plain_shape(end.shape)), 80),
                "dtype": end.dtype or "?",
            }
