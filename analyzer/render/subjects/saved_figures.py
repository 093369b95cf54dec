"""What is said of a baseline? A row for each model, then what stands out."""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.budgets.figure import plain_number
from cnnscope.analyzer.budgets.limit import WHOLE
from cnnscope.analyzer.budgets.saved_figures import SavedFigures, SavedModel
from cnnscope.analyzer.render.columns import Column, Exact
from cnnscope.analyzer.render.document import Document, Heading, Note, Notes, Section
from cnnscope.analyzer.render.subjects.since import axes_text, moved_text, quantity_title
from cnnscope.analyzer.render.tables import Tone, table
from cnnscope.analyzer.values.notation import name

#: the figures that have a column, the most important first; those of importance 0 only when asked, and in CSV
_SHOWN = {
    "params": 9, "macs": 8, "peak_activation": 6, "receptive_field": 5, "weights": 4, "layers": 3, "opset": 2,
    "flops": 0, "traffic": 0, "buffers": 0, "file_size": 0, "latency_p50": 0, "latency_p99": 0,
}  # fmt: skip


def _column(quantity: str, importance: int) -> Column[SavedModel]:
    def text(x: SavedModel) -> str:
        return axes_text(quantity, x.figures.get((WHOLE, quantity), ()))

    def exact(x: SavedModel) -> Exact:
        found = [plain_number(f.shown) for f in x.figures.get((WHOLE, quantity), ())]
        return (found[0] if len(found) == 1 else found) if found else None

    return Column(quantity, quantity_title(quantity), text, exact, True, importance, optional=True)


COLUMNS: tuple[Column[SavedModel], ...] = (
    Column("model", "model", lambda x: name(x.model, 80), lambda x: x.model, importance=99, least=16),
    Column("variant", "at", lambda x: name(x.variant, 40), lambda x: x.variant or None, importance=20,
           least=8, optional=True),
    Column("became", "", lambda x: x.became, lambda x: x.became or None, importance=19, optional=True),
    *(_column(quantity, importance) for quantity, importance in _SHOWN.items()),
)  # fmt: skip


def document(found: SavedFigures) -> Document:
    """The baseline as a document."""
    title = f"{name(found.source)}: figures of {len(found.models)} model{'s' * (len(found.models) != 1)}"
    notes = Notes(tuple(_notes(found)))
    rows = table(COLUMNS, found.models, tone=_tone)
    return Document(title, (Section((Heading(title, tone="label"), rows, notes)),))


def _tone(x: SavedModel) -> Tone:
    return {"gone": "warning", "taken out": "warning", "changed": "heading", "new": "good"}.get(
        x.became, ""
    )  # type: ignore[return-value]  # tones


def _notes(found: SavedFigures) -> Iterator[Note]:
    for x in found.models:
        at = f" ({name(x.variant, 40)})" if x.variant else ""
        if x.moved:
            yield Note(f"{name(x.model, 80)}{at}: {', '.join(map(moved_text, x.moved))}", "info")
        if x.became == "gone":
            said = "is no file any more: cnnscope baseline update --prune takes it out"
            yield Note(f"{name(x.model, 80)} {said}", "info")
    if found.strangers:
        many = found.strangers > 1
        yield Note(
            f"{found.strangers} entr{'ies' if many else 'y'} that {'are' if many else 'is'} none of"
            " cnnscope's: they stay as they are", "info",
        )  # fmt: skip
