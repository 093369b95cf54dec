"""How does a document look in a terminal? Laid out anew for each width, no line longer than it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cnnscope.analyzer.render.document import (
    Block,
    Derivation,
    Derived,
    Document,
    Figures,
    Flow,
    Fold,
    Heading,
    Note,
    Notes,
    Pair,
    Pairs,
    Picture,
    Prose,
    Section,
)
from cnnscope.analyzer.render.forms.terminal_grid import aligned
from cnnscope.analyzer.render.forms.terminal_lines import (
    GAP,
    Line,
    broken,
    flowing,
    pieces_of,
    segments,
    text_of,
)
from cnnscope.analyzer.render.forms.terminal_names import fitted
from cnnscope.analyzer.render.forms.terminal_tables import table_lines
from cnnscope.analyzer.render.tables import Table
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Laid:
    """A document, laid out anew for the width it is shown in: a rich renderable.

    Args:
        width: cells, by those that rich has; None: nothing is cut.
    """

    document: Document
    width: Callable[[int], int | None] = int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        yield from segments(document_lines(self.document, self.width(options.max_width)))


def text(document: Document, width: int | None = WIDTH) -> str:
    """The document as plain text, no line longer than the width; for a file (None), nothing is cut.

    In a CI service's log, nothing in it is a command.
    """
    return text_of(document_lines(document, width))


def texts(documents: Sequence[Document], width: int | None = WIDTH) -> Iterator[str]:
    """Documents as plain text, one below the other, in pieces; one with nothing for a screen is left out.

    Args:
        width: that of the screen; None: there is none. Then nothing is cut, and tables have all of
            their usual columns.
    """
    begun = False
    for document in documents:
        above = "\n" if begun else ""
        for piece in pieces_of(document_lines(document, width)):
            yield above + piece
            above, begun = "", True


def document_lines(document: Document, screen: int | None) -> Iterator[Line]:
    """The whole document, laid out for a screen of so many cells; for a file (None), uncut. A table's lines
    are made as they are asked for."""
    width = WIDTH if screen is None else max(1, screen)
    begun = False
    for section in document.of("terminal"):
        if begun:
            yield []
        for part in broken(section.title, width) if section.title else ():
            begun = True
            yield [(part, "heading")]
        room = max(1, width - section.indent)
        heads = _heads(section)
        for block in section.blocks:
            for line in _block(block, room, heads, cut=screen is not None):
                begun = True
                yield [(" " * section.indent, ""), *line] if section.indent else line


def _heads(section: Section) -> int:
    """How long the longest of a section's heads is."""
    lengths = [0]
    for block in section.blocks:
        if isinstance(block, Pairs):
            lengths += (cell_len(pair.head) for pair in block.rows)
        elif isinstance(block, Figures):
            lengths += (cell_len(name) for name, _, _ in block.rows)
    return max(lengths)


def _block(block: Block, width: int, heads: int, *, cut: bool) -> Iterable[Line]:
    match block:
        case Heading():
            return _heading(block, width)
        case Table():
            return table_lines(block, width if cut else None)
        case Pairs():
            return _pairs(block, width, heads)
        case Figures():
            return _figures(block, width, heads)
        case Notes():
            return [line for note in block.rows for line in _note(note, width)]
        case Prose():
            texts = (text.replace("`", "") for text in block.texts)
            return [[(part, "")] for text in texts for part in flowing(text, width, block.flow)]
        case Derivation():
            return _derivation(block.rows, width)
        case Picture():
            whole = block.whole or not cut
            lines = block.lines if whole else [fitted(line, width) for line in block.lines]
            return [[(line, block.tone)] for line in lines]
        case Fold():
            return [x for inner in block.blocks for x in _block(inner, width, heads, cut=cut)]
        case _:
            raise AssertionError("a form gets no block that is another's")


def _heading(heading: Heading, width: int) -> list[Line]:
    flow = heading.flow
    room = width if flow is None or flow.most is None else min(width, flow.most)
    if not heading.said:
        return [[(part, "heading")] for part in flowing(heading.text, width, flow or Flow())]
    title = f"{heading.text}:"
    if cell_len(title) + 1 + cell_len(heading.said) <= room:
        return [[(f"{title} ", "heading"), (heading.said, heading.tone)]]
    if flow is None:
        flow = Flow()
    below = Flow(flow.rest, flow.rest, flow.most)
    return [
        *([(part, "heading")] for part in flowing(title, width, flow)),
        *([(part, str(heading.tone))] for part in flowing(heading.said, width, below)),
    ]


# -- pairs, figures, sentences -------------------------------------------------------------------


def _pairs(pairs: Pairs, width: int, heads: int) -> list[Line]:
    """Texts beside their heads; where there's no room for that, behind or below them."""
    beside = heads if pairs.aside is None else min(heads, pairs.aside)
    column = beside + len(GAP)
    if column >= width // 2 or (heads > beside and pairs.otherwise == "behind"):
        return [line for pair in pairs.rows for line in _behind(pair, width)]
    lines: list[Line] = []
    above = ""
    for pair in pairs.rows:
        said = "" if pairs.once and pair.head == above else pair.head
        above = pair.head
        head = said + " " * (column - cell_len(said))
        if cell_len(pair.head) > beside:
            lines += ([(part, "label")] for part in broken(f"{pair.head}:", width))
            head = " " * column
        lines += _hanging(head, pair.text, pair.tone, width)
    return lines


def _hanging(head: str, text: str, tone: str, width: int) -> list[Line]:
    """A head, and its text beside it; from the second line on further left where the head is long."""
    indent = cell_len(head) if cell_len(head) < width // 2 else min(len(GAP), width - 1)
    if indent < cell_len(head):
        lines: list[Line] = [[(fitted(head.rstrip(), width), "label")]]
        return lines + [[(" " * indent, ""), (part, tone)] for part in broken(text, width - indent)]
    first, *rest = broken(text, width - indent)
    lines = [[(head, "label"), (first, tone)]]
    return lines + [[(" " * indent, ""), (part, tone)] for part in rest]


def _behind(pair: Pair, width: int) -> list[Line]:
    """A head with its text behind it, below where it is long."""
    head = fitted(f"{pair.head}:", width) if pair.head else ""
    if head and cell_len(head) + 1 + cell_len(pair.text) <= width:
        return [[(head, "label"), (f" {pair.text}", pair.tone)]]
    room = max(width - len(GAP), 1)
    lines: list[Line] = [[(head, "label")]] if head else []
    return lines + [[(GAP, ""), (part, pair.tone)] for part in broken(pair.text, room)]


def _figures(figures: Figures, width: int, heads: int) -> list[Line]:
    """Names, figures and what they are, in three columns where the figures are short."""
    texts = aligned([text for _, text, _ in figures.rows])
    longest = max([len(text) for text in texts if len(text) <= 12], default=8)
    lines: list[Line] = []
    for (name, _, meaning), text in zip(figures.rows, texts, strict=True):
        head = f"{name:<{heads}}{GAP}"
        if len(text) <= longest and width >= 60:
            lines += _hanging(f"{head}{text:>{longest}}{GAP}", meaning, "", width)
        else:
            lines += _hanging(head, f"{text.rstrip()}: {meaning}", "", width)
    return lines


def _note(note: Note, width: int) -> list[Line]:
    head = f"{note.severity}: " if note.severity else ""
    if note.flow is None:
        return _hanging(head, note.text, note.tone, width)
    about = f"{note.about}: " if note.about else ""
    first, *rest = flowing(head + about + note.text, width, note.flow)
    lines: list[Line] = [[(first, note.tone)], *([(part, str(note.tone))] for part in rest)]
    if head and first.startswith(head):
        lines[0] = [(head, note.lead), (first[len(head) :], note.tone)]
    return lines


# -- derivations ---------------------------------------------------------------------------------


def _derivation(rows: Sequence[Derived], width: int) -> list[Line]:
    """Label = formula = numbers = (or ≈) result in columns; a line for each where there's no room."""
    label = max(cell_len(row.label) for row in rows)
    result = max(cell_len(row.result) for row in rows)
    formula = max(cell_len(row.formula) for row in rows)
    numbers = max(cell_len(row.numbers) for row in rows)
    columns = [n for n in (formula, numbers) if n]
    if label + sum(n + 3 for n in columns) + 3 + result <= width:
        return [_in_columns(row, label, formula, numbers, result) for row in rows]
    lines: list[Line] = []
    for row in rows:
        lines += _stacked(row, min(label, width // 3), result, width)
    return lines


def _in_columns(row: Derived, label: int, formula: int, numbers: int, result: int) -> Line:
    line: Line = [(_padded(row.label, label), "label")]
    for text, size, style in ((row.formula, formula, ""), (row.numbers, numbers, "dim")):
        if size:
            line += [((" = " if text else "   ") + _padded(text, size), style)]
    return [
        *line,
        (f" {row.sign} ", ""),
        (" " * (result - cell_len(row.result)) + row.result, "label"),
    ]


def _stacked(row: Derived, label: int, result: int, width: int) -> list[Line]:
    room = max(width - label - 3, 1)
    head = _padded(fitted(row.label, label), label)
    lines: list[Line] = []
    for text, style in ((row.formula, ""), (row.numbers, "dim")):
        for position, part in enumerate(_cut(text, room) if text else ()):
            sign = " = " if position == 0 else "   "
            lines.append([(head if not lines else " " * label, "label"), (sign + part, style)])
    if not lines:
        return [[(head, "label"), (f" {row.sign} ", ""), (fitted(row.result, room), "label")]]
    used = sum(cell_len(text) for text, _ in lines[-1])
    told = fitted(row.result, room)
    if used + 3 + max(result, cell_len(told)) <= width:
        lines[-1].append((f" {row.sign} ", ""))
        lines[-1].append((told, "label"))
    else:
        lines.append([(" " * label, ""), (f" {row.sign} ", ""), (told, "label")])
    return lines


def _cut(text: str, room: int) -> list[str]:
    """A formula in parts that fit, cut after an operator where there is one."""
    parts = [""]
    for piece in re.findall(r"[^·+/ ]*[·+/ ]?", text):
        if parts[-1] and cell_len(parts[-1] + piece.rstrip()) > room:
            parts.append("")
        parts[-1] += piece
    return [cut for part in parts if part.strip() for cut in broken(part.strip(), room)]


def _padded(text: str, size: int) -> str:
    return text + " " * (size - cell_len(text))
