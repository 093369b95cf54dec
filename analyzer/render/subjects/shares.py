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
    known: str = "",
    absent: str = "?",
    importance: int = _IMPORTANT,
) -> tuple[Column[Row], ...]:
    """The columns with a row's part of the whole, and that of all rows so far, beside the figure.

    Args:
        running: of rows that contain others, no sum is one of shares so far.
        known: the column that has the part already.
        absent: what stands for a share that there is none of.
        importance: of the figure; where there's no room, it and its shares go last.
    """
    found = {id(row): share for row, share in zip(rows, shares, strict=True)}
    taken = "share" in [column.name for column in columns]
    name, title = (f"{key}_share", "of it") if taken else ("share", "share")
    kept: list[Column[Row]] = []

    def part(
        name: str, title: str, read: Callable[[Row], Fraction | None], below: int
    ) -> Column[Row]:
        def exact(row: Row) -> float | None:
            value = read(row)
            return None if value is None else float(value)

        def text(row: Row) -> str:
            value = exact(row)
            return absent if value is None else f"{100 * value:.1f} %"

        return Column(
            name, title, text, exact, right=True, importance=importance - below, optional=True
        )

    so_far = part("running", "running", lambda row: found[id(row)].running, 2)
    for column in columns:
        if column.name == key:
            kept.append(replace(column, importance=max(column.importance, importance)))
            if not known:
                kept.append(part(name, title, lambda row: found[id(row)].part, 1))
            kept += [so_far] if running and not known else []
        elif column.name == known:
            kept += [column, so_far] if running else [column]
        elif column.name == f"{key}_share":  # says the same
            kept.append(replace(column, importance=0))
        else:
            kept.append(column)
    return tuple(kept)
