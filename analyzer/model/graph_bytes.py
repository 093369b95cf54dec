"""Which bytes are a model's graph, whatever file it is in and whatever its weights are?

The parsed message, written anew in the order of its fields, without what no analysis reads:

- descriptions, notes (but an exporter's names of modules), training, where payloads lie;
- the numbers of tensors of which none are kept (`tensors.keeps_numbers`): who asks for them after all is
  told by `file.asked_numbers`;
- the numbers of small weights: floats that are given only to nodes whose rules ask for none of them. Whether
  something is worked out of these beforehand all the same, the analysis tells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final, NamedTuple

import onnx

from cnnscope.analyzer.model.expansion import function_key
from cnnscope.analyzer.model.exporter_notes import SCOPES
from cnnscope.analyzer.model.tensors import is_float, is_whole, keeps_numbers

_A: Final = onnx.AttributeProto
_GRAPHS: Final = frozenset({_A.GRAPH, _A.GRAPHS, _A.UNDEFINED})
_HOLDING: Final = _GRAPHS | {_A.TENSOR, _A.TENSORS, _A.SPARSE_TENSOR, _A.SPARSE_TENSORS}
_NOT_READ: Final = ("doc_string", "training_info", "model_version", "domain")

#: of a domain and an operator's name: do its rules ask for no floats that it is given?
ByShape = Callable[[str, str], bool]


class GraphBytes(NamedTuple):
    """A model's graph as bytes.

    Args:
        written: these.
        weights: the small weights, by name, whose numbers aren't in them.
    """

    written: bytes
    weights: frozenset[str]


def graph_bytes(
    source: onnx.ModelProto, by_shape: ByShape, notes: Collection[str] = ()
) -> GraphBytes:
    """The bytes of the graph of a model that was read without its payloads.

    Args:
        source: the model; it stays as it is.
        by_shape: whose floats don't matter.
        notes: the model's own properties that do, by key.
    """
    model = onnx.ModelProto()
    model.CopyFrom(source)
    for name in _NOT_READ:
        model.ClearField(name)
    _keep_notes(model, notes)
    bodies = _strip_nodes(model.graph.node)
    weights = _small_weights(model, by_shape, bodies)
    _strip_tensors(model.graph, weights)
    for function in model.functions:
        function.ClearField("doc_string")
        function.ClearField("metadata_props")
        _strip_values(function.value_info)
        _strip_nodes(function.node)
        for attribute in function.attribute_proto:
            _strip_attribute(attribute, alone=False)
    return GraphBytes(model.SerializeToString(deterministic=True), weights)


def _keep_notes(proto: onnx.ModelProto | onnx.NodeProto, keys: Collection[str]) -> None:
    kept = [x.SerializeToString() for x in proto.metadata_props if x.key in keys]
    proto.ClearField("metadata_props")
    for entry in kept:
        proto.metadata_props.add().ParseFromString(entry)


def _strip_graph(graph: onnx.GraphProto) -> None:
    _strip_nodes(graph.node)
    _strip_tensors(graph)


def _strip_tensors(graph: onnx.GraphProto, weights: Collection[str] = ()) -> None:
    """What a graph says of itself and of its tensors."""
    graph.ClearField("doc_string")
    graph.ClearField("metadata_props")
    for tensor in graph.initializer:
        small = tensor.name in weights and is_float(tensor) and is_whole(tensor)
        _strip_tensor(tensor, small or not keeps_numbers(tensor))
    for sparse in graph.sparse_initializer:
        _strip_sparse(sparse)
    for values in (graph.input, graph.output, graph.value_info):
        _strip_values(values)


def _strip_values(values: Iterable[onnx.ValueInfoProto]) -> None:
    for value in values:
        value.ClearField("doc_string")
        value.ClearField("metadata_props")


def _strip_nodes(nodes: Iterable[onnx.NodeProto]) -> list[onnx.AttributeProto]:
    """What is said of nodes; those of their attributes that hold graphs."""
    bodies = []
    for node in nodes:
        node.ClearField("doc_string")
        if node.metadata_props:
            _keep_notes(node, (SCOPES,))
        for attribute in node.attribute:
            attribute.ClearField("doc_string")
            if attribute.type in _HOLDING:
                # A node that is given something may be looked at as a whole by onnx.
                _strip_attribute(attribute, alone=not any(node.input))
                if attribute.type in _GRAPHS:
                    bodies.append(attribute)
    return bodies


def _strip_attribute(attribute: onnx.AttributeProto, alone: bool) -> None:
    attribute.ClearField("doc_string")
    if attribute.type == _A.TENSOR:  # that of most constants
        _strip_tensor(attribute.t, alone and not keeps_numbers(attribute.t))
        return
    if attribute.HasField("t"):  # of one whose type isn't said
        _strip_tensor(attribute.t, False)
    if attribute.HasField("g"):
        _strip_graph(attribute.g)
    if attribute.HasField("sparse_tensor"):
        _strip_sparse(attribute.sparse_tensor)
    for tensor in attribute.tensors:
        _strip_tensor(tensor, False)
    for sparse in attribute.sparse_tensors:
        _strip_sparse(sparse)
    for graph in attribute.graphs:
        _strip_graph(graph)


def _strip_sparse(sparse: onnx.SparseTensorProto) -> None:
    for tensor in (sparse.values, sparse.indices):
        _strip_tensor(tensor, False)


def _strip_tensor(tensor: onnx.TensorProto, numbers: bool) -> None:
    """Leave out where the payload lies, and its numbers, too, if they don't count."""
    if numbers and type(tensor.name) is str:  # bytes, where it is no text
        name, dtype, lengths = tensor.name, tensor.data_type, list(tensor.dims)
        tensor.Clear()
        tensor.name, tensor.data_type = name, dtype
        tensor.dims.extend(lengths)
        return
    tensor.ClearField("doc_string")
    tensor.ClearField("metadata_props")
    tensor.ClearField("external_data")


def _small_weights(
    model: onnx.ModelProto, by_shape: ByShape, bodies: Iterable[onnx.AttributeProto]
) -> frozenset[str]:
    """The main graph's stored floats that are few, whole, and given to nothing that asks for them."""
    graph = model.graph
    found = {x.name for x in graph.initializer if is_float(x) and keeps_numbers(x) and is_whole(x)}
    if not found:
        return frozenset()
    stored = {"", *(x.name for x in graph.initializer)}
    functions = {("" if x.domain == "ai.onnx" else x.domain, x.name) for x in model.functions}
    told: dict[tuple[str, str], bool] = {}
    for node in graph.node:
        key = node.domain, node.op_type
        if key not in told:
            domain, op, _ = function_key(node)
            named = type(domain) is str and type(op) is str  # bytes, where it is no text
            told[key] = named and (domain, op) not in functions and by_shape(domain, op)
        # Where all is stored, all is worked out beforehand.
        if not told[key] or stored.issuperset(node.input):
            found.difference_update(node.input)
    for attribute in bodies:
        found.difference_update(_names_in(attribute))
    return frozenset(found.difference(x.name for x in graph.output))


def _names_in(attribute: onnx.AttributeProto) -> Iterator[str]:
    """The names of all tensors that subgraphs read."""
    waiting = [attribute.g, *attribute.graphs]
    while waiting:
        graph = waiting.pop()
        yield from (x.name for x in graph.output)
        for node in graph.node:
            yield from node.input
            for inner in node.attribute:
                if inner.type in _GRAPHS:
                    waiting += [inner.g, *inner.graphs]
