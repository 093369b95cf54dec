"""Roofline: what each kernel reaches under what the machine can do, both axes by powers of ten.

Williams, Waterman & Patterson, *Roofline: an insightful visual performance model for multicore
architectures*, CACM 52(4), 2009.
"""

from __future__ import annotations

from typing import Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from cnnscope.analyzer.charts.chart import Row, numbers
from cnnscope.analyzer.charts.roofline import RooflineChart
from cnnscope.analyzer.render.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    RED,
    label,
    legend,
    literal,
    short,
    title,
)
from cnnscope.analyzer.values.notation import rate

#: bound, colour, mark: told by more than colour
_BOUNDS: Final = (
    ("compute", RED, "o"), ("memory", BLUE, "s"), ("overhead", GREEN, "^"), (None, GREY, "D"),
)  # fmt: skip
#: points as large as the time they stand for, in points squared
_LEAST, _MOST = 10.0, 160.0


def draw(chart: RooflineChart, axes: Axes) -> None:
    """The roof, and a point for each kernel or layer that computes something."""
    rows = [row for row in chart.rows if row["intensity"] and row["flop_rate"]]
    axes.set_xscale("log")
    axes.set_yscale("log")
    longest = max(numbers(rows, "seconds"), default=1.0)
    entries: list[tuple[Artist, str]] = []
    for bound, color, mark in _BOUNDS:
        these = [row for row in rows if row["bound"] == bound]
        if these:
            said = f"{bound}-bound" if bound else "bound not known"
            entries.append((_points(axes, these, longest, color, mark), said))
    _roof(chart, axes, rows)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(10, numticks=8))
        axis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda x, _: short(rate(x, ""))))
    axes.set_xlabel("FLOP per byte read or written")
    axes.set_ylabel("FLOP/s reached" if chart.measured else "FLOP/s at best")
    legend(axes, entries, loc="lower right", ncols=1, title="area: time", title_fontsize="small")
    title(axes, chart.title)


def _points(axes: Axes, rows: list[Row], longest: float, color: str, mark: str) -> Artist:
    areas = [_LEAST + (_MOST - _LEAST) * x / longest for x in numbers(rows, "seconds")]
    return axes.scatter(
        numbers(rows, "intensity"), numbers(rows, "flop_rate"), s=areas, color=color, marker=mark,
        alpha=0.6, linewidths=0, zorder=3,
    )  # fmt: skip


def _roof(chart: RooflineChart, axes: Axes, rows: list[Row]) -> None:
    """A slope for bytes, a ceiling for each rate of arithmetic."""
    ridges = [found / chart.byte_rate for found in chart.flop_rates.values()]
    intensities = numbers(rows, "intensity")
    low = min([*intensities, min(ridges)]) / 2
    high = max([*intensities, max(ridges)]) * 3
    top = max(ridges)
    axes.plot(
        [low, top], [low * chart.byte_rate, top * chart.byte_rate], color=BLACK, linewidth=1.2
    )
    for what, found in chart.flop_rates.items():
        axes.plot([found / chart.byte_rate, high], [found, found], color=BLACK, linewidth=1.2)
        said = rate(found, "FLOP/s") + (f" {label(what, 20)}" if chart.measured else "")
        literal(
            axes.annotate(
                said, (high, found), xytext=(0, 9), textcoords="offset points", ha="right",
                fontsize="small",
            )
        )  # fmt: skip
    axes.annotate(
        rate(chart.byte_rate, "B/s"), (low, low * chart.byte_rate), xytext=(14, -4),
        textcoords="offset points", fontsize="small",
    )  # fmt: skip
    axes.set_xlim(low, high)
    axes.set_ylim(top=max(chart.flop_rates.values()) * 4)
