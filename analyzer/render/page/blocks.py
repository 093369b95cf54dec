"""How does a document look on the page? Its blocks as plain JSON, which the page's script makes elements of.

What other forms lay out as text is left to the browser here: a table keeps its cells, a derivation its parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnscope.analyzer.render.document import (
    Block,
    Derivation,
    Document,
    Figures,
    Fold,
    Heading,
    Notes,
    Pairs,
    Picture,
    Prose,
)
from cnnscope.analyzer.render.tables import Table

Json = dict[str, object]
#: rows of one table that are written into a page
LONGEST = 2000


def blocks(document: Document) -> list[Json]:
    """The document's blocks in their order, sections' titles among them.

    >>> from cnnscope.analyzer.render.document import Pair, Section
    >>> blocks(Document("x", (Section((Pairs((Pair("a", "b"),)),), "said"),)))
    [{'is': 'heading', 'text': 'said', 'level': 3}, {'is': 'pairs', 'rows': [['a', 'b', '']]}]
    """
    found: list[Json] = []
    for section in document.of("html"):
        if section.title:
            found.append({"is": "heading", "text": section.title, "level": section.level or 4})
        found += _several(section.blocks)
    return found


def _several(given: Sequence[Block]) -> Iterator[Json]:
    for block in given:
        yield from _written(block)


def _written(block: Block) -> Iterator[Json]:
    match block:
        case Heading():
            said = f"{block.text}: {block.said}" if block.said else block.text
            yield {"is": "heading", "text": said, "level": block.level}
        case Pairs():
            yield {"is": "pairs", "rows": [[x.head, x.text, x.tone] for x in block.rows]}
        case Figures():
            yield {"is": "figures", "rows": [[n.strip(), x, m] for n, x, m in block.rows]}
        case Table():
            yield _table(block)
        case Notes():
            yield {
                "is": "notes",
                "rows": [[x.severity, x.about, x.text, x.tone] for x in block.rows],
            }
        case Prose():
            yield {"is": "prose", "texts": list(block.texts)}
        case Derivation():
            rows = [[x.label, x.formula, x.numbers, x.sign, x.result] for x in block.rows]
            yield {"is": "derivation", "rows": rows}
        case Picture():
            yield {"is": "picture", "lines": list(block.lines)}
        case Fold():
            yield {"is": "fold", "summary": block.summary, "blocks": list(_several(block.blocks))}


def _table(block: Table) -> Json:
    columns = block.seen
    rows = [[column.text(row) for column in columns] for row in block.rows[:LONGEST]]
    tones = [block.tone(row) for row in block.rows[:LONGEST]] if block.tone else None
    left = len(block.rows) - len(rows)
    more = [block.more] * bool(block.more) + [f"{left} more rows"] * bool(left)
    return {
        "is": "table",
        "titles": [column.title for column in columns],
        "right": [column.right for column in columns],
        "rows": rows,
        "tones": tones,
        "more": "; ".join(more),
    }
