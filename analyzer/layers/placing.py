"""Where does a convolution's window stand: along which axes, at how many places, over how many channels?"""

from __future__ import annotations

import math

from cnnscope.analyzer.layers.channels import channel_axis, data_input
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.window import Window


@dataclass(frozen=True, slots=True)
class Placing:
    """A convolution's places.

    Args:
        windows: along each axis of its kernel.
        inputs, outputs: lengths of those axes, before and behind.
        channels: of its input and of its output.
    """

    windows: tuple[Window, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    channels: tuple[int, int]

    @property
    def positions(self) -> int:
        """How many places there are."""
        return math.prod(self.outputs)


def find_placing(node: Node, shapes: Shapes, reads: NodeReads) -> Placing | None:
    """Where its first output's units stand; None where that hangs on free sizes, or isn't so simple."""
    inputs, rows = shapes.inputs(node), reads.outputs
    if not rows or not node.outputs:
        return None
    data = data_input(inputs)
    x, read, output = inputs[data], rows[0][data], shapes.outputs(node)[0]
    if x is None or x.shape is None or output.shape is None or not isinstance(read, tuple):
        return None
    channel = channel_axis(read, inputs, rows[0])
    space = [(i, r) for i, r in enumerate(read) if isinstance(r, Along) and i not in (0, channel)]
    named = {0, *(r.axis for _, r in space)}
    behind = [n for axis, n in enumerate(output.shape) if axis not in named]
    before = [x.shape[i] for i, _ in space]
    after = [output.shape[r.axis] for _, r in space]
    lengths = [n for n in (*before, *after, x.shape[channel], *behind) if isinstance(n, int)]
    count = len(space)
    if len(behind) != 1 or count + 2 != len(read) or len(lengths) != 2 * count + 2:
        return None
    return Placing(
        tuple(r.window for _, r in space), tuple(lengths[:count]), tuple(lengths[count:-2]),
        (lengths[-2], lengths[-1]),
    )  # fmt: skip
