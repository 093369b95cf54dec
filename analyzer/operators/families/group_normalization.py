"""What do normalisations over channels in groups put out, what work are they, and what do they read?

InstanceNormalization, whose groups are single channels, GroupNormalization, and ONNX Runtime's
GroupNorm with what is added before and an activation behind. The work is (1) to (5) of
`standardizing`; the groups are given channel by channel.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.standardizing import over, per_channel, standardized
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    Listed,
    OutputReads,
    Reads,
    everything,
)
from cnnscope.analyzer.operators.rules import demand
from cnnscope.analyzer.operators.tapping import standardizing_taps
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import divides
from cnnscope.analyzer.values.dimension import Dim, product
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.tensor import Tensor


def instance_output(x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    if x.shape is not None:
        if x.rank < 3:
            raise ValueError(
                f"a tensor of {x.rank} axes has none to normalise over, 3 are the least"
            )
        demand(scale, "scale", x.dims[1])
        demand(bias, "B", x.dims[1])
    return x.of(x.shape)


def group_output(
    x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int, opset: int = 21
) -> Tensor:
    if x.shape is not None:
        if x.rank < 2:
            raise ValueError(f"a tensor of {x.rank} axes has no channels")
        check_groups(x.dims[1], num_groups)
        count = x.dims[1] if opset >= 21 else num_groups
        # One of length 1 is for all: that is how the function's body takes it.
        for name, given in (("scale", scale), ("bias", bias)):
            if given.shape is not None and given.size != 1 and given.rank < 2:
                demand(given, name, count)
    return x.of(x.shape)


def check_groups(count: Dim, groups: int) -> None:
    """Raises ValueError where so many channels can't be dealt to so many groups."""
    if groups < 1 or not divides(groups, count):
        raise ValueError(f"{count} channels are no multiple of {groups} groups")


def instance_work(outputs: tuple[Tensor, ...], x: Tensor, scale: Tensor, bias: Tensor) -> Work:
    return standardized(x.size, product(x.dims[:2])) + Work(mul=x.size, add=x.size)


def instance_reads(
    outputs: tuple[Tensor, ...], x: Tensor, scale: Tensor, bias: Tensor
) -> OutputReads:
    return over(x, range(2, x.rank)), per_channel(scale, 1), per_channel(bias, 1)


def group_work(
    outputs: tuple[Tensor, ...], x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int
) -> Work:
    return standardized(x.size, x.dims[0] * num_groups) + Work(mul=x.size, add=x.size)


def group_reads(
    outputs: tuple[Tensor, ...], x: Tensor, scale: Tensor, bias: Tensor, *, num_groups: int
) -> OutputReads:
    # Opset 18 has a scale and a bias per group, 21 per channel.
    return (grouped(x, num_groups, 1), *(channelwise(x.dims[1], p) for p in (scale, bias)))


def grouped(x: Tensor, groups: int, axis: int) -> tuple[AxisRead, ...]:
    """All axes are normalised over but the first, and the channels by groups."""
    reads = list(over(x, range(1, x.rank)))
    count = x.dims[axis]
    if groups != 1 and isinstance(count, int) and count <= MAX_PERIOD:
        if count % groups:
            raise ValueError(f"{count} channels are no multiple of {groups} groups")
        width = count // groups
        starts = (i - i % width for i in range(count))
        rows = tuple((start, start + width - 1) for start in starts)
        reads[axis] = Listed(axis, rows, spatial=False)
    return tuple(reads)


def channelwise(count: Dim, parameter: Tensor) -> InputRead:
    groups = parameter.dims[0]
    if groups == count:
        return (Along(1),)
    if not isinstance(count, int) or not isinstance(groups, int) or count > MAX_PERIOD:
        return everything(parameter)
    rows = tuple((i * groups // count,) * 2 for i in range(count))
    return (Listed(1, rows, spatial=False),)


def group_norm_output(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    *rest: Tensor | None,
    groups: int,
    channels_last: int = 1,
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    if x.shape is not None:
        count = x.dims[x.rank - 1 if channels_last else 1]
        check_groups(count, groups)
        demand(gamma, "gamma", count)
        demand(beta, "beta", count)
    return (x.of(x.shape), x.of(x.shape))[:output_count]


def group_norm_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    skip: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    groups: int,
    activation: int,
) -> Work:
    added = (skip is not None) + (bias is not None)
    silu = Work(mul=1, exp=1) if activation else Work()
    each = Work(mul=1, add=1 + added) + silu
    return standardized(x.size, x.dims[0] * groups) + each * x.size


def group_norm_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    skip: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    groups: int,
    channels_last: int = 1,
) -> Reads:
    axis = x.rank - 1 if channels_last else 1
    whole = grouped(x, groups, axis)
    read = whole[axis]
    skips: list[InputRead] = []
    if skip is not None:  # of x's shape, or (N, C), or with space of length 1
        skips.append(everything(skip) if skip.dims != x.dims else whole)
    if bias is not None:
        skips.append((read,))
    parameter = (Along(axis),)
    summed: OutputReads = (None, NOTHING, NOTHING)
    if skip is not None:
        summed = (*summed, None if skip.dims == x.dims else everything(skip))
        summed = (*summed, *(() if bias is None else (parameter,)))
    every = {0: (whole, parameter, parameter, *skips), 1: summed}
    return {place: every[place] for place in range(len(outputs))}


define(
    "InstanceNormalization",
    kind="normalization",
    roles={1: "affine", 2: "affine"},
    infer=instance_output,
    work=instance_work,
    reads=instance_reads,
    taps=standardizing_taps,
)
define(
    "GroupNormalization",
    kind="normalization",
    infer=group_output,
    work=group_work,
    reads=group_reads,
    taps=standardizing_taps,
)
define("GroupNorm", "SkipGroupNorm", kind="normalization", domain=MICROSOFT,
       infer=group_norm_output, work=group_norm_work, reads=group_norm_reads,
       taps=standardizing_taps)  # fmt: skip
