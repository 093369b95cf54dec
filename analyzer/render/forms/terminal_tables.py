"""How does a table give way in a terminal? By columns left out, by texts cut short or told below.

Everything is measured in cells, of which some characters take two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Flow
from cnnscope.analyzer.render.forms.terminal_grid import Grid
from cnnscope.analyzer.render.forms.terminal_lines import GAP, Line, flowing
from cnnscope.analyzer.render.forms.terminal_names import cells, fitted
from cnnscope.analyzer.render.tables import Narrow, Table
from cnnscope.analyzer.values.notation import middle

_COMFORTABLE = 24  # cells for a text before others are shortened
_CORE = 60  # columns as important as this stay where names are cut
_NAMES = 0.4  # of the width is for names before those go, too
_BESIDE = 40  # cells that a long text needs to go on in its own column
_HEADING = 28  # cells for a title of a table that is split
_BELOW = Flow("    ", "      ", units=True, even=True)


def table_lines(table: Table, width: int | None) -> Iterator[Line]:
    """A table, laid out for so many cells; for a file (None) with all that is in its usual columns.

    A line is made when it is asked for.
    """
    grid = Grid.of(table)
    tones = [table.tone(row) for row in table.rows] if table.tone is not None else []
    if width is not None and table.narrow == "below":
        yield from _below(grid, width, tones)
    else:
        lines = _wide(grid) if width is None else _WAYS[table.narrow](grid, width)
        if tones:
            lines = list(lines)
            for position, tone in enumerate(tones, len(lines) - len(tones)):
                lines[position] = _toned(lines[position], tone)
        yield from lines
    if table.more:
        more = f"... {table.more}"
        yield [(more if width is None else middle(more, width), "dim")]


def _toned(line: Line, tone: str) -> Line:
    return [(text, tone) for text, _ in line]


# -- columns are left out ---------------------------------------------------------------------


def _dropped(grid: Grid, width: int) -> Iterable[Line]:
    """The least important columns go, then names are cut, then more columns go."""
    everything = range(len(grid.columns))
    natural = {i: grid.natural(i) for i in everything}
    least = {i: natural[i] if i in grid.keys else grid.least(i) for i in everything}

    def rank(position: int) -> tuple[int, int]:
        return grid.columns[position].importance, -position

    def takes(positions: Sequence[int]) -> int:
        return sum(least[i] for i in positions) + len(GAP) * (len(positions) - 1)

    kept = list(everything)
    while takes(kept) > width and any(rank(i)[0] < _CORE for i in kept):
        kept.remove(min(kept, key=rank))
    if takes(kept) > width:
        for i in grid.keys:
            enough = max(grid.least(i), int(width * _NAMES))
            least[i] = min(natural[i], grid.good(i), enough)
    if takes(kept) > width:
        chosen: list[int] = []
        for i in sorted(kept, key=rank, reverse=True):
            if not chosen or takes([*chosen, i]) <= width:
                chosen.append(i)
        kept = sorted(chosen)
    if len(kept) == 1 and width < takes(kept):
        least[kept[0]] = max(1, width)
    room = width - takes(kept)
    order = sorted(kept, key=rank, reverse=True)
    # Where names are cut, other texts first get a little, too; then names, then each in turn.
    cut = any(least[i] < natural[i] for i in kept if i in grid.keys)
    others = [i for i in kept if i not in grid.keys and natural[i] <= _COMFORTABLE]
    rounds = ((others, width), (grid.keys, width), (kept, _COMFORTABLE), (kept, width))
    for these, most in rounds if cut else rounds[1:]:
        for i in order:
            if i in these:
                extra = max(0, min(room, natural[i] - least[i], most - least[i]))
                room -= extra
                least[i] += extra
    return _columns(grid, {i: least[i] for i in kept})


def _wide(grid: Grid, width: int = 0) -> Iterable[Line]:
    """Every column, the table as wide as it takes."""
    return _columns(grid, {i: grid.natural(i) for i in range(len(grid.columns))})


def _columns(grid: Grid, sizes: Mapping[int, int]) -> Iterator[Line]:
    columns = grid.columns
    yield _line([(columns[i].title, "heading") for i in sizes], columns, sizes)
    yield [(GAP.join("-" * size for size in sizes.values()), "rule")]
    for row in grid.cut(sizes):
        styled = [(row[i], _style(columns[i], row[i])) for i in sizes]
        yield _line(styled, columns, sizes)


def _style(column: Column[object], text: str) -> str:
    """Nothing, where a figure is wanted, is seen less than something."""
    if column.right:
        return "dim" if text.rstrip() in ("0", "-", "0 B", "0 s", "0 %") else ""
    return "op" if column.name == "op" else ""


def _line(
    styled: Sequence[tuple[str, str]], columns: Sequence[Column[object]], sizes: Mapping[int, int]
) -> Line:
    line: Line = []
    for (text, style), (i, size) in zip(styled, sizes.items(), strict=True):
        text = fitted(text, size)
        blank = " " * (size - cells(text))
        last = len(line) == len(sizes) - 1
        body = blank + text if columns[i].right else text + ("" if last else blank)
        line.append((body + ("" if last else GAP), style))
    return line


# -- texts are cut short ----------------------------------------------------------------------


def _shortened(grid: Grid, width: int) -> list[Line]:
    """The widest texts are shortened; row by row where there's no room for that."""
    columns = grid.columns
    shown = [i for i, c in enumerate(columns) if c.title or any(grid.column(i))]
    sizes = _squeezed(grid, shown, width)
    if sizes is None:
        return _row_by_row(grid, shown, width)
    lines = [_cells([c.title for c in columns], columns, sizes, "dim")]
    return lines + [_cells(row, columns, sizes, "") for row in grid.cut(sizes)]


def _squeezed(grid: Grid, shown: Sequence[int], width: int) -> dict[int, int] | None:
    """How many cells each column gets: the widest texts give, names last; None where that isn't enough."""
    sizes = {i: grid.natural(i) for i in shown}
    over = sum(sizes.values()) + len(GAP) * (len(shown) - 1) - width
    if over <= 0:
        return sizes
    others = {i: grid.columns[i].least or sizes[i] for i in shown if i not in grid.keys}
    named = {i: grid.columns[i].least or sizes[i] for i in shown if i in grid.keys}
    for floors in (others, {i: max(n, grid.good(i)) for i, n in named.items()}, named):
        while over > 0:
            spare = [i for i, floor in floors.items() if sizes[i] > floor]
            if not spare:
                break
            sizes[max(spare, key=lambda i: sizes[i])] -= 1
            over -= 1
    return None if over > 0 else sizes


def _row_by_row(grid: Grid, shown: Sequence[int], width: int) -> list[Line]:
    lines: list[Line] = []
    for row in grid.rows:
        told = ", ".join(f"{grid.columns[i].title} {row[i]}".strip() for i in shown if row[i])
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


def _below(grid: Grid, width: int, tones: Sequence[str]) -> Iterator[Line]:
    """A long text goes on in its column, or stands below its row; names are shortened."""
    found = _in_columns(grid, width)
    if found is None:
        flow = Flow(rest=GAP, units=True, even=True)
        sentences = (_sentence(grid.columns, row) for row in grid.rows)
        found = [], [[[(part, "")] for part in flowing(x, width, flow)] for x in sentences]
    head, rows = found
    yield from head
    for lines, tone in zip(rows, tones or [""] * len(rows), strict=True):
        yield from (_toned(line, tone) for line in lines)


def _in_columns(grid: Grid, width: int) -> tuple[list[Line], list[list[Line]]] | None:
    """The lines of its head, and those of each row; None where there's no room for columns."""
    columns = grid.columns
    last = len(columns) - 1
    natural = [grid.natural(i) for i in range(len(columns))]
    over = sum(natural) + len(GAP) * last - width
    if last and not columns[-1].right and natural[-1] - over < min(natural[-1], _BESIDE):
        # Too little is left for the last column: its texts go below their rows.
        found = _in_columns(grid.without_last(), width)
        if found is not None:
            for lines, row in zip(found[1], grid.rows, strict=True):
                told = flowing(row[-1], width, _BELOW) if row[-1] else []
                lines += [[(part, "")] for part in told]
            return found
    sizes = _squeezed(grid, range(len(columns)), width)
    if sizes is None:
        return None
    head: list[Line] = [
        [(text, "heading")] for text in _going_on(columns, [c.title for c in columns], sizes)
    ]
    head.append([(GAP.join("-" * size for size in sizes.values()), "rule")])
    whole = columns[-1].right
    rows = grid.cut(sizes if whole else {i: sizes[i] for i in sizes if i != last})
    return head, [[[(text, "")] for text in _going_on(columns, row, sizes)] for row in rows]


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


def _split(grid: Grid, width: int) -> list[Line]:
    """As many columns side by side as fit, the first two always among them."""
    columns, rows = grid.columns, grid.rows
    sizes = [
        max([min(cell_len(c.title), _HEADING), *(cell_len(row[i]) for row in rows)])
        for i, c in enumerate(columns)
    ]  # fmt: skip
    titles = [fitted(c.title, size) for c, size in zip(columns, sizes, strict=True)]
    lines: list[Line] = []
    for together in _fits(sizes, width):
        if lines:
            lines.append([])
        for row_texts, style in (
            (titles, "heading"), (["-" * size for size in sizes], "rule"), *((row, "") for row in rows)
        ):  # fmt: skip
            texts = [_set(row_texts[i], sizes[i], columns[i].right) for i in together]
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


_WAYS: Mapping[Narrow, Callable[[Grid, int], Iterable[Line]]] = {
    "drop": _dropped, "grow": _wide, "shorten": _shortened, "split": _split,
}  # fmt: skip
