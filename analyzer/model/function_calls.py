"""What is a node before it is read: of a function, with the call's attributes and names put in?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import onnx

from cnnscope.analyzer.model.expansion import Key
from cnnscope.analyzer.model.node_places import NodePlace
from cnnscope.analyzer.model.set_fields import (
    ATTRIBUTE,
    DOMAIN,
    INPUT,
    METADATA,
    NAME,
    OP_TYPE,
    OUTPUT,
    set_fields,
)


class Call(NamedTuple):
    """A node about to be read, its tensor names those of the graph that it ends up in.

    What protobuf spells out anew each time it is asked (names) is asked for once.

    Args:
        attributes: the proto's, each made an object once.
        notes: the entries of its metadata.
        place: where the file has it; None: nowhere.
    """

    proto: onnx.NodeProto
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opsets: Mapping[str, int]
    scope: str
    calls: tuple[Key, ...]
    name: str
    op: str
    domain: str
    attributes: Sequence[onnx.AttributeProto]
    notes: Sequence[onnx.StringStringEntryProto]
    place: NodePlace | None


def call_of(
    proto: onnx.NodeProto,
    opsets: Mapping[str, int],
    scope: str,
    calls: tuple[Key, ...],
    shared: dict[str, str],
    place: NodePlace,
) -> Call:
    """A node as its own graph has it.

    Args:
        shared: names of tensors and operators, so that each is one text however often it stands in the file.
    """
    fields, share = set_fields(proto), shared.setdefault
    op, domain = fields.get(OP_TYPE, ""), fields.get(DOMAIN, "")
    # A list of them all at once: one by one takes three times as long.
    inputs, outputs = fields.get(INPUT, ())[:], fields.get(OUTPUT, ())[:]
    return Call(
        proto, tuple(map(share, inputs, inputs)), tuple(map(share, outputs, outputs)), opsets, scope, calls,
        fields.get(NAME, ""), share(op, op), "" if domain == "ai.onnx" else share(domain, domain),
        tuple(fields.get(ATTRIBUTE, ())), fields.get(METADATA, ()), place,
    )  # fmt: skip


def with_arguments(
    proto: onnx.NodeProto, given: Mapping[str, onnx.AttributeProto]
) -> onnx.NodeProto:
    """A function's node with the call's attributes put where it refers to them."""
    if not any(a.ref_attr_name or a.HasField("g") or a.graphs for a in proto.attribute):
        return proto
    bound = onnx.NodeProto()
    bound.CopyFrom(proto)
    del bound.attribute[:]
    for a in proto.attribute:
        if a.ref_attr_name:
            if a.ref_attr_name in given:
                copy = bound.attribute.add()
                copy.CopyFrom(given[a.ref_attr_name])
                copy.name = a.name
            continue
        copy = bound.attribute.add()
        copy.CopyFrom(a)
        for graph in (copy.g, *copy.graphs) if copy.HasField("g") or copy.graphs else ():
            nodes = [with_arguments(inner, given) for inner in graph.node]
            del graph.node[:]
            graph.node.extend(nodes)
    return bound


def renamed_bodies(proto: onnx.NodeProto, rename: object) -> onnx.NodeProto:
    """A function's node whose subgraphs' tensors carry the caller's names."""
    if not any(a.HasField("g") or a.graphs for a in proto.attribute):
        return proto
    assert callable(rename)
    copy = onnx.NodeProto()
    copy.CopyFrom(proto)
    for a in copy.attribute:
        for graph in (a.g, *a.graphs) if a.HasField("g") or a.graphs else ():
            _rename_all(graph, rename)
    return copy


def _rename_all(graph: onnx.GraphProto, rename: object) -> None:
    """Rename what a subgraph captures, and its own tensors with it.

    Its own because the caller may use their names too: what it captures would then become its own.
    """
    assert callable(rename)
    for values in (graph.input, graph.output, graph.value_info):
        for value in values:
            value.name = rename(value.name)
    for tensor in graph.initializer:
        tensor.name = rename(tensor.name)
    for sparse in graph.sparse_initializer:
        sparse.values.name = rename(sparse.values.name)
    for node in graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = rename(name)
        for a in node.attribute:
            for inner in (a.g, *a.graphs) if a.HasField("g") or a.graphs else ():
                _rename_all(inner, rename)
