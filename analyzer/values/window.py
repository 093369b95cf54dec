"""Which inputs does an output read along one axis?

Along one axis, output ``i`` of an operator reads the inputs (Window)::

    (1)   { i*stride - before + j*dilation : 0 <= j < size }  that are integers

For a convolution all four are integers. A transposed convolution of stride s is the same window
with stride 1/s and dilation 1/s (output o takes input i where ``o = i*s - pad + k*d``); a linear
resize is *all* integers of an interval, i.e. a window whose dilation is the reciprocal of the
common denominator. From (1) follows how many outputs there are::

    (2)   output length = floor((n + before + after - extent) / stride) + 1,
          extent = dilation*(size-1) + 1

and what a window makes of a receptive field (`field`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, ceil_div
from cnnscope.analyzer.values.plain_class import dataclass

Number = int | Fraction
Outside = Literal["nothing", "edge", "reflect", "wrap"]


@dataclass(frozen=True, slots=True)
class Window:
    """Output ``i`` reads inputs ``i*stride - before + j*dilation``, ``0 <= j < size``.

    Args:
        size: number of taps.
        stride: input positions per output; a fraction for upsampling, negative for a flip.
        dilation: input positions between taps.
        before: padding before the first input.
        after: padding after the last; only `output_length` needs it.
        outside: what positions beyond the input's ends read: nothing (zeros), or the nearest,
            mirrored or wrapped-around input.
        unread: taps ``j`` whose weight is 0 (where a cubic kernel crosses zero), in order.

    >>> Window(3, stride=2, before=1, after=1).output_length(224)
    112
    >>> list(Window(2, stride=Fraction(1, 2), dilation=Fraction(1, 2), before=Fraction(1, 2)).at(3))
    [1]
    """

    size: int = 1
    stride: Number = 1
    dilation: Number = 1
    before: Number = 0
    after: Number = 0
    outside: Outside = "nothing"
    unread: tuple[int, ...] = ()

    @property
    def extent(self) -> Number:
        """From the first tap to the last, both counted."""
        return (self.size - 1) * self.dilation + 1

    def output_length(self, length: Dim, *, ceil: bool = False) -> Dim:
        """How many outputs an axis of `length` inputs gives, equation (2)."""
        assert isinstance(self.stride, int)
        assert isinstance(self.before, int) and isinstance(self.after, int)
        room = length + self.before + self.after - int(self.extent)
        return (ceil_div(room, self.stride) if ceil else room // self.stride) + 1

    def at(self, index: int) -> Sequence[int]:
        """The integer positions output `index` reads, in order, before anything is clipped."""
        if not self.unread:
            return self._lattice(index)
        start = index * self.stride - self.before
        skipped = {start + j * self.dilation for j in self.unread}
        return tuple(position for position in self._lattice(index) if position not in skipped)

    def _lattice(self, index: int) -> range:
        """The integers among the places of all taps."""
        stride, before, dilation = self.stride, self.before, self.dilation
        if isinstance(stride, int) and isinstance(before, int) and isinstance(dilation, int):
            base = index * stride - before
            return (
                range(base, base + self.size * dilation, dilation)
                if dilation
                else range(base, base + 1)
            )
        # In whole parts of the common denominator q: which j make base + j*dilation a multiple of it?
        q = math.lcm(stride.denominator, before.denominator, dilation.denominator)
        top = index * stride.numerator * (q // stride.denominator)
        top -= before.numerator * (q // before.denominator)
        step = dilation.numerator * (q // dilation.denominator)
        if step == 0:
            return range(top // q, top // q + 1) if top % q == 0 else range(0)
        common = math.gcd(step, q)
        if top % common:
            return range(0)
        top, step, q = top // common, step // common, q // common
        first = (-top * pow(step, -1, q)) % q if q > 1 else 0
        if first >= self.size:
            return range(0)
        count = (self.size - 1 - first) // q + 1
        position = (top + first * step) // q
        return range(position, position + count * step, step)

    @property
    def is_identity(self) -> bool:
        """Each output reads the input at its own index and no other."""
        return self.size == 1 and self.stride == 1 and self.before == 0

    @property
    def shift(self) -> int | None:
        """By how much it moves on what it reads one by one: output ``i`` reads input ``i - shift``."""
        if self.size != 1 or self.stride != 1 or self.unread or not isinstance(self.before, int):
            return None
        return self.before

    @property
    def repeats(self) -> int | None:
        """How often it reads each input: output ``i`` reads input ``i // repeats`` alone."""
        step = self.stride
        if not isinstance(step, Fraction) or step.numerator != 1 or self.unread:
            return None
        alone = self.size == step.denominator and self.dilation == step and self.before == 1 - step
        return self.size if alone else None

    @property
    def moves(self) -> bool:
        """It looks at neighbours or changes the grid's step, as against a mere shift."""
        return self.size > 1 or abs(self.stride) != 1


POINT = Window()


def known_padding(auto_pad: str) -> str:
    """The attribute `auto_pad`, if it is one of ONNX's words; raises ValueError."""
    if auto_pad not in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        raise ValueError(
            f"auto_pad is {auto_pad!r}, one of NOTSET, SAME_UPPER, SAME_LOWER, VALID is wanted"
        )
    return auto_pad


def same_padding(total: Dim, auto_pad: str) -> tuple[int, int]:
    """The padding of SAME_UPPER or SAME_LOWER, split between both ends.

    Raises `Undetermined` where the total hangs on a free length.

    >>> same_padding(3, "SAME_UPPER")
    (1, 2)
    """
    if isinstance(total, FreeDim):
        raise Undetermined("the padding of auto_pad", total.names, total.data)
    less, more = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
    return (less, more) if auto_pad == "SAME_UPPER" else (more, less)
