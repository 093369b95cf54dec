"""How is a part of a model's bytes asked for, wherever they lie?

One interface for a mapped file, bytes at hand, a file object and whatever else answers `read_many`: a
range is an offset and a length, and several that don't hang on each other are asked for at once.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from cnnscope.analyzer.values.diagnostics import ModelFileError

Part: TypeAlias = bytes | memoryview

Range: TypeAlias = tuple[int, int]


class ByteRanges(Protocol):
    """Bytes that lie somewhere, to be asked for in parts."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    @property
    def at_once(self) -> bool:
        """Whether several ranges asked for at once are waited for no longer than one."""

    def read(self, offset: int, length: int) -> Part:
        """The bytes from an offset on, exactly so many of them.

        Raises:
            ModelFileError: they can't be read, or aren't there any more.
        """

    def read_many(self, ranges: Sequence[Range]) -> Sequence[Part]:
        """The same for several ranges, none of which hangs on what another one holds."""


class BytesAtHand:
    """Bytes in memory, or mapped there by whoever gave them: nothing is copied, and nothing held on to.

    A view of a bytearray or of somebody's mmap would keep its owner from resizing or closing it, so
    of those a part is a copy.
    """

    at_once = True

    def __init__(self, data: bytes | bytearray | memoryview | mmap.mmap) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> Part:
        try:
            if isinstance(self.data, (bytes, memoryview)):
                part: Part = memoryview(self.data)[offset : offset + length]
            else:
                part = bytes(self.data[offset : offset + length])
        except ValueError as error:  # closed, released
            raise ModelFileError(f"the model's bytes can't be read any more: {error}") from error
        if len(part) < length:
            raise shorter()
        return part

    def read_many(self, ranges: Sequence[Range]) -> Sequence[Part]:
        return [self.read(*each) for each in ranges]

    def __reduce__(self) -> tuple[type[BytesAtHand], tuple[bytes]]:
        """For pickle and copies: what is somebody else's can't go along, its bytes can."""
        if isinstance(self.data, bytes):
            return BytesAtHand, (self.data,)
        try:
            return BytesAtHand, (bytes(self.data),)
        except ValueError:
            return BytesAtHand, (b"",)


def shorter() -> ModelFileError:
    return ModelFileError("the model file isn't there any more, or has become shorter")
