"""Activations alive over the running order, those of the peak told apart."""

from __future__ import annotations

from itertools import accumulate

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from cnnscope.analyzer.charts.chart import numbers
from cnnscope.analyzer.charts.memory import OTHER, MemoryChart
from cnnscope.analyzer.render.plots.depth import depth
from cnnscope.analyzer.render.plots.style import (
    BLACK,
    COLORS,
    PALE,
    amounts,
    label,
    legend,
    literal,
    title,
)
from cnnscope.analyzer.values.notation import nbytes


def draw(chart: MemoryChart, axes: Axes) -> None:
    """A layer over another for each part, and a line for all."""
    by_part = {part: [row for row in chart.rows if row["part"] == part] for part in chart.parts}
    first = by_part[chart.parts[0]]
    places, whole = numbers(first, "index"), numbers(first, "alive_bytes")
    heights = [numbers(rows, "nbytes") for rows in by_part.values()]
    levels = list(accumulate(heights, lambda a, b: [x + y for x, y in zip(a, b, strict=True)]))
    entries: list[tuple[Artist, str]] = []
    under = [0.0] * len(places)
    for part, level, color in zip(
        chart.parts, levels, (*COLORS[: len(levels) - 1], PALE), strict=True
    ):
        area = axes.fill_between(places, under, level, step="mid", color=color, linewidth=0)
        if part != OTHER or level != under:
            entries.append((area, part))
        under = level
    axes.plot(places, whole, drawstyle="steps-mid", color=BLACK, linewidth=0.8)
    depth(axes, chart.rows)
    amounts(axes.yaxis, "bytes")
    axes.set_ylim(0, max(x for x in whole if x == x) * 1.12)
    axes.set_ylabel("activations alive")
    legend(axes, entries)
    _peak(chart, axes)
    title(axes, chart.title)


def _peak(chart: MemoryChart, axes: Axes) -> None:
    row = next(row for row in chart.rows if row["index"] == chart.peak)
    (height,) = numbers([row], "alive_bytes")
    beyond = chart.peak > axes.get_xlim()[1] / 2
    said = f"{nbytes(round(height))} at {label(str(row['layer']), 36)}"
    literal(
        axes.annotate(
            said, (chart.peak, height), xytext=(-4 if beyond else 4, 6), textcoords="offset points",
            ha="right" if beyond else "left", fontsize="small",
        )
    )  # fmt: skip
    axes.plot([chart.peak], [height], marker="v", color=BLACK, markersize=4, clip_on=False)
