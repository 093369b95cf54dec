"""How does a comparison look? A row per figure and a column per model, each with its ratio.

In a terminal as many models stand side by side as there's room for, the first one always among
them, since the ratios are to it; the others follow in further tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from cnnscope.analyzer.render.columns import MEANINGS, metric
from cnnscope.analyzer.render.forms.csv import cell, written
from cnnscope.analyzer.render.forms.markdown import grid
from cnnscope.analyzer.render.forms.terminal import Line, fitted, text_of
from cnnscope.analyzer.report.comparison import Compared, Comparison, Ratio
from cnnscope.analyzer.values.notation import count, name, ratio

_GAP = "  "
_LONGEST = 28  # cells for a model's name
_WRITERS: dict[str, tuple[str, Callable[[int], str]]] = {
    key: (label, write) for key, label, write, _ in MEANINGS
} | {"receptive_field": ("receptive field", str), "layers": ("layers", count)}
_BOUNDS = {"exact": "", "at least": ">= ", "at most": "<= "}


def ratio_text(found: Ratio | None) -> str:
    """A ratio to the first model.

    >>> ratio_text(Ratio(0.3412)), ratio_text(Ratio(2.0, "at least")), ratio_text(None)
    ('x0.341', '>= x2', '')
    """
    return "" if found is None else f"{_BOUNDS[found.bound]}x{ratio(found.value)}"


def comparison_lines(found: Comparison, width: int) -> list[Line]:
    """The comparison, laid out: no line is wider than the width."""
    names = [name(text) for text in found.names]
    rows = found.rows
    labels = [_WRITERS[row.key][0].strip() for row in rows]
    first = max(map(cell_len, labels))
    columns = [_column(rows, i) for i in range(len(names))]
    sizes = [
        max(cell_len(fitted(title, _LONGEST)), *(cell_len(text) for text in column))
        for title, column in zip(names, columns, strict=True)
    ]
    lines: list[Line] = []

    def add(label: str, cells: Sequence[tuple[str, int]], style: str) -> None:
        lines.append([(fitted(_line(label, cells, first), width), style)])

    for together in _fits(sizes, width - first):
        if lines:
            lines.append([])
        add("", [(fitted(names[i], sizes[i]), sizes[i]) for i in together], "heading")
        add("-" * first, [("-" * sizes[i], sizes[i]) for i in together], "rule")
        for position, label in enumerate(labels):
            add(label, [(columns[i][position], sizes[i]) for i in together], "")
    return lines


def _column(rows: Sequence[Compared], model: int) -> list[str]:
    """One model's figures, each with its ratio to the first model's behind it."""
    figures = [metric(row.figures[model], _WRITERS[row.key][1]) for row in rows]
    if model == 0:
        return figures
    ratios = [ratio_text(row.ratios[model]) for row in rows]
    room = max(map(len, ratios))
    return [f"{a}{_GAP}{b:<{room}}" if room else a for a, b in zip(figures, ratios, strict=True)]


def _fits(sizes: Sequence[int], room: int) -> list[list[int]]:
    """Which models stand side by side: the first, and as many more as there's room for."""
    if len(sizes) == 1:
        return [[0]]
    tables: list[list[int]] = []
    left = 0
    for i in range(1, len(sizes)):
        needed = len(_GAP) + sizes[i]
        if not tables or needed > left:
            tables.append([0])
            left = room - len(_GAP) - sizes[0]
        tables[-1].append(i)
        left -= needed
    return tables


def _line(label: str, cells: Sequence[tuple[str, int]], first: int) -> str:
    text = label + " " * (first - cell_len(label))
    for shown, size in cells:
        text += _GAP + " " * (size - cell_len(shown)) + shown
    return text


def comparison_text(found: Comparison, width: int = 100) -> str:
    """The comparison as plain text, no line longer than the width."""
    return text_of(comparison_lines(found, width))


def comparison_markdown(found: Comparison) -> str:
    """The comparison as a Markdown table under a heading."""
    names = [name(text) for text in found.names]
    titles = ["", *names]
    rows = [
        [
            _WRITERS[row.key][0].strip(),
            *(
                f"{metric(figure, _WRITERS[row.key][1])} {ratio_text(r) if i else ''}".strip()
                for i, (figure, r) in enumerate(zip(row.figures, row.ratios, strict=True))
            ),
        ]
        for row in found.rows
    ]
    return "## Comparison\n\n" + grid(titles, [False, *(True for _ in names)], rows) + "\n"


def comparison_csv(found: Comparison) -> str:
    """The comparison as CSV, a row per model: exact figures, their status, their ratios."""
    rows = found.flat()
    return written([list(rows[0]), *([cell(value) for value in row.values()] for row in rows)])
