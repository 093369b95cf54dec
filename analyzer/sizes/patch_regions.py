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
    is_padded,
    taken,
)
from cnnscope.analyzer.operators.reading import Along, Coupled, Flat, Listed, Nothing, Upto
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads, reads_of
from cnnscope.analyzer.values.plain_class import dataclass

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
        padding: along each axis behind the first two, where it is to be told.
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

    def lengths(self, name: str) -> tuple[int, ...]:
        """A tensor's shape.

        Raises:
            NotInParts: it isn't known.
        """
        x = self.shapes.tensors[name]
        if x.kind != "tensor" or x.shape is None or not all(isinstance(n, int) for n in x.shape):
            raise NotInParts("has a tensor whose lengths aren't known")
        return tuple(n for n in x.shape if isinstance(n, int))

    def whole(self, name: str) -> Part:
        """All of a tensor."""
        return tuple((0, n) for n in self.lengths(name))

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
        outputs = [name for name in node.outputs if name]
        lengths = self.lengths(outputs[0])
        complete = all(
            part == (0, n) for name in outputs for part, n in zip(given, self.lengths(name), strict=True)
        )  # fmt: skip
        moving = [name for name in node.inputs if name]
        if node.bodies:
            raise NotInParts("has subgraphs")
        if complete:
            whole = {i: self.whole(n) for i, n in enumerate(node.inputs) if n in moving}
            return NodePart(node, given, whole, None)
        demand_alike(node.domain, node.op, node.version, node.outputs)
        if len({self.lengths(name) for name in outputs}) > 1:
            raise NotInParts("gives several maps of different sizes")
        padded = is_padded(node.domain, node.op)
        padding = [(0, 0)] * (len(given) - 2)
        reads: dict[int, Part] = {}
        for per_input in reads_of(node, self.shapes, self.reads).outputs:
            for place, name in enumerate(node.inputs):
                read = per_input[place]
                if name and not isinstance(read, Nothing):
                    moved = padding if padded and place == 0 else None
                    reads[place] = self._read(name, read, given, lengths, moved)
        return NodePart(node, given, reads, tuple(padding) if padded else None)

    def _read(
        self, name: str, read: KnownRead, given: Part, lengths: Sequence[int],
        padding: list[tuple[int, int]] | None,
    ) -> Part:  # fmt: skip
        """The part of an input that a part of the output reads; notes the padding, where it is told."""
        if read is None or isinstance(read, Flat | Coupled) or not isinstance(read, tuple):
            raise NotInParts("reads places that aren't told axis by axis")
        found = []
        for axis, (way, length) in enumerate(zip(read, self.lengths(name), strict=True)):
            stretch = (0, length)
            if isinstance(way, Along):
                wanted, count = given[way.axis], lengths[way.axis]
                if way.partly and wanted != (0, count):
                    raise NotInParts("deals places out to channels")
                told = padding is not None and way.axis >= 2
                one = taken(way, wanted, count, length, padded=told)
                stretch = one.inside
                if padding is not None and told:
                    padding[way.axis - 2] = one.padding
            elif isinstance(way, Listed | Upto) and given[way.axis] != (0, lengths[way.axis]):
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
