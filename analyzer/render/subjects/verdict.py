"""What is said of one verdict? The limit, the figure, and how far they are apart."""

from __future__ import annotations

from cnnscope.analyzer.budgets.verdicts import Verdict
from cnnscope.analyzer.render.document import Document, Section
from cnnscope.analyzer.render.subjects.check import COLUMNS, state_tone
from cnnscope.analyzer.render.subjects.verdicts import limit_name
from cnnscope.analyzer.render.tables import table


def document(found: Verdict) -> Document:
    """The verdict as a document of one row."""
    row = table(COLUMNS, (found,), tone=state_tone)
    return Document(f"Verdict on {limit_name(found)}", (Section((row,)),))
