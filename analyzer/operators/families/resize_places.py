"""Where does each output of a resize look?

Along one axis output ``o`` looks at the place ``x(o)`` of the input. With ``r`` inputs per output
(1/scale), n inputs and m outputs every mode of coordinates is affine, ``x = o*r + c``::

    (1)   half_pixel, pytorch_half_pixel    c = (r - 1)/2  (pytorch: 0 for a single output)
          half_pixel_symmetric              c = (r - 1)/2 + (n - m*r)/2
          asymmetric                        c = 0
          tf_half_pixel_for_nn              c = r/2
          align_corners                     c = 0, r = (n - 1)/(m - 1)
          tf_crop_and_resize                c = start*(n - 1), r = (end - start)*(n - 1)/(m - 1)

Places are exact ratios. ONNX Runtime works them out in single precision: `places` does it as it does.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from cnnscope.analyzer.operators.families.resize_axes import Axis, simplest
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined


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
