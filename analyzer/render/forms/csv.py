"""How are a document's tables written as CSV? Every column, exact numbers, lists as JSON.

A spreadsheet takes a cell that starts with ``=``, ``+``, ``-`` or ``@`` for a formula, and the
model's author chose the names: text that starts so gets an apostrophe before it. Invisible
characters are escaped, so that a row is a line. JSON has every name as it is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from cnnscope.analyzer.render.columns import Exact
from cnnscope.analyzer.render.document import Document
from cnnscope.analyzer.render.tables import Table
from cnnscope.analyzer.values.notation import escape


def csv_text(documents: Sequence[Document], models: Sequence[str] | None = None) -> str:
    """The rows of documents of one kind as one CSV file.

    Args:
        documents: what is written.
        models: what stands in a first column, per document; None: there is none.
    """
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(cells(documents, models))
    return out.getvalue()


def cells(
    documents: Sequence[Document], models: Sequence[str] | None = None
) -> Iterator[list[str]]:
    """The rows as cells, below one heading; each is made when it is asked for."""
    headed = False
    for position, document in enumerate(documents):
        for table in _tables(document):  # a document without tables is no model's
            beside = [] if models is None else [cell(models[position])]
            if not headed:
                yield [*([] if models is None else ["model"]), *(c.name for c in table.columns)]
            headed = True
            rows = table.rows if table.recorded is None else table.recorded
            exact = [c.exact for c in table.columns]
            for row in rows:
                yield [*beside, *[cell(fact(row)) for fact in exact]]


def _tables(document: Document) -> list[Table]:
    blocks = (block for section in document.of("csv") for block in section.blocks)
    return [block for block in blocks if isinstance(block, Table)]


def cell(value: Exact) -> str:
    """A fact as a cell.

    >>> cell("=1+1"), cell(None), cell([1, "H"]), cell(-3), cell(True)
    ("'=1+1", '', '[1, "H"]', '-3', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, str):
        return json.dumps(list(value))
    text = escape(value)
    return f"'{text}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") and value else text
