"""What do normalisations put out, what work are they, and what do they normalise over?

With N elements in G groups of n = N/G that share their statistics, the textbook's two passes are ::

    (1)   mean = sum(x) / n                     N - G additions, G divisions
    (2)   d = x - mean                          N additions
    (3)   var = sum(d*d) / n                    N multiplications, N - G additions, G divisions
    (4)   r = 1 / sqrt(var + epsilon)           G additions, G roots, G divisions
    (5)   y = d*r*scale + bias                  N multiplications; N more for scale, N additions

RMS normalisation leaves out the mean: (1) and (2). BatchNormalization has its statistics given: it
is one multiplication and one addition per element, with ``a = scale / sqrt(var + epsilon)`` and
``b = bias - mean*a`` per channel, which are 2 additions, a root, a division and a multiplication
each, counted only where a parameter isn't constant, as they are otherwise found once, beforehand.

Reads: the axes normalised over are read whole, the others index by index. The groups of
GroupNormalization are given channel by channel.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    Listed,
    OutputReads,
    Reads,
    Whole,
    elementwise,
    everything,
)
from cnnscope.analyzer.operators.rules import demand, demand_onto, demand_rank, in_range, same
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, product
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.tensor import Shape, Tensor, dtype_of
from cnnscope.analyzer.values.window import Window


def standardized(size: Dim, groups: Dim) -> Work:
    """(1) to (4), and (5) without scale and bias."""
    return centered(size, groups) + rooted(size, groups)


def centered(size: Dim, groups: Dim) -> Work:
    """(1) and (2)."""
    return Work(add=2 * size - groups, div=groups)


def rooted(size: Dim, groups: Dim) -> Work:
    """(3), (4), and the multiplication of (5)."""
    return Work(mul=2 * size, add=size, div=2 * groups, sqrt=groups)


def over(x: Tensor, axes: range | set[int]) -> tuple[AxisRead, ...]:
    """The reads of an operator that keeps the shape and normalises over these axes."""
    return tuple(Whole() if axis in axes else Along(axis) for axis in range(x.rank))


def per_channel(parameter: Tensor, axis: int) -> tuple[AxisRead, ...]:
    """One value per index of the output's axis; the last axes of the parameter follow on."""
    return tuple(Along(axis + place) for place in range(parameter.rank))


# -- BatchNormalization ---------------------------------------------------------------------


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


# -- instance, group, layer -------------------------------------------------------------------


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
    if groups < 1 or (isinstance(count, int) and count % groups):
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


# -- the smaller ones ---------------------------------------------------------------------------


def mean_variance_axes(x: Tensor, axes: tuple[int, ...]) -> set[int]:
    return {in_range(axis, x.rank) for axis in axes}


def mean_variance_work(
    outputs: tuple[Tensor, ...], x: Tensor, *, axes: tuple[int, ...] = (0, 2, 3)
) -> Work:
    # Its definition divides by the deviation: N divisions for G and N multiplications.
    kept = set(range(x.rank)).difference(mean_variance_axes(x, axes))
    groups = product(x.dims[axis] for axis in sorted(kept))
    deviation = Work(mul=x.size, add=x.size, div=groups + x.size, sqrt=groups)
    return centered(x.size, groups) + deviation


def mean_variance_reads(
    outputs: tuple[Tensor, ...], x: Tensor, *, axes: tuple[int, ...] = (0, 2, 3)
) -> OutputReads:
    return (over(x, mean_variance_axes(x, axes)),)


def lp_output(x: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    if x.shape is not None:
        in_range(axis, x.rank)
    if p not in (1, 2):
        raise ValueError(f"p is {p}, 1 or 2 is wanted")
    return x.of(x.shape)


def lrn_output(x: Tensor, *, size: int) -> Tensor:
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size is {size}, an odd number is wanted")
    if x.shape is not None and x.rank < 3:
        raise ValueError(f"a tensor of {x.rank} axes isn't made of channels of positions")
    return x.of(x.shape)


def lp_work(outputs: tuple[Tensor, ...], x: Tensor, *, axis: int = -1, p: int = 2) -> Work:
    place = in_range(axis, x.rank)
    rows = product(dim for i, dim in enumerate(x.dims) if i != place)
    if p == 1:
        return Work(compare=x.size, add=x.size - rows, div=x.size)
    return Work(mul=x.size, add=x.size - rows, sqrt=rows, div=x.size)


def lp_reads(outputs: tuple[Tensor, ...], x: Tensor, *, axis: int = -1) -> OutputReads:
    return (over(x, {in_range(axis, x.rank)}),)


def lrn_work(outputs: tuple[Tensor, ...], x: Tensor, *, size: int) -> Work:
    """``x / (bias + alpha/size * s)**beta``, s the sum of `size` squares, zeros beyond the ends
    counted like a convolution's."""
    return Work(mul=2, add=size - 1 + 1, exp=1, div=1) * x.size


def lrn_reads(outputs: tuple[Tensor, ...], x: Tensor, *, size: int) -> OutputReads:
    window = Window(size, before=(size - 1) // 2, after=size // 2)
    return (tuple(Along(i, window) if i == 1 else Along(i) for i in range(x.rank)),)


# -- ONNX Runtime's own -------------------------------------------------------------------------


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


#: the inputs of EmbedLayerNormalization from the fourth on
EMBEDDED = ("position_embedding", "segment_embedding", "gamma", "beta", "mask", "position_ids")


def embed_output(
    input_ids: Tensor,
    segment_ids: Tensor | None,
    word: Tensor,
    *_: Tensor | None,
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    if input_ids.shape is None or word.shape is None:
        return (word.of(None), Tensor("int32"), word.of(None))[:output_count]
    demand_rank(input_ids, "input_ids", 2)
    demand_rank(word, "word_embedding", 2)
    hidden = word.shape[1]
    named = dict(zip(EMBEDDED, _, strict=False))
    for name in ("position_embedding", "segment_embedding"):
        demand(named.get(name), name, None, hidden)
    demand(named.get("gamma"), "gamma", hidden)
    demand(named.get("beta"), "beta", hidden)
    demand(segment_ids, "segment_ids", *input_ids.shape)
    demand(named.get("mask"), "mask", *input_ids.shape)
    y = word.of((*input_ids.shape, word.shape[1]))
    return (y, Tensor("int32", input_ids.shape[:1]), y)[:output_count]


def embed_work(
    outputs: tuple[Tensor, ...],
    input_ids: Tensor,
    segment_ids: Tensor | None,
    word: Tensor,
    position: Tensor,
    segment: Tensor | None,
    gamma: Tensor,
    beta: Tensor,
    mask: Tensor | None = None,
    position_ids: Tensor | None = None,
) -> Work:
    y = outputs[0]
    added = Work(add=y.size * (1 if segment is None else 2))
    # the mask's index: how many of a row's are set
    counted = Work(add=0 if mask is None else mask.size)
    return layer_work(outputs, y, gamma, beta) + added + counted


def embed_reads(
    outputs: tuple[Tensor, ...],
    input_ids: Tensor,
    segment_ids: Tensor | None,
    word: Tensor,
    position: Tensor,
    segment: Tensor | None,
    gamma: Tensor,
    beta: Tensor,
    mask: Tensor | None = None,
    position_ids: Tensor | None = None,
) -> Reads:
    tokens = (Along(0), Along(1))
    given = (gamma, beta, mask, position_ids)

    def embedded(hidden: AxisRead, *parameters: InputRead) -> OutputReads:
        place: AxisRead = Along(1) if position_ids is None else Whole()
        return (
            tokens, None if segment_ids is None else tokens, (Whole(), hidden), (place, hidden),
            None if segment is None else (Whole(), hidden), *parameters,
            None if mask is None else NOTHING, None if position_ids is None else tokens,
        )  # fmt: skip

    index = (*(NOTHING for _ in range(7)), None if mask is None else (Along(0), Whole()))
    every = {
        0: embedded(Whole(), (Along(2),), (Along(2),)),
        1: (*index, *(NOTHING for p in given[3:] if p is not None)),
        2: embedded(Along(2), NOTHING, NOTHING),
    }
    return {place: every[place] for place in range(len(outputs))}


define(
    "BatchNormalization", kind="normalization", infer=batch_output, work=batch_work, reads=batch_reads,
    roles={3: "buffer", 4: "buffer"},
)  # fmt: skip
define(
    "InstanceNormalization",
    kind="normalization",
    roles={1: "affine", 2: "affine"},
    infer=instance_output,
    work=instance_work,
    reads=instance_reads,
)
define(
    "GroupNormalization",
    kind="normalization",
    infer=group_output,
    work=group_work,
    reads=group_reads,
)
define(
    "LayerNormalization",
    kind="normalization",
    infer=layer_output,
    work=layer_work,
    reads=layer_reads,
)
# SimplifiedLayerNormalization is ONNX Runtime's, which writes it into ai.onnx
define("RMSNormalization", "SimplifiedLayerNormalization", kind="normalization",
       infer=layer_output, work=rms_work, reads=layer_reads)  # fmt: skip
define("MeanVarianceNormalization", kind="normalization",
       infer=same, work=mean_variance_work, reads=mean_variance_reads)  # fmt: skip
define("LpNormalization", kind="normalization", infer=lp_output, work=lp_work, reads=lp_reads)
define("LRN", kind="normalization", infer=lrn_output, work=lrn_work, reads=lrn_reads)

define("SkipLayerNormalization", kind="normalization", domain=MICROSOFT,
       infer=skip_output, work=skip_work, reads=skip_layer_reads)  # fmt: skip
define("SkipSimplifiedLayerNormalization", kind="normalization", domain=MICROSOFT,
       infer=skip_output, work=skip_simplified_work, reads=skip_simplified_reads)  # fmt: skip
define("GroupNorm", "SkipGroupNorm", kind="normalization", domain=MICROSOFT,
       infer=group_norm_output, work=group_norm_work, reads=group_norm_reads)  # fmt: skip
define("EmbedLayerNormalization", kind="normalization", domain=MICROSOFT,
       infer=embed_output, work=embed_work, reads=embed_reads)  # fmt: skip
