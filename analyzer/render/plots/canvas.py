"""Where is a chart drawn: on axes that are given, or on a figure of its own, for a screen or for a file?"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, cast

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cnnscope.analyzer.charts.chart import Chart
from cnnscope.analyzer.render.plots.style import SQUARE, STYLE, WIDE

#: by what a file's name ends in, what would make two files of one figure differ
_DATES: Final[dict[str, dict[str, object]]] = {
    "svg": {"Date": None}, "png": {}, "pdf": {"CreationDate": None},
}  # fmt: skip


def draw(kind: str, chart: Chart, axes: Axes | None = None) -> Axes:
    """A chart on these axes, or on a new figure of pyplot's, which notebooks show and close.

    Args:
        kind: the chart's.
    """
    module = import_module(f"{__package__}.{kind}")
    drawn = cast("Callable[[Chart, Axes], None]", module.draw)
    with matplotlib.rc_context(_style()):
        if axes is None:
            from matplotlib import pyplot

            _, axes = pyplot.subplots(figsize=SQUARE if chart.square else WIDE)
        drawn(chart, axes)
    return axes


def picture(kind: str, chart: Chart, form: str) -> bytes:
    """A chart as a file, the same bytes each time.

    Args:
        kind: the chart's.
        form: ``"svg"``, ``"png"`` or ``"pdf"``.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # what a file of the user's says would change the figure
        matplotlib.rcParams.update(_style())
        warnings.simplefilter("ignore", UserWarning)  # a font may lack a name's letters
        figure = Figure(figsize=SQUARE if chart.square else WIDE)
        FigureCanvasAgg(figure)
        draw(kind, chart, figure.subplots())
        written = io.BytesIO()
        figure.savefig(written, format=form, metadata=_DATES[form])
    return written.getvalue()


def _style() -> Any:
    """The style; its names are matplotlib's, whose own types for them change with its version."""
    return dict(STYLE)
