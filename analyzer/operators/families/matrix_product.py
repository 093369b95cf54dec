"""What do all matrix products share: whose rows meet whose columns, and what comes behind?

Every product here is numpy's::

    (1)   Y[..., i, j] = sum over k of A[..., i, k] * B[..., k, j]

with 1-D operands standing for a row (A) or a column (B) and the leading axes broadcast. The axes of
an operand are put into that order by a permutation first (transA, transB, transBatchA...), so that
one set of rules serves all. That is ``batch * i * j * k`` MACs.

Reads: rows and columns go along with the output's, the contracted axis is read whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.operators.families.fused_activations import PER_ELEMENT
from cnnscope.analyzer.operators.reading import Along, AxisRead, Only, Whole
from cnnscope.analyzer.operators.rules import broadcast_shapes
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import agree
from cnnscope.analyzer.values.dimension import Dim, product
from cnnscope.analyzer.values.tensor import Tensor

#: the activations that it knows
ACTIVATIONS = (
    "",
    "Relu",
    "LeakyRelu",
    "ThresholdedRelu",
    "Elu",
    "Sigmoid",
    "Tanh",
    "ScaledTanh",
    "HardSigmoid",
    "Softplus",
    "Softsign",
    "FastGelu",
)


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
    if not agree(depth, other):
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


def activation_work(name: str) -> Work:
    if name not in ACTIVATIONS:
        raise ValueError(f"unknown activation {name}")
    return PER_ELEMENT[name]
