"""How much room does each column of a table take, and what stands in it where it gets less?"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.forms.terminal_names import apart, cells, comfortable, fitted
from cnnscope.analyzer.render.tables import Table
from cnnscope.analyzer.values.plain_class import dataclass

#: so many different texts of a column are looked up, so that equal ones are one object
_SHARED = 4096


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's texts, and for each column how much room it takes.

    Args:
        columns: those that people see.
        texts: of each column, the rows' texts.
        widths: of each column, the cells in which nothing of it is cut.
        keys: of columns that name things, by position: what each text stands for.
        beside: and what stands beside it.
        forms: of columns that are never cut, by position: each row's texts, ever shorter ones, made when
            asked for.
    """

    columns: Sequence[Column[object]]
    texts: Sequence[Sequence[str]]
    widths: Sequence[int]
    keys: Mapping[int, Sequence[Hashable]]
    beside: Mapping[int, Sequence[str]]
    forms: Mapping[int, Callable[[], Iterable[Sequence[str]]]]

    @classmethod
    def of(cls, table: Table) -> Grid:
        columns = table.seen
        texts: list[list[str]] = [[] for _ in columns]
        shared: list[dict[str, str]] = [{} for _ in columns]
        each = [
            (column.text, found.append, None if column.names else known)
            for column, found, known in zip(columns, texts, shared, strict=True)
        ]
        # Row by row: what a row's texts are made of serves all of them, and need not be kept.
        for row in table.rows:
            for text_of, append, known in each:
                text = text_of(row)
                if known is not None:
                    if len(known) < _SHARED:
                        text = known.setdefault(text, text)
                    else:
                        text = known.get(text, text)
                append(text)
        texts = [aligned(t) if c.right else t for c, t in zip(columns, texts, strict=True)]
        widths = [
            max([cell_len(c.title), *map(cells, set(t))])
            for c, t in zip(columns, texts, strict=True)
        ]
        keys = {i: [c.names(row) for row in table.rows] for i, c in enumerate(columns) if c.names}
        beside = {
            i: [c.beside(row) for row in table.rows] for i, c in enumerate(columns) if c.beside
        }
        forms = {i: _forms(c.forms, table.rows) for i, c in enumerate(columns) if c.forms}
        return cls(columns, texts, widths, keys, beside, forms)

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """A text for each column."""
        return list(zip(*self.texts, strict=True))

    def without_last(self) -> Grid:
        last = len(self.columns) - 1
        keys = {i: found for i, found in self.keys.items() if i != last}
        return Grid(
            self.columns[:-1], self.texts[:-1], self.widths[:-1], keys, self.beside, self.forms
        )

    def column(self, position: int) -> Sequence[str]:
        return self.texts[position]

    def natural(self, position: int) -> int:
        """Cells in which nothing of a column is cut."""
        return self.widths[position]

    def least(self, position: int) -> int:
        """The fewest cells that a column may be given."""
        column, natural = self.columns[position], self.natural(position)
        if position in self.forms and self.texts[position]:
            shortest = max(cells(forms[-1]) for forms in self.forms[position]())
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

    def cut(self, sizes: Mapping[int, int]) -> Iterator[tuple[str, ...]]:
        """The rows, each text in its column's cells; what differs still does, as long as that can be."""
        found = dict(enumerate(self.texts))
        for i, size in sizes.items():
            texts = self.column(i)
            if i in self.forms and size < self.natural(i):
                shorter = _form(list(self.forms[i]()), size)
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
        return zip(*found.values(), strict=True)


def _forms(
    forms: Callable[[object], Sequence[str]], rows: Sequence[object]
) -> Callable[[], Iterable[Sequence[str]]]:
    return lambda: map(forms, rows)


def _form(rows: Sequence[Sequence[str]], size: int) -> list[str]:
    """Each row's text in the first form in which all of them fit."""
    forms = list(zip(*rows, strict=True))
    fitting = (form for form in forms if all(cells(text) <= size for text in form))
    return list(next(fitting, forms[-1]))


_FIGURE = re.compile(r"([^A-Za-z]*\d)( [A-Za-z%/]{1,7})?|[-?]|all")


def aligned(texts: Sequence[str]) -> list[str]:
    """Figures with blanks behind them where others have longer units: units stand below each other.

    >>> aligned(["9.41 k", "64", "1.00 MiB", "2*H"])
    ['9.41 k  ', '64    ', '1.00 MiB', '2*H']
    """
    parts = {text: _FIGURE.fullmatch(text) for text in texts}
    longest = max((len(part[2]) for part in parts.values() if part and part[2]), default=0)
    found = {
        text: text if part is None else text + " " * (longest - len(part[2] or ""))
        for text, part in parts.items()
    }
    return [found[text] for text in texts]
