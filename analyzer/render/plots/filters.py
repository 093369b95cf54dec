"""A layer's kernels as one mosaic; of kernels with one axis a row each, of three axes their slices."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cnnscope.analyzer.charts.filters import FiltersChart
from cnnscope.analyzer.render.plots.style import title


def draw(chart: FiltersChart, axes: Axes) -> None:
    """The filters in rows, the first at the top left; half grey is 0."""
    tiles = chart.images if chart.color else chart.images[..., np.newaxis]
    if tiles.ndim == 3:  # one axis: the filters below each other
        shown, columns = tiles, 0
    else:
        if tiles.ndim == 5:  # slices side by side
            tiles = np.concatenate([tiles[:, i] for i in range(tiles.shape[1])], axis=2)
        shown, columns = _mosaic(tiles)
    # What is no number is left white.
    picture = np.nan_to_num(shown if chart.color else shown[..., 0], nan=1.0)
    axes.imshow(
        picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest",
        aspect="auto" if not columns else "equal",
    )  # fmt: skip
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xticks([])
    if columns:
        axes.set_yticks([])
        axes.set_xlabel(f"{columns} in a row; half grey is 0")
    else:
        axes.set_ylabel("filter")
        axes.set_xlabel("along the kernel; half grey is 0")
    title(axes, chart.title)


def _mosaic(tiles: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Tiles (n, height, width, colours) in about a square, white between them; how many are in a row."""
    count, height, width, colors = tiles.shape
    columns = min(count, max(1, math.ceil(math.sqrt(count * height / width))))
    rows = math.ceil(count / columns)
    gap = max(1, round(min(height, width) / 7))
    whole = np.ones(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, colors), np.float32
    )
    for i, tile in enumerate(tiles):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        whole[top : top + height, left : left + width] = tile
    return whole, columns
