"""What does arithmetic come to when the numbers hang on lengths that are free?

Models work out the sizes they reshape and resize to: `Shape`, then a few additions, divisions and
casts. Where all is known, onnx's reference does the sums. Here are the same sums over arrays whose
elements may be a `FreeDim`. The rules are registered operator by operator (`operators/lengths.py`).

An element is a plain number or bool, a `FreeDim`, or in floating point a `Ratio`. What is worked out
is exact for every length, or it isn't given: then the element is an unknown that names the free
dimensions it hangs on, and is never taken to hang on data.

Floating point rounds. A result is given only where rounding can't be seen: sums and products with
few bits (halves, doubles) are exact, and a whole number divided by another is rounded once, which
moves it across no whole number, as long as lengths stay below 2^16.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.extremes import greatest, smallest

#: an array of numbers, or of elements as above
Array = npt.NDArray[Any]
#: bits of the factors of a float that is worked out exactly: lengths below 2^16 leave 8 of 24
BITS = 8


@dataclass(frozen=True, slots=True)
class Ratio:
    """A floating-point number that hangs on lengths: top/bottom; `rounded`: it was rounded once."""

    top: FreeDim
    bottom: int
    rounded: bool = False

    @property
    def names(self) -> frozenset[str]:
        return self.top.names

    @property
    def data(self) -> frozenset[str]:
        return self.top.data


@dataclass(frozen=True, slots=True)
class Sums:
    """What a rule is given.

    Args:
        arrays: per input its elements; None where it is omitted.
        dtypes: per input.
        attributes: the node's.
        output: dtype of its first output.
        reference: what onnx's reference gives for other arrays in place of these; nothing where it
            can't tell.
    """

    arrays: Sequence[Array | None]
    dtypes: Sequence[str | None]
    attributes: Mapping[str, object]
    output: str | None
    reference: Callable[[list[Array | None]], tuple[Array, ...]]


#: what an operator's outputs come to; nothing where that can't be told
Rule = Callable[[Sums], Sequence[Array]]


def hangs_on(arrays: Sequence[Array | None]) -> tuple[frozenset[str], frozenset[str]]:
    """The free dimensions, and the data, that elements hang on."""
    names: set[str] = set()
    data: set[str] = set()
    for array in arrays:
        if array is not None and array.dtype == object:
            for item in array.ravel().tolist():
                if isinstance(item, FreeDim | Ratio):
                    names |= item.names
                    data |= item.data
    return frozenset(names), frozenset(data)


def unknown(shape: tuple[int, ...], what: str, arrays: Sequence[Array | None]) -> Array:
    """Elements that hang on what others hang on, in a way that isn't followed."""
    names, data = hangs_on(arrays)
    found = np.empty(shape, object)
    for index in np.ndindex(*shape):
        place = f" {list(index)}" if index else ""
        found[index] = FreeDim.unknown(f"{what}{place}", names, data)
    return found


# -- element by element ----------------------------------------------------------------------------

Element = Any  # int, bool, float, FreeDim or Ratio


def each(rule: Callable[..., Element]) -> Rule:
    """An operator that works element by element, with numpy's broadcasting.

    Args:
        rule: elements and `is_float`, whether the operands are floating point, to an element.
            It raises `Undetermined` where the result can't be told.
    """

    def apply(sums: Sums) -> Sequence[Array]:
        arrays = [array for array in sums.arrays if array is not None]
        is_float = any("float" in (dtype or "") for dtype in sums.dtypes)
        parts = np.broadcast_arrays(*arrays)
        found = np.empty(parts[0].shape, object)
        lost = unknown(found.shape, "", arrays) if found.size else found
        for index in np.ndindex(*found.shape):
            operands = [_plain(part[index]) for part in parts]
            try:
                found[index] = rule(*operands, is_float=is_float)
            except (Undetermined, ZeroDivisionError, OverflowError):
                found[index] = lost[index]
        return (found,)

    return apply


def _plain(item: object) -> Element:
    return item.item() if isinstance(item, np.generic) else item


def folded(rule: Callable[..., Element]) -> Callable[..., Element]:
    """Of two operands, for any number of them."""

    def apply(*operands: Element, is_float: bool) -> Element:
        found = operands[0]
        for other in operands[1:]:
            found = rule(found, other, is_float=is_float)
        return found

    return apply


def plus(a: Element, b: Element, *, is_float: bool) -> Element:
    if not is_float:
        return a + b
    top, bottom, rounded = _parts(a)
    other, below, also = _parts(b)
    if (rounded and (below != 1 or also)) or (also and bottom != 1):
        raise Undetermined("a sum that is rounded")
    return _number(top * below + other * bottom, bottom * below, rounded or also)


def minus(a: Element, b: Element, *, is_float: bool) -> Element:
    return plus(a, negative(b, is_float=is_float), is_float=is_float)


def negative(a: Element, *, is_float: bool) -> Element:
    return Ratio(_free(-a.top), a.bottom, a.rounded) if isinstance(a, Ratio) else -a


def times(a: Element, b: Element, *, is_float: bool) -> Element:
    if not is_float:
        return a * b
    top, bottom, rounded = _parts(a)
    other, below, also = _parts(b)
    if rounded or also:
        raise Undetermined("a product that is rounded")
    return _number(top * other, bottom * below, False)


def over(a: Element, b: Element, *, is_float: bool) -> Element:
    """Whole numbers are divided towards zero."""
    if is_float:
        top, bottom, rounded = _parts(a)
        other, below, also = _parts(b)
        if rounded or also or not isinstance(other, int) or not other:
            raise Undetermined("a quotient that is rounded")
        sign = -1 if other < 0 else 1
        whole = bottom == below == 1
        return _number(top * below * sign, bottom * abs(other), False, once=whole)
    if not isinstance(a, FreeDim) and not isinstance(b, FreeDim):
        return int(Fraction(a, b))
    if _sure(b, 1):
        if _sure(a, 0):
            return a // b
        if isinstance(a, FreeDim) and _sure(-a, 0):
            return -((-a) // b)
    elif isinstance(b, int) and b < 0:
        return -over(a, -b, is_float=False)
    raise Undetermined("a quotient of unknown sign")


def remainder(a: Element, b: Element, *, is_float: bool) -> Element:
    """With the sign of the divisor, as Python's."""
    if is_float or not (isinstance(b, int) or _sure(b, 1)):
        raise Undetermined("a remainder")
    return a % b


def larger(a: Element, b: Element, *, is_float: bool) -> Element:
    return _one_of(a, b, greatest, is_float)


def smaller(a: Element, b: Element, *, is_float: bool) -> Element:
    return _one_of(a, b, smallest, is_float)


def _one_of(a: Element, b: Element, which: Callable[..., Dim], is_float: bool) -> Element:
    if not is_float:
        return which(a, b)
    (top, bottom, rounded), (other, below, also) = _parts(a), _parts(b)
    if rounded or also:
        raise Undetermined("a choice of what is rounded")
    return _number(which(top * below, other * bottom), bottom * below, False)


def absolute(a: Element, *, is_float: bool) -> Element:
    if not isinstance(a, FreeDim | Ratio):
        return abs(a)
    top = a.top if isinstance(a, Ratio) else a
    if _sure(top, 0):
        return a
    if _sure(-top, 0):
        return negative(a, is_float=is_float)
    raise Undetermined("an amount of unknown sign")


def sign(a: Element, *, is_float: bool) -> Element:
    top = a.top if isinstance(a, Ratio) else a
    if _sure(top, 1):
        return 1
    if _sure(-top, 1):
        return -1
    if top == 0:
        return 0
    raise Undetermined("a sign")


def power(a: Element, b: Element, *, is_float: bool) -> Element:
    if not isinstance(b, int | float) or b != int(b) or not 0 <= b <= 8:
        raise Undetermined("a power")
    found: Element = 1
    for _ in range(int(b)):
        found = times(found, a, is_float=is_float)
    return found


def floor(a: Element, *, is_float: bool = True) -> Element:
    if isinstance(a, Ratio):
        return a.top // a.bottom
    return a if isinstance(a, FreeDim) else math.floor(a)


def ceil(a: Element, *, is_float: bool = True) -> Element:
    if isinstance(a, Ratio):
        return -((-a.top) // a.bottom)
    return a if isinstance(a, FreeDim) else math.ceil(a)


def nearest(a: Element, *, is_float: bool = True) -> Element:
    """Halves go to the even neighbour, so that only what has none can be told."""
    if isinstance(a, FreeDim):
        return a
    if isinstance(a, Ratio):
        if a.bottom % 2:
            return (2 * a.top + a.bottom) // (2 * a.bottom)
        raise Undetermined("a number that may lie in the middle")
    return round(a)


def cast(sums: Sums) -> Sequence[Array]:
    """To another type. A float becomes whole towards zero."""
    to = sums.output or ""

    def one(a: Element, *, is_float: bool) -> Element:
        if to == "bool":
            return differs(a, 0, is_float=is_float)
        if "float" in to:
            if to in ("float32", "float64") and not isinstance(a, Ratio):
                return a
            raise Undetermined("a conversion that rounds")
        if not isinstance(a, Ratio):
            return int(a) if not isinstance(a, FreeDim) else a
        return floor(a) if _sure(a.top, 0) else -floor(negative(a, is_float=True))

    def towards_zero(a: Element, *, is_float: bool) -> Element:
        if isinstance(a, Ratio) and not _sure(a.top, 0) and not _sure(-a.top, 0):
            raise Undetermined("a conversion of unknown sign")
        return one(a, is_float=is_float)

    return each(towards_zero)(Sums(sums.arrays[:1], sums.dtypes[:1], {}, to, sums.reference))


# -- questions -------------------------------------------------------------------------------------


def equals(a: Element, b: Element, *, is_float: bool) -> Element:
    difference = minus(a, b, is_float=is_float)
    top = difference.top if isinstance(difference, Ratio) else difference
    if not isinstance(top, FreeDim):
        return top == 0
    if _sure(top, 1) or _sure(-top, 1):
        return False
    raise Undetermined("whether two lengths are equal", top.names, top.data)


def differs(a: Element, b: Element, *, is_float: bool) -> Element:
    return not equals(a, b, is_float=is_float)


def exceeds(a: Element, b: Element, *, is_float: bool) -> Element:
    difference = minus(a, b, is_float=is_float)
    top = difference.top if isinstance(difference, Ratio) else difference
    return bool(top > 0)


def falls_below(a: Element, b: Element, *, is_float: bool) -> Element:
    return exceeds(b, a, is_float=is_float)


def at_least(a: Element, b: Element, *, is_float: bool) -> Element:
    return not exceeds(b, a, is_float=is_float)


def at_most(a: Element, b: Element, *, is_float: bool) -> Element:
    return not exceeds(a, b, is_float=is_float)


def _truth(a: Element) -> bool:
    if isinstance(a, FreeDim):
        raise Undetermined("a condition", a.names, a.data)
    return bool(a)


def both(a: Element, b: Element, *, is_float: bool) -> Element:
    known = [x for x in (a, b) if not isinstance(x, FreeDim)]
    return False if not all(known) else _truth(a) and _truth(b)


def either(a: Element, b: Element, *, is_float: bool) -> Element:
    known = [x for x in (a, b) if not isinstance(x, FreeDim)]
    return True if any(known) else _truth(a) or _truth(b)


def opposite(a: Element, *, is_float: bool) -> Element:
    return not _truth(a)


def chosen(condition: Element, a: Element, b: Element, *, is_float: bool) -> Element:
    if isinstance(condition, FreeDim) and a == b:
        return a
    return a if _truth(condition) else b


# -- what moves elements about, and what adds them up ----------------------------------------------


def moving(*positions: int) -> Rule:
    """An operator that puts elements elsewhere: onnx's reference is asked where each one goes.

    Args:
        positions: of the inputs whose elements are moved; none: all.
    """

    def apply(sums: Sums) -> Sequence[Array]:
        moved = positions or tuple(range(len(sums.arrays)))
        told: list[Element] = [0]  # what pads is nothing of anybody's
        arrays: list[Array | None] = []
        for place, array in enumerate(sums.arrays):
            if array is None or place not in moved:
                if array is not None and array.dtype == object:
                    array = _numbers(array)
                    if array is None:
                        return ()
                arrays.append(array)
                continue
            first = len(told)
            told.extend(_plain(item) for item in array.ravel())
            arrays.append(np.arange(first, len(told), dtype=np.int64).reshape(array.shape))
        found = []
        for places in sums.reference(arrays):
            if places.dtype != np.int64:
                return ()
            result = np.empty(places.shape, object)
            for index in np.ndindex(*places.shape):
                result[index] = told[int(places[index])]
            found.append(result)
        return found

    return apply


def _numbers(array: Array) -> Array | None:
    """Elements that are all known, as an array of integers."""
    items = array.ravel().tolist()
    if any(isinstance(item, FreeDim | Ratio) for item in items):
        return None
    return np.array(items, np.int64).reshape(array.shape)


def reducing(rule: Callable[..., Element]) -> Rule:
    """An operator that makes one element of all along some axes."""

    def apply(sums: Sums) -> Sequence[Array]:
        array = sums.arrays[0]
        assert array is not None
        given = sums.arrays[1] if len(sums.arrays) > 1 else None
        axes = sums.attributes.get("axes") if given is None else given.ravel().tolist()
        if axes is None or (not axes and not sums.attributes.get("noop_with_empty_axes", 0)):
            axes = range(array.ndim)
        assert isinstance(axes, Sequence)
        gone = {int(axis) % array.ndim for axis in axes} if array.ndim else set()
        is_float = "float" in (sums.dtypes[0] or "")
        kept = [axis for axis in range(array.ndim) if axis not in gone]
        rows = array.transpose([*kept, *sorted(gone)])
        rows = rows.reshape(*[array.shape[axis] for axis in kept], -1)
        if not rows.shape[-1]:
            return ()
        found = np.empty(rows.shape[:-1], object)
        lost = unknown(found.shape, "", [array])
        for index in np.ndindex(*found.shape):
            try:
                found[index] = folded(rule)(*map(_plain, rows[index]), is_float=is_float)
            except Undetermined:
                found[index] = lost[index]
        if sums.attributes.get("keepdims", 1):
            shape = [1 if axis in gone else n for axis, n in enumerate(array.shape)]
            found = found.reshape(shape)
        return (found,)

    return apply


# -- floats ----------------------------------------------------------------------------------------


def _parts(a: Element) -> tuple[Dim, int, bool]:
    """An element as a numerator, a denominator, and whether it was rounded."""
    if isinstance(a, Ratio):
        return a.top, a.bottom, a.rounded
    if isinstance(a, FreeDim):
        return a, 1, False
    if not math.isfinite(a):
        raise Undetermined("no number")
    exact = Fraction(a)
    if exact.numerator.bit_length() > 40 or exact.denominator.bit_length() > 40:
        raise Undetermined("a factor of many digits")
    return exact.numerator, exact.denominator, False


def _number(top: Dim, bottom: int, rounded: bool, *, once: bool = False) -> Element:
    """``top/bottom`` as an element.

    Args:
        rounded: it was rounded before, and is a whole number more or less now.
        once: it is the quotient of two whole numbers, rounded to the nearest.
    """
    if not isinstance(top, FreeDim):
        return float(Fraction(top, bottom))
    factors = [factor for _, factor in top.terms]
    common = math.gcd(bottom, *factors)
    if common > 1:
        top, bottom = _free(top // common), bottom // common
        factors = [factor // common for factor in factors]
    exact = bottom & (bottom - 1) == 0
    if max(map(abs, factors)).bit_length() > (20 if once or rounded else BITS):
        raise Undetermined("a factor of many digits")
    if bottom.bit_length() > BITS + 1 or not (exact or once or rounded):
        raise Undetermined("a number that is rounded")
    return top if bottom == 1 and not rounded else Ratio(top, bottom, rounded or not exact)


def _free(value: Dim) -> FreeDim:
    assert isinstance(value, FreeDim)
    return value


def _sure(value: Element, least: int) -> bool:
    """It is at least that for every length."""
    if not isinstance(value, FreeDim):
        return bool(value >= least)
    bound = value.least()
    return bound is not None and bound >= least
