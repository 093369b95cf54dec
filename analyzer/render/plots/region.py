"""The positions of an input that a unit sees, on the input or on an image in its place."""

from __future__ import annotations

import os

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.image import imread
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cnnscope.analyzer.charts.region import RegionChart
from cnnscope.analyzer.render.plots.style import BLUE, GREY, RED, title


def draw(chart: RegionChart, axes: Axes) -> None:
    """What is seen in colour: along one axis as bars, of several along the last two."""
    if len(chart.axes) == 1:
        _bar(chart, axes)
    else:
        _map(chart, axes)
    title(axes, chart.title)


def _bar(chart: RegionChart, axes: Axes) -> None:
    (spans,), (length,) = chart.spans, chart.lengths
    axes.broken_barh([(-0.5, length)], (0, 1), facecolor="none", edgecolor=GREY, linewidth=0.8)
    axes.broken_barh([(first - 0.5, last - first + 1) for first, last in spans], (0, 1), color=BLUE)
    seen = spans[-1][1] - spans[0][0] + 1
    # Of a window that is narrow the holes could not be seen beside the whole input.
    around = length if seen > 0.1 * length else seen
    axes.set_xlim(max(-0.5, spans[0][0] - around) - 1, min(length, spans[-1][1] + 1 + around) + 0.5)
    axes.set_ylim(-0.5, 1.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(
        f"input axis {chart.axes[0]}: {spans[0][0]} to {spans[-1][1]} of 0 to {length - 1}"
    )


def _map(chart: RegionChart, axes: Axes) -> None:
    height, width = chart.lengths[-2:]
    _put_below(chart, axes)
    inside = np.outer(*map(_seen, chart.spans[-2:], chart.lengths[-2:]))
    picture = np.zeros((height, width, 4))
    picture[inside] = to_rgba(BLUE, 0.45)
    axes.imshow(picture, interpolation="nearest", zorder=2)
    (top, bottom), (left, right) = ((spans[0][0], spans[-1][1]) for spans in chart.spans[-2:])
    axes.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5), right - left + 1, bottom - top + 1, fill=False, edgecolor=RED,
            linewidth=1.5, zorder=3, clip_on=False,
        )
    )  # fmt: skip
    axes.add_patch(
        Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor=GREY, linewidth=0.8)
    )
    axes.set_xlabel(f"input axis {chart.axes[-1]}: {left} to {right} of 0 to {width - 1}")
    axes.set_ylabel(f"input axis {chart.axes[-2]}: {top} to {bottom} of 0 to {height - 1}")


def _seen(spans: tuple[tuple[int, int], ...], length: int) -> NDArray[np.bool_]:
    found = np.zeros(length, bool)
    for first, last in spans:
        found[first : last + 1] = True
    return found


def _put_below(chart: RegionChart, axes: Axes) -> None:
    """The image in the input's place, stretched to its size.

    Raises:
        ValueError: it is none.
    """
    height, width = chart.lengths[-2:]
    given = chart.image
    if given is None:
        return
    if isinstance(given, str | os.PathLike):
        try:
            found = imread(os.fspath(given))
        except (OSError, ValueError, SyntaxError) as error:  # the last is Pillow's, of a broken PNG
            said = (
                error.strerror if isinstance(error, OSError) and error.strerror else "not an image"
            )
            raise ValueError(f"image {os.fspath(given)}: can't be read: {said}") from None
    else:
        found = np.asarray(given)
    if found.ndim not in (2, 3) or (found.ndim == 3 and found.shape[2] not in (3, 4)):
        raise ValueError(
            f"an image of shape {found.shape}: wanted is (height, width), with 3 or 4 colours or without"
        )
    axes.imshow(
        found, extent=(-0.5, width - 0.5, height - 0.5, -0.5), zorder=1, aspect="equal",
        cmap="gray" if found.ndim == 2 else None,
    )  # fmt: skip
