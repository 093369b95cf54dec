"""Is one formula nowhere more than another, whatever the lengths are?

Lengths are 1 or more. What isn't shown by the formulas' coefficients is left open.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.polynomial import Atom, Monomial

#: terms of a difference that are looked at
_TERMS = 6


def terms_of(value: Dim) -> Collection[tuple[Monomial, int]]:
    """The products that a formula, or a number, is the sum of, each with how often."""
    return value.factors.items() if isinstance(value, FreeDim) else (((), value),)


def never_more(a: Dim, b: Dim) -> bool:
    """Is a at most b, surely, whatever the lengths are? False: it isn't shown.

    A floor is at most its quotient, and at least that of (top - bottom + 1).

    >>> height = FreeDim.named("H")
    >>> never_more(height // 2, height), never_more(height, 100)
    (True, False)
    """
    if abs(len(terms_of(b)) - len(terms_of(a))) > _TERMS:
        return False  # it may be, but finding out takes long
    difference = b - a
    if isinstance(difference, int):
        return difference >= 0
    if len(difference.factors) > _TERMS:
        return False
    if _nowhere_negative(difference):
        return True
    scale = 1
    for monomial in difference.factors:
        scale = math.lcm(scale, math.prod(atom.bottom for atom in monomial if atom.bottom))
    total: Dim = 0
    for monomial, factor in difference.factors.items():
        part: Dim = factor * (scale // math.prod(a.bottom for a in monomial if a.bottom))
        for atom in monomial:
            bound = _bound(atom, below=factor > 0)
            if bound is None:
                return False
            part = part * bound
        total = total + part
    return total >= 0 if isinstance(total, int) else _nowhere_negative(total)


def _nowhere_negative(x: FreeDim) -> bool:
    """Told by its coefficients, once each unknown is its least plus something."""
    least = x.least()
    if least is not None:
        return least >= 0
    if len(x.factors) > 32:
        return False
    total: dict[Monomial, int] = {}
    for monomial, factor in x.factors.items():
        if len(monomial) > 8:
            return False
        part: dict[Monomial, int] = {(): factor}
        for atom in monomial:
            least = atom.least
            if least is None or least < 0:
                return False
            # Times (atom + least), where the atom may be 0 now.
            longer = {(*inner, atom): times for inner, times in part.items()}
            for inner, times in part.items():
                longer[inner] = longer.get(inner, 0) + least * times
            part = longer
        for inner, times in part.items():
            total[inner] = total.get(inner, 0) + times
    return all(factor >= 0 for factor in total.values())


def _bound(atom: Atom, *, below: bool) -> Dim | None:
    """What an atom is at least or at most, times its bottom; None where that may be negative."""
    if isinstance(atom.top, FreeDim):
        found = atom.top - atom.bottom + 1 if below else atom.top
    else:
        found = FreeDim({(atom,): 1})
    least = found if isinstance(found, int) else found.least()
    return None if least is None or least < 0 else found
