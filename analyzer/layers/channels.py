"""Which axis of a layer's input are its channels, and which of them does an output channel read?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnscope.analyzer.operators.reading import Along, Listed, Whole
from cnnscope.analyzer.passes.reads import KnownRead
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


def data_input(inputs: Sequence[Tensor | None]) -> int:
    """The input that the layer works on, as against its weights: the first that isn't constant."""
    return next((i for i, x in enumerate(inputs) if x is not None and not x.constant), 0)


def channel_axis(
    read: Sequence[object], inputs: Sequence[Tensor | None], per_input: Sequence[KnownRead]
) -> int:
    """The axis of channels: the one that is mixed, or that weights belong to; else 1, or the last."""
    for axis, along in enumerate(read[1:], 1):
        if isinstance(along, Whole | Listed) and not along.spatial:
            return axis
    for x, weights in zip(inputs, per_input, strict=True):
        if x is None or not x.constant or not isinstance(weights, tuple):
            continue
        for along in weights:
            if isinstance(along, Along) and 0 < along.axis < len(read):
                return along.axis
    first = read[1] if len(read) > 1 else None
    looks = isinstance(first, Whole) or (isinstance(first, Along) and first.window.moves)
    return len(read) - 1 if looks and len(read) > 2 else 1


def convolution_form(
    inputs: Sequence[Tensor | None],
    data: int,
    channels: object,
    before: Dim,
    after: Dim,
    kernel: Sequence[int],
) -> str:
    """Which channels an output channel reads: all, one, or those of its group."""
    read: Dim = before
    if isinstance(channels, Along):
        read = 1
    elif isinstance(channels, Listed):
        read = max((row[1] - row[0] + 1 for row in channels.rows if row is not None), default=1)
    elif isinstance(after, int):
        # Too many channels to be listed, or not known: the weights' number says how many are read.
        weights = next(
            (
                x.size for i, x in enumerate(inputs)
                if i != data and x is not None and x.shape is not None
                and len(x.shape) == len(kernel) + 2
            ),
            None,
        )  # fmt: skip
        each = after * math.prod(kernel)
        if isinstance(weights, int) and each and weights % each == 0:
            read = weights // each
    if read == before or (read != 1 and not isinstance(before, int)):
        return "pointwise" if all(k == 1 for k in kernel) else "standard"
    return "depthwise" if read == 1 else "grouped"
