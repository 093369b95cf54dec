"""How does a map move when its network's input is shifted, and which of its units only move?

A map moves along a digit of one of its axes (all of the axis, or a part of one that Reshape made of several):
shifting the input by A positions moves it by P units. Unit ``q*P + r`` is then the same function of the input
for every q, as long as nothing on the way meets a border: the units from `first` to `last`. Through a window
of stride a/b (Window)::

    (1)   P' = b*P / gcd(a, b*P)       A' = A * P'*a / (b*P)

since P' units of the output have to move what they read by a multiple of P. A unit of the output is clean
where all that it reads is, and inside.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final, Literal

from cnnscope.analyzer.values.dimension import Dim, Undetermined, ceil_div, product
from cnnscope.analyzer.values.phases import listed_phases
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.window import Window

Cause = Literal[
    "padding", "ceil_mode", "stride", "position", "whole", "dense", "speed", "unfollowed"
]
#: a window's phases are gone through one by one
_MAX_PHASES: Final = 1 << 10


@dataclass(frozen=True, slots=True)
class Moves:
    """A map that moves with the input.

    Args:
        axis: along which of its axes.
        div, length: the units of the axis that move are those of the digit ``(index // div) % length``.
        period, advance: input positions `advance` move it by `period` units.
        first, last: the units between, both included, are clean; `last` is None where that isn't known, less
            than `first` where none is.
    """

    axis: int
    div: int
    length: Dim
    period: int
    advance: int
    first: int
    last: Dim | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A map that doesn't simply move: why, and since which layer."""

    cause: Cause
    layer: str
    why: str


#: None: it hangs on nothing that is shifted
Motion = Moves | Lost | None


class NotMoving(Exception):
    """What is behind doesn't simply move: the cause, and why."""

    def __init__(self, cause: Cause, why: str) -> None:
        super().__init__(why)
        self.cause: Cause = cause
        self.why = why


def least(*values: Dim | None) -> Dim | None:
    """The smallest length; None where that isn't known."""
    found = values[0]
    for value in values[1:]:
        if found is None or value is None:
            return None
        try:
            found = value if value < found else found
        except Undetermined:
            return None
    return found


def on_its_own(x: Moves, length: Dim) -> Moves:
    """The motion of an axis whose digit is all of it, or its leading one.

    Raises:
        NotMoving: another digit stands before it.
    """
    if x.div == 1 and x.length == length:
        return x
    if x.length * x.div != length:
        raise NotMoving("unfollowed", "it looks along an axis that was made of several")
    last = None if x.last is None else x.last * x.div + x.div - 1
    return Moves(x.axis, 1, length, x.period * x.div, x.advance, x.first * x.div, last)


def through_window(x: Moves, window: Window, length: Dim, axis: int, units: Dim) -> Moves:
    """Behind a window along the axis.

    Raises:
        NotMoving: its units don't move on.
    """
    x = on_its_own(x, length)
    if window.is_identity and length == units:
        return replace(x, axis=axis)
    stride = Fraction(window.stride)
    if not stride:
        raise NotMoving("position", "all of its units read one place")
    if stride.denominator > _MAX_PHASES or window.size > 1 << 20:
        raise NotMoving("unfollowed", f"a window of {stride.denominator} phases")
    taps = [window.at(phase) for phase in range(stride.denominator)]
    spans = [(min(t[0], t[-1]), max(t[0], t[-1])) if len(t) else None for t in taps]
    whole = _whole(window, length, units)
    return through_spans(x, spans, stride.numerator, axis, units, whole=whole)


def _whole(window: Window, length: Dim, units: Dim) -> bool:
    """There are at least as many units as have all of their window inside: so for free lengths, too."""
    if not all(isinstance(n, int) for n in (window.stride, window.before, window.after)):
        return False
    if window.stride < 0 or window.after < 0 or not isinstance(window.dilation, int):
        return False
    return any(window.output_length(length, ceil=ceil) == units for ceil in (False, True))


def through_places(
    x: Moves, rows: Sequence[Span | None], length: Dim, axis: int, units: Dim
) -> Moves:
    """Behind units each of which reads one known place.

    Raises:
        NotMoving: they don't move on, or read several places.
    """
    x = on_its_own(x, length)
    if any(row is not None and row[0] != row[1] for row in rows):
        raise NotMoving("unfollowed", "its units read listed places")
    found = listed_phases(tuple(rows))
    if found is None or found.period is None or not found.advance:
        raise NotMoving("position", "its units read places that don't move on evenly")
    return through_spans(x, list(found.spans), found.advance, axis, units)


def through_spans(
    x: Moves,
    spans: Sequence[Span | None],
    advance: int,
    axis: int,
    units: Dim,
    *,
    whole: bool = False,
) -> Moves:
    """Behind units of which unit ``q*len(spans) + r`` reads ``spans[r]`` moved on by ``q*advance``.

    Args:
        whole: there are units up to the last that is clean.
    """
    count = len(spans)
    period = count * x.period // math.gcd(advance, count * x.period)
    moved = x.advance * (period * advance // (count * x.period))
    firsts: list[int] = []
    lasts: list[Dim | None] = []
    for phase, span in enumerate(spans):
        if span is None:
            continue
        lo, hi = span
        if advance > 0:
            q = ceil_div(x.first - lo, advance)
            end = None if x.last is None else (x.last - hi) // advance
        elif isinstance(x.last, int):
            q, end = ceil_div(hi - x.last, -advance), (lo - x.first) // -advance
        else:
            raise NotMoving("unfollowed", "it turns an axis of free length round")
        assert isinstance(q, int)
        firsts.append(phase + count * q - count + 1)
        lasts.append(None if end is None else phase + count * end + count - 1)
    first = max([0, *firsts])
    last = least(*lasts) if whole and lasts else least(units - 1, *lasts)
    return Moves(axis, 1, units, period, moved, first, last)


def reshaped(x: Moves, before: Sequence[Dim], after: Sequence[Dim]) -> Moves:
    """Where its elements stay in their order and axes are cut otherwise.

    Raises:
        NotMoving: what moves comes to lie across axes.
    """
    if any(not isinstance(n, int) for n in (*before, *after)):
        return _kept_axis(x, before, after)
    rest = x.div * int(product(before[x.axis + 1 :]))
    length = int(x.length)
    behind = 1
    for axis in reversed(range(len(after))):
        size = int(after[axis])
        ahead = behind * size
        if ahead > rest:
            if rest % behind == 0 and ahead % (rest * length) == 0:
                return replace(x, axis=axis, div=rest // behind)
            if behind <= rest < ahead and rest == behind and length % size == 0:
                return _split(x, axis, size, after, length)
            break
        behind = ahead
    raise NotMoving("unfollowed", "Reshape lays what moves across axes")


def _split(x: Moves, axis: int, size: int, after: Sequence[Dim], length: int) -> Moves:
    """The digit becomes two axes or more: all but the leading one hold phases."""
    inner, at = 1, axis
    while at >= 0 and inner * int(after[at]) < length:
        inner *= int(after[at])
        at -= 1
    if at < 0 or length % inner or int(after[at]) % (length // inner):
        raise NotMoving("unfollowed", "Reshape lays what moves across axes")
    common = math.lcm(x.period, inner)
    first = -(-x.first // inner)
    last = None if x.last is None else (x.last + 1) // inner - 1
    return Moves(
        at, 1, length // inner, common // inner, x.advance * (common // x.period), first, last
    )


def _kept_axis(x: Moves, before: Sequence[Dim], after: Sequence[Dim]) -> Moves:
    """The same axis, or that and those behind it joined to one, where lengths are free."""
    if x.div == 1 and x.length == before[x.axis]:
        for axis, behind in itertools.product(range(len(after)), range(x.axis, len(before))):
            within = product(before[x.axis + 1 : behind + 1])
            if (
                isinstance(within, int)
                and after[axis] == before[x.axis] * within
                and product(after[axis + 1 :]) == product(before[behind + 1 :])
            ):
                return replace(x, axis=axis, div=within)
    raise NotMoving("unfollowed", "Reshape changes axes of free length")


def joined(parts: Sequence[Moves]) -> Moves:
    """What is made of several maps, unit by unit.

    Raises:
        NotMoving: they move at different speeds, or along different axes.
    """
    one, *others = parts
    for other in others:
        length = one.div * one.length
        if one.axis == other.axis and length == other.div * other.length and one.div != other.div:
            one, other = on_its_own(one, length), on_its_own(other, length)
        if (one.axis, one.div, one.length) != (other.axis, other.div, other.length):
            raise NotMoving("whole", "it pairs places of one map with all places of another")
        if one.period * other.advance != other.period * one.advance:
            raise NotMoving("speed", "it joins maps that move at different speeds")
        advance = math.lcm(one.advance, other.advance) * (1 if one.advance > 0 else -1)
        one = replace(
            one,
            period=one.period * (advance // one.advance),
            advance=advance,
            first=max(one.first, other.first),
            last=least(one.last, other.last),
        )
    return one
