"""What do losses put out, what work are they, and which scores does each read?

With M targets (all but the class axis) and C classes::

    (1)   log softmax: per target C-1 comparisons, C subtractions of the largest, C exponentials,
          C-1 additions, a logarithm, C subtractions of it
    (2)   the target's own number, negated: a sign per target; times its weight, where there are any
    (3)   sum: M-1 additions; mean: also a division, and M-1 additions of the weights
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    OutputReads,
    Reads,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import demand, demand_rank
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


def loss_output(
    scores: Tensor, targets: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    if scores.shape is not None:
        if scores.rank < 2:
            raise ValueError(f"scores of {scores.rank} axes have no classes")
        demand(targets, "target", scores.dims[0], *scores.dims[2:])
        # A longer table of weights is never read to its end.
        demand_rank(weight, "weight", 1)
    return scores.of(() if reduction != "none" else targets.shape)


def loss_work(
    outputs: tuple[Tensor, ...],
    scores: Tensor,
    targets: Tensor,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Work:
    """(2) and (3)."""
    count: Dim = targets.size
    work = Work(compare=count, mul=0 if weight is None else count)
    if reduction == "none":
        return work
    sums = 1 + (reduction == "mean" and weight is not None)
    return work + Work(add=sums * (count - 1), div=int(reduction == "mean"))


def loss_reads(
    outputs: tuple[Tensor, ...],
    scores: Tensor,
    targets: Tensor,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> OutputReads:
    weights: InputRead = None if weight is None else everything(weight)
    if reduction != "none":
        return everything(scores), everything(targets), weights
    kept = (Along(axis) for axis in range(1, targets.rank))
    read: tuple[AxisRead, ...] = (Along(0), Whole(), *kept)
    return read, tuple(Along(axis) for axis in range(targets.rank)), weights


def cross_entropy_output(
    scores: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    *,
    reduction: str = "mean",
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    loss = loss_output(scores, labels, weights, reduction=reduction)
    return (loss, scores.of(scores.shape))[:output_count]


def cross_entropy_work(
    outputs: tuple[Tensor, ...],
    scores: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Work:
    size, rows = scores.size, labels.size
    logarithm = Work(compare=size - rows, add=3 * size - rows, exp=size + rows)
    return logarithm + loss_work(outputs, scores, labels, weights, reduction=reduction)


def cross_entropy_reads(
    outputs: tuple[Tensor, ...],
    scores: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Reads:
    loss = loss_reads(outputs, scores, labels, weights, reduction=reduction)
    classes = tuple(Whole() if axis == 1 else Along(axis) for axis in range(scores.rank))
    return {0: loss, 1: (classes, NOTHING, NOTHING)}


define(
    "NegativeLogLikelihoodLoss", kind="loss", infer=loss_output, work=loss_work, reads=loss_reads
)
define("SoftmaxCrossEntropyLoss", kind="loss",
       infer=cross_entropy_output, work=cross_entropy_work, reads=cross_entropy_reads)  # fmt: skip
