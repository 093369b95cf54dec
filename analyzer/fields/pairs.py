"""Which pairs of an output and an input element does a layer connect, and how many are they?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnscope.analyzer.operators.reading import Along, Listed, Only, Upto, Whole
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window

#: a window with fractions is walked output by output up to this many
MAX_OUTPUTS = 1 << 20


@dataclass(frozen=True, slots=True)
class OperandReads:
    """How the data operand of a layer is read, its batch axis left out."""

    reads: tuple[object, ...]
    lengths: tuple[int, ...]
    outputs: tuple[int, ...]  # the length of every output axis, the batch's as 1
    batch: int


def operand_reads(
    x: Tensor | None, output: Tensor, read: object, *, examples: bool = True
) -> OperandReads | None:
    """The reads of the data operand; None where a length isn't known or an axis isn't read by itself.

    Args:
        examples: axis 0 may be the batch.
    """
    if x is None or x.shape is None or not isinstance(read, tuple):
        return None
    lengths = [d for d in x.shape if isinstance(d, int)]
    outputs = [d for d in output.dims if isinstance(d, int)]
    if len(lengths) != len(x.shape) or len(outputs) != output.rank:
        return None
    ways, batch = list(read), 1
    if examples and len(lengths) > 1 and ways[0] == Along(0):
        batch, lengths[0], outputs[0] = outputs[0], 1, 1
        if not batch:
            return None
    return OperandReads(tuple(ways), tuple(lengths), tuple(outputs), batch)


def pairs_of(ways: OperandReads, by_input: bool) -> tuple[int, int] | None:
    """Connections, and products with those that fall outside; None where a way isn't known.

    Args:
        by_input: each input meets every tap (transposed convolution), not each output.
    """
    inside = products = 1
    named = set()
    for way, length in zip(ways.reads, ways.lengths, strict=True):
        if isinstance(way, Along | Listed | Upto):
            named.add(way.axis)
            found = _along(way, length, ways.outputs[way.axis])
            if found is None:
                return None
            inside *= found[0]
            taps = way.window.size if isinstance(way, Along) else 0
            products *= length * taps if by_input and taps else found[1]
        elif isinstance(way, Whole | Only):
            count = length if isinstance(way, Whole) else way.hi - way.lo + 1
            inside, products = inside * count, products * count
        else:
            return None
    free = math.prod(n for axis, n in enumerate(ways.outputs) if axis not in named)
    return inside * free, products * free


def _along(way: Along | Listed | Upto, length: int, count: int) -> tuple[int, int] | None:
    """Pairs of an output and an input index along one axis: inside, and in all."""
    if isinstance(way, Upto):
        pairs = sum(
            min(i + 1, length) if not way.reverse else max(length - i, 0) for i in range(count)
        )
        return pairs, pairs
    if isinstance(way, Listed):
        pairs = sum(row[1] - row[0] + 1 for row in way.rows if row is not None)
        return pairs, pairs
    return window_pairs(way.window, length, count)


def window_pairs(window: Window, length: int, count: int) -> tuple[int, int] | None:
    """Pairs of an output and an input that a window connects: inside the input, and in all.

    Of a window with fractions (a transposed convolution) each input meets every tap, so that all
    is ``length * size``, cropped ones included.

    >>> window_pairs(Window(3, before=1, after=1), 5, 5)
    (13, 15)
    """
    stride, before, dilation = window.stride, window.before, window.dilation
    if window.outside != "nothing":
        return None
    if isinstance(stride, int) and isinstance(before, int) and isinstance(dilation, int):
        if stride < 1:
            return None
        inside = 0
        for tap in range(window.size):  # 0 <= i*stride - before + tap*dilation < length
            shift = before - tap * dilation
            first, last = (
                max(0, -(-shift // stride)),
                min(count - 1, (length - 1 + shift) // stride),
            )
            inside += max(0, last - first + 1)
        return inside, count * window.size
    if count > MAX_OUTPUTS:
        return None
    inside = sum(1 for i in range(count) for at in window.at(i) if 0 <= at < length)
    return inside, length * window.size


def pairs_inside(windows: Sequence[tuple[Window, int, int]]) -> int | None:
    """Pairs inside the input along several axes together; None where one isn't known."""
    total = 1
    for window, length, count in windows:
        found = window_pairs(window, length, count)
        if found is None:
            return None
        total *= found[0]
    return total
