# ruff: noqa: N803  (rules name attributes as ONNX does: transA)
"""What do matrix products of integers put out, what work are they, and what do they read?

The MACs are integer. Besides:

- a zero point: a subtraction per element of its operand, unless that is constant (done once);
- float from integer: one multiplication per output with the product of the scales; back to integer:
  a multiplication, rounding, two comparisons that saturate, and the zero point's addition.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.families.gemm import gemm_output, gemm_reads
from cnnscope.analyzer.operators.families.matmul import matmul_output, matmul_reads
from cnnscope.analyzer.operators.families.matrix_product import order, product_macs
from cnnscope.analyzer.operators.families.requantizing import QUANTIZE_DYNAMICALLY, REQUANTIZE
from cnnscope.analyzer.operators.filter_banks import matrix_filters
from cnnscope.analyzer.operators.reading import OutputReads, each_whole, elementwise, everything
from cnnscope.analyzer.operators.rules import demand
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


def zero_points(*pairs: tuple[Tensor, Tensor | None]) -> Work:
    """A subtraction per element of each operand that has a zero point and isn't constant."""
    done = (x.size for x, zero_point in pairs if zero_point is not None and not x.constant)
    return Work(add=sum(done, 0))


def of_type(dtype: str | None, y: Tensor) -> Tensor:
    return Tensor(dtype, y.shape)


def check_rows(given: Tensor | None, name: str, a: Sequence[Dim]) -> None:
    """Raise ValueError where it surely isn't a number, one for each row, nor a column of them."""
    if given is None or given.shape is None or given.shape in ((), (1,)):
        return
    if len(given.shape) == 1:
        demand(given, name, a[-2] if len(a) > 1 else 1)
    else:
        demand(given, name, *a[:-1], 1)


def check_columns(given: Tensor | None, name: str, b: Sequence[Dim]) -> None:
    """Raise ValueError where it surely isn't a number, one for each column, nor a row of them."""
    if given is None or given.shape is None or given.shape in ((), (1,)):
        return
    if len(given.shape) == 1:
        demand(given, name, b[-1])
    else:
        demand(given, name, *b[:-2], 1, b[-1])


def integer_output(
    a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None,
    *_: Tensor | None,
) -> Tensor:  # fmt: skip
    if a.shape is not None:
        check_rows(a_zero, "a_zero_point", a.shape)
    if b.shape is not None:
        check_columns(b_zero, "b_zero_point", b.shape)
    return of_type("int32", matmul_output(a, b))


def integer_work(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    a_zero: Tensor | None = None,
    b_zero: Tensor | None = None,
) -> Work:
    macs = product_macs(a, b, order(a.rank), order(b.rank))
    return Work(int_macs=macs) + zero_points((a, a_zero), (b, b_zero))


def integer_reads(
    outputs: tuple[Tensor, ...], a: Tensor, b: Tensor, *rest: Tensor | None
) -> OutputReads:
    return (*matmul_reads(outputs, a, b), *each_whole(*rest))


def qlinear_output(
    a: Tensor,
    a_scale: Tensor,
    a_zero: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero: Tensor,
    y_scale: Tensor,
    y_zero: Tensor,
) -> Tensor:
    y = matmul_output(a, b)
    for name, given in (("a_scale", a_scale), ("a_zero_point", a_zero)):
        check_rows(given, name, a.dims)
    for name, given in (("b_scale", b_scale), ("b_zero_point", b_zero)):
        check_columns(given, name, b.dims)
    for name, given in (("y_scale", y_scale), ("y_zero_point", y_zero)):
        check_rows(given, name, y.dims)
    return of_type(y_zero.dtype, y)


def qlinear_work(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    a_scale: Tensor,
    a_zero: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero: Tensor,
    y_scale: Tensor,
    y_zero: Tensor,
) -> Work:
    return integer_work(outputs, a, b, a_zero, b_zero) + REQUANTIZE * outputs[0].size


def qlinear_reads(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    a_scale: Tensor,
    a_zero: Tensor,
    b: Tensor,
    *rest: Tensor | None,
) -> OutputReads:
    first, second = matmul_reads(outputs, a, b)
    return (first, *each_whole(a_scale, a_zero), second, *each_whole(*rest))


def qgemm_output(
    a: Tensor,
    a_scale: Tensor,
    a_zero: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero: Tensor,
    c: Tensor | None = None,
    y_scale: Tensor | None = None,
    y_zero: Tensor | None = None,
    *,
    transA: int = 0,
    transB: int = 0,
) -> Tensor:
    dtype = a_scale.dtype if y_zero is None else y_zero.dtype
    return of_type(dtype, gemm_output(a, b, c, transA=transA, transB=transB))


def qgemm_work(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    a_scale: Tensor,
    a_zero: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero: Tensor,
    c: Tensor | None = None,
    y_scale: Tensor | None = None,
    y_zero: Tensor | None = None,
    *,
    transA: int = 0,
    transB: int = 0,
) -> Work:
    size = outputs[0].size
    macs = product_macs(a, b, order(2, transA), order(2, transB))
    # alpha goes into the scale
    after = Work(mul=1) if y_scale is None else REQUANTIZE
    done = Work(int_macs=macs, bias=0 if c is None else size)
    return done + zero_points((a, a_zero), (b, b_zero)) + after * size


def qgemm_reads(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    a_scale: Tensor,
    a_zero: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero: Tensor,
    c: Tensor | None = None,
    *rest: Tensor | None,
    transA: int = 0,
    transB: int = 0,
) -> OutputReads:
    first, second, third = gemm_reads(outputs, a, b, c, transA=transA, transB=transB)
    return (first, *each_whole(a_scale, a_zero), second, *each_whole(b_scale, b_zero), third,
            *each_whole(*rest))  # fmt: skip


def to_float_output(a: Tensor, b: Tensor, a_scale: Tensor, *_: Tensor | None) -> Tensor:
    return of_type(a_scale.dtype, matmul_output(a, b))


def to_float_work(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    a_scale: Tensor,
    b_scale: Tensor,
    a_zero: Tensor | None = None,
    b_zero: Tensor | None = None,
    bias: Tensor | None = None,
) -> Work:
    size = outputs[0].size
    scaled = Work(mul=size, bias=0 if bias is None else size)
    return integer_work(outputs, a, b, a_zero, b_zero) + scaled


def biased_reads(
    outputs: tuple[Tensor, ...], a: Tensor, b: Tensor, *given: Tensor | None, bias: Tensor | None
) -> OutputReads:
    """Reads of A, B, some parameters, then a bias that is added to the output."""
    added = None if bias is None else elementwise(outputs[0], bias)
    return (*matmul_reads(outputs, a, b), *each_whole(*given), added)


def to_float_reads(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    a_scale: Tensor,
    b_scale: Tensor,
    a_zero: Tensor | None = None,
    b_zero: Tensor | None = None,
    bias: Tensor | None = None,
) -> OutputReads:
    return biased_reads(outputs, a, b, a_scale, b_scale, a_zero, b_zero, bias=bias)


def dynamic_work(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero: Tensor | None = None,
    bias: Tensor | None = None,
) -> Work:
    # A is quantised by the extremes of all its elements, its zero point subtracted again
    quantized = QUANTIZE_DYNAMICALLY * a.size + Work(add=a.size)
    return quantized + to_float_work(outputs, a, b, b_scale, b_scale, None, b_zero, bias)


def dynamic_reads(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    b_scale: Tensor,
    b_zero: Tensor | None = None,
    bias: Tensor | None = None,
) -> OutputReads:
    # The scale that quantises A hangs on all of A.
    _, *rest = biased_reads(outputs, a, b, b_scale, b_zero, bias=bias)
    return (everything(a), *rest)


define("MatMulInteger", scheme="qoperator", kind="matrix product",
       infer=integer_output, work=integer_work, reads=integer_reads,
       roles=constants(2, 3), filters=matrix_filters(0, 1, zero=3))  # fmt: skip
define("QLinearMatMul", scheme="qoperator", kind="matrix product",
       infer=qlinear_output, work=qlinear_work, reads=qlinear_reads,
       roles=constants(1, 2, 4, 5, 6, 7), filters=matrix_filters(0, 3, 4, 5))  # fmt: skip
define("MatMulInteger16", scheme="qoperator", kind="matrix product", domain=MICROSOFT,
       infer=integer_output, work=integer_work, reads=integer_reads,
       filters=matrix_filters())  # fmt: skip
define("QGemm", scheme="qoperator", kind="matrix product", domain=MICROSOFT,
       infer=qgemm_output, work=qgemm_work, reads=qgemm_reads,
       roles={6: "parameter", **constants(1, 2, 4, 5, 7, 8)}, filters=matrix_filters(0, 3, 4, 5))  # fmt: skip
define("MatMulIntegerToFloat", scheme="qoperator", kind="matrix product", domain=MICROSOFT,
       infer=to_float_output, work=to_float_work, reads=to_float_reads,
       roles=constants(2, 3, 4, 5), filters=matrix_filters(0, 1, 3, 5))  # fmt: skip
define("DynamicQuantizeMatMul", scheme="dynamic", kind="matrix product", domain=MICROSOFT,
       infer=to_float_output, work=dynamic_work, reads=dynamic_reads, roles=constants(2, 3),
       filters=matrix_filters(0, 1, 2, 3))  # fmt: skip
