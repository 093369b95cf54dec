"""What is there to show, before any layout? A document: sections of blocks, the same for every form.

A subject (`subjects/`) writes one document; a form (`forms/`) lays any document out once. Texts are
finished words, names in them escaped against control characters; what is markup in a form, that form
escapes. Rows of tables are the subject's own objects, so that people get a column's `text` and
machines its `exact`. How a block gives way where there's no room is said here, and done by the forms.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, cast

from cnnscope.analyzer.render.columns import Column, default_columns

Row = TypeVar("Row")
#: a word for how a text is coloured where there are colours
Tone = Literal["", "heading", "dim", "label", "op", "good", "bad", "info", "warning", "error"]
#: what a table does where there's no room for it
Narrow = Literal["drop", "grow", "shorten", "below", "split"]
#: who lays documents out; JSON is `to_dict` of the subject itself
Form = Literal["terminal", "markdown", "html", "csv"]
SCREEN: tuple[Form, ...] = ("terminal",)
PAGE: tuple[Form, ...] = ("markdown", "html")
DATA: tuple[Form, ...] = ("csv",)


@dataclass(frozen=True, slots=True)
class Flow:
    """How a text's lines break where lines have a width.

    Args:
        first, rest: what stands before the first line, and before the others.
        most: cells it never takes more of, however wide the screen.
        units: a number isn't parted from its unit.
        hyphens: a line may end behind a hyphen.
        even: the first line is no longer than the others.
    """

    first: str = ""
    rest: str = ""
    most: int | None = None
    units: bool = False
    hyphens: bool = False
    even: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading.

    Args:
        text: what it says.
        said: what is said of it, behind a colon or below.
        level: how deep it stands, from 1.
        tone: of what is said.
        flow: how it breaks; None: it is cut where something is said of it, and wrapped elsewhere.
    """

    text: str
    said: str = ""
    level: int = 2
    tone: Tone = "heading"
    flow: Flow | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A head, and the text that hangs beside it."""

    head: str
    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Heads with their texts. All heads of a section stand in one column.

    Args:
        titles: in forms that have tables, the pairs are one under these; else a list.
        aside: the longest head that has its text beside it; None: however long.
        otherwise: a longer head has its text ``below``; or, if one is longer, every text follows
            ``behind`` its head.
        once: on a screen, a head that repeats the one above isn't said again.
    """

    rows: tuple[Pair, ...]
    titles: tuple[str, str] | None = None
    aside: int | None = None
    otherwise: Literal["below", "behind"] = "below"
    once: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Named figures, each with its meaning: a name, a figure, and words."""

    titles: tuple[str, str, str]
    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with columns; `table` makes one, of rows and columns that go together.

    Args:
        columns: every column, as machines get them.
        rows: the subject's own objects.
        narrow: what happens where there's no room: the least important columns are *drop*ped; nothing is,
            the table *grow*s; texts are *shorten*ed; or the last column's texts go on *below*;
            or some columns follow in a second table (*split*), the first column and the one after it in both.
        chosen: the columns were asked for: people get these, not the usual ones among them.
        tone: of a row.
        more: what isn't shown, in words.
        recorded: the rows for machines, where theirs have another order.
        prose: columns whose text is Markdown already.
        dense: Markdown's rule without blanks.
    """

    columns: Sequence[Column[object]]
    rows: Sequence[object]
    narrow: Narrow = "drop"
    chosen: bool = False
    tone: Callable[[object], Tone] | None = None
    more: str = ""
    recorded: Sequence[object] | None = None
    prose: Collection[str] = ()
    dense: bool = False

    @property
    def seen(self) -> Sequence[Column[object]]:
        """The columns that people see."""
        return self.columns if self.chosen else default_columns(self.columns, self.rows)


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence.

    Args:
        text: what it says.
        severity: what stands before it.
        about: what it is said of, before the text.
        tone: of the text.
        lead: the tone of the severity's word.
        flow: how it breaks; None: it hangs behind its severity.
    """

    text: str
    severity: str = ""
    about: str = ""
    tone: Tone = ""
    lead: Tone = "label"
    flow: Flow | None = None


@dataclass(frozen=True, slots=True)
class Notes:
    """Sentences, below each other.

    Args:
        listed: an item each, in forms that have lists; else a paragraph each.
    """

    rows: tuple[Note, ...]
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs whose text is Markdown already, from cnnscope's own pages."""

    texts: tuple[str, ...]
    listed: bool = False
    flow: Flow = Flow()


@dataclass(frozen=True, slots=True)
class Derived:
    """One line of a derivation: what = formula = the numbers put in = what it comes to.

    Args:
        sign: before the result: ``=``, or ``≈`` where it is rounded.
    """

    label: str
    formula: str
    numbers: str
    result: str
    sign: str = "="


@dataclass(frozen=True, slots=True)
class Derivation:
    """Lines that belong together, aligned."""

    rows: tuple[Derived, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Lines of characters that keep their places."""

    lines: tuple[str, ...]
    tone: Tone = "op"


@dataclass(frozen=True, slots=True)
class Fold:
    """Details that are folded away where that can be done. In a document with a `limit`, as many rows
    of its tables are shown as there's room for."""

    summary: str
    blocks: tuple[Block, ...]
    what: str = "rows"


@dataclass(frozen=True, slots=True)
class Only:
    """What only some forms say, or say in this way."""

    forms: tuple[Form, ...]
    blocks: tuple[Block, ...]


Block = Heading | Pairs | Figures | Table | Notes | Prose | Derivation | Picture | Fold | Only


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks that belong together.

    Args:
        title: what they are about.
        level: of the title, as a heading; 0: it introduces them as a sentence does.
        indent: on a screen, by how many cells they stand in.
    """

    blocks: tuple[Block, ...]
    title: str = ""
    level: int = 3
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """All there is to say of a subject.

    Args:
        title: what it is, in one line; a page's name.
        limit: bytes that it may have as Markdown.
    """

    title: str
    sections: tuple[Section, ...]
    limit: int | None = None

    def of(self, form: Form) -> Iterator[Section]:
        """What a form is to lay out: sections that have something for it, without `Only`."""
        for section in self.sections:
            blocks = tuple(_blocks(section.blocks, form))
            if blocks:
                yield replace(section, blocks=blocks)


def _blocks(blocks: Sequence[Block], form: Form) -> Iterator[Block]:
    """The blocks of a form; lists that follow each other are one."""
    last: Block | None = None
    for block in _own(blocks, form):
        if isinstance(block, Pairs) and isinstance(last, Pairs) and _alike(last, block):
            last = replace(last, rows=(*last.rows, *block.rows))
            continue
        if last is not None:
            yield last
        last = block
    if last is not None:
        yield last


def _alike(one: Pairs, other: Pairs) -> bool:
    return one.titles is None and replace(one, rows=other.rows) == other


def _own(blocks: Sequence[Block], form: Form) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Only):
            yield from _own(block.blocks, form) if form in block.forms else ()
        elif not isinstance(block, Pairs | Notes | Figures) or block.rows:
            yield block


def table(
    columns: Sequence[Column[Row]],
    rows: Sequence[Row],
    narrow: Narrow = "drop",
    *,
    chosen: bool = False,
    tone: Callable[[Row], Tone] | None = None,
    more: str = "",
    recorded: Sequence[Row] | None = None,
    prose: Collection[str] = (),
    dense: bool = False,
) -> Table:
    """A table, of columns that are columns of its rows."""
    return Table(
        cast("Sequence[Column[object]]", columns), rows, narrow, chosen,
        cast("Callable[[object], Tone] | None", tone), more, recorded, prose, dense,
    )  # fmt: skip


def text_table(
    titles: Sequence[str],
    right: Sequence[bool],
    rows: Sequence[tuple[str, ...]],
    narrow: Narrow = "shorten",
    least: int = 12,
) -> Table:
    """A table of finished texts: which columns are numbers, and how short a text may become."""
    columns = [
        _text_column(i, title, numbers, least)
        for i, (title, numbers) in enumerate(zip(titles, right, strict=True))
    ]
    return table(columns, rows, narrow)


def _text_column(position: int, title: str, numbers: bool, least: int) -> Column[tuple[str, ...]]:
    def text(row: tuple[str, ...]) -> str:
        return row[position]

    shortest = None if numbers else least
    return Column(str(position), title, text, text, numbers, importance=1, least=shortest)
