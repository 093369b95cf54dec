"""Which columns are there, what is in them for people and for machines, and which rows are shown?

A `Column` is one fact of a row, whatever the row is: a layer, an operator's totals, an operator
that is covered. Renderers know columns and rows, not layers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from cnnscope.analyzer.report.column_names import resolved
from cnnscope.analyzer.values.plain_class import dataclass

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
        names: its texts are names, of this: cut short, those of different things stay different.
        beside: what stands beside a name anyway, such as its operator: at its end it goes first.
        forms: its text and shorter ones, as many for each row: it is shown in one of them, or not at all.
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
    names: Callable[[Row], Hashable] | None = None
    beside: Callable[[Row], str] | None = None
    forms: Callable[[Row], Sequence[str]] | None = None


# -- layers -----------------------------------------------------------------------------------


# -- groups of layers, and operators ------------------------------------------------------------


# -- choosing ---------------------------------------------------------------------------------


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
    return [known[resolved(wanted, known)] for wanted in names]


def sort_key(key: str | None, columns: Sequence[Column[Row]]) -> str | None:
    """The name of the column that rows are sorted by; None where they aren't.

    Raises:
        ValueError: there is no such column to sort by.
    """
    names = [column.name for column in columns if not column.name.endswith("_status")]
    return None if key is None else resolved(key, names, "sort key")


def sorted_rows(
    rows: Sequence[Row], columns: Sequence[Column[Row]], key: str | None, top: int | None
) -> list[Row]:
    """The rows by a column, numbers from the largest, what isn't known last; the first so many.

    Raises:
        ValueError: there is no such column to sort by.
    """
    found = list(rows)
    wanted = sort_key(key, columns)
    for column in columns:
        if column.name == wanted:
            order = column.order or column.exact
            rising = column.name == "index"
            found.sort(key=lambda x: _descending(order(x), rising))
    return found if top is None else found[:top]


def _descending(value: object, rising: bool = False) -> tuple[bool, object]:
    if value is None:
        return (True, 0)
    if isinstance(value, int | float):
        return (False, value if rising else -value)
    return (False, value if isinstance(value, str) else str(value))


# -- the lines around a table -----------------------------------------------------------------
