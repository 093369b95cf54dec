"""How does a tensor without its payload say where that is? By ONNX's own external data, in protobuf."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

import onnx
from onnx import TensorProto

# Kind of encoding, offset, length. For a model in memory, the offset is a serial number instead.
Place: TypeAlias = tuple[str, int, int]


def field_key(message: str, name: str, wire: int = 2) -> int:
    descriptor = getattr(onnx, message).DESCRIPTOR
    return int(descriptor.fields_by_name[name].number) << 3 | wire


_LOCATION_KEY: Final = field_key("TensorProto", "data_location", 0)

_ENTRY_KEY: Final = field_key("TensorProto", "external_data")


@lru_cache(256)
def varint_bytes(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def external_entry(key: bytes, value: bytes) -> bytes:
    """One ``external_data`` entry of a TensorProto: a message of two strings."""
    body = b"\x0a%c%b\x12%b%b" % (len(key), key, varint_bytes(len(value)), value)
    return b"%c%b%b" % (_ENTRY_KEY, varint_bytes(len(body)), body)


def place_marker(location: bytes, place: Place) -> bytes:
    """What makes a tensor an external one; `location` is an entry already."""
    kind, offset, length = place
    return b"%c%c%b%b%b%b" % (
        _LOCATION_KEY,
        TensorProto.EXTERNAL,
        location,
        external_entry(b"offset", b"%d" % offset),
        external_entry(b"length", b"%d" % length),
        external_entry(b"cnnscope", kind.encode()),
    )


def marked_place(tensor: TensorProto) -> Place:
    """The place that a marker names; ("", -1, -1) for a tensor without one."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    try:
        return entries["cnnscope"], int(entries["offset"]), int(entries["length"])
    except (KeyError, ValueError, TypeError):
        return "", -1, -1
