"""How does what a unit sees change when an axis is read, cut apart or put together?

What a unit sees along an input axis is a sum over digits of its indices (`fields`, equation 1)::

    digit(u) = (u[axis] // div) % mod,   seen = { p_1 + ... + p_n : p_i in field_i(digit_i(u)) }

Reading an axis through a window needs its digits as one plain field of the index; a reshape that
keeps row-major order moves digits between axes; a digit whose axis is read whole is spread over all
its values and widens what is left. All of it is arithmetic on values: no graph, no names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from cnnscope.analyzer.operators.reading import Along, Listed, Only
from cnnscope.analyzer.values.dimension import Dim, product
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


@dataclass(frozen=True, slots=True)
class Digit:
    """``field(( u[axis] // div ) % mod)``; mod None: no wrapping."""

    axis: int
    div: int
    mod: int | None
    field: Field

    @property
    def place(self) -> tuple[int, int, int | None]:
        return self.axis, self.div, self.mod


Digits = tuple[Digit, ...]


def width(digits: Digits) -> int:
    """The size of the field that digits come to together."""
    return sum(d.field.size - 1 for d in digits) + 1


def narrowest(digits: Digits) -> int:
    """The least that a unit which sees something sees."""
    return sum(d.field.narrowest - 1 for d in digits) + 1


# -- moving digits through one read ----------------------------------------------------------------


def apply_read(
    digits: Digits, before: Shape, after: Shape | None, read: tuple[object, ...]
) -> tuple[Digits | None, Reach]:
    """Digits of the output, and what the collapsed ones come to; (None, None): nothing is seen."""
    moved: list[Digit] = []
    rest: Reach = (0, 0)
    if len(digits) == 1 and digits[0].axis != ITERATION:  # a plain convolutional net has no other
        (only,) = digits
        new, reach = _along([only], before[only.axis], read[only.axis], after)
        if reach is None:
            return None, None
        if len(new) == 1 and reach == (0, 0):
            return (digits if new[0] is only else (new[0],)), reach
        return _with_rest(new, reach)
    for axis in dict.fromkeys(d.axis for d in digits):
        group = [d for d in digits if d.axis == axis]
        if axis == ITERATION:
            moved.extend(group)
            continue
        new, reach = _along(group, before[axis], read[axis], after)
        if reach is None:
            return None, None
        moved.extend(new)
        rest = reach_sum(rest, reach)
    return _with_rest(moved, rest)


def _with_rest(moved: list[Digit], rest: Reach) -> tuple[Digits | None, Reach]:
    """Collapsed digits widen what is left; if nothing is left they are what is seen."""
    if not moved or isinstance(rest, Everything):
        return (), rest
    if rest != (0, 0) and rest is not None:
        moved[0] = replace(moved[0], field=moved[0].field.widened(rest))
    return tuple(sorted(moved, key=lambda d: (d.axis, -d.div))), rest


def _along(
    group: list[Digit], length: Dim, read: object, after: Shape | None
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
    if isinstance(read, Along | Listed):
        whole = as_field(group, length)
        if whole is not None:
            if isinstance(read, Listed):
                moved = whole.listed(read.rows)
            else:
                size = after[read.axis] if after is not None else None
                moved = whole.through(read.window, size if isinstance(size, int) else None)
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
    return Field(tuple(_value(group, index) for index in range(length)), 0, True).regular()


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


# -- reshapes --------------------------------------------------------------------------------------


def reshape(
    digits: Digits, before: Shape | None, after: Shape | None
) -> tuple[Digits | None, Reach, bool]:
    """Digits after a change of shape that keeps row-major order.

    The flag says that they couldn't be kept (a digit would carry from one new axis into the next):
    then there are none, and what all units together see.
    """
    if before is None or after is None:
        return (), EVERYTHING, True
    moved = [digit for digit in digits if digit.axis == ITERATION]
    rest: Reach = (0, 0)
    for old, new in shape_groups(before, after):
        group = [digit for digit in digits if digit.axis in old]
        if not group:
            continue
        found = _regrouped(group, before, after, old, new)
        if found is None:
            return (), _together(digits, before), True
        moved.extend(found[0])
        rest = reach_sum(rest, found[1])
    if rest is None:
        return None, None, False
    kept, reach = _with_rest(_normal(moved), rest)
    return kept, reach, False


def _together(digits: Digits, shape: Shape) -> Reach:
    """What all units see together, at most."""
    reach: Reach = (0, 0)
    for digit in digits:
        whole = EVERYTHING if digit.axis == ITERATION else spread(digit, shape[digit.axis])
        reach = reach_sum(reach, whole)
    return reach


def shape_groups(before: Shape, after: Shape) -> list[tuple[range, range]]:
    """The finest runs of axes, old and new, that hold the same elements.

    >>> shape_groups((1, 12, 7), (1, 3, 4, 7))
    [(range(0, 1), range(0, 1)), (range(1, 2), range(1, 3)), (range(2, 3), range(3, 4))]
    """
    groups = []
    i = j = 0
    while i < len(before) or j < len(after):
        start_i, start_j = i, j
        left: Dim = before[i] if i < len(before) else 1
        right: Dim = after[j] if j < len(after) else 1
        i, j = min(i + 1, len(before)), min(j + 1, len(after))
        while left != right:
            if isinstance(left, int) and isinstance(right, int):
                grow_left = left < right
            else:  # free dimensions: what one side has in its name the other still lacks
                grow_left = not isinstance(left, int) <= isinstance(right, int)
                if isinstance(left, int) != isinstance(right, int):
                    grow_left = isinstance(left, int)
                elif i >= len(before):
                    grow_left = False
            if grow_left and i < len(before):
                left = left * before[i]
                i += 1
            elif j < len(after):
                right = right * after[j]
                j += 1
            elif i < len(before):
                left = left * before[i]
                i += 1
            else:
                break  # the products differ: a zero-sized or contradictory shape
        groups.append((range(start_i, i), range(start_j, j)))
    return groups


def _regrouped(
    group: list[Digit], before: Shape, after: Shape, old: range, new: range
) -> tuple[list[Digit], Reach] | None:
    """The digits on some old axes in terms of the new ones; None where that can't be said."""
    if len(old) == 1 and len(new) == 1:
        return [replace(digit, axis=new[0]) for digit in group], (0, 0)
    rest: Reach = (0, 0)
    for digit in group:
        if before[digit.axis] == 1:  # one value
            rest = reach_sum(rest, digit.field.span(0))
    group = [digit for digit in group if before[digit.axis] != 1]
    long_new = [axis for axis in new if after[axis] != 1]
    if len(long_new) == sum(before[axis] != 1 for axis in old) == 1:
        return [replace(digit, axis=long_new[0]) for digit in group], rest
    moved: list[Digit] = []
    if not group:
        return moved, rest
    total = product(before[axis] for axis in old)
    sizes = [after[axis] for axis in new]
    if not isinstance(total, int) or total < 1 or not all(isinstance(size, int) for size in sizes):
        return None
    # Each as a digit of the flat index of the run; together they may be one; then cut anew.
    flat = []
    for digit in group:
        found = _flattened(digit, before, old, total)
        if found is None:
            return None
        flat.append(found)
    for digit in _normal(flat):
        pieces = _cut_along(digit, after, new, total)
        if pieces is None:
            return None
        if pieces:
            moved.extend(pieces)
        else:  # a digit with one value
            rest = reach_sum(rest, digit.field.span(0))
    return moved, rest


def _flattened(digit: Digit, before: Shape, old: range, total: int) -> Digit | None:
    """A digit of one of several axes as one of their row-major index; None: it is none."""
    inner = product(before[axis] for axis in old if axis > digit.axis)
    length = before[digit.axis]
    assert isinstance(inner, int) and isinstance(length, int)
    if inner * length == total and digit.mod is None:  # nothing but ones before it
        return Digit(0, digit.div * inner, None, digit.field)
    mod = digit.mod if digit.mod is not None else -(-length // digit.div)
    if inner * length != total and length % (digit.div * mod):
        return None  # it starts anew with its axis, in the middle of a turn
    return Digit(0, digit.div * inner, mod, digit.field)


def _cut_along(digit: Digit, after: Shape, new: range, total: int) -> list[Digit] | None:
    """A digit of the row-major index of some axes in terms of these; None where it carries from one
    into the next."""
    low = digit.div
    high = total if digit.mod is None else low * digit.mod
    parts: list[tuple[int, int, int | None, int]] = []  # axis, div, mod, weight within the digit
    below = 1
    for axis in reversed(new):
        size = after[axis]
        assert isinstance(size, int)
        top = below * size
        start, end = max(low, below), high if top == total else min(high, top)
        if start < end and size > 1:
            if start % below or start % low:
                return None
            if top == total and end >= top:  # the outermost axis just goes on
                parts.append((axis, start // below, None, start // low))
                break
            if end % start or (top != total and top % end):
                return None
            mod = None if end == top else end // start
            parts.append((axis, start // below, mod, start // low))
            if end == high:
                break
        below = top
    pieces = _split_field(digit.field, parts)
    if pieces is None:
        return None
    return [
        Digit(axis, div, mod, part) for (axis, div, mod, _), part in zip(parts, pieces, strict=True)
    ]


def _split_field(whole: Field, parts: list[tuple[int, int, int | None, int]]) -> list[Field] | None:
    """A field of one digit as the sum of fields of its parts, the innermost first."""
    if len(parts) < 2:
        return [whole for _ in parts]
    period, innermost = len(whole.spans), parts[1][3]  # how many values the innermost has
    if whole.bounded or innermost % period:
        return None
    rest = [Field(((0, 0),), whole.advance * weight // period) for *_, weight in parts[1:]]
    return [whole, *rest]


def _normal(digits: list[Digit]) -> list[Digit]:
    """Neighbouring digits of one axis put together where they count on."""
    result: list[Digit] = []
    for digit in sorted(digits, key=lambda d: (d.axis, d.div)):
        last = result[-1] if result else None
        if (
            last is not None
            and last.axis == digit.axis
            and last.mod is not None
            and digit.div == last.div * last.mod
            and last.mod % len(last.field.spans) == 0
            and not last.field.bounded
            and not digit.field.bounded
            and digit.field.spans == ((0, 0),)
            and digit.field.advance * len(last.field.spans) == last.field.advance * last.mod
        ):
            mod = None if digit.mod is None else last.mod * digit.mod
            result[-1] = Digit(last.axis, last.div, mod, last.field)
        else:
            result.append(digit)
    return result
