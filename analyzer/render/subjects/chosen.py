"""What is said of layers that were chosen? A row each, and of how many others that isn't known."""

from __future__ import annotations

from cnnscope.analyzer.render.document import PAGE, SCREEN, Document, Note, Notes, Only, Section
from cnnscope.analyzer.render.subjects.layers import LAYER_COLUMNS
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.choosing import Chosen
from cnnscope.analyzer.values.notation import many, name


def document(found: Chosen) -> Document:
    """The layers as a document."""
    said = [Note(name(found.hint or "no layer is left", 300))] if not found.layers else []
    said += [
        Note(f"{many(times, 'layer')} left out, of which that isn't known: {name(text)}", "note")
        for text, times in found.unknown.items()
    ]
    rows = table(LAYER_COLUMNS, found.layers)
    notes = Only((*PAGE, *SCREEN), (Notes(tuple(said)),))
    return Document("Layers", (Section((rows, notes)),))
