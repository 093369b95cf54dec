"""An effective receptive field: the map, and the squares that hold shares of it."""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.patches import Rectangle

from cnnscope.analyzer.charts.effective import EffectiveChart
from cnnscope.analyzer.render.plots.style import BLUE, GREY, RED, figure_of, legend, title
from cnnscope.analyzer.values.notation import percent

#: how the squares are told apart, from the smallest on
_DASHES = (":", "--", "-")


def draw(chart: EffectiveChart, axes: Axes) -> None:
    """The map where the input is, or its line along one axis."""
    if chart.found.map.ndim == 1:
        _line(chart, axes)
    else:
        _map(chart, axes)
    title(axes, chart.title)


def _line(chart: EffectiveChart, axes: Axes) -> None:
    found = chart.found
    (spans,), (middle,), (axis,) = found.region, found.center, found.axes
    places = range(len(found.map))
    axes.fill_between(places, found.map, step="mid", color=BLUE, alpha=0.3, linewidth=0)
    axes.plot(places, found.map, drawstyle="steps-mid", color=BLUE, linewidth=1.2)
    entries: list[tuple[Artist, str]] = []
    for (share, side), dashes in zip(chart.sides.items(), _DASHES, strict=True):
        for end in (middle - side / 2, middle + side / 2):
            line = axes.axvline(end, color=RED, linestyle=dashes, linewidth=1)
        entries.append((line, f"{percent(share)} in {side}"))
    first, last = spans[0][0], spans[-1][1]
    seen = axes.axvspan(first - 0.5, last + 0.5, color=GREY, alpha=0.12, linewidth=0, zorder=0)
    entries.append((seen, f"seen: {last - first + 1}"))
    margin = 0.05 * (last - first + 1)
    axes.set_xlim(first - 0.5 - margin, last + 0.5 + margin)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"input axis {axis}")
    axes.set_ylabel("share of the whole")
    legend(axes, entries)


def _map(chart: EffectiveChart, axes: Axes) -> None:
    found = chart.found
    peak = float(found.map.max()) or 1.0
    # A root, so that the weak outskirts can be seen: the bar beside it says so.
    shown = axes.imshow(
        found.map, cmap="viridis", norm=PowerNorm(0.5, 0, peak), interpolation="nearest"
    )
    beside = axes.inset_axes((1.04, 0, 0.04, 1))
    bar = figure_of(axes).colorbar(shown, cax=beside)
    bar.set_ticks([0, peak / 16, peak / 4, peak], labels=["0", "1/16", "1/4", "most"])
    bar.ax.tick_params(labelsize="x-small")
    entries: list[tuple[Artist, str]] = []
    across = (found.center[1], found.center[0])
    for (share, side), dashes in zip(chart.sides.items(), _DASHES, strict=True):
        square = Rectangle(
            (across[0] - side / 2, across[1] - side / 2), side, side, fill=False, edgecolor=RED,
            linestyle=dashes, linewidth=1.2,
        )  # fmt: skip
        entries.append((axes.add_patch(square), f"{percent(share)} in {side}"))
    rows, columns = ((spans[0][0], spans[-1][1]) for spans in found.region)
    seen = Rectangle(
        (columns[0] - 0.5, rows[0] - 0.5), columns[1] - columns[0] + 1, rows[1] - rows[0] + 1,
        fill=False, edgecolor=GREY, linewidth=1.5,
    )  # fmt: skip
    size = "x".join(map(str, found.theoretical))
    entries.append((axes.add_patch(seen), f"seen: {size}"))
    axes.set_xlabel(f"input axis {found.axes[1]}")
    axes.set_ylabel(f"input axis {found.axes[0]}")
    legend(axes, entries)
