"""How does a document look in Markdown? In GitHub's dialect, every name escaped."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from cnnscope.analyzer.render.document import (
    Block,
    Derivation,
    Document,
    Figures,
    Fold,
    Heading,
    Note,
    Notes,
    Pairs,
    Picture,
    Prose,
)
from cnnscope.analyzer.render.tables import Table

#: bytes kept for what follows a table where there is a limit
_SPARE = 1000


def pages(documents: Sequence[Document]) -> str:
    """Documents as Markdown, one below the other."""
    return "\n".join(map(markdown, documents))


def markdown(document: Document) -> str:
    """The document as Markdown. It has a heading for each section that has a title."""
    parts: list[str] = []
    for section in document.of("markdown"):
        if section.title:
            title = plain(section.title.capitalize())
            parts.append(f"{'#' * section.level} {title}" if section.level else f"{title}:")
        for block in section.blocks:
            used = sum(len(part.encode()) + 2 for part in parts)
            parts.append(_block(block, None if document.limit is None else document.limit - used))
    return "\n\n".join(parts) + "\n"


def _block(block: Block, room: int | None) -> str:
    match block:
        case Heading():
            said = f": {plain(block.said)}" if block.said else ""
            return f"{'#' * block.level} {plain(block.text)}{said}"
        case Table():
            text = _table(block)
            return text if room is None else _cut(text.split("\n"), room - _SPARE, "rows")
        case Pairs():
            if block.titles is not None:
                return grid(block.titles, (False, False), [(x.head, x.text) for x in block.rows])
            heads = (f"{plain(x.head)}: " if x.head else "" for x in block.rows)
            return _list(f"{h}{plain(x.text)}" for h, x in zip(heads, block.rows, strict=True))
        case Figures():
            rows = [(name.strip(), text, meaning) for name, text, meaning in block.rows]
            return grid(block.titles, (False, True, False), rows)
        case Notes():
            texts = map(_note, block.rows)
            return _list(texts) if block.listed else "\n\n".join(texts)
        case Prose():
            return _prose(block)
        case Derivation():
            titles = ("", "formula", "numbers", "result")
            lines = [
                (x.label, x.formula, x.numbers, f"{x.sign} {x.result}".removeprefix("= "))
                for x in block.rows
            ]
            return grid(titles, (False, False, False, True), lines)
        case Picture():
            return "\n".join(["```text", *block.lines, "```"])
        case Fold():
            return _fold(block, room)
        case _:
            raise AssertionError("a form gets no block that is another's")


def _note(note: Note) -> str:
    if not note.about:
        return plain(f"{note.severity}: {note.text}" if note.severity else note.text)
    severity = f"{plain(note.severity)}: " if note.severity else ""
    return f"{severity}**{plain(note.about)}**: {plain(note.text)}"


def _prose(prose: Prose) -> str:
    first, rest = ("- ", "  ") if prose.listed else ("", "")
    texts = (
        textwrap.fill(
            text, 100, initial_indent=first, subsequent_indent=rest, break_long_words=False,
            break_on_hyphens=False,
        )
        for text in prose.texts
    )  # fmt: skip
    return ("\n" if prose.listed else "\n\n").join(texts)


def _table(table: Table) -> str:
    text = "\n".join(_rows(table))
    return text + (f"\n\n{table.more}" if table.more else "")


def _rows(table: Table) -> Iterator[str]:
    columns = table.seen
    head = _row([c.title for c in columns])
    rule = _row(["---:" if c.right else "---" for c in columns], raw=True)
    yield head.replace("|  |", "| |") if table.dense else head
    yield rule.replace(" ", "") if table.dense else rule
    for row in table.rows:
        cells = ((c, c.text(row)) for c in columns)
        yield _row([x if c.name in table.prose else _indented(x) for c, x in cells], raw=True)


def _indented(text: str) -> str:
    """A cell; blanks at its beginning are how far in it stands."""
    inside = text.lstrip(" ")
    return "&nbsp;" * (len(text) - len(inside)) + _lines(inside)


def _fold(fold: Fold, room: int | None) -> str:
    """Folded away; of a table as many rows as there's room for, and of what has headings as many parts."""
    head = f"<details><summary>{plain(fold.summary)}</summary>\n\n"
    left = None if room is None else room - len(head) - 80
    bodies: list[str] = []
    for part in _parts(fold.blocks):
        if isinstance(part[0], Heading):
            body = "\n\n".join(_block(block, None) for block in part)
            if left is not None and len(body.encode()) + 2 > left:
                break
        else:
            body = "\n\n".join(_folded(block, left, fold.what) for block in part)
        bodies.append(body)
        left = None if left is None else left - len(body.encode()) - 2
    lost = sum(isinstance(part[0], Heading) for part in _parts(fold.blocks)[len(bodies) :])
    if lost:
        bodies.append(f"{lost} more {fold.what} not shown")
    whole = "\n\n".join(bodies)
    return f"{head}{whole}\n\n</details>"


def _parts(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks that belong together: a heading, and what follows it."""
    found: list[list[Block]] = []
    for block in blocks:
        if isinstance(block, Heading) or not found:
            found.append([])
        found[-1].append(block)
    return found


def _folded(block: Block, room: int | None, what: str) -> str:
    body = _block(block, None)
    if room is None or len(body.encode()) <= room or not isinstance(block, Table | Notes):
        return body
    if isinstance(block, Table):
        return _cut(body.split("\n"), room, what)
    kept: list[str] = []
    for line in body.split("\n"):
        room -= len(line.encode()) + 1
        if room < _SPARE:
            break
        kept.append(line)
    return "\n".join([*kept, "", f"{len(block.rows) - len(kept)} more not shown"])


def _cut(lines: Sequence[str], room: int, what: str) -> str:
    kept: list[str] = []
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
    if len(kept) <= 2:  # nothing but the heading
        kept = []
    left = len(lines) - (len(kept) or 2)
    return "\n".join(kept) + (f"\n\n{left} more {what} not shown" if left else "")


def grid(titles: Sequence[str], right: Sequence[bool], rows: Sequence[Sequence[str]]) -> str:
    """Cells as a table, those of the columns marked so to the right."""
    lines = [_row(titles), _row(["---:" if r else "---" for r in right], raw=True)]
    return "\n".join([*lines, *map(_row, rows)])


def _lines(text: str) -> str:
    """A cell's text, of one or of several lines."""
    return "<br>".join(map(plain, text.split("\n")))


def _row(cells: Sequence[str], raw: bool = False) -> str:
    return "| " + " | ".join(cell if raw else plain(cell) for cell in cells) + " |"


def _list(texts: Iterable[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)


def plain(text: str) -> str:
    r"""Text in which nothing is Markdown or HTML, and nothing becomes a link.

    GitHub makes links of addresses, e-mail addresses, mentions, issues and commits wherever they
    stand in text, escaped or not. Those of Markdown's own end at a comment; those of GitHub leave out
    code. So a word that holds one is code, with comments in it, which no reader sees.

    >>> print(plain("a|b <i> *c*"))
    a\|b &lt;i&gt; \*c\*
    >>> print(plain("by @all"))
    by <code><!-- -->\@<!-- -->all</code>
    """
    if _LINKED.search(text) is None:
        return _escaped(text)
    return "".join(map(_word, re.split(r"(\s+|[|<>&])", text)))


#: what GitHub or GitLab makes a link, a mention or a reference of; also what mail programs do
_LINKED = re.compile(
    r"://|(?<![0-9a-z])(?:mailto|xmpp|tel|data|javascript|file):|www\.|[\w.+-]@|@[\w-]|[#!$%&~^]\d|(?<![0-9a-z])GH-\d"
    r"|(?<![0-9a-z_])(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}(?![0-9a-z_])"
    r"|\.(?:com|net|org|edu|gov|biz|info|name|pro|web|shop|aero|asia|coop|museum|xxx|[a-z]{2})(?![\w-])",
    re.IGNORECASE,
)


def _word(word: str) -> str:
    """A word as code where a part of it would become a link."""
    if _LINKED.search(word) is None:
        return _escaped(word)
    pieces = map(_escaped, re.split(r"([@.:])", word))
    return f"<code>{'<!-- -->'.join(pieces)}</code>"


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#!$@])", r"\\\1", text)
