"""What is a table of a document? Rows with columns, and how it gives way where there's no room.

Rows are the subject's own objects, so that people get a column's `text` and machines its `exact`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Literal, cast

from cnnscope.analyzer.render.columns import Column, Row, default_columns
from cnnscope.analyzer.values.plain_class import dataclass

#: a word for how a text is coloured where there are colours
Tone = Literal["", "heading", "dim", "label", "op", "good", "bad", "info", "warning", "error"]
#: what a table does where there's no room for it
Narrow = Literal["drop", "grow", "shorten", "below", "split"]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with columns; `table` makes one, of rows and columns that go together.

    Args:
        columns: every column, as machines get them.
        rows: the subject's own objects.
        narrow: what happens where there's no room: the least important columns are *drop*ped; nothing is,
            the table *grow*s; texts are *shorten*ed; or the last column's texts go on *below*;
            or some columns follow in a second table (*split*), the first column and the one after it in both.
        chosen: the columns were asked for: people get these, not the usual ones among them.
        tone: of a row.
        more: what isn't shown, in words.
        recorded: the rows for machines, where theirs have another order.
        prose: columns whose text is Markdown already.
        dense: Markdown's rule without blanks.
    """

    columns: Sequence[Column[object]]
    rows: Sequence[object]
    narrow: Narrow = "drop"
    chosen: bool = False
    tone: Callable[[object], Tone] | None = None
    more: str = ""
    recorded: Sequence[object] | None = None
    prose: Collection[str] = ()
    dense: bool = False

    @property
    def seen(self) -> Sequence[Column[object]]:
        """The columns that people see."""
        return self.columns if self.chosen else default_columns(self.columns, self.rows)


def table(
    columns: Sequence[Column[Row]],
    rows: Sequence[Row],
    narrow: Narrow = "drop",
    *,
    chosen: bool = False,
    tone: Callable[[Row], Tone] | None = None,
    more: str = "",
    recorded: Sequence[Row] | None = None,
    prose: Collection[str] = (),
    dense: bool = False,
) -> Table:
    """A table, of columns that are columns of its rows."""
    return Table(
        cast("Sequence[Column[object]]", columns), rows, narrow, chosen,
        cast("Callable[[object], Tone] | None", tone), more, recorded, prose, dense,
    )  # fmt: skip


def text_table(
    titles: Sequence[str],
    right: Sequence[bool],
    rows: Sequence[tuple[str, ...]],
    narrow: Narrow = "shorten",
    least: int = 12,
) -> Table:
    """A table of finished texts: which columns are numbers, and how short a text may become."""
    columns = [
        _text_column(i, title, numbers, least)
        for i, (title, numbers) in enumerate(zip(titles, right, strict=True))
    ]
    return table(columns, rows, narrow)


def _text_column(position: int, title: str, numbers: bool, least: int) -> Column[tuple[str, ...]]:
    def text(row: tuple[str, ...]) -> str:
        return row[position]

    shortest = None if numbers else least
    return Column(str(position), title, text, text, numbers, importance=1, least=shortest)
