"""Receptive fields against depth: along all paths, along those that don't collapse the axis, the smallest."""

from __future__ import annotations

from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from cnnscope.analyzer.charts.chart import Row, numbers
from cnnscope.analyzer.charts.field import FieldChart
from cnnscope.analyzer.render.plots.depth import depth
from cnnscope.analyzer.render.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    legend,
    title,
)

#: column, word, dashes: each line is told by more than its colour
_LINES: Final = (
    ("size", "all paths", "-"),
    ("local", "local", "--"),
    ("smallest", "smallest", ":"),
)
_OF_ONE: Final = (BLUE, RED, GREEN)
_OF_AXES: Final = (BLUE, RED, GREEN, PURPLE, ORANGE, GREY)


def draw(chart: FieldChart, axes: Axes) -> None:
    """The lines; the input's length as one that lies."""
    entries: list[tuple[Artist, str]] = []
    several = len(chart.lengths) > 1
    for number, (axis, length) in enumerate(chart.lengths.items()):
        rows = [row for row in chart.rows if row["axis"] == axis]
        own = _OF_AXES[number % len(_OF_AXES)]
        colors = (own,) * 3 if several else _OF_ONE
        for (key, word, dashes), color in zip(_LINES, colors, strict=True):
            if key == "local" and all(row["local"] == row["size"] for row in rows):
                continue
            said = f"{axis}: {word}" if several else word
            entries.append((_line(axes, rows, key, dashes, color), said))
        bounds = [row for row in rows if row["size"] is None and row["at_least"] is not None]
        if bounds:
            marks = axes.scatter(
                numbers(bounds, "index"), numbers(bounds, "at_least"), marker="^", s=14,
                facecolors="none", edgecolors=own, zorder=3,
            )  # fmt: skip
            entries.append((marks, f"{axis}: at least" if several else "at least"))
        if length is not None:
            lying = axes.axhline(length, color=own if several else BLACK, linewidth=0.8, alpha=0.7)
            entries.append((lying, f"{axis}: input, {length}" if several else f"input, {length}"))
    depth(axes, chart.rows)
    _scale(chart, axes)
    one = "" if several else f", along {next(iter(chart.lengths))}"
    axes.set_ylabel(f"input positions{one}")
    legend(axes, entries)
    title(axes, chart.title)


def _line(axes: Axes, rows: list[Row], key: str, dashes: str, color: str) -> Artist:
    places, sizes = numbers(rows, "index"), numbers(rows, key)
    # A lone layer is a dot, which no line is drawn for.
    lone = "." if len(rows) < 3 else ""
    return axes.plot(places, sizes, dashes, color=color, linewidth=1.5, marker=lone)[0]


def _scale(chart: FieldChart, axes: Axes) -> None:
    """Powers of two where fields range widely, as they do behind strides."""
    known = [x for key in ("size", "at_least") for x in chart.numbers(key) if x > 0]
    if known and max(known) > 16 * min(known):
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_locator(LogLocator(2, numticks=10))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=0)
