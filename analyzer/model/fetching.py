"""Which ranges of a model that isn't at hand are asked for, while its bytes are walked?

The walk touches bytes as if they were all there. What isn't yet is asked for: what was stepped over on
the way and belongs to the graph, a window from the byte that is missing, and, where several ranges cost
no more waiting than one, the places where what follows probably begins. A wrong guess costs bytes; what
is said to be at a place was always read there.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, Protocol, overload

from cnnscope.analyzer.model.byte_ranges import ByteRanges, Range

#: bytes asked for first, at the front and, where several ranges are asked for at once, at the end
FIRST: Final = 1 << 16
#: and up to which the window grows while what is read is read on
LARGEST: Final = 1 << 20
#: behind a payload that was stepped over: as much as a header takes, and what is small behind it
HEADER: Final = 1 << 12
#: ranges that lie closer to each other than this are one: to wait costs more than to read on
NEAR: Final = 512
#: payloads to look back at for what lies between two of them
LATELY: Final = 8


class Guesser(Protocol):
    """Where may what follows begin?"""

    def places(self, data: Fetched) -> Iterable[Range]:
        """Pairs of beginning and end behind `upto`."""


class Fetched:
    """Bytes as of a model that is at hand: indexed and sliced, asked for when they are touched."""

    def __init__(self, ranges: ByteRanges, guesser: Guesser | None = None) -> None:
        self._ranges = ranges
        self._guesser = guesser if ranges.at_once else None
        self._size = ranges.size
        # Stretches that were read, in order; they may touch, and never overlap.
        self._starts: list[int] = []
        self._parts: list[bytes] = []
        # The stretch that was looked at last.
        self._start = self._end = 0
        self._part = b""
        # Payloads that were stepped over; all that the graph needs is there up to a place, those
        # seen to that lie before it.
        self._holes: list[Range] = []
        self._whole = self._seen = 0

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, slice):
            start, stop, _ = key.indices(self._size)
            return self._slice(start, stop)
        if not self._start <= key < self._end:
            if not 0 <= key < self._size:
                raise IndexError(key)
            if not self._settle(key):
                self.fetch(self._wanted(key))
                self._settle(key)
        return self._part[key - self._start]

    def leave_out(self, start: int, stop: int) -> None:
        """Say that a payload is stepped over: nothing of it is needed."""
        self._holes.append((start, stop))

    def known(self, start: int, stop: int) -> bytes:
        """Bytes that were read already, from a place on as far as they go without a gap."""
        at = bisect_right(self._starts, start) - 1
        parts: list[bytes] = []
        while start < stop and 0 <= at < len(self._starts):
            first = self._starts[at]
            if not first <= start < first + len(self._parts[at]):
                break
            parts.append(self._parts[at][start - first : stop - first])
            start += len(parts[-1])
            at += 1
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def since(self, stop: int) -> int:
        """From where on what lies before a place was read, without a gap."""
        at = bisect_right(self._starts, stop - 1) - 1
        while at >= 0 and self._starts[at] + len(self._parts[at]) >= stop:
            stop = self._starts[at]
            at -= 1
        return stop

    def _settle(self, place: int) -> bool:
        """Whether a byte is there; its stretch is then the one that is looked at."""
        at = bisect_right(self._starts, place) - 1
        if at < 0 or place >= self._starts[at] + len(self._parts[at]):
            return False
        self._start, self._part = self._starts[at], self._parts[at]
        self._end = self._start + len(self._part)
        return True

    def _slice(self, start: int, stop: int) -> bytes:
        if self._start <= start and stop <= self._end:
            return self._part[start - self._start : stop - self._start]
        found = self.known(start, stop)
        if len(found) < stop - start:
            self.fetch([(start, stop)])
            found = self.known(start, stop)
        return found

    # What is asked for

    def _wanted(self, place: int) -> list[Range]:
        """What to ask for where a byte is missing: pairs of where it begins and where it ends."""
        if not self._starts:
            behind = [(self._size - FIRST, self._size)] if self._ranges.at_once else []
            return [(place, place + FIRST), *behind]
        wanted = list(self._passed(place))
        # Read on for as long as it was since what was asked for last, or twice as long.
        run = place - wanted[-1][0] if wanted and wanted[-1][1] == place else 0
        window = min(max(HEADER, 2 * run, self._between()), LARGEST)
        wanted.append((place, place + window))
        if self._guesser is not None:
            # Guesses go by what a file claims: whatever they stumble over, the walk goes on.
            with contextlib.suppress(LookupError, ArithmeticError, ValueError, RecursionError):
                wanted += self._guesser.places(self)
        return wanted

    def _between(self) -> int:
        """How much there lately was between two payloads, at most and a bit more."""
        last = self._holes[-LATELY:]
        return max((b - a + NEAR for (_, a), (b, _) in pairwise(last)), default=0)

    def _passed(self, place: int) -> Iterator[Range]:
        """What was stepped over on the way to a place and is no payload: the graph needs it."""
        at = self._whole
        for start, stop in self._holes[self._seen :]:
            if at < start:
                yield at, start
            at = max(at, stop)
        if at < place:
            yield at, place
        self._whole, self._seen = max(at, place), len(self._holes)

    def fetch(self, wanted: Iterable[Range]) -> None:
        """Ask for what isn't there yet of some stretches; those near each other become one."""
        missing = [each for start, stop in joined(wanted) for each in self._missing(start, stop)]
        if not missing:
            return
        ranges = [(start, stop - start) for start, stop in missing]
        for (start, _), part in zip(ranges, self._ranges.read_many(ranges), strict=True):
            at = bisect_right(self._starts, start)
            self._starts.insert(at, start)
            self._parts.insert(at, bytes(part))

    def _missing(self, start: int, stop: int) -> Iterator[Range]:
        start, stop = max(0, start), min(stop, self._size)
        at = max(0, bisect_right(self._starts, start) - 1)
        while start < stop:
            first = min(self._starts[at], stop) if at < len(self._starts) else stop
            if start < first:
                yield start, first
            start = max(start, first + len(self._parts[at])) if first < stop else stop
            at += 1


def joined(ranges: Iterable[Range], near: int = NEAR) -> list[Range]:
    """Pairs of beginning and end, in order, those joined that lie within so many bytes of each other."""
    found: list[Range] = []
    for start, stop in sorted(ranges):
        if found and start <= found[-1][1] + near:
            found[-1] = found[-1][0], max(found[-1][1], stop)
        else:
            found.append((start, stop))
    return found
