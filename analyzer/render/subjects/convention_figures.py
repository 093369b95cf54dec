"""How do a model's figures in every convention look? A row for each, and what to know about them."""

from __future__ import annotations

from cnnscope.analyzer.counters.side_by_side import ConventionFigures
from cnnscope.analyzer.render.document import Document, Heading, Section
from cnnscope.analyzer.render.subjects.conventions import figures_section
from cnnscope.analyzer.render.subjects.report import title


def document(found: ConventionFigures) -> Document:
    """The figures as a document."""
    said = title(found.report)
    return Document(said, (Section((Heading(said),)), *figures_section(found.figures)))
