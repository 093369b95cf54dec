"""What is a layer, in the field's words?

The operator's own definition says its family (convolution, pooling, attention, ...); everything
else is read off its windows, never off its name: how many axes it moves along, whether its kernel
is one point, which channels it mixes, and what kind of padding it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cnnscope.analyzer.graph import Node
from cnnscope.analyzer.reads import NodeReads
from cnnscope.analyzer.shapes import Shapes
from cnnscope.analyzer.window import Number

Padding = Literal["valid", "same", "full", "custom"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a layer is.

    Args:
        family: what its operator is: ``"convolution"``, ``"max pooling"``, ``"attention"``, ...
        form: which sort of it: of a convolution ``"standard"``, ``"pointwise"``, ``"depthwise"``
            or ``"grouped"``; of a pooling ``"global"``; None where there is one sort only.
        rank: how many axes its window moves along; None where it has no window.
        kernel, stride, dilation, before, after: of the window, one number per such axis.
        padding: ``"valid"`` (none), ``"same"`` (a stride of 1 would keep the length), ``"full"``
            (every position that touches the input), ``"custom"``; None without a window.
        traits: what else is to be said: ``"dilated"``, ``"strided"``, ``"separable"``, ``"unshared"``.
    """

    family: str = "other"
    form: str | None = None
    rank: int | None = None
    kernel: tuple[int, ...] = ()
    stride: tuple[Number, ...] = ()
    dilation: tuple[Number, ...] = ()
    before: tuple[Number, ...] = ()
    after: tuple[Number, ...] = ()
    padding: Padding | None = None
    traits: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The kind as one phrase: ``"2-D depthwise convolution"``."""
        words = [f"{self.rank}-D" if self.rank else "", self.form or "", self.family]
        return " ".join(word for word in words if word)


def find_kind(node: Node, shapes: Shapes, reads: NodeReads) -> Kind:
    """What a node is, from its operator's family and what its first output reads."""
    return Kind()
