"""How does a model's figure in one convention look? A row, and what to know about it."""

from __future__ import annotations

from cnnscope.analyzer.counters.conventions import ConventionTotals
from cnnscope.analyzer.render.document import Document
from cnnscope.analyzer.render.subjects.conventions import figures_section


def document(found: ConventionTotals) -> Document:
    """The figure as a document."""
    return Document(f"counted as {found.name} does", figures_section((found,)))
