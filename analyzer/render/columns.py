"""Which columns are there, what is in them for people and for machines, and which rows are shown?

A `Column` is one fact of a row, whatever the row is: a layer, an operator's totals, an operator
that is covered. Renderers know columns and rows, not layers.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")
#: what a machine format holds; text is apart from numbers because only text can be a formula
Exact = int | float | str | bool | Sequence[object] | None


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One fact of a row.

    Args:
        name: what it is called in `--columns`, `--sort` and CSV.
        title: its heading for people.
        text: the fact for people, escaped.
        exact: the fact for machines; None: not known.
        right: numbers stand right.
        importance: the least important is the first to go where there's no room.
        least: the fewest characters it may be shortened to; None: it is never shortened.
        order: what rows are sorted by, largest first for numbers; None: what `exact` gives.
        optional: left out, unless asked for, where no row has it.
    """

    name: str
    title: str
    text: Callable[[Row], str]
    exact: Callable[[Row], Exact]
    right: bool = False
    importance: int = 0
    least: int | None = None
    order: Callable[[Row], int | float | str | None] | None = None
    optional: bool = False


# -- layers -----------------------------------------------------------------------------------


# -- groups of layers, and operators ------------------------------------------------------------


# -- choosing ---------------------------------------------------------------------------------

#: other words for columns
ALIASES = {
    "layer": "name", "shape": "output", "rf": "rf_size", "field": "rf_size", "step": "rf_step",
    "start": "rf_start", "local": "rf_local", "read": "bytes_read", "written": "bytes_written",
    "weights": "weight_bytes", "traffic": "traffic_bytes", "type": "dtype",
    "outside": "rf_outside", "bytes": "traffic_bytes", "parts": "consists",
}  # fmt: skip


def default_columns(
    columns: Iterable[Column[Row]], rows: Sequence[Row] | None = None
) -> list[Column[Row]]:
    """The columns people see unless they ask for others, given the rows they are for."""
    return [
        column for column in columns
        if column.importance and not (
            column.optional and rows is not None
            and all(column.exact(row) is None for row in rows)
        )
    ]  # fmt: skip


def chosen_columns(columns: Sequence[Column[Row]], names: Sequence[str]) -> list[Column[Row]]:
    """The columns asked for, in that order.

    Raises:
        ValueError: there is no such column; the message lists those there are.
    """
    known = {column.name: column for column in columns}
    return [known[_resolved(wanted, known, "column")] for wanted in names]


def _resolved(wanted: str, known: Mapping[str, object], what: str) -> str:
    key = wanted.strip().lower().replace("-", "_")
    key = key if key in known else ALIASES.get(key, key)
    if key in known:
        return key
    close = difflib.get_close_matches(key, [*known, *ALIASES], 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"there is no {what} {wanted!r}; {meant}there are: {', '.join(known)}")


def sorted_rows(
    rows: Sequence[Row], columns: Sequence[Column[Row]], key: str | None, top: int | None
) -> list[Row]:
    """The rows by a column, numbers from the largest, what isn't known last; the first so many.

    Raises:
        ValueError: there is no such column to sort by.
    """
    found = list(rows)
    if key is not None and _is_traffic(key, columns):
        found.sort(key=lambda x: _descending(_traffic(x)))
    elif key is not None:
        known = {column.name: column for column in columns if not column.name.endswith("_status")}
        column = known[_resolved(key, known, "sort key")]
        order = column.order or column.exact
        rising = column.name == "index"
        found.sort(key=lambda x: _descending(order(x), rising))
    return found if top is None else found[:top]


def _is_traffic(key: str, columns: Sequence[object]) -> bool:
    return key == "bytes" and any(getattr(c, "name", "") == "bytes_read" for c in columns)


def _traffic(row: object) -> int | None:
    read, written = (getattr(row, key, None) for key in ("bytes_read", "bytes_written"))
    return read + written if isinstance(read, int) and isinstance(written, int) else None


def _descending(value: object, rising: bool = False) -> tuple[bool, object]:
    if value is None:
        return (True, 0)
    if isinstance(value, int | float):
        return (False, value if rising else -value)
    return (False, value if isinstance(value, str) else str(value))


# -- the lines around a table -----------------------------------------------------------------
