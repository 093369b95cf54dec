"""What do convolutions put out, how many products are they, and which inputs does each output read?

Along one spatial axis a convolution is a `Window` (equations (1) and (2) of `window`): kernel
length, stride, dilation, padding. `auto_pad` SAME pads so that ``output = ceil(n / stride)``, the
odd one at the end (UPPER) or at the beginning (LOWER). A transposed convolution turns it round:
output ``o`` takes input ``i`` where ``o = i*stride - before + j*dilation``, so its window has stride
``1/stride`` and dilation ``dilation/stride``, and

    output length = (n - 1)*stride + output_padding + extent - before - after

Work, with ``K`` the taps of the kernel over all axes; products with padding count as any other:

- convolution: ``output elements * Cin/group * K`` MACs;
- transposed: ``input elements * Cout/group * K`` MACs (each input meets each tap once; those that
  are cropped away count, as the products with padding do);
- bias: one addition per output;
- a zero point: one subtraction per element of its operand, none for constant weights (done once);
  back to 8 bits: a multiplication, rounding, two comparisons that saturate, the zero point's addition;
- deformable: the MACs as above, and sampling: at each output position, tap and offset group, along
  each of the d axes the offset's addition, a floor, and the two distances from the neighbours, then
  ``(d-1) * 2**d`` multiplications for the corners' weights; in every channel ``2**d``
  multiplications and ``2**d - 1`` additions; with a mask one multiplication more.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from fractions import Fraction

from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.reading import (
    MAX_LISTED,
    Along,
    AxisRead,
    InputRead,
    Listed,
    OutputReads,
    Whole,
    everything,
    repeated,
)
from cnnscope.analyzer.operators.rules import (
    Ints,
    Rule,
    demand,
    demand_each,
    demand_single,
    each_axis,
)
from cnnscope.analyzer.operators.work import NO_WORK, Work, matrix_work
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, ceil_div, product
from cnnscope.analyzer.values.tensor import Shape, Tensor
from cnnscope.analyzer.values.window import Window, known_padding, same_padding

# -- one spatial axis -----------------------------------------------------------------------


def each_end(pads: Ints, count: int) -> list[tuple[int, int]]:
    """`pads`, all the beginnings and then all the ends, as one pair per axis."""
    both = each_axis(pads, 2 * count, 0, "pads")
    return list(zip(both[:count], both[count:], strict=True))


def spatial_axes(x: Tensor, w: Tensor, channels_last: int) -> tuple[int, range]:
    """The input's channel axis and its spatial axes."""
    if x.rank < 3:
        raise ValueError(f"input has {x.rank} axes, a convolution needs batch, channels and space")
    if w.rank != x.rank:
        raise ValueError(f"kernel has {w.rank - 2} axes, input has {x.rank - 2} spatial axes")
    return (x.rank - 1, range(1, x.rank - 1)) if channels_last else (1, range(2, x.rank))


def kernel_of(w: Tensor, kernel_shape: Ints) -> list[int]:
    """The kernel's lengths; `kernel_shape` serves where the weights' aren't known."""
    if any(isinstance(dim, FreeDim) for dim in w.dims[2:]) and kernel_shape:
        return each_axis(kernel_shape, w.rank - 2, 1, "kernel_shape")
    kernel = [int(dim) for dim in w.dims[2:]]
    if kernel_shape and list(kernel_shape) != kernel:
        raise ValueError(f"kernel_shape is {list(kernel_shape)}, the weights' kernel is {kernel}")
    return kernel


def grouped(axis: int, inputs: Dim, outputs: Dim, group: int) -> AxisRead:
    """The channels each output channel reads: those of its group."""
    if group == 1 or isinstance(inputs, FreeDim) or isinstance(outputs, FreeDim):
        return Whole()
    reads, writes = inputs // group, outputs // group
    if reads == writes == 1:  # depthwise
        return Along(axis)
    if outputs > MAX_LISTED:
        return Along(axis, repeated(writes)) if reads == 1 else Whole()
    first = (channel // writes * reads for channel in range(outputs))
    return Listed(axis, tuple((lo, lo + reads - 1) for lo in first), spatial=False)


def arranged(x: Tensor, channel: int, of_channel: AxisRead, space: Sequence[AxisRead]) -> InputRead:
    """Reads of batch, channels and space in the order of the input's axes."""
    rest = iter((Along(0), *space))
    return tuple(of_channel if axis == channel else next(rest) for axis in range(x.rank))


# -- convolution ----------------------------------------------------------------------------


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
    if isinstance(inputs, int) and isinstance(expected, int) and inputs != expected:
        raise ValueError(f"input has {inputs} channels, weights of {group} groups want {expected}")
    if rest:
        demand(rest[0], "the bias", w.dims[0])
    steps = each_axis(strides, len(axes), 1, "strides")
    kernel = kernel_of(w, kernel_shape)
    shape = [*x.dims]
    shape[channel] = w.dims[0]
    if known_padding(auto_pad).startswith("SAME"):
        for axis, stride in zip(axes, steps, strict=True):
            shape[axis] = ceil_div(x.dims[axis], stride)
        return x.of(tuple(shape))
    windows = conv_windows([x.dims[a] for a in axes], kernel, strides, pads, dilations, auto_pad)
    for axis, window in zip(axes, windows, strict=True):
        length = shape[axis] = window.output_length(x.dims[axis])
        if isinstance(length, int) and length < 1:
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
) -> list[Window]:
    """The window along each spatial axis."""
    count = len(lengths)
    steps = each_axis(strides, count, 1, "strides")
    spacings = each_axis(dilations, count, 1, "dilations")
    ends = each_end(None if auto_pad == "VALID" else pads, count)
    if auto_pad.startswith("SAME"):
        ends = [
            same_padding((ceil_div(n, s) - 1) * s + (k - 1) * d + 1 - n, auto_pad)
            for n, k, s, d in zip(lengths, kernel, steps, spacings, strict=True)
        ]
    return [
        Window(k, s, d, before, after)
        for k, s, d, (before, after) in zip(kernel, steps, spacings, ends, strict=True)
    ]


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
    return arranged(x, channel, of_channel, space), per_channel(w, channel), (Along(channel),)


def per_channel(w: Tensor, channel: int) -> InputRead:
    """Weights of which each output channel has its own."""
    return (Along(channel), *everything(w)[1:])


# -- transposed convolution -----------------------------------------------------------------


def transposed(
    lengths: Sequence[Dim],
    kernel: Sequence[int],
    strides: Ints,
    pads: Ints,
    dilations: Ints,
    auto_pad: str,
    output_padding: Ints,
    output_shape: Ints,
) -> list[tuple[Dim, int, int, Dim]]:
    """Along each spatial axis: output length, stride, dilation, padding before.

    Where the output's length is given it is the padding that follows, the odd one at the beginning
    unless `auto_pad` is SAME_UPPER.
    """
    count = len(lengths)
    steps = each_axis(strides, count, 1, "strides")
    spacings = each_axis(dilations, count, 1, "dilations")
    extra = each_axis(output_padding, count, 0, "output_padding")
    ends = each_end(None if auto_pad == "VALID" else pads, count)
    wanted: list[Dim | None] = [None] * count
    for i, more in enumerate(extra):
        if more and more >= max(steps[i], spacings[i]):
            raise ValueError(
                f"output_padding is {more}, less than stride {steps[i]} or dilation {spacings[i]}"
                " is wanted"
            )
    if output_shape:  # some exporters give batch and channels too
        if len(output_shape) not in (count, count + 2):
            raise ValueError(f"output_shape has {len(output_shape)} numbers, {count} are wanted")
        wanted = list(each_axis(output_shape[-count:], count, 0, "output_shape"))
    elif known_padding(auto_pad).startswith("SAME"):
        wanted = [n * s for n, s in zip(lengths, steps, strict=True)]
    result: list[tuple[Dim, int, int, Dim]] = []
    for i, (n, stride, spacing, length) in enumerate(
        zip(lengths, steps, spacings, wanted, strict=True)
    ):
        full = (n - 1) * stride + extra[i] + (kernel[i] - 1) * spacing + 1
        before: Dim = ends[i][0]
        if length is None:
            length = full - before - ends[i][1]
        else:
            total = full - length
            if isinstance(total, int):
                if output_shape and -total >= stride + extra[i]:
                    raise ValueError(f"output_shape is {length}, {n} inputs give at most {full}")
                before = same_padding(total, auto_pad)[0]
                length = length if output_shape else full - max(total, 0)
            else:  # a free input and a fixed output: only the length is known
                before = total // 2 if auto_pad == "SAME_UPPER" else ceil_div(total, 2)
        if isinstance(length, int) and length < 1:
            raise ValueError(f"padding leaves nothing of an output of {full}")
        result.append((length, stride, spacing, before))
    return result


def transpose_output(
    x: Tensor,
    w: Tensor,
    *rest: Tensor | None,
    kernel_shape: Ints = None,
    strides: Ints = None,
    pads: Ints = None,
    dilations: Ints = None,
    auto_pad: str = "NOTSET",
    group: int = 1,
    output_padding: Ints = None,
    output_shape: Ints = None,
) -> Tensor:
    _, axes = spatial_axes(x, w, 0)
    if group < 1:
        raise ValueError(f"group is {group}, at least 1 is wanted")
    if isinstance(x.dims[1], int) and isinstance(w.dims[0], int) and x.dims[1] != w.dims[0]:
        raise ValueError(f"input has {x.dims[1]} channels, weights want {w.dims[0]}")
    if isinstance(x.dims[1], int) and x.dims[1] % group:
        raise ValueError(f"{x.dims[1]} channels don't make {group} groups")
    if rest:
        demand(rest[0], "the bias", w.dims[1] * group)
    along = transposed(
        [x.dims[a] for a in axes], kernel_of(w, kernel_shape), strides, pads, dilations, auto_pad,
        output_padding, output_shape,
    )  # fmt: skip
    return x.of((x.dims[0], w.dims[1] * group, *(length for length, *_ in along)))


def transpose_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, b: Tensor | None = None, *rest: Tensor | None
) -> Work:
    bias = 0 if b is None else outputs[0].size
    return matrix_work(x.size * product(w.dims[1:]), x, w, bias=bias)


def transpose_reads(
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
    output_padding: Ints = None,
    output_shape: Ints = None,
) -> OutputReads:
    _, axes = spatial_axes(x, w, 0)
    kernel = kernel_of(w, kernel_shape)
    along = transposed(
        [x.dims[a] for a in axes], kernel, strides, pads, dilations, auto_pad, output_padding,
        output_shape,
    )  # fmt: skip
    space = [
        Along(axis, transposed_window(k, stride, spacing, int(before)))
        for axis, k, (_, stride, spacing, before) in zip(axes, kernel, along, strict=True)
    ]
    of_channel = grouped(1, x.dims[1], w.dims[1] * group, group)
    return arranged(x, 1, of_channel, space), everything(w), (Along(1),)


def transposed_window(size: int, stride: int, dilation: int, before: int) -> Window:
    """Output ``o`` reads the inputs ``(o + before - j*dilation) / stride`` that are integers."""
    last = (size - 1) * dilation
    return Window(size, whole(1, stride), whole(dilation, stride), whole(last - before, stride))


def whole(top: int, bottom: int) -> int | Fraction:
    """A quotient, an `int` where it is one."""
    return top // bottom if top % bottom == 0 else Fraction(top, bottom)


def dynamic_pads_output(
    x: Tensor, w: Tensor, pads: Tensor | None = None, b: Tensor | None = None, *,
    node_name: str = "", kernel_shape: Ints = None, strides: Ints = None, dilations: Ints = None,
    auto_pad: str = "NOTSET", group: int = 1, output_padding: Ints = None,
) -> Tensor:  # fmt: skip
    if pads is not None and pads.value is None:
        count = x.rank - 2
        lengths = [FreeDim.from_data(f"{node_name} length {i}") for i in range(count)]
        return x.of((x.dims[0], w.dims[1] * group, *lengths))
    return transpose_output(
        x, w, b, pads=None if pads is None else pads.numbers, kernel_shape=kernel_shape,
        strides=strides, dilations=dilations, auto_pad=auto_pad, group=group,
        output_padding=output_padding,
    )  # fmt: skip


def dynamic_pads_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, pads: Tensor | None = None,
    b: Tensor | None = None,
) -> Work:  # fmt: skip
    return transpose_work(outputs, x, w, b)


def dynamic_pads_reads(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, pads: Tensor | None = None,
    b: Tensor | None = None, *, kernel_shape: Ints = None, strides: Ints = None,
    dilations: Ints = None, auto_pad: str = "NOTSET", group: int = 1, output_padding: Ints = None,
) -> OutputReads:  # fmt: skip
    of_x, of_w, of_bias = transpose_reads(
        outputs, x, w, b, pads=None if pads is None else pads.numbers, kernel_shape=kernel_shape,
        strides=strides, dilations=dilations, auto_pad=auto_pad, group=group,
        output_padding=output_padding,
    )  # fmt: skip
    return of_x, of_w, () if pads is None else everything(pads), of_bias


# -- integers -------------------------------------------------------------------------------

#: to an integer type: scaled, rounded, saturated at both ends, shifted by the zero point
REQUANTIZE = Work(mul=1, compare=3, add=1)


def zero_points(x: Tensor, of_x: Tensor | None, w: Tensor, of_w: Tensor | None) -> Work:
    """The subtractions of the zero points."""
    known = of_w is None or (w.constant and of_w.constant)
    return Work(add=(0 if of_x is None else x.size) + (0 if known else w.size))


def integer_output(rule: Rule) -> Rule:
    """ConvInteger's output from the float operator's: 32 bits."""

    @functools.wraps(rule)
    def output(x: Tensor, w: Tensor, *rest: Tensor | None, **attributes: object) -> Tensor:
        found = rule(x, w, **attributes)
        assert isinstance(found, Tensor)
        return found.of(found.shape, "int32")

    return output


def integer_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor,
    x_zero: Tensor | None = None, w_zero: Tensor | None = None,
) -> Work:  # fmt: skip
    return conv_work(outputs, x, w) + zero_points(x, x_zero, w, w_zero)


def integer_reads(rule: Rule) -> Rule:
    """ConvInteger's reads: the zero points serve every output, a list of them one channel each."""

    @functools.wraps(rule)
    def reads(
        outputs: tuple[Tensor, ...], x: Tensor, w: Tensor,
        x_zero: Tensor | None = None, w_zero: Tensor | None = None, **attributes: object,
    ) -> OutputReads:  # fmt: skip
        found = rule(outputs, x, w, **attributes)
        assert isinstance(found, tuple)
        return (*found[:2], *(parameter(t, 1) for t in (x_zero, w_zero)))

    return reads


def parameter(tensor: Tensor | None, channel: int) -> InputRead:
    """A scale or zero point: one for all, or one per output channel."""
    if tensor is None or tensor.rank == 0:
        return ()
    return everything(tensor) if tensor.dims[0] == 1 else (Along(channel),)


def output_channels(shape: Shape, attributes: Mapping[str, object]) -> Dim:
    return shape[-1 if attributes.get("channels_last") else 1]


def quantized_output(rule: Rule) -> Rule:
    """A quantised operator's output from the float one's; the zero point has its dtype."""

    @functools.wraps(rule)
    def output(
        x: Tensor, x_scale: Tensor, x_zero: Tensor, w: Tensor, w_scale: Tensor, w_zero: Tensor,
        y_scale: Tensor, y_zero: Tensor | None = None, b: Tensor | None = None,
        **attributes: object,
    ) -> Tensor:  # fmt: skip
        singles = {
            "x_scale": x_scale, "x_zero_point": x_zero, "y_scale": y_scale, "y_zero_point": y_zero
        }  # fmt: skip
        for name, given in singles.items():
            demand_single(given, name)
        found = rule(x, w, b, **attributes)
        assert isinstance(found, Tensor)
        channels = None if found.shape is None else output_channels(found.shape, attributes)
        demand_each(w_scale, "w_scale", channels)
        demand_each(w_zero, "w_zero_point", channels)
        return found.of(found.shape, None if y_zero is None else y_zero.dtype)

    return output


def quantized_work(rule: Rule) -> Rule:
    @functools.wraps(rule)
    def work(
        outputs: tuple[Tensor, ...], x: Tensor, x_scale: Tensor, x_zero: Tensor | None, w: Tensor,
        w_scale: Tensor, w_zero: Tensor | None, *rest: Tensor | None, **attributes: object,
    ) -> Work:  # fmt: skip
        found = rule(outputs, x, w, rest[2] if len(rest) > 2 else None, **attributes)
        assert isinstance(found, Work)
        return found + zero_points(x, x_zero, w, w_zero) + REQUANTIZE * outputs[0].size

    return work


def quantized_reads(rule: Rule) -> Rule:
    @functools.wraps(rule)
    def reads(
        outputs: tuple[Tensor, ...], x: Tensor, x_scale: Tensor, x_zero: Tensor | None, w: Tensor,
        w_scale: Tensor, w_zero: Tensor | None, *rest: Tensor | None, **attributes: object,
    ) -> OutputReads:  # fmt: skip
        found = rule(outputs, x, w, **attributes)
        assert isinstance(found, tuple)
        channel = found[2][0].axis
        one, two, three, four = (parameter(t, channel) for t in (x_scale, x_zero, w_scale, w_zero))
        ends = (parameter(t, channel) for t in rest[:2])
        return found[0], one, two, found[1], three, four, *ends, found[2]

    return reads


# -- fused, deformable, causal --------------------------------------------------------------

#: per element of what a fused activation makes
ACTIVATIONS = {
    "": NO_WORK,
    "none": NO_WORK,
    "Relu": Work(compare=1),
    "LeakyRelu": Work(compare=1, mul=1),
    "Clip": Work(compare=2),
    "HardSigmoid": Work(mul=1, add=1, compare=2),
    "Sigmoid": Work(exp=1),
    "Tanh": Work(exp=1),
    "silu": Work(exp=1, mul=1),
    "swish": Work(exp=1, mul=1),
}


def activation_work(activation: str) -> Work:
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation {activation!r} isn't one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[activation]


def fused_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, b: Tensor | None = None,
    z: Tensor | None = None, *, activation: str = "",
) -> Work:  # fmt: skip
    """Convolution, then `z` added, then the activation."""
    after = activation_work(activation) + Work(add=0 if z is None else 1)
    return conv_work(outputs, x, w, b) + after * outputs[0].size


def last(rule: Rule) -> Rule:
    """The rule for channels that always come last."""

    @functools.wraps(rule)
    def channels_last(*inputs: object, **attributes: object) -> object:
        return rule(*inputs, **{**attributes, "channels_last": 1})

    return channels_last


def deform_output(
    x: Tensor, w: Tensor, offset: Tensor, b: Tensor | None = None, mask: Tensor | None = None, *,
    kernel_shape: Ints = None, strides: Ints = None, pads: Ints = None, dilations: Ints = None,
    group: int = 1, offset_group: int = 1,
) -> Tensor:  # fmt: skip
    y = conv_output(
        x, w, b, kernel_shape=kernel_shape, strides=strides, pads=pads, dilations=dilations,
        group=group,
    )  # fmt: skip
    taps = product(w.dims[2:])
    places = taps * offset_group
    demand(offset, "offset", x.dims[0], places * (x.rank - 2), *y.dims[2:])
    demand(mask, "mask", x.dims[0], places, *y.dims[2:])
    return y


def deform_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, offset: Tensor, b: Tensor | None = None,
    mask: Tensor | None = None, *, offset_group: int = 1,
) -> Work:  # fmt: skip
    axes = x.rank - 2
    corners = 2**axes
    taps = x.dims[0] * product(outputs[0].dims[2:]) * product(w.dims[2:])
    place = Work(add=axes * 3, compare=axes, mul=(axes - 1) * corners)
    sample = Work(mul=corners + (mask is not None), add=corners - 1)
    sampling = place * (taps * offset_group) + sample * (taps * x.dims[1])
    return conv_work(outputs, x, w, b) + sampling


def deform_reads(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, offset: Tensor, b: Tensor | None = None,
    mask: Tensor | None = None, *, group: int = 1,
) -> OutputReads:  # fmt: skip
    if offset.constant:
        raise Undetermined("which places constant offsets take")
    # The offsets are data: a tap may be anywhere.
    anywhere = [Whole(spatial=True)] * (x.rank - 2)
    of_x = arranged(x, 1, grouped(1, x.dims[1], w.dims[0], group), anywhere)
    # Offsets and mask lie on the output's grid, one for every tap along their channel axis.
    grid: tuple[AxisRead, ...] = (Along(0), Whole(), *(Along(axis) for axis in range(2, x.rank)))
    return of_x, per_channel(w, 1), grid, (Along(1),), grid


def causal_output(
    x: Tensor, w: Tensor, bias: Tensor | None = None, past: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    return x.of(x.shape), x.of((*x.dims[:2], w.dims[2] - 1))


def causal_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, bias: Tensor | None = None,
    past: Tensor | None = None, *, activation: str = "none",
) -> Work:  # fmt: skip
    return conv_work(outputs, x, w, bias) + activation_work(activation) * outputs[0].size


def causal_reads(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor, bias: Tensor | None = None,
    past: Tensor | None = None,
) -> dict[int, OutputReads]:  # fmt: skip
    """Both read the row of the past states and the inputs behind one another."""
    kernel = int(w.dims[2])
    length = x.dims[2]
    channels = (Along(0), Along(1))
    out: OutputReads = (
        (*channels, Along(2, Window(kernel, before=kernel - 1))),
        per_channel(w, 1),
        (Along(1),),
        (*channels, Along(2, Window(kernel))),
    )
    state: tuple[tuple[AxisRead, ...], tuple[AxisRead, ...]]
    if isinstance(length, FreeDim):
        state = (*channels, Whole()), (*channels, Whole())
    else:
        state = (
            (*channels, Along(2, Window(before=kernel - 1 - length))),
            (*channels, Along(2, Window(before=-length))),
        )
    return {0: out, 1: (state[0], everything(w), (Whole(),), state[1])}


# -- the table ------------------------------------------------------------------------------

define("Conv", kind="convolution", infer=conv_output, work=conv_work, reads=conv_reads)
define(
    "ConvTranspose",
    kind="transposed convolution",
    infer=transpose_output,
    work=transpose_work,
    reads=transpose_reads,
)
define(
    "DeformConv",
    kind="deformable convolution",
    infer=deform_output,
    work=deform_work,
    reads=deform_reads,
    places=(2,),
)
define(
    "CausalConvWithState",
    kind="convolution",
    infer=causal_output,
    work=causal_work,
    reads=causal_reads,
)
define(
    "ConvInteger", kind="convolution",
    infer=integer_output(conv_output), work=integer_work, reads=integer_reads(conv_reads),
    roles=constants(2, 3),
)  # fmt: skip
for _domain in ("", MICROSOFT):
    define(
        "QLinearConv",
        kind="convolution",
        infer=quantized_output(conv_output),
        work=quantized_work(conv_work),
        reads=quantized_reads(conv_reads),
        roles={8: "parameter", **constants(1, 2, 4, 5, 6, 7)},
        domain=_domain,
    )
define(
    "QLinearConvTranspose",
    kind="transposed convolution",
    infer=quantized_output(transpose_output),
    work=quantized_work(transpose_work),
    reads=quantized_reads(transpose_reads),
    roles={8: "parameter", **constants(1, 2, 4, 5, 6, 7)},
    domain=MICROSOFT,
)
define(
    "ConvTransposeWithDynamicPads", kind="transposed convolution",
    infer=dynamic_pads_output, work=dynamic_pads_work, reads=dynamic_pads_reads,
    domain=MICROSOFT,
)  # fmt: skip
define(
    "FusedConv",
    kind="convolution",
    infer=conv_output,
    work=fused_work,
    reads=conv_reads,
    domain=MICROSOFT,
)
define(
    "NhwcConv", "NhwcFusedConv", kind="convolution",
    infer=last(conv_output), work=fused_work, reads=last(conv_reads), domain=MICROSOFT,
)  # fmt: skip
