"""How does protobuf write a model, and how are its large payloads left out?

The encoding (https://protobuf.dev/programming-guides/encoding): a message is a run of fields; a
field is a key, ``number << 3 | wire type``, and a value whose length the wire type tells: 0 a
varint, 1 eight bytes, 5 four bytes, 2 a varint length and as many bytes (text, bytes, packed
numbers, or a message). Leaving bytes out changes the length of every message around them and
nothing else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, overload

from onnx import TensorProto

from cnnscope.analyzer.model.payload_places import (
    Place,
    external_entry,
    field_key,
    place_marker,
    varint_bytes,
)
from cnnscope.analyzer.values.diagnostics import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

THRESHOLD: Final = 4096
"""Payloads up to this many bytes stay: shapes hang on small constants."""

DEPTH: Final = 100
"""Messages inside messages that protobuf's parser accepts; a subgraph takes three."""

_STRETCH: Final = 1 << 22
"""Bytes of a file that are copied at once."""


class FileBytes(Protocol):
    """What is walked over: bytes, a mapped file, or what fetches its bytes when they are touched."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, key: int, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> bytes | bytearray | memoryview: ...


# What is kept of a message: bytes, and where others lie.
Pieces: TypeAlias = list[bytes | slice]

# The messages on the way to a TensorProto: which of their fields hold which message.
HOLDS: Final[dict[str, dict[str, str]]] = {
    "ModelProto": {
        "graph": "GraphProto",
        "training_info": "TrainingInfoProto",
        "functions": "FunctionProto",
    },
    "TrainingInfoProto": {"initialization": "GraphProto", "algorithm": "GraphProto"},
    "FunctionProto": {"node": "NodeProto", "attribute_proto": "AttributeProto"},
    "GraphProto": {
        "initializer": "TensorProto",
        "sparse_initializer": "SparseTensorProto",
        "node": "NodeProto",
    },
    "NodeProto": {"attribute": "AttributeProto"},
    "AttributeProto": {
        "t": "TensorProto",
        "g": "GraphProto",
        "tensors": "TensorProto",
        "graphs": "GraphProto",
        "sparse_tensor": "SparseTensorProto",
        "sparse_tensors": "SparseTensorProto",
    },
    "SparseTensorProto": {"values": "TensorProto", "indices": "TensorProto"},
    "TensorProto": {},
}

ONCE: Final = frozenset(
    {"graph", "initialization", "algorithm", "t", "g", "sparse_tensor", "values", "indices"}
)

# A field that should occur once and occurs twice is merged. Graphs only hold lists, which a merge
# joins; two merged tensors are one payload in two places, which no (offset, length) can say.
_UNMERGEABLE: Final = frozenset({"t", "sparse_tensor", "values", "indices"})

# Payload field -> wire type of a single element (text and bytes have only the one form).
_PAYLOADS: Final = {
    "raw_data": 2,
    "string_data": 2,
    "float_data": 5,
    "double_data": 1,
    "int32_data": 0,
    "int64_data": 0,
    "uint64_data": 0,
}


# Message -> key -> (the message inside, whether a second occurrence would be merged into it).
_CHILDREN: Final = {
    message: {
        field_key(message, name): (child, name in _UNMERGEABLE) for name, child in holds.items()
    }
    for message, holds in HOLDS.items()
}

PAYLOAD_KEYS: Final = {
    field_key("TensorProto", name, wire): name
    for name, element in _PAYLOADS.items()
    for wire in (2, element)
}

_LOCATION_KEY: Final = field_key("TensorProto", "data_location", 0)


class Walk:
    """One walk over a model's bytes, leaving out payloads of more than `threshold` bytes.

    `passing` is told of each of these, where it begins and where it ends.
    """

    def __init__(
        self,
        data: FileBytes,
        threshold: int,
        location: str,
        passing: Callable[[int, int], None] | None = None,
    ) -> None:
        self.data = data
        self.threshold = threshold
        self.location = external_entry(b"location", os.fsencode(location))
        self.passing = passing
        self.left_out: dict[Place, TensorProto | None] = {}

    def message(self, kind: str, start: int, end: int, depth: int = 1) -> Pieces | None:
        """The message at [start, end) without its large payloads; None if it has none.

        A message no larger than the threshold can't hold one, and is stepped over whole. What is kept is
        named, not taken: it may have to be fetched, all at once then.
        """
        if kind == "TensorProto":
            return self.tensor(start, end)
        if depth > DEPTH:
            raise nested_too_deeply()
        threshold, children = self.threshold, _CHILDREN[kind]
        pieces: Pieces = []
        copied, before, once = start, len(self.left_out), set()
        for tag, key, inside, stop in message_fields(self.data, start, end):
            if stop - inside <= threshold or key not in children:
                continue
            child, unmergeable = children[key]
            if unmergeable:
                once.add(key)
            kept = self.message(child, inside, stop, depth + 1)
            if kept is not None:
                pieces += (
                    slice(copied, tag),
                    varint_bytes(key),
                    varint_bytes(pieces_length(kept)),
                    *kept,
                )
                copied = stop
        if once and not self.occurs_once(once, start, end):
            for place in list(self.left_out)[before:]:  # what would be merged stays whole
                del self.left_out[place]
            return None
        if not pieces:
            return None
        pieces.append(slice(copied, end))
        return pieces

    def occurs_once(self, keys: set[int], start: int, end: int) -> bool:
        """Whether each of the keys does; asked behind the walk, which jumps from front to back."""
        found = [key for _, key, _, _ in message_fields(self.data, start, end) if key in keys]
        return len(found) == len(keys)

    def tensor(self, start: int, end: int) -> Pieces | None:
        """The TensorProto at [start, end), its payload replaced by the place where it is."""
        data = self.data
        pieces: Pieces = []
        copied = start
        kinds = set()
        count = total = first = last = 0
        external = False
        for tag, key, inside, stop in message_fields(data, start, end):
            if key in PAYLOAD_KEYS:
                kinds.add(PAYLOAD_KEYS[key])
                first = first if count else tag
                last = stop
                count += 1
                total += stop - inside
                if self.passing is not None and stop - inside > self.threshold:
                    self.passing(inside, stop)
                if copied < tag:
                    pieces.append(slice(copied, tag))
                copied = stop
            elif key == _LOCATION_KEY:
                external = read_varint(data, inside)[0] == TensorProto.EXTERNAL
        if total <= self.threshold or not count:
            return None
        pieces.append(slice(copied, end))
        if not external:  # else the payload is never looked at: external data go before it
            place = "fields", first, last - first
            if count == 1:
                place = kinds.pop().replace("raw_data", "raw"), last - total, total
            self.left_out[place] = None
            pieces.append(place_marker(self.location, place))
        return pieces


def pieces_length(pieces: Pieces) -> int:
    """How many bytes that is."""
    return sum(len(x) if isinstance(x, bytes) else x.stop - x.start for x in pieces)


def copied_pieces(data: FileBytes, pieces: Pieces) -> Iterator[bytes]:
    """What pieces are made of, one after another, a few megabytes of the file at once."""
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        for start in range(piece.start, piece.stop, _STRETCH):
            yield bytes(data[start : min(start + _STRETCH, piece.stop)])


def message_field(key: int, message: Message) -> bytes:
    """A message as a field of the one that it is in."""
    body = message.SerializeToString()
    return varint_bytes(key) + varint_bytes(len(body)) + body


def message_fields(data: FileBytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Each field of the message at [start, end): where it starts, its key, its value's extent."""
    position = tag = start
    try:
        while position < end:
            tag = position
            key = data[position]
            position += 1
            if key > 127:
                key, position = read_varint(data, tag)
            inside = position
            wire = key & 7
            if wire == 2:
                size = data[position]
                inside += 1
                if size > 127:
                    size, inside = read_varint(data, position)
                position = inside + size
            elif wire == 0:
                position = read_varint(data, position)[1]
            elif wire == 5:
                position += 4
            elif wire == 1:
                position += 8
            if position > end:
                raise _beyond(data, tag, position, end)
            if (position == inside and wire != 2) or key < 8:
                raise corrupt(f"there is no protobuf field at byte {tag}")
            yield tag, key, inside, position
    except IndexError:
        raise _beyond(data, tag, len(data) + 1, len(data)) from None


def read_varint(data: FileBytes, position: int) -> tuple[int, int]:
    """A number in base 128, least digit first, every byte but the last marked; where it ends."""
    value = shift = 0
    while shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise corrupt(f"the number before byte {position} has no end")


def corrupt(fact: str) -> ModelFileError:
    return ModelFileError(f"not an ONNX model, or a corrupt one: {fact}")


def _beyond(data: FileBytes, tag: int, position: int, end: int) -> ModelFileError:
    if end < len(data):
        return corrupt(
            f"the field at byte {tag} ends at byte {position}, beyond the message around it, which"
            f" ends at byte {end}; download or export it again"
        )
    upto = f"needs {position} bytes" if position > end + 1 else "needs more"
    return ModelFileError(
        f"not an ONNX model, or one cut short: the field at byte {tag} {upto}, the file has {end};"
        " download or export it again"
    )


def nested_too_deeply() -> ModelFileError:
    return ModelFileError(
        f"the model's subgraphs are nested too deeply: protobuf reads {DEPTH} messages in each"
        " other; flatten them"
    )
