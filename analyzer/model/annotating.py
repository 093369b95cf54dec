"""How is something noted in a model's file, with every other byte of it left as it is?

ONNX has room for notes: ``metadata_props``, texts by name, of the model and, since IR version 10, of each
node. To note something of a node is to write a field more at the end of its message, and another length
before each message around it. So the file is copied from where it lies, stretch by stretch, and never held:
how large its weights are doesn't matter. Notes of an earlier time, told by what their names begin with, are
left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

import onnx

from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.model.node_places import NodePlace, Written, written_in
from cnnscope.analyzer.model.payload_places import field_key, varint_bytes
from cnnscope.analyzer.model.wire_format import (
    FileBytes,
    Pieces,
    copied_pieces,
    message_field,
    message_fields,
    pieces_length,
)
from cnnscope.analyzer.values.diagnostics import ModelFileError

#: notes of nodes, by what each is written in and where, and of the model
NodeNotes: TypeAlias = Mapping[tuple[Written, int], Mapping[str, str]]

_LIMIT: Final = 1 << 31
"""Bytes of a message that protobuf reads."""

_GRAPH, _FUNCTION, _MODEL_NOTE = (
    field_key("ModelProto", name) for name in ("graph", "functions", "metadata_props")
)
_ATTRIBUTE, _NODE_NOTE = (field_key("NodeProto", name) for name in ("attribute", "metadata_props"))
_NAME, _BODY, _BODIES = (field_key("AttributeProto", name) for name in ("name", "g", "graphs"))
_NODES: Final = {
    "GraphProto": field_key("GraphProto", "node"), "FunctionProto": field_key("FunctionProto", "node"),
}  # fmt: skip


def annotated(
    file: ModelFile, notes: Mapping[str, str], of_nodes: NodeNotes, prefix: str
) -> Iterator[bytes]:
    """The model's bytes with notes in it, in pieces that follow each other.

    Args:
        file: a model in ONNX's binary form, on disk or in memory.
        notes: of the model, by name.
        of_nodes: of nodes, by what each is written in and its position there.
        prefix: notes whose names begin so are left out.

    Raises:
        ModelFileError: its bytes aren't at hand; or the copy would be larger than anything reads.
    """
    data = file.whole
    if data is None:
        raise ModelFileError(
            "only a model in ONNX's binary form is annotated, on disk or as bytes; save it as .onnx"
        )
    functions = [written_in(function) for function in file.model.functions]
    walk = _Copy(data, of_nodes, prefix.encode(), functions)
    kept = walk.model(notes)
    if len(data) < _LIMIT <= pieces_length(kept):
        raise ModelFileError(
            "with its notes the file would exceed protobuf's 2 GB; keep its weights in external data"
        )
    return copied_pieces(data, kept)


class _Copy:
    """One walk over a model's bytes: what is kept of them, and what is new."""

    def __init__(
        self, data: FileBytes, notes: NodeNotes, prefix: bytes, functions: list[Written]
    ) -> None:
        self.data, self.notes, self.prefix, self.functions = data, notes, prefix, functions
        #: nodes met so far: a graph's message may come in parts
        self.met: dict[Written, int] = {}

    def model(self, notes: Mapping[str, str]) -> Pieces:
        """The whole model."""
        functions = iter(self.functions)

        def change(key: int, start: int, end: int) -> Pieces | None:
            if key == _GRAPH:
                return self.nodes("GraphProto", start, end, ())
            if key == _FUNCTION:
                return self.nodes("FunctionProto", start, end, next(functions))
            return [] if key == _MODEL_NOTE and self.old(start, end) else None

        pieces = self.message(0, len(self.data), change) or [slice(0, len(self.data))]
        return [*pieces, *_entries(_MODEL_NOTE, notes)]

    def nodes(self, kind: str, start: int, end: int, within: Written) -> Pieces | None:
        """A graph or function; None: nothing in it is changed."""

        def change(key: int, start: int, end: int) -> Pieces | None:
            if key != _NODES[kind]:
                return None
            at = self.met.get(within, 0)
            self.met[within] = at + 1
            return self.node(start, end, NodePlace(within, at))

        return self.message(start, end, change)

    def node(self, start: int, end: int, place: NodePlace) -> Pieces | None:
        def change(key: int, start: int, end: int) -> Pieces | None:
            if key == _ATTRIBUTE:
                return self.attribute(start, end, place)
            return [] if key == _NODE_NOTE and self.old(start, end) else None

        found = self.message(start, end, change)
        new = _entries(_NODE_NOTE, self.notes.get((place.within, place.at), {}))
        if found is None and not new:
            return None
        return [*(found or [slice(start, end)]), *new]

    def attribute(self, start: int, end: int, place: NodePlace) -> Pieces | None:
        fields = [
            (key, inside, stop) for _, key, inside, stop in message_fields(self.data, start, end)
        ]
        wanted = _BODY if any(key == _BODY for key, _, _ in fields) else _BODIES
        if all(key != wanted for key, _, _ in fields):
            return None
        names = [bytes(self.data[inside:stop]) for key, inside, stop in fields if key == _NAME]
        name = names[-1].decode("utf-8", "replace") if names else ""
        numbers = iter(range(len(fields)))

        def change(key: int, start: int, end: int) -> Pieces | None:
            if key != wanted:
                return None
            number = 0 if wanted == _BODY else next(numbers)
            return self.nodes("GraphProto", start, end, place.body(name, number))

        return self.message(start, end, change)

    def message(
        self, start: int, end: int, change: Callable[[int, int, int], Pieces | None]
    ) -> Pieces | None:
        """The message at [start, end) with what has become of its fields; None: they are as they were.

        Args:
            change: given a field's key and where its value is, the pieces of a new value; none: without the
                field; None: as it was.
        """
        pieces: Pieces = []
        copied, changed = start, False
        for tag, key, inside, stop in message_fields(self.data, start, end):
            found = change(key, inside, stop) if key & 7 == 2 else None
            if found is None:
                continue
            changed = True
            if copied < tag:
                pieces.append(slice(copied, tag))
            if found:
                pieces += varint_bytes(key), varint_bytes(pieces_length(found)), *found
            copied = stop
        if copied < end:
            pieces.append(slice(copied, end))
        return pieces if changed else None

    def old(self, start: int, end: int) -> bool:
        """The entry at [start, end) is a note of an earlier time."""
        return any(
            key == 0x0A and bytes(self.data[inside:stop]).startswith(self.prefix)
            for _, key, inside, stop in message_fields(self.data, start, end)
        )


def _entries(key: int, notes: Mapping[str, str]) -> Pieces:
    """Notes as fields of the message that they are of: texts by name."""
    return [
        message_field(key, onnx.StringStringEntryProto(key=name, value=text))
        for name, text in notes.items()
    ]
