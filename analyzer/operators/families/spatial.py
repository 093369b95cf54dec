"""Which axes of a convolution are space, and how does it read channels and space?"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from cnnscope.analyzer.operators.reading import (
    MAX_LISTED,
    Along,
    AxisRead,
    InputRead,
    Listed,
    Whole,
    everything,
    repeated,
    straight,
)
from cnnscope.analyzer.operators.rules import Ints, Rule, each_axis
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor

_WHOLE = Whole()


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
        return _WHOLE
    reads, writes = inputs // group, outputs // group
    if reads == writes == 1:  # depthwise
        return Along(axis)
    if outputs > MAX_LISTED:
        return Along(axis, repeated(writes)) if reads == 1 else Whole()
    first = (channel // writes * reads for channel in range(outputs))
    return Listed(axis, tuple((lo, lo + reads - 1) for lo in first), spatial=False)


def arranged(x: Tensor, channel: int, of_channel: AxisRead, space: Sequence[AxisRead]) -> InputRead:
    """Reads of batch, channels and space in the order of the input's axes."""
    read: list[AxisRead] = [straight(x.rank)[0], *space]
    read.insert(channel, of_channel)
    return tuple(read)


def per_channel(w: Tensor, channel: int) -> InputRead:
    """Weights of which each output channel has its own."""
    return (straight(channel + 1)[channel], *everything(w)[1:])


def last(rule: Rule) -> Rule:
    """The rule for channels that always come last."""

    @functools.wraps(rule)
    def channels_last(*inputs: object, **attributes: object) -> object:
        return rule(*inputs, **{**attributes, "channels_last": 1})

    return channels_last
