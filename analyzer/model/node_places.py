"""Where in its file is a node written?

In the main graph, in a function, or in a subgraph of a node there. Functions are put in place of their calls,
so that one node of the file may be several of the graph: each knows the call that put it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import onnx

from cnnscope.analyzer.model.expansion import function_key

#: what nodes are written in: nothing for the main graph, or a function's key; then, for each subgraph on the
#: way, the node's position, the attribute's name, and which of its graphs
Written: TypeAlias = tuple[str | int, ...]


class NodePlace(NamedTuple):
    """Where a node is written, and what put it into the graph.

    Args:
        within: the graph or function.
        at: its position among the nodes there.
        call: the place of the call, if it is a function's.
    """

    within: Written
    at: int
    call: NodePlace | None = None

    def body(self, attribute: str, number: int = 0) -> Written:
        """A subgraph of the node."""
        return (*self.within, self.at, attribute, number)


class WrittenNode(NamedTuple):
    """A node as its file has it, and where that is; of a call, the function."""

    place: NodePlace
    proto: onnx.NodeProto
    function: Written | None


def written_in(function: onnx.FunctionProto) -> Written:
    """What the nodes of a function are written in."""
    overload = function.overload if hasattr(function, "overload") else ""
    return ("" if function.domain == "ai.onnx" else function.domain, function.name, overload)


def written_nodes(model: onnx.ModelProto) -> Iterator[WrittenNode]:
    """Every node of the file, once: the main graph's, then the functions'; behind each, its subgraphs'.

    >>> import onnx.parser
    >>> head = '<ir_version: 8, opset_import: ["": 17]> g (float[1] x) => (float[1] y)'
    >>> model = onnx.parser.parse_model(head + '{ y = Relu(x) }')
    >>> [(x.place.within, x.place.at, x.proto.op_type) for x in written_nodes(model)]
    [((), 0, 'Relu')]
    """
    functions = {written_in(function) for function in model.functions}
    yield from _in_graph(model.graph, (), functions)
    for function in model.functions:
        yield from _in_graph(function, written_in(function), functions)


def _in_graph(
    graph: onnx.GraphProto | onnx.FunctionProto, within: Written, functions: set[Written]
) -> Iterator[WrittenNode]:
    for at, proto in enumerate(graph.node):
        place, key = NodePlace(within, at), function_key(proto)
        yield WrittenNode(place, proto, key if key in functions else None)
        for attribute in proto.attribute:
            for number, body in enumerate(graphs_of(attribute)):
                yield from _in_graph(body, place.body(attribute.name, number), functions)


def graphs_of(attribute: onnx.AttributeProto) -> tuple[onnx.GraphProto, ...]:
    """The subgraphs that an attribute holds: one, or a list of them."""
    return (attribute.g,) if attribute.HasField("g") else tuple(attribute.graphs)
