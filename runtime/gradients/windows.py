"""How does a gradient go back through windows: convolutions, and their transposes?

The adjoint of a convolution is the transposed one with the same weights, cut to the input's lengths, and
the other way round (Dumoulin and Visin, *A guide to convolution arithmetic*, 2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.gradients.rule import GradientSite, declare
from cnnscope.runtime.gradients.values import Value


@dataclass(frozen=True, slots=True)
class Taps:
    """The windows along one axis: unit o reads input positions ``o*stride - before + t*dilation``.

    Args:
        kernel: how many positions one reads.
        stride, dilation: as the operator has them.
        before: how many positions the first begins before the input.
    """

    kernel: int
    stride: int
    dilation: int
    before: int

    @property
    def extent(self) -> int:
        """Positions from the first to the last that one reads."""
        return (self.kernel - 1) * self.dilation + 1

    def positions(self, units: int) -> np.ndarray:
        """Which input position each unit reads at each tap: units by taps."""
        starts = np.arange(units) * self.stride - self.before
        found: np.ndarray = starts[:, None] + np.arange(self.kernel) * self.dilation
        return found


def taps_of(
    site: GradientSite, kernel: Sequence[int], narrow: Sequence[int], wide: Sequence[int]
) -> list[Taps]:
    """The windows of a node along each spatial axis.

    Args:
        kernel: their lengths.
        narrow: how many windows there are.
        wide: the lengths of what they lie on.
    """
    rank = len(kernel)
    strides = site.numbers("strides") or (1,) * rank
    dilations = site.numbers("dilations") or (1,) * rank
    pads = site.numbers("pads") or (0,) * (2 * rank)
    auto = site.attribute("auto_pad", "NOTSET")
    found = []
    for k in range(rank):
        before = pads[k] if auto in ("NOTSET", "") else 0
        total = (narrow[k] - 1) * strides[k] + (kernel[k] - 1) * dilations[k] + 1 - wide[k]
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            before = max(total, 0) // 2 if auto == "SAME_UPPER" else (max(total, 0) + 1) // 2
        found.append(Taps(kernel[k], strides[k], dilations[k], before))
    return found


def laid_back(
    site: GradientSite, x: Value, weights: Value, group: int, taps: Sequence[Taps],
    shape: Sequence[int], target: Sequence[int],
) -> Value:  # fmt: skip
    """The transposed convolution of a gradient, cut to an input's lengths.

    Args:
        x, shape: the gradient of what the windows gave.
        weights: ``(channels, channels of a group of the result, ...)``.
        target: the shape of the result.
    """
    begins, ends, missing = [], [], []
    for k, one in enumerate(taps):
        full = (shape[2 + k] - 1) * one.stride + one.extent
        begins.append(max(one.before, 0))
        spare = full - one.before - target[2 + k]
        ends.append(max(spare, 0))
        missing.append((max(-one.before, 0), max(-spare, 0)))
    found = Value(site.writer, site.writer.add(
        "ConvTranspose", [x.name, weights.name], group=group, pads=[*begins, *ends],
        kernel_shape=[one.kernel for one in taps], strides=[one.stride for one in taps],
        dilations=[one.dilation for one in taps],
    ))  # fmt: skip
    lengths = [
        n if k < 2 else n - sum(missing[k - 2]) for k, n in enumerate(target)
    ]  # fmt: skip
    for k, (before, after) in enumerate(missing):
        found = site.writer.fitted(found, lengths, 2 + k, before, after)
        lengths[2 + k] = target[2 + k]
    return found


def spread_planes(
    site: GradientSite, x: Value, shape: Sequence[int], kernel: np.ndarray, taps: Sequence[Taps],
    lengths: Sequence[int],
) -> Value:  # fmt: skip
    """Each of many planes laid back by itself.

    Args:
        x, shape: ``(planes, one or one per tap, ...)``.
        kernel: the weights, ``(one or one per tap, 1, ...)``.
        lengths: of the result along its spatial axes.

    Returns:
        ``(planes, 1, ...)``.
    """
    weights = site.writer.constant(kernel)
    return laid_back(site, x, weights, 1, taps, shape, [shape[0], 1, *lengths])


def all_ones(taps: Sequence[Taps]) -> np.ndarray:
    """A kernel of ones for planes."""
    return np.ones((1, 1, *(one.kernel for one in taps)))


def as_planes(shape: Sequence[int]) -> list[int]:
    """Every channel of every example as a plane of its own."""
    return [shape[0] * shape[1], 1, *shape[2:]]


# -- convolutions ------------------------------------------------------------------------------------


def convolution(site: GradientSite) -> None:
    x, w, y = site.shape(0), site.shape(1), site.output_shape()
    taps, group = taps_of(site, w[2:], y[2:], x[2:]), site.number("group", 1)
    if site.all_taps:
        found = _summed(site, y, group)
        found = spread_planes(
            site, found, as_planes((y[0], group, *y[2:])), all_ones(taps), taps, x[2:]
        )
        site.give(0, _repeated(found, x, group))
    else:
        site.give(0, laid_back(site, site.only, site.x(1), group, taps, y, x))


def _summed(site: GradientSite, shape: Sequence[int], group: int) -> Value:
    """The gradient's sum over the channels of each group, a plane for each."""
    batch, channels, *rest = shape
    parts = site.only.reshape([batch, group, channels // group, *rest])
    return parts.sum([2], keep=False).reshape([batch * group, 1, *rest])


def _repeated(x: Value, shape: Sequence[int], group: int) -> Value:
    """A plane for each group, repeated for the group's channels."""
    batch, channels, *rest = shape
    each = x.reshape([batch, group, 1, *rest])
    return each.expand([batch, group, channels // group, *rest]).reshape(shape)


def transposed(site: GradientSite) -> None:
    x, w, y = site.shape(0), site.shape(1), site.output_shape()
    group = site.number("group", 1)
    taps = _transposed_taps(site, w[2:], x[2:], y[2:])
    g, lengths = site.only, list(y)
    if site.all_taps:
        g = _summed(site, y, group)
        lengths = [y[0] * group, 1, *y[2:]]
    for k, one in enumerate(taps):
        after = (x[2 + k] - 1) * one.stride + one.extent - y[2 + k] - one.before
        g = site.writer.fitted(g, lengths, 2 + k, one.before, after)
        lengths[2 + k] += one.before + after
    weights = site.writer.constant(all_ones(taps)) if site.all_taps else site.x(1)
    found = Value(site.writer, site.writer.add(
        "Conv", [g.name, weights.name], group=1 if site.all_taps else group,
        kernel_shape=[one.kernel for one in taps], strides=[one.stride for one in taps],
        dilations=[one.dilation for one in taps],
    ))  # fmt: skip
    site.give(0, _repeated(found, x, group) if site.all_taps else found)


def _transposed_taps(
    site: GradientSite, kernel: Sequence[int], narrow: Sequence[int], wide: Sequence[int]
) -> list[Taps]:
    """As `taps_of`; with `output_shape` or `auto_pad`, what is too much is cut as ONNX's formulas say."""
    found = taps_of(site, kernel, narrow, wide)
    auto = site.attribute("auto_pad", "NOTSET")
    stated = site.numbers("output_shape") is not None
    if not stated and auto not in ("SAME_UPPER", "SAME_LOWER"):
        return found
    more = site.numbers("output_padding") or (0,) * len(kernel)
    result = []
    for k, one in enumerate(found):
        total = one.stride * (narrow[k] - 1) + more[k] + one.extent - wide[k]
        total = max(total, 0)
        before = total // 2 if auto == "SAME_UPPER" else total - total // 2
        result.append(Taps(one.kernel, one.stride, one.dilation, before))
    return result


declare(convolution, "Conv")
declare(transposed, "ConvTranspose")
