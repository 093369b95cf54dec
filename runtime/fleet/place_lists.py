"""Which places does a list name? One a line, or, where there is a NUL, one up to each NUL."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, Final

from cnnscope.runtime.fleet.unlisted import Found, Unlisted

#: bytes of a line
LONGEST: Final = 1 << 16
_BLOCK: Final = 1 << 16
_WIDE: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def places_in(list_file: BinaryIO, shown: str) -> Found:
    """The places that a list names, as they stand there, and the lines that are none.

    Lines end with a line feed, or a carriage return and one; blank ones, and those whose first sign is
    ``#``, name nothing. Where places end with NULs, as ``find -print0`` writes them, each is taken as it is.

    Args:
        list_file: its bytes; read once, and not closed.
        shown: what the list is called.
    """
    blocks = _blocks(list_file)
    first = next(blocks, b"")
    end = b"\0" if b"\0" in first else b"\n"
    for number, line in enumerate(_lines(first, blocks, end), 1):
        if line is None:
            what = f"what the list has as number {number} is longer than {LONGEST:,} bytes"
            yield Unlisted(shown, what)
            continue
        if end == b"\n":
            line = line.removesuffix(b"\r")
            if not line.strip() or line.lstrip().startswith(b"#"):
                continue
            if b"\0" in line:
                yield Unlisted(shown, f"line {number} of the list has a NUL in it")
                continue
        if line:
            yield os.fsdecode(line)


def _lines(first: bytes, blocks: Iterator[bytes], end: bytes) -> Iterator[bytes | None]:
    """What stands between two ends; None: too much."""
    rest, too_long = b"", False
    block: bytes | None = first
    while block is not None:
        *whole, rest = (rest + block).split(end)
        for line in whole:
            yield None if too_long or len(line) > LONGEST else line
            too_long = False
        if len(rest) > LONGEST:
            rest, too_long = b"", True
        block = next(blocks, None)
    if rest or too_long:
        yield None if too_long else rest


def _blocks(list_file: BinaryIO) -> Iterator[bytes]:
    """A list's bytes, without the mark before them that says how they are encoded; as UTF-8, if as UTF-16."""
    first = list_file.read(_BLOCK)
    following = iter(lambda: list_file.read(_BLOCK), b"")
    wide = _WIDE.get(first[:2])
    if wide is None:
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from following
        return
    decoder = codecs.getincrementaldecoder(wide)("replace")
    for block in chain([first[2:]], following):
        yield decoder.decode(block).encode("utf-8", "replace")
