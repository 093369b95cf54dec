"""Along which axes do a tensor's units lie as places of the input do, whatever else they see?

Behind a normalisation over space every unit sees all of it, so that receptive fields don't move along any
axis any more; most of what a unit hangs on is about its own place nevertheless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.fields.reshapes import shape_groups
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.operators.reading import Along, Flat, Listed, Upto, straight
from cnnscope.analyzer.operators.tapping import OutputTaps
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads, reads_of
from cnnscope.analyzer.passes.taps import find_taps
from cnnscope.analyzer.values.tensor import Shape

#: by axis of a tensor, the input axis along which its units lie
Places = Mapping[int, InputAxis]


def own_places(
    graph: Graph, shapes: Shapes, reads: dict[int, NodeReads], spatial: set[InputAxis]
) -> dict[str, Places]:
    """By tensor of a graph, along which axes its units lie; tensors of which nothing is told are left out.

    Args:
        reads: by node index, what has been found already of what its nodes read; more is added.
        spatial: the input axes that some node looks along.
    """
    found: dict[str, Places] = {}
    for name, axis in spatial:
        found[name] = {**found.get(name, {}), axis: (name, axis)}
    for node in graph.nodes:
        if not shapes.folded(node) and not node.bodies and node.index not in shapes.functions:
            _behind(node, shapes, reads_of(node, shapes, reads), found)
    return found


def _behind(node: Node, shapes: Shapes, reads: NodeReads, found: dict[str, Places]) -> None:
    for output, per_input in zip(node.outputs, reads.outputs, strict=False):
        places: dict[int, InputAxis] = {}
        after = shapes.tensors[output].shape if output else None
        taps = find_taps(node, shapes, per_input) if output == node.outputs[0] else ()
        for k, (name, read) in enumerate(zip(node.inputs, per_input, strict=True)):
            if name in found:
                way = _way(read, taps, k, len(shapes.tensors[name].shape or ()))
                moved = _moved(found[name], way, shapes.tensors[name].shape, after)
                places.update({axis: key for axis, key in moved.items() if axis not in places})
        if places:
            found[output] = places


def _way(read: KnownRead, taps: OutputTaps, place: int, rank: int) -> KnownRead:
    """How an input is read: index by index where most hangs on an output's own place."""
    ways = (taps[place] if place < len(taps) else None) or ()
    own = straight(rank)
    return own if any(way is own for _, way in ways) else read


def _moved(
    places: Places, read: KnownRead, before: Shape | None, after: Shape | None
) -> dict[int, InputAxis]:
    if isinstance(read, Flat):
        return _reshaped(places, before or (), after or ())
    ways: Sequence[object] = read if isinstance(read, tuple) else ()
    return {
        way.axis: places[axis]
        for axis, way in enumerate(ways)
        if axis in places and isinstance(way, Along | Listed | Upto)
    }


def _reshaped(places: Places, before: Shape, after: Shape) -> dict[int, InputAxis]:
    """Where an axis is cut its parts all lie along it; where several are joined, along the first."""
    found: dict[int, InputAxis] = {}
    for old, new in shape_groups(before, after):
        keys = [places[axis] for axis in old if axis in places]
        wide = [axis for axis in new if after[axis] != 1]
        for k, axis in enumerate(wide if keys else ()):
            found[axis] = keys[min(k, len(keys) - 1)]
    return found
