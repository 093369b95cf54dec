"""What do transposed convolutions put out, how many products are they, and what does each output read?

A transposed convolution turns a convolution round: output ``o`` takes input ``i`` where
``o = i*stride - before + j*dilation``, so its window has stride ``1/stride`` and dilation
``dilation/stride``, and

    output length = (n - 1)*stride + output_padding + extent - before - after

Work, with ``K`` the taps of the kernel over all axes: ``input elements * Cout/group * K`` MACs (each
input meets each tap once; those that are cropped away count, as a convolution's products with the
padding do), and for a bias one addition per output.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.spatial import (
    arranged,
    each_end,
    grouped,
    kernel_of,
    spatial_axes,
)
from cnnscope.analyzer.operators.filter_banks import kernel_filters
from cnnscope.analyzer.operators.reading import Along, OutputReads, everything
from cnnscope.analyzer.operators.rules import Ints, demand, each_axis
from cnnscope.analyzer.operators.work import Work, matrix_work
from cnnscope.analyzer.values.conditions import agree, divides, reaches
from cnnscope.analyzer.values.dimension import Dim, FreeDim, ceil_div, product
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window, known_padding, same_padding


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
            # What is left over behind the last kernel would take another input.
            if output_shape and not reaches(total, min(0, extra[i] - stride + 1)):
                raise ValueError(
                    f"output_shape is {length}, with output_padding {extra[i]}: it takes more than"
                    f" {n} inputs at a stride of {stride}"
                )
            if isinstance(total, int):
                before = same_padding(total, auto_pad)[0]
                length = length if output_shape else full - max(total, 0)
            else:  # a free input and a fixed output: only the length is known
                before = total // 2 if auto_pad == "SAME_UPPER" else ceil_div(total, 2)
        if not reaches(length, 1):
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
    if not agree(x.dims[1], w.dims[0]):
        raise ValueError(f"input has {x.dims[1]} channels, weights want {w.dims[0]}")
    if not divides(group, x.dims[1]):
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


define(
    "ConvTranspose",
    kind="transposed convolution",
    infer=transpose_output,
    work=transpose_work,
    reads=transpose_reads,
    filters=kernel_filters(transposed=True),
)
define(
    "ConvTransposeWithDynamicPads", kind="transposed convolution",
    infer=dynamic_pads_output, work=dynamic_pads_work, reads=dynamic_pads_reads,
    domain=MICROSOFT, filters=kernel_filters(transposed=True),
)  # fmt: skip
