"""Resampling: how large does the output become, and which inputs does each output blend?

Along one axis, output ``o`` takes its value at the input coordinate ``x(o) = a*o + b``, where `a` and
`b` follow from the scale and the coordinate transformation (ONNX, Resize). What is read there:

    nearest   the integer that `nearest_mode` rounds x to
    linear    floor(x), floor(x)+1
    cubic     floor(x)-1 .. floor(x)+2
    antialias all integers within the filter's support, widened by 1/scale when downsampling

"All integers of an interval" is a `Window` whose dilation is the reciprocal of the common
denominator D of a and b; positions beyond the ends are clamped to them. An axis that keeps its
length is read index by index.

Work per output element, n resized axes: linear is 2**n - 1 blends of two values (2 mul, 1 add),
cubic (4**n - 1)/3 blends of four (4 mul, 3 add), nearest none. Coefficients depend on the position
alone and are not counted.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from cnnscope.analyzer.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.operator import (
    NO_WORK,
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    Listed,
    OutputReads,
    Whole,
    Work,
    constants,
    define,
    everything,
)
from cnnscope.analyzer.tensor import Tensor
from cnnscope.analyzer.window import MAX_PERIOD, Window

HALF = Fraction(1, 2)


# -- sizes ---------------------------------------------------------------------------------------


def _rational(scale: float) -> Fraction:
    """A scale as the simple fraction it is meant to be, if float32 can't tell them apart."""
    exact = Fraction(float(np.float32(scale)))
    simple = exact.limit_denominator(4096)
    return simple if np.float32(float(simple)) == np.float32(scale) else exact


def _scaled(length: Dim, scale: float) -> Dim:
    """floor(length * scale), the product in float32 as runtimes take it."""
    if isinstance(length, FreeDim):
        simple = _rational(scale)
        return (length * simple.numerator) // simple.denominator
    return int(np.floor(np.float32(length) * np.float32(scale)))


def _given(tensor: Tensor | None) -> bool:
    """Is an optional input there? Exporters also write "not given" as an empty tensor."""
    return tensor is not None and tensor.shape != (0,)


def _axes(axes: tuple[int, ...] | None, rank: int) -> list[int]:
    if axes is None:
        return list(range(rank))
    for axis in axes:
        if not -rank <= axis < rank:
            raise ValueError(f"axis {axis} is outside an input of {rank} axes")
    return [axis % rank for axis in axes]


def _sized(
    x: Tensor, sizes: list[Dim], axes: list[int], policy: str
) -> dict[int, Dim]:
    if policy == "stretch":
        return dict(zip(axes, sizes, strict=True))
    ratios = []
    for axis, size in zip(axes, sizes, strict=True):
        length = x.dims[axis]
        if not isinstance(size, int) or not isinstance(length, int):
            raise Undetermined(
                "an aspect ratio", *(_hangs_on(size, length))
            )
        ratios.append(Fraction(size, length))
    ratio = min(ratios) if policy == "not_larger" else max(ratios)
    return {a: math.floor(ratio * int(x.dims[a]) + HALF) for a in axes}


def _hangs_on(*dims: Dim) -> tuple[frozenset[str], frozenset[str]]:
    free = [d for d in dims if isinstance(d, FreeDim)]
    names = frozenset(name for d in free for name in d.names)
    return names, frozenset(what for d in free for what in d.data)


def resize_output(
    x: Tensor,
    roi: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
    *,
    axes: tuple[int, ...] | None = None,
    keep_aspect_ratio_policy: str = "stretch",
    coordinate_transformation_mode: str = "half_pixel",
    node_name: str = "Resize",
) -> Tensor:
    places = _axes(axes, x.rank)
    dims = list(x.dims)
    try:
        if sizes is not None and _given(sizes):
            wanted = sizes.lengths
            if len(wanted) != len(places):
                raise ValueError(f"{len(wanted)} sizes are given for {len(places)} axes")
            for axis, size in _sized(x, wanted, places, keep_aspect_ratio_policy).items():
                dims[axis] = size
        elif scales is not None and _given(scales):
            factors = scales.reals
            if len(factors) != len(places):
                raise ValueError(f"{len(factors)} scales are given for {len(places)} axes")
            for axis, factor in zip(places, factors, strict=True):
                if factor <= 0:
                    raise ValueError(f"scale {factor} isn't positive")
                dims[axis] = _scaled(dims[axis], factor)
        else:
            raise ValueError("neither scales nor sizes are given")
    except Undetermined as unknown:
        # The rank holds whatever the values are.
        named = [FreeDim.named(name) for name in sorted(unknown.names)]
        if named:
            raise
        for axis in places:
            dims[axis] = FreeDim.from_data(f"{node_name} axis {axis}")
    return x.of(tuple(dims))


def resize10_output(x: Tensor, scales: Tensor, *, node_name: str = "Resize") -> Tensor:
    return resize_output(x, None, scales, node_name=node_name)


def upsample_output(x: Tensor, *, scales: tuple[float, ...]) -> Tensor:
    factors = Tensor("float32", (len(scales),), True, np.array(scales, np.float32))
    return resize_output(x, None, factors)


# -- coordinates ---------------------------------------------------------------------------------


def _line(
    length: int, size: int, scale: Fraction, transform: str
) -> tuple[Fraction, Fraction]:
    """x(o) = a*o + b for one axis; `scale` is output over input."""
    if transform == "align_corners":
        return (Fraction(length - 1, size - 1), Fraction(0)) if size > 1 else (Fraction(0), Fraction(0))
    if transform == "asymmetric":
        return 1 / scale, Fraction(0)
    if transform == "tf_half_pixel_for_nn":
        return 1 / scale, HALF / scale
    if transform == "pytorch_half_pixel" and size == 1:
        return Fraction(0), Fraction(0)
    offset = Fraction(0)
    if transform == "half_pixel_symmetric":
        offset = Fraction(length, 2) * (1 - Fraction(size) / (scale * length))
    return 1 / scale, offset + HALF / scale - HALF


def _window(a: Fraction, b: Fraction, mode: str, nearest: str, shrinks: bool) -> Window:
    """What is read around x(o) = a*o + b."""
    d = 2 * math.lcm(a.denominator, b.denominator)
    tap = Fraction(1, d)
    # The first of the d positions 1/d apart, relative to x: together they hold one integer.
    first = {
        "floor": tap - 1,
        "ceil": Fraction(0),
        "round_prefer_floor": -HALF,
        "round_prefer_ceil": tap - HALF,
    }
    if mode == "nearest":
        if nearest == "simple":  # opset 10: towards the end when shrinking, else the start
            nearest = "ceil" if shrinks else "floor"
        start, size = first[nearest], d
    elif mode == "linear":
        start, size = first["floor"], 2 * d
    else:
        start, size = first["floor"] - 1, 4 * d
    return Window(size, stride=a, dilation=tap, before=-(b + start), outside="edge")


def _antialiased(
    a: Fraction, b: Fraction, mode: str, length: int, size: int
) -> tuple[tuple[int, int], ...]:
    """The rows a widened filter reads (Pillow's rule, which ONNX follows)."""
    support = (1 if mode == "linear" else 2) * max(Fraction(1), a)
    rows = []
    for o in range(size):
        center = a * o + b + HALF
        lo = max(math.floor(center - support + HALF), 0)
        hi = min(math.floor(center + support + HALF), length) - 1
        rows.append((lo, max(hi, lo)))
    return tuple(rows)


def _axis_read(
    axis: int,
    length: Dim,
    size: Dim,
    scale: Fraction | None,
    mode: str,
    transform: str,
    nearest: str,
    antialias: bool,
) -> AxisRead:
    if length == size and scale in (None, 1):
        return Along(axis)
    if scale is None:
        if not isinstance(length, int) or not isinstance(size, int) or not length or not size:
            return Whole(spatial=True)
        scale = Fraction(size, length)
    if not isinstance(length, int) or not isinstance(size, int):
        if transform in ("align_corners", "half_pixel_symmetric", "tf_crop_and_resize"):
            return Whole(spatial=True)
        length, size = 2, max(int(2 * scale), 2)  # unused by the other transforms
    if transform == "tf_crop_and_resize":
        return Whole(spatial=True)
    a, b = _line(length, size, scale, transform)
    if antialias and a > 1 and mode != "nearest" and size <= MAX_PERIOD:
        return Listed(axis, _antialiased(a, b, mode, length, size))
    return Along(axis, _window(a, b, mode, nearest, scale < 1))


def resize_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    roi: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
    *,
    axes: tuple[int, ...] | None = None,
    antialias: int = 0,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> OutputReads:
    factors: dict[int, Fraction] = {}
    if scales is not None and _given(scales) and not (sizes is not None and _given(sizes)):
        places = _axes(axes, x.rank)
        if scales.value is not None:
            factors = dict(zip(places, map(_rational, scales.reals), strict=True))
    crop = coordinate_transformation_mode == "tf_crop_and_resize"
    windows = _crop_rows(outputs[0], x, roi, axes) if crop else None
    reads: list[AxisRead] = []
    for axis, (length, size) in enumerate(zip(x.dims, outputs[0].dims, strict=True)):
        if windows is not None and axis in windows:
            reads.append(_cropped(axis, length, size, windows[axis], mode))
        else:
            reads.append(
                _axis_read(
                    axis, length, size, factors.get(axis), mode,
                    coordinate_transformation_mode, nearest_mode, bool(antialias),
                )  # fmt: skip
            )
    sizes_only: tuple[InputRead, ...] = (NOTHING, NOTHING, NOTHING)
    return (tuple(reads), *sizes_only)


def _crop_rows(
    output: Tensor, x: Tensor, roi: Tensor | None, axes: tuple[int, ...] | None
) -> dict[int, tuple[Fraction, Fraction]] | None:
    """By axis, the region of interest as fractions of the axis; None where it isn't known."""
    if roi is None or roi.value is None:
        return None
    places = _axes(axes, x.rank)
    ends = [Fraction(value) for value in roi.reals]
    return {
        axis: (ends[i], ends[i + len(places)])
        for i, axis in enumerate(places)
        if i + len(places) < len(ends)
    }


def _cropped(
    axis: int, length: Dim, size: Dim, ends: tuple[Fraction, Fraction], mode: str
) -> AxisRead:
    if not isinstance(length, int) or not isinstance(size, int) or size > MAX_PERIOD:
        return Whole(spatial=True)
    start, end = ends
    if length == size and (start, end) == (0, 1):
        return Along(axis)
    rows: list[tuple[int, int] | None] = []
    for o in range(size):
        if size > 1:
            at = start * (length - 1) + o * (end - start) * Fraction(length - 1, size - 1)
        else:
            at = HALF * (start + end) * (length - 1)
        if not 0 <= at <= length - 1:  # beyond the input: the extrapolation value
            rows.append(None)
            continue
        reach = {"nearest": (0, 0), "linear": (0, 1)}.get(mode, (-1, 2))
        base = math.ceil(at - HALF) if mode == "nearest" else math.floor(at)
        rows.append((max(base + reach[0], 0), min(base + reach[1], length - 1)))
    return Listed(axis, tuple(rows))


def resize10_reads(
    outputs: tuple[Tensor, ...], x: Tensor, scales: Tensor, *, mode: str = "nearest"
) -> OutputReads:
    reads = resize_reads(
        outputs, x, None, scales,
        coordinate_transformation_mode="asymmetric", mode=mode, nearest_mode="simple",
    )  # fmt: skip
    return reads[:2]


def upsample_reads(
    outputs: tuple[Tensor, ...], x: Tensor, *, scales: tuple[float, ...], mode: str = "nearest"
) -> OutputReads:
    factors = Tensor("float32", (len(scales),), True, np.array(scales, np.float32))
    return resize10_reads(outputs, x, factors, mode=mode)[:1]


# -- work ----------------------------------------------------------------------------------------


def _blends(mode: str, axes: int) -> Work:
    if mode == "linear":
        blends = 2**axes - 1
        return Work(mul=2 * blends, add=blends)
    if mode == "cubic":
        blends = (4**axes - 1) // 3
        return Work(mul=4 * blends, add=3 * blends)
    return NO_WORK


def resize_work(
    outputs: tuple[Tensor, ...], x: Tensor, *rest: Tensor | None, mode: str = "nearest"
) -> Work:
    resized = sum(1 for a, b in zip(x.dims, outputs[0].dims, strict=True) if a != b)
    return _blends(mode, resized) * outputs[0].size


define(
    "Resize", since=10,
    infer=resize10_output, work=resize_work, reads=resize10_reads, roles=constants(1),
)  # fmt: skip
define(
    "Resize", since=11,
    infer=resize_output, work=resize_work, reads=resize_reads, roles=constants(1, 2, 3),
)  # fmt: skip
define("Upsample", infer=upsample_output, work=resize_work, reads=upsample_reads)
define(
    "Upsample", since=9,
    infer=resize10_output, work=resize_work, reads=resize10_reads, roles=constants(1),
)  # fmt: skip


# -- sampling at computed places -----------------------------------------------------------------


def grid_output(x: Tensor, grid: Tensor) -> Tensor:
    if x.rank != grid.rank:
        raise ValueError(f"the input has {x.rank} axes, the grid {grid.rank}")
    return x.of((*x.dims[:2], *grid.dims[1:-1]))


def grid_work(outputs: tuple[Tensor, ...], x: Tensor, grid: Tensor, *, mode: str = "linear") -> Work:
    kind = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    # Each coordinate is scaled to the input's length once per place: a mul and an add.
    places = grid.size
    return _blends(kind, x.rank - 2) * outputs[0].size + Work(mul=places, add=places)


def grid_reads(outputs: tuple[Tensor, ...], x: Tensor, grid: Tensor) -> OutputReads:
    # Where a place lies is data: any position may be read.
    data = (Along(0), Along(1), *(Whole(spatial=True) for _ in x.dims[2:]))
    places = (Along(0), *(Along(axis + 1) for axis in range(1, grid.rank - 1)), Whole())
    return data, places


define("GridSample", infer=grid_output, work=grid_work, reads=grid_reads)
define("GridSample", domain="com.microsoft", infer=grid_output, work=grid_work, reads=grid_reads)


def affine_output(theta: Tensor, size: Tensor, *, node_name: str = "AffineGrid") -> Tensor:
    batch, rows = theta.dims[0], theta.dims[1]
    if size.value is None:
        count = theta.dims[1]
        if not isinstance(count, int):
            return theta.of(None)
        return theta.of(
            (batch, *(FreeDim.from_data(f"{node_name} axis {i + 1}") for i in range(count)), rows)
        )
    return theta.of((batch, *size.lengths[2:], rows))


def affine_work(outputs: tuple[Tensor, ...], theta: Tensor, size: Tensor) -> Work:
    # Each place of the grid, in homogeneous coordinates, times theta.
    return Work(float_macs=outputs[0].size * theta.dims[2])


def affine_reads(outputs: tuple[Tensor, ...], theta: Tensor, size: Tensor) -> OutputReads:
    return (Along(0), *everything(theta)[1:]), NOTHING


define("AffineGrid", infer=affine_output, work=affine_work, reads=affine_reads)
