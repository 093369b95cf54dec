"""How are a unit and the input positions that it sees written in a cell?"""

from __future__ import annotations


def unit_text(unit: tuple[int | None, ...]) -> str:
    """A unit in a cell, all of an axis as slices have it.

    >>> unit_text((0, None, 3))
    '0, :, 3'
    """
    return ", ".join(":" if index is None else str(index) for index in unit)


def ranges_text(spans: tuple[tuple[int, int], ...]) -> str:
    """Indices in a cell.

    >>> ranges_text(((0, 2), (5, 5)))
    '0..2 5'
    """
    return " ".join(str(lo) if lo == hi else f"{lo}..{hi}" for lo, hi in spans)
