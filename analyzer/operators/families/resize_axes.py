"""How long does each axis get that is resized, and at which scale exactly?

ONNX Runtime multiplies by scales in single precision; here a scale is the simplest ratio that has its
float32, so that what follows from it is exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from cnnscope.analyzer.values.conditions import equal_always
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: how far apart floats and ratios may be told: a scale is the simplest ratio that has its float32
MAX_DENOMINATOR = 1 << 10


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
        return equal_always(self.inputs, self.outputs) and self.ratio == 1


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
