"""By what are normalisations, pools and reductions replaced, so that a NaN shows what they hang on?

By themselves or, where they compare, by a mean over the same elements: a NaN never wins a maximum.
What is the same along an axis (`alike`) is added up once.
"""

from __future__ import annotations

import math

import numpy as np

from cnnscope.runtime.probe.alike import held, moved
from cnnscope.runtime.probe.construction import CannotProbe
from cnnscope.runtime.probe.rule import TRUE, ProbeRule, declare, keep
from cnnscope.runtime.probe.site import Site


def pooled(op: str | None = None) -> ProbeRule:
    """A pool of each channel, or its like by another name: those that are the same once."""

    def rule(site: Site) -> None:
        x = _space_whole(site)
        site.same([x], op, runs=site.copy.runs(x))

    return rule


def _space_whole(site: Site) -> str:
    """The first input, what is the same among its channels once."""
    return site.short(0, [axis for axis in site.runs(0) if axis > 1])


def along(site: Site) -> None:
    """Softmax and its like: each element hangs on all others, of which some are the same."""
    site.same([site.short(0)], runs=site.runs(0))


def normalised(site: Site) -> None:
    """Normalisation over the last axes: elements that are the same once, and as many scales."""
    if site.runs(0) and not any(site.hangs(i) for i in site.present[1:]):
        axis = site.number("axis", -1) % len(site.shape(0))
        scale = site.copy.fill(held(site.shape(0), site.runs(0))[axis:], 1.0)
        runs = site.runs(0)
        site.same([site.short(0), scale], runs=runs)
        for k in range(1, len(site.node.outputs)):
            name = site.node.outputs[k]
            if name:
                left = {a: counts for a, counts in runs.items() if a < axis}
                site.give(k, site.copy.short(site.scope.names[name], left))
    else:
        keep(1.0, 1.0, 0.0)(site)


def reduced(op: str | None = None) -> ProbeRule:
    """A sum or mean over axes, or its like by another name: what is the same is added up once."""

    def rule(site: Site) -> None:
        runs = site.runs(0)
        if not runs:
            keep(1.0, rest=TRUE, op=op)(site)
            return
        rank = len(site.shape(0))
        value = site.value(1)
        if site.given(1) and value is None:
            site.same([site.data(0), site.true(1)], op)
            return
        axes = site.numbers("axes") if value is None else [int(v) for v in value.reshape(-1)]
        if not axes:
            axes = () if site.number("noop_with_empty_axes", 0) else tuple(range(rank))
        gone = {axis % rank for axis in axes}
        left = [axis for axis in range(rank) if axis not in gone or site.number("keepdims", 1)]
        out = moved(runs, {axis: k for k, axis in enumerate(left) if axis not in gone})
        rest = [site.true(1)] if site.given(1) else []
        site.same([site.short(0), *rest], op, runs=out)

    return rule


declare(along, "LpNormalization", "Softmax", "LogSoftmax")
declare(pooled(), "AveragePool", "LpPool", "GlobalAveragePool")
declare(normalised, "LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
declare(reduced(), "ReduceSum", "ReduceMean")


def across_channels(site: Site) -> None:
    """LRN: the mean over channels c - floor((size-1)/2) .. c + ceil((size-1)/2), ONNX's words.

    Its kernel adds up a running sum, which keeps a NaN for all channels that follow.
    """
    size, shape = site.number("size", 1), site.shape(0)
    flat = site.copy.store(np.array([shape[0], 1, shape[1], -1], np.int64))
    x = site.copy.add("Reshape", [site.data(0), flat])
    pads = [(size - 1) // 2, 0, size // 2, 0]
    x = site.copy.add("AveragePool", [x], kernel_shape=[size, 1], pads=pads, count_include_pad=1)
    back = site.copy.store(np.array(shape, np.int64))
    site.give(0, site.copy.add("Reshape", [x, back]))


def by_mean(site: Site) -> None:
    """MeanVarianceNormalization: each element, and the mean over its axes.

    Its function takes the root of a difference that rounding may make negative.
    """
    axes = site.numbers("axes") or (0, 2, 3)
    mean = site.copy.over("ReduceMean", site.data(0), axes, keepdims=1)
    site.give(0, site.copy.together([site.data(0), mean]))


def per_channel(site: Site) -> None:
    """BatchNormalization: itself, or in training its dependences, of every output apart.

    What comes out is normalised by the batch's own statistics then, and the running ones are mixed
    with the old: each over all axes but the channels', as the batch's are.
    """
    training = site.number("training_mode", 0) or (
        site.copy.opset < 14 and len([name for name in site.node.outputs if name]) > 1
    )
    if not training:
        runs = site.runs(0)
        if runs and not any(site.hangs(i) for i in range(1, 5)) and site.number("spatial", 1):
            channels = [len(runs[1]) if 1 in runs else site.shape(0)[1]]
            fillings = (site.copy.fill(channels, value) for value in (1.0, 0.0, 0.0, 1.0))
            site.same([site.short(0), *fillings], runs=runs)
        else:
            site.same([site.floats(i, value) for i, value in enumerate((1.0, 1.0, 0.0, 0.0, 1.0))])
        return
    copy, shape = site.copy, site.shape(0)
    if not site.number("spatial", 1):
        raise CannotProbe("its statistics are one for each position")
    others = [axis for axis in range(len(shape)) if axis != 1]
    wide = [axis for axis in range(len(shape) - 1) if axis]
    parts = [i for i in (1, 2) if site.hangs(i)]
    spread = [copy.over("Unsqueeze", site.data(i), wide) if wide else site.data(i) for i in parts]
    hangs = site.hangs(0)
    x = site.floats(0)
    mean = copy.over("ReduceMean", x, others, keepdims=1)
    site.give(0, copy.together([x, mean, *spread]) if hangs else copy.together([*spread, x]))
    flat = copy.over("ReduceMean", x, others, keepdims=0)
    for k in range(1, len(site.node.outputs)):
        old = k + 2  # the input that output k is the next of
        running = [flat, site.data(old)] if k < 3 and site.hangs(old) else [flat]
        site.give(k, copy.together(running))


declare(per_channel, "BatchNormalization")
declare(across_channels, "LRN")
declare(by_mean, "MeanVarianceNormalization")


# -- a maximum becomes a mean ------------------------------------------------------------------


def mean_pool(site: Site) -> None:
    """AveragePool over the same windows; a depthwise Conv where it knows no dilation."""
    copy = site.copy
    names = ("kernel_shape", "strides", "pads", "auto_pad", "ceil_mode", "dilations")
    given = {name: site.attribute(name) for name in names}
    x, lengths = _space_whole(site), site.numbers("kernel_shape")
    runs = copy.runs(x)
    dilations = site.numbers("dilations")
    if dilations is None or set(dilations) == {1}:
        given["dilations"] = None
    if given["dilations"] is None or copy.opset >= 19:
        counted = 1 if copy.opset >= 7 else None  # else a window wholly in the padding is 0 / 0
        mean = copy.add("AveragePool", [x], count_include_pad=counted, **given)
    elif given.pop("ceil_mode"):
        raise CannotProbe("no operator of this opset has its windows: dilated, lengths rounded up")
    else:
        assert lengths is not None
        channels = len(runs[1]) if 1 in runs else site.shape(0)[1]
        weights = copy.fill((channels, 1, *lengths), 1 / math.prod(lengths))
        mean = copy.add("Conv", [x, weights], group=channels, **given)
    copy.short(mean, runs)
    for k in range(len(site.node.outputs)):
        site.give(k, mean)


def renamed(op: str) -> ProbeRule:
    """Another operator with the same attributes; operands but the first have their true values."""
    return keep(1.0, rest=TRUE, op=op)


def mean_over(*default: int) -> ProbeRule:
    """The mean over the node's axis, kept with length 1 or not."""

    def rule(site: Site) -> None:
        axis, keepdims = site.number("axis", default[0]), site.number("keepdims", 1)
        site.give(0, site.copy.over("ReduceMean", site.data(0), [axis], keepdims=keepdims))

    return rule


def best(site: Site) -> None:
    """TopK: each result may be any element along the axis."""
    axis = site.number("axis", -1)
    mean = site.copy.over("ReduceMean", site.data(0), [axis], keepdims=1)
    for k, name in enumerate(site.node.outputs):
        if name:
            site.give(k, site.copy.together([mean, site.copy.fill(site.output_shape(k), 1.0)]))


declare(mean_pool, "MaxPool")
declare(pooled("GlobalAveragePool"), "GlobalMaxPool", "GlobalLpPool")
declare(
    reduced("ReduceMean"),
    "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceSumSquare",
)  # fmt: skip
declare(renamed("CumSum"), "CumProd")
declare(mean_over(0), "ArgMax", "ArgMin")
declare(renamed("Softmax"), "Hardmax")
declare(best, "TopK")
