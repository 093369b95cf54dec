"""How does what a unit sees hang on its indices, and change when an axis is read?

What a unit sees along an input axis is a sum over digits of its indices (`terms`, equation 1)::

    digit(u) = (u[axis] // div) % mod,   seen = { p_1 + ... + p_n : p_i in field_i(digit_i(u)) }

Reading an axis through a window needs its digits as one plain field of the index; a digit whose axis
is read whole is spread over all its values and widens what is left. All of it is arithmetic on
values: no graph, no names.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.operators.reading import Along, Listed, Only, Upto
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.field import MAX_PERIOD, Field
from cnnscope.analyzer.values.spans import Span, hull
from cnnscope.analyzer.values.tensor import Shape
from cnnscope.analyzer.values.window import Window

#: iterations of a loop are an axis of their own until they are stacked
ITERATION = -1


class Everything:
    """A span without known ends."""

    def __repr__(self) -> str:
        return "EVERYTHING"


EVERYTHING = Everything()
Reach = Span | Everything | None


class Digit(NamedTuple):
    """``field(( u[axis] // div ) % mod)``; mod None: no wrapping."""

    axis: int
    div: int
    mod: int | None
    field: Field

    @property
    def place(self) -> tuple[int, int, int | None]:
        return self[:3]


Digits = tuple[Digit, ...]


def width(digits: Digits) -> int:
    """The size of the field that digits come to together."""
    return sum(d.field.size - 1 for d in digits) + 1


def narrowest(digits: Digits) -> int:
    """The least that a unit which sees something sees."""
    return sum(d.field.narrowest - 1 for d in digits) + 1


def apply_read(
    digits: Digits,
    before: Shape,
    after: Shape | None,
    read: tuple[object, ...],
    known: KnownFields,
) -> tuple[Digits | None, Reach]:
    """Digits of the output, and what the collapsed ones come to; (None, None): nothing is seen."""
    moved: list[Digit] = []
    rest: Reach = (0, 0)
    if len(digits) == 1 and digits[0].axis != ITERATION:  # a plain convolutional net has no other
        (only,) = digits
        new, reach = _along([only], before[only.axis], read[only.axis], after, known)
        if reach is None:
            return None, None
        if len(new) == 1 and reach == (0, 0):
            return (digits if new[0] is only else (new[0],)), reach
        return with_rest(new, reach)
    for axis in dict.fromkeys(d.axis for d in digits):
        group = [d for d in digits if d.axis == axis]
        if axis == ITERATION:
            moved.extend(group)
            continue
        new, reach = _along(group, before[axis], read[axis], after, known)
        if reach is None:
            return None, None
        moved.extend(new)
        rest = reach_sum(rest, reach)
    return with_rest(moved, rest)


def with_rest(moved: list[Digit], rest: Reach) -> tuple[Digits | None, Reach]:
    """Collapsed digits widen what is left; if nothing is left they are what is seen."""
    if not moved or isinstance(rest, Everything):
        return (), rest
    if rest != (0, 0) and rest is not None:
        moved[0] = moved[0]._replace(field=moved[0].field.widened(rest))
    return tuple(sorted(moved, key=lambda d: (d.axis, -d.div))), rest


def _along(
    group: list[Digit], length: Dim, read: object, after: Shape | None, known: KnownFields
) -> tuple[list[Digit], Reach]:
    """The digits on one input axis, behind how that axis is read."""
    if isinstance(read, Along):
        if read.window.is_identity and read.window.outside != "wrap":
            size = after[read.axis] if after is not None else None
            return [_read_alike(d, read.axis, size) for d in group], (0, 0)
        if (
            read.window.is_identity and read.window.outside == "wrap"
            and isinstance(length, int) and length > 0
            and all(length % (d.div * (d.mod or 1)) == 0 for d in group)
        ):  # fmt: skip
            # The index starts anew after `length`; what repeats within it goes on doing so.
            return [Digit(read.axis, d.div, d.mod or length // d.div, d.field) for d in group], (
                0,
                0,
            )
    if isinstance(read, Only):
        return [], _at(group, range(read.lo, read.hi + 1), length)
    if known.latest and isinstance(read, Upto) and not read.reverse:
        whole = as_field(group, length)
        latest = None if whole is None else whole.latest()
        if latest is not None:
            return [Digit(read.axis, 1, None, latest)], (0, 0)
    if isinstance(read, Along | Listed):
        whole = as_field(group, length)
        if whole is not None:
            if isinstance(read, Listed):
                moved = whole.listed(read.rows)
            else:
                size = after[read.axis] if after is not None else None
                moved = known.behind(whole, read.window, size if isinstance(size, int) else None)
            if moved is not None:
                return [Digit(read.axis, 1, None, moved.regular())], (0, 0)
    reach: Reach = (0, 0)
    for digit in group:
        reach = reach_sum(reach, spread(digit, length))
    return [], reach


def _read_alike(digit: Digit, axis: int, length: Dim | None) -> Digit:
    """The digit where each unit reads the one of its own index; a list is as long as its axis."""
    field = digit.field
    if (
        field.bounded and digit.div == 1 and digit.mod is None
        and isinstance(length, int) and 0 < length < len(field.spans)
    ):  # fmt: skip
        return Digit(axis, 1, None, Field(field.spans[:length], 0, True))
    return digit if digit.axis == axis else Digit(axis, digit.div, digit.mod, field)


def as_field(group: list[Digit], length: Dim) -> Field | None:
    """The digits of one axis as a plain field of its index."""
    if len(group) == 1 and group[0].mod is None:
        digit = group[0]
        if digit.div == 1:
            return digit.field
        floor = Window(
            digit.div, stride=Fraction(1, digit.div), dilation=Fraction(1, digit.div),
            before=Fraction(digit.div - 1, digit.div),
        )  # fmt: skip
        found = digit.field.through(floor)
        if found is not None:
            return found
    if not isinstance(length, int) or length > MAX_PERIOD:
        return None
    spans, *others = [_listing(digit, length) for digit in group]
    for other in others:
        spans = tuple(map(_sum, spans, other))
    return Field(spans, 0, True).regular()


def _listing(digit: Digit, length: int) -> tuple[Span | None, ...]:
    """What one digit comes to at every index of an axis: each of its values `div` times, over and
    over again where it wraps."""
    values = -(-length // digit.div)
    turn = values if digit.mod is None else min(values, digit.mod)
    spans = digit.field.listing(turn)
    if digit.div > 1:
        spans = tuple([span for span in spans for _ in range(digit.div)])
    return (spans * -(-values // turn))[:length] if turn else ()


def _sum(a: Span | None, b: Span | None) -> Span | None:
    return None if a is None or b is None else (a[0] + b[0], a[1] + b[1])


def _value(group: Sequence[Digit], index: int) -> Span | None:
    """What the digits on one axis come to at one index."""
    lo = hi = 0
    for digit in group:
        value = index // digit.div
        span = digit.field.span(value if digit.mod is None else value % digit.mod)
        if span is None:
            return None
        lo, hi = lo + span[0], hi + span[1]
    return lo, hi


def _at(group: Sequence[Digit], indices: range, length: Dim) -> Reach:
    if len(indices) > MAX_PERIOD:
        reach: Reach = (0, 0)
        for digit in group:
            reach = reach_sum(reach, spread(digit, length))
        return reach
    if len(group) == 1 and len(indices):
        (digit,) = group
        values = range(indices[0] // digit.div, indices[-1] // digit.div + 1)
        if digit.mod is not None and len(values) >= digit.mod:
            return digit.field.spread(digit.mod)
        if digit.mod is None or values[-1] < digit.mod:
            return digit.field.hull_of(values)
    found: Span | None = None
    for index in indices:
        found = hull(found, _value(group, index))
    return found


def spread(digit: Digit, length: Dim) -> Reach:
    """What all values of a digit come to."""
    if digit.mod is not None:
        return digit.field.spread(digit.mod)
    if not isinstance(length, int):
        return EVERYTHING
    return digit.field.spread(-(-length // digit.div))


def reach_sum(a: Reach, b: Reach) -> Reach:
    """The Minkowski sum; nothing plus anything is nothing."""
    if a is None or b is None:
        return None
    if isinstance(a, Everything) or isinstance(b, Everything):
        return EVERYTHING
    return a[0] + b[0], a[1] + b[1]
