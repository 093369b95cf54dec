"""Between which two lie the numbers of a tensor that is too long, or too free, to be written out?

Position ids are the numbers from 0 to L - 1, whatever L is: where they pick from a table of 512 rows, L is
512 at most. What is known is the smallest and the largest number, as lengths that may be free, whether these
two really occur, and of numbers that rise or fall evenly along each axis the whole of them (`Bounds.steps`).
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.extremes import greatest, smallest
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the whole numbers of a tensor lie between, as long as it has any.

    Args:
        low, high: none is below, and above; None: that isn't followed.
        low_met, high_met: a number is as low, and as high, whatever the model is given.
        of_data: they hang on the model's inputs, not on lengths alone.
        steps: from one to the next along each axis, beginning with `first`, where they are even.
        first: the number at the front of all axes.
    """

    low: Dim | None
    high: Dim | None
    low_met: bool = False
    high_met: bool = False
    of_data: bool = False
    steps: tuple[Dim, ...] | None = None
    first: Dim = 0

    @property
    def only(self) -> Dim | None:
        """The number that all of them are; None where they may differ."""
        return self.low if self.low == self.high and self.low_met else None

    @property
    def is_followed(self) -> bool:
        """Both ends are told."""
        return self.low is not None and self.high is not None

    def loosened(self) -> Bounds:
        """Of some of the numbers, it isn't known which."""
        if self.only is not None:
            return self
        return Bounds(self.low, self.high, of_data=self.of_data)

    def uneven(self) -> Bounds:
        """Of the same numbers at other places."""
        return Bounds(self.low, self.high, self.low_met, self.high_met, self.of_data)


#: made of lengths alone, in a way that isn't followed
UNFOLLOWED = Bounds(None, None)


def evenly(first: Dim, steps: Sequence[Dim], shape: Sequence[Dim]) -> Bounds:
    """Of numbers that rise or fall evenly along each axis.

    >>> from cnnscope.analyzer.values.dimension import FreeDim
    >>> evenly(2, (3,), (FreeDim.named("L"),)).high == 3 * FreeDim.named("L") - 1
    True
    """
    low = high = first
    taken = tuple(0 if n == 1 else step for step, n in zip(steps, shape, strict=True))
    for step, n in zip(taken, shape, strict=True):
        if step == 0:
            continue
        rises = is_least(step, 0)
        if rises is None:
            return UNFOLLOWED
        if rises:
            high = high + step * (n - 1)
        else:
            low = low + step * (n - 1)
    return Bounds(low, high, True, True, steps=taken, first=first)


def only(number: Dim, rank: int = 0) -> Bounds:
    """Of numbers that are all the same."""
    return Bounds(number, number, True, True, steps=(0,) * rank, first=number)


def is_least(value: Dim | None, least: Dim) -> bool | None:
    """Is it at least that, whatever the lengths? None: it depends, or isn't known."""
    if value is None:
        return None
    try:
        return bool(value >= least)
    except Undetermined:
        return None


# -- sums and products ---------------------------------------------------------------------------


def plus(a: Bounds, b: Bounds, shapes: Sequence[Sequence[Dim]], shape: Sequence[Dim]) -> Bounds:
    """Of sums, number by number, with broadcasting.

    Args:
        shapes: of the two.
        shape: of the sums.
    """
    if a.steps is not None and b.steps is not None:
        rank = len(shape)
        left, right = stretched(a.steps, rank), stretched(b.steps, rank)
        return evenly(a.first + b.first, [x + y for x, y in zip(left, right, strict=True)], shape)
    apart = a.only is not None or b.only is not None or _on_other_axes(*shapes)
    return Bounds(
        None if a.low is None or b.low is None else a.low + b.low,
        None if a.high is None or b.high is None else a.high + b.high,
        apart and a.low_met and b.low_met,
        apart and a.high_met and b.high_met,
        a.of_data or b.of_data,
    )


def stretched(steps: tuple[Dim, ...], rank: int) -> tuple[Dim, ...]:
    """The steps of what is broadcast to so many axes."""
    return (0,) * (rank - len(steps)) + steps


def _on_other_axes(one: Sequence[Dim], other: Sequence[Dim]) -> bool:
    """Every number of the one meets every one of the other."""
    return all(1 in pair for pair in zip(reversed(one), reversed(other), strict=False))


def negative(a: Bounds) -> Bounds:
    """Of the numbers with the other sign."""
    return Bounds(
        None if a.high is None else -a.high, None if a.low is None else -a.low,
        a.high_met, a.low_met, a.of_data,
        None if a.steps is None else tuple([-step for step in a.steps]), -a.first,
    )  # fmt: skip


def times(a: Bounds, b: Bounds, shape: Sequence[Dim]) -> Bounds:
    """Of products, number by number, with broadcasting."""
    if a.only is not None:
        a, b = b, a
    of_data = a.of_data or b.of_data
    by = b.only
    rises = is_least(by, 0)
    if by is not None and rises is not None:
        if a.steps is not None:
            steps = stretched(a.steps, len(shape))
            return evenly(a.first * by, [step * by for step in steps], shape)
        if not rises:
            return negative(times(a, only(-by), shape))
        low, high = (None if end is None else end * by for end in (a.low, a.high))
        return Bounds(low, high, a.low_met, a.high_met, of_data)
    if is_least(a.low, 0) and is_least(b.low, 0) and a.low is not None and b.low is not None:
        high = None if a.high is None or b.high is None else a.high * b.high
        return Bounds(a.low * b.low, high, of_data=of_data)
    return Bounds(None, None, of_data=of_data)


def quotient(a: Bounds, by: int) -> Bounds:
    """Of whole quotients of what is 0 or more by a number above 0; other signs aren't followed."""
    if not is_least(a.low, 0) or a.low is None:
        return Bounds(None, None, of_data=a.of_data)
    high = None if a.high is None else a.high // by
    return Bounds(a.low // by, high, a.low_met, a.high_met, a.of_data)


def remainder(a: Bounds | None, by: int) -> Bounds:
    """Of remainders with the sign of the divisor, which is above 0."""
    if a is not None and is_least(a.low, 0) and a.high is not None and is_least(by - 1, a.high):
        return a
    return Bounds(0, by - 1, of_data=a is None or a.of_data)


def absolute(a: Bounds) -> Bounds:
    """Of amounts."""
    if is_least(a.low, 0):
        return a
    back = negative(a)
    if is_least(back.low, 0):
        return back
    if a.low is None or a.high is None:
        return Bounds(0, None, of_data=a.of_data)
    return Bounds(0, greatest(a.high, -a.low), False, a.low_met and a.high_met, a.of_data)


# -- choices ---------------------------------------------------------------------------------------


def larger(a: Bounds, b: Bounds) -> Bounds:
    """Of the larger ones of two, number by number."""
    told = [x.low for x in (a, b) if x.low is not None]
    high = None if a.high is None or b.high is None else greatest(a.high, b.high)
    # Against one number nothing changes its order; of two numbers that vary the largest is one of both.
    return Bounds(
        greatest(*told) if told else None, high,
        (a.only is not None and b.low_met) or (b.only is not None and a.low_met),
        a.high_met and b.high_met, a.of_data or b.of_data,
    )  # fmt: skip


def smaller(a: Bounds, b: Bounds) -> Bounds:
    """Of the smaller ones of two, number by number."""
    return negative(larger(negative(a), negative(b)))


def united(several: Sequence[Bounds], *, all_there: bool = False) -> Bounds:
    """Of numbers that are taken of several tensors.

    Args:
        all_there: each of the tensors has some, and all its numbers are taken.
    """
    lows = [x.low for x in several if x.low is not None]
    highs = [x.high for x in several if x.high is not None]
    alike = several[0].only is not None and all(x.only == several[0].only for x in several)
    kept = all_there or alike
    return Bounds(
        smallest(*lows) if len(lows) == len(several) else None,
        greatest(*highs) if len(highs) == len(several) else None,
        kept and all(x.low_met for x in several),
        kept and all(x.high_met for x in several),
        any(x.of_data for x in several),
    )
