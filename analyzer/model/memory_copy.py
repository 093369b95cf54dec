"""How is a model in memory copied without its large payloads?"""

from __future__ import annotations

from typing import Final

import onnx
from google.protobuf.message import Message
from onnx import TensorProto

from cnnscope.analyzer.model.payload_places import Place, external_entry, place_marker
from cnnscope.analyzer.model.tensor_bytes import declared_bytes
from cnnscope.analyzer.model.wire_format import DEPTH, HOLDS, ONCE, THRESHOLD, nested_too_deeply

IN_MEMORY: Final = "model"  # the location of payloads of a model without a file

_ELEMENT_BYTES: Final = {
    "float_data": 4,
    "double_data": 8,
    "int32_data": 4,
    "int64_data": 8,
    "uint64_data": 8,
}

# the types of attributes that hold no tensor and no graph
_PLAIN: Final = frozenset(
    getattr(onnx.AttributeProto, name)
    for name in ("FLOAT", "INT", "STRING", "FLOATS", "INTS", "STRINGS")
)


def copy_without_payloads(
    source: Message, target: Message, left_out: dict[Place, TensorProto | None], depth: int = 1
) -> None:
    """Copy a message without ever copying, or serialising, a large payload inside it."""
    if depth > DEPTH:
        raise nested_too_deeply()
    if isinstance(source, TensorProto) and isinstance(target, TensorProto):
        _copy_tensor(source, target, left_out)
        return
    if isinstance(source, onnx.NodeProto) and _is_plain(source):
        target.CopyFrom(source)
        return
    holds = HOLDS[source.DESCRIPTOR.name]
    for descriptor, value in source.ListFields():
        name = descriptor.name
        if name in holds and name in ONCE:
            getattr(target, name).SetInParent()
            copy_without_payloads(value, getattr(target, name), left_out, depth + 1)
        elif name in holds:
            for item in value:
                copy_without_payloads(item, getattr(target, name).add(), left_out, depth + 1)
        else:
            _copy_field(target, name, value)


def _copy_field(target: Message, name: str, value: object) -> None:
    if isinstance(value, (int, float, str, bytes)):
        setattr(target, name, value)
    else:
        getattr(target, name).MergeFrom(value)


def _copy_tensor(
    source: TensorProto, target: TensorProto, left_out: dict[Place, TensorProto | None]
) -> None:
    # Asking protobuf for raw_data copies it, so its size is taken from what the tensor declares.
    if source.HasField("raw_data"):
        kind, length = "raw", declared_bytes(source)
    elif source.string_data:
        kind, length = "string_data", sum(map(len, source.string_data))
    else:
        sizes = {name: len(getattr(source, name)) * size for name, size in _ELEMENT_BYTES.items()}
        kind = max(sizes, key=sizes.__getitem__)
        length = sizes[kind]
    if length <= THRESHOLD:
        target.CopyFrom(source)
        return
    for name in ("data_type", "segment", "name", "doc_string", "data_location"):
        if source.HasField(name):
            _copy_field(target, name, getattr(source, name))
    for name in ("dims", "external_data", "metadata_props"):
        getattr(target, name).MergeFrom(getattr(source, name))
    if source.data_location != TensorProto.EXTERNAL:
        place = kind, len(left_out), length
        left_out[place] = source
        target.MergeFromString(place_marker(external_entry(b"location", IN_MEMORY.encode()), place))


def _is_plain(node: onnx.NodeProto) -> bool:
    """Whether no attribute of the node holds a tensor or a graph: it may be copied whole."""
    return all(attribute.type in _PLAIN for attribute in node.attribute)
