"""How do people write a window along one axis, and what is its padding called?

Along an axis of n inputs, with extent ``e = dilation*(kernel-1) + 1`` (Dumoulin & Visin, *A guide to
convolution arithmetic for deep learning*, 2016), padding is

- ``valid``: none;
- ``full``: ``e - 1`` at both ends, every position that touches the input;
- ``same``: ``e - 1`` in all, or as much as makes ``ceil(n / stride)`` outputs (TensorFlow's SAME);
- ``custom``: any other.

A transposed convolution of stride s is a window of stride and dilation 1/s; its kernel, stride,
dilation and padding are given as people write them, its padding being what is cut off the output.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from cnnscope.analyzer.values.dimension import Dim, ceil_div
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.window import Number, Window

Padding = Literal["valid", "same", "full", "custom"]


@dataclass(frozen=True, slots=True)
class WrittenAxis:
    """A window along one axis as people write it, and the padding that it comes to."""

    kernel: int
    stride: Number
    dilation: Number
    before: Number
    after: Number | None
    extent: Number
    padding: frozenset[Padding]


def as_written(window: Window, length: Dim, outputs: Dim, transposed: bool) -> WrittenAxis:
    if not transposed:
        before, after = window.before, window.after
        extent = window.extent
        words: set[Padding] = set()
        if before == after == 0:
            words.add("valid")
        if before == after == extent - 1:
            words.add("full")
        stride = window.stride
        keeps = isinstance(stride, int) and stride > 0 and outputs == ceil_div(length, stride)
        if before + after == extent - 1 or keeps:
            words.add("same")
        return WrittenAxis(
            window.size, stride, window.dilation, before, after, extent, frozenset(words)
        )  # fmt: skip
    # Output o takes input i where o = i*s - before + j*d: the window's own numbers over s.
    stride = _plain(1 / Fraction(window.stride))
    dilation = _plain(window.dilation * Fraction(stride))
    extent = dilation * (window.size - 1) + 1
    before = _plain(extent - 1 - window.before * Fraction(stride))
    left: Dim | None = None
    if isinstance(stride, int) and isinstance(extent, int) and isinstance(before, int):
        left = (length - 1) * stride + extent - before - outputs
    behind = left if isinstance(left, int) else None
    words = set()
    if before == 0 and behind == 0:
        words.add("valid")
    if isinstance(stride, int) and outputs == length * stride:
        words.add("same")
    if before == behind == extent - 1:
        words.add("full")
    return WrittenAxis(window.size, stride, dilation, before, behind, extent, frozenset(words))


def _plain(value: Number) -> Number:
    return int(value) if value == int(value) else value


def padding_of(axes: Sequence[WrittenAxis]) -> Padding:
    """What holds along every axis; an axis without a neighbour to look at never stands against it."""
    order: tuple[Padding, ...] = ("valid", "full", "same")
    for word in order:
        if all(word in axis.padding for axis in axes):
            return word
    return "custom"
