# ruff: noqa: N803  (rules name attributes as ONNX does: transA)
"""What do matrix products put out, what work are they, and which rows and columns do they read?

Every product here is numpy's::

    (1)   Y[..., i, j] = sum over k of A[..., i, k] * B[..., k, j]

with 1-D operands standing for a row (A) or a column (B) and the leading axes broadcast. The axes of
an operand are put into that order by a permutation first (transA, transB, transBatchA...), so that
one set of rules serves all. The work is

- ``batch * i * j * k`` MACs, those of quantised operands integer;
- a bias: one addition per output, apart (`Work.bias`); alpha: a multiplication per output where it
  isn't 1; beta: one per element of C where it isn't 1, and C isn't read where it is 0 (as in BLAS);
- a zero point: a subtraction per element of its operand, unless that is constant (done once);
- float from integer: one multiplication per output with the product of the scales; back to integer:
  a multiplication, rounding, two comparisons that saturate, and the zero point's addition;
- a weight kept in few bits: a multiplication (and a subtraction, where it has a zero point) per
  weight and run.

Reads: rows and columns go along with the output's, the contracted axis is read whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    Only,
    OutputReads,
    Whole,
    elementwise,
    everything,
)
from cnnscope.analyzer.operators.rules import broadcast_shapes, demand, demand_onto
from cnnscope.analyzer.operators.work import Work, matrix_work
from cnnscope.analyzer.values.dimension import Dim, product
from cnnscope.analyzer.values.tensor import Tensor, dtype_of

#: to an integer type: scaled, rounded, saturated at both ends, shifted by the zero point
REQUANTIZE = Work(mul=1, compare=3, add=1)
#: the same with a scale found first: each element takes part in a minimum and a maximum
QUANTIZE_DYNAMICALLY = Work(div=1, compare=5, add=1)
#: per element of what a fused activation makes
ACTIVATIONS = {
    "": Work(),
    "Relu": Work(compare=1),
    "LeakyRelu": Work(compare=1, mul=1),
    "ThresholdedRelu": Work(compare=1),
    "Elu": Work(compare=1, exp=1, add=1, mul=1),
    "Sigmoid": Work(exp=1),
    "Tanh": Work(exp=1),
    "ScaledTanh": Work(exp=1, mul=2),
    "HardSigmoid": Work(mul=1, add=1, compare=2),
    "Softplus": Work(exp=2, add=1),
    "Softsign": Work(compare=1, add=1, div=1),
    # x * (a + a*tanh(x * (b*x*x + c)))
    "FastGelu": Work(exp=1, mul=5, add=2),
}


# -- the product (1) ------------------------------------------------------------------------


def order(rank: int, transpose: int = 0, transpose_batch: int = 0) -> list[int]:
    """The operand's axes in the order batch..., row, column."""
    axes = list(range(rank))
    if transpose_batch and rank > 1:  # the rows come before the batch
        axes = [*axes[1:-1], 0, axes[-1]]
    if transpose and rank > 1:
        axes[-2:] = axes[:-3:-1]
    return axes


def multiplied(a: Sequence[Dim], b: Sequence[Dim]) -> tuple[tuple[Dim, ...], Dim]:
    """The shape of a product and its MACs."""
    if not a or not b:
        raise ValueError("a factor of a matrix product is a scalar")
    depth = a[-1]
    other = b[-2] if len(b) > 1 else b[0]
    if isinstance(depth, int) and isinstance(other, int) and depth != other:
        raise ValueError(f"{depth} columns of the first factor meet {other} rows of the second")
    if not isinstance(depth, int):
        depth = other
    batch = broadcast_shapes(tuple(a[:-2]), tuple(b[:-2]))
    shape = (*batch, *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))
    return shape, product(shape) * depth


def product_shape(a: Tensor, b: Tensor, first: list[int], second: list[int]) -> tuple[Dim, ...]:
    return multiplied([a.dims[i] for i in first], [b.dims[i] for i in second])[0]


def product_macs(a: Tensor, b: Tensor, first: list[int], second: list[int]) -> Dim:
    return multiplied([a.dims[i] for i in first], [b.dims[i] for i in second])[1]


def product_reads(
    y: Tensor, a: Tensor, b: Tensor, first: list[int], second: list[int]
) -> tuple[tuple[AxisRead, ...], tuple[AxisRead, ...]]:
    """The reads of (1), by axes in the operands' own order."""
    has_rows, has_columns = a.rank > 1, b.rank > 1
    batch_rank = y.rank - has_rows - has_columns
    reads_a: list[AxisRead] = [Whole()] * a.rank
    reads_b: list[AxisRead] = [Whole()] * b.rank
    for tensor, axes, reads in ((a, first, reads_a), (b, second, reads_b)):
        batch = axes[:-2]
        for place, axis in enumerate(batch, batch_rank - len(batch)):
            repeated = tensor.dims[axis] == 1 and y.dims[place] != 1
            reads[axis] = Only(0, 0) if repeated else Along(place)
    if has_rows:
        reads_a[first[-2]] = Along(batch_rank)
    if has_columns:
        reads_b[second[-1]] = Along(y.rank - 1)
    return tuple(reads_a), tuple(reads_b)


def parameters(*tensors: Tensor | None) -> OutputReads:
    """Scales, zero points and the like: read by every output."""
    return tuple(None if t is None else everything(t) for t in tensors)


def zero_points(*pairs: tuple[Tensor, Tensor | None]) -> Work:
    """A subtraction per element of each operand that has a zero point and isn't constant."""
    done = (x.size for x, zero_point in pairs if zero_point is not None and not x.constant)
    return Work(add=sum(done, 0))


# -- Gemm -----------------------------------------------------------------------------------


def gemm_output(
    a: Tensor, b: Tensor, c: Tensor | None = None, *, transA: int = 0, transB: int = 0
) -> Tensor:
    for which, tensor in (("first", a), ("second", b)):
        if tensor.shape is not None and tensor.rank != 2:
            raise ValueError(f"the {which} matrix has {tensor.rank} axes")
    if a.shape is None or b.shape is None:
        return a.of(None)
    shape = product_shape(a, b, order(2, transA), order(2, transB))
    if c is not None and c.shape is not None:
        demand_onto(c, "C", shape)
    return a.of(shape)


def gemm_work(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Work:
    size = outputs[0].size
    macs = product_macs(a, b, order(2, transA), order(2, transB))
    scaled: Dim = size if alpha != 1 else 0
    if c is None or beta == 0:
        return matrix_work(macs, a, b) + Work(mul=scaled)
    scaled = scaled + (c.size if beta != 1 else 0)
    return matrix_work(macs, a, b, bias=size) + Work(mul=scaled)


def gemm_reads(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    transA: int = 0,
    transB: int = 0,
    beta: float = 1.0,
) -> OutputReads:
    # Nothing is read of what is added zero times.
    added = NOTHING if beta == 0 else None if c is None else elementwise(outputs[0], c)
    return (*product_reads(outputs[0], a, b, order(2, transA), order(2, transB)), added)


def fused_gemm_work(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    activation: str = "",
) -> Work:
    work = gemm_work(outputs, a, b, c, alpha=alpha, beta=beta, transA=transA, transB=transB)
    return work + activation_work(activation) * outputs[0].size


def activation_work(name: str) -> Work:
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name}")
    return ACTIVATIONS[name]


def gemm_float8_output(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *_: Tensor | None,
    dtype: int = 1,
    transA: int = 0,
    transB: int = 0,
) -> Tensor:
    y = gemm_output(a, b, c, transA=transA, transB=transB)
    return Tensor(dtype_of(dtype), y.shape)


def gemm_float8_work(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    scale_a: Tensor | None = None,
    scale_b: Tensor | None = None,
    scale_y: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 0.0,
    transA: int = 0,
    transB: int = 0,
    activation: str = "",
) -> Work:
    gemm = fused_gemm_work(
        outputs,
        a,
        b,
        c,
        alpha=alpha,
        beta=beta,
        transA=transA,
        transB=transB,
        activation="FastGelu" if activation.upper() == "GELU" else activation.capitalize(),
    )
    scaled = (scale_a is not None or scale_b is not None) + (scale_y is not None)
    return gemm + Work(mul=scaled) * outputs[0].size


def gemm_float8_reads(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *scales: Tensor | None,
    transA: int = 0,
    transB: int = 0,
) -> OutputReads:
    return (*gemm_reads(outputs, a, b, c, transA=transA, transB=transB), *parameters(*scales))


# -- MatMul ---------------------------------------------------------------------------------


def matmul_output(
    a: Tensor,
    b: Tensor,
    *,
    transA: int = 0,
    transB: int = 0,
    transBatchA: int = 0,
    transBatchB: int = 0,
) -> Tensor:
    if a.shape is None or b.shape is None:
        return a.of(None)
    first, second = order(a.rank, transA, transBatchA), order(b.rank, transB, transBatchB)
    return a.of(product_shape(a, b, first, second))


def matmul_work(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    *,
    alpha: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    transBatchA: int = 0,
    transBatchB: int = 0,
    activation: str = "",
) -> Work:
    first, second = order(a.rank, transA, transBatchA), order(b.rank, transB, transBatchB)
    after = activation_work(activation) + Work(mul=int(alpha != 1))
    return matrix_work(product_macs(a, b, first, second), a, b) + after * outputs[0].size


def matmul_reads(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    *,
    transA: int = 0,
    transB: int = 0,
    transBatchA: int = 0,
    transBatchB: int = 0,
) -> OutputReads:
    first, second = order(a.rank, transA, transBatchA), order(b.rank, transB, transBatchB)
    return product_reads(outputs[0], a, b, first, second)


def fast_gelu_output(x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
    return matmul_output(x, w)


def fast_gelu_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, bias: Tensor | None = None
) -> Work:
    work = matmul_work(outputs, x, w, activation="FastGelu")
    return work if bias is None else work + Work(bias=outputs[0].size)


def fast_gelu_reads(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, bias: Tensor | None = None
) -> OutputReads:
    return (*matmul_reads(outputs, x, w), None)


def det_output(x: Tensor) -> Tensor:
    return x.of(None if x.shape is None else x.shape[:-2])


def det_work(outputs: tuple[Tensor, ...], x: Tensor) -> Work:
    """Gaussian elimination with partial pivoting: column k has n-k rows below it to search, to
    divide and to reduce by n-k elements each; then the diagonal's product."""
    n = x.dims[-1]
    pairs = n * (n - 1) // 2
    steps = n * (n - 1) * (2 * n - 1) // 6
    return Work(mul=steps + n - 1, add=steps, div=pairs, compare=pairs) * product(x.dims[:-2])


def det_reads(outputs: tuple[Tensor, ...], x: Tensor) -> OutputReads:
    return ((*(Along(i) for i in range(x.rank - 2)), Whole(), Whole()),)


# -- products of integers -------------------------------------------------------------------


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
    return (*matmul_reads(outputs, a, b), *parameters(*rest))


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
    return (first, *parameters(a_scale, a_zero), second, *parameters(*rest))


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
    return (first, *parameters(a_scale, a_zero), second, *parameters(b_scale, b_zero), third,
            *parameters(*rest))  # fmt: skip


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
    return (*matmul_reads(outputs, a, b), *parameters(*given), added)


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


# -- weights of few bits --------------------------------------------------------------------


def linear_output(a: Tensor, *_: Tensor | None, N: int) -> Tensor:
    return a.of(None if a.shape is None else (*a.shape[:-1], N))


def linear_reads(outputs: tuple[Tensor, ...], a: Tensor, *rest: Tensor | None) -> OutputReads:
    rows = tuple(Along(i) for i in range(a.rank - 1))
    return ((*rows, Whole()), *parameters(*rest))


def nbits_work(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    scales: Tensor,
    zero_points: Tensor | None = None,
    g_idx: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    K: int,
    N: int,
) -> Work:
    # without a zero point given it is half the range, so that it is always subtracted
    size = outputs[0].size
    return Work(float_macs=size * K, bias=0 if bias is None else size, mul=K * N, add=K * N)


def bnb4_output(a: Tensor, *_: Tensor | None, K: int, N: int, transB: int = 1) -> Tensor:
    return a.of(None if a.shape is None else (*a.shape[:-1], N if transB else K))


def bnb4_work(
    outputs: tuple[Tensor, ...], a: Tensor, *_: Tensor | None, K: int, N: int, transB: int = 1
) -> Work:
    # sixteen levels from a table, times the block's largest
    return Work(float_macs=outputs[0].size * (K if transB else N), mul=K * N)


def fpq4_output(a: Tensor, b: Tensor, b_shape: Tensor) -> Tensor:
    if a.shape is None:
        return a.of(None)
    return a.of((*a.shape[:-1], b_shape.lengths[1]))


def fpq4_work(outputs: tuple[Tensor, ...], a: Tensor, b: Tensor, b_shape: Tensor) -> Work:
    depth, width = b_shape.lengths
    return Work(float_macs=outputs[0].size * depth, mul=depth * width)


def packed_elements(
    a: Tensor,
    b: Tensor,
    *rest: Tensor | None,
    K: int,
    N: int,
) -> dict[int, int]:
    """B packs several weights into a byte: it holds K*N of them."""
    return {1: K * N}


define("Gemm", kind="matrix product", infer=gemm_output, work=gemm_work, reads=gemm_reads)
define("MatMul", kind="matrix product", infer=matmul_output, work=matmul_work, reads=matmul_reads)
define("MatMulInteger", kind="matrix product",
       infer=integer_output, work=integer_work, reads=integer_reads,
       roles=constants(2, 3))  # fmt: skip
define("QLinearMatMul", kind="matrix product",
       infer=qlinear_output, work=qlinear_work, reads=qlinear_reads,
       roles=constants(1, 2, 4, 5, 6, 7))  # fmt: skip
define("Det", kind="linear algebra", infer=det_output, work=det_work, reads=det_reads)

define(
    "FusedGemm",
    kind="matrix product",
    domain=MICROSOFT,
    infer=gemm_output,
    work=fused_gemm_work,
    reads=gemm_reads,
)
define("GemmFloat8", kind="matrix product", domain=MICROSOFT,
       infer=gemm_float8_output, work=gemm_float8_work, reads=gemm_float8_reads)  # fmt: skip
define("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation", domain=MICROSOFT,
       kind="matrix product", infer=matmul_output, work=matmul_work, reads=matmul_reads)  # fmt: skip
define("GemmFastGelu", kind="matrix product", domain=MICROSOFT,
       infer=fast_gelu_output, work=fast_gelu_work, reads=fast_gelu_reads)  # fmt: skip
define("MatMulInteger16", kind="matrix product", domain=MICROSOFT,
       infer=integer_output, work=integer_work, reads=integer_reads)  # fmt: skip
define("QGemm", kind="matrix product", domain=MICROSOFT,
       infer=qgemm_output, work=qgemm_work, reads=qgemm_reads,
       roles={6: "parameter", **constants(1, 2, 4, 5, 7, 8)})  # fmt: skip
define("MatMulIntegerToFloat", kind="matrix product", domain=MICROSOFT,
       infer=to_float_output, work=to_float_work, reads=to_float_reads,
       roles=constants(2, 3, 4, 5))  # fmt: skip
define("DynamicQuantizeMatMul", kind="matrix product", domain=MICROSOFT,
       infer=to_float_output, work=dynamic_work, reads=dynamic_reads, roles=constants(2, 3))  # fmt: skip
define("MatMulNBits", kind="matrix product", domain=MICROSOFT,
       infer=linear_output, work=nbits_work, reads=linear_reads,
       roles=constants(2, 3, 4), elements=packed_elements)  # fmt: skip
define("MatMulBnb4", kind="matrix product", domain=MICROSOFT,
       infer=bnb4_output, work=bnb4_work, reads=linear_reads,
       roles=constants(2), elements=packed_elements)  # fmt: skip
define("MatMulFpQ4", kind="matrix product", domain=MICROSOFT,
       infer=fpq4_output, work=fpq4_work, reads=linear_reads, roles=constants(2))  # fmt: skip
