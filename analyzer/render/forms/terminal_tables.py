"""How does a table give way in a terminal? By columns left out, by texts cut short or told below.

Everything is measured in cells, of which some characters take two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.cells import cell_len

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Flow
from cnnscope.analyzer.render.forms.terminal_lines import GAP, Line, fitted, flowing
from cnnscope.analyzer.render.tables import Narrow, Table
from cnnscope.analyzer.values.notation import middle

_COMFORTABLE = 24  # cells for a name before others are shortened
_BESIDE = 40  # cells that a long text needs to go on in its own column
_HEADING = 28  # cells for a title of a table that is split
_BELOW = Flow("    ", "      ", units=True, even=True)

Rows = Sequence[Sequence[str]]


def table_lines(table: Table, width: int) -> list[Line]:
    """A table, laid out for so many cells."""
    columns = table.seen
    cells = [[column.text(row) for column in columns] for row in table.rows]
    lines = _WAYS[table.narrow](columns, cells, width)
    if table.tone is not None:
        for position, row in enumerate(table.rows, len(lines) - len(cells)):
            tone = table.tone(row)
            lines[position] = [(text, tone) for text, _ in lines[position]]
    if table.more:
        lines.append([(middle(f"... {table.more}", width), "dim")])
    return lines


# -- columns are left out ---------------------------------------------------------------------


def _dropped(
    columns: Sequence[Column[object]], rows: Rows, width: int, *, drop: bool = True
) -> list[Line]:
    """First what may be shortened is, then the least important columns go."""
    places = {c.name: i for i, c in enumerate(columns)}
    natural = {
        c.name: max([cell_len(c.title), *(cell_len(row[places[c.name]]) for row in rows)])
        for c in columns
    }
    kept = list(columns)

    def least(column: Column[object]) -> int:
        full = natural[column.name]
        return full if column.least is None else min(full, max(column.least, len(column.title)))

    while drop and len(kept) > 1 and sum(map(least, kept)) + len(GAP) * (len(kept) - 1) > width:
        kept.remove(min(kept, key=lambda c: c.importance))
    room = width - len(GAP) * (len(kept) - 1) - sum(map(least, kept))
    widths = {column.name: least(column) for column in kept}
    for most in (_COMFORTABLE, width):  # a little for each before much for one
        for column in sorted(kept, key=lambda c: -c.importance):
            wanted = min(natural[column.name], most) - widths[column.name]
            extra = max(0, min(room, wanted))
            room -= extra
            widths[column.name] += extra
    if drop and len(kept) == 1:
        widths[kept[0].name] = min(widths[kept[0].name], max(1, width))
    lines: list[Line] = [_line([(c.title, c, "heading") for c in kept], widths)]
    lines.append([(GAP.join("-" * widths[c.name] for c in kept), "rule")])
    styled = [(c, places[c.name], "op" if c.name == "op" else "") for c in kept]
    lines += [_line([(row[i], c, style) for c, i, style in styled], widths) for row in rows]
    return lines


def _grown(columns: Sequence[Column[object]], rows: Rows, width: int) -> list[Line]:
    """Every column, the table as wide as it takes."""
    return _dropped(columns, rows, width, drop=False)


def _line(cells: list[tuple[str, Column[object], str]], widths: dict[str, int]) -> Line:
    line: Line = []
    for position, (text, column, style) in enumerate(cells):
        width = widths[column.name]
        text = fitted(text, width)
        blank = " " * (width - cell_len(text))
        last = position == len(cells) - 1
        body = blank + text if column.right else text + ("" if last else blank)
        line.append((body + ("" if last else GAP), style))
    return line


# -- texts are cut short ----------------------------------------------------------------------


def _shortened(columns: Sequence[Column[object]], rows: Rows, width: int) -> list[Line]:
    """The widest texts are shortened; row by row where there's no room for that."""
    shown = [i for i, c in enumerate(columns) if c.title or any(row[i] for row in rows)]
    sizes = _squeezed(columns, rows, shown, width)
    if sizes is None:
        return _row_by_row(columns, rows, shown, width)
    lines = [_cells([c.title for c in columns], columns, sizes, "dim")]
    return lines + [_cells(row, columns, sizes, "") for row in rows]


def _squeezed(
    columns: Sequence[Column[object]], rows: Rows, shown: Sequence[int], width: int
) -> dict[int, int] | None:
    """How many cells each column gets: the widest texts give; None where that isn't enough."""
    sizes = {
        i: max([cell_len(columns[i].title), *(cell_len(row[i]) for row in rows)]) for i in shown
    }  # fmt: skip
    over = sum(sizes.values()) + len(GAP) * (len(shown) - 1) - width
    while over > 0:
        spare = [i for i in shown if sizes[i] > (columns[i].least or sizes[i])]
        if not spare:
            return None
        sizes[max(spare, key=lambda i: sizes[i])] -= 1
        over -= 1
    return sizes


def _row_by_row(
    columns: Sequence[Column[object]], rows: Rows, shown: Sequence[int], width: int
) -> list[Line]:
    lines: list[Line] = []
    for row in rows:
        told = ", ".join(f"{columns[i].title} {row[i]}".strip() for i in shown if row[i])
        lines += [[(part, "")] for part in flowing(told, width, Flow(rest=GAP, even=True))]
    return lines


def _cells(
    row: Sequence[str], columns: Sequence[Column[object]], sizes: Mapping[int, int], style: str
) -> Line:
    texts = [_set(fitted(row[i], size), size, columns[i].right) for i, size in sizes.items()]
    return [(GAP.join(texts).rstrip(), style)]


def _set(text: str, size: int, right: bool) -> str:
    blank = " " * (size - cell_len(text))
    return blank + text if right else text + blank


# -- the last column's texts go on below ------------------------------------------------------


def _below(columns: Sequence[Column[object]], rows: Rows, width: int) -> list[Line]:
    """Names are shortened, and a long text goes on in its column, or stands below its row."""
    shown = range(len(columns))
    last = len(columns) - 1
    natural = [
        max([cell_len(columns[i].title), *(cell_len(row[i]) for row in rows)]) for i in shown
    ]
    over = sum(natural) + len(GAP) * last - width
    if not columns[-1].right and natural[-1] - over < min(natural[-1], _BESIDE):
        # Too little is left for the last column: its texts go below their rows.
        head, *laid_out = _below(columns[:-1], [row[:-1] for row in rows], width)
        if laid_out and laid_out[0][0][1] == "rule":  # in columns
            lines = [head, laid_out[0]]
            for line, row in zip(laid_out[1:], rows, strict=True):
                told = flowing(row[-1], width, _BELOW) if row[-1] else []
                lines += [line, *([(part, "")] for part in told)]
            return lines
    sizes = _squeezed(columns, rows, shown, width)
    if sizes is None:
        flow = Flow(rest=GAP, units=True, even=True)
        sentences = (_sentence(columns, row) for row in rows)
        return [[(part, "")] for text in sentences for part in flowing(text, width, flow)]
    lines = [[(text, "heading")] for text in _going_on(columns, [c.title for c in columns], sizes)]
    lines.append([(GAP.join("-" * size for size in sizes.values()), "rule")])
    return lines + [[(text, "")] for row in rows for text in _going_on(columns, row, sizes)]


def _going_on(
    columns: Sequence[Column[object]], row: Sequence[str], sizes: Mapping[int, int]
) -> Iterator[str]:
    """A row's lines. Of its last column, if that is a text, what doesn't fit goes on below."""
    last = len(row) - 1
    below: list[str] = []
    cells = []
    for i, size in sizes.items():
        text = fitted(row[i], size)
        if i == last and not columns[i].right:
            text, *below = flowing(row[i], max(1, size), Flow(units=True))
        cells.append(_set(text, size, columns[i].right))
    yield GAP.join(cells).rstrip()
    indent = " " * (sum(sizes.values()) - sizes[last] + len(GAP) * last)
    yield from (indent + text for text in below)


def _sentence(columns: Sequence[Column[object]], row: Sequence[str]) -> str:
    """A row as a sentence, for want of columns."""
    head, *cells = (
        f"{column.title} {text}" if column.title and column.right else text
        for column, text in zip(columns, row, strict=True)
    )
    told = [text for text, cell in zip(cells, row[1:], strict=True) if cell]
    return f"{head}: {', '.join(told)}" if told else head


# -- columns follow in further tables ---------------------------------------------------------


def _split(columns: Sequence[Column[object]], rows: Rows, width: int) -> list[Line]:
    """As many columns side by side as fit, the first two always among them."""
    sizes = [
        max([min(cell_len(c.title), _HEADING), *(cell_len(row[i]) for row in rows)])
        for i, c in enumerate(columns)
    ]  # fmt: skip
    titles = [fitted(c.title, size) for c, size in zip(columns, sizes, strict=True)]
    lines: list[Line] = []
    for together in _fits(sizes, width):
        if lines:
            lines.append([])
        for cells, style in (
            (titles, "heading"), (["-" * size for size in sizes], "rule"), *((row, "") for row in rows)
        ):  # fmt: skip
            texts = [_set(cells[i], sizes[i], columns[i].right) for i in together]
            lines.append([(fitted(GAP.join(texts), width), style)])
    return lines


def _fits(sizes: Sequence[int], width: int) -> list[list[int]]:
    """Which columns stand side by side: the first two, and as many more as there's room for."""
    if len(sizes) <= 2:
        return [list(range(len(sizes)))]
    tables: list[list[int]] = []
    left = 0
    for i in range(2, len(sizes)):
        needed = len(GAP) + sizes[i]
        if not tables or needed > left:
            tables.append([0, 1])
            left = width - sizes[0] - len(GAP) - sizes[1]
        tables[-1].append(i)
        left -= needed
    return tables


_WAYS: Mapping[Narrow, Callable[[Sequence[Column[object]], Rows, int], list[Line]]] = {
    "drop": _dropped, "grow": _grown, "shorten": _shortened, "below": _below, "split": _split,
}  # fmt: skip
