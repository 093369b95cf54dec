"""What of a model is compared with another: the layers of its main graph, and of each subgraph?"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property

import numpy as np

from cnnscope.analyzer.difference.constants import Constant, Level
from cnnscope.analyzer.difference.fingerprints import NOT_ASKED, Fingerprint, digest_of
from cnnscope.analyzer.difference.settings import Node as Settings
from cnnscope.analyzer.difference.settings import settings_of
from cnnscope.analyzer.model.graph import Node, captures
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.passes.reads import find_reads
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Shape, Tensor


@dataclass(frozen=True, eq=False)
class Stage:
    """The layers of one graph.

    Args:
        layers: in running order.
        inputs, outputs: tensors that come in and go out; of a subgraph, what it captures comes in
            behind its own inputs.
        opsets: domain to version.
        level: what the graph's constants hold; None where the model isn't at hand.
        path: of a subgraph, the names of the layers that it is in, each with the attribute.
    """

    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opsets: Mapping[str, int]
    level: Level | None
    path: tuple[str, ...] = ()

    @cached_property
    def used(self) -> frozenset[str]:
        """The tensors that a layer reads, or that go out."""
        found = set(self.outputs)
        waiting = list(self.layers)
        while waiting:
            layer = waiting.pop()
            found.update(layer.inputs)
            waiting += [inner for body in layer.bodies.values() for inner in body]
        graphs = [] if self.level is None else list(self.level.graph.nodes)
        for node in graphs:
            for body in node.bodies.values():
                found.update(captures(body))
        return frozenset(found)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where among the inputs each one is."""
        return {name: k for k, name in enumerate(self.inputs)}

    def given(self, i: int) -> Sequence[int]:
        """Which of a layer's outputs are no mere leftovers: the first, and what is read."""
        outputs = self.layers[i].outputs
        if len(outputs) < 2:
            return range(len(outputs))
        return [k for k, value in enumerate(outputs) if k == 0 or value.name in self.used]

    def node(self, i: int) -> Node | None:
        """The node that a layer is."""
        return None if self.level is None else self.level.nodes[i]

    def alike(self, i: int) -> int | None:
        """The number of the class of layers alike that a layer belongs to (`operators.likeness`): what hangs
        on nothing but operator, attributes and tensors' facts is the same for all of them. None: like
        no other."""
        node = self.node(i)
        return (
            None if node is None or self.level is None else self.level.shapes.alike.get(node.index)
        )

    @cached_property
    def looked_along(self) -> frozenset[tuple[int, int]]:
        """The axes of inputs, by these' places, that fields are said along."""
        return frozenset(
            (self.places.get(field.input, -1), field.axis)
            for layer in self.layers
            for field in layer.receptive_field
        )

    @cached_property
    def _settings(self) -> dict[int, Settings]:
        return {}

    @cached_property
    def _shared_settings(self) -> dict[Hashable, Settings]:
        return {}

    def settings(self, i: int) -> Settings:
        """What a layer is set to; of layers alike that read the same constants it is one value."""
        known = self._settings.get(i)
        if known is None:
            layer, node, number = self.layers[i], self.node(i), self.alike(i)
            attributes = self._attributes(layer, node)
            key: Hashable = None
            if number is not None and attributes is layer.attributes:  # no tensors among them
                key = number, *[self.constant(name) for name in layer.inputs if name]
                known = self._shared_settings.get(key)
            if known is None:
                domain = layer.op.rpartition("::")[0]
                version = self.opsets.get(domain, 1) if node is None else node.version
                known = settings_of(
                    layer.op, version, layer.inputs,
                    [None if value is None else value.tensor for value in layer.operands],
                    [value.tensor for value in layer.outputs], attributes, self.constant,
                )  # fmt: skip
                if key is not None:
                    self._shared_settings[key] = known
            self._settings[i] = known
        return known

    def free_shapes(self, i: int) -> list[Shape | None] | None:
        """The shapes of what a layer gives where all that the file declares free stays free; None
        where nothing was given a length."""
        known = None if self.level is None else self.level.declared
        if known is None:
            return None
        return [known.tensors[value.name].shape for value in self.layers[i].outputs]

    def free_value(self, held: Constant) -> np.ndarray | None:
        """What a constant holds where all that the file declares free stays free, as integers and
        formulas; None where that isn't known, or nothing was given a length."""
        value = held.tensor.value
        if value is None or value.dtype.kind not in "iuO":
            return None
        if held.stored is not None:
            return value
        known = None if self.level is None else self.level.declared
        found = None if known is None else known.tensors.get(held.name)
        return None if found is None else found.value

    def slot(self, i: int, k: int) -> str:
        """The name of a layer's operand at a place."""
        return self.settings(i).signature.operand(k)

    def _attributes(self, layer: Layer, node: Node | None) -> Mapping[str, object]:
        """Its attributes, what tensors among them hold included, however large."""
        if self.level is None or node is None:
            return layer.attributes
        if not any(map(_holds_tensors, layer.attributes.values())):
            return layer.attributes
        found = dict(layer.attributes)
        for attribute in node.proto.attribute:
            if attribute.HasField("t"):
                found[attribute.name] = TensorAttribute(
                    self.level.digests.of(attribute.t).text, layer.attributes.get(attribute.name)
                )
            elif attribute.HasField("sparse_tensor"):
                found[attribute.name] = TensorAttribute(
                    self.level.digests.of(attribute.sparse_tensor).text,
                    layer.attributes.get(attribute.name),
                )
            elif attribute.tensors:
                digests = [str(self.level.digests.of(t).text) for t in attribute.tensors]
                found[attribute.name] = TensorAttribute(
                    " ".join(digests), layer.attributes.get(attribute.name)
                )
        return found

    def constant(self, name: str) -> Constant | None:
        """The constant of that name; None where the tensor hangs on the inputs."""
        return self._held.get(name) if self.level is None else self.level.constant(name)

    @cached_property
    def _held(self) -> dict[str, Constant]:
        """Without the model: what its layers say of their constant operands."""
        found = {}
        for layer in self.layers:
            for value in layer.operands:
                if value is not None and value.tensor.constant:
                    held = value.tensor.value
                    known = held is not None and held.dtype != object
                    digest = (
                        digest_of(value.dtype, held) if held is not None and known else NOT_ASKED
                    )
                    # Of numbers that aren't at hand nobody can tell whether they are other ones.
                    lost = digest is NOT_ASKED
                    found[value.name] = Constant(value.name, value.tensor, digest, lost, None)
        return found

    @cached_property
    def _weights(self) -> dict[int, list[Fingerprint]]:
        return {}

    def weights(self, i: int) -> list[Fingerprint]:
        """The learned numbers and statistics stored for a layer itself."""
        if self.level is None:
            return []
        if i not in self._weights:
            prints = self.level.prints(self.level.nodes[i])
            self._weights[i] = [p for p in prints if p.role != "constant"]
        return self._weights[i]

    def axes_by_use(self, i: int, name: str) -> tuple[int, ...] | None:
        """An operand's axes, those along which results lie before those that are summed over."""
        node = self.node(i)
        if node is None or self.level is None or name not in node.inputs:
            return None
        reads = find_reads(node, self.level.shapes).outputs
        axes = reads[0][node.inputs.index(name)] if reads else None
        if not isinstance(axes, tuple):
            return None
        return tuple(sorted(range(len(axes)), key=lambda k: not isinstance(axes[k], Along)))

    def body(self, i: int, attribute: str) -> Stage | None:
        """The layers of one of a layer's subgraphs."""
        layer, node = self.layers[i], self.node(i)
        if self.level is None or node is None or attribute not in layer.bodies:
            return None
        level = self.level.body(node, attribute)
        if level is None:
            return None
        graph = level.graph
        taken = [name for name in captures(graph) if level.constant(name) is None]
        return Stage(
            layer.bodies[attribute], (*graph.inputs, *taken), graph.outputs, self.opsets, level,
            (*self.path, layer.name, attribute),
        )  # fmt: skip

    def formal(self, i: int, attribute: str) -> int:
        """How many inputs of its own a subgraph has."""
        node = self.node(i)
        return 0 if node is None else len(node.bodies[attribute].inputs)


def _holds_tensors(attribute: object) -> bool:
    return isinstance(attribute, Tensor) or (
        isinstance(attribute, tuple) and bool(attribute) and isinstance(attribute[0], Tensor)
    )


@dataclass(frozen=True, slots=True)
class TensorAttribute:
    """An attribute that holds a tensor: what identifies its numbers, and its facts."""

    digest: str | None
    tensor: object


@dataclass(frozen=True, eq=False)
class Side:
    """A model as far as its differences are concerned: its report, its main graph, and whether the
    numbers stored as weights were to be read."""

    report: Report
    main: Stage
    read: bool = True


def side_of(report: Report, level: Level | None, *, read: bool) -> Side:
    """A report together with what is stored in its model, where the model is at hand."""
    return Side(
        report,
        Stage(
            tuple(report.layers), tuple(x.name for x in report.inputs),
            tuple(x.name for x in report.outputs), report.model.opsets, level,
        ),
        read,
    )  # fmt: skip
