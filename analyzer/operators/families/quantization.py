"""What do the operators between reals and few bits put out, and what work are they?

Per element::

    (1)   quantise:    y = saturate(round(x / scale) + zero)  a division, an addition, 3 comparisons
                       (rounding, and one for each end of the range)
    (2)   dequantise:  x = (y - zero) * scale                  an addition, a multiplication

without the addition where no zero point is given. Operators on quantised tensors are counted as
what they are defined to be: their operands dequantised, the operation, its result quantised.
(A kernel for 8 bits may use a table of 256 results instead.)

A scale belongs to the tensor, to an index of an axis, or to a block of indices::

    (3)   the scale of index i is number floor(i / block)
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.families.requantizing import dequantized, quantized
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    InputRead,
    OutputReads,
    Reads,
    Whole,
    each_whole,
    everything,
)
from cnnscope.analyzer.operators.rules import (
    Rule,
    broadcast_shapes,
    demand,
    demand_rank,
    demand_single,
    in_range,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, Undetermined, ceil_div, product
from cnnscope.analyzer.values.tensor import Tensor, dtype_of
from cnnscope.analyzer.values.window import Window

# -- QuantizeLinear, DequantizeLinear -----------------------------------------------------------


def check_scale(x: Tensor, scale: Tensor, zero: Tensor | None, axis: int, block_size: int) -> None:
    """Raise ValueError where scale and zero point surely aren't laid out as (3) wants them."""
    if scale.shape is None or x.shape is None:
        return
    if scale.shape in ((), (1,)):
        demand_single(zero, "the zero point")
        return
    place = in_range(axis, x.rank)
    if not block_size:
        demand(scale, "the scale", x.shape[place])
    else:
        demand_rank(scale, "the scale", x.rank)
        blocks = ceil_div(x.shape[place], block_size)
        demand(scale, "the scale", *x.shape[:place], blocks, *x.shape[place + 1 :])
    demand(zero, "the zero point", *scale.shape)


def quantize_output(
    x: Tensor, scale: Tensor, zero: Tensor | None = None, *, axis: int = 1, block_size: int = 0,
    output_dtype: int = 0,
) -> Tensor:  # fmt: skip
    check_scale(x, scale, zero, axis, block_size)
    if zero is not None:
        return x.of(x.shape, zero.dtype)
    return x.of(x.shape, dtype_of(output_dtype) if output_dtype else "uint8")


def quantize_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    scale: Tensor,
    zero: Tensor | None = None,
    *,
    saturate: int = 1,
) -> Work:
    # Only 8-bit floats may leave out saturation.
    small_float = outputs[0].is_float and not saturate
    work = Work(div=1, compare=1, add=0 if zero is None else 1) if small_float else quantized(zero)
    return work * x.size


def dequantize_output(
    x: Tensor, scale: Tensor, zero: Tensor | None = None, *, axis: int = 1, block_size: int = 0,
    output_dtype: int = 0,
) -> Tensor:  # fmt: skip
    check_scale(x, scale, zero, axis, block_size)
    return x.of(x.shape, dtype_of(output_dtype) if output_dtype else scale.dtype or "float32")


def dequantize_work(
    outputs: tuple[Tensor, ...], x: Tensor, scale: Tensor, zero: Tensor | None = None
) -> Work:
    return dequantized(zero) * x.size


def linear_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    scale: Tensor,
    zero: Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
) -> OutputReads:
    return (None, *(scale_read(x, t, axis, block_size) for t in (scale, zero)))


def scale_read(x: Tensor, scale: Tensor | None, axis: int, block_size: int) -> InputRead:
    """Which scale an element has, (3)."""
    if scale is None:
        return None
    if scale.rank == 0 or scale.shape == (1,):
        return everything(scale)
    if not -x.rank <= axis < x.rank:
        raise ValueError(f"axis {axis} of a tensor of {x.rank} axes")
    place = axis % x.rank
    if scale.rank == 1 and not block_size:
        return (Along(place),)
    if scale.rank != x.rank:
        raise ValueError(f"scales by blocks have {scale.rank} axes, the tensor {x.rank}")
    return tuple(Along(i, blocks(block_size)) if i == place else Along(i) for i in range(x.rank))


def blocks(length: int) -> Window:
    """Index i reads number ``floor(i / length)``, (3)."""
    step = Fraction(1, length)
    return Window(length, stride=step, dilation=step, before=1 - step)


# -- DynamicQuantizeLinear ------------------------------------------------------------------------


def dynamic_output(x: Tensor) -> tuple[Tensor, ...]:
    return x.of(x.shape, "uint8"), x.of(()), x.of((), "uint8")


def dynamic_work(outputs: tuple[Tensor, ...], x: Tensor) -> Work:
    """The extremes of N elements, 2(N-1) comparisons, and of zero; a range divided by 255; the zero
    point rounded and saturated; then (1)."""
    scale = Work(add=1, div=1, compare=2)
    zero_point = Work(add=1, div=1, compare=3)
    extremes = Work(compare=2 * (x.size - 1))
    return extremes + scale + zero_point + Work(div=1, add=1, compare=3) * x.size


def dynamic_reads(outputs: tuple[Tensor, ...], x: Tensor) -> Reads:
    # Every element hangs on the scale, which hangs on all of them.
    return {place: (everything(x),) for place in range(3)}


# -- arithmetic on quantised tensors -----------------------------------------------------------


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


def unary_output(x: Tensor, *_: Tensor | None) -> Tensor:
    return x.of(x.shape)


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


# inputs are the output's scale and zero point, then (tensor, scale, zero point) again and again


def normal(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor of {rank} axes")
    return axis % rank


def concat_output(y_scale: Tensor, y_zero: Tensor, *inputs: Tensor, axis: int) -> Tensor:
    parts = inputs[::3]
    if any(part.shape is None for part in parts):
        return Tensor(y_zero.dtype)
    place = normal(axis, parts[0].rank)
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
        place = normal(axis, part.rank)
        if not isinstance(offset, int):
            raise Undetermined("where an input begins", offset.names, offset.data)
        window = Window(before=offset)
        reads.append(tuple(Along(i, window if i == place else Window()) for i in range(part.rank)))
        reads.extend(each_whole(*inputs[first + 1 : first + 3]))
        offset = offset + part.dims[place]
    return tuple(reads)


def softmax_axes(x: Tensor, axis: int, opset: int) -> Sequence[int]:
    """Before opset 13 an axis stands for itself and all behind it."""
    place = normal(axis, x.rank)
    return range(place, place + 1 if opset >= 13 else x.rank)


def softmax_output(x: Tensor, *_: Tensor | None) -> Tensor:
    return x.of(x.shape)


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
    reduced = {normal(axis, x.rank) for axis in axes}
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
    reduced = {normal(axis, x.rank) for axis in axes}
    reads: list[AxisRead] = []
    place = 0
    for i in range(x.rank):
        reads.append(Whole(spatial=True) if i in reduced else Along(i if keepdims else place))
        place += i not in reduced
    return tuple(reads), *each_whole(*rest)


# -- rows of a table that is quantised by blocks -----------------------------------------------


def per_byte(data: Tensor, bits: int) -> int:
    """How many elements one of `data` holds: bytes are packed along the last axis."""
    return 8 // bits if data.dtype == "uint8" else 1


def gather_output(
    data: Tensor,
    indices: Tensor,
    scales: Tensor,
    zero: Tensor | None = None,
    *,
    gather_axis: int = 0,
    bits: int = 4,
) -> Tensor:
    if data.shape is None or indices.shape is None:
        return scales.of(None)
    place = normal(gather_axis, data.rank)
    dims = (*data.dims[:-1], data.dims[-1] * per_byte(data, bits))
    return scales.of((*dims[:place], *indices.dims, *dims[place + 1 :]))


def gather_work(
    outputs: tuple[Tensor, ...],
    data: Tensor,
    indices: Tensor,
    scales: Tensor,
    zero: Tensor | None = None,
) -> Work:
    # bytes have a zero point of half the range where none is given
    shifted = zero is not None or data.dtype == "uint8"
    return Work(mul=1, add=int(shifted)) * outputs[0].size


def gather_reads(
    outputs: tuple[Tensor, ...],
    data: Tensor,
    indices: Tensor,
    scales: Tensor,
    zero: Tensor | None = None,
    *,
    gather_axis: int = 0,
) -> OutputReads:
    # Which row is data, so that the row's axis and what hangs on it are read whole.
    place = normal(gather_axis, data.rank)
    selected = tuple(Along(place + i) for i in range(indices.rank))
    rows: tuple[AxisRead, ...] = tuple(
        Along(i if i < place else i - 1 + indices.rank) for i in range(data.rank)
    )
    rows = tuple(Whole() if i == place else read for i, read in enumerate(rows))
    if data.dims[-1] != outputs[0].dims[-1] and place != data.rank - 1:
        count = outputs[0].dims[-1] // data.dims[-1]
        packed = blocks(count) if isinstance(count, int) else None
        rows = (*rows[:-1], Whole() if packed is None else Along(outputs[0].rank - 1, packed))
    return rows, selected, *each_whole(scales, zero)


for _domain in ("", MICROSOFT):
    define("QuantizeLinear", kind="quantization", domain=_domain,
           infer=quantize_output, work=quantize_work, reads=linear_reads, roles=constants(1, 2))  # fmt: skip
    define("DequantizeLinear", kind="quantization", domain=_domain,
           infer=dequantize_output, work=dequantize_work, reads=linear_reads,
           roles={0: "parameter", **constants(1, 2)})  # fmt: skip
define(
    "DynamicQuantizeLinear",
    kind="quantization",
    infer=dynamic_output,
    work=dynamic_work,
    reads=dynamic_reads,
)

define("QLinearAdd", kind="elementwise arithmetic", domain=MICROSOFT,
       infer=binary_output, work=binary_work(add=1), reads=binary_reads,
       roles=constants(1, 2, 4, 5, 6, 7))  # fmt: skip
define("QLinearMul", kind="elementwise arithmetic", domain=MICROSOFT,
       infer=binary_output, work=binary_work(mul=1), reads=binary_reads,
       roles=constants(1, 2, 4, 5, 6, 7))  # fmt: skip
define("QLinearSigmoid", kind="activation", domain=MICROSOFT,
       infer=unary_output, work=unary_work(exp=1), reads=unary_reads,
       roles=constants(1, 2, 3, 4))  # fmt: skip
define("QLinearLeakyRelu", kind="activation", domain=MICROSOFT,
       infer=unary_output, work=unary_work(compare=1, mul=1), reads=unary_reads,
       roles=constants(1, 2, 3, 4))  # fmt: skip
define("QLinearWhere", kind="logic", domain=MICROSOFT,
       infer=where_output, work=where_work, reads=where_reads,
       roles=constants(2, 3, 5, 6, 7, 8))  # fmt: skip
define("QLinearConcat", kind="data movement", domain=MICROSOFT,
       infer=concat_output, work=concat_work, reads=concat_reads,
       roles=constants(0, 1, *(i for i in range(2, 3 * 256) if i % 3 != 2)))  # fmt: skip
define("QLinearSoftmax", kind="activation", domain=MICROSOFT,
       infer=softmax_output, work=softmax_work, reads=softmax_reads,
       roles=constants(1, 2, 3, 4))  # fmt: skip
define("QLinearReduceMean", kind="mean reduction", domain=MICROSOFT,
       infer=mean_output, work=mean_work, reads=mean_reads,
       roles=constants(1, 2, 3, 4))  # fmt: skip
define("GatherBlockQuantized", kind="indexing", domain=MICROSOFT,
       infer=gather_output, work=gather_work, reads=gather_reads,
       roles=constants(1, 2, 3))  # fmt: skip
