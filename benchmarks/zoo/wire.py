"""How is an ONNX model written as protobuf bytes, quickly? By hand: a message a function, no objects.

The field numbers are those of onnx.proto. What repeats from model to model (attributes, types) is made once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache

FLOAT, INT8, INT64, BOOL, FLOAT16 = 1, 3, 7, 9, 10
#: a length: a number, a name, or not said at all
Length = int | str | None


@lru_cache(1 << 16)
def varint(value: int) -> bytes:
    """
    >>> varint(300).hex(), len(varint(-1))
    ('ac02', 10)
    """
    value &= (1 << 64) - 1
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


_TAGS = [varint(number << 3 | 2) for number in range(32)]
_HEADS = [[tag + varint(length) for length in range(256)] for tag in _TAGS]


def part(number: int, data: bytes) -> bytes:
    """A field of bytes, of text or of a message."""
    length = len(data)
    return (_HEADS[number][length] if length < 256 else _TAGS[number] + varint(length)) + data


def parts(number: int, every: Iterable[bytes]) -> bytes:
    heads, tag = _HEADS[number], _TAGS[number]
    made: list[bytes] = []
    for data in every:
        length = len(data)
        made += (heads[length] if length < 256 else tag + varint(length), data)
    return b"".join(made)


def whole(number: int, value: int) -> bytes:
    """A field that is a whole number."""
    return varint(number << 3) + varint(value)


def entries(number: int, **texts: object) -> bytes:
    """Pairs of texts, as metadata and external data have them."""
    return parts(number, (part(1, k.encode()) + part(2, str(v).encode()) for k, v in texts.items()))


# -- attributes ----------------------------------------------------------------------------------------


@lru_cache(1 << 14, typed=True)  # 1 and 1.0 are two attributes
def attribute(name: str, value: float | str | tuple[int, ...]) -> bytes:
    """A node's field with one attribute."""
    said = part(1, name.encode())
    if isinstance(value, float):
        said += varint(2 << 3 | 5) + struct.pack("<f", value) + whole(20, 1)
    elif isinstance(value, int):
        said += whole(3, value) + whole(20, 2)
    elif isinstance(value, str):
        said += part(4, value.encode()) + whole(20, 3)
    elif value and isinstance(value[0], float):
        said += b"".join(varint(7 << 3 | 5) + struct.pack("<f", x) for x in value) + whole(20, 6)
    else:
        said += b"".join(whole(8, x) for x in value) + whole(20, 7)
    return part(5, said)


def tensor_attribute(name: str, tensor: bytes) -> bytes:
    return part(5, part(1, name.encode()) + part(5, tensor) + whole(20, 4))


def graph_attribute(name: str, graph: bytes) -> bytes:
    return part(5, part(1, name.encode()) + part(6, graph) + whole(20, 5))


# -- what a graph consists of --------------------------------------------------------------------------


@lru_cache(1 << 10)
def _operator(op: str, domain: str) -> bytes:
    return part(4, op.encode()) + (part(7, domain.encode()) if domain else b"")


def node(
    op: str, inputs: Sequence[str], outputs: Sequence[str], name: str = "",
    attributes: bytes = b"", domain: str = "",
) -> bytes:  # fmt: skip
    said = parts(1, [x.encode() for x in inputs]) + parts(2, [x.encode() for x in outputs])
    return said + (part(3, name.encode()) if name else b"") + _operator(op, domain) + attributes


@lru_cache(1 << 14)
def _described(dtype: int, dims: tuple[int, ...]) -> bytes:
    return b"".join([whole(1, length) for length in dims]) + whole(2, dtype)


def tensor(name: str, dtype: int, dims: tuple[int, ...], raw: bytes) -> bytes:
    """A tensor with its numbers in it."""
    return b"".join(
        (_described(dtype, dims), part(8, name.encode()), _TAGS[9], varint(len(raw)), raw)
    )


def external(name: str, dtype: int, dims: tuple[int, ...], file: str, at: int, size: int) -> bytes:
    """A tensor whose numbers lie in another file."""
    where = entries(13, location=file, offset=at, length=size)
    return _described(dtype, dims) + part(8, name.encode()) + where + whole(14, 1)


@lru_cache(1 << 14)
def _type(dtype: int, dims: tuple[Length, ...]) -> bytes:
    shape = parts(1, (
        b"" if n is None else part(2, n.encode()) if isinstance(n, str) else whole(1, n)
        for n in dims
    ))  # fmt: skip
    return part(2, part(1, whole(1, dtype) + part(2, shape)))


def value(name: str, dtype: int, dims: tuple[Length, ...]) -> bytes:
    """A tensor that is declared: an input, an output, one between."""
    return part(1, name.encode()) + _type(dtype, dims)


def graph(
    name: str, nodes: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes],
    tensors: Sequence[bytes] = (), declared: Sequence[bytes] = (),
) -> bytes:  # fmt: skip
    return b"".join([
        parts(1, nodes), part(2, name.encode()), parts(5, tensors), parts(11, inputs),
        parts(12, outputs), parts(13, declared),
    ])  # fmt: skip


def opsets(number: int, every: Iterable[tuple[str, int]]) -> bytes:
    return parts(number, (part(1, domain.encode()) + whole(2, v) for domain, v in every))


def function(
    domain: str, name: str, inputs: Sequence[str], outputs: Sequence[str], nodes: Sequence[bytes],
    imports: Iterable[tuple[str, int]],
) -> bytes:  # fmt: skip
    return b"".join([
        part(1, name.encode()), parts(4, (x.encode() for x in inputs)),
        parts(5, (x.encode() for x in outputs)), parts(7, nodes), opsets(9, imports),
        part(10, domain.encode()),
    ])  # fmt: skip


def model(
    graph: bytes, imports: Iterable[tuple[str, int]], ir: int = 8,
    producer: tuple[str, str] = ("benchmarks", "1"), metadata: bytes = b"",
    functions: Sequence[bytes] = (),
) -> bytes:  # fmt: skip
    return b"".join([
        whole(1, ir), part(2, producer[0].encode()), part(3, producer[1].encode()), part(7, graph),
        opsets(8, imports), metadata, parts(25, functions),
    ])  # fmt: skip
