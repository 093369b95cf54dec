"""How do digits move where a reshape cuts axes apart and puts them together?

A reshape that keeps row-major order moves digits between the axes of the finest runs, old and new,
that hold the same elements: within each, a digit of one axis is one of the run's flat index, and
that is cut anew along the new axes.
"""

from __future__ import annotations

from cnnscope.analyzer.fields.digits import (
    EVERYTHING,
    ITERATION,
    Digit,
    Digits,
    Reach,
    reach_sum,
    spread,
    with_rest,
)
from cnnscope.analyzer.values.dimension import Dim, product
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.tensor import Shape

#: digits, None where nothing is seen; what those that are gone come to; whether they were lost
Reshaped = tuple[Digits | None, Reach, bool]


def reshape(digits: Digits, before: Shape | None, after: Shape | None) -> Reshaped:
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
    kept, reach = with_rest(_normal(moved), rest)
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
        return [digit._replace(axis=new[0]) for digit in group], (0, 0)
    rest: Reach = (0, 0)
    for digit in group:
        if before[digit.axis] == 1:  # one value
            rest = reach_sum(rest, digit.field.span(0))
    group = [digit for digit in group if before[digit.axis] != 1]
    long_new = [axis for axis in new if after[axis] != 1]
    if len(long_new) == sum(before[axis] != 1 for axis in old) == 1:
        return [digit._replace(axis=long_new[0]) for digit in group], rest
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
