"""How is the answer to one question about a model laid out, and how are inputs and sizes written?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Block,
    Document,
    Heading,
    Note,
    Notes,
    Only,
    Pair,
    Pairs,
    Section,
)
from cnnscope.analyzer.values.notation import name, shape

#: the longest head of a fact that has its text beside it
_ASIDE = 14


def answer(
    title: str,
    head: Iterable[Pair],
    tables: Sequence[Block],
    facts: Iterable[Pair] = (),
    notes: Iterable[Note] = (),
) -> Document:
    """An answer as a document.

    Args:
        title: model and question.
        head: what stands before the tables, of a line each.
        tables: what programs read, and with `for_people` what they don't; a section each.
        facts: what follows from them.
        notes: how to read all that.
    """
    return Document(
        title,
        (
            Section((Heading(title), for_people(Pairs(tuple(head), aside=_ASIDE)))),
            *(Section((block,)) for block in tables),
            Section((for_people(Pairs(tuple(facts), aside=_ASIDE)),)),
            Section((for_people(Notes(tuple(notes))),)),
        ),
    )


def for_people(block: Block) -> Only:
    """What programs aren't given."""
    return Only((*SCREEN, *PAGE), (block,))


def model_name(model: str | None) -> str:
    """A model's name for people; it has none where it never was a file."""
    return name(model or "the model in memory")


def inputs_text(inputs: Mapping[str, Sequence[int | str | None]]) -> str:
    """Inputs with their shapes.

    >>> inputs_text({"x": (1, 3, "H", None), "n": ()})
    'x 1x3xHx?, n scalar'
    """
    return ", ".join(f"{name(n)} {shape_text(dims)}" for n, dims in inputs.items())


def shape_text(dims: Sequence[int | str | None]) -> str:
    """A shape of which lengths may be unknown."""
    return shape(["?" if n is None else n for n in dims])


def size_text(lengths: Mapping[str, int]) -> str:
    """A size in words.

    >>> size_text({"H": 224, "W": 320})
    'H = 224, W = 320'
    """
    return ", ".join(f"{name(label)} = {n}" for label, n in lengths.items())
