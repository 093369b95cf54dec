"""Does a formula rise with the length that it hangs on, and from where on is it more than something?

A polynomial without negative coefficients over atoms that rise and aren't negative rises itself: the name of
a length does, and the floor of what rises, divided by a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.polynomial import Atom
from cnnscope.analyzer.values.substitution import substituted

#: beyond it no length is looked for
FURTHEST: Final = 1 << 50
_DEEPEST: Final = 40


def rises(value: Dim, *names: str) -> bool:
    """Does it never fall as any of these lengths grows, from 1 on? False: it isn't shown.

    >>> height = FreeDim.named("H")
    >>> rises(3 * height * (height // 2) - 7, "H"), rises(height * height - height, "H")
    (True, False)
    """
    return _rises(value, names, 0)


def _rises(value: object, names: tuple[str, ...], depth: int) -> bool:
    if isinstance(value, int):
        return True
    if not isinstance(value, FreeDim) or depth > _DEEPEST or value.data:
        return False
    for monomial, factor in value.terms:
        if not monomial:
            continue
        if factor < 0:
            return False
        for atom in monomial:
            if not _atom_rises(atom, names, depth):
                return False
            if len(monomial) > 1 and not _starts_at_0(atom, names):
                return False
    return True


def _atom_rises(atom: Atom, names: tuple[str, ...], depth: int) -> bool:
    if atom.top is not None:
        return atom.bottom > 0 and _rises(atom.top, names, depth + 1)
    if atom.parts:
        return atom.how in ("max", "min") and all(_rises(x, names, depth + 1) for x in atom.parts)
    return atom.text in names


def _starts_at_0(atom: Atom, names: tuple[str, ...]) -> bool:
    """Isn't it negative where the lengths are 1, and so nowhere?"""
    try:
        first = substituted(FreeDim({(atom,): 1}), dict.fromkeys(names, 1))
    except Undetermined:
        return False
    return isinstance(first, int) and first >= 0


def last_kept(kept: Callable[[int], bool]) -> int | None:
    """The last length for which something holds that, once it doesn't, never does again; 0: none; None: it
    holds of all that are looked at."""
    if not kept(1):
        return 0
    low, high = 1, 2
    while kept(high):
        if high > FURTHEST:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if kept(middle) else (low, middle)
    return low
