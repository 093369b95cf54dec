"""A total against the size of the input, at sizes that are valid."""

from __future__ import annotations

from matplotlib.axes import Axes

from cnnscope.analyzer.charts.sizes import SizesChart
from cnnscope.analyzer.render.plots.style import BLUE, RED, amounts, label, literal, title
from cnnscope.analyzer.values.notation import count, nbytes


def draw(chart: SizesChart, axes: Axes) -> None:
    """A mark for each size, the model's own told apart."""
    lengths, values = chart.numbers("length"), chart.numbers(chart.metric)
    axes.plot(lengths, values, "-", marker=".", color=BLUE, linewidth=1.2, markersize=5)
    for length, value in zip(lengths, values, strict=True):
        if length == chart.own and value == value:
            axes.plot([length], [value], marker="o", color=RED, markersize=6, zorder=3)
            write = nbytes if "bytes" in chart.metric else count
            axes.annotate(
                f"{write(round(value))} at {round(length)}", (length, value), xytext=(-6, 6),
                textcoords="offset points", ha="right", fontsize="small",
            )  # fmt: skip
    axes.set_ylim(bottom=0)
    amounts(axes.yaxis, chart.metric)
    axes.set_ylabel(chart.title.partition(" by ")[0])
    literal(axes.set_xlabel(" = ".join(label(x, 20) for x in chart.dims)))
    title(axes, chart.title)
