"""After how many indices of an axis does a constant begin again, by the nodes that make it?"""

from __future__ import annotations

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import reads_of
from cnnscope.analyzer.values.tensor import Shape
from cnnscope.analyzer.values.window import POINT

#: nodes that are gone back through
_REACH = 16


def period_along(name: str, axis: int, shapes: Shapes) -> int | None:
    """The period of a constant along an axis; None where nothing says that it begins again.

    Args:
        name: the tensor, which nodes may repeat, or put behind itself, and turn around.
    """
    for _ in range(_REACH):
        graph = shapes.origin.graph
        node = None if graph is None else graph.producers.get(name)
        if node is None or node.bodies:
            return None
        given = [x for x in node.inputs if x]
        if len(given) > 1 and len({*given}) == 1:
            return _behind_itself(given, axis, shapes.tensors[name].shape, shapes)
        source = _followed(node, name, axis, shapes)
        if source is None or isinstance(source, int):
            return source
        name, axis = source
    return None


def _behind_itself(given: list[str], axis: int, shape: Shape | None, shapes: Shapes) -> int | None:
    """The length of what is put behind itself."""
    one = shapes.tensors[given[0]].shape
    if shape is None or one is None or len(one) != len(shape):
        return None
    longer = [a != b for a, b in zip(one, shape, strict=True)]
    length = one[axis]
    if longer != [i == axis for i in range(len(shape))] or not isinstance(length, int):
        return None
    return length if shape[axis] == len(given) * length else None


def _followed(node: Node, name: str, axis: int, shapes: Shapes) -> int | tuple[str, int] | None:
    """The period, where the node repeats; else the axis of what it is made of, where that is one."""
    rows = reads_of(node, shapes, {}).outputs
    place = node.outputs.index(name)
    read = rows[place][0] if place < len(rows) and rows[place] else None
    if not isinstance(read, tuple):
        return None
    for before, along in enumerate(read):
        if isinstance(along, Along) and along.axis == axis:
            length = shapes.tensors[node.inputs[0]].dims[before]
            if (
                along.window.outside == "wrap"
                and along.window.size == 1
                and not along.window.before
            ):
                return length if isinstance(length, int) else None
            return (node.inputs[0], before) if along.window == POINT else None
    return None
