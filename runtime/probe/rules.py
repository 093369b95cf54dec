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

Products with weights are in `products`, means in `averages`, what moves elements about in
`rearranging`, quantised and fused operators in `skeletons`, and the rest here.

An operator without a rule is not probed, nor what lies behind it. No rule asks the analyzer what an
operator reads: that is what the probe is to find out. Which kernels let a NaN through was tried one
by one (``tests/test_probe.py`` does so).
"""

from __future__ import annotations

from typing import Final

from cnnscope.runtime.probe.alike import moved
from cnnscope.runtime.probe.construction import CannotProbe
from cnnscope.runtime.probe.rule import (
    TRUE,
    Filling,
    blend,
    declare,
    keep,
    last,
    passes,
    refuse,
    widest,
)
from cnnscope.runtime.probe.site import Site

# -- operators that stay -----------------------------------------------------------------------

declare(keep(rest=widest), "Einsum")
declare(keep(1.0, 1.0, 0.0), "InstanceNormalization", "GroupNormalization")
declare(keep(1.0, TRUE), "CumSum")
declare(keep(), "DepthToSpace", "SpaceToDepth")
declare(
    keep(1.0, rest=TRUE),
    "Expand", "Tile", "Trilu", "Compress", "ReverseSequence", "CenterCropPad", "Col2Im",
)  # fmt: skip
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
                site.give(k, site.copy.together([site.copy.whole(site.scope.names[name]), mean]))


BIAS: Final = 3
_NOT_THEIRS: Final = (
    "activations", "activation_alpha", "activation_beta", "clip", "input_forget",
)  # fmt: skip
declare(recurrent, "LSTM", "GRU", "RNN")


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


# -- indices computed from the input -----------------------------------------------------------


def gather(site: Site) -> None:
    """An element of a table: hangs on the index, and on every row that the index may name."""
    copy = site.copy
    axis = site.number("axis", 0)
    if not site.hangs(1):
        runs = site.runs(0)
        if not runs:
            site.same([site.data(0), _followed(site)])
            return
        rank, more = len(site.shape(0)), len(site.shape(1)) - 1
        axis %= rank
        to = {a: a + (more if a > axis else 0) for a in range(rank) if a != axis}
        site.same([site.short(0, [axis]), _followed(site)], runs=moved(runs, to))
        return
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
