"""How does a gradient go back through pools?

An average is a convolution of each channel with equal weights. A maximum hands on to the tap whose index
MaxPool's own second output names: a plane for each tap, 1 where it was the one, goes back through a
transposed convolution in which each plane has its tap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from cnnscope.runtime.gradients.rule import GradientSite, NoGradient, declare
from cnnscope.runtime.gradients.values import Value
from cnnscope.runtime.gradients.windows import Taps, all_ones, as_planes, spread_planes, taps_of


def _pooled(site: GradientSite) -> list[Taps]:
    kernel = site.numbers("kernel_shape") or ()
    return taps_of(site, kernel, site.output_shape()[2:], site.shape(0)[2:])


def average(site: GradientSite) -> None:
    x, y = site.shape(0), site.output_shape()
    taps = _pooled(site)
    g = site.only
    if not site.all_taps:
        g = g / site.writer.constant(_counts(site, taps, x[2:], y[2:]))
    found = spread_planes(site, g.reshape(as_planes(y)), as_planes(y), all_ones(taps), taps, x[2:])
    site.give(0, found.reshape(x))


def _counts(
    site: GradientSite, taps: Sequence[Taps], wide: Sequence[int], narrow: Sequence[int]
) -> np.ndarray:
    """By what each window's sum is divided: positions within the input, or within its padding too."""
    padded = site.number("count_include_pad", 0)
    pads = site.numbers("pads") or (0,) * (2 * len(taps))
    counts = np.ones((1, 1))
    for k, one in enumerate(taps):
        at = one.positions(narrow[k])
        last = wide[k]
        if padded and site.attribute("auto_pad", "NOTSET") in ("NOTSET", ""):
            last += pads[len(taps) + k]
        elif padded:
            last = max(wide[k], (narrow[k] - 1) * one.stride + one.extent - one.before)
        inside = (at < last) if padded else (at >= 0) & (at < last)
        counts = counts[..., None] * np.maximum(inside.sum(axis=1), 1)
    return counts


def maximum(site: GradientSite) -> None:
    x, y = site.shape(0), site.output_shape()
    taps = _pooled(site)
    g = site.only.reshape(as_planes(y))
    if site.all_taps:
        found = spread_planes(site, g, as_planes(y), all_ones(taps), taps, x[2:])
    else:
        count = math.prod(one.kernel for one in taps)
        chosen = _chosen(site, taps, x, y)
        kernel = np.eye(count).reshape(count, 1, *(one.kernel for one in taps))
        shape = [x[0] * x[1], count, *y[2:]]
        found = spread_planes(site, g * chosen, shape, kernel, taps, x[2:])
    site.give(0, found.reshape(x))


def _chosen(site: GradientSite, taps: Sequence[Taps], x: Sequence[int], y: Sequence[int]) -> Value:
    """``(planes, taps, ...)``: 1 where the maximum is the tap's position."""
    if site.number("storage_order", 0):
        raise NoGradient("its indices count columns first")
    place = np.zeros((1, 1), np.int64)
    inside = np.ones((1, 1), bool)
    for k, one in enumerate(taps):  # taps and units, axis by axis, flattened row by row
        at = one.positions(y[2 + k]).T
        there = (at >= 0) & (at < x[2 + k])
        flat = len(place) * len(at), -1
        place = ((place * x[2 + k])[:, None, :, None] + at[None, :, None, :]).reshape(flat)
        inside = (inside[:, None, :, None] & there[None, :, None, :]).reshape(flat)
    wanted = np.where(inside, place, -1).reshape(1, -1, *y[2:])
    planes = x[0] * x[1]
    first = np.arange(planes, dtype=np.int64) * math.prod(x[2:])
    writer = site.writer
    index = writer.value(writer.indices(site.node)).reshape(as_planes(y))
    begins = writer.value(writer.store(first.reshape(planes, *(1,) * (len(x) - 1))))
    return writer.as_number(
        writer.value(
            writer.add("Equal", [(index - begins).name, writer.store(wanted.astype(np.int64))])
        )
    )


def over_all(largest: bool, site: GradientSite) -> None:
    """All positions together: their mean, or the largest."""
    x = site.shape(0)
    if site.all_taps:
        site.give(0, site.only.expand(x))
    elif largest:
        site.give(0, _shared(site, list(range(2, len(x)))))
    else:
        site.give(0, (site.only / math.prod(x[2:])).expand(x))


def _shared(site: GradientSite, axes: Sequence[int]) -> Value:
    """To all positions that hold the maximum, in equal parts."""
    first = site.x().at_least(site.y())
    return site.only * first / first.sum(axes)


declare(average, "AveragePool")
declare(maximum, "MaxPool")
declare(partial(over_all, False), "GlobalAveragePool")
declare(partial(over_all, True), "GlobalMaxPool")
