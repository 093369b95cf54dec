"""How does a figure that adds up stand beside its share of the whole, and the sum of all shares so far?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.render.columns import Column, Row
from cnnscope.analyzer.report.shares import Share

#: the columns that stand beside the figure sorted by
SHARES: Final = ("share", "running")
#: where there's no room, that figure and its shares are the last numbers to go
_IMPORTANT = 94


def with_shares(
    columns: Sequence[Column[Row]],
    key: str,
    rows: Sequence[Row],
    shares: Sequence[Share],
    *,
    running: bool = True,
) -> tuple[Column[Row], ...]:
    """The columns with a row's part of the whole, and that of all rows so far, beside the figure.

    Args:
        running: of rows that contain others, no sum is one of shares so far.
    """
    found = {id(row): share for row, share in zip(rows, shares, strict=True)}
    kept: list[Column[Row]] = []
    for column in columns:
        if column.name == key:
            kept.append(replace(column, importance=max(column.importance, _IMPORTANT)))
            kept.append(_part("share", lambda row: found[id(row)].part, _IMPORTANT - 1))
            if running:
                kept.append(_part("running", lambda row: found[id(row)].running, _IMPORTANT - 2))
        elif column.name == f"{key}_share":  # says the same
            kept.append(replace(column, importance=0))
        else:
            kept.append(column)
    return tuple(kept)


def _part(title: str, read: Callable[[Row], Fraction | None], importance: int) -> Column[Row]:
    def exact(row: Row) -> float | None:
        value = read(row)
        return None if value is None else float(value)

    def text(row: Row) -> str:
        value = exact(row)
        return "?" if value is None else f"{100 * value:.1f} %"

    return Column(title, title, text, exact, right=True, importance=importance, optional=True)
