# ruff: noqa: N803  (rules name attributes as ONNX does: transA)
"""What does a product of matrices put out, what work is it, and what does it read?

The product is that of `matrix_product`; alpha is a multiplication per output where it isn't 1, a bias
one addition per output, apart (`Work.bias`).
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
from cnnscope.analyzer.operators.reading import OutputReads
from cnnscope.analyzer.operators.work import Work, matrix_work
from cnnscope.analyzer.values.tensor import Tensor


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


define("MatMul", kind="matrix product", infer=matmul_output, work=matmul_work, reads=matmul_reads,
       filters=matrix_filters())  # fmt: skip
define("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation", domain=MICROSOFT,
       kind="matrix product", infer=matmul_output, work=matmul_work, reads=matmul_reads,
       filters=matrix_filters())  # fmt: skip
define("GemmFastGelu", kind="matrix product", domain=MICROSOFT,
       infer=fast_gelu_output, work=fast_gelu_work, reads=fast_gelu_reads,
       filters=matrix_filters())  # fmt: skip
