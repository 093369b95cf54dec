"""How is a record written as JSON? Strictly, in ASCII, as it goes; a table as a list of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from json.encoder import encode_basestring_ascii
from typing import Final

from cnnscope.analyzer.render.document import Document
from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.tables import Table


def dumped(value: object) -> str:
    """What `json_pieces` gives, as one text."""
    return "".join(json_pieces(value))


def json_pieces(value: object) -> Iterator[str]:
    """Strict JSON, indented as the standard library does it, in pieces that follow each other.

    What the value holds as an iterator is a list of which a piece at a time is asked for and written, so that
    a long one is never there as a whole. No text is broken in two by a piece's end.

    What a runner would take for a command has a letter written as JSON's escape: readers get the
    text as it is.

    Raises:
        ValueError: a number that JSON doesn't have.
        TypeError: what is no data.

    >>> print(dumped({"a": iter([1, {}]), "b": None}), end="")
    {
      "a": [
        1,
        {}
      ],
      "b": null
    }
    """
    for piece in _pieces(value, "\n"):
        yield without_commands(piece, colon="\\u003a", sign="\\u0023")
    yield "\n"


def _pieces(value: object, line: str) -> Iterator[str]:
    """A value's text; `line` is the end of a line and what the one is indented by on which the value ends."""
    inner = f"{line}  "
    if isinstance(value, Iterator):
        before = f"[{inner}"
        for part in value:
            yield before
            yield from _pieces(part, inner)
            before = f",{inner}"
        yield f"{line}]" if before[0] == "," else "[]"
    elif isinstance(value, dict) and any(map(_goes_on, value.values())):
        before = f"{{{inner}"
        for key, part in value.items():
            yield f"{before}{_key(key)}: "
            yield from _pieces(part, inner)
            before = f",{inner}"
        yield f"{line}}}"
    elif isinstance(value, list) and any(map(_goes_on, value)):
        yield from _pieces(iter(value), line)
    else:
        yield _text(value, line)


def _goes_on(value: object) -> bool:
    """Is an iterator, or holds one where whole models stand beside each other."""
    if isinstance(value, dict):
        return any(isinstance(part, Iterator) for part in value.values())
    return isinstance(value, Iterator)


def _real(value: float) -> str:
    if value - value != 0:  # neither infinity nor what is no number has a difference
        raise ValueError(f"JSON has no number {value!r}")
    return float.__repr__(value)


_SCALARS: Final[Mapping[type, Callable[..., str]]] = {
    str: encode_basestring_ascii, int: int.__repr__, float: _real,
    bool: lambda value: "true" if value else "false", type(None): lambda value: "null",
}  # fmt: skip


def _text(value: object, line: str) -> str:
    write = _SCALARS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, dict):
        if not value:
            return "{}"
        inner = f"{line}  "
        parts = [f"{_key(key)}: {_text(part, inner)}" for key, part in value.items()]
        return f"{{{inner}{f',{inner}'.join(parts)}{line}}}"
    if isinstance(value, list | tuple):
        if not value:
            return "[]"
        inner = f"{line}  "
        scalar = _SCALARS.get  # asked here, too: most of what is long is a list of numbers
        parts = [
            write(part) if (write := scalar(type(part))) is not None else _text(part, inner)
            for part in value
        ]
        return f"[{inner}{f',{inner}'.join(parts)}{line}]"
    for kind, write in _SCALARS.items():  # such as a name that is a text and more
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"no data: {type(value).__name__}")


def _key(key: object) -> str:
    if isinstance(key, str):
        return encode_basestring_ascii(key)
    return f'"{_text(key, "")}"'


def rows_of(document: Document) -> list[dict[str, object]]:
    """The rows of a document's tables as machines have them: of subjects that have no other record."""
    blocks = (block for section in document.of("csv") for block in section.blocks)
    return [
        {column.name: column.exact(row) for column in block.columns}
        for block in blocks
        if isinstance(block, Table)
        for row in block.rows
    ]
