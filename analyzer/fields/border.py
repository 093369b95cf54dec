"""How many units does the border touch: of a layer, through padding; of a network, through its field?

A unit's window (or field) is a span of positions that moves on by a fixed step per period: unit
``q*P + r`` looks at ``[lo_r + q*A, hi_r + q*A]``. It lies inside an axis of n positions where::

    (1)   lo_r + q*A >= 0   and   hi_r + q*A <= n - 1

which bounds q from both sides, so that the inside units are counted without visiting them. Axes are
independent: the share of units that lie inside along every axis is the product of the shares, and::

    (2)   share that the border touches = 1 - product of the shares inside
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from cnnscope.analyzer.fields.digits import Digit, Everything, Reach
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.fields.paths import Paths
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.field import MAX_PERIOD, Field
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Shape
from cnnscope.analyzer.values.window import Window

#: combinations of digits that are gone through one by one
_MAX_COMBINATIONS = 1 << 12


def inside(span: Span, advance: int, turns: int, length: int) -> int:
    """How many of the spans moved on by 0, 1, ... `turns` - 1 times `advance` lie inside, (1).

    >>> inside((-1, 1), 1, 32, 32)
    30
    """
    first, last = _range(span, advance, turns, length)
    return max(0, last - first)


def window_share(window: Window, length: int, units: int) -> Fraction:
    """The share of an axis's units whose window touches a position outside ``[0, length)``.

    >>> window_share(Window(3, before=1, after=1), 32, 32)
    Fraction(1, 16)
    """
    return 1 - Fraction(_units_inside(window, length, units), units) if units > 0 else Fraction(0)


def _units_inside(window: Window, length: int, units: int) -> int:
    stride, before, dilation = window.stride, window.before, window.dilation
    if (
        isinstance(stride, int)
        and isinstance(before, int)
        and isinstance(dilation, int)
        and not window.unread
    ):
        last = (window.size - 1) * dilation - before
        return inside((min(-before, last), max(-before, last)), stride, units, length)
    period, advance = Fraction(stride).denominator, Fraction(stride).numerator
    found = 0
    if min(period, units) > MAX_PERIOD:
        raise Undetermined(f"the padding's share over {min(period, units)} phases")
    for phase in range(min(period, units)):
        turns = (units - 1 - phase) // period + 1
        taps = window.at(phase)
        if not len(taps):
            found += turns  # it reads nothing, neither padding
            continue
        ends = taps[0], taps[-1]
        found += inside((min(ends), max(ends)), advance, turns, length)
    return found


def padded_share(read: object, lengths: Shape, units: Shape) -> float | None:
    """The share of a layer's units whose window touches padding, (2); None where not known.

    Args:
        read: how each axis of its input is read.
        lengths, units: the input's and the output's shape.
    """
    if not isinstance(read, tuple):
        return None
    kept = total = 1
    for along, length in zip(read, lengths, strict=True):
        if not isinstance(along, Along) or (
            along.window.is_identity and length == units[along.axis]
        ):
            continue
        count = units[along.axis]
        if _stays(along.window, length, count):
            continue
        if not isinstance(length, int) or not isinstance(count, int):
            return None
        if not count:
            continue
        try:
            kept *= _units_inside(along.window, length, count)
        except Undetermined:
            return None
        total *= count
    return (total - kept) / total


def _stays(window: Window, length: Dim, units: Dim) -> bool:
    """There is no padding, and the units are as many as fit: so for a length left free, too."""
    whole = all(isinstance(x, int) for x in (window.stride, window.before, window.dilation))
    if not whole or window.stride < 1 or window.before != 0 or window.after != 0:
        return False
    return window.output_length(length) == units


def combined_share(shares: Iterable[float | None]) -> float | None:
    """The share that the border touches along one axis or another, (2); None where one isn't known.

    >>> combined_share([0.5, 0.5])
    0.75
    """
    kept = 1.0
    for share in shares:
        if share is None:
            return None
        kept *= 1 - share
    return 1 - kept


# -- fields ----------------------------------------------------------------------------------------


def outside_share(
    paths: Paths, units: Shape | None, length: Dim | None, known: KnownFields | None = None
) -> float | None:
    """The share of units, along the axes that move, whose field leaves the input's axis.

    Args:
        paths: what the units see of that axis.
        units: the layer's output shape.
        length: the input axis's length.
        known: what has been worked out of fields already.

    Returns:
        None where the field, a length, or how a unit's index makes up its place isn't known.
    """
    if not paths.known or not isinstance(length, int) or units is None:
        return None
    known = known or KnownFields()
    if len(paths.terms) == 1 and len(paths.terms[0].digits) == 1:
        # Most layers of most nets: one axis moves along another, and nothing beside it.
        count = _values(paths.terms[0].digits[0], units)
        share = _single(paths.terms[0].digits, count, length, known) if count else None
        return None if share is None else float(share)
    moving = [term.digits for term in paths.terms if term.digits]
    fixed = [term.fixed for term in paths.terms if not term.digits]
    if any(_leaves(reach, length) for reach in fixed):
        return 1.0
    if any(isinstance(reach, Everything) for reach in fixed):
        return None
    if not moving:
        return 0.0
    places = [digit.place for digit in moving[0]]
    if any([digit.place for digit in digits] != places for digits in moving[1:]):
        return None
    counts = [_values(digit, units) for digit in moving[0]]
    values = [count for count in counts if count]
    if len(values) < len(counts):
        return None
    if len(values) == 1:
        share = _single([digits[0] for digits in moving], values[0], length, known)
    else:
        share = _several(moving, values, length)
    return None if share is None else float(share)


def _leaves(reach: Reach, length: int) -> bool:
    return isinstance(reach, tuple) and (reach[0] < 0 or reach[1] >= length)


def _values(digit: Digit, units: Shape) -> int | None:
    """How many values a digit takes, each equally often; None where they aren't."""
    if not 0 <= digit.axis < len(units):
        return None
    count = units[digit.axis]
    if not isinstance(count, int) or count % digit.div:
        return None
    count //= digit.div
    if digit.mod is None:
        return count
    return digit.mod if count % digit.mod == 0 else None


def _single(
    digits: Sequence[Digit], count: int, length: int, known: KnownFields
) -> Fraction | None:
    """Of a plain axis: (1) per phase, on every path."""
    fields = [digit.field for digit in digits]
    if len(fields) == 1 and len(fields[0].spans) == 1 and not fields[0].bounded:
        span = fields[0].spans[0]
        low, high = (0, count) if span is None else _range(span, fields[0].advance, count, length)
        return Fraction(count - max(0, high - low), count)
    periods = [count if field.bounded else len(field.spans) for field in fields]
    period = min(math.lcm(*periods), count)
    if period > MAX_PERIOD:
        return None
    if period == count:  # where units are listed, those that leave the axis
        outside: set[int] = set()
        for field in fields:
            outside.update(_outside(field, count, length, known))
        return Fraction(len(outside), count)
    found = 0
    for phase in range(period):
        turns = (count - 1 - phase) // period + 1
        first, last = 0, turns
        for field in fields:
            span = field.span(phase)
            if span is None:
                continue
            low, high = _range(span, field.advance * period // len(field.spans), turns, length)
            first, last = max(first, low), min(last, high)
        found += max(0, last - first)
    return Fraction(count - found, count)


def _outside(field: Field, count: int, length: int, known: KnownFields) -> Iterator[int]:
    """Of the first `count` units, those whose span leaves the axis."""
    if field.bounded:
        units = known.beyond(field, length)
        yield from units if len(field.spans) <= count else (unit for unit in units if unit < count)
        return
    period = len(field.spans)
    for phase, span in enumerate(field.spans[:count]):
        if span is not None:
            turns = (count - 1 - phase) // period + 1
            first, last = _range(span, field.advance, turns, length)
            yield from range(phase, phase + min(first, turns) * period, period)
            yield from range(phase + max(first, last, 0) * period, phase + turns * period, period)


def _range(span: Span, advance: int, turns: int, length: int) -> tuple[int, int]:
    """The turns, from the first to before the last, in which a moving span lies inside, (1)."""
    lo, hi = span[0], length - 1 - span[1]
    if advance > 0:
        return max(0, -(lo // advance)), min(turns, hi // advance + 1)
    if advance < 0:
        return max(0, -(hi // -advance)), min(turns, lo // -advance + 1)
    return (0, turns) if lo >= 0 and hi >= 0 else (0, 0)


def _several(
    moving: Sequence[Sequence[Digit]], counts: Sequence[int], length: int
) -> Fraction | None:
    """Of a place made up of several digits: every combination, where there aren't too many."""
    if math.prod(counts) > _MAX_COMBINATIONS:
        return None
    total = math.prod(counts)
    outside: set[tuple[int, ...]] = set()
    for digits in moving:
        sums: list[tuple[tuple[int, ...], int, int]] = [((), 0, 0)]
        for digit, count in zip(digits, counts, strict=True):
            spans = [digit.field.span(value) for value in range(count)]
            sums = [
                ((*values, value), lo + span[0], hi + span[1])
                for values, lo, hi in sums
                for value, span in enumerate(spans)
                if span is not None
            ]
        outside.update(values for values, lo, hi in sums if lo < 0 or hi >= length)
    return Fraction(len(outside), total)
