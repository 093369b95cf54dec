"""Costs: a bar for each layer in running order, coloured by its family; or a bar for each group."""

from __future__ import annotations

import math
from typing import Final, cast

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from cnnscope.analyzer.charts.chart import numbers
from cnnscope.analyzer.charts.cost import WORDS, CostChart
from cnnscope.analyzer.render.plots.depth import depth
from cnnscope.analyzer.render.plots.style import (
    BLACK,
    BLUE,
    COLORS,
    GREY,
    amounts,
    legend,
    named_ticks,
    title,
)
from cnnscope.analyzer.values.notation import many

#: groups with a bar of their own; families with a colour of their own
_GROUPS, _FAMILIES = 20, 5
_UNKNOWN: Final = "not known"


def draw(chart: CostChart, axes: Axes) -> None:
    """The bars."""
    if chart.by == "layer":
        _layers(chart, axes)
    else:
        _groups(chart, axes)
    title(axes, chart.title)


def _layers(chart: CostChart, axes: Axes) -> None:
    totals: dict[str, float] = {}
    for row, value in zip(chart.rows, chart.numbers(chart.metric), strict=True):
        totals[str(row["family"])] = totals.get(str(row["family"]), 0) + (
            0 if math.isnan(value) else value
        )
    largest = sorted((x for x in totals if totals[x]), key=lambda x: -totals[x])
    told = largest if len(largest) <= _FAMILIES + 1 else largest[:_FAMILIES]
    entries: list[tuple[Artist, str]] = []
    for color, family in zip(COLORS, told, strict=False):
        entries.append((_bars(chart, axes, {family}, color), family))
    if set(largest) - set(told):
        entries.append((_bars(chart, axes, set(totals) - set(told), GREY), "others"))
    unknown = [row for row in chart.rows if row[chart.metric] is None]
    if unknown:
        places = numbers(unknown, "index")
        found = axes.scatter(places, [0] * len(places), marker="x", s=14, color=BLACK, zorder=3)
        found.set_clip_on(False)
        entries.append((found, _UNKNOWN))
    depth(axes, chart.rows)
    amounts(axes.yaxis, chart.metric)
    axes.set_ylabel(WORDS[chart.metric])
    legend(axes, entries)


def _bars(chart: CostChart, axes: Axes, families: set[str], color: str) -> Artist:
    rows = [
        row for row in chart.rows if row["family"] in families and row[chart.metric] is not None
    ]
    # Side by side; where there are few, with room between them.
    wide = 0.8 if len(chart.rows) < 150 else 1.0
    heights = numbers(rows, chart.metric)
    bars = axes.bar(numbers(rows, "index"), heights, width=wide, color=color)
    return cast("Artist", bars.patches[0])


def _groups(chart: CostChart, axes: Axes) -> None:
    rows = [row for row in chart.rows if row[chart.metric] is not None]
    if chart.by in ("op", "kind") or len(rows) > _GROUPS:  # else they stand as they run
        rows.sort(key=lambda row: -numbers([row], chart.metric)[0])
    shown, left = rows[:_GROUPS], rows[_GROUPS:]
    values, names = numbers(shown, chart.metric), [str(row["group"]) for row in shown]
    if left:
        values.append(math.fsum(numbers(left, chart.metric)))
        names.append(many(len(left), "other"))
    lost = len(chart.rows) - len(rows)
    places = range(len(values))
    axes.barh(places, values, height=0.7, color=[BLUE] * len(shown) + [GREY] * bool(left))
    axes.set_ylim(len(values) - 0.4, -0.6)
    named_ticks(axes.yaxis, places, names)
    amounts(axes.xaxis, chart.metric)
    said = f"; of {many(lost, 'group')} not known" if lost else ""
    axes.set_xlabel(f"{WORDS[chart.metric]}{said}")
