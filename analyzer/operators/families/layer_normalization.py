"""What do normalisations over the last axes put out, what work are they, and what do they read?

LayerNormalization is (1) to (5) of `standardizing`; RMSNormalization leaves out the mean: (1) and (2).
ONNX Runtime's add a skip connection first.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.standardizing import over, rooted, standardized
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    InputRead,
    OutputReads,
    Reads,
    Whole,
    elementwise,
    everything,
)
from cnnscope.analyzer.operators.rules import demand, demand_onto, demand_rank, in_range
from cnnscope.analyzer.operators.tapping import standardizing_taps
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import product
from cnnscope.analyzer.values.tensor import Shape, Tensor, dtype_of


def layer_output(
    x: Tensor,
    scale: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    axis: int = -1,
    stash_type: int = 1,
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    statistics: Shape | None = None
    if x.shape is not None:
        first = in_range(axis, x.rank)
        statistics = tuple(1 if i >= first else dim for i, dim in enumerate(x.shape))
        # Of the normalised axes, says ONNX; runtimes also take what broadcasts onto all of x.
        demand_onto(scale, "scale", x.shape)
        demand_onto(bias, "bias", x.shape)
    extra = Tensor(dtype_of(stash_type), statistics)
    return (x.of(x.shape), *(extra for _ in range(output_count - 1)))


def layer_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    scale: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    axis: int = -1,
) -> Work:
    groups = product(x.dims[: in_range(axis, x.rank)])
    return standardized(x.size, groups) + Work(mul=x.size, add=0 if bias is None else x.size)


def rms_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    scale: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    axis: int = -1,
) -> Work:
    groups = product(x.dims[: in_range(axis, x.rank)])
    return rooted(x.size, groups) + Work(mul=x.size, add=0 if bias is None else x.size)


def layer_reads(
    outputs: tuple[Tensor, ...], x: Tensor, *parameters: Tensor | None, axis: int = -1
) -> Reads:
    whole = over(x, range(in_range(axis, x.rank), x.rank))
    scaled: OutputReads = (whole, *(None if p is None else elementwise(x, p) for p in parameters))
    statistic: OutputReads = (whole, *(NOTHING for _ in parameters))
    return {place: statistic if place else scaled for place in range(len(outputs))}


# -- with a skip connection added first ----------------------------------------------------------


def skip_output(
    x: Tensor, skip: Tensor, *parameters: Tensor | None, output_count: int = 1
) -> tuple[Tensor, ...]:
    if x.shape is not None:
        demand_rank(x, "input", 2, 3)
        demand_rank(skip, "skip", 2, 3)
        demand_onto(skip if skip.shape is None else skip.of(skip.shape[-2:]), "skip", x.shape)
        for place, given in enumerate(parameters, 2):
            demand(given, f"input {place}", x.shape[-1])
    statistics = None if x.shape is None else (*x.shape[:-1], 1)
    y, statistic = x.of(x.shape), Tensor("float32", statistics)
    return (y, statistic, statistic, y)[:output_count]


def skip_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    skip: Tensor,
    gamma: Tensor,
    beta: Tensor | None = None,
    bias: Tensor | None = None,
) -> Work:
    added = Work(add=x.size * (1 if bias is None else 2))
    return layer_work(outputs, x, gamma, beta) + added


def skip_simplified_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    skip: Tensor,
    gamma: Tensor,
    bias: Tensor | None = None,
) -> Work:
    added = Work(add=x.size * (1 if bias is None else 2))
    return rms_work(outputs, x, gamma) + added


def skip_reads(
    parameters: int, outputs: tuple[Tensor, ...], x: Tensor, skip: Tensor, *rest: Tensor | None
) -> Reads:
    """`parameters`: how many (gamma, beta) come before the bias, which is part of what's summed."""
    whole = over(x, {x.rank - 1})
    shift = x.rank - skip.rank
    summed: list[InputRead] = [whole]
    summed.append(tuple(
        Whole() if i + shift == x.rank - 1 else read
        for i, read in enumerate(elementwise(x, skip))
    ))  # fmt: skip
    bias = rest[parameters] if len(rest) > parameters else None
    tail: OutputReads = () if bias is None else (everything(bias),)
    scales = tuple(None if p is None else elementwise(x, p) for p in rest[:parameters])
    unread = tuple(NOTHING for _ in rest[:parameters])
    total = (None, None, *unread, *(() if bias is None else (elementwise(x, bias),)))
    statistic = (*summed, *unread, *tail)
    every = {0: (*summed, *scales, *tail), 1: statistic, 2: statistic, 3: total}
    return {place: every[place] for place in range(len(outputs))}


def skip_layer_reads(outputs: tuple[Tensor, ...], *inputs: Tensor) -> Reads:
    return skip_reads(2, outputs, *inputs)


def skip_simplified_reads(outputs: tuple[Tensor, ...], *inputs: Tensor) -> Reads:
    return skip_reads(1, outputs, *inputs)


define(
    "LayerNormalization",
    kind="normalization",
    infer=layer_output,
    work=layer_work,
    reads=layer_reads,
    taps=standardizing_taps,
)


# SimplifiedLayerNormalization is ONNX Runtime's, which writes it into ai.onnx
define("RMSNormalization", "SimplifiedLayerNormalization", kind="normalization",
       infer=layer_output, work=rms_work, reads=layer_reads, taps=standardizing_taps)  # fmt: skip
define("SkipLayerNormalization", kind="normalization", domain=MICROSOFT,
       infer=skip_output, work=skip_work, reads=skip_layer_reads, taps=standardizing_taps)  # fmt: skip
define("SkipSimplifiedLayerNormalization", kind="normalization", domain=MICROSOFT,
       infer=skip_output, work=skip_simplified_work, reads=skip_simplified_reads,
       taps=standardizing_taps)  # fmt: skip
