"""How does a gradient go back through normalisations and softmax?

With statistics of the input's own, ``y = (x - mean) / s``, it is ``(g - mean(g) - y mean(g y)) / s``, the
means over what is normalised together (Ioffe and Szegedy, *Batch Normalization*, 2015, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from cnnscope.runtime.gradients.rule import GradientSite, NoGradient, declare
from cnnscope.runtime.gradients.values import Value


def _back(
    site: GradientSite,
    x: Value,
    g: Value,
    axes: Sequence[int],
    epsilon: float,
    centred: bool = True,
) -> Value:
    """Through a normalisation over some axes of `x`, with the gradient of what it gives."""
    if centred:
        x = x - x.mean(axes)
    scale = 1 / ((x * x).mean(axes) + epsilon).by("Sqrt")
    y = x * scale
    rest = g - g.mean(axes) if centred else g
    return scale * (rest - y * (g * y).mean(axes))


def _all(x: Value, shape: Sequence[int], axes: Sequence[int]) -> Value:
    """On all that is normalised together."""
    return x.sum(axes).expand(shape)


def _channels(site: GradientSite, i: int, rank: int) -> Value:
    """Numbers per channel, along axis 1."""
    return site.x(i).reshape([-1, *(1,) * (rank - 2)])


def by_stored_statistics(site: GradientSite) -> None:
    """BatchNormalization, unless it trains."""
    rank = len(site.shape(0))
    if site.number("training_mode", 0) or not site.number("spatial", 1):
        raise NoGradient("its statistics are the batch's own")

    def factor() -> Value:
        spread = (site.x(4) + site.real("epsilon", 1e-5)).by("Sqrt")
        return (site.x(1) / spread).reshape([-1, *(1,) * (rank - 2)])

    site.give(0, site.times(site.only, factor))


def by_example(site: GradientSite) -> None:
    """InstanceNormalization: each channel of each example."""
    shape = site.shape(0)
    axes = list(range(2, len(shape)))
    if site.all_taps:
        site.give(0, _all(site.only, shape, axes))
        return
    g = site.only * _channels(site, 1, len(shape))
    site.give(0, _back(site, site.x(), g, axes, site.real("epsilon", 1e-5)))


def by_group(site: GradientSite) -> None:
    """GroupNormalization: each group of channels; its scales are the groups' or, later, the channels'."""
    shape, groups = site.shape(0), site.number("num_groups", 1)
    each = shape[1] // groups
    laid = [shape[0], groups, each, *shape[2:]]
    axes = list(range(2, len(laid)))
    g = site.only.reshape(laid)
    if site.all_taps:
        found = _all(g, laid, axes)
    else:
        per = 1 if site.shape(1) == (groups,) and site.node.version < 21 else each
        g = g * site.x(1).reshape([groups, per, *(1,) * (len(laid) - 3)])
        found = _back(site, site.x().reshape(laid), g, axes, site.real("epsilon", 1e-5))
    site.give(0, found.reshape(shape))


def by_features(centred: bool, site: GradientSite) -> None:
    """LayerNormalization and, not centred, RMSNormalization: the last axes."""
    shape = site.shape(0)
    axes = list(range(site.axis(-1, len(shape)), len(shape)))
    if site.all_taps:
        site.give(0, _all(site.only, shape, axes))
        return
    g = site.only * site.x(1)
    site.give(0, _back(site, site.x(), g, axes, site.real("epsilon", 1e-5), centred))


def by_mean_and_variance(site: GradientSite) -> None:
    """MeanVarianceNormalization, whose epsilon of 1e-9 ONNX adds to the deviation."""
    shape = site.shape(0)
    axes = [axis % len(shape) for axis in site.numbers("axes") or (0, 2, 3)]
    if site.all_taps:
        site.give(0, _all(site.only, shape, axes))
    else:
        site.give(0, _back(site, site.x(), site.only, axes, 1e-12))


def by_length(site: GradientSite) -> None:
    """LpNormalization by the Euclidean norm along an axis."""
    shape = site.shape(0)
    axes = [site.axis(-1, len(shape))]
    if site.number("p", 2) != 2:
        raise NoGradient("only its Euclidean norm is told")
    if site.all_taps:
        site.give(0, _all(site.only, shape, axes))
        return
    norm = (site.x() * site.x()).sum(axes).by("Sqrt")
    site.give(0, (site.only - site.y() * (site.only * site.y()).sum(axes)) / norm)


def softmax(logarithm: bool, site: GradientSite) -> None:
    """Softmax and its logarithm; before opset 13 over all axes from one on."""
    shape = site.shape(0)
    axis = site.axis(-1 if site.node.version >= 13 else 1, len(shape))
    laid: Sequence[int] = shape
    if site.node.version < 13:
        laid = [math.prod(shape[:axis]), math.prod(shape[axis:])]
        axis = 1
    g = site.only.reshape(laid)
    if site.all_taps:
        found = _all(g, laid, [axis])
    elif logarithm:
        found = g - site.y().reshape(laid).by("Exp") * g.sum([axis])
    else:
        y = site.y().reshape(laid)
        found = y * (g - (g * y).sum([axis]))
    site.give(0, found.reshape(shape))


def across_channels(site: GradientSite) -> None:
    """LRN: ``x / s**beta``, s growing with the squares of neighbouring channels."""
    shape, size = site.shape(0), site.number("size", 1)
    before, after = (size - 1) // 2, size // 2

    def summed(x: Value, first: int, last: int) -> Value:
        laid = x.reshape([shape[0], 1, shape[1], math.prod(shape[2:])])
        pads = [first, 0, last, 0]
        found = laid.by("AveragePool", kernel_shape=[size, 1], pads=pads, count_include_pad=1)
        return found.reshape(shape) * size

    if site.all_taps:
        site.give(0, summed(site.only, after, before))
        return
    alpha, beta = site.real("alpha", 0.0001) / size, site.real("beta", 0.75)
    x = site.x()
    s = site.real("bias", 1.0) + alpha * summed(x * x, before, after)
    direct = site.only * s**-beta
    through = summed(site.only * x * s ** -(beta + 1), after, before)
    site.give(0, direct - x * through * (2 * alpha * beta))


declare(by_stored_statistics, "BatchNormalization")
declare(by_example, "InstanceNormalization")
declare(by_group, "GroupNormalization")
declare(partial(by_features, True), "LayerNormalization")
declare(partial(by_features, False), "RMSNormalization", "SimplifiedLayerNormalization")
declare(by_mean_and_variance, "MeanVarianceNormalization")
declare(by_length, "LpNormalization")
declare(partial(softmax, False), "Softmax")
declare(partial(softmax, True), "LogSoftmax")
declare(across_channels, "LRN")
