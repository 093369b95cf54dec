"""Which inputs does each output of a resize read about the place where it looks, and what work is that?

It reads those integers of an interval about ``x`` whose weight isn't 0, those outside taken to the
nearest end::

    (2)   nearest   one: floor (x-1, x], ceil [x, x+1), round_prefer_floor [x-1/2, x+1/2),
                    round_prefer_ceil (x-1/2, x+1/2]; before opset 11: floor, ceil when shrinking
          linear    (x-1, x+1)                             weight 1 - |d| at a distance d
          cubic     (x-2, x+2) without |d| = 1             (a+2)|d|^3 - (a+3)|d|^2 + 1, |d| <= 1,
                    and the kernel's other zeros           a|d|^3 - 5a|d|^2 + 8a|d| - 4a beyond
          antialias, which stretches the two latter by s = max(1, r): the weight at d is that of d/s

An interval's integers are a `Window` over the lattice of the common denominator, and a zero of the
kernel a tap of it that isn't read. In the single precision of ONNX Runtime a weight that is 0 may be
some 1e-7: rounding, which counts as 0. Where it moves a nearest neighbour, a table is given instead of
the window: what is run is what is read.

Work: none for nearest; else, at each output, a multiplication for each of the inputs it reads (the
product over the axes resized: ``2**d`` linear, ``4**d`` cubic) and one addition fewer. Weights hang
on the position along an axis only and are found once per axis, which isn't counted.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from cnnscope.analyzer.operators.families.resize_axes import Axis, Manner
from cnnscope.analyzer.operators.families.resize_places import place, places
from cnnscope.analyzer.operators.reading import Along, AxisRead, InputRead, Listed
from cnnscope.analyzer.operators.tapping import Taps, Weighted
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import equal_always
from cnnscope.analyzer.values.dimension import Dim, Undetermined, product
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.window import POINT, Number, Window

#: outputs of an axis up to which rounding is looked at one by one. No image comes near, and in
#: single precision places further out aren't told apart anyway.
TABLE_LIMIT = 1 << 16
HALF = Fraction(1, 2)
#: a weight below this is 0, but for rounding in double precision
ROUNDING = 1e-9


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


def axis_taps(number: int, axis: Axis, manner: Manner) -> AxisRead | Weighted:
    """The interpolation's weights, negative ones (of cubic) by their size, in sum 1."""
    if manner.mode == "nearest" or axis.kept or manner.crops:
        return axis_read(number, axis, manner)
    r, c = place(axis, manner.coordinates)
    reach, _ = cubic_zeros(manner.cubic) if manner.mode == "cubic" else (Fraction(1), [])
    wide = stretch(axis, manner, r)
    x = np.arange(int(axis.outputs)) * float(r) + float(c)
    taps = np.arange(2 * math.ceil(reach * wide) + 1) - math.ceil(reach * wide)
    places = np.floor(x).astype(np.int64)[:, None] + taps
    weights = _kernel(np.abs(places - x[:, None]) / float(wide), manner)
    n = int(axis.inputs)
    if window(axis, manner).outside == "nothing":
        weights[(places < 0) | (places >= n)] = 0
    rows = np.arange(len(x))[:, None] * n  # what lies outside is the edge: there weights meet
    flat, meant = np.unique(rows + np.clip(places, 0, n - 1), return_inverse=True)
    size = np.abs(np.bincount(meant.ravel(), weights.ravel()))
    flat, size = flat[size > ROUNDING], size[size > ROUNDING]
    outputs, inputs = np.divmod(flat, n)
    return Weighted(number, outputs, inputs, size / np.bincount(outputs, size)[outputs])


def _kernel(d: np.ndarray, manner: Manner) -> np.ndarray:
    """(2)'s weights at distances."""
    if manner.mode != "cubic":
        linear: np.ndarray = np.maximum(1 - d, 0)
        return linear
    a = float(manner.cubic)
    near, far = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * (d**3 - 5 * d**2 + 8 * d - 4)
    weights: np.ndarray = np.where(d <= 1, near, np.where(d < 2, far, 0.0))
    return weights


def resize_taps(axes: Sequence[Axis], manner: Manner) -> Taps:
    """How much each output hangs on what it reads; None: on all of it alike."""
    if manner.mode == "nearest" or is_copy(axes):
        return None
    return tuple([axis_taps(number, axis, manner) for number, axis in enumerate(axes)])


def is_copy(axes: Sequence[Axis]) -> bool:
    """The runtime copies the input where no length changes, whatever the scales and the crop."""
    return all(equal_always(axis.inputs, axis.outputs) for axis in axes)


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
