"""What is a network's run, as steps that take memory, at once and with its first stage patch by patch?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from cnnscope.analyzer.layers.channels import data_input
from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import Along, Flat
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.memory import find_liveness
from cnnscope.analyzer.passes.reads import NodeReads, reads_of
from cnnscope.analyzer.sizes.patch_program import Piece
from cnnscope.analyzer.sizes.sharing import CONVENTIONS, Convention, Manner, Step, alive_bytes
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.plain_class import dataclass

_MANNERS: Final[Mapping[str, Manner]] = {
    "activation": "activation", "identity": "activation", "dropout": "activation",
    "elementwise arithmetic": "arithmetic", "logic": "arithmetic", "conversion": "arithmetic",
    "normalization": "scaled", "quantization": "scaled",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Footprint:
    """A network's tensors as memory.

    Args:
        graph, shapes: the network.
        reads: by node index, what nodes read; more is added.
        bytes_of: of each activation whose size is known, its bytes and how many elements it has.
    """

    graph: Graph
    shapes: Shapes
    reads: dict[int, NodeReads]
    bytes_of: Mapping[str, tuple[int, int]]
    _manners: dict[int, Manner] = field(default_factory=dict)

    def step(self, node: Node) -> Step:
        """A node as a step."""
        reads = tuple(dict.fromkeys(n for n in used_names(node) if n in self.bytes_of))
        gives = tuple(name for name in node.outputs if name in self.bytes_of)
        inside = 0
        for attribute, body in node.bodies.items():
            known = self.shapes.bodies.get((node.index, attribute))
            if known is not None:
                inside = max(inside, find_liveness(body, known, inputs_too=False).peak)
        return Step(reads, gives, self.manner(node), inside)

    def piece(self, piece: Piece) -> Step:
        """A step of a stage that is run patch by patch, as a step that takes memory."""
        gives = tuple(name for name in piece.gives if name)
        manner: Manner = "cut" if piece.does == "cut" else "assembled"
        reads = piece.reads
        if piece.node is not None:
            manner = self.manner(piece.node)
            reads = tuple(
                own
                for own, name in zip(piece.reads, piece.node.inputs, strict=True)
                if name in self.bytes_of
            )
        return Step(tuple(dict.fromkeys(reads)), gives, manner)

    def manner(self, node: Node) -> Manner:
        """What a node does with the memory of what it reads."""
        known = self._manners.get(node.index)
        if known is None:
            known = self._manners[node.index] = self._manner(node)
        return known

    def _manner(self, node: Node) -> Manner:
        operator = lookup(node.domain, node.op, node.version)
        found = reads_of(node, self.shapes, self.reads)
        if operator is None or node.bodies or not found.outputs:
            return "other"
        inputs = self.shapes.inputs(node)
        read = found.outputs[0][data_input(inputs)] if inputs else None
        if isinstance(read, Flat) or operator.kind == "activation":
            return "activation"
        if not isinstance(read, tuple):
            return "other"
        ways = [way if isinstance(way, Along) else None for way in read]
        if operator.kind == "convolution":
            return "depthwise" if len(ways) > 2 and ways[1] is not None else "other"
        if all(way is not None and way.window.is_identity for way in ways):
            return _MANNERS.get(operator.kind, "other")
        return "other"

    def sizes(self, pieces: Iterable[Piece]) -> dict[str, tuple[int, int]]:
        """Of what pieces give, the bytes and how many elements it has."""
        found = {}
        for piece in pieces:
            count = math.prod(piece.shape)
            for name, whole in zip(piece.gives, piece.stands_for, strict=True):
                if name and whole in self.bytes_of:
                    nbytes, elements = self.bytes_of[whole]
                    found[name] = -(-nbytes * count // max(elements, 1)), count
        return found

    def alive(
        self, steps: Sequence[Step], sizes: Mapping[str, tuple[int, int]], convention: Convention
    ) -> list[int]:
        """The bytes alive while each step runs.

        Args:
            sizes: of tensors that the network hasn't, their bytes and how many elements they have.
        """
        each = convention.element_bytes
        told = {
            name: nbytes if each is None else elements * each
            for name, (nbytes, elements) in {**self.bytes_of, **sizes}.items()
        }
        inputs = [name for name in self.graph.inputs if name in self.bytes_of]
        return alive_bytes(steps, told, inputs, self.graph.outputs, convention)

    def peaks(self, steps: Sequence[Step], sizes: Mapping[str, tuple[int, int]]) -> dict[str, int]:
        """The peak by each convention."""
        return {c.name: max(self.alive(steps, sizes, c), default=0) for c in CONVENTIONS}


def footprint_of(graph: Graph, shapes: Shapes, reads: dict[int, NodeReads]) -> Footprint | None:
    """A network's tensors as memory; None where some size isn't known."""
    bytes_of = {}
    for name in _activations(graph, shapes):
        x = shapes.tensors[name]
        try:
            nbytes, elements = x.nbytes, x.size
        except Undetermined:
            return None
        if not isinstance(nbytes, int) or not isinstance(elements, int):
            return None
        bytes_of[name] = nbytes, elements
    return Footprint(graph, shapes, reads, bytes_of)


def _activations(graph: Graph, shapes: Shapes) -> Iterable[str]:
    for name in graph.inputs:
        if not shapes.tensors[name].constant:
            yield name
    for node in graph.nodes:
        if not shapes.folded(node):
            yield from (name for name in node.outputs if name and not shapes.tensors[name].constant)
