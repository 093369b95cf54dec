"""What does each unit of an axis see of a network input's axis, and what does a window make of it?

Behind a window as `window` has it the field of a plain net is, with ``extent = dilation*(size-1) + 1``::

    (1)   r' = r + (extent-1)*S,   S' = S*stride,   t' = t - before*S

(size, step, start), the recurrence of Araujo, Norris & Sim, *Computing Receptive Fields of
Convolutional Neural Networks*, Distill 2019. Where strides are fractions the size depends on the
unit's phase, so a `Field` keeps the exact span of each unit of one period.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from cnnscope.analyzer.values.phases import LISTED_UNITS, Phases, listed_phases
from cnnscope.analyzer.values.spans import (
    Span,
    begun_at,
    clip,
    hull,
    laid_at,
    marching,
    middles,
    shortest_period,
)
from cnnscope.analyzer.values.window import Number, Window

#: beyond this many different phases a field is given as its hull over the whole axis
MAX_PERIOD = 1 << 14


class _Spans(NamedTuple):
    """Made, compared and hashed in no time, as there are many."""

    spans: tuple[Span | None, ...] = ((0, 0),)
    advance: int = 1
    bounded: bool = False


class Field(_Spans):
    """What each unit of an axis sees of a network input's axis.

    Unit ``q*P + r`` (``P = len(spans)``) sees ``spans[r]`` shifted by ``q*advance``; a span is the
    inclusive first and last input position, before clipping, or None where the unit sees nothing.
    A plain convolutional net has one span, ``step == advance``.

    Args:
        spans: of the units of one period.
        advance: input positions from one period to the next.
        bounded: the spans are those of the whole axis, one per unit; there are no others.

    >>> Field().through(Window(7, stride=2, before=3)).through(Window(3, stride=2, before=1)).size
    11
    """

    @cached_property
    def size(self) -> int:
        """The widest span, first to last position, in input elements; 0 if no unit sees any."""
        only = self.only
        if only is not None:
            return only[1] - only[0] + 1
        return max([hi - lo for lo, hi in self._spans], default=-1) + 1

    @cached_property
    def narrowest(self) -> int:
        """The narrowest span of a unit that sees something; 0 if none does."""
        return min([hi - lo for lo, hi in self._spans], default=-1) + 1

    @property
    def only(self) -> Span | None:
        """The span of a period of one unit, which is all that a plain network has."""
        return self.spans[0] if len(self.spans) == 1 else None

    @property
    def blind(self) -> bool:
        """No unit sees anything."""
        return not any(self.spans)

    @property
    def _spans(self) -> list[Span]:
        return [span for span in self.spans if span is not None]

    @cached_property
    def step(self) -> Number:
        """Input positions from one unit to the next, on average over a period."""
        if self.bounded:
            starts = [lo for lo, _ in self._spans]
            moves = [b - a for a, b in itertools.pairwise(starts)]
            return max(set(moves), key=moves.count) if moves else 1
        if len(self.spans) == 1:
            return self.advance
        step = Fraction(self.advance, len(self.spans))
        return step.numerator if step.denominator == 1 else step

    @property
    def middle(self) -> Fraction | None:
        """The middle of unit 0's window on the line about which those of all units lie.

        After upsampling the middles of one period's units lie about a line, with the mean step:
        ``center(u) ~ middle + u*step``. None where there is no such line.
        """
        if self.bounded or not self.advance or None in self.spans:
            return None
        lag = Fraction(self.step) * (len(self.spans) - 1) / 2
        return Fraction(sum(lo + hi for lo, hi in self._spans), 2 * len(self.spans)) - lag

    def span(self, unit: int) -> Span | None:
        """What one unit sees, before clipping to the input."""
        period = len(self.spans)
        if self.bounded and not 0 <= unit < period:
            return None
        turns, phase = divmod(unit, period)
        span = self.spans[phase]
        shift = turns * self.advance
        return None if span is None else (span[0] + shift, span[1] + shift)

    def through(self, window: Window, length: int | None = None) -> Field | None:
        """The field behind a window; `length` (of the new axis) serves where phases abound.

        Returns None where it can't be given exactly (too many phases and no length).
        """
        stride, before, dilation = window.stride, window.before, window.dilation
        if (
            len(self.spans) == 1
            and not self.bounded
            and self.spans[0] is not None
            and isinstance(stride, int)
            and isinstance(before, int)
            and isinstance(dilation, int)
            and not window.unread
        ):
            lo, hi = self.spans[0]
            first = -before * self.advance
            last = first + (window.size - 1) * dilation * self.advance
            if last < first:
                first, last = last, first
            return Field(((lo + first, hi + last),), self.advance * stride)
        if self.bounded:
            if length is None or length > MAX_PERIOD:
                return None
            if window.shift is not None:
                return Field(laid_at(self.spans, window.shift, length), 0, True)
            return Field(tuple(self._behind(window.at(i)) for i in range(length)), 0, True)
        period, move = Fraction(stride).denominator, Fraction(stride).numerator
        repeats = len(self.spans) // math.gcd(len(self.spans), move)
        if period * repeats > min(MAX_PERIOD, length or MAX_PERIOD):
            if length is None or length > MAX_PERIOD:
                return None
            return Field(tuple(self._behind(window.at(i)) for i in range(length)), 0, True)
        if window.shift is not None:
            spans = begun_at(self.spans, self.advance, -window.shift)
        elif window.repeats is not None:
            spans = tuple([span for span in self.spans for _ in range(window.repeats)])
        else:
            spans = tuple(self._behind(window.at(i)) for i in range(period * repeats))
        advance = self.advance * (repeats * move) // len(self.spans)
        return Field(*shortest_period(spans, advance))

    def _behind(self, positions: Sequence[int]) -> Span | None:
        """The hull of the spans of some of this axis's units."""
        if self.bounded:
            positions = clip(positions, len(self.spans))
            if len(positions) == len(self.spans):
                return self._all
        if isinstance(positions, range):  # `len` takes no range beyond 2**63
            count = max(-(-(positions.stop - positions.start) // positions.step), 0)
        else:
            count = len(positions)
        period = len(self.spans)
        if count > 2 * period:  # only one period at either end can hold the extremes
            chosen = [*positions[:period], *positions[-period:]]
        else:
            chosen = list(positions)
        if self.bounded:
            spans = [span for i in chosen if (span := self.spans[i]) is not None]
        else:
            spans = [span for span in map(self.span, chosen) if span is not None]
        if not spans:
            return None
        return min(lo for lo, _ in spans), max(hi for _, hi in spans)

    @cached_property
    def _all(self) -> Span | None:
        """What all units of a list together see."""
        spans = self._spans
        return (min([lo for lo, _ in spans]), max([hi for _, hi in spans])) if spans else None

    def listing(self, count: int) -> tuple[Span | None, ...]:
        """What each of the first `count` units sees, in order, before clipping.

        >>> Field(((0, 1), None), 3).listing(4)
        ((0, 1), None, (3, 4), None)
        """
        if self.bounded:
            return laid_at(self.spans, 0, count)
        return marching(self.spans, self.advance, count)

    def listed(self, table: tuple[Span | None, ...]) -> Field | None:
        """The field behind a table: output `i` reads the inputs ``table[i]``, inclusive."""
        if len(table) > MAX_PERIOD:
            return None
        rows = (range(0) if row is None else range(row[0], row[1] + 1) for row in table)
        return Field(tuple(self._behind(row) for row in rows), 0, True)

    def union(self, other: Field, length: int | None = None) -> Field | None:
        """Unit by unit, the hull of both fields; None where the steps differ and no length is known.

        >>> a, b = Field(((-1, 1),), 2), Field(((0, 2),), 2)
        >>> a.union(b).size
        4
        """
        if self is other or self == other:
            return self
        mine, theirs = self.only, other.only
        a, b = len(self.spans), len(other.spans)
        same_step = self.advance * b == other.advance * a and not (self.bounded or other.bounded)
        if same_step and mine is not None and theirs is not None:
            both = hull(mine, theirs)
            if both == mine:
                return self
            return other if both == theirs else Field((both,), self.advance)
        if same_step and math.lcm(a, b) <= MAX_PERIOD:
            count, bounded = math.lcm(a, b), False
        elif length is not None and length <= MAX_PERIOD:
            count, bounded = length, True
        else:
            return None
        spans = tuple(map(hull, self.listing(count), other.listing(count)))
        if bounded:
            return Field(spans, 0, True)
        return Field(*shortest_period(spans, self.advance * (count // a)))

    def aligned_with(self, other: Field) -> bool:
        """Same step and same centre, so that a join adds up what belongs together (Distill 2019).

        After upsampling the centres of one period's units lie about their mean; then it is the
        means that must agree.
        """
        if self.bounded or other.bounded:
            return middles(self.spans) == middles(other.spans)
        if (mine := self.only) is not None and (theirs := other.only) is not None:
            return self.advance == other.advance and sum(mine) == sum(theirs)
        a, b = len(self.spans), len(other.spans)
        if self.advance * b != other.advance * a:
            return False
        count = min(math.lcm(a, b), MAX_PERIOD)
        both = zip(middles(self.listing(count)), middles(other.listing(count)), strict=True)
        return not sum([p - q for p, q in both if p is not None and q is not None])

    def latest(self) -> Field | None:
        """Up to where each unit and all before it see, as spans that end there; None where units
        look further back from one to the next: then the first ones have seen the end already.

        >>> Field(((0, 5), (1, 3)), 2).latest()
        Field(spans=((-1, 5), (0, 5)), advance=2, bounded=False)
        """
        if self.bounded:
            ends = itertools.accumulate((-1 if s is None else s[1] for s in self.spans), max)
            spans = [
                None if s is None else (s[0], end) for s, end in zip(self.spans, ends, strict=True)
            ]
            return Field(tuple(spans), 0, True).regular()
        if self.advance < 0:
            return None
        count = len(self.spans)
        return self if count == 1 else self.through(Window(count, before=count - 1))

    def hull_of(self, units: range) -> Span | None:
        """What some units together see, before clipping."""
        return self._behind(units)

    def spread(self, length: int) -> Span | None:
        """What all the `length` units together see, before clipping."""
        return self._behind(range(length))

    def widened(self, span: Span) -> Field:
        """Every span grown by the Minkowski sum with `span`."""
        lo, hi = span
        spans = tuple(None if s is None else (s[0] + lo, s[1] + hi) for s in self.spans)
        return Field(spans, self.advance, self.bounded)

    def piece(self, lo: int, hi: int, length: int) -> Field:
        """The same field for the units lo..hi-1 of an axis of `length`; the others see nothing."""
        seen = self.listing(min(hi, length))[lo:]
        return Field(laid_at(seen, lo, length), 0, True)

    def phases(self, length: int | None) -> Phases | None:
        """Where the units of an axis of some length look; None where that would be a long list.

        >>> Field().through(Window(3, stride=2)).phases(9)
        Phases(period=1, advance=2, spans=((0, 2),))
        """
        if not self.bounded and len(self.spans) <= LISTED_UNITS:
            return Phases(len(self.spans), self.advance, self.spans)
        count = len(self.spans) if self.bounded and length is None else length
        if count is None or count > MAX_PERIOD:
            return None
        table = self.listing(count)  # an axis that was cropped keeps what it had beyond
        return listed_phases(table)

    def regular(self) -> Field:
        """A bounded field as an unbounded one, where its spans march in step."""
        count = len(self.spans)
        if not self.bounded or count < 2:
            return self
        first, second = self.spans[:2]
        if first is None or second is None:
            return self
        even = Field((first,), second[0] - first[0])
        same = self.spans[-1] == even.span(count - 1) and self.spans == even.listing(count)
        return even if same else self
