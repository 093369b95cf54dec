"""Which inputs does an output read along one axis, and what does that make of a receptive field?

Along one axis, output ``i`` of an operator reads the inputs (Window)::

    (1)   { i*stride - before + j*dilation : 0 <= j < size }  that are integers

For a convolution all four are integers. A transposed convolution of stride s is the same window
with stride 1/s and dilation 1/s (output o takes input i where ``o = i*s - pad + k*d``); a linear
resize is *all* integers of an interval, i.e. a window whose dilation is the reciprocal of the
common denominator. Everything else follows from (1)::

    (2)   output length = floor((n + before + after - extent) / stride) + 1,
          extent = dilation*(size-1) + 1
    (3)   field through a window: r' = r + (extent-1)*S, S' = S*stride, t' = t - before*S

(3) is the recurrence of Araujo, Norris & Sim, *Computing Receptive Fields of Convolutional Neural
Networks*, Distill 2019. Where strides are fractions the size depends on the unit's phase, so a
`Field` keeps the exact span of each unit of one period.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, ceil_div

Number = int | Fraction
Span = tuple[int, int]  # inclusive
Outside = Literal["nothing", "edge", "reflect", "wrap"]

#: so many units of a period, or of an axis without one, are listed each by itself
MAX_LISTED = 64
#: beyond this many different phases a field is given as its hull over the whole axis
MAX_PERIOD = 1 << 14


@dataclass(frozen=True, slots=True)
class Window:
    """Output ``i`` reads inputs ``i*stride - before + j*dilation``, ``0 <= j < size``.

    Args:
        size: number of taps.
        stride: input positions per output; a fraction for upsampling, negative for a flip.
        dilation: input positions between taps.
        before: padding before the first input.
        after: padding after the last; only `output_length` needs it.
        outside: what positions beyond the input's ends read: nothing (zeros), or the nearest,
            mirrored or wrapped-around input.
        unread: taps ``j`` whose weight is 0 (where a cubic kernel crosses zero), in order.

    >>> Window(3, stride=2, before=1, after=1).output_length(224)
    112
    >>> list(Window(2, stride=Fraction(1, 2), dilation=Fraction(1, 2), before=Fraction(1, 2)).at(3))
    [1]
    """

    size: int = 1
    stride: Number = 1
    dilation: Number = 1
    before: Number = 0
    after: Number = 0
    outside: Outside = "nothing"
    unread: tuple[int, ...] = ()

    @property
    def extent(self) -> Number:
        """From the first tap to the last, both counted."""
        return (self.size - 1) * self.dilation + 1

    def output_length(self, length: Dim, *, ceil: bool = False) -> Dim:
        """How many outputs an axis of `length` inputs gives, equation (2)."""
        assert isinstance(self.stride, int)
        assert isinstance(self.before, int) and isinstance(self.after, int)
        room = length + self.before + self.after - int(self.extent)
        return (ceil_div(room, self.stride) if ceil else room // self.stride) + 1

    def at(self, index: int) -> Sequence[int]:
        """The integer positions output `index` reads, in order, before anything is clipped."""
        if not self.unread:
            return self._lattice(index)
        start = index * self.stride - self.before
        skipped = {start + j * self.dilation for j in self.unread}
        return tuple(position for position in self._lattice(index) if position not in skipped)

    def _lattice(self, index: int) -> range:
        """The integers among the places of all taps."""
        stride, before, dilation = self.stride, self.before, self.dilation
        if isinstance(stride, int) and isinstance(before, int) and isinstance(dilation, int):
            base = index * stride - before
            return (
                range(base, base + self.size * dilation, dilation)
                if dilation
                else range(base, base + 1)
            )
        # In whole parts of the common denominator q: which j make base + j*dilation a multiple of it?
        q = math.lcm(stride.denominator, before.denominator, dilation.denominator)
        top = index * stride.numerator * (q // stride.denominator)
        top -= before.numerator * (q // before.denominator)
        step = dilation.numerator * (q // dilation.denominator)
        if step == 0:
            return range(top // q, top // q + 1) if top % q == 0 else range(0)
        common = math.gcd(step, q)
        if top % common:
            return range(0)
        top, step, q = top // common, step // common, q // common
        first = (-top * pow(step, -1, q)) % q if q > 1 else 0
        if first >= self.size:
            return range(0)
        count = (self.size - 1 - first) // q + 1
        position = (top + first * step) // q
        return range(position, position + count * step, step)

    @property
    def is_identity(self) -> bool:
        """Each output reads the input at its own index and no other."""
        return self.size == 1 and self.stride == 1 and self.before == 0

    @property
    def moves(self) -> bool:
        """It looks at neighbours or changes the grid's step, as against a mere shift."""
        return self.size > 1 or abs(self.stride) != 1


POINT = Window()


def known_padding(auto_pad: str) -> str:
    """The attribute `auto_pad`, if it is one of ONNX's words; raises ValueError."""
    if auto_pad not in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        raise ValueError(
            f"auto_pad is {auto_pad!r}, one of NOTSET, SAME_UPPER, SAME_LOWER, VALID is wanted"
        )
    return auto_pad


def same_padding(total: Dim, auto_pad: str) -> tuple[int, int]:
    """The padding of SAME_UPPER or SAME_LOWER, split between both ends.

    Raises `Undetermined` where the total hangs on a free length.

    >>> same_padding(3, "SAME_UPPER")
    (1, 2)
    """
    if isinstance(total, FreeDim):
        raise Undetermined("the padding of auto_pad", total.names, total.data)
    less, more = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
    return (less, more) if auto_pad == "SAME_UPPER" else (more, less)


@dataclass(frozen=True, slots=True)
class Phases:
    """Where each unit of an axis looks: unit ``q*period + r`` at ``spans[r]`` moved by ``q*advance``.

    Args:
        period, advance: None where the units keep to none; then `spans` lists all of them.
        spans: first and last position, before clipping; None where a unit sees nothing.
    """

    period: int | None
    advance: int | None
    spans: tuple[Span | None, ...]

    @property
    def step(self) -> int | None:
        """From any unit to the next, where that is one figure."""
        return self.advance if self.period == 1 else None

    @property
    def start(self) -> int | None:
        """Where unit 0 begins, if every unit's place follows from it by the step."""
        (span, *_) = self.spans
        return span[0] if self.period == 1 and span is not None else None

    @property
    def mean_step(self) -> Number | None:
        """From one unit to the next on average; None where the units don't move on."""
        if self.period is None or self.advance is None or (self.period > 1 and not self.advance):
            return None
        step = Fraction(self.advance, self.period)
        return step.numerator if step.denominator == 1 else step

    def span(self, unit: int) -> Span | None:
        """What one unit sees, before clipping; None: nothing."""
        turns, phase = (0, unit) if self.period is None else divmod(unit, self.period)
        if not 0 <= phase < len(self.spans):
            return None
        span, shift = self.spans[phase], turns * (self.advance or 0)
        return None if span is None else (span[0] + shift, span[1] + shift)


@dataclass(frozen=True)
class Field:
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

    spans: tuple[Span | None, ...] = ((0, 0),)
    advance: int = 1
    bounded: bool = False

    @cached_property
    def size(self) -> int:
        """The widest span, first to last position, in input elements; 0 if no unit sees any."""
        only = self._only
        if only is not None:
            return only[1] - only[0] + 1
        return max((hi - lo + 1 for lo, hi in self._spans), default=0)

    @cached_property
    def narrowest(self) -> int:
        """The narrowest span of a unit that sees something; 0 if none does."""
        return min((hi - lo + 1 for lo, hi in self._spans), default=0)

    @property
    def _only(self) -> Span | None:
        """The span of a period of one unit, which is all that a plain network has."""
        return self.spans[0] if len(self.spans) == 1 else None

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
    def start(self) -> int | None:
        """Where the window of unit 0 begins (minus the effective padding)."""
        return next((span[0] for span in self.spans if span is not None), None)

    @cached_property
    def center(self) -> Fraction | None:
        """The middle of unit 0's window: start + (size-1)/2."""
        span = next((span for span in self.spans if span is not None), None)
        return None if span is None else Fraction(span[0] + span[1], 2)

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

    @property
    def centers(self) -> tuple[Fraction | None, ...]:
        """The middles of the windows of one period's units."""
        return tuple(None if s is None else Fraction(s[0] + s[1], 2) for s in self.spans)

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
            return Field(tuple(self._behind(window.at(i)) for i in range(length)), 0, True)
        period, move = Fraction(stride).denominator, Fraction(stride).numerator
        repeats = len(self.spans) // math.gcd(len(self.spans), move)
        if period * repeats > min(MAX_PERIOD, length or MAX_PERIOD):
            if length is None or length > MAX_PERIOD:
                return None
            return Field(tuple(self._behind(window.at(i)) for i in range(length)), 0, True)
        spans = tuple(self._behind(window.at(i)) for i in range(period * repeats))
        advance = self.advance * (repeats * move) // len(self.spans)
        return Field(spans, advance)._reduced()

    def _behind(self, positions: Sequence[int]) -> Span | None:
        """The hull of the spans of some of this axis's units."""
        if self.bounded:
            positions = _clip(positions, len(self.spans))
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
        if self == other:
            return self
        mine, theirs = self._only, other._only
        a, b = len(self.spans), len(other.spans)
        same_step = self.advance * b == other.advance * a and not (self.bounded or other.bounded)
        if same_step and mine is not None and theirs is not None:
            return Field((hull(mine, theirs),), self.advance)
        if same_step and math.lcm(a, b) <= MAX_PERIOD:
            count, bounded = math.lcm(a, b), False
        elif length is not None and length <= MAX_PERIOD:
            count, bounded = length, True
        else:
            return None
        spans = tuple(hull(self.span(i), other.span(i)) for i in range(count))
        advance = 0 if bounded else self.advance * (count // a)
        return Field(spans, advance, bounded)._reduced()

    def aligned_with(self, other: Field) -> bool:
        """Same step and same centre, so that a join adds up what belongs together (Distill 2019).

        After upsampling the centres of one period's units lie about their mean; then it is the
        means that must agree.
        """
        if self.bounded or other.bounded:
            return self.centers == other.centers
        if (mine := self._only) is not None and (theirs := other._only) is not None:
            return self.advance == other.advance and sum(mine) == sum(theirs)
        a, b = len(self.spans), len(other.spans)
        if self.advance * b != other.advance * a:
            return False
        both = [
            (mine, theirs)
            for i in range(min(math.lcm(a, b), MAX_PERIOD))
            if (mine := self.span(i)) is not None and (theirs := other.span(i)) is not None
        ]
        return sum(sum(mine) - sum(theirs) for mine, theirs in both) == 0

    def narrower(self, other: Field, length: int | None = None) -> bool:
        """Do some of the units see as little as those of `other`, whichever units are taken?

        Enough for that: the spans, all moved alike, lie within the other's; or the units lie as
        close together and every span is as narrow, where those of a period lie about a line.
        False: not that one could say.

        >>> Field(((0, 2),), 1).narrower(Field(((5, 7),), 2))
        True
        >>> Field(((0, 0),), 3).narrower(Field(((0, 0),), 1))
        False
        """
        mine, theirs = self._only, other._only
        if not (self.bounded or other.bounded):
            if mine is not None and theirs is not None:
                return (
                    abs(self.advance) <= abs(other.advance)
                    and mine[1] - mine[0] <= theirs[1] - theirs[0]
                )
            a, b = self._about(), other._about()
            if a is None or b is None:
                return False
            slope = abs(Fraction(self.advance, len(self.spans)))
            near = slope <= abs(Fraction(other.advance, len(other.spans)))
            if near and a[1] - a[0] <= b[3] - b[2]:
                return True
        count = math.lcm(len(self.spans), len(other.spans))
        if (
            self.bounded
            or other.bounded
            or self.advance * len(other.spans) != (other.advance * len(self.spans))
        ):
            if length is None:
                return False
            count = length
        if count > MAX_PERIOD:
            return False
        lead = trail = None
        for i in range(count):
            inner, outer = self.span(i), other.span(i)
            if inner is None or outer is None:
                if (inner is None) != (outer is None):
                    return False
                continue
            lead = inner[0] - outer[0] if lead is None else min(lead, inner[0] - outer[0])
            trail = inner[1] - outer[1] if trail is None else max(trail, inner[1] - outer[1])
        return lead is None or trail is None or trail <= lead

    def moves_like(self, other: Field) -> bool:
        """Do the units of both move on by the same, where they move on evenly?"""
        return self.bounded == other.bounded and self.advance * len(
            other.spans
        ) == other.advance * len(self.spans)

    def _about(self) -> tuple[Fraction, Fraction, Fraction, Fraction] | None:
        """About the line ``u*step``: the first start and the last end of a unit's span, then the
        last start and the first end."""
        step = Fraction(self.advance, len(self.spans))
        starts, ends = [], []
        for unit, span in enumerate(self.spans):
            if span is None:
                return None
            starts.append(span[0] - unit * step)
            ends.append(span[1] - unit * step)
        return min(starts), max(ends), max(starts), min(ends)

    def hull_of(self, units: range) -> Span | None:
        """What some units together see, before clipping."""
        return self._behind(units)

    def spread(self, length: int) -> Span | None:
        """What all the `length` units together see, before clipping."""
        return self._behind(range(length))

    def shifted(self, by: int) -> Field:
        """Every span moved by `by` input positions."""
        if by == 0:
            return self
        spans = tuple(None if s is None else (s[0] + by, s[1] + by) for s in self.spans)
        return Field(spans, self.advance, self.bounded)

    def widened(self, span: Span) -> Field:
        """Every span grown by the Minkowski sum with `span`."""
        lo, hi = span
        spans = tuple(None if s is None else (s[0] + lo, s[1] + hi) for s in self.spans)
        return Field(spans, self.advance, self.bounded)

    def piece(self, lo: int, hi: int, length: int) -> Field:
        """The same field for the units lo..hi-1 of an axis of `length`; the others see nothing."""
        return Field(tuple(self.span(i) if lo <= i < hi else None for i in range(length)), 0, True)

    def phases(self, length: int | None) -> Phases | None:
        """Where the units of an axis of some length look; None where that would be a long list.

        >>> Field().through(Window(3, stride=2)).phases(9)
        Phases(period=1, advance=2, spans=((0, 2),))
        """
        if not self.bounded and len(self.spans) <= MAX_LISTED:
            return Phases(len(self.spans), self.advance, self.spans)
        count = len(self.spans) if self.bounded and length is None else length
        if count is None or count > MAX_PERIOD:
            return None
        table = (
            self.spans[:count]  # an axis that was cropped keeps what it had beyond
            if self.bounded and count <= len(self.spans)
            else tuple(map(self.span, range(count)))
        )
        for period in range(1, min(MAX_LISTED, count // 2) + 1):
            advance = _advance(table, period)
            if advance is not None:
                return Phases(period, advance, table[:period])
        return Phases(None, None, table) if 0 < count <= MAX_LISTED else None

    def regular(self) -> Field:
        """A bounded field as an unbounded one, where its spans march in step."""
        if not self.bounded or len(self.spans) < 2 or len(self._spans) < len(self.spans):
            return self
        (lo, hi), (next_lo, _) = self._spans[:2]
        advance = next_lo - lo
        marching = all(
            span == (lo + i * advance, hi + i * advance) for i, span in enumerate(self._spans)
        )
        return Field(((lo, hi),), advance) if marching else self

    def _reduced(self) -> Field:
        """The same field with its smallest period."""
        period = len(self.spans)
        if self.bounded or period == 1:
            return self
        for shorter in range(1, period // 2 + 1):
            if period % shorter or (self.advance * shorter) % period:
                continue
            advance = self.advance * shorter // period
            candidate = Field(self.spans[:shorter], advance)
            if all(candidate.span(i) == self.spans[i] for i in range(shorter, period)):
                return candidate
        return self


def _advance(table: Sequence[Span | None], period: int) -> int | None:
    """By how much all of a table's spans move on from one period to the next, if that is one number."""
    found: int | None = None
    for before, after in zip(table, table[period:], strict=False):
        if before is None or after is None:
            if before is not after:
                return None
            continue
        move = after[0] - before[0]
        if after[1] - before[1] != move or found not in (None, move):
            return None
        found = move
    return found


def phases_dict(phases: Phases | None) -> dict[str, object]:
    """Where the units look, as JSON has it."""
    if phases is None:
        return {"mean_step": None, "period": None, "advance": None, "spans": None}
    step = phases.mean_step
    return {
        "mean_step": str(step) if isinstance(step, Fraction) else step,
        "period": phases.period,
        "advance": phases.advance,
        "spans": [None if span is None else list(span) for span in phases.spans],
    }


def hull(a: Span | None, b: Span | None) -> Span | None:
    """The smallest span that holds both."""
    if a is None or b is None:
        return b if a is None else a
    return min(a[0], b[0]), max(a[1], b[1])


def _clip(positions: Sequence[int], length: int) -> Sequence[int]:
    """The positions within ``[0, length)``; a sub-range of an arithmetic progression is one."""
    if not len(positions):
        return positions
    if not isinstance(positions, range):
        return tuple(position for position in positions if 0 <= position < length)
    first, step, count = positions[0], positions.step, len(positions)
    if step > 0:
        skip = max(0, -(first // step)) if first < 0 else 0
        keep = min(count, (length - 1 - first) // step + 1)
    else:
        skip = max(0, -((length - 1 - first) // -step)) if first >= length else 0
        keep = min(count, first // -step + 1) if first >= 0 else 0
    return positions[skip:keep] if keep > skip else range(0)
