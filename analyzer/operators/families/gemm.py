# ruff: noqa: N803  (rules name attributes as ONNX does: transA)
"""What does Gemm put out, what work is it, and what does it read?

``alpha * A B + beta * C``: the product of `matrix_product`; C is a bias, one addition per output, apart
(`Work.bias`); alpha: a multiplication per output where it isn't 1; beta: one per element of C where it
isn't 1, and C isn't read where it is 0 (as in BLAS).
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.matrix_product import (
    activation_work,
    order,
    product_macs,
    product_reads,
    product_shape,
)
from cnnscope.analyzer.operators.filter_banks import matrix_filters
from cnnscope.analyzer.operators.reading import NOTHING, OutputReads, each_whole, elementwise
from cnnscope.analyzer.operators.rules import demand_onto
from cnnscope.analyzer.operators.work import Work, matrix_work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor, dtype_of


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
    return (*gemm_reads(outputs, a, b, c, transA=transA, transB=transB), *each_whole(*scales))


define("Gemm", kind="matrix product", infer=gemm_output, work=gemm_work, reads=gemm_reads,
       filters=matrix_filters())  # fmt: skip
define(
    "FusedGemm",
    kind="matrix product",
    domain=MICROSOFT,
    infer=gemm_output,
    work=fused_gemm_work,
    reads=gemm_reads,
    filters=matrix_filters(),
)
define("GemmFloat8", kind="matrix product", domain=MICROSOFT,
       infer=gemm_float8_output, work=gemm_float8_work, reads=gemm_float8_reads)  # fmt: skip
