"""How is a model written with other nodes, its weights copied as they are?

The file is walked field by field (`cnnscope.analyzer.model.wire_format`): what isn't a node, or an input
with other lengths, is copied byte by byte, a megabyte at a time, whatever it is; so weights never are in
memory, data that lies in other files stays there, and what this version of ONNX doesn't know is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import onnx

from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.model.payload_places import field_key, varint_bytes
from cnnscope.analyzer.model.weight_places import external_locations
from cnnscope.analyzer.model.whole_file import written_whole
from cnnscope.analyzer.model.wire_format import (
    FileBytes,
    Pieces,
    copied_pieces,
    message_field,
    message_fields,
    pieces_length,
)
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.analyzer.values.plain_class import dataclass

_GRAPH: Final = field_key("ModelProto", "graph")
_NODE: Final = field_key("GraphProto", "node")
_INPUT: Final = field_key("GraphProto", "input")
_TOLD: Final = frozenset({
    field_key("GraphProto", "value_info"), field_key("GraphProto", "quantization_annotation")
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class NewNodes:
    """What a model's main graph becomes.

    Args:
        nodes: in running order; a number stands for the node of the file that has it as its place.
        inputs: the declarations of inputs, where they are others now.
        gone: tensors that there are no more.
    """

    nodes: Sequence[int | onnx.NodeProto]
    inputs: Mapping[str, onnx.ValueInfoProto]
    gone: frozenset[str]


def with_nodes(model: onnx.ModelProto, new: NewNodes) -> onnx.ModelProto:
    """A copy of a model without its weights, with other nodes: what will be written, to be looked at."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph, nodes = copy.graph, list(model.graph.node)
    del graph.node[:]
    graph.node.extend(nodes[x] if isinstance(x, int) else x for x in new.nodes)
    for value in graph.input:
        if value.name in new.inputs:
            value.CopyFrom(new.inputs[value.name])
    kept = [value for value in graph.value_info if value.name not in new.gone]
    del graph.value_info[:]
    graph.value_info.extend(kept)
    return copy


def write_with_nodes(file: ModelFile, new: NewNodes, output: Path) -> None:
    """A model's file with other nodes.

    Args:
        file: the model, as its file or bytes.
        new: its nodes.
        output: the file that is written, replaced where it is there; in the model's folder, if weights
            lie beside the model.

    Raises:
        ModelFileError: the model isn't such a file, or its weights lie beside it, in another folder.
        OSError: it can't be written.
    """
    data = file.whole
    if data is None:
        raise ModelFileError(
            "only an ONNX file that is here, or its bytes, can be written with other nodes"
        )
    demand_neighbours(file, output)
    pieces = _model_pieces(data, new)
    with written_whole(output) as stream:
        stream.writelines(copied_pieces(data, pieces))


def demand_neighbours(file: ModelFile, output: Path) -> None:
    """Weights that lie in files beside the model are found from its folder alone.

    Raises:
        ModelFileError: the output is to lie in another one.
    """
    if file.weights not in ("external", "mixed"):
        return
    here = None if file.path is None else Path(file.path).resolve().parent
    if here != output.resolve().parent:
        raise ModelFileError(
            "its weights lie in files beside it: write the new model into the same folder"
            + ("" if here is None else f", {here}")
        )


def check_place(file: ModelFile, output: Path) -> None:
    """Before a model is written from another: into another file, which lies where the weights are found.

    Raises:
        ModelFileError: it is the other model or its data, or lies elsewhere.
    """
    demand_neighbours(file, output)
    if file.path is None:
        return
    if output.exists() and output.samefile(file.path):
        raise ModelFileError(f"{output}: this is the model itself; give another file")
    if holds_weights(file, output):
        raise ModelFileError(f"{output}: this is the model's data; give another file")


def holds_weights(file: ModelFile, output: Path) -> bool:
    """Whether weights of a model lie in that file, which is another one."""
    if file.path is None or not output.exists():
        return False
    beside = [Path(file.path).parent / location for location in external_locations(file.model)]
    return any(path.exists() and output.samefile(path) for path in beside)


def _model_pieces(data: FileBytes, new: NewNodes) -> Pieces:
    """What the new file is made of: bytes, and stretches of the old one."""
    around: Pieces = []
    graphs = []
    for tag, key, inside, stop in message_fields(data, 0, len(data)):
        if key == _GRAPH:
            graphs.append((inside, stop))
        else:
            around.append(slice(tag, stop))
    graph = list(_graph_pieces(data, graphs, new))
    return [*around, varint_bytes(_GRAPH), varint_bytes(pieces_length(graph)), *graph]


def _graph_pieces(
    data: FileBytes, graphs: Sequence[tuple[int, int]], new: NewNodes
) -> Iterator[bytes | slice]:
    nodes: list[slice] = []
    rest: Pieces = []
    for start, end in graphs:
        for tag, key, inside, stop in message_fields(data, start, end):
            if key == _NODE:
                nodes.append(slice(tag, stop))
            elif key == _INPUT:
                value = onnx.ValueInfoProto.FromString(bytes(data[inside:stop]))
                other = new.inputs.get(value.name)
                rest.append(slice(tag, stop) if other is None else message_field(_INPUT, other))
            elif key not in _TOLD or _named(data, key, inside, stop) not in new.gone:
                rest.append(slice(tag, stop))
    for node in new.nodes:
        yield nodes[node] if isinstance(node, int) else message_field(_NODE, node)
    yield from rest


def _named(data: FileBytes, key: int, inside: int, stop: int) -> str:
    """The tensor that something is told of."""
    text = bytes(data[inside:stop])
    if key == field_key("GraphProto", "value_info"):
        return str(onnx.ValueInfoProto.FromString(text).name)
    return str(onnx.TensorAnnotation.FromString(text).tensor_name)
