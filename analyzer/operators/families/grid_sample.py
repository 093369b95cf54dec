"""What does sampling put out at places given as data, what work is it, and what is read there?

Where they look isn't known before the model runs, so each output may read the whole of the spatial
axes. At each place, along each of the d axes, and for all channels together, linear sampling takes

- unnormalising or scaling the coordinate: a multiplication and an addition;
- a floor (a comparison), and the distances from both neighbours: two additions;
- the corners' weights: ``(d-1) * 2**d`` multiplications;

and in every channel ``2**d`` multiplications and ``2**d - 1`` additions. Nearest takes the
coordinate and a rounding per axis. Cubic takes four weights per axis, each a cubic polynomial (three
multiplications, three additions), and in every channel one axis after the other: ``4**d + ... + 4``
multiplications and three additions for every four.
"""

from __future__ import annotations

import itertools

import numpy as np

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    Coupled,
    Listed,
    Only,
    OutputReads,
    Part,
    Whole,
)
from cnnscope.analyzer.operators.rules import one_of
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Undetermined, product
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Tensor


def per_place(axes: int, mode: str) -> Work:
    """Work at one place for all channels together."""
    coordinate = Work(mul=axes, add=axes)
    if mode == "nearest":
        return coordinate + Work(compare=axes)
    weights = Work(compare=axes, add=2 * axes, mul=(axes - 1) * 2**axes)
    if mode in ("cubic", "bicubic"):
        weights = Work(compare=axes, add=axes) + Work(mul=3, add=3) * (4 * axes)
    return coordinate + weights


def per_value(axes: int, mode: str) -> Work:
    """Work at one place in one channel."""
    if mode == "nearest":
        return Work()
    if mode in ("cubic", "bicubic"):
        passes = sum(4**k for k in range(1, axes + 1))
        return Work(mul=passes, add=passes * 3 // 4)
    return Work(mul=2**axes, add=2**axes - 1)


MODES = ("linear", "nearest", "cubic", "bilinear", "bicubic")  # the last two until opset 20


def grid_output(
    x: Tensor, grid: Tensor, *, mode: str = "linear", padding_mode: str = "zeros"
) -> Tensor:
    one_of(mode, "mode", *MODES)
    one_of(padding_mode, "padding_mode", "zeros", "border", "reflection")
    if x.rank != grid.rank:
        raise ValueError(f"the grid has {grid.rank} axes, the input {x.rank}")
    return x.of((*x.dims[:2], *grid.dims[1:-1]))


def grid_work(
    outputs: tuple[Tensor, ...], x: Tensor, grid: Tensor, *, mode: str = "linear"
) -> Work:
    axes = x.rank - 2
    here = product(grid.dims[:-1])
    return per_place(axes, mode) * here + per_value(axes, mode) * outputs[0].size


def grid_reads(
    outputs: tuple[Tensor, ...], x: Tensor, grid: Tensor, *, mode: str = "linear",
    padding_mode: str = "zeros", align_corners: int = 0,
) -> OutputReads:  # fmt: skip
    space = range(2, x.rank)
    of_grid: tuple[AxisRead, ...] = (Along(0), *(Along(axis) for axis in space), Whole())
    whole: tuple[AxisRead, ...] = (
        Along(0), Along(1), *(Whole(spatial=True) for _ in space)
    )  # fmt: skip
    lengths = [n for n in x.dims[2:] if isinstance(n, int)]
    value = grid.value
    if value is None or len(lengths) != len(space) or not value.size or 0 in lengths:
        if grid.constant and value is None and len(lengths) == len(space):
            raise Undetermined("places in a grid that isn't at hand")
        return whole, of_grid
    if not np.isfinite(value).all() or abs(value).max() > FARTHEST:
        raise Undetermined("places in a grid that can't be told")
    # The last coordinate is of the first spatial axis.
    taps = [
        taps_of(value[..., -1 - k], n, mode, padding_mode, bool(align_corners))
        for k, n in enumerate(lengths)
    ]
    first = 2
    if (value == value[:1]).all():
        taps = [found[:, 0] for found in taps]
    else:  # other places in each sample: laid out along the batch, the same for every channel
        first, channels = 0, x.dims[1]
        if not isinstance(channels, int):
            raise Undetermined(
                "places that differ from sample to sample, for any number of channels"
            )
        taps = [
            np.broadcast_to(f[:, :, None], (*f.shape[:2], channels, *f.shape[2:])) for f in taps
        ]
    # A tap that is read along no other axis isn't read.
    gone = np.logical_or.reduce([(found < 0).all(axis=0) for found in taps])
    hull, vague = [], []
    for axis, found in zip(space, taps, strict=True):
        read, exact = spanned(np.where(gone, -1, found), first)
        hull.append(read)
        if not exact:
            vague.append(axis)
    parts = []
    for corner in itertools.product(*(range(len(found)) for found in taps)):
        at = [found[k] for found, k in zip(taps, corner, strict=True)]
        if all((found >= 0).any() for found in at):
            picked = (Listed(0, (), table=(first, found)) for found in at)
            parts.append(Part((Along(0), Along(1), *picked)))
    return Coupled((Along(0), Along(1), *hull), parts, vague=vague), of_grid


#: coordinates beyond this are so far outside that their places can't be told in single precision
FARTHEST = 1e6


def taps_of(
    places: np.ndarray, length: int, mode: str, padding_mode: str, align_corners: bool
) -> np.ndarray:
    """The indices of an axis that are read at each of some places, -1 where none or with a weight of 0.

    Args:
        places: normalised coordinates, -1 to 1 over the axis.
        length: the axis's.

    Returns:
        [tap, *shape of places]: one tap in mode nearest, two for linear, four for cubic. The
        arithmetic is in single precision (double for doubles), as ONNX Runtime does it: the formulas of
        ONNX's GridSample.
    """
    dtype: type[np.floating] = np.float64 if places.dtype == np.float64 else np.float32
    n: np.ndarray = places.astype(dtype)
    one, two, size = dtype(1), dtype(2), dtype(length)
    x: np.ndarray = n + one
    x = x / two * (size - one) if align_corners else (x * size - one) / two
    lo, hi = (dtype(0), size - one) if align_corners else (dtype(-0.5), size - dtype(0.5))
    if mode == "nearest":
        x = np.rint(x)
        return inside(x.astype(np.int64)[None], length, padding_mode, lo, hi)
    start = np.floor(x)
    t = x - start
    if mode in ("cubic", "bicubic"):
        offsets, weights = range(-1, 3), cubic_weights(t, dtype(-0.75))
    else:
        offsets, weights = range(2), [(start + one) - x, t]
    taps = np.stack([start.astype(np.int64) + k for k in offsets])
    return np.where(np.stack(weights) == 0, -1, inside(taps, length, padding_mode, lo, hi))


def cubic_weights(t: np.ndarray, a: np.floating) -> list[np.ndarray]:
    """Keys's cubic convolution: the weights of the four neighbours of a place `t` behind the second.

    https://ieeexplore.ieee.org/document/1163711
    """
    return [
        ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a,
        ((a + 2) * t - (a + 3)) * t * t + 1,
        ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1,
        ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a,
    ]


def inside(
    taps: np.ndarray, length: int, padding_mode: str, lo: np.floating, hi: np.floating
) -> np.ndarray:
    """Indices beyond the ends led back, or -1."""
    if padding_mode == "border":
        return np.asarray(np.clip(taps, 0, length - 1))
    if padding_mode == "reflection":
        back = reflected(taps.astype(lo.dtype), lo, hi).astype(np.int64)
        return np.asarray(np.clip(back, 0, length - 1))
    return np.asarray(np.where((taps < 0) | (taps >= length), -1, taps))


def reflected(x: np.ndarray, lo: np.floating, hi: np.floating) -> np.ndarray:
    """Coordinates mirrored at the borders until they are within."""
    span = hi - lo
    if span == 0:
        return np.full_like(x, lo)
    below = x < lo
    far = np.where(below, lo - x, x - hi)
    times = np.trunc(far / span)
    rest = far - times * span
    from_lo = below == (times % 2 == 0)
    return np.where((x < lo) | (x > hi), np.where(from_lo, lo + rest, hi - rest), x)


def spanned(taps: np.ndarray, first: int) -> tuple[AxisRead, bool]:
    """How an axis is read by itself: along the output axis that tells its spans best apart.

    False beside it where some units read less than that says.

    Args:
        taps: [tap, *output axes]: what is read, -1 for nothing.
        first: which output axis the first of these is.
    """
    hi = taps.max(axis=0)
    lo = np.where(taps < 0, np.iinfo(np.int64).max, taps).min(axis=0)
    if (hi < 0).all():
        return Only(0, -1), True
    best: tuple[int, int, list[Span | None]] | None = None
    for axis in range(hi.ndim):
        others = tuple(a for a in range(hi.ndim) if a != axis)
        found = zip(lo.min(axis=others).tolist(), hi.max(axis=others).tolist(), strict=True)
        rows: list[Span | None] = [None if last < 0 else (start, last) for start, last in found]
        width = sum(last - start + 1 for start, last in filter(None, rows))
        width = width * hi.size // len(rows)
        if best is None or width < best[0]:
            best = width, axis, rows
    assert best is not None
    _, axis, rows = best
    ends = np.array([(0, -1) if row is None else row for row in rows])
    place = tuple(slice(None) if a == axis else None for a in range(hi.ndim))
    exact = (lo == ends[:, 0][place]) & (hi == ends[:, 1][place]) | (hi < 0)
    return Listed(first + axis, tuple(rows)), bool(exact.all())


define(
    "GridSample",
    kind="sampling",
    infer=grid_output,
    work=grid_work,
    reads=grid_reads,
    places=(1,),
)
define(
    "GridSample",
    kind="sampling",
    infer=grid_output,
    work=grid_work,
    reads=grid_reads,
    domain=MICROSOFT,
    places=(1,),
)
