"""What do operators on quantised tensors put out, and what work are they?

Sums, products, activations, concatenation and means; convolutions and matrix products have files of
their own (`qlinear_conv`, `qlinear_matmul`). They are counted as what they are defined to be: their
operands dequantised, the operation, its result quantised. (A kernel for 8 bits may use a table of 256
results instead.)
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.families.requantizing import dequantized, quantized
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    InputRead,
    OutputReads,
    Whole,
    each_whole,
)
from cnnscope.analyzer.operators.rules import Rule, broadcast_shapes, in_range, same
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, Undetermined, product
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window

# -- element by element -------------------------------------------------------------------------


def binary_output(
    a: Tensor, a_scale: Tensor, a_zero: Tensor | None, b: Tensor, *_: Tensor | None
) -> Tensor:
    if a.shape is None or b.shape is None:
        return a.of(None)
    return a.of(broadcast_shapes(a.shape, b.shape))


def binary_work(**operation: int) -> Rule:
    def work(
        outputs: tuple[Tensor, ...],
        a: Tensor,
        a_scale: Tensor,
        a_zero: Tensor | None,
        b: Tensor,
        b_scale: Tensor,
        b_zero: Tensor | None = None,
        y_scale: Tensor | None = None,
        y_zero: Tensor | None = None,
    ) -> Work:
        operands = dequantized(a_zero) * a.size + dequantized(b_zero) * b.size
        return operands + (Work(**operation) + quantized(y_zero)) * outputs[0].size

    return work


def binary_reads(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    a_scale: Tensor,
    a_zero: Tensor | None,
    b: Tensor,
    *rest: Tensor | None,
) -> OutputReads:
    return None, *each_whole(a_scale, a_zero), None, *each_whole(*rest)


def unary_work(**operation: int) -> Rule:
    def work(
        outputs: tuple[Tensor, ...],
        x: Tensor,
        x_scale: Tensor,
        x_zero: Tensor | None,
        y_scale: Tensor,
        y_zero: Tensor | None = None,
    ) -> Work:
        return (dequantized(x_zero) + Work(**operation) + quantized(y_zero)) * x.size

    return work


def unary_reads(outputs: tuple[Tensor, ...], x: Tensor, *rest: Tensor | None) -> OutputReads:
    return None, *each_whole(*rest)


def where_output(condition: Tensor, x: Tensor, *rest: Tensor) -> Tensor:
    y = rest[2]
    if condition.shape is None or x.shape is None or y.shape is None:
        return x.of(None)
    return x.of(broadcast_shapes(condition.shape, x.shape, y.shape))


def where_work(
    outputs: tuple[Tensor, ...],
    condition: Tensor,
    x: Tensor,
    x_scale: Tensor,
    x_zero: Tensor,
    y: Tensor,
    y_scale: Tensor,
    y_zero: Tensor,
    z_scale: Tensor,
    z_zero: Tensor,
) -> Work:
    operands = dequantized(x_zero) * x.size + dequantized(y_zero) * y.size
    return operands + quantized(z_zero) * outputs[0].size


def where_reads(
    outputs: tuple[Tensor, ...],
    condition: Tensor,
    x: Tensor,
    x_scale: Tensor,
    x_zero: Tensor,
    y: Tensor,
    *rest: Tensor | None,
) -> OutputReads:
    return None, None, *each_whole(x_scale, x_zero), None, *each_whole(*rest)


# -- joining: the output's scale and zero point, then (tensor, scale, zero point) again and again ---


def concat_output(y_scale: Tensor, y_zero: Tensor, *inputs: Tensor, axis: int) -> Tensor:
    parts = inputs[::3]
    if any(part.shape is None for part in parts):
        return Tensor(y_zero.dtype)
    place = in_range(axis, parts[0].rank)
    dims = list(parts[0].dims)
    dims[place] = sum((part.dims[place] for part in parts), 0)
    return Tensor(y_zero.dtype, tuple(dims))


def concat_work(
    outputs: tuple[Tensor, ...], y_scale: Tensor, y_zero: Tensor, *inputs: Tensor
) -> Work:
    return (dequantized(y_zero) + quantized(y_zero)) * outputs[0].size


def concat_reads(
    outputs: tuple[Tensor, ...], y_scale: Tensor, y_zero: Tensor, *inputs: Tensor, axis: int
) -> OutputReads:
    reads: list[InputRead] = [*each_whole(y_scale, y_zero)]
    offset: Dim = 0
    for first in range(0, len(inputs), 3):
        part = inputs[first]
        place = in_range(axis, part.rank)
        if not isinstance(offset, int):
            raise Undetermined("where an input begins", offset.names, offset.data)
        window = Window(before=offset)
        reads.append(tuple(Along(i, window if i == place else Window()) for i in range(part.rank)))
        reads.extend(each_whole(*inputs[first + 1 : first + 3]))
        offset = offset + part.dims[place]
    return tuple(reads)


# -- along axes ---------------------------------------------------------------------------------


def softmax_axes(x: Tensor, axis: int, opset: int) -> Sequence[int]:
    """Before opset 13 an axis stands for itself and all behind it."""
    place = in_range(axis, x.rank)
    return range(place, place + 1 if opset >= 13 else x.rank)


# `opset` is an attribute here, and the operator's own version has that name for a rule
def softmax_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    x_scale: Tensor,
    x_zero: Tensor | None,
    y_scale: Tensor,
    y_zero: Tensor,
    *,
    axis: int = -1,
    opset: int,
) -> Work:
    """n exponentials and as many divisions, n-1 additions; the largest found by n-1 comparisons and
    subtracted; the zero point goes with it."""
    normalized = softmax_axes(x, axis, opset)
    rows = product(dim for i, dim in enumerate(x.dims) if i not in normalized)
    softmax = Work(compare=x.size - rows, add=2 * x.size - rows, exp=x.size, div=x.size)
    return softmax + (dequantized(x_zero) + quantized(y_zero)) * x.size


def softmax_reads(
    outputs: tuple[Tensor, ...], x: Tensor, *rest: Tensor | None, axis: int = -1, opset: int
) -> OutputReads:
    normalized = softmax_axes(x, axis, opset)
    reads = tuple(Whole() if i in normalized else Along(i) for i in range(x.rank))
    return reads, *each_whole(*rest)


def mean_output(x: Tensor, *_: Tensor | None, axes: tuple[int, ...], keepdims: int) -> Tensor:
    if x.shape is None:
        return x.of(None)
    reduced = {in_range(axis, x.rank) for axis in axes}
    dims = enumerate(x.dims)
    if keepdims:
        return x.of(tuple(1 if i in reduced else dim for i, dim in dims))
    return x.of(tuple(dim for i, dim in dims if i not in reduced))


def mean_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    x_scale: Tensor,
    x_zero: Tensor | None,
    y_scale: Tensor,
    y_zero: Tensor | None = None,
) -> Work:
    size = outputs[0].size
    mean = Work(add=x.size - size, div=size)
    return dequantized(x_zero) * x.size + mean + quantized(y_zero) * size


def mean_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    *rest: Tensor | None,
    axes: tuple[int, ...],
    keepdims: int,
) -> OutputReads:
    reduced = {in_range(axis, x.rank) for axis in axes}
    reads: list[AxisRead] = []
    place = 0
    for i in range(x.rank):
        reads.append(Whole(spatial=True) if i in reduced else Along(i if keepdims else place))
        place += i not in reduced
    return tuple(reads), *each_whole(*rest)


define("QLinearAdd", scheme="qoperator", kind="elementwise arithmetic", domain=MICROSOFT,
       infer=binary_output, work=binary_work(add=1), reads=binary_reads,
       roles=constants(1, 2, 4, 5, 6, 7))  # fmt: skip
define("QLinearMul", scheme="qoperator", kind="elementwise arithmetic", domain=MICROSOFT,
       infer=binary_output, work=binary_work(mul=1), reads=binary_reads,
       roles=constants(1, 2, 4, 5, 6, 7))  # fmt: skip
define("QLinearSigmoid", scheme="qoperator", kind="activation", domain=MICROSOFT,
       infer=same, work=unary_work(exp=1), reads=unary_reads,
       roles=constants(1, 2, 3, 4))  # fmt: skip
define("QLinearLeakyRelu", scheme="qoperator", kind="activation", domain=MICROSOFT,
       infer=same, work=unary_work(compare=1, mul=1), reads=unary_reads,
       roles=constants(1, 2, 3, 4))  # fmt: skip
define("QLinearWhere", scheme="qoperator", kind="logic", domain=MICROSOFT,
       infer=where_output, work=where_work, reads=where_reads,
       roles=constants(2, 3, 5, 6, 7, 8))  # fmt: skip
define("QLinearConcat", scheme="qoperator", kind="data movement", domain=MICROSOFT,
       infer=concat_output, work=concat_work, reads=concat_reads,
       roles=constants(0, 1, *(i for i in range(2, 3 * 256) if i % 3 != 2)))  # fmt: skip
define("QLinearSoftmax", scheme="qoperator", kind="activation", domain=MICROSOFT,
       infer=same, work=softmax_work, reads=softmax_reads,
       roles=constants(1, 2, 3, 4))  # fmt: skip
define("QLinearReduceMean", scheme="qoperator", kind="mean reduction", domain=MICROSOFT,
       infer=mean_output, work=mean_work, reads=mean_reads,
       roles=constants(1, 2, 3, 4))  # fmt: skip
