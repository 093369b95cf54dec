"""What do sums, quotients and comparisons of single numbers come to when these hang on free lengths?

An element is a plain number or bool, a `FreeDim`, or in floating point a `FreeRatio`. What can't be told
for every length raises `Undetermined`.

Floating point rounds. A result is given only where rounding can't be seen: sums and products with
few bits (halves, doubles) are exact, and a whole number divided by another is rounded once, which
moves it across no whole number, as long as lengths stay below 2^16.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.extremes import greatest, smallest
from cnnscope.analyzer.values.plain_class import dataclass

#: bits of the factors of a float that is worked out exactly: lengths below 2^16 leave 8 of 24
BITS = 8


@dataclass(frozen=True, slots=True)
class FreeRatio:
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


Element = Any  # int, bool, float, FreeDim or FreeRatio


# -- numbers ---------------------------------------------------------------------------------------


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
    return FreeRatio(_free(-a.top), a.bottom, a.rounded) if isinstance(a, FreeRatio) else -a


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
    if surely(b, 1):
        if surely(a, 0):
            return a // b
        if isinstance(a, FreeDim) and surely(-a, 0):
            return -((-a) // b)
    elif isinstance(b, int) and b < 0:
        return -over(a, -b, is_float=False)
    raise Undetermined("a quotient of unknown sign")


def remainder(a: Element, b: Element, *, is_float: bool) -> Element:
    """With the sign of the divisor, as Python's."""
    if is_float or not (isinstance(b, int) or surely(b, 1)):
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
    if not isinstance(a, FreeDim | FreeRatio):
        return abs(a)
    top = a.top if isinstance(a, FreeRatio) else a
    if surely(top, 0):
        return a
    if surely(-top, 0):
        return negative(a, is_float=is_float)
    raise Undetermined("an amount of unknown sign")


def sign(a: Element, *, is_float: bool) -> Element:
    top = a.top if isinstance(a, FreeRatio) else a
    if surely(top, 1):
        return 1
    if surely(-top, 1):
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
    if isinstance(a, FreeRatio):
        return a.top // a.bottom
    return a if isinstance(a, FreeDim) else math.floor(a)


def ceil(a: Element, *, is_float: bool = True) -> Element:
    if isinstance(a, FreeRatio):
        return -((-a.top) // a.bottom)
    return a if isinstance(a, FreeDim) else math.ceil(a)


def nearest(a: Element, *, is_float: bool = True) -> Element:
    """Halves go to the even neighbour, so that only what has none can be told."""
    if isinstance(a, FreeDim):
        return a
    if isinstance(a, FreeRatio):
        if a.bottom % 2:
            return (2 * a.top + a.bottom) // (2 * a.bottom)
        raise Undetermined("a number that may lie in the middle")
    return round(a)


# -- questions -------------------------------------------------------------------------------------


def equals(a: Element, b: Element, *, is_float: bool) -> Element:
    difference = minus(a, b, is_float=is_float)
    top = difference.top if isinstance(difference, FreeRatio) else difference
    if not isinstance(top, FreeDim):
        return top == 0
    if surely(top, 1) or surely(-top, 1):
        return False
    raise Undetermined("whether two lengths are equal", top.names, top.data)


def differs(a: Element, b: Element, *, is_float: bool) -> Element:
    return not equals(a, b, is_float=is_float)


def exceeds(a: Element, b: Element, *, is_float: bool) -> Element:
    difference = minus(a, b, is_float=is_float)
    top = difference.top if isinstance(difference, FreeRatio) else difference
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


# -- floats ----------------------------------------------------------------------------------------


def _parts(a: Element) -> tuple[Dim, int, bool]:
    """An element as a numerator, a denominator, and whether it was rounded."""
    if isinstance(a, FreeRatio):
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
    factors = list(top.factors.values())
    common = math.gcd(bottom, *factors)
    if common > 1:
        top, bottom = _free(top // common), bottom // common
        factors = [factor // common for factor in factors]
    exact = bottom & (bottom - 1) == 0
    if max(map(abs, factors)).bit_length() > (20 if once or rounded else BITS):
        raise Undetermined("a factor of many digits")
    if bottom.bit_length() > BITS + 1 or not (exact or once or rounded):
        raise Undetermined("a number that is rounded")
    return top if bottom == 1 and not rounded else FreeRatio(top, bottom, rounded or not exact)


def _free(value: Dim) -> FreeDim:
    assert isinstance(value, FreeDim)
    return value


def surely(value: Element, least: int) -> bool:
    """It is at least that for every length."""
    if not isinstance(value, FreeDim):
        return bool(value >= least)
    bound = value.least()
    return bound is not None and bound >= least
