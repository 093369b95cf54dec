"""Which bytes are a model's graph, whatever file it is in and whatever its weights are?

The parsed message, written anew in the order of its fields, without what no analysis reads: descriptions,
who trained it when, where payloads lie.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from google.protobuf.message import Message

from cnnscope.analyzer.model.wire_format import HOLDS, ONCE


def graph_bytes(source: onnx.ModelProto) -> bytes:
    """The bytes of a model that was read without its payloads."""
    model = onnx.ModelProto()
    model.CopyFrom(source)
    del model.metadata_props[:]
    model.ClearField("doc_string")
    for tensor in _tensors(model):
        if tensor.external_data:
            del tensor.external_data[:]
    return model.SerializeToString(deterministic=True)


def _tensors(message: Message) -> Iterator[onnx.TensorProto]:
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for name in HOLDS[message.DESCRIPTOR.name]:
        if name not in ONCE:
            for item in getattr(message, name):
                yield from _tensors(item)
        elif message.HasField(name):
            yield from _tensors(getattr(message, name))
