"""Which operators are covered, and by what?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Document, Section
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.values.notation import escape

if TYPE_CHECKING:
    from cnnscope.analyzer.operators.coverage import Coverage

COVERAGE_COLUMNS: tuple[Column[Coverage], ...] = (
    Column("domain", "domain", lambda x: escape(x.domain), lambda x: x.domain, importance=80),
    Column("op", "operator", lambda x: escape(x.op), lambda x: x.op, importance=100, least=12),
    Column("how", "covered by", lambda x: x.how, lambda x: x.how, importance=90),
    Column("versions", "opset versions", lambda x: ", ".join(map(str, x.versions)) or "-",
           lambda x: list(x.versions), importance=70, least=12),
    Column("rules_since", "rules since", lambda x: ", ".join(map(str, x.rules_since)) or "-",
           lambda x: list(x.rules_since)),
    Column("source", "source", lambda x: escape(x.source), lambda x: x.source, importance=60),
)  # fmt: skip


def document(rows: Sequence[Coverage]) -> Document:
    """The operators as a document."""
    return Document("operators", (Section((table(COVERAGE_COLUMNS, rows),)),))
