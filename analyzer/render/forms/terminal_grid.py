"""How much room does each column of a table take, and what stands in it where it gets less?"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.forms.terminal_names import apart, comfortable, fitted
from cnnscope.analyzer.render.tables import Table


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's texts, and for each column how much room it takes.

    Args:
        columns: those that people see.
        rows: a text for each column.
        keys: of columns that name things, by position: what each text stands for.
        beside: and what stands beside it.
        forms: of columns that are never cut, by position: each row's texts, ever shorter ones.
    """

    columns: Sequence[Column[object]]
    rows: Sequence[Sequence[str]]
    keys: Mapping[int, Sequence[Hashable]]
    beside: Mapping[int, Sequence[str]]
    forms: Mapping[int, Sequence[Sequence[str]]]

    @classmethod
    def of(cls, table: Table) -> Grid:
        columns = table.seen
        texts = [[c.text(row) for row in table.rows] for c in columns]
        texts = [aligned(t) if c.right else t for c, t in zip(columns, texts, strict=True)]
        keys = {i: [c.names(row) for row in table.rows] for i, c in enumerate(columns) if c.names}
        beside = {
            i: [c.beside(row) for row in table.rows] for i, c in enumerate(columns) if c.beside
        }
        rows = list(zip(*texts, strict=True)) if columns else []
        forms = {i: [c.forms(row) for row in table.rows] for i, c in enumerate(columns) if c.forms}
        return cls(columns, rows, keys, beside, forms)

    def without_last(self) -> Grid:
        last = len(self.columns) - 1
        keys = {i: found for i, found in self.keys.items() if i != last}
        rows = [row[:-1] for row in self.rows]
        return Grid(self.columns[:-1], rows, keys, self.beside, self.forms)

    def column(self, position: int) -> list[str]:
        return [row[position] for row in self.rows]

    def natural(self, position: int) -> int:
        """Cells in which nothing of a column is cut."""
        title = cell_len(self.columns[position].title)
        return max([title, *map(cell_len, self.column(position))])

    def least(self, position: int) -> int:
        """The fewest cells that a column may be given."""
        column, natural = self.columns[position], self.natural(position)
        if self.forms.get(position):
            shortest = max(cell_len(forms[-1]) for forms in self.forms[position])
            return min(natural, max(shortest, cell_len(column.title)))
        if column.least is None:
            return natural
        return min(natural, max(column.least, len(column.title)))

    def good(self, position: int) -> int:
        """Cells in which names are different by whole steps; of other columns, the fewest they may get."""
        if position not in self.keys:
            return self.least(position)
        return max(
            self.least(position), comfortable(self.column(position), self.beside.get(position))
        )

    def cut(self, sizes: Mapping[int, int]) -> list[list[str]]:
        """The rows, each text in its column's cells; what differs still does, as long as that can be."""
        found: dict[int, list[str]] = {}
        for i, size in sizes.items():
            texts = self.column(i)
            if i in self.forms and size < self.natural(i):
                shorter = _form(self.forms[i], size)
                found[i] = aligned(shorter) if self.columns[i].right else shorter
            elif i in self.keys:
                tree = any(text.startswith(" ") for text in texts)  # it says where it stands
                found[i] = apart(
                    texts, self.keys[i], size, beside=self.beside.get(i), paths=not tree
                )
            elif self.columns[i].right:
                found[i] = [fitted(text, size) for text in texts]
            else:
                found[i] = apart(texts, texts, size, paths=False)
        return [
            [found[i][k] if i in found else text for i, text in enumerate(row)]
            for k, row in enumerate(self.rows)
        ]


def _form(rows: Sequence[Sequence[str]], size: int) -> list[str]:
    """Each row's text in the first form in which all of them fit."""
    forms = list(zip(*rows, strict=True))
    fitting = (form for form in forms if all(cell_len(text) <= size for text in form))
    return list(next(fitting, forms[-1]))


_FIGURE = re.compile(r"([^A-Za-z]*\d)( [A-Za-z%/]{1,7})?|[-?]|all")


def aligned(texts: Sequence[str]) -> list[str]:
    """Figures with blanks behind them where others have longer units: units stand below each other.

    >>> aligned(["9.41 k", "64", "1.00 MiB", "2*H"])
    ['9.41 k  ', '64    ', '1.00 MiB', '2*H']
    """
    parts = [_FIGURE.fullmatch(text) for text in texts]
    longest = max((len(part[2]) for part in parts if part and part[2]), default=0)
    return [
        text if part is None else text + " " * (longest - len(part[2] or ""))
        for text, part in zip(texts, parts, strict=True)
    ]
