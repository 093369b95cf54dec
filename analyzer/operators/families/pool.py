"""What do pools put out, what work are they, and which inputs does each output read?

Along one spatial axis a pool is a `Window`, as a convolution. With `ceil_mode` the length is rounded
up, but a window may not begin in the padding at the end::

    (1)   min(ceil((n + before + after - extent)/s) + 1, ceil((n + before)/s))
          = ceil((n + before + min(after - extent + s, 0)) / s)

Work with ``K`` the taps of the kernel over all axes, padded ones counted as for convolutions:

- maximum: ``K - 1`` comparisons per output;
- average: ``K - 1`` additions and a division;
- Lp: per tap ``|x|**p`` (p=1: an absolute value, a comparison; p=2: a multiplication; else a
  comparison and a power), ``K - 1`` additions, and a root (none for p=1, sqrt for p=2, else a power);
- the same globally, with ``K`` the length of the axes pooled away;
- of 8-bit integers: a zero point's subtraction per tap, and back: a multiplication, rounding, two
  comparisons that saturate, the zero point's addition.
"""

from __future__ import annotations

import functools

from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.families.spatial import last
from cnnscope.analyzer.operators.reading import Along, AxisRead, OutputReads, Whole, everything
from cnnscope.analyzer.operators.rules import Ints, Rule, demand_least_rank, each_axis
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, ceil_div, product
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window, known_padding, same_padding


def spatial_axes(x: Tensor, channels_last: int) -> range:
    return range(1, x.rank - 1) if channels_last else range(2, x.rank)


def pool_windows(
    x: Tensor, kernel_shape: Ints, strides: Ints, pads: Ints, dilations: Ints, auto_pad: str,
    channels_last: int,
) -> list[tuple[int, Window | None, Window]]:  # fmt: skip
    """Along each spatial axis: the axis, the window, and the window without padding.

    The window is None where SAME's padding hangs on a free length.
    """
    axes = spatial_axes(x, channels_last)
    count = len(axes)
    kernel = each_axis(kernel_shape, count, 1, "kernel_shape")
    steps = each_axis(strides, count, 1, "strides")
    spacings = each_axis(dilations, count, 1, "dilations")
    ends = each_axis(pads, 2 * count, 0, "pads")
    known_padding(auto_pad)
    found: list[tuple[int, Window | None, Window]] = []
    for i, axis in enumerate(axes):
        bare = Window(kernel[i], steps[i], spacings[i])
        before, after = (0, 0) if auto_pad == "VALID" else (ends[i], ends[count + i])
        if auto_pad.startswith("SAME"):
            outputs = ceil_div(x.dims[axis], steps[i])
            total = (outputs - 1) * steps[i] + int(bare.extent) - x.dims[axis]
            if isinstance(total, FreeDim):
                found.append((axis, None, bare))
                continue
            before, after = same_padding(total, auto_pad)
        found.append((axis, Window(kernel[i], steps[i], spacings[i], before, after), bare))
    return found


def pool_output(
    x: Tensor,
    *rest: Tensor | None,
    kernel_shape: Ints = None,
    strides: Ints = None,
    pads: Ints = None,
    dilations: Ints = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    storage_order: int = 0,
    channels_last: int = 0,
) -> Tensor:
    shape = [*x.dims]
    for axis, window, bare in pool_windows(
        x, kernel_shape, strides, pads, dilations, auto_pad, channels_last
    ):
        n, stride = x.dims[axis], int(bare.stride)
        if not reaches(n, 1):  # ONNX Runtime refuses it, padded or not
            raise ValueError(f"axis {axis} has no elements to be pooled")
        if auto_pad.startswith("SAME"):
            shape[axis] = ceil_div(n, stride)
        else:
            assert window is not None
            extent, before, after = (int(v) for v in (window.extent, window.before, window.after))
            length = window.output_length(n)
            if ceil_mode == 1:  # equation (1)
                length = ceil_div(n + before + min(after - extent + stride, 0), stride)
            if not reaches(length, 1):
                raise ValueError(
                    f"a kernel reaching over {extent} doesn't fit into {n} inputs padded by"
                    f" {before} and {after}"
                )
            shape[axis] = length
    return x.of(tuple(shape))


def pool_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    *rest: Tensor | None,
    kernel_shape: Ints = None,
    strides: Ints = None,
    pads: Ints = None,
    dilations: Ints = None,
    auto_pad: str = "NOTSET",
    channels_last: int = 0,
) -> OutputReads:
    reads: list[AxisRead] = [Along(axis) for axis in range(x.rank)]
    for axis, window, _ in pool_windows(
        x, kernel_shape, strides, pads, dilations, auto_pad, channels_last
    ):
        if window is None:
            raise Undetermined("the padding of auto_pad", *_unknown(x.dims[axis]))
        reads[axis] = Along(axis, window)
    return (tuple(reads), *(everything(t) if t is not None else () for t in rest))


def _unknown(dim: Dim) -> tuple[frozenset[str], frozenset[str]]:
    return (dim.names, dim.data) if isinstance(dim, FreeDim) else (frozenset(), frozenset())


def max_output(x: Tensor, **geometry: object) -> tuple[Tensor, Tensor]:
    order = geometry.get("storage_order", 0)
    if order not in (0, 1):
        raise ValueError(f"storage_order is {order}, 0 or 1 is wanted")
    pooled = PLAIN_OUTPUT(x, **geometry)
    assert isinstance(pooled, Tensor)
    return pooled, pooled.of(pooled.shape, "int64")


def max_reads(outputs: tuple[Tensor, ...], x: Tensor, **geometry: object) -> dict[int, object]:
    reads = PLAIN_READS(outputs, x, **geometry)
    return {0: reads, 1: reads}


PLAIN_OUTPUT: Rule = pool_output
PLAIN_READS: Rule = pool_reads
# A rule gets only the attributes its signature names: these name what the plain ones do.
max_output = functools.wraps(pool_output)(max_output)
max_reads = functools.wraps(pool_reads)(max_reads)


# -- work: per output of K taps ---------------------------------------------------------------


def maximum(taps: Dim, p: float) -> Work:
    return Work(compare=taps - 1)


def average(taps: Dim, p: float) -> Work:
    return Work(add=taps - 1, div=1)


def lp(taps: Dim, p: float) -> Work:
    powers: dict[float, Work] = {1: Work(compare=1), 2: Work(mul=1)}
    roots: dict[float, Work] = {1: Work(), 2: Work(sqrt=1)}
    power = powers.get(p, Work(compare=1, exp=1))
    root = roots.get(p, Work(exp=1))
    return power * taps + Work(add=taps - 1) + root


def quantized_average(taps: Dim, p: float) -> Work:
    return Work(add=2 * taps, div=1, mul=1, compare=3)


def pooling(per_output: Rule) -> Rule:
    def work(
        outputs: tuple[Tensor, ...], x: Tensor, *rest: Tensor | None, kernel_shape: Ints = None,
        p: float = 2,
    ) -> Work:  # fmt: skip
        found = per_output(product(kernel_shape or ()), p)
        assert isinstance(found, Work)
        return found * outputs[0].size

    return work


def global_pooling(per_output: Rule) -> Rule:
    def work(
        outputs: tuple[Tensor, ...], x: Tensor, *rest: Tensor | None, p: float = 2,
        channels_last: int = 0,
    ) -> Work:  # fmt: skip
        taps = product(x.dims[axis] for axis in spatial_axes(x, channels_last))
        found = per_output(taps, p)
        assert isinstance(found, Work)
        return found * outputs[0].size

    return work


# -- global pools -----------------------------------------------------------------------------


def global_output(x: Tensor, *rest: Tensor | None, channels_last: int = 0) -> Tensor:
    demand_least_rank(x, "the input", 3)
    space = spatial_axes(x, channels_last)
    return x.of(tuple(1 if axis in space else dim for axis, dim in enumerate(x.dims)))


def global_reads(
    outputs: tuple[Tensor, ...], x: Tensor, *rest: Tensor | None, channels_last: int = 0
) -> OutputReads:
    space = spatial_axes(x, channels_last)
    reads = tuple(Whole(spatial=True) if a in space else Along(a) for a in range(x.rank))
    return (reads, *(everything(t) if t is not None else () for t in rest))


# -- the table ----------------------------------------------------------------------------------

define(
    "MaxPool", kind="max pooling", infer=max_output, work=pooling(maximum), reads=max_reads,
    pads_from=2,
)  # fmt: skip
define(
    "AveragePool",
    kind="average pooling",
    infer=pool_output,
    work=pooling(average),
    reads=pool_reads,
    pads_from=2,
)
define(
    "LpPool", kind="Lp pooling", infer=pool_output, work=pooling(lp), reads=pool_reads, pads_from=2
)
define(
    "GlobalMaxPool",
    kind="max pooling",
    infer=global_output,
    work=global_pooling(maximum),
    reads=global_reads,
)
define(
    "GlobalAveragePool",
    kind="average pooling",
    infer=global_output,
    work=global_pooling(average),
    reads=global_reads,
)
define(
    "GlobalLpPool",
    kind="Lp pooling",
    infer=global_output,
    work=global_pooling(lp),
    reads=global_reads,
)

define(
    "NhwcMaxPool", kind="max pooling",
    infer=last(pool_output), work=pooling(maximum), reads=last(pool_reads), domain=MICROSOFT,
)  # fmt: skip
define(
    "QLinearAveragePool", scheme="qoperator", kind="average pooling",
    infer=pool_output, work=pooling(quantized_average), reads=pool_reads, domain=MICROSOFT,
    roles=constants(1, 2, 3, 4), pads_from=2,
)  # fmt: skip
define(
    "QLinearGlobalAveragePool", scheme="qoperator", kind="average pooling",
    infer=global_output, work=global_pooling(quantized_average), reads=global_reads,
    domain=MICROSOFT, roles=constants(1, 2, 3, 4),
)  # fmt: skip
