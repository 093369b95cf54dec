"""What do the operators between reals and few bits put out, and what work are they?

The work per element is (1) and (2) of `requantizing`. A scale belongs to the tensor, to an index of an
axis, or to a block of indices::

    (3)   the scale of index i is number floor(i / block)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from cnnscope.analyzer.operators.arithmetic import calculates
from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.families.requantizing import dequantized, quantized
from cnnscope.analyzer.operators.reading import Along, InputRead, OutputReads, Reads, everything
from cnnscope.analyzer.operators.rules import demand, demand_rank, demand_single, in_range
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import ceil_div
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
    place = in_range(axis, x.rank)
    if scale.rank == 1 and not block_size:
        return (Along(place),)
    if scale.rank != x.rank:
        raise ValueError(f"scales by blocks have {scale.rank} axes, the tensor {x.rank}")
    return tuple(Along(i, blocks(block_size)) if i == place else Along(i) for i in range(x.rank))


def blocks(length: int) -> Window:
    """Index i reads number ``floor(i / length)``, (3)."""
    step = Fraction(1, length)
    return Window(length, stride=step, dilation=step, before=1 - step)


def dequantized_numbers(
    arrays: Sequence[Any], attributes: Mapping[str, Any], version: int
) -> np.ndarray | None:
    """``(x - zero) * scale`` of stored numbers; onnx's reference knows it from opset 19 on only."""
    x, scale, *rest = arrays
    zero = rest[0] if rest else None
    axis, block = attributes.get("axis", 1), attributes.get("block_size", 0)
    if "output_dtype" in attributes or scale.dtype not in (np.float32, np.float64):
        return None

    def each(numbers: np.ndarray) -> np.ndarray:
        """Laid out along x, (3)."""
        if block:
            return np.repeat(numbers, block, axis)[
                tuple(slice(n if i == axis % x.ndim else None) for i, n in enumerate(x.shape))
            ]
        if numbers.size == 1:
            return numbers.reshape(())
        return numbers.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])

    found = x.astype(np.float32)
    if zero is not None:
        found = found - each(zero.astype(np.float32))
    return np.asarray(found * each(scale), scale.dtype)


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


for _domain in ("", MICROSOFT):
    define("QuantizeLinear", scheme="qdq", kind="quantization", domain=_domain,
           infer=quantize_output, work=quantize_work, reads=linear_reads, roles=constants(1, 2))  # fmt: skip
    define("DequantizeLinear", scheme="qdq", kind="quantization", domain=_domain,
           infer=dequantize_output, work=dequantize_work, reads=linear_reads,
           roles={0: "parameter", **constants(1, 2)})  # fmt: skip
    calculates("DequantizeLinear", rule=dequantized_numbers, domain=_domain)
define(
    "DynamicQuantizeLinear",
    scheme="dynamic",
    kind="quantization",
    infer=dynamic_output,
    work=dynamic_work,
    reads=dynamic_reads,
)
