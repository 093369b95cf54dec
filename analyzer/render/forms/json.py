"""How is a record written as JSON? Strictly, and in ASCII; a document's tables as lists of objects."""

from __future__ import annotations

import json

from cnnscope.analyzer.render.document import Document
from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.tables import Table


def dumped(value: object) -> str:
    """Strict JSON: a number that JSON doesn't have raises ValueError.

    What a runner would take for a command has a letter written as JSON's escape: readers get the
    text as it is.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, indent=2)
    return without_commands(text, colon="\\u003a", sign="\\u0023") + "\n"


def rows_of(document: Document) -> list[dict[str, object]]:
    """The rows of a document's tables as machines have them: of subjects that have no other record."""
    blocks = (block for section in document.of("csv") for block in section.blocks)
    return [
        {column.name: column.exact(row) for column in block.columns}
        for block in blocks
        if isinstance(block, Table)
        for row in block.rows
    ]
