"""What is there to show, before any layout? A document: sections of blocks, the same for every form.

A subject (`subjects/`) writes one document; a form (`forms/`) lays any document out once. Texts are
finished words, names in them escaped against control characters; what is markup in a form, that form
escapes. How a block gives way where there's no room is said here, and done by the forms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from cnnscope.analyzer.render.tables import Table, Tone
from cnnscope.analyzer.values.plain_class import dataclass

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
        flow: how it breaks; None: between words.
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
    """Lines of characters that keep their places.

    Args:
        whole: they are there to be copied: no line is cut, however narrow the screen.
    """

    lines: tuple[str, ...]
    tone: Tone = "op"
    whole: bool = False


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
