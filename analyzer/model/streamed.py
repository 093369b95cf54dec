"""How are parts read of what comes only from front to back?

What isn't asked for is dropped on the way, so memory stays small. To go back means to begin anew, a few
times and no more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from cnnscope.analyzer.model.byte_ranges import Range, shorter
from cnnscope.analyzer.values.diagnostics import ModelFileError

#: bytes read at once
CHUNK: Final = 1 << 20
#: bytes above which a reader is told that all of them had to come
WARNING: Final = 100_000_000
#: and above which they don't come at all: no protobuf is larger
LIMIT: Final = (1 << 31) - 1
#: how often it is begun
_BEGUN: Final = 4


class Stream(Protocol):
    """What is read from front to back."""

    def read(self, length: int, /) -> bytes:
        """So many bytes or fewer; none: it has ended."""

    def close(self) -> None: ...


class Streamed:
    """Parts of a stream.

    Args:
        begin: a stream from the first byte on.
        size: how many bytes there are.
        what: why it is read so, the beginning of a sentence: ``"the server gives no ranges"``.
        first: a stream that was begun already.
    """

    at_once = False

    def __init__(
        self, begin: Callable[[], Stream], size: int, what: str, first: Stream | None = None
    ) -> None:
        self.size, self._begin, self._what = size, begin, what
        self._stream, self._at, self._begun = first, 0, 0 if first is None else 1
        self.notes: list[str] = []
        demand_size(size, what)
        if size > limit_of("CNNSCOPE_STREAM_WARNING", WARNING):
            self.notes.append(
                f"{what}: up to {size:,} bytes were read, for a graph of a few kilobytes"
            )

    def read(self, offset: int, length: int) -> bytes:
        if self.size < offset + length:
            raise shorter()
        if self._stream is None or offset < self._at:
            self._again()
        self._pass(offset - self._at)
        return b"".join(self._chunks(length))

    def read_many(self, ranges: Sequence[Range]) -> Sequence[bytes]:
        found = {each: self.read(*each) for each in sorted(ranges)}
        return [found[each] for each in ranges]

    def _again(self) -> None:
        self.settle()
        if self._begun >= _BEGUN:
            raise ModelFileError(f"{self._what}, so not all of it can be had: download it first")
        self._begun += 1
        self._stream, self._at = self._begin(), 0

    def _pass(self, length: int) -> None:
        for _ in self._chunks(length):
            pass

    def _chunks(self, length: int) -> Iterator[bytes]:
        assert self._stream is not None
        while length > 0:
            part = self._stream.read(min(length, CHUNK))
            if not part:
                self.settle()
                raise shorter()
            self._at += len(part)
            length -= len(part)
            yield part

    def settle(self) -> None:
        """What follows isn't wanted."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def sizes_beside(self, locations: Sequence[str]) -> Mapping[str, int | None]:
        return {}


def demand_size(size: int, what: str) -> None:
    """Before so many bytes are read.

    Raises:
        ModelFileError: it is too many.
    """
    most = limit_of("CNNSCOPE_STREAM_LIMIT", LIMIT)
    if size > most:
        raise ModelFileError(
            f"{what}, and {size:,} bytes are more than the {most:,} that are read so: download it"
            " first, or set CNNSCOPE_STREAM_LIMIT"
        )


def limit_of(name: str, usual: int) -> int:
    """A limit in bytes: the environment's, or the usual one.

    Raises:
        ModelFileError: what the environment says is no number.
    """
    said = os.environ.get(name, "").strip()
    if not said:
        return usual
    if not (said.isascii() and said.isdecimal() and len(said) < 19):
        raise ModelFileError(f"{name} is {said[:40]!r}: a number of bytes is wanted")
    return int(said)
