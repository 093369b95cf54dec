"""What do convolutions put out, how many products are they, and which inputs does each output read?

Along one spatial axis a convolution is a `Window` (equations (1) and (2) of `window`): kernel
length, stride, dilation, padding. `auto_pad` SAME pads so that ``output = ceil(n / stride)``, the
odd one at the end (UPPER) or at the beginning (LOWER).

Work, with ``K`` the taps of the kernel over all axes; products with padding count as any other:
``output elements * Cin/group * K`` MACs, and for a bias one addition per output.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.fused_activations import PER_ELEMENT
from cnnscope.analyzer.operators.families.spatial import (
    arranged,
    each_end,
    grouped,
    kernel_of,
    last,
    per_channel,
    spatial_axes,
)
from cnnscope.analyzer.operators.filter_banks import kernel_filters
from cnnscope.analyzer.operators.reading import Along, OutputReads, straight
from cnnscope.analyzer.operators.rules import Ints, demand, each_axis
from cnnscope.analyzer.operators.work import Work, matrix_work
from cnnscope.analyzer.values.conditions import agree, reaches
from cnnscope.analyzer.values.dimension import Dim, ceil_div, product
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window, known_padding, same_padding


def conv_output(
    x: Tensor,
    w: Tensor,
    *rest: Tensor | None,
    kernel_shape: Ints = None,
    strides: Ints = None,
    pads: Ints = None,
    dilations: Ints = None,
    auto_pad: str = "NOTSET",
    group: int = 1,
    channels_last: int = 0,
) -> Tensor:
    channel, axes = spatial_axes(x, w, channels_last)
    if group < 1:
        raise ValueError(f"group is {group}, at least 1 is wanted")
    inputs, expected = x.dims[channel], w.dims[1] * group
    if not agree(inputs, expected):
        raise ValueError(f"input has {inputs} channels, weights of {group} groups want {expected}")
    if rest:
        demand(rest[0], "the bias", w.dims[0])
    kernel = kernel_of(w, kernel_shape)
    shape = [*x.dims]
    shape[channel] = w.dims[0]
    if known_padding(auto_pad).startswith("SAME"):
        steps = each_axis(strides, len(axes), 1, "strides")
        for axis, stride in zip(axes, steps, strict=True):
            shape[axis] = ceil_div(x.dims[axis], stride)
        return x.of(tuple(shape))
    windows = conv_windows([x.dims[a] for a in axes], kernel, strides, pads, dilations, auto_pad)
    for axis, window in zip(axes, windows, strict=True):
        length = shape[axis] = window.output_length(x.dims[axis])
        if not reaches(length, 1):
            raise ValueError(
                f"a kernel reaching over {window.extent} doesn't fit into {x.dims[axis]} inputs"
                f" padded by {window.before} and {window.after}"
            )
    return x.of(tuple(shape))


def conv_windows(
    lengths: Sequence[Dim],
    kernel: Sequence[int],
    strides: Ints,
    pads: Ints,
    dilations: Ints,
    auto_pad: str,
) -> tuple[Window, ...]:
    """The window along each spatial axis."""
    if not auto_pad.startswith("SAME"):
        pads = None if auto_pad == "VALID" else pads
        return _spelt_windows(tuple(kernel), _tuple(strides), _tuple(pads), _tuple(dilations))
    count = len(lengths)
    each_end(pads, count)
    steps = each_axis(strides, count, 1, "strides")
    spacings = each_axis(dilations, count, 1, "dilations")
    return tuple([
        Window(k, s, d, *same_padding((ceil_div(n, s) - 1) * s + (k - 1) * d + 1 - n, auto_pad))
        for n, k, s, d in zip(lengths, kernel, steps, spacings, strict=True)
    ])  # fmt: skip


def _tuple(numbers: Ints) -> tuple[int, ...] | None:
    return None if numbers is None else tuple(numbers)


@lru_cache(maxsize=256)  # a network has a handful, each of hundreds of layers
def _spelt_windows(
    kernel: tuple[int, ...],
    strides: tuple[int, ...] | None,
    pads: tuple[int, ...] | None,
    dilations: tuple[int, ...] | None,
) -> tuple[Window, ...]:
    count = len(kernel)
    steps = each_axis(strides, count, 1, "strides")
    spacings = each_axis(dilations, count, 1, "dilations")
    ends = each_end(pads, count)
    return tuple([
        Window(k, s, d, before, after)
        for k, s, d, (before, after) in zip(kernel, steps, spacings, ends, strict=True)
    ])  # fmt: skip


def conv_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, b: Tensor | None = None, *rest: Tensor | None
) -> Work:
    size = outputs[0].size
    return matrix_work(size * product(w.dims[1:]), x, w, bias=0 if b is None else size)


def conv_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *rest: Tensor | None,
    kernel_shape: Ints = None,
    strides: Ints = None,
    pads: Ints = None,
    dilations: Ints = None,
    auto_pad: str = "NOTSET",
    group: int = 1,
    channels_last: int = 0,
) -> OutputReads:
    channel, axes = spatial_axes(x, w, channels_last)
    windows = conv_windows(
        [x.dims[a] for a in axes], kernel_of(w, kernel_shape), strides, pads, dilations, auto_pad
    )
    space = [Along(axis, window) for axis, window in zip(axes, windows, strict=True)]
    of_channel = grouped(channel, x.dims[channel], w.dims[0], group)
    return (
        arranged(x, channel, of_channel, space),
        per_channel(w, channel),
        (straight(x.rank)[channel],),
    )


# -- with an activation behind ----------------------------------------------------------------

#: the activations that it knows
ACTIVATIONS = (
    "",
    "none",
    "Relu",
    "LeakyRelu",
    "Clip",
    "HardSigmoid",
    "Sigmoid",
    "Tanh",
    "silu",
    "swish",
)


def activation_work(activation: str) -> Work:
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation {activation!r} isn't one of {', '.join(ACTIVATIONS)}")
    return PER_ELEMENT[activation]


def fused_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, b: Tensor | None = None,
    z: Tensor | None = None, *, activation: str = "",
) -> Work:  # fmt: skip
    """Convolution, then `z` added, then the activation."""
    after = activation_work(activation) + Work(add=0 if z is None else 1)
    return conv_work(outputs, x, w, b) + after * outputs[0].size


# -- the table ------------------------------------------------------------------------------

define(
    "Conv", kind="convolution", infer=conv_output, work=conv_work, reads=conv_reads,
    filters=kernel_filters(), pads_from=2,
)  # fmt: skip
define(
    "FusedConv",
    kind="convolution",
    infer=conv_output,
    work=fused_work,
    reads=conv_reads,
    domain=MICROSOFT,
    filters=kernel_filters(),
    pads_from=2,
)
define(
    "NhwcConv", "NhwcFusedConv", kind="convolution",
    infer=last(conv_output), work=fused_work, reads=last(conv_reads), domain=MICROSOFT,
    filters=kernel_filters(),
)  # fmt: skip
