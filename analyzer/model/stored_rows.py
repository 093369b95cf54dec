"""Which tensors does a model store one after another, as far as its bytes are known?

The tensors' headers in the order of the file, the nodes that read them, and the shapes that are declared
at the graph's end: what a guess at the next ones can go by.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import onnx
from google.protobuf.message import DecodeError

from cnnscope.analyzer.model.payload_places import field_key, varint_bytes
from cnnscope.analyzer.model.wire_format import PAYLOAD_KEYS, THRESHOLD, read_varint
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.model.byte_ranges import Range
    from cnnscope.analyzer.model.fetching import Fetched

Dims: TypeAlias = tuple[int, ...]

#: how a tensor is read: domain, operator, which input, how it and the node are called, the node's lists
#: of numbers; without a node that is known, rank, dimensions from the third on, element type and name
Kind: TypeAlias = tuple[Hashable, ...]

_GRAPH: Final = field_key("ModelProto", "graph")
_NODE: Final = field_key("GraphProto", "node")
_INITIALIZER: Final = field_key("GraphProto", "initializer")
_INPUT: Final = field_key("GraphProto", "input")
_DECLARED: Final = frozenset(
    {_INPUT, field_key("GraphProto", "output"), field_key("GraphProto", "value_info")}
)
_ROWS: Final = frozenset(field.number << 3 | 2 for field in onnx.GraphProto.DESCRIPTOR.fields)
_DIM: Final = field_key("TensorProto", "dims", 0)
_NAME: Final = field_key("TensorProto", "name")
_TYPE: Final = field_key("TensorProto", "data_type", 0)

_DIGITS: Final = re.compile(r"\d+")
_COUNTS: Final = re.compile(r"(?<![a-zA-Z])\d+")
_PARTS: Final = re.compile(r"[./]")

#: bytes in which a tensor's header is looked for
_HEADER: Final = 1024
#: bytes of the end in which the first declared shape is looked for, and within which it is taken for
#: the first that is known, not the first there is
_TRIED: Final = 1 << 13
_EARLY: Final = 1 << 11
#: fields looked at in all, before the first declared shape is given up
_FIELDS: Final = 1 << 17


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored tensor.

    Args:
        payload: bytes of its numbers.
        rest: bytes of its message that are neither numbers, nor dimensions, nor name.
    """

    name: str
    dims: Dims
    data_type: int
    payload: int
    rest: int

    def length(self, dims: Dims, name: int) -> int:
        """Bytes in the graph of one like it that has other dimensions, and a name so long."""
        elements = math.prod(self.dims)
        payload = self.payload * math.prod(dims) // elements if elements else self.payload
        body = self.rest + payload + len(varint_bytes(payload)) + 1
        body += sum([1 + len(varint_bytes(length)) for length in dims])
        body += 1 + len(varint_bytes(name)) + name if name else 0
        return 1 + len(varint_bytes(body)) + body


@dataclass(frozen=True, slots=True)
class Use:
    """How a node reads a stored tensor: its kind, and the numbers among the node's attributes."""

    kind: Kind
    numbers: Mapping[tuple[str, int], int]


class Rows:
    """What is known of a graph's nodes, tensors and declared shapes; it grows with what is fetched."""

    def __init__(self) -> None:
        self.stored: list[Stored] = []
        self.uses: dict[str, Use] = {}
        self.inputs: set[str] = set()
        self.declared: dict[str, Dims] = {}
        #: where the next row begins, and where the graph ends
        self.at = self.end = 0
        self._made: set[str] = set()
        self._end_is_known = False

    def follow(self, data: Fetched) -> None:
        """Go on through the rows that are known by now."""
        if not self.end:
            for key, inside, stop in begun(data.known(0, _HEADER)):
                if key == _GRAPH:
                    self.at, self.end = inside, min(stop, len(data))
        while self.at < self.end:
            row = next(begun(data.known(self.at, self.at + 24)), None)
            if row is None:
                return
            key, inside, stop = row[0], self.at + row[1], self.at + row[2]
            if key == _INITIALIZER:
                found = _stored(data.known(inside, min(stop, inside + _HEADER)), stop - inside)
                if found is None:
                    return
                self.stored.append(found)
            elif key == _NODE:
                message = data.known(inside, stop)
                if len(message) == stop - inside:
                    self._take_node(message)
                elif stop - inside <= THRESHOLD:
                    return  # not known yet; a larger one is a constant whose payload was left out
            self.at = stop

    def _take_node(self, message: bytes) -> None:
        try:
            node = onnx.NodeProto.FromString(message)
        except DecodeError:
            return
        numbers, lists = {}, []
        for attribute in node.attribute:
            listed = tuple(attribute.ints)
            for place, number in enumerate((attribute.i, *listed)):
                if number > 0:
                    numbers[str(attribute.name), place] = number
            if len(listed) > 1:
                lists.append((attribute.name, listed))
        node_kind = spelt(str(node.name))
        for place, name in enumerate(node.input):
            if name not in self._made and name not in self.uses:
                kind = (
                    node.domain, node.op_type, place, spelt(str(name)), node_kind, tuple(lists),
                )  # fmt: skip
                self.uses[name] = Use(kind, numbers)
        self._made.update(node.output)

    def look_at_end(self, data: Fetched) -> Range | None:
        """Take in what is declared at the graph's end; what to ask for where that begins further before."""
        if self._end_is_known or not self.end:
            return None
        start = data.since(self.end)
        last = memoryview(data.known(start, self.end))
        tried = 0
        for at, byte in enumerate(last[:_TRIED]):
            if byte not in _DECLARED or tried > _FIELDS:
                continue
            rows: list[tuple[int, int, int]] = []
            for row in begun(last[at:]):
                tried += 1
                if row[0] not in _ROWS or tried > _FIELDS:
                    break
                rows.append(row)
            if rows and rows[-1][2] == len(last) - at:
                for key, inside, stop in rows:
                    if key in _DECLARED:
                        self._take_declared(key, bytes(last[at + inside : at + stop]))
                if at <= _EARLY and rows[0][0] != _INPUT and start > self.at:
                    return max(self.at, start - 3 * len(last)), start
                break
        self._end_is_known = True
        return None

    def _take_declared(self, key: int, message: bytes) -> None:
        try:
            value = onnx.ValueInfoProto.FromString(message)
        except DecodeError:
            return
        if key == _INPUT:
            self.inputs.add(value.name)
        if value.type.tensor_type.HasField("shape"):
            dims = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
            if all(length >= 0 for length in dims):
                self.declared[value.name] = dims


def spelt(name: str) -> str:
    """A name without what counts its like; numbers that belong to a word stay in its last two parts."""
    parts = _PARTS.split(name)
    first = [_DIGITS.sub("#", part) for part in parts[:-2]]
    return ".".join([*first, *[_COUNTS.sub("#", part) for part in parts[-2:]]])


def begun(data: bytes | memoryview) -> Iterator[tuple[int, int, int]]:
    """Key and extent of each field at a message's beginning; the last may end beyond what is there."""
    position = 0
    try:
        while position < len(data):
            key, inside = read_varint(data, position)
            wire = key & 7
            if wire == 2:
                length, inside = read_varint(data, inside)
                position = inside + length
            elif wire == 0:
                position = read_varint(data, inside)[1]
            elif wire in (1, 5):
                position = inside + (8 if wire == 1 else 4)
            else:
                return
            yield key, inside, position
    except (IndexError, ModelFileError):
        return


def _stored(head: bytes, length: int) -> Stored | None:
    """What a tensor's header says; None where it is no such header, or too little of it is known."""
    dims: list[int] = []
    name, data_type, payload, rest = "", 0, -1, length
    for key, inside, stop in begun(head):
        if key == _DIM:
            dims.append(read_varint(head, inside)[0])
            rest -= 1 + stop - inside
        elif key == _TYPE:
            data_type = head[inside]
        elif key == _NAME and stop <= len(head):
            name = head[inside:stop].decode("utf-8", "replace")
            rest -= 1 + len(varint_bytes(stop - inside)) + stop - inside
        elif key in PAYLOAD_KEYS and payload < 0:
            payload = stop - inside
            rest -= 1 + len(varint_bytes(payload)) + payload
    if payload < 0 or rest < 0 or max(dims, default=0) > 1 << 40 or len(dims) > 16:
        return None
    return Stored(name, tuple(dims), data_type, payload, rest)
