# ruff: noqa: N803  (rules name attributes as ONNX does: K, N)
"""What do matrix products with weights of few bits put out, and what work is it to unpack those?

A weight kept in few bits takes a multiplication (and a subtraction, where it has a zero point) per
weight and run.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.reading import Along, OutputReads, Whole, each_whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor


def linear_output(a: Tensor, *_: Tensor | None, N: int) -> Tensor:
    return a.of(None if a.shape is None else (*a.shape[:-1], N))


def linear_reads(outputs: tuple[Tensor, ...], a: Tensor, *rest: Tensor | None) -> OutputReads:
    rows = tuple(Along(i) for i in range(a.rank - 1))
    return ((*rows, Whole()), *each_whole(*rest))


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


define("MatMulNBits", scheme="weights", kind="matrix product", domain=MICROSOFT,
       infer=linear_output, work=nbits_work, reads=linear_reads,
       roles=constants(2, 3, 4), elements=packed_elements)  # fmt: skip
define("MatMulBnb4", scheme="weights", kind="matrix product", domain=MICROSOFT,
       infer=bnb4_output, work=bnb4_work, reads=linear_reads,
       roles=constants(2), elements=packed_elements)  # fmt: skip
define("MatMulFpQ4", scheme="weights", kind="matrix product", domain=MICROSOFT,
       infer=fpq4_output, work=fpq4_work, reads=linear_reads, roles=constants(2))  # fmt: skip
