"""Which part of every map of a network's first stage does one patch of its last map need?

From the patch back to the inputs, node by node, along each axis: a window's reads of a stretch are a
stretch, clipped where the map ends, and what lay beyond is the padding that is left at this patch's ends
(`cnnscope.analyzer.operators.parts`). What several layers read of a map is the smallest stretch that
holds what each of them does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.parts import (
    NotInParts,
    Stretch,
    demand_alike,
    demand_shape,
    taken,
)
from cnnscope.analyzer.operators.reading import Along, Coupled, Flat, Listed, Nothing, Upto
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads, reads_of
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: a stretch of each axis
Part = tuple[Stretch, ...]


class StageObstacle(Exception):
    """A layer that isn't run in parts.

    Args:
        node: which.
        why: as an end of "it ...".
    """

    def __init__(self, node: Node, why: str) -> None:
        super().__init__(why)
        self.node, self.why = node, why


@dataclass(frozen=True, slots=True)
class NodePart:
    """What a node does for one patch.

    Args:
        node: which.
        given: what it gives, the same of all its outputs.
        reads: by the place of an input, what it reads of it; all of those that aren't there.
        padding: along each axis that its windows move along, where it is to be told.
    """

    node: Node
    given: Part
    reads: Mapping[int, Part]
    padding: tuple[tuple[int, int], ...] | None


@dataclass(frozen=True, eq=False)
class StageRegions:
    """Parts of a network's maps, found once for each stretch that is asked for.

    Args:
        shapes: what is known of the network's tensors, all their lengths among it.
        reads: by node index, what was found of what the nodes read; more is added.
    """

    shapes: Shapes
    reads: dict[int, NodeReads]
    _known: dict[tuple[int, Part], NodePart] = field(default_factory=dict)
    _whole: dict[str, Part] = field(default_factory=dict)
    _sound: set[int] = field(default_factory=set)

    def whole(self, name: str) -> Part:
        """All of a tensor.

        Raises:
            NotInParts: its shape isn't known.
        """
        known = self._whole.get(name)
        if known is None:
            x = self.shapes.tensors[name]
            lengths = [n for n in x.shape or () if isinstance(n, int)]
            if x.kind != "tensor" or x.shape is None or len(lengths) < len(x.shape):
                raise NotInParts("has a tensor whose lengths aren't known")
            known = self._whole[name] = tuple([(0, n) for n in lengths])
        return known

    def patch(self, nodes: Sequence[Node], last: str, wanted: Part) -> list[NodePart]:
        """What the nodes of a stage do for one patch, in running order.

        Args:
            nodes: the stage's, the last of which gives its last map.
            last: that map.
            wanted: the patch of it.

        Raises:
            StageObstacle: one of them isn't run in parts.
        """
        parts: dict[str, Part] = {last: wanted}
        found = []
        for node in reversed(nodes):
            asked = [parts[name] for name in node.outputs if name in parts]
            if not asked:
                continue
            try:
                one = self.of(node, _hull(asked))
            except NotInParts as why:
                raise StageObstacle(node, str(why)) from None
            found.append(one)
            for place, part in one.reads.items():
                name = node.inputs[place]
                parts[name] = _hull([parts[name], part]) if name in parts else part
        found.reverse()
        return found

    def of(self, node: Node, given: Part) -> NodePart:
        """What a node does so as to give a part.

        Raises:
            NotInParts: it can't.
        """
        key = node.index, given
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._found(node, given)
        return known

    def _found(self, node: Node, given: Part) -> NodePart:
        outputs = [self.whole(name) for name in node.outputs if name]
        if node.bodies:
            raise NotInParts("has subgraphs")
        # What rounds up isn't copied as it is: onnx and ONNX Runtime may round up otherwise before it runs.
        rounds = node.attributes.get("ceil_mode")
        if not rounds and all(given == whole for whole in outputs):
            complete = {i: self.whole(name) for i, name in enumerate(node.inputs) if name}
            return NodePart(node, given, complete, None)
        first = demand_alike(node.domain, node.op, node.version, node.attributes, node.outputs)
        if any(whole != outputs[0] for whole in outputs):
            raise NotInParts("gives several maps of different sizes")
        padding = None if first is None else [(0, 0)] * (len(given) - first)
        reads: dict[int, Part] = {}
        followed: set[int] = set()
        for per_input in reads_of(node, self.shapes, self.reads).outputs:
            for place, name in enumerate(node.inputs):
                read = per_input[place]
                if name and not isinstance(read, Nothing):
                    moved = padding if place == 0 else None
                    reads[place] = self._read(name, read, given, outputs[0], moved)
                    if isinstance(read, tuple):
                        followed.update(way.axis for way in read if isinstance(way, Along))
        for axis, (mine, whole) in enumerate(zip(given, outputs[0], strict=True)):
            if mine != whole and axis not in followed:
                raise NotInParts("looks at all of an axis that is cut")
        if padding is None and node.index not in self._sound:
            self._demand_shape(node, given, reads)
        return NodePart(node, given, reads, None if padding is None else tuple(padding))

    def _demand_shape(self, node: Node, given: Part, reads: Mapping[int, Part]) -> None:
        """What a node makes of parts is a part: asked once of each."""
        inputs: list[Tensor | None] = list(self.shapes.inputs(node))
        for place, part in reads.items():
            x = inputs[place]
            if x is not None and part != self.whole(node.inputs[place]):
                inputs[place] = Tensor(
                    x.dtype, tuple(stop - start for start, stop in part), x.constant
                )
        wanted = [stop - start for start, stop in given]
        demand_shape(node, inputs, [wanted] * len(node.outputs))
        self._sound.add(node.index)

    def _read(
        self, name: str, read: KnownRead, given: Part, complete: Part,
        padding: list[tuple[int, int]] | None,
    ) -> Part:  # fmt: skip
        """The part of an input that a part of the output reads; notes the padding, where it is told."""
        if read is None or isinstance(read, Flat | Coupled) or not isinstance(read, tuple):
            raise NotInParts("reads places that aren't told axis by axis")
        found = []
        for way, stretch in zip(read, self.whole(name), strict=True):
            if isinstance(way, Along):
                wanted, count = given[way.axis], complete[way.axis][1]
                if way.partly and wanted != (0, count):
                    raise NotInParts("deals places out to channels")
                place = -1 if padding is None else way.axis - len(given) + len(padding)
                one = taken(way, wanted, count, stretch[1], padded=place >= 0)
                found.append(one.inside)
                if padding is not None and place >= 0:
                    padding[place] = one.padding
                continue
            if isinstance(way, Listed | Upto) and given[way.axis] != complete[way.axis]:
                raise NotInParts("picks places along the axes that are cut")
            found.append(stretch)
        return tuple(found)


def _hull(parts: Sequence[Part]) -> Part:
    """The smallest part that holds some."""
    return tuple(
        (min(start for start, _ in along), max(stop for _, stop in along))
        for along in zip(*parts, strict=True)
    )


def patches_of(length: int, count: int) -> list[Stretch]:
    """An axis in as many patches, as equal as whole places are, none empty.

    >>> patches_of(7, 3), patches_of(2, 4)
    ([(0, 2), (2, 4), (4, 7)], [(0, 1), (1, 2)])
    """
    count = max(1, min(length, count))
    return [(i * length // count, (i + 1) * length // count) for i in range(count)]
