"""What is a graph: its nodes, the tensors it stores, who gives a tensor and who reads it?

A `Graph` is a value that no pass writes into; `graph_reading` makes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

import onnx

from cnnscope.analyzer.model.exporter_notes import CLASSES, SCOPES, noted_list
from cnnscope.analyzer.model.node_places import NodePlace
from cnnscope.analyzer.model.set_fields import METADATA, set_fields
from cnnscope.analyzer.values.node_name import shown_name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor stored in the model: a weight, or a constant of another role.

    Args:
        name: the tensor's name.
        tensor: its shape, dtype, and value where small.
        elements: how many numbers are stored (of a sparse tensor, the non-zero ones).
        nbytes: what they take, 4-bit types packed; a sparse tensor's indices included; None for
            strings whose bytes were not read.
        node: the name of the Constant node that holds it, or None for an initializer.
        proto: what it was read from.
    """

    name: str
    tensor: Tensor
    elements: int
    nbytes: int | None
    node: str | None = None
    proto: onnx.TensorProto | None = field(default=None, compare=False, repr=False)


_NO_BODIES: Mapping[str, Graph] = {}  # that of most nodes; a view of it could not be pickled


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator call.

    Args:
        index: position in running order within its graph.
        name: unique within the model; ONNX's where it has one.
        op, domain, version: which operator, by the opset of its domain in force there.
        inputs: tensor names, ``""`` where omitted.
        outputs: tensor names, ``""`` where omitted.
        attributes: plain Python: numbers, strings, tuples, `Tensor`, `Graph`.
        scope: path of the function calls or modules that it belongs to, ``/``-separated.
        proto: what it was read from, references to a function's attributes resolved.
        given_name: its name in the file.
        place: where it is written there; None for one that nobody wrote.
        bodies: the subgraphs among the attributes, by attribute name.
    """

    index: int
    name: str
    op: str
    domain: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, object]
    scope: str
    proto: onnx.NodeProto
    given_name: str = ""
    place: NodePlace | None = None
    bodies: Mapping[str, Graph] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Every pass asks each node for its subgraphs, and hardly any node has one.
        bodies = _NO_BODIES
        for value in self.attributes.values():
            if isinstance(value, Graph):
                bodies = {k: v for k, v in self.attributes.items() if isinstance(v, Graph)}
                break
        object.__setattr__(self, "bodies", bodies)

    @property
    def path(self) -> str:
        """What people know it by: its name, or its module's path where the name is a machine's."""
        return shown_name(self.name)

    @property
    def title(self) -> str:
        """The operator as people write it: ``Conv``, ``com.microsoft::QGemm``."""
        return f"{self.domain}::{self.op}" if self.domain else self.op

    @property
    def modules(self) -> dict[str, str]:
        """The classes of the modules it belongs to, by their path, where the exporter noted them."""
        notes = set_fields(self.proto).get(METADATA, ())
        scopes, classes = noted_list(notes, SCOPES), noted_list(notes, CLASSES)
        if len(scopes) != len(classes):
            return {}
        pairs = zip(scopes[:-1], classes[:-1], strict=True)
        return {scope.replace(".", "/"): title for scope, title in pairs}


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph of operators, in running order.

    Args:
        inputs: name to the declared `Tensor`, without those that have an initializer.
        outputs: tensor names.
        stored: the initializers, by tensor name.
        nodes: in an order in which they can run.
        declared: what the file says of tensors in between (`value_info`) and outputs.
        opsets: operator domain to version.
    """

    name: str
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]
    stored: Mapping[str, Stored]
    nodes: tuple[Node, ...]
    declared: Mapping[str, Tensor]
    opsets: Mapping[str, int]

    @cached_property
    def producers(self) -> dict[str, Node]:
        """The node that gives each tensor."""
        return {name: node for node in self.nodes for name in node.outputs if name}

    @cached_property
    def captured(self) -> tuple[str, ...]:
        """`captures`, found once: every pass asks each graph around a subgraph."""
        own = {*self.inputs, *self.stored, *self.producers}
        wanted: dict[str, None] = {}
        for node in self.nodes:
            for name in used_names(node):
                if name not in own:
                    wanted[name] = None
        for name in self.outputs:
            if name and name not in own:
                wanted[name] = None
        return tuple(wanted)

    @cached_property
    def dag(self) -> networkx.DiGraph[int]:
        """Nodes are operators by index, edges are tensors (attribute `tensors`: their names)."""
        import networkx

        dag: networkx.DiGraph[int] = networkx.DiGraph()
        for node in self.nodes:
            dag.add_node(node.index, node=node)
        for node in self.nodes:
            for name in used_names(node):
                producer = self.producers.get(name)
                if producer is None:
                    continue
                if dag.has_edge(producer.index, node.index):
                    dag.edges[producer.index, node.index]["tensors"].append(name)
                else:
                    dag.add_edge(producer.index, node.index, tensors=[name])
        return dag


def used_names(node: Node) -> list[str]:
    """The tensors a node reads: its inputs, and what its subgraphs capture from outside."""
    names = [name for name in node.inputs if name]
    if not node.bodies:
        return names
    for body in node.bodies.values():
        names.extend(captures(body))
    return names


def nodes_behind(graph: Graph, names: Iterable[str]) -> list[Node]:
    """The nodes that tensors come from, be it only by their shapes, in running order."""
    wanted, found = set(names), []
    for node in reversed(graph.nodes):
        if not wanted.isdisjoint(node.outputs):
            found.append(node)
            wanted.update(used_names(node))
    return found[::-1]


def captures(graph: Graph) -> list[str]:
    """Names that a subgraph reads from the graphs around it, in order, each once."""
    return list(graph.captured)


def quoted(name: str) -> str:
    """A name fit for one line of text, quoted and shortened: names are hostile text."""
    name = shown_name(name)
    shown = repr(name if len(name) <= 120 else name[:117] + "...")
    return shown
