"""How does a unit's dependence on the network's inputs spread: on which elements, and how much on each?

The nodes' reads run backwards from the unit, as weights (Luo et al. 2016). Each operator's taps sum to 1,
and each addend of a join counts 1, as the expected squared derivatives do under He's weights: a pass adds
up, over all routes through the joins, where a walk ends that takes one tap at each operator. Counted as
paths, each tap counts 1 as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cnnscope.analyzer.fields.boxes import known_lengths
from cnnscope.analyzer.fields.effective_mass import Mass
from cnnscope.analyzer.fields.effective_reads import mass_behind
from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.operators.reading import Nothing, straight
from cnnscope.analyzer.operators.tapping import Mixture, OutputTaps
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads, ReadLookup
from cnnscope.analyzer.passes.taps import find_taps

#: taps that sum to 1, or each tap as 1
Counting = Literal["uniform", "paths"]
COUNTINGS: tuple[Counting, ...] = ("uniform", "paths")
#: how much hangs on each element, by tensor
Held = dict[str, Mass]


_ALIKE: Mixture = ((1.0, None),)


class NotToldError(ValueError):
    """How a unit's dependence spreads can't be told, because of a layer on the way."""


class MassLookup:
    """On what single units of a graph's tensors hang; what nodes read is found once.

    Args:
        graph, shapes: the main graph.
        reads: by node index, what has been found already of what its nodes read; more is added.
    """

    def __init__(self, graph: Graph, shapes: Shapes, reads: dict[int, NodeReads]) -> None:
        self.graph, self.shapes, self.reads = graph, shapes, ReadLookup(shapes, reads)
        self._weighed: dict[int, dict[int, OutputTaps]] = {}
        self._last: tuple[object, Held] | None = None

    def of(self, tensor: str, unit: Sequence[int | None], counting: Counting) -> Held:
        """By network input, how much of a unit of a tensor hangs on each element.

        Args:
            unit: an index per axis; None: all of the axis together.
            counting: how taps are counted.

        Raises:
            NotToldError: a layer on the way isn't followed.
            ValueError: a size on the way isn't known, or something is too large.
        """
        tensor = self._same_as(tensor)
        key = tensor, tuple(unit), counting
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        held = {tensor: Mass.of_unit(unit, known_lengths(self.shapes.tensors[tensor], tensor))}
        last = self.graph.producers.get(tensor)
        nodes = () if last is None else self.graph.nodes[: last.index + 1]
        self._through(nodes, self.shapes, held, counting == "uniform")
        found = {name: held[name] for name in self.graph.inputs if name in held}
        self._last = key, found
        return found

    def _same_as(self, tensor: str) -> str:
        """The first tensor that the units of another one hand on one by one, as behind a normalisation
        and an activation."""
        tensors = self.shapes.tensors
        while (node := self.graph.producers.get(tensor)) is not None:
            if node.bodies or node.index in self.shapes.functions or self.shapes.folded(node):
                break
            per_input = self.reads.of(node, self.shapes).outputs[node.outputs.index(tensor)]
            read = [
                (name, way)
                for name, way in zip(node.inputs, per_input, strict=True)
                if name and not isinstance(way, Nothing) and not tensors[name].constant
            ]
            shape = tensors[tensor].shape
            if len(read) != 1 or shape is None or tensors[read[0][0]].shape != shape:
                break
            if read[0][1] is not straight(len(shape)):
                break
            tensor = read[0][0]
        return tensor

    def _through(self, nodes: Sequence[Node], shapes: Shapes, held: Held, uniform: bool) -> None:
        for node in reversed(nodes):
            outputs = {name: held.pop(name) for name in node.outputs if name in held}
            if not outputs or shapes.folded(node):
                continue
            if node.index in shapes.functions:
                body, inner = shapes.functions[node.index]
                self._through(body.nodes, inner, outputs, uniform)
                for name in body.inputs:
                    if name in outputs:
                        _add(held, name, outputs[name])
                continue
            if node.bodies:
                if any(not shapes.tensors[name].constant for name in used_names(node)):
                    raise NotToldError(
                        f"layer {node.path!r} ({node.title}) has subgraphs: effective fields don't go"
                        " through them"
                    )
                continue
            self._node(node, shapes, outputs, held, uniform)

    def _node(self, node: Node, shapes: Shapes, outputs: Held, held: Held, uniform: bool) -> None:
        """What hangs on a node's outputs, handed on to its inputs."""
        found = self.reads.of(node, shapes)
        for output, per_input in zip(node.outputs, found.outputs, strict=True):
            if output not in outputs:
                continue
            after = known_lengths(shapes.tensors[output], output)
            taps = self._taps(node, shapes, per_input) if uniform else ()
            for place, (name, read) in enumerate(zip(node.inputs, per_input, strict=True)):
                if not name or isinstance(read, Nothing) or shapes.tensors[name].constant:
                    continue
                if read is None:
                    raise NotToldError(f"what layer {node.path!r} ({node.title}) reads isn't known")
                before = known_lengths(shapes.tensors[name], name)
                ways = taps[place] if place < len(taps) else None
                for share, weighted in ways or _ALIKE:
                    one = mass_behind(
                        outputs[output].times(share), read if weighted is None else weighted,
                        before, after, uniform,
                    )  # fmt: skip
                    if one is not None:
                        _add(held, name, one)

    def _taps(self, node: Node, shapes: Shapes, per_input: Sequence[KnownRead]) -> OutputTaps:
        """How much a node's output hangs on what it reads, found once."""
        known = self._weighed.setdefault(id(shapes), {})
        if node.index not in known:
            known[node.index] = find_taps(node, shapes, per_input)
        return known[node.index]


def _add(held: Held, name: str, more: Mass) -> None:
    there = held.get(name)
    held[name] = more if there is None else there.plus(more)
