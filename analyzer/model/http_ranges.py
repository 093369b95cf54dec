"""How are parts read of what a web server has?

The first answer says how long the object is and which version of it this is; every later one has to be of
the same. What settings, credentials and certificates there are is as for fsspec's file system for HTTP, on
whose session this goes. A server that gives no ranges is read from front to back.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.model import http_session
from cnnscope.analyzer.model.byte_ranges import ByteRanges, BytesAtHand, Range, shorter
from cnnscope.analyzer.model.far_faults import absent, changed, forbidden
from cnnscope.analyzer.model.fetching import FIRST, LARGEST, joined
from cnnscope.analyzer.model.http_session import Session, open_session
from cnnscope.analyzer.model.streamed import CHUNK, Stream, Streamed, demand_size
from cnnscope.analyzer.values.diagnostics import ModelFileError

if TYPE_CHECKING:
    import aiohttp

#: ranges that lie closer to each other than this are one: a request costs more than to read on
NEAR: Final = 1 << 13
#: requests at once
AT_ONCE: Final = 16
#: bytes of an object that is taken whole, with a second request
SMALL: Final = 1 << 20
_NO_RANGES: Final = "the server gives no ranges"
_CONTENT_RANGE: Final = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18})")


class HttpRanges:
    """Parts of an object of a web server.

    Args:
        session: what asks.
        size: how long the object is.
        marks: what tells its version, such as its ETag.
        first: its first bytes.
    """

    #: guesses would cost ten requests for each that is needed, which takes as long and is billed
    at_once = False

    def __init__(self, session: Session, size: int, marks: Mapping[str, str], first: bytes) -> None:
        self.size = size
        self.notes: Sequence[str] = ()
        self._session, self._marks, self._first = session, marks, first

    def read(self, offset: int, length: int) -> bytes:
        return self.read_many([(offset, length)])[0]

    def read_many(self, ranges: Sequence[Range]) -> Sequence[bytes]:
        if any(self.size < offset + length for offset, length in ranges):
            raise shorter()
        known = len(self._first)
        wanted = [(max(at, known), at + n) for at, n in ranges if at + n > known and n]
        stretches = joined(wanted, NEAR)
        got = dict(zip(stretches, self._session.run(self._ask(stretches)), strict=True))
        return [self._cut(got, offset, length) for offset, length in ranges]

    def _cut(self, got: Mapping[Range, bytes], offset: int, length: int) -> bytes:
        known = self._first[offset : offset + length]
        offset, length = offset + len(known), length - len(known)
        for (start, stop), part in got.items():
            if length and start <= offset and offset + length <= stop:
                return known + part[offset - start : offset - start + length]
        return known

    async def _ask(self, stretches: Sequence[Range]) -> list[bytes]:
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(start: int, stop: int) -> bytes:
            async with turns:
                return await self._session.ask(
                    lambda answer: self._part(answer, start, stop), self._headers(start, stop)
                )

        return list(await asyncio.gather(*(one(*each) for each in stretches)))

    def _headers(self, start: int, stop: int) -> dict[str, str]:
        headers = {"range": f"bytes={start}-{stop - 1}"}
        tag = self._marks.get("ETag", "")
        if tag.startswith('"'):
            headers["If-Match"] = tag
        return headers

    async def _part(self, answer: aiohttp.ClientResponse, start: int, stop: int) -> bytes:
        if answer.status in (412, 416) or (answer.status == 200 and stop - start != self.size):
            raise changed()
        demand_fine(answer.status)
        place = place_in(answer.headers.get("Content-Range", ""))
        if answer.status == 206 and place != (start, stop, self.size):
            raise changed() if place is not None and place[2] != self.size else _other_bytes()
        marks = marks_of(answer.headers)
        if any(marks.get(key, value) != value for key, value in self._marks.items()):
            raise changed()
        return await read_exactly(answer, stop - start)

    def take_all(self) -> None:
        """The rest at once, where it is little."""
        self._first += bytes(self.read(len(self._first), self.size - len(self._first)))

    def settle(self) -> None:
        """Nothing to ask: each answer said what it is of."""

    def sizes_beside(self, locations: Sequence[str]) -> Mapping[str, int | None]:
        """A server lists nothing; of one file the head is asked for, unless the address is a signed one."""
        if len(locations) != 1:
            return {}
        found = self._session.size_beside(locations[0])
        return {} if found is None else {locations[0]: None if found < 0 else found}

    def __reduce__(self) -> tuple[object, tuple[str, dict[str, str]]]:
        """For another process: the object by its address."""
        return open_http, (self._session.place, dict(self._session.headers))


def open_http(place: str, headers: Mapping[str, str]) -> ByteRanges:
    """What a web server has at a place.

    Args:
        place: an address, http or https.
        headers: what goes with each request.

    Raises:
        ModelFileError: nothing, or nothing that may be read.
    """
    session = open_session(place, headers)
    found = session.run(session.ask(_opener(session), {"range": f"bytes=0-{FIRST - 1}"}))
    if isinstance(found, HttpRanges) and found.size <= SMALL:
        found.take_all()
    return found


def _opener(session: Session) -> Callable[[aiohttp.ClientResponse], Awaitable[ByteRanges]]:
    async def opened(answer: aiohttp.ClientResponse) -> ByteRanges:
        place = place_in(answer.headers.get("Content-Range", ""))
        if answer.status == 416 and place is not None and not place[2]:
            return BytesAtHand(b"")
        demand_fine(answer.status)
        if answer.status == 206:
            if place is None or place[0] or not 0 < place[1] <= place[2]:
                raise _other_bytes()
            first = await read_exactly(answer, min(place[1], FIRST))  # a server may give more
            return HttpRanges(session, place[2], marks_of(answer.headers), first)
        length = answer.content_length
        if length is None or "Content-Encoding" in answer.headers:
            return await _spooled(answer)
        if length <= LARGEST:
            return BytesAtHand(await read_exactly(answer, length))
        demand_size(length, _NO_RANGES)
        marks = marks_of(answer.headers)
        return Streamed(lambda: session.run(_begun(session, marks)), length, _NO_RANGES,
                        _Body(session, await session.kept(answer)))  # fmt: skip

    return opened


async def _begun(session: Session, marks: Mapping[str, str]) -> Stream:
    async def body(answer: aiohttp.ClientResponse) -> Stream:
        demand_fine(answer.status)
        if marks_of(answer.headers) != marks:
            raise changed()
        return _Body(session, await session.kept(answer))

    return await session.ask(body, {})


class _Body:
    """What follows of an answer."""

    def __init__(self, session: Session, answer: aiohttp.ClientResponse) -> None:
        self._session, self._answer = session, answer
        self._pace = http_session.Pace()

    def read(self, length: int, /) -> bytes:
        async def read() -> bytes:
            part = await self._answer.content.read(length)
            self._pace.came(len(part))
            return part

        return self._session.run(read())

    def close(self) -> None:
        """The connection, too: what else would come isn't wanted."""

        async def close() -> None:
            self._answer.close()

        self._session.run(close())

    def __del__(self) -> None:
        self._answer.close()


async def _spooled(answer: aiohttp.ClientResponse) -> ByteRanges:
    """Of an answer that doesn't say how long it is: laid aside as it comes, up to the limit."""
    from cnnscope.analyzer.model.file_mapping import map_file

    size, pace = 0, http_session.Pace()
    with tempfile.TemporaryFile() as file:
        async for part in answer.content.iter_chunked(CHUNK):
            size += len(part)
            pace.came(len(part))
            demand_size(size, f"{_NO_RANGES} and doesn't say how much there is")
            file.write(part)
        file.flush()
        return map_file(file, None)


async def read_exactly(answer: aiohttp.ClientResponse, length: int) -> bytes:
    """So many bytes of an answer; more are neither read nor kept, nor is each waited for on and on."""
    try:
        async with asyncio.timeout(http_session.PATIENCE + length / http_session.SLOWEST):
            return await answer.content.readexactly(length)
    except asyncio.IncompleteReadError:
        raise ConnectionError("the connection ended early") from None


def place_in(text: str) -> tuple[int, int, int] | None:
    """Where a part begins and ends, and how long the whole is, by its header.

    >>> place_in("bytes 5-9/40"), place_in("bytes */0"), place_in("bytes 5-9/*")
    ((5, 10, 40), (0, 0, 0), None)
    """
    found = _CONTENT_RANGE.fullmatch(text.strip())
    if found is None:
        return None
    start, last, size = found.groups()
    return (0, 0, int(size)) if start is None else (int(start), int(last) + 1, int(size))


def marks_of(headers: Mapping[str, str]) -> dict[str, str]:
    """What tells an object's version: one of them, for servers that share their load may differ in dates."""
    keys = [key for key in ("ETag", "Last-Modified") if key in headers]
    return {key: headers[key] for key in keys[:1]}


def demand_fine(status: int) -> None:
    """Raises:
    ModelFileError: an answer isn't what was asked for.
    """
    if status in (404, 410):
        raise absent()
    if status in (401, 403, 407):
        raise forbidden()
    if status not in (200, 206):
        raise ModelFileError(f"the server refuses it (HTTP status {status})")


def _other_bytes() -> ModelFileError:
    return ModelFileError("the server gives other bytes than were asked for")
