"""Models with their weights in the file, of which only what isn't zero is kept: a few kilobytes."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from pathlib import Path

import onnx
from google.protobuf.message import Message
from onnx import TensorProto, helper

#: bytes, or how many zeros
Piece = bytes | int

_INSIDE = {
    "ModelProto": ("graph",), "GraphProto": ("node", "initializer"), "NodeProto": ("attribute",),
    "AttributeProto": ("t", "g", "tensors", "graphs"),
}  # fmt: skip
#: what stands before the nodes in a graph that begins with its weights
_WEIGHTS_FIRST = ("initializer", "input", "output", "value_info", "name", "node")


def pieces(
    source: Path | onnx.ModelProto, weights_first: bool = False, tail: bytes = b""
) -> list[Piece]:
    """A model without its external data, zeros in the file in their place.

    Args:
        tail: fields behind those zeros, of each tensor.
    """
    order = _WEIGHTS_FIRST if weights_first else ()
    made = onnx.load(source, load_external_data=False) if isinstance(source, Path) else source
    return _pieces(made, order, tail)


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def _length(made: Sequence[Piece]) -> int:
    return sum(x if isinstance(x, int) else len(x) for x in made)


def _pieces(message: Message, order: Sequence[str], tail: bytes) -> list[Piece]:
    if isinstance(message, TensorProto):
        if not message.external_data:
            return [message.SerializeToString()]
        bits = helper.tensor_dtype_to_np_dtype(message.data_type).itemsize * 8
        zeros = -(-math.prod(message.dims) * bits // 8)
        head = TensorProto(dims=message.dims, data_type=message.data_type, name=message.name)
        return [head.SerializeToString() + b"\x4a" + _varint(zeros), zeros, tail]
    inside = _INSIDE.get(message.DESCRIPTOR.name)
    if inside is None:
        return [message.SerializeToString()]
    made: list[Piece] = []
    fields = sorted(message.ListFields(), key=lambda field: field[0].number)
    if isinstance(message, onnx.GraphProto):
        fields.sort(key=lambda f: order.index(f[0].name) if f[0].name in order else 0)
    for field, value in fields:
        if field.name in inside:
            for item in [value] if isinstance(value, Message) else value:
                body = _pieces(item, order, tail)
                made += [_varint(field.number << 3 | 2) + _varint(_length(body)), *body]
            continue
        alone = type(message)()
        if isinstance(value, (int, float, str, bytes)):
            setattr(alone, field.name, value)
        else:
            getattr(alone, field.name).MergeFrom(value)
        made.append(alone.SerializeToString())
    return made


def elsewhere(name: str, *dims: int) -> TensorProto:
    """A tensor whose bytes are none of the model's: what `pieces` puts zeros for."""
    made = TensorProto(name=name, dims=dims, data_type=TensorProto.FLOAT)
    made.data_location = TensorProto.EXTERNAL
    made.external_data.add(key="location", value="nowhere")
    return made


class Hollow:
    """Such a model as a file that can be asked for several ranges; it counts how often it is."""

    def __init__(self, made: Sequence[Piece]) -> None:
        self.made = made
        self.starts = [0]
        for piece in made:
            self.starts.append(self.starts[-1] + (piece if isinstance(piece, int) else len(piece)))
        self.size = self.starts.pop()
        self.at = self.rounds = self.ranges = self.bytes = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def tell(self) -> int:
        return self.at

    def read(self, length: int) -> bytes:
        self.at += length
        return self.read_many([(self.at - length, length)])[0]

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        found = [self.part(*each) for each in ranges]
        self.rounds += 1
        self.ranges += len(found)
        self.bytes += sum(map(len, found))
        return found

    def part(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        at = bisect.bisect_right(self.starts, offset) - 1
        found = []
        while length > 0:
            piece, skip = self.made[at], offset - self.starts[at]
            whole = piece if isinstance(piece, int) else len(piece)
            taken = min(length, whole - skip)
            found.append(bytes(taken) if isinstance(piece, int) else piece[skip : skip + taken])
            offset, length, at = offset + taken, length - taken, at + 1
        return b"".join(found)


class HollowFile(Hollow):
    """The same as a file that has only `read`: each range is waited for alone."""

    read_many = None  # type: ignore[assignment]

    def read(self, length: int) -> bytes:
        self.at += length
        return Hollow.read_many(self, [(self.at - length, length)])[0]
