"""Where are a layer's filters in its stored weights: which axis is an output channel, which an input's?

An operator that multiplies stored weights says so in its `define(..., filters=rule)`; the rule has the
operator's own signature, and says it of one node. A *filter* is all that one output channel multiplies
what it reads with.
"""

from __future__ import annotations

from collections.abc import Callable

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

FilterRule = Callable[..., "FilterBank | None"]


@dataclass(frozen=True, slots=True)
class FilterBank:
    """The operand that holds a layer's filters.

    Args:
        operand: which input it is.
        output, input: its axes of output and of input channels, counted from its end where negative: then
            the axes before them count matrices of their own. Else those behind them are the kernel's.
        groups: of how many groups the channels are; they lie one behind another along axis 0.
        scale, zero: the inputs with which its integers stand for numbers, ``(w - zero) * scale``; None:
            there is none.
    """

    operand: int
    output: int
    input: int
    groups: int = 1
    scale: int | None = None
    zero: int | None = None


def kernel_filters(
    operand: int = 1, scale: int | None = None, zero: int | None = None, *, transposed: bool = False
) -> FilterRule:
    """The rule of a convolution: weights (C_out, C_in/group, kernel), or transposed (C_in, C_out/group,
    kernel)."""

    def filters(*inputs: Tensor | None, group: int = 1) -> FilterBank:
        return FilterBank(operand, int(transposed), int(not transposed), group, scale, zero)

    return filters


def matrix_filters(
    first: int = 0, second: int = 1, scale: int | None = None, zero: int | None = None
) -> FilterRule:
    """The rule of a product of two matrices: the one of them that is stored, the second if both are.

    Args:
        first, second: which inputs they are.
        scale, zero: of the second; of the first nothing is said where there are any.
    """

    def filters(
        *inputs: Tensor | None, transA: int = 0, transB: int = 0,  # noqa: N803  (as ONNX has them)
        transBatchA: int = 0, transBatchB: int = 0,  # noqa: N803
    ) -> FilterBank | None:  # fmt: skip
        a, b = inputs[first], inputs[second]
        if b is not None and b.constant and not transBatchB:
            outputs, into = (-2, -1) if transB else (-1, -2)
            return FilterBank(second, outputs, into, 1, scale, zero)
        if a is not None and a.constant and not transBatchA and scale is None and zero is None:
            outputs, into = (-1, -2) if transA else (-2, -1)
            return FilterBank(first, outputs, into)
        return None

    return filters
