"""What does batch normalisation put out, what work is it, and what do output and statistics read?

BatchNormalization has its statistics given: it is one multiplication and one addition per element,
with ``a = scale / sqrt(var + epsilon)`` and ``b = bias - mean*a`` per channel, which are 2 additions, a
root, a division and a multiplication each, counted only where a parameter isn't constant, as they are
otherwise found once, beforehand. In training it is (1) to (5) of `standardizing`.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.standardizing import over, per_channel, standardized
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    OutputReads,
    Reads,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import demand
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


def channels(x: Tensor) -> Dim:
    return x.dims[1] if x.rank > 1 else 1


def is_training(output_count: int, training_mode: int, is_test: int, opset: int) -> bool:
    """Before opset 14 it's whether statistics are asked for that says so."""
    return bool(training_mode) if opset >= 14 else output_count > 1 and not is_test


def batch_output(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    spatial: int = 1,
    opset: int = 15,
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    for name, given in (("scale", scale), ("B", bias), ("mean", mean), ("var", var)):
        # Before opset 9 there could be one per position, too: all axes but the batch's.
        if x.shape is not None and given.shape is not None and given.rank > max(x.rank - 1, 1):
            raise ValueError(f"{name} has {given.rank} axes, one is wanted: the channels")
    if x.shape is not None:
        # Not spatial: one number per position.
        wanted = x.shape[1:] if opset < 9 and not spatial else (channels(x),)
        for name, given in (("scale", scale), ("B", bias), ("mean", mean), ("var", var)):
            demand(given, name, *wanted)
    statistics = mean.shape
    if statistics is None and x.shape is not None:
        statistics = (channels(x),)
    return (x.of(x.shape), *(mean.of(statistics) for _ in range(output_count - 1)))


def batch_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    training_mode: int = 0,
    is_test: int = 0,
    opset: int,
    output_count: int = 1,
) -> Work:
    if is_training(output_count, training_mode, is_test, opset):
        groups = mean.size
        running = Work(mul=4, add=2) * groups  # old*momentum + new*(1 - momentum), twice
        return standardized(x.size, groups) + Work(mul=x.size, add=x.size) + running
    folded = Work(add=2, sqrt=1, div=1, mul=1) * mean.size
    if all(parameter.constant for parameter in (scale, bias, mean, var)):
        folded = Work()
    return Work(mul=x.size, add=x.size) + folded


def batch_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    var: Tensor,
    *,
    spatial: int = 1,
    training_mode: int = 0,
    is_test: int = 0,
    opset: int,
    output_count: int = 1,
) -> Reads:
    if x.rank < 2:
        return (None, *(everything(p) for p in (scale, bias, mean, var)))
    given = tuple(per_channel(p, 1) for p in (scale, bias, mean, var))
    if not is_training(output_count, training_mode, is_test, opset):
        return (None, *given)
    # Not spatial: statistics over the batch only, one per position.
    kept = range(1, 2) if spatial else range(1, x.rank)
    statistic = tuple(Along(i - 1) if i in kept else Whole() for i in range(x.rank))
    normalized = over(x, set(range(x.rank)).difference(kept))
    plain = per_channel(mean, 0)
    result: dict[int, OutputReads] = {0: (normalized, *given[:2], NOTHING, NOTHING)}
    for place in range(1, output_count):
        old = (plain, NOTHING) if place == 1 else (NOTHING, plain) if place == 2 else (NOTHING,) * 2
        result[place] = (statistic, NOTHING, NOTHING, *old)
    return result


define(
    "BatchNormalization", kind="normalization", infer=batch_output, work=batch_work, reads=batch_reads,
    roles={3: "buffer", 4: "buffer"},
)  # fmt: skip
