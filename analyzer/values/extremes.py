"""Which of some lengths is the largest, which the smallest, where they may be free?"""

from __future__ import annotations

from collections.abc import Iterable

from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.polynomial import LETTERS, Atom, short


def greatest(*values: Dim) -> Dim:
    """The largest of some lengths, as a formula where that can't be decided.

    >>> print(greatest(FreeDim.named("H"), 1), greatest(FreeDim.named("H"), 8))
    H max(8, H)
    """
    return _extreme("max", values)


def smallest(*values: Dim) -> Dim:
    """The smallest of some lengths, likewise.

    >>> print(smallest(FreeDim.named("H") + 3, FreeDim.named("H")))
    H
    """
    return _extreme("min", values)


def _extreme(how: str, values: Iterable[Dim]) -> Dim:
    kept: list[Dim] = []
    for value in dict.fromkeys(values):
        if any(_beaten(how, value, other) for other in kept):
            continue
        kept = [other for other in kept if not _beaten(how, other, value)]
        kept.append(value)
    if len(kept) == 1:
        return kept[0]
    kept.sort(key=lambda value: (isinstance(value, FreeDim), str(value)))
    free = [value for value in kept if isinstance(value, FreeDim)]
    text = f"{how}({', '.join(map(str, kept))})"
    bounds = [value if isinstance(value, int) else value.least() for value in kept]
    known = [bound for bound in bounds if bound is not None]
    least: int | None
    if how == "max":
        least = max(known, default=None)
    else:
        least = min(known) if len(known) == len(bounds) else None
    names = frozenset(name for value in free for name in value.names)
    data = frozenset(what for value in free for what in value.data)
    if len(text) > LETTERS:
        text = short(text)
    return FreeDim({(Atom(text, names, data, least, parts=tuple(kept), how=how),): 1})


def _beaten(how: str, value: Dim, other: Dim) -> bool:
    """The other one is surely at least as large (or as small)."""
    try:
        return bool(other >= value if how == "max" else other <= value)
    except Undetermined:
        return False
