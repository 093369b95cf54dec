"""By what is each operator replaced, so that a NaN shows what its outputs hang on?

A NaN survives arithmetic, so most operators stay as they are, with fillings for weights. Those that
would stop it are replaced by one with the same dependencies:

- what works element by element (activations, rounding, casts, comparisons, logic, selection) by the
  operand itself, or by the sum of the operands with numpy's broadcasting;
- a maximum over a window or an axis by the mean over the same window or axis;
- what works on integers or quantised numbers by its float skeleton: scales and zero points are left
  out where they are constants, and part of the sum where they are computed;
- interpolation, where ONNX Runtime multiplies a neighbour by a weight of zero (which a NaN
  survives), by the sum of what has another weight, the weights measured by running the operator on
  unit impulses.

An operator without a rule is not probed, nor what lies behind it. No rule asks the analyzer what an
operator reads: that is what the probe is to find out. Which kernels let a NaN through was tried one
by one (``tests/test_probe.py`` does so).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from cnnscope.runtime.probe.construction import CannotProbe
from cnnscope.runtime.probe.interpolation import neighbours
from cnnscope.runtime.probe.rule import (
    TRUE,
    Filling,
    ProbeRule,
    blend,
    declare,
    factor,
    keep,
    kernel,
    last,
    passes,
    refuse,
    transposed_kernel,
    widest,
)
from cnnscope.runtime.probe.site import Site

# -- operators that stay -----------------------------------------------------------------------

declare(keep(1.0, kernel, 0.0), "Conv")
declare(keep(1.0, transposed_kernel, 0.0), "ConvTranspose")
declare(keep(factor, factor, 0.0), "Gemm")
declare(keep(factor, factor), "MatMul")
declare(keep(rest=widest), "Einsum")
declare(
    keep(1.0, 1.0, 0.0),
    "InstanceNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization",
    "SimplifiedLayerNormalization",
)  # fmt: skip
declare(keep(), "LpNormalization", "Softmax", "LogSoftmax")
declare(keep(), "AveragePool", "LpPool", "GlobalAveragePool")
declare(keep(1.0, TRUE), "ReduceSum", "ReduceMean", "CumSum")
declare(keep(), "Transpose", "Flatten", "Concat", "DepthToSpace", "SpaceToDepth")
declare(
    keep(1.0, rest=TRUE),
    "Reshape", "Squeeze", "Unsqueeze", "Split", "Slice", "Expand", "Tile", "Trilu", "Compress",
    "ReverseSequence", "CenterCropPad", "Col2Im",
)  # fmt: skip
declare(keep(1.0, rest=TRUE), "Pad")
declare(keep(1.0, TRUE, 1.0), "Scatter", "ScatterElements", "ScatterND")
declare(keep(1.0, TRUE, TRUE), "DFT")
declare(keep(1.0, TRUE, 1.0, TRUE), "STFT")


def recurrent(site: Site) -> None:
    """The operator itself without what loses a NaN: its bias, which its kernels clip behind, and
    activations other than its own; a bias that is computed is added to what comes out."""
    fillings: tuple[Filling, ...] = (1.0, last, last, 0.0, TRUE)
    inputs = []
    for i in range(len(site.node.inputs)):
        filling = fillings[i] if i < len(fillings) else 0.0
        if i == BIAS:
            inputs.append("")
        elif filling is None:
            inputs.append(site.true(i))
        else:
            value = filling(site, i) if callable(filling) else filling
            inputs.append(site.floats(i, value))
    site.same(inputs, without=_NOT_THEIRS)
    if site.hangs(BIAS):
        mean = site.copy.over("ReduceMean", site.data(BIAS), [1], keepdims=0)  # of each direction
        mean = site.copy.over("Unsqueeze", mean, [1] if site.number("layout", 0) else [1, 2])
        for k, name in enumerate(site.node.outputs):
            if name:
                site.give(k, site.copy.together([site.scope.names[name], mean]))


BIAS: Final = 3
_NOT_THEIRS: Final = (
    "activations", "activation_alpha", "activation_beta", "clip", "input_forget",
)  # fmt: skip
declare(recurrent, "LSTM", "GRU", "RNN")


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


# -- element by element ------------------------------------------------------------------------

declare(
    passes,
    "Relu", "LeakyRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "Gelu", "Swish", "Mish",
    "HardSigmoid", "HardSwish", "Sigmoid", "Tanh", "Softplus", "Softsign", "Shrink", "Erf", "Exp",
    "Log", "Sqrt", "Reciprocal", "Neg", "Abs", "Sign", "Ceil", "Floor", "Round", "Sin", "Cos", "Tan",
    "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "IsNaN", "IsInf", "Not",
    "BitwiseNot", "Cast", "CastLike", "BitCast", "Identity", "Dropout",
)  # fmt: skip
declare(
    blend(),
    "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Sum", "Mean", "Max", "Min", "PRelu", "Where", "Clip",
    "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "BitShift",
    "BitwiseAnd", "BitwiseOr", "BitwiseXor",
)  # fmt: skip


# -- a maximum becomes a mean ------------------------------------------------------------------


def mean_pool(site: Site) -> None:
    """AveragePool over the same windows; a depthwise Conv where it knows no dilation."""
    copy = site.copy
    names = ("kernel_shape", "strides", "pads", "auto_pad", "ceil_mode", "dilations")
    given = {name: site.attribute(name) for name in names}
    x, lengths = site.data(0), site.numbers("kernel_shape")
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
        channels = site.shape(0)[1]
        weights = copy.fill((channels, 1, *lengths), 1 / math.prod(lengths))
        mean = copy.add("Conv", [x, weights], group=channels, **given)
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
declare(renamed("GlobalAveragePool"), "GlobalMaxPool", "GlobalLpPool")
declare(
    renamed("ReduceMean"),
    "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceSumSquare",
)  # fmt: skip
declare(renamed("CumSum"), "CumProd")
declare(mean_over(0), "ArgMax", "ArgMin")
declare(renamed("Softmax"), "Hardmax")
declare(best, "TopK")


# -- indices computed from the input -----------------------------------------------------------


def gather(site: Site) -> None:
    """An element of a table: hangs on the index, and on every row that the index may name."""
    copy = site.copy
    if not site.hangs(1):
        site.same([site.data(0), _followed(site)])
        return
    axis = site.number("axis", 0)
    table, indices = site.shape(0), site.shape(1)
    axis += len(table) if axis < 0 else 0
    behind = len(table) - axis - 1
    index = site.data(1)
    if behind:
        index = copy.over("Unsqueeze", index, range(len(indices), len(indices) + behind))
    wide = (*table[:axis], *(1 for _ in indices), *table[axis + 1 :])
    names = [index, copy.fill(wide, 1.0)]
    if site.hangs(0):
        mean = copy.over("ReduceMean", site.data(0), [axis], keepdims=0)
        if indices:
            mean = copy.over("Unsqueeze", mean, range(axis, axis + len(indices)))
        names.append(mean)
    site.give(0, copy.together(names))


def gather_elements(site: Site) -> None:
    if site.hangs(0) and site.hangs(1):
        raise CannotProbe("both its indices and what they pick from hang on the input")
    if site.hangs(1):
        site.give(0, site.data(1))
    else:
        site.same([site.data(0), _followed(site)])


def gather_nd(site: Site) -> None:
    _followed(site)
    keep(1.0, TRUE)(site)


def _followed(site: Site) -> str:
    """The true indices: of those that the analysis doesn't follow it says no more than a bound."""
    indices = site.true(1)
    if site.value(1) is None:
        raise CannotProbe("its indices are more than are followed: any element may be read")
    return indices


def one_hot(site: Site) -> None:
    copy, axis = site.copy, site.number("axis", -1)
    rank = len(site.shape(0)) + 1
    axis += rank if axis < 0 else 0
    if site.hangs(1) or site.hangs(2):
        raise CannotProbe("its depth is computed from the input's values")
    if not site.hangs(0):
        raise CannotProbe("only its values hang on the input")
    index = copy.over("Unsqueeze", site.data(0), [axis])
    wide = [1] * rank
    wide[axis] = site.output_shape()[axis]
    site.give(0, copy.together([index, copy.fill(wide, 1.0)]))


declare(gather, "Gather")
declare(gather_elements, "GatherElements")
declare(gather_nd, "GatherND")
declare(one_hot, "OneHot")


# -- resizing ------------------------------------------------------------------------------------


def resize(site: Site) -> None:
    """Nearest neighbours as they are; interpolation by what has a weight, axis by axis."""
    mode = site.attribute("mode", "nearest")
    operands = [site.true(i) if i else site.data(0) for i in range(len(site.node.inputs))]
    if mode == "nearest":
        site.same(operands)
        return
    x = site.data(0)
    values = [site.value(i) for i in range(len(site.node.inputs))]
    for axis, taps in neighbours(site.node, site.copy.opset, site.shape(0), values).items():
        if not all(taps):
            raise CannotProbe("some of what it interpolates lies outside of its input")
        count = max(map(len, taps))
        picked = []
        for k in range(count):
            rows = np.array([row[min(k, len(row) - 1)] for row in taps], np.int64)
            picked.append(site.copy.add("Gather", [x, site.copy.store(rows)], axis=axis))
        x = site.copy.together(picked)
    site.give(0, x)


declare(resize, "Resize", "Upsample")


# -- what can't be probed ------------------------------------------------------------------------

refuse(
    "where it reads hangs on values",
    "GridSample", "RoiAlign", "MaxRoiPool", "DeformConv", "MaxUnpool", "AffineGrid",
)  # fmt: skip
refuse(
    "how much it gives hangs on values", "NonZero", "NonMaxSuppression", "Unique", "Range",
    "ConstantOfShape",
)  # fmt: skip
refuse(
    "it works on sequences, not on tensors",
    "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert",
    "SequenceLength", "SplitToSequence", "ConcatFromSequence",
)  # fmt: skip
refuse("it draws random numbers", "Bernoulli", "Multinomial")
