"""What is asked of a web server, and sent, when a model is read whose weights lie in its own file?

    python benchmarks/inline.py FOLDER lenet5.onnx vgg16.onnx

Models that were stored without their weights are written anew with zeros for them, each byte where an
exporter would have it; the zeros are holes in the file, so a model of half a gigabyte takes no room.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import BinaryIO, ClassVar

import onnx
from google.protobuf.message import Message
from onnx import GraphProto, ModelProto, TensorProto

#: a stretch of a file: bytes, or so many zeros
Piece = bytes | int
_GRAPH, _INITIALIZER, _RAW = 7, 5, 9


def written(source: Path, target: Path) -> str:
    """A copy with its weights in it.

    Returns:
        Whose they are: its own, or zeros.
    """
    model = onnx.load(source, load_external_data=False)
    outside = [t for t in model.graph.initializer if t.data_location == TensorProto.EXTERNAL]
    with target.open("wb") as file:
        for piece in pieces(model):
            if isinstance(piece, int):
                file.seek(piece, 1)
            else:
                file.write(piece)
        file.truncate()
    return "zeros" if outside else "own"


def pieces(model: ModelProto) -> Iterator[Piece]:
    """A model's encoding, field after field by their numbers, as protobuf writes it."""
    stored = list(initializers(model.graph))
    graph = GraphProto()
    graph.CopyFrom(model.graph)
    del graph.initializer[:]
    first, last = cut(graph, _INITIALIZER)
    rest = ModelProto()
    rest.CopyFrom(model)
    rest.ClearField("graph")
    before, behind = cut(rest, _GRAPH)
    length = len(first) + len(last) + sum(map(size, stored))
    yield before + key(_GRAPH) + varint(length) + first
    yield from stored
    yield last + behind


def initializers(graph: GraphProto) -> Iterator[Piece]:
    """Each as a field of the graph; of one that lies elsewhere, zeros."""
    for tensor in graph.initializer:
        if tensor.data_location != TensorProto.EXTERNAL:
            body = tensor.SerializeToString()
            yield key(_INITIALIZER) + varint(len(body)) + body
            continue
        there = {entry.key: entry.value for entry in tensor.external_data}
        length = int(there.get("length") or numbers(tensor))
        kept = TensorProto(dims=tensor.dims, data_type=tensor.data_type, name=tensor.name)
        head = kept.SerializeToString() + key(_RAW) + varint(length)
        yield key(_INITIALIZER) + varint(len(head) + length) + head
        yield length


def numbers(tensor: TensorProto) -> int:
    """Bytes of a tensor by its dimensions."""
    found = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    for length in tensor.dims:
        found *= length
    return int(found)


def cut(message: Message, number: int) -> tuple[bytes, bytes]:
    """A message's encoding: the fields with a smaller number, and those with a larger one."""
    before, behind = type(message)(), type(message)()
    before.CopyFrom(message)
    behind.CopyFrom(message)
    for field, _ in message.ListFields():
        (behind if field.number < number else before).ClearField(field.name)
    return before.SerializeToString(), behind.SerializeToString()


def size(piece: Piece) -> int:
    return piece if isinstance(piece, int) else len(piece)


def key(number: int) -> bytes:
    return varint(number << 3 | 2)


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


class Handler(BaseHTTPRequestHandler):
    """One file, in ranges; what is asked and sent is counted."""

    protocol_version = "HTTP/1.1"
    file: ClassVar[BinaryIO]
    length: ClassVar[int]
    requests: ClassVar[int] = 0
    sent: ClassVar[int] = 0

    def log_message(self, *said: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        start, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        first, stop = int(start), min(int(last) + 1, self.length)
        body = os.pread(self.file.fileno(), stop - first, first)
        kind = type(self)
        kind.requests += 1
        kind.sent += len(body)
        self.send_response(206)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Range", f"bytes {first}-{stop - 1}/{self.length}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(path: Path) -> Iterator[tuple[str, type[Handler]]]:
    """A model's address, and who counts."""
    with path.open("rb") as file:
        kind = type("Of", (Handler,), {"file": file, "length": path.stat().st_size})
        server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/{path.name}", kind
        finally:
            server.shutdown()
            server.server_close()


def measured(source: Path, folder: Path) -> dict[str, object]:
    """What its analysis takes, over HTTP."""
    import cnnscope

    path = folder / source.name
    weights = written(source, path)
    try:
        with served(path) as (address, counted):
            far = cnnscope.analyze(address)
        assert far.model.weights in ("inline", "none"), source.name
        return {
            "weights": weights, "size": path.stat().st_size, "requests": counted.requests,
            "bytes": counted.sent,
        }  # fmt: skip
    finally:
        path.unlink()


if __name__ == "__main__":
    work = Path(sys.argv[1])
    for model in map(Path, sys.argv[2:]):
        try:
            row = measured(model, work)
        except Exception as error:  # noqa: BLE001  # of that model: the others count
            row = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"model": model.stem, **row}), flush=True)
