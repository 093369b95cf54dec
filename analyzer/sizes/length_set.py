"""Which lengths are in a set that repeats itself from somewhere on?

Lengths that a network takes are such a set: what its strides and joins ask for repeats with a period, and
small lengths, which some kernel doesn't fit into, are the exceptions. `LengthSet` has it exactly: the
lengths below `start` one by one, and from there on those whose remainder by the period is in it. Unions and
intersections of such sets are such sets again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.values.plain_class import dataclass

#: the longest period, and the highest start, that a set is kept with
LIMIT: Final = 1 << 20


class TooLarge(Exception):
    """A set whose period or whose exceptions are too many to be kept."""


@dataclass(frozen=True, slots=True)
class Run:
    """Lengths at equal distances: ``least``, ``least + step``, ... up to ``most``.

    Args:
        step: from one to the next.
        least, most: the first and the last; no last one: None.
    """

    step: int
    least: int
    most: int | None

    @property
    def offset(self) -> int:
        """The remainder of each by the step."""
        return self.least % self.step

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {"step": self.step, "offset": self.offset, "min": self.least, "max": self.most}


@dataclass(frozen=True, slots=True, eq=False)
class LengthSet:
    """A set of lengths (1 and more).

    Args:
        below: for each length from 0 to `start` - 1, whether it is in; 0 never is.
        repeats: for each remainder by the period, whether lengths from `start` on are in.

    >>> even = LengthSet.where(lambda n: n % 2 == 0, 1, 2)
    >>> (even & LengthSet.where(lambda n: n >= 7, 7, 1)).runs()
    (Run(step=2, least=8, most=None),)
    """

    below: npt.NDArray[np.bool_]
    repeats: npt.NDArray[np.bool_]

    @classmethod
    def where(
        cls, holds: Callable[[npt.NDArray[np.int64]], object], start: int, period: int
    ) -> LengthSet:
        """The lengths of which something holds that repeats itself from `start` on.

        Args:
            holds: lengths to whether it holds, element by element.
        """
        if start > LIMIT or period > LIMIT:
            raise TooLarge
        found = np.asarray(holds(np.arange(start + period, dtype=np.int64)), bool)
        repeats = np.roll(found[start:], start % period)
        return cls._of(found[:start], repeats)

    @classmethod
    def of(cls, lengths: Iterable[int]) -> LengthSet:
        """So many lengths and no others."""
        given = sorted(set(lengths))
        start = given[-1] + 1 if given else 1
        if start > LIMIT:
            raise TooLarge
        below = np.zeros(start, bool)
        below[given] = True
        return cls._of(below, np.zeros(1, bool))

    @classmethod
    def union(cls, sets: Iterable[LengthSet]) -> LengthSet:
        """What is in any of several sets; of many that end it costs no more than to read each."""
        ending: list[LengthSet] = []
        found = cls.of(())
        for each in sets:
            if each.repeats.any():
                found |= each
            else:
                ending.append(each)
        below = np.zeros(max((each.start for each in ending), default=1), bool)
        for each in ending:
            below[: each.start] |= each.below
        return found | cls._of(below, np.zeros(1, bool))

    @classmethod
    def every(cls) -> LengthSet:
        """All lengths."""
        return cls._of(np.zeros(1, bool), np.ones(1, bool))

    @classmethod
    def _of(cls, below: npt.NDArray[np.bool_], repeats: npt.NDArray[np.bool_]) -> LengthSet:
        """In the one way in which it can be written: the least period, the least start."""
        below, period = below.copy(), len(repeats)
        below[:1] = False
        # Two periods of it have a third for their greatest common divisor: one prime at a time is enough.
        for prime in _primes_of(period):
            while len(repeats) % prime == 0:
                rows = repeats.reshape(prime, -1)
                if (rows != rows[0]).any():
                    break
                repeats = rows[0]
        period, start = len(repeats), max(len(below), 1)
        below = np.resize(below, start) if len(below) else np.zeros(1, bool)
        places = np.arange(1, start)
        wrong = np.flatnonzero(below[1:] != repeats[places % period])
        return cls(below[: int(wrong[-1]) + 2 if len(wrong) else 1], repeats)

    @property
    def start(self) -> int:
        """From where on it repeats itself."""
        return len(self.below)

    @property
    def period(self) -> int:
        """After how many lengths it does."""
        return len(self.repeats)

    def __contains__(self, length: int) -> bool:
        if length < self.start:
            return length > 0 and bool(self.below[length])
        return bool(self.repeats[length % self.period])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, LengthSet)
            and np.array_equal(self.below, other.below)
            and np.array_equal(self.repeats, other.repeats)
        )

    def __hash__(self) -> int:
        return hash((self.below.tobytes(), self.repeats.tobytes()))

    def __and__(self, other: LengthSet) -> LengthSet:
        return self._with(other, np.logical_and)

    def __or__(self, other: LengthSet) -> LengthSet:
        return self._with(other, np.logical_or)

    def __sub__(self, other: LengthSet) -> LengthSet:
        return self._with(other, np.greater)  # in the one and not in the other

    def _with(self, other: LengthSet, how: np.ufunc) -> LengthSet:
        start, period = max(self.start, other.start), math.lcm(self.period, other.period)
        return LengthSet.where(lambda n: how(self._told(n), other._told(n)), start, period)

    def _told(self, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        found = self.repeats[lengths % self.period]
        found[: self.start] = self.below
        return found

    @property
    def is_empty(self) -> bool:
        """No length is in."""
        return not (self.below.any() or self.repeats.any())

    @property
    def smallest(self) -> int | None:
        """The smallest; None where there is none."""
        return self.up(1)

    def up(self, length: int) -> int | None:
        """The smallest that is at least so long; None where there is none."""
        length = max(length, 1)
        found = np.flatnonzero(self.below[length : self.start])
        if len(found):
            return length + int(found[0])
        length = max(length, self.start)
        ahead = (np.flatnonzero(self.repeats) - length) % self.period
        return length + int(ahead.min()) if len(ahead) else None

    def down(self, length: int) -> int | None:
        """The largest that is at most so long; None where there is none."""
        if length >= self.start:
            behind = (length - np.flatnonzero(self.repeats)) % self.period
            if len(behind) and length - int(behind.min()) >= self.start:
                return length - int(behind.min())
        found = np.flatnonzero(self.below[: max(length + 1, 0)])
        return int(found[-1]) if len(found) else None

    def first(self, count: int) -> list[int]:
        """So many of the smallest, or as many as there are."""
        found: list[int] = np.flatnonzero(self.below)[:count].tolist()
        ahead = np.sort((np.flatnonzero(self.repeats) - self.start) % self.period)
        turn = self.start
        while len(found) < count and len(ahead):
            found += (turn + ahead[: count - len(found)]).tolist()
            turn += self.period
        return found

    def within(self, least: int, most: int) -> list[int]:
        """All from the one to the other, both included."""
        asked = np.arange(max(least, 1), most + 1)
        short = np.minimum(asked, self.start - 1)
        held = np.where(asked < self.start, self.below[short], self.repeats[asked % self.period])
        found: list[int] = asked[held].tolist()
        return found

    def runs(self) -> tuple[Run, ...]:
        """The set as few runs, in order of their least lengths.

        >>> LengthSet.of([3, 5, 6, 7]).runs()
        (Run(step=1, least=3, most=3), Run(step=1, least=5, most=7))
        """
        left = set(np.flatnonzero(self.below).tolist())
        found = list(self._endless(left))
        for first in sorted(left):
            if first not in left:
                continue
            # Neighbours are one run; a lone length may be followed by others at the period's distance.
            step = 1 if first + 1 in left else self.period
            last = first
            while last in left:
                left.discard(last)
                last += step
            last -= step
            found.append(Run(step if last > first else 1, first, last))
        return tuple(sorted(found, key=lambda run: (run.least, run.step)))

    def _endless(self, left: set[int]) -> Iterator[Run]:
        """The runs that don't end, each taking in what it can of the exceptions."""
        open_ones = self.repeats.copy()
        for step in _divisors(self.period):
            if not open_ones.any():
                return
            turns = open_ones.reshape(-1, step)
            whole = turns.all(axis=0)
            turns[:, whole] = False
            for offset in np.flatnonzero(whole).tolist():
                least = self.start + (offset - self.start) % step
                while least - step in left:
                    least -= step
                    left.discard(least)
                yield Run(step, least, None)


def _divisors(number: int) -> list[int]:
    low = [n for n in range(1, math.isqrt(number) + 1) if number % n == 0]
    return low + [number // n for n in reversed(low) if n * n != number]


def _primes_of(number: int) -> Iterator[int]:
    prime = 2
    while prime * prime <= number:
        if number % prime == 0:
            yield prime
            while number % prime == 0:
                number //= prime
        prime += 1
    if number > 1:
        yield number
