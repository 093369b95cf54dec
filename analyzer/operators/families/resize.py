"""What does resizing put out, what work is it, and which inputs does each output read?

Along one axis output ``o`` looks at the place ``x(o)`` of the input. With ``r`` inputs per output
(1/scale) every mode of coordinates is affine, ``x = o*r + c``::

    (1)   half_pixel, pytorch_half_pixel    c = (r - 1)/2  (pytorch: 0 for a single output)
          half_pixel_symmetric              c = (r - 1)/2 + (n - m*r)/2
          asymmetric                        c = 0
          tf_half_pixel_for_nn              c = r/2
          align_corners                     c = 0, r = (n - 1)/(m - 1)
          tf_crop_and_resize                c = start*(n - 1), r = (end - start)*(n - 1)/(m - 1)

and each reads those integers of an interval about ``x`` whose weight isn't 0, those outside taken to
the nearest end::

    (2)   nearest   one: floor (x-1, x], ceil [x, x+1), round_prefer_floor [x-1/2, x+1/2),
                    round_prefer_ceil (x-1/2, x+1/2]; before opset 11: floor, ceil when shrinking
          linear    (x-1, x+1)                             weight 1 - |d| at a distance d
          cubic     (x-2, x+2) without |d| = 1             (a+2)|d|^3 - (a+3)|d|^2 + 1, |d| <= 1,
                    and the kernel's other zeros           a|d|^3 - 5a|d|^2 + 8a|d| - 4a beyond
          antialias, which stretches the two latter by s = max(1, r): the weight at d is that of d/s

An interval's integers are a `Window` over the lattice of the common denominator, and a zero of the
kernel a tap of it that isn't read. Places are exact ratios. ONNX Runtime works them out in single
precision, so that a weight that is 0 may be some 1e-7 there: rounding, which counts as 0. Where
it moves a nearest neighbour, a table is given instead of the window: what is run is what is read.

Work: none for nearest; else, at each output, a multiplication for each of the inputs it reads (the
product over the axes resized: ``2**d`` linear, ``4**d`` cubic) and one addition fewer. Weights hang
on the position along an axis only and are found once per axis, which isn't counted.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from cnnscope.analyzer.operators.definition import constants, define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    Listed,
    OutputReads,
)
from cnnscope.analyzer.operators.rules import in_range, one_of
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, product
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import POINT, Number, Window

#: how far apart floats and ratios may be told: a scale is the simplest ratio that has its float32
MAX_DENOMINATOR = 1 << 10

#: outputs of an axis up to which rounding is looked at one by one. No image comes near, and in
#: single precision places further out aren't told apart anyway.
TABLE_LIMIT = 1 << 16

HALF = Fraction(1, 2)

MODES = ("nearest", "linear", "cubic")
COORDINATES = (
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
    "tf_crop_and_resize", "tf_half_pixel_for_nn",
)  # fmt: skip
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: inputs, outputs, scale as the runtime has it, exact inputs per output, the crop."""

    inputs: Dim
    outputs: Dim
    scale: float = 1.0
    ratio: Fraction | None = Fraction(1)
    start: float = 0.0
    end: float = 1.0

    @property
    def kept(self) -> bool:
        return self.ratio == 1 and self.inputs == self.outputs


@dataclass(frozen=True, slots=True)
class Manner:
    """The attributes that say where an output looks and how far around."""

    mode: str = "nearest"
    coordinates: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    exclude_outside: int = 0
    antialias: int = 0
    cubic: Fraction = Fraction(-3, 4)

    @property
    def crops(self) -> bool:
        return self.coordinates == "tf_crop_and_resize"


def simplest(scale: float) -> Fraction:
    """The simplest ratio that is this number in single precision."""
    simple = Fraction(float(scale)).limit_denominator(MAX_DENOMINATOR)
    return simple if np.float32(float(simple)) == np.float32(scale) else Fraction(float(scale))


# -- how long each axis gets ----------------------------------------------------------------


def present(tensor: Tensor | None) -> bool:
    """An input that is given: opset 11 has empty tensors for those that aren't."""
    return tensor is not None and (tensor.shape is None or tensor.shape != (0,))


def resized_axes(
    x: Tensor,
    roi: Tensor | None,
    scales: Sequence[float] | None,
    sizes: Sequence[Dim] | None,
    axes: Sequence[int] | None,
    policy: str,
    manner: Manner,
) -> list[Axis]:
    """Every axis of the input, those left alone too."""
    chosen = [axis % x.rank for axis in (range(x.rank) if axes is None else axes)]
    given = scales if scales is not None else sizes
    if given is None or len(given) != len(chosen):
        raise ValueError(f"{len(given or ())} scales or sizes for {len(chosen)} axes")
    crop = [(0.0, 1.0)] * len(chosen)
    if manner.crops and roi is not None and present(roi):
        ends = roi.reals
        crop = list(zip(ends[: len(chosen)], ends[len(chosen) :], strict=True))
    found = [Axis(n, n) for n in x.dims]
    if sizes is not None and scales is None:
        common = shared_scale([x.dims[a] for a in chosen], sizes, policy)
        for axis, size, (start, end) in zip(chosen, sizes, crop, strict=True):
            found[axis] = by_size(x.dims[axis], size, common, start, end)
    else:
        for axis, scale, (start, end) in zip(chosen, scales or (), crop, strict=True):
            found[axis] = by_scale(x.dims[axis], scale, start, end)
    return found


def by_scale(n: Dim, scale: float, start: float, end: float) -> Axis:
    if not 0 < scale < math.inf:
        raise ValueError(f"a scale of {scale} is not a positive number")
    exact = simplest(scale)
    if isinstance(n, FreeDim):
        outputs = (n * exact.numerator) // exact.denominator
    else:  # single precision, as the runtime; nor does that multiply by the length of the crop
        outputs = int(np.float32(scale) * np.float32(n))
    return Axis(n, outputs, scale, 1 / exact, start, end)


def by_size(n: Dim, size: Dim, common: float | None, start: float, end: float) -> Axis:
    if common is not None:
        length = math.floor(float(np.float32(common) * np.float32(int(n))) + 0.5)
        return Axis(n, length, common, 1 / simplest(common), start, end)
    if isinstance(n, int) and isinstance(size, int):
        if not size or not n:
            return Axis(n, size, 1.0, None, start, end)
        return Axis(n, size, float(np.float32(size) / np.float32(n)), Fraction(n, size), start, end)
    times, over = size // n, n // size
    if isinstance(times, int) and n * times == size:
        return Axis(n, size, float(times), Fraction(1, times), start, end)
    if isinstance(over, int) and over and size * over == n:
        return Axis(n, size, 1 / over, Fraction(over), start, end)
    return Axis(n, size, 1.0, None, start, end)


def shared_scale(lengths: Sequence[Dim], sizes: Sequence[Dim], policy: str) -> float | None:
    """The one scale that keeps the aspect ratio."""
    if policy == "stretch":
        return None
    scales = [np.float32(int(m)) / np.float32(int(n)) for n, m in zip(lengths, sizes, strict=True)]
    return float(min(scales) if policy == "not_larger" else max(scales))


# -- where each output looks, (1) -----------------------------------------------------------


def place(axis: Axis, coordinates: str) -> tuple[Fraction, Fraction]:
    """The exact r and c of (1)."""
    r, n, m = axis.ratio, axis.inputs, axis.outputs
    if coordinates == "align_corners":
        if isinstance(n, FreeDim) or isinstance(m, FreeDim):
            raise Undetermined("the ratio of an axis's ends", _names(n) | _names(m))
        return Fraction(n - 1, m - 1) if m > 1 else Fraction(1), Fraction(0)
    if coordinates == "tf_crop_and_resize":
        first, last, top = simplest(axis.start), simplest(axis.end), int(n) - 1
        if m == 1:
            return Fraction(1), (first + last) / 2 * top
        return (last - first) * Fraction(top, int(m) - 1), first * top
    if r is None:
        raise Undetermined("the ratio of two lengths", _names(n) | _names(m))
    if coordinates == "asymmetric" or (coordinates == "pytorch_half_pixel" and m == 1):
        return r, Fraction(0)
    if coordinates == "tf_half_pixel_for_nn":
        return r, r / 2
    if coordinates == "half_pixel_symmetric":
        left = n - m * r if isinstance(n, int) and isinstance(m, int) else Fraction(0)
        return r, (r - 1) / 2 + Fraction(left) / 2
    return r, (r - 1) / 2


def _names(dim: Dim) -> frozenset[str]:
    return dim.names if isinstance(dim, FreeDim) else frozenset()


def places(axis: Axis, coordinates: str) -> np.ndarray:
    """x of every output in single precision, the operations in the runtime's order."""
    n, m = int(axis.inputs), int(axis.outputs)
    one = np.float32
    o, scale, half = np.arange(m, dtype=one), one(axis.scale), one(0.5)
    if coordinates == "asymmetric":
        return o / scale
    if coordinates == "tf_half_pixel_for_nn":
        return (o + half) / scale
    if coordinates == "align_corners":
        return o * one(0) if m == 1 else o * one(n - 1) / one(m - 1)
    if coordinates == "pytorch_half_pixel" and m == 1:
        return o * one(0)
    if coordinates == "half_pixel_symmetric":
        adjustment = one(m) / (scale * one(n))
        offset = one(n) / one(2) * (one(1) - adjustment)
        # the runtime's only sum in double precision, which decides 9 of 1,800 nearest neighbours
        x = float(offset) + (o + half).astype(np.float64) / float(scale) - 0.5
        return x.astype(one)
    if coordinates == "tf_crop_and_resize":
        start, end = one(axis.start), one(axis.end)
        if m == 1:
            return half * (start + end) * one(n - 1) + o
        return start * one(n - 1) + o * (end - start) * one(n - 1) / one(m - 1)
    return (o + half) / scale - half


# -- which inputs it reads, (2) -------------------------------------------------------------


def rounding(axis: Axis, nearest: str) -> str:
    """Before opset 11 (`simple`) the direction hangs on the scale."""
    if nearest != "simple":
        return nearest
    return "ceil" if axis.scale < 1 else "floor"


def interval(axis: Axis, manner: Manner) -> tuple[Fraction, Fraction, bool]:
    """From, to, and whether it is the end that belongs to it, of a nearest one, relative to x."""
    return {
        "floor": (Fraction(-1), Fraction(0), True),
        "ceil": (Fraction(0), Fraction(1), False),
        "round_prefer_floor": (-HALF, HALF, False),
        "round_prefer_ceil": (-HALF, HALF, True),
    }[rounding(axis, manner.nearest)]


def stretch(axis: Axis, manner: Manner, r: Fraction) -> Fraction:
    """By how much antialiasing widens the kernel."""
    return max(Fraction(1), axis.ratio or r) if manner.antialias else Fraction(1)


def cubic_zeros(a: Fraction) -> tuple[Fraction, list[Fraction]]:
    """Up to which distance the cubic kernel reaches, and the rational ones within where it is 0.

    Beyond 1 the kernel is a*(d-1)*(d-2)^2, within (d-1)*((a+2)*d^2 - d - 1).

    >>> cubic_zeros(Fraction(4))
    (Fraction(2, 1), [Fraction(1, 1), Fraction(1, 2)])
    """
    reach = Fraction(2 if a else 1)
    zeros = [Fraction(1)] if a else []
    if a > 0:  # (a+2)*d^2 - d - 1 is -1 at 0 and a at 1
        inside = 1 + 4 * (a + 2)
        top, bottom = math.isqrt(inside.numerator), math.isqrt(inside.denominator)
        if Fraction(top, bottom) ** 2 == inside:
            zeros.append((1 + Fraction(top, bottom)) / (2 * (a + 2)))
    return reach, zeros


def window(axis: Axis, manner: Manner) -> Window:
    """The interval's integers as a window over the lattice of the common denominator."""
    r, c = place(axis, manner.coordinates)
    if manner.mode == "nearest":
        lo, hi, at_end = interval(axis, manner)
        q = math.lcm(r.denominator, c.denominator, lo.denominator)
        before = -(c + lo + (Fraction(1, q) if at_end else 0))
        return Window(
            int((hi - lo) * q), number(r), number(Fraction(1, q)), number(before), outside="edge"
        )
    reach, zeros = cubic_zeros(manner.cubic) if manner.mode == "cubic" else (Fraction(1), [])
    wide = stretch(axis, manner, r)
    reach *= wide
    # The places within (x - reach, x + reach) that are a whole number of lattice steps from x.
    q = math.lcm(r.denominator, c.denominator)
    most = math.ceil(reach * q) - 1
    # Antialiased linear and excluding cubic weights are those inside, made to sum to one again.
    inside = manner.exclude_outside if manner.mode == "cubic" else manner.antialias
    steps = [zero * wide * q for zero in zeros]
    unread = sorted({most + sign * int(k) for k in steps if k.denominator == 1 for sign in (-1, 1)})
    return Window(
        2 * most + 1, number(r), number(Fraction(1, q)), number(Fraction(most, q) - c),
        outside="nothing" if inside else "edge", unread=tuple(unread),
    )  # fmt: skip


def number(value: Fraction) -> Number:
    return value.numerator if value.denominator == 1 else value


def nearest_rows(axis: Axis, manner: Manner) -> np.ndarray:
    """The input each output of a nearest resize takes, as the runtime finds it."""
    x = places(axis, manner.coordinates)
    exact = x.astype(np.float64)
    middle = 1e-6 * (np.abs(exact) + 1)  # a place so near to the middle of two inputs lies on it
    rounded = {
        "floor": np.floor(x),
        "ceil": np.ceil(x),
        "round_prefer_floor": np.ceil(exact - 0.5 - middle),
        "round_prefer_ceil": np.floor(exact + 0.5 + middle),
    }[rounding(axis, manner.nearest)]
    rows: np.ndarray = np.clip(rounded, 0, int(axis.inputs) - 1).astype(np.int64)
    return rows


def exact_rows(axis: Axis, manner: Manner) -> np.ndarray:
    """The same from the window alone."""
    r, c = place(axis, manner.coordinates)
    lo, _, at_end = interval(axis, manner)
    q = math.lcm(r.denominator, c.denominator, lo.denominator)
    o = np.arange(int(axis.outputs), dtype=object if q > 1 << 20 else np.int64)
    top = o * int(r * q) + int((c + lo) * q)
    rows = (top // q + 1) if at_end else -((-top) // q)
    return np.clip(rows.astype(np.int64), 0, int(axis.inputs) - 1)


def cropped(number: int, axis: Axis, manner: Manner) -> AxisRead:
    """What each output of a crop reads; beyond the input it is a fill value and reads nothing."""
    _check_table(axis, "what a crop reads")
    n = int(axis.inputs)
    x = places(axis, manner.coordinates).tolist()
    beyond = [not 0 <= at <= n - 1 for at in x]
    if manner.mode == "nearest":
        taken = nearest_rows(axis, manner).tolist()
        rows: list[Span | None] = [(row, row) for row in taken]
    else:
        read = window(axis, manner)
        if not any(beyond):
            return Along(number, read)
        rows = []
        for o in range(len(x)):
            taps = [min(max(at, 0), n - 1) for at in (read.at(o) or (0,))]
            rows.append((min(taps), max(taps)))
    return Listed(
        number, tuple(None if out else row for row, out in zip(rows, beyond, strict=True))
    )


def axis_read(number: int, axis: Axis, manner: Manner) -> AxisRead:
    if manner.crops and (
        (axis.start, axis.end) != (0.0, 1.0) or (axis.outputs == 1 and axis.inputs != 1)
    ):
        return cropped(number, axis, manner)
    if axis.kept:
        return Along(number, POINT)
    if manner.crops:
        manner = replace(manner, coordinates="align_corners")
    known = isinstance(axis.inputs, int) and isinstance(axis.outputs, int)
    if manner.mode == "nearest" and known and int(axis.outputs) <= TABLE_LIMIT:
        rows = nearest_rows(axis, manner)
        if not np.array_equal(rows, exact_rows(axis, manner)):
            return Listed(number, tuple((row, row) for row in rows.tolist()))
    return Along(number, window(axis, manner))


def is_copy(axes: Sequence[Axis]) -> bool:
    """The runtime copies the input where no length changes, whatever the scales and the crop."""
    return all(axis.inputs == axis.outputs for axis in axes)


def resize_reads(axes: Sequence[Axis], manner: Manner) -> InputRead:
    if is_copy(axes):
        return tuple(Along(number) for number in range(len(axes)))
    return tuple(axis_read(number, axis, manner) for number, axis in enumerate(axes))


def resize_work(axes: Sequence[Axis], manner: Manner) -> Work:
    if manner.mode == "nearest" or is_copy(axes):
        return Work()
    outputs: Dim = product(axis.outputs for axis in axes)
    taps: Dim = 1
    for axis in axes:
        if manner.antialias and not axis.kept:
            _check_table(axis, "the taps of an antialiased resize")
            read, length = window(axis, manner), int(axis.inputs)
            taps = taps * sum(_inside(read.at(o), length) for o in range(int(axis.outputs)))
        else:
            taps = taps * axis.outputs * (1 if axis.kept else 4 if manner.mode == "cubic" else 2)
    return Work(mul=taps, add=taps - outputs) if taps != outputs else Work()


def _inside(positions: Sequence[int], length: int) -> int:
    """How many of these rising positions are on an axis of this length."""
    return bisect_left(positions, length) - bisect_left(positions, 0)


def _check_table(axis: Axis, what: str) -> None:
    if int(axis.outputs) > TABLE_LIMIT:
        raise Undetermined(f"{what}, for more than {TABLE_LIMIT} outputs")


# -- Resize since 11, Resize 10, Upsample ---------------------------------------------------


def demand_count(given: Tensor | None, what: str, *counts: int) -> None:
    """Raise ValueError where it surely has another number of elements, however laid out."""
    if given is None or given.shape is None:
        return
    count = product(given.shape)
    if isinstance(count, int) and count not in counts:
        wanted = " or ".join(map(str, dict.fromkeys(counts)))
        raise ValueError(f"{what} has {count} numbers, {wanted} are wanted")


def unknown(x: Tensor, given: Tensor | None, axes: Sequence[int] | None, node_name: str) -> Tensor:
    """The output where scales or sizes are computed at run time."""
    chosen = {in_range(axis, x.rank) for axis in (range(x.rank) if axes is None else axes)}
    demand_count(given, "scales or sizes", len(chosen))
    return x.of(tuple(
        FreeDim.from_data(f"{node_name} length {axis}") if axis in chosen else n
        for axis, n in enumerate(x.dims)
    ))  # fmt: skip


def axes_of(
    x: Tensor, roi: Tensor | None, scales: Tensor | None, sizes: Tensor | None,
    axes: Sequence[int] | None, policy: str, manner: Manner,
) -> list[Axis]:  # fmt: skip
    factors = scales.reals if scales is not None and present(scales) else None
    lengths = sizes.lengths if sizes is not None and present(sizes) else None
    return resized_axes(x, roi, factors, lengths, axes, policy, manner)


def output_11(
    x: Tensor, roi: Tensor | None = None, scales: Tensor | None = None,
    sizes: Tensor | None = None, *, axes: Sequence[int] | None = None,
    keep_aspect_ratio_policy: str = "stretch", coordinate_transformation_mode: str = "half_pixel",
    mode: str = "nearest", nearest_mode: str = "round_prefer_floor", exclude_outside: int = 0,
    antialias: int = 0, node_name: str = "",
) -> Tensor:  # fmt: skip
    one_of(mode, "mode", *MODES)
    one_of(coordinate_transformation_mode, "coordinate_transformation_mode", *COORDINATES)
    if mode == "nearest":
        one_of(nearest_mode, "nearest_mode", *ROUNDINGS)
        if antialias:
            raise ValueError("antialias is for the modes linear and cubic, this one is nearest")
    if exclude_outside and mode != "cubic":
        raise ValueError(f"exclude_outside is for the mode cubic, this one is {mode}")
    given = scales if present(scales) else sizes
    manner = Manner(coordinates=coordinate_transformation_mode)
    if manner.crops and roi is not None and present(roi):
        demand_count(roi, "roi", 2 * x.rank, 2 * (x.rank if axes is None else len(axes)))
    if given is None or given.value is None or (manner.crops and roi and roi.value is None):
        return unknown(x, given, axes, node_name)
    found = axes_of(x, roi, scales, sizes, axes, keep_aspect_ratio_policy, manner)
    return x.of(tuple(axis.outputs for axis in found))


def work_11(
    outputs: tuple[Tensor, ...], x: Tensor, roi: Tensor | None = None,
    scales: Tensor | None = None, sizes: Tensor | None = None, *, mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel", exclude_outside: int = 0,
    antialias: int = 0, axes: Sequence[int] | None = None,
    keep_aspect_ratio_policy: str = "stretch", cubic_coeff_a: float = -0.75,
) -> Work:  # fmt: skip
    if mode == "nearest":
        return Work()
    manner = Manner(
        mode, coordinate_transformation_mode, "", exclude_outside, antialias,
        simplest(cubic_coeff_a),
    )  # fmt: skip
    found = axes_of(x, roi, scales, sizes, axes, keep_aspect_ratio_policy, manner)
    return resize_work(found, manner)


def reads_11(
    outputs: tuple[Tensor, ...], x: Tensor, roi: Tensor | None = None,
    scales: Tensor | None = None, sizes: Tensor | None = None, *, mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel", nearest_mode: str = "round_prefer_floor",
    exclude_outside: int = 0, antialias: int = 0, axes: Sequence[int] | None = None,
    keep_aspect_ratio_policy: str = "stretch", cubic_coeff_a: float = -0.75,
) -> OutputReads:  # fmt: skip
    manner = Manner(
        mode, coordinate_transformation_mode, nearest_mode, exclude_outside, antialias,
        simplest(cubic_coeff_a),
    )  # fmt: skip
    found = axes_of(x, roi, scales, sizes, axes, keep_aspect_ratio_policy, manner)
    return resize_reads(found, manner), NOTHING, NOTHING, NOTHING


def early(mode: str) -> Manner:
    """Before opset 11 there is one mode of coordinates; Upsample calls its linear one bilinear."""
    return Manner("linear" if mode in ("linear", "bilinear") else mode, "asymmetric", "simple")


def early_axes(
    x: Tensor, scales: Tensor | None, listed: Sequence[float] | None, height: float, width: float
) -> list[Axis]:
    """`scales` as an input, as an attribute, or opset 1's two of the last axes."""
    factors = scales.reals if scales is not None else listed
    if factors is None:
        factors = [*[1.0] * (x.rank - 2), height, width]
    return resized_axes(x, None, factors, None, None, "stretch", early("nearest"))


def output_10(
    x: Tensor, factors: Tensor | None = None, *, scales: Sequence[float] | None = None,
    height_scale: float = 1.0, width_scale: float = 1.0, node_name: str = "",
) -> Tensor:  # fmt: skip
    if factors is not None and factors.value is None:
        return unknown(x, factors, None, node_name)
    found = early_axes(x, factors, scales, height_scale, width_scale)
    return x.of(tuple(axis.outputs for axis in found))


def work_10(
    outputs: tuple[Tensor, ...], x: Tensor, factors: Tensor | None = None, *,
    mode: str = "nearest", scales: Sequence[float] | None = None, height_scale: float = 1.0,
    width_scale: float = 1.0,
) -> Work:  # fmt: skip
    if mode == "nearest":
        return Work()
    return resize_work(early_axes(x, factors, scales, height_scale, width_scale), early(mode))


def reads_10(
    outputs: tuple[Tensor, ...], x: Tensor, factors: Tensor | None = None, *,
    mode: str = "nearest", scales: Sequence[float] | None = None, height_scale: float = 1.0,
    width_scale: float = 1.0,
) -> OutputReads:  # fmt: skip
    axes = early_axes(x, factors, scales, height_scale, width_scale)
    return resize_reads(axes, early(mode)), NOTHING


define(
    "Resize",
    kind="resize",
    infer=output_10,
    work=work_10,
    reads=reads_10,
    since=10,
    roles=constants(1),
)
define(
    "Resize",
    kind="resize",
    infer=output_11,
    work=work_11,
    reads=reads_11,
    since=11,
    roles=constants(1, 2, 3),
)
define("Upsample", kind="resize", infer=output_10, work=work_10, reads=reads_10, roles=constants(1))
