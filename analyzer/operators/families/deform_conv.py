"""What does a deformable convolution put out, and what work is it to sample where its offsets say?

The MACs are a convolution's. Sampling takes, at each output position, tap and offset group, along
each of the d axes the offset's addition, a floor, and the two distances from the neighbours, then
``(d-1) * 2**d`` multiplications for the corners' weights; in every channel ``2**d``
multiplications and ``2**d - 1`` additions; with a mask one multiplication more.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.conv import conv_output, conv_work
from cnnscope.analyzer.operators.families.spatial import arranged, grouped, per_channel
from cnnscope.analyzer.operators.filter_banks import kernel_filters
from cnnscope.analyzer.operators.reading import Along, AxisRead, OutputReads, Whole
from cnnscope.analyzer.operators.rules import Ints, demand
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Undetermined, product
from cnnscope.analyzer.values.tensor import Tensor


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


define(
    "DeformConv",
    kind="deformable convolution",
    infer=deform_output,
    work=deform_work,
    reads=deform_reads,
    places=(2,),
    filters=kernel_filters(),
)
