"""What is said of a word that several layers fit: which are they, and by what can one be told?"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Document, Section
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layers import Layers
from cnnscope.analyzer.values.notation import escape, many, name

_MOST = 15


def document(found: Sequence[Layer], layers: Layers) -> Document:
    """The candidates as a document: their indices, paths and operators, and the file's names for them.

    Args:
        found: those that a word fits.
        layers: all of the model: only these have an index.
    """
    own = {id(x) for x in layers}
    other = any(x.path != x.name for x in found[:_MOST])
    columns: list[Column[Layer]] = [
        Column("index", "#", lambda x: str(x.index) if id(x) in own else "-", lambda x: x.index,
               right=True, importance=90),
        Column("name", "layer", lambda x: name(x.name), lambda x: x.path, importance=100, least=20,
               names=lambda x: x.name),
        Column("op", "op", lambda x: name(x.op, 60), lambda x: x.op, importance=80, least=24),
    ]  # fmt: skip
    if other:
        columns.append(
            Column("raw", "in the file", lambda x: escape(str(x.name)[:200]), lambda x: x.name,
                   importance=70, least=12, names=lambda x: x.name)
        )  # fmt: skip
    more = len(found) - _MOST
    block = table(columns, found[:_MOST], more=many(more, "more layer") if more > 0 else "")
    return Document("candidates", (Section((block,)),))
