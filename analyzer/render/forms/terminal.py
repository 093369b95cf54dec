"""How does a report look in a terminal? A table that fits its width, then totals, then findings.

Lines are laid out here and handed to rich as finished segments: nothing is wrapped, nothing in a
name is taken for markup, and a thousand layers take milliseconds.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style

from cnnscope.analyzer.render.columns import (
    GROUP_COLUMNS,
    Column,
    chosen_columns,
    default_columns,
    diagnostic_lines,
    ends,
    field_lines,
    sorted_rows,
    title,
    total_lines,
)
from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.subjects.beside import (
    counted_as,
    group_with_convention,
    layer_columns,
    total_line,
)
from cnnscope.analyzer.report.groups import By, grouped
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import middle

if TYPE_CHECKING:
    from cnnscope.analyzer.counters.conventions import ConventionTotals

Row = TypeVar("Row")
#: a line: runs of text, each with the name of a style
Line = list[tuple[str, str]]

_GAP = "  "
_COMFORTABLE = 24  # cells for a name before others are shortened
_STYLES = {
    "heading": "bold", "rule": "dim", "dim": "dim", "label": "bold", "op": "cyan",
    "warning": "yellow", "error": "bold red", "info": "dim", "": "none",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a report is shown.

    Args:
        columns: those asked for; None: as many of the usual ones as fit.
        sort: the column to sort by.
        top: only so many rows.
        by: a row per operator, kind, module or block instead of one per layer.
        depth: of modules, how many steps below the path that all layers share.
        convention: show the work as this counter counts it, too.
    """

    columns: tuple[str, ...] | None = None
    sort: str | None = None
    top: int | None = None
    by: By | None = None
    depth: int | None = None
    convention: str | None = None


EVERYTHING = Shown()


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that are laid out anew for the width they're shown in: a rich renderable."""

    report: Report
    shown: Shown = EVERYTHING

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        yield from segments(report_lines(self.report, options.max_width, self.shown))


def segments(lines: Iterable[Line]) -> Iterator[Segment]:
    """Lines as rich takes them, finished."""
    styles = {key: Style.parse(text) for key, text in _STYLES.items()}
    for line in lines:
        for text, style in line:
            yield Segment(text, styles[style])
        yield Segment.line()


def report_table(report: Report, shown: Shown = EVERYTHING) -> Lines:
    """The report as something rich can print."""
    return Lines(report, shown)


def report_text(report: Report, width: int = 100, shown: Shown = EVERYTHING) -> str:
    """The report as plain text, no line longer than the width."""
    return text_of(report_lines(report, width, shown))


def text_of(lines: Iterable[Line]) -> str:
    """Lines as plain text, none of which a CI runner takes for a command."""
    text = "\n".join("".join(text for text, _ in line).rstrip() for line in lines)
    return without_commands(text)


def report_lines(report: Report, width: int, shown: Shown = EVERYTHING) -> list[Line]:
    """The whole report, laid out."""
    lines = _wrapped([("", title(report), "heading")], width)
    lines += _wrapped([(f"{kind:<8}", text, "dim") for kind, text in ends(report)], width)
    lines.append([])
    totals = counted_as(report, shown.convention)
    if shown.by is not None:
        groups = grouped(report, shown.by, shown.depth)
        columns = group_with_convention(GROUP_COLUMNS[shown.by], totals)
        lines += _rows(groups, columns, width, shown)
    else:
        lines += _rows(tuple(report.layers), layer_columns(report, totals), width, shown)
    lines.append([])
    lines += _summary(report, width, totals)
    found = diagnostic_lines(report)
    if found:
        lines.append([])
    for severity, text in found:
        lines += _wrapped([(f"{severity}: ", text, severity)], width)
    return lines


def _rows(
    rows: Sequence[Row], columns: tuple[Column[Row], ...], width: int, shown: Shown
) -> list[Line]:
    kept = sorted_rows(rows, columns, shown.sort, shown.top)
    if shown.columns is None:
        lines = table_lines(kept, default_columns(columns, kept), width)
    else:
        lines = table_lines(kept, chosen_columns(columns, shown.columns), width, drop=False)
    left = len(rows) - len(kept)
    if left:
        lines.append([(middle(f"... {left} more rows not shown", width), "dim")])
    return lines


def table_lines(
    rows: Sequence[Row], columns: Sequence[Column[Row]], width: int, *, drop: bool = True
) -> list[Line]:
    """A table no line of which is wider than the width.

    First what may be shortened is, then the least important columns go.

    Args:
        rows, columns: what to show.
        width: the most cells a line may take.
        drop: leave columns out where there's no room; else the table grows beyond the width.
    """
    cells = {c.name: [c.text(row) for row in rows] for c in columns}
    natural = {
        c.name: max([cell_len(c.title), *map(cell_len, cells[c.name])]) for c in columns
    }  # fmt: skip
    kept = list(columns)

    def least(column: Column[Row]) -> int:
        full = natural[column.name]
        return full if column.least is None else min(full, max(column.least, len(column.title)))

    while drop and len(kept) > 1 and sum(map(least, kept)) + len(_GAP) * (len(kept) - 1) > width:
        kept.remove(min(kept, key=lambda c: c.importance))
    room = width - len(_GAP) * (len(kept) - 1) - sum(map(least, kept))
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
    lines.append([(_GAP.join("-" * widths[c.name] for c in kept), "rule")])
    for i in range(len(rows)):
        lines.append(
            _line([(cells[c.name][i], c, "op" if c.name == "op" else "") for c in kept], widths)
        )
    return lines


def _line(cells: list[tuple[str, Column[Row], str]], widths: dict[str, int]) -> Line:
    line: Line = []
    for position, (text, column, style) in enumerate(cells):
        width = widths[column.name]
        text = fitted(text, width)
        blank = " " * (width - cell_len(text))
        last = position == len(cells) - 1
        body = blank + text if column.right else text + ("" if last else blank)
        line.append((body + ("" if last else _GAP), style))
    return line


def fitted(text: str, width: int) -> str:
    """The text, its middle left out where it takes more cells than there are."""
    if len(text) <= width and text.isascii():
        return text
    longest = width
    short = middle(text, longest)
    while cell_len(short) > width and longest:  # characters two cells wide
        longest -= 1
        short = middle(text, longest)
    return short


def conventions_text(report: Report, rows: Sequence[ConventionTotals], width: int) -> str:
    """The model's figures in several conventions, and what to know about them."""
    from cnnscope.analyzer.render.subjects.conventions import TOTAL_COLUMNS, remarks

    lines = _wrapped([("", title(report), "heading")], width)
    lines += [[], *table_lines(rows, default_columns(TOTAL_COLUMNS, rows), width)]
    for heading, texts in remarks(rows):
        lines += [[], *_wrapped([("", heading, "heading")], width), *listed(texts, width)]
    return text_of(lines) + "\n"


def listed_text(lines: Sequence[tuple[str, str]], width: int) -> str:
    """Labels, each with its text beside or below it."""
    return text_of(listed(lines, width)) + "\n"


def listed(texts: Sequence[tuple[str, str]], width: int, most: int = 16) -> list[Line]:
    lines: list[Line] = []
    indent = min(most, max(len(who) for who, _ in texts) + len(_GAP))
    for who, text in texts:
        if len(who) + len(_GAP) > indent:
            lines += _wrapped([("", f"{who}:", "label")], width)
            lines += _wrapped([(" " * indent, text, "")], width)
        else:
            lines += _wrapped([(f"{who:<{indent}}", text, "")], width)
    return lines


def _summary(report: Report, width: int, totals: ConventionTotals | None = None) -> list[Line]:
    rows = [*total_lines(report), *([total_line(totals)] if totals is not None else [])]
    label = max(len(name) for name, _, _ in rows)
    figure = max([len(text) for _, text, _ in rows if len(text) <= 12], default=8)
    lines: list[Line] = []
    for name, text, meaning in rows:
        head = f"{name:<{label}}{_GAP}"
        if len(text) <= figure and width >= 60:
            lines += _wrapped([(f"{head}{text:>{figure}}{_GAP}", meaning, "")], width)
        else:
            lines += _wrapped([(head, f"{text}: {meaning}", "")], width)
    for position, text in enumerate(field_lines(report)):
        head = "receptive field" if position == 0 else ""
        lines += _wrapped([(f"{head:<{label}}{_GAP}", text, "")], width)
    return lines


def _wrapped(rows: Iterable[tuple[str, str, str]], width: int) -> list[Line]:
    """Heads, each with a text that hangs beside it, broken to fit."""
    lines: list[Line] = []
    for head, text, style in rows:
        indent = len(head) if len(head) < width // 2 else 2
        parts = broken(text, max(1, width - len(head)), max(1, width - indent))
        lines.append([(fitted(head, width), "label"), (parts[0], style)])
        lines += [[(" " * indent, ""), (part, style)] for part in parts[1:]]
    return lines


def broken(text: str, first: int, rest: int) -> list[str]:
    """A text in lines: how many cells the first may take, and how many the others."""
    wrapper = textwrap.TextWrapper(
        width=rest, initial_indent=" " * max(0, rest - first), break_on_hyphens=False
    )  # fmt: skip
    parts = wrapper.wrap(text) or [""]
    parts[0] = parts[0][max(0, rest - first) :]
    if text.isascii():
        return parts
    return [piece for part in parts for piece in chop_cells(part, rest if rest < first else first)]
