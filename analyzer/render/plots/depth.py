"""How is the running order of layers shown along an axis: by index, with the modules below?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cnnscope.analyzer.charts.chart import Row
from cnnscope.analyzer.render.plots.style import PALE, label, literal

#: modules that are told apart; of the axis, what a letter takes
_MOST, _LETTER = 24, 1 / 85


def depth(axes: Axes, rows: Sequence[Row]) -> None:
    """The axis of layers, those of every second module shaded; modules' names where there is room.

    Args:
        rows: with ``index`` and ``module``.
    """
    places = {int(str(row["index"])): str(row["module"]) for row in rows}
    last = max(places, default=0)
    axes.set_xlim(-0.5, last + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_xlabel("layer, in running order")
    runs = [
        (module, [index for index, _ in run])
        for module, run in groupby(sorted(places.items()), key=lambda x: x[1])
    ]
    if not 1 < len(runs) <= _MOST:
        return
    free = -1.0
    for number, (module, indices) in enumerate(runs):
        first, after = indices[0] - 0.5, indices[-1] + 0.5
        if number % 2:
            axes.axvspan(first, after, color=PALE, alpha=0.35, linewidth=0, zorder=0)
        text = label(module, 14)
        middle = ((first + after) / 2 + 0.5) / (last + 1)
        begin = middle - len(text) * _LETTER / 2
        if text and begin >= free and middle + len(text) * _LETTER / 2 <= 1.02:
            free = middle + len(text) * _LETTER / 2 + _LETTER
            literal(
                axes.text(
                    middle, 1.0, text, transform=axes.transAxes, ha="center", va="bottom",
                    fontsize="x-small", color="#595959",
                )
            )  # fmt: skip
