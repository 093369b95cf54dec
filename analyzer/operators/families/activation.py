"""Activations: the input's shape again; what does one element cost, and what does softmax read?

Work per element, from the formula in the ONNX specification beside each definition. One exp, log,
tanh, erf or sigmoid is one ``exp``; dividing by a constant is multiplying by its reciprocal; of a
branch the dearer side is counted. Softmax over rows of n elements is counted as everybody computes
it, with the largest element taken off first::

    m = max x          n - 1 compare
    e = exp(x - m)     n add, n exp
    s = sum e          n - 1 add
    y = e / s          n div            LogSoftmax: y = x - m - log s, 1 exp and n add instead

Softmax reads the whole of the axes it normalises over, and every other axis point by point. Before
opset 13 those are `axis` and all that follow ("coerced to 2-D"), from 13 on `axis` alone.
"""

from __future__ import annotations

from functools import partial

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.reading import Along, OutputReads, Whole
from cnnscope.analyzer.operators.rules import Outputs, Rule, broadcast_shapes, each, one_of, same
from cnnscope.analyzer.operators.tapping import softmax_taps
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, product
from cnnscope.analyzer.values.tensor import Tensor


def gelu_output(x: Tensor, *, approximate: str = "none") -> Tensor:
    one_of(approximate, "approximate", "none", "tanh")
    return same(x)


def gelu_work(outputs: Outputs, x: Tensor, *, approximate: str = "none") -> Work:
    """none: x/2 * (1 + erf(x/sqrt 2)); tanh: x/2 * (1 + tanh(c*(x + 0.044715 x*x*x)))."""
    if approximate == "tanh":
        return Work(mul=6, add=2, exp=1) * outputs[0].size
    return Work(mul=3, add=1, exp=1) * outputs[0].size


def swish_work(outputs: Outputs, x: Tensor, *, alpha: float = 1.0) -> Work:
    """x * sigmoid(alpha*x)."""
    return Work(mul=1 + (alpha != 1), exp=1) * outputs[0].size


def swiglu_work(outputs: Outputs, gate: Tensor, x: Tensor, *, alpha: float = 1.0) -> Work:
    """swish(gate) * x."""
    return Work(mul=2 + (alpha != 1), exp=1) * outputs[0].size


def quick_gelu_work(outputs: Outputs, x: Tensor, *, alpha: float = 1.702) -> Work:
    return swish_work(outputs, x, alpha=alpha)


def fast_gelu_work(outputs: Outputs, x: Tensor, bias: Tensor | None = None) -> Work:
    return Work(mul=6, add=2 + (bias is not None), exp=1) * outputs[0].size


def biased(x: Tensor, bias: Tensor | None = None) -> Tensor:
    if bias is None or x.shape is None or bias.shape is None:
        return x.of(x.shape)
    return x.of(broadcast_shapes(x.shape, bias.shape))


# -- over rows ----------------------------------------------------------------------------------


def normalised(x: Tensor, axis: int, opset: int) -> range:
    """The axes that a row runs along."""
    if not -x.rank <= axis < max(x.rank, 1):
        raise ValueError(f"axis {axis} of an input with {x.rank} axes")
    first = axis % x.rank if x.rank else 0
    return range(first, x.rank if opset < 13 else min(first + 1, x.rank))


def rows(x: Tensor, axis: int | None, opset: int) -> tuple[Dim, Dim]:
    """How many rows, of how many elements."""
    over = normalised(x, (1 if opset < 13 else -1) if axis is None else axis, opset)
    others = product(dim for i, dim in enumerate(x.dims) if i not in over)
    return others, product(x.dims[i] for i in over)


def softmax_work(outputs: Outputs, x: Tensor, *, axis: int | None = None, opset: int) -> Work:
    count, n = rows(x, axis, opset)
    return Work(compare=n - 1, add=2 * n - 1, exp=n, div=n) * count


def log_softmax_work(outputs: Outputs, x: Tensor, *, axis: int | None = None, opset: int) -> Work:
    count, n = rows(x, axis, opset)
    return Work(compare=n - 1, add=3 * n - 1, exp=n + 1) * count


def hardmax_work(outputs: Outputs, x: Tensor, *, axis: int | None = None, opset: int) -> Work:
    """Finding the largest of n: n - 1 comparisons."""
    count, n = rows(x, axis, opset)
    return Work(compare=n - 1) * count


def softmax_reads(
    outputs: Outputs, x: Tensor, *, axis: int | None = None, opset: int
) -> OutputReads:
    over = normalised(x, (1 if opset < 13 else -1) if axis is None else axis, opset)
    return (tuple(Whole() if i in over else Along(i) for i in range(x.rank)),)


def rowwise_output(x: Tensor, *, axis: int = -1) -> Tensor:
    if x.shape is not None and not -len(x.shape) <= axis < max(len(x.shape), 1):
        raise ValueError(f"axis {axis} is outside an input of {len(x.shape)} axes")
    return x.of(x.shape)


activation = partial(define, kind="activation")


def define_rowwise(name: str, work: Rule) -> None:
    for since in (1, 13):
        activation(
            name,
            infer=rowwise_output,
            work=work,
            reads=softmax_reads,
            since=since,
            taps=softmax_taps,
        )


activation(
    "Relu", "ThresholdedRelu", infer=same, work=each(compare=1)
)  # max(x, 0); x > alpha ? x : 0
activation("LeakyRelu", infer=same, work=each(compare=1, mul=1))  # x < 0 ? alpha*x : x
activation("Elu", infer=same, work=each(compare=1, exp=1, add=1, mul=1))  # alpha*(exp x - 1)
activation("Selu", infer=same, work=each(compare=1, exp=1, add=1, mul=2))  # gamma times that
# max(0, x) + min(0, alpha*(exp(x/alpha) - 1))
activation("Celu", infer=same, work=each(compare=2, exp=1, add=2, mul=2))
activation("Sigmoid", "Tanh", infer=same, work=each(exp=1))
activation("HardSigmoid", infer=same, work=each(compare=2, add=1, mul=1))  # max(0, min(1, a*x + b))
activation("HardSwish", infer=same, work=each(compare=2, add=1, mul=2))  # x times that
activation("Softplus", infer=same, work=each(exp=2, add=1))  # log(1 + exp x)
activation("Softsign", infer=same, work=each(compare=1, add=1, div=1))  # x / (1 + |x|)
activation("Mish", infer=same, work=each(exp=3, add=1, mul=1))  # x * tanh(softplus x)
activation("Shrink", infer=same, work=each(compare=2, add=1))  # x < -l ? x+b : x > l ? x-b : 0
activation("Gelu", infer=gelu_output, work=gelu_work)
activation("Swish", infer=same, work=swish_work)
activation("SwiGLU", infer=same, work=swiglu_work)

define_rowwise("Softmax", softmax_work)
define_rowwise("LogSoftmax", log_softmax_work)
define_rowwise("Hardmax", hardmax_work)

activation("Gelu", infer=same, work=gelu_work, domain=MICROSOFT)
activation("QuickGelu", infer=same, work=quick_gelu_work, domain=MICROSOFT)
activation("FastGelu", infer=biased, work=fast_gelu_work, domain=MICROSOFT)
activation("BiasGelu", infer=biased, work=each(mul=3, add=2, exp=1), domain=MICROSOFT)
