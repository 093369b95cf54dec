"""What does a tensor hold that doesn't hang on the model's inputs?

It is stored, in a graph or in a node that takes nothing in; or nodes compute it from what is stored.
Numbers that are at hand identify it, and digests of what is stored; of computed ones, in the end, the
numbers that onnx's reference gives for them: a cast or a transposition written into the graph is then
the same as its result stored. How and where it is stored and what it is called make no difference.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import onnx

from cnnscope.analyzer.difference.fingerprints import (
    NOT_ASKED,
    Digest,
    Digests,
    Fingerprint,
    StoredNumbers,
    digest_of,
    facts_of,
    in_node,
    initializers,
)
from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.folding import reference_result
from cnnscope.analyzer.passes.shapes import infer_shapes
from cnnscope.analyzer.passes.weights import Path, Weights
from cnnscope.analyzer.values.diagnostics import CnnscopeError, ModelFileError
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: the most numbers that computing a constant may go through
_COMPUTED = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A tensor that doesn't hang on the inputs.

    Args:
        name: the tensor's.
        tensor: its facts, its value where that is small.
        digest: what identifies its numbers; of a computed one, what it is computed from.
        learned: it is, or comes from, weights or statistics.
        stored: what holds it; None where nodes compute it.
    """

    name: str
    tensor: Tensor
    digest: Digest
    learned: bool
    stored: StoredNumbers | None
    _level: Level | None = None

    @property
    def empty(self) -> bool:
        """It holds nothing: as good as left out."""
        return self.tensor.shape is not None and 0 in self.tensor.shape

    @property
    def making(self) -> tuple[Node, Shapes, Callable[[str], Constant | None]] | None:
        """The node that computes it, with what is known of the tensors and constants there."""
        level = self._level
        if level is None or self.stored is not None or self.name not in level.graph.producers:
            return None
        return level.graph.producers[self.name], level.shapes, level.constant

    @property
    def elements(self) -> int:
        """How many numbers; 0 where that isn't known."""
        shape = self.tensor.shape
        known = [d for d in shape or () if isinstance(d, int)]
        return math.prod(known) if shape is not None and len(known) == len(shape) else 0

    def numbers(self) -> np.ndarray | None:
        """Them all, read or computed; None where that can't be."""
        value = self.tensor.value
        if value is not None:
            return value
        if self._level is None or self.digest.text is None:
            return None
        try:
            return self._level.computed(self.name, [_COMPUTED])
        except (ModelFileError, MemoryError, ValueError):
            return None


class Level:
    """One graph of a model: the main one, or a subgraph within what is around it.

    Args:
        graph, shapes: it, and what is known of its tensors.
        protos: what it stores, by name.
        digests: of the model's file.
        weights: the model's.
        read: whether to read learned numbers; others are always read.
        outer, path: the level around it, and where in the model it is, as paths of layers are.
    """

    def __init__(
        self, graph: Graph, shapes: Shapes, protos: Mapping[str, StoredNumbers], digests: Digests,
        weights: Weights, *, read: bool, outer: Level | None = None, path: Path = (),
    ) -> None:  # fmt: skip
        self.graph, self.shapes, self.protos, self.digests = graph, shapes, protos, digests
        self.weights, self.read, self.outer, self.path = weights, read, outer, path
        self.nodes = tuple([node for node in graph.nodes if not shapes.folded(node)])
        self.learned: frozenset[str] = (
            outer.learned if outer is not None
            else frozenset(w.name for w in weights.used if w.role != "constant")
        )  # fmt: skip
        self._known: dict[str, Constant | None] = {}

    @cached_property
    def declared(self) -> Shapes | None:
        """What is known of the tensors where all that the file declares free stays free; None where
        nothing was given a length, or in a subgraph."""
        if self.outer is not None:
            return None
        known = self.shapes.tensors
        for name, tensor in self.graph.inputs.items():
            bound = known[name].shape
            if tensor.shape != bound and tensor.shape is not None and bound is not None:
                break
        else:
            return None
        # Lengths without a name are each their own.
        free = {
            name: tensor.of(tuple([
                FreeDim.named(f"{name}:{axis}") if str(dim) == "?" else dim
                for axis, dim in enumerate(tensor.shape)
            ])) if tensor.shape is not None and tensor.kind == "tensor" else tensor
            for name, tensor in self.graph.inputs.items()
        }  # fmt: skip
        try:
            return infer_shapes(self.graph, free)
        except CnnscopeError:  # at some lengths there is no such model
            return None

    def body(self, node: Node, attribute: str) -> Level | None:
        """The level of one of a node's subgraphs."""
        graph, shapes = node.bodies.get(attribute), self.shapes.bodies.get((node.index, attribute))
        if graph is None or shapes is None:
            return None
        proto = next((a.g for a in node.proto.attribute if a.name == attribute), None)
        protos = {} if proto is None else dict(initializers(proto))
        return Level(
            graph, shapes, protos, self.digests, self.weights, read=self.read, outer=self,
            path=(*self.path, node.index, attribute),
        )  # fmt: skip

    def prints(self, node: Node) -> tuple[Fingerprint, ...]:
        """What is stored for a node itself, in order of use."""
        found = []
        for weight in self.weights.by_layer.get((*self.path, node.index), ()):
            stored = self.holder(weight.name)
            digest = self._digest(stored, weight.role != "constant")
            dtype, shape = (None, ()) if stored is None else facts_of(stored)
            found.append(
                Fingerprint(
                    weight.name, weight.role, weight.elements, dtype, shape, digest.text,
                    digest.reason, digest.zeros,
                )
            )  # fmt: skip
        return tuple(dict.fromkeys(found))

    def holder(self, name: str) -> StoredNumbers | None:
        """What holds a stored tensor, here or around."""
        at: Level | None = self
        while at is not None:
            if name in at.protos:
                return at.protos[name]
            producer = at.graph.producers.get(name)
            if producer is not None:
                return in_node(producer.proto)
            at = at.outer
        return None

    def constant(self, name: str) -> Constant | None:
        """The constant of that name, here or around; None where the tensor hangs on the inputs."""
        if name not in self._known:
            self._known[name] = None
            self._known[name] = self._found(name)
        return self._known[name]

    def _found(self, name: str) -> Constant | None:
        graph = self.graph
        if name in graph.inputs:
            return None
        producer = graph.producers.get(name)
        if producer is None and name not in graph.stored:
            return None if self.outer is None else self.outer.constant(name)
        if producer is not None and not self.shapes.folded(producer):
            return None
        tensor = self.shapes.tensors.get(name)
        if tensor is None:
            tensor = graph.stored[name].tensor if name in graph.stored else Tensor()
        if producer is None:
            stored = self.protos.get(name)
        else:
            stored = in_node(producer.proto)
        if stored is not None:
            learned = name in self.learned
            return Constant(name, tensor, self._digest(stored, learned), learned, stored, self)
        if producer is None:
            return Constant(name, tensor, Digest(None, "it isn't in the file"), False, None, self)
        return self._made(name, tensor, producer)

    def _digest(self, stored: StoredNumbers | None, learned: bool) -> Digest:
        if stored is None:
            return Digest(None, "it is computed, not stored")
        return self.digests.of(stored) if self.read or not learned else NOT_ASKED

    def _made(self, name: str, tensor: Tensor, node: Node) -> Constant:
        """A constant that a node computes, identified by how."""
        operands = [self.constant(each) if each else None for each in node.inputs]
        learned = any(x is not None and x.learned for x in operands)
        value = tensor.value
        if value is not None and value.dtype != object:
            found = digest_of(tensor.dtype, value)
            return Constant(name, tensor, found, learned, None, self)
        if value is not None:  # lengths, as formulas in free dimensions
            return Constant(name, tensor, _written_out(value), learned, None, self)
        digest = hashlib.blake2b(digest_size=16)
        digest.update(f"{node.domain} {node.op} {node.outputs.index(name)}".encode())
        for attribute in sorted(node.proto.attribute, key=lambda a: str(a.name)):
            if attribute.HasField("t"):
                digest.update(f"{attribute.name} {self.digests.of(attribute.t).text}".encode())
            else:
                digest.update(attribute.SerializeToString(deterministic=True))
        unknown = None
        for operand in operands:
            if operand is not None and operand.digest.text is None:
                unknown = operand.digest
            digest.update(f";{operand.digest.text if operand is not None else ''}".encode())
        return Constant(
            name, tensor, unknown or Digest(digest.hexdigest()), learned, None, self
        )  # fmt: skip

    def computed(self, name: str, left: list[int]) -> np.ndarray | None:
        """A constant's numbers, all that it comes from read and computed; None where that can't be.

        Args:
            left: how many more numbers may be gone through; what is used is taken off.
        """
        made: dict[str, np.ndarray] = {}
        waiting = [name]
        while waiting:
            name = waiting[-1]
            found = self.constant(name)
            if name in made or found is None:
                waiting.pop()
                if found is None:
                    return None
                continue
            if found._level is not self:
                array = found.numbers()
            elif found.stored is not None:
                array = _dense(found.stored, self.digests.file)
            elif found.tensor.value is not None:
                array = found.tensor.value
            else:
                node = self.graph.producers[name]
                needed = [each for each in node.inputs if each and each not in made]
                if needed:
                    if len(waiting) > len(self.graph.nodes):
                        return None
                    waiting += needed
                    continue
                left[0] -= found.elements + sum(made[x].size for x in node.inputs if x)
                if left[0] < 0 or node.bodies:
                    return None
                results = reference_result(node, [made.get(x) if x else None for x in node.inputs])
                place = node.outputs.index(name)
                array = results[place] if place < len(results) else None
            if array is None or array.dtype == object:
                return None
            made[waiting.pop()] = array
        return made[name]


def main_level(
    file: ModelFile, graph: Graph, shapes: Shapes, weights: Weights, *, read: bool
) -> Level:
    """The level of a model's main graph."""
    protos = dict(initializers(file.model.graph))
    return Level(graph, shapes, protos, Digests(file), weights, read=read)


def _dense(stored: StoredNumbers, file: ModelFile) -> np.ndarray | None:
    return None if isinstance(stored, onnx.SparseTensorProto) else file.read(stored)


def _written_out(value: np.ndarray) -> Digest:
    """The digest of known values; Python writes no integer of thousands of digits."""
    try:
        return Digest(str(value.tolist()))
    except ValueError:
        return Digest(None, "its values have thousands of digits")
