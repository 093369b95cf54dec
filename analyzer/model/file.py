"""What does a model file say, besides the numbers its weights hold?

`onnx.load` copies every weight before anyone can look at the graph. Here the file is memory-mapped
and its protobuf encoding walked (ModelProto -> graph -> initializer or node attribute ->
TensorProto), stepping over each large payload without touching its pages. What remains, a few
kilobytes, is parsed by protobuf itself. A left-out tensor keeps its name, type and dimensions and,
as ONNX's own external data (location, offset, length), the place of its numbers, so that
`ModelFile.read` can map them when somebody asks.

The encoding (https://protobuf.dev/programming-guides/encoding): a message is a run of fields; a
field is a key, ``number << 3 | wire type``, and a value whose length the wire type tells: 0 a
varint, 1 eight bytes, 5 four bytes, 2 a varint length and as many bytes (text, bytes, packed
numbers, or a message). Leaving bytes out changes the length of every message around them and
nothing else.
"""

from __future__ import annotations

import contextlib
import io
import math
import mmap
import os
import stat
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING, BinaryIO, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import Error as ProtobufError
from google.protobuf.message import Message
from onnx import TensorProto, numpy_helper

from cnnscope.analyzer.model.regular_file import NoRegularFileError, open_regular
from cnnscope.analyzer.values.arguments import wrong_model
from cnnscope.analyzer.values.diagnostics import ModelFileError, OutsideFolderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

THRESHOLD: Final = 4096
"""Payloads up to this many bytes stay: shapes hang on small constants."""

DEPTH: Final = 100
"""Messages inside messages that protobuf's parser accepts; a subgraph takes three."""

TEXT_DEPTH: Final = 500
"""Brackets inside brackets in onnx's own text: its parser recurses, with no limit of its own."""

_IN_MEMORY: Final = "model"  # the location of payloads of a model without a file

_Bytes: TypeAlias = bytes | mmap.mmap

# Kind of encoding, offset, length. For a model in memory, the offset is a serial number instead.
_Place: TypeAlias = tuple[str, int, int]

# The messages on the way to a TensorProto: which of their fields hold which message.
_HOLDS: Final[dict[str, dict[str, str]]] = {
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
_ONCE: Final = frozenset(
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
_ELEMENT_BYTES: Final = {
    "float_data": 4,
    "double_data": 8,
    "int32_data": 4,
    "int64_data": 8,
    "uint64_data": 8,
}
_LITTLE_ENDIAN: Final[dict[int, str]] = {
    TensorProto.FLOAT: "<f4",
    TensorProto.UINT8: "u1",
    TensorProto.INT8: "i1",
    TensorProto.UINT16: "<u2",
    TensorProto.INT16: "<i2",
    TensorProto.INT32: "<i4",
    TensorProto.INT64: "<i8",
    TensorProto.BOOL: "?",
    TensorProto.FLOAT16: "<f2",
    TensorProto.DOUBLE: "<f8",
    TensorProto.UINT32: "<u4",
    TensorProto.UINT64: "<u8",
    TensorProto.COMPLEX64: "<c8",
    TensorProto.COMPLEX128: "<c16",
}
# The types that numpy doesn't have, and onnx decodes: bits per element.
_NARROW: Final[dict[int, int]] = {
    TensorProto.DataType.Value(name): bits
    for bits, names in (
        (16, ("BFLOAT16",)),
        (8, ("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0")),
        (6, ("FLOAT6E2M3", "FLOAT6E3M2")),
        (4, ("INT4", "UINT4", "FLOAT4E2M1")),
        (2, ("INT2", "UINT2")),
    )
    for name in names
    if hasattr(TensorProto, name)  # not in every version of onnx
}
_BITS: Final = {
    **{data_type: 8 * np.dtype(name).itemsize for data_type, name in _LITTLE_ENDIAN.items()},
    **_NARROW,
}
# Typed payloads whose bytes are those of raw data.
_LIKE_RAW: Final = {
    "raw": frozenset(_LITTLE_ENDIAN),
    "float_data": frozenset({TensorProto.FLOAT, TensorProto.COMPLEX64}),
    "double_data": frozenset({TensorProto.DOUBLE, TensorProto.COMPLEX128}),
}


def _key(message: str, name: str, wire: int = 2) -> int:
    descriptor = getattr(onnx, message).DESCRIPTOR
    return int(descriptor.fields_by_name[name].number) << 3 | wire


# Message -> key -> (the message inside, whether a second occurrence would be merged into it).
_CHILDREN: Final = {
    message: {_key(message, name): (child, name in _UNMERGEABLE) for name, child in holds.items()}
    for message, holds in _HOLDS.items()
}
_PAYLOAD_KEYS: Final = {
    _key("TensorProto", name, wire): name
    for name, element in _PAYLOADS.items()
    for wire in (2, element)
}
_LOCATION_KEY: Final = _key("TensorProto", "data_location", 0)
_ENTRY_KEY: Final = _key("TensorProto", "external_data")

# What protobuf, onnx and numpy raise about bytes that make no sense.
_NONSENSE: Final = (
    ProtobufError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
    RuntimeError,
    NotImplementedError,
)


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A model without its large payloads, and the way back to each of them.

    Args:
        model: everything in the file but the payloads over `THRESHOLD` bytes. A tensor whose
            payload was left out is marked as external data, with an entry ``cnnscope`` naming its
            encoding.
        path: as the user gave it, or None for a model in memory.
        file_bytes: size of the model file, external data apart; None for a `ModelProto`.
        weights: where the weights are (small constants in nodes count only if there is no other):
            ``"inline"``, ``"external"``, ``"mixed"`` (some of each), ``"missing"`` (external files
            that don't exist or are too short) or ``"none"``.
        missing: the external locations that are missing, each once.
    """

    model: onnx.ModelProto
    path: str | None
    file_bytes: int | None
    weights: str
    missing: tuple[str, ...]
    _data: _Bytes = field(default=b"", repr=False)
    _left_out: Mapping[_Place, TensorProto | None] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, object]:
        """For pickle and copies: a mapped file goes by its path, to be mapped again."""
        state = dict(self.__dict__)
        if isinstance(self._data, mmap.mmap):
            state["_data"] = None
            state["path"] = self.path
            state["_size"] = len(self._data)
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        size = state.pop("_size", None)
        if state["_data"] is None:
            state["_data"] = b""
            # Without its file a report still says all that it said; stored numbers can't be read.
            with contextlib.suppress(ModelFileError):
                data = _map_path(str(state["path"]))
                if len(data) == size:
                    state["_data"] = data
        self.__dict__.update(state)

    def read(self, tensor: TensorProto) -> npt.NDArray[np.generic]:
        """The numbers of one tensor of `model`, mapped from where they are stored.

        Fixed-width numbers are a read-only view of the file; others are decoded by onnx.
        """
        what = f"tensor {tensor.name!r}"
        try:
            place = _place(tensor)
            if place in self._left_out:
                return self._read_left_out(tensor, place)
            if tensor.data_location == TensorProto.EXTERNAL:
                return _view(tensor, "raw", self._map_external(tensor))
            return numpy_helper.to_array(tensor)
        except OSError as error:
            raise ModelFileError(f"{what} can't be read: {error.strerror or error}") from error
        except _NONSENSE as error:
            raise ModelFileError(f"{what} can't be decoded: {_misfit(tensor, error)}") from error

    def _read_left_out(self, tensor: TensorProto, place: _Place) -> npt.NDArray[np.generic]:
        kind, offset, length = place
        original = self._left_out[place]
        if original is not None:
            return numpy_helper.to_array(original)
        if len(self._data) < offset + length:
            raise ModelFileError("the model file isn't there any more, or has become shorter")
        # Touching a mapped page that the file no longer has kills the process.
        if isinstance(self._data, mmap.mmap) and self._data.size() < offset + length:
            raise ModelFileError("the model file has become shorter since it was opened")
        payload = memoryview(self._data)[offset : offset + length]
        return _view(tensor, kind, payload)

    def _map_external(self, tensor: TensorProto) -> memoryview:
        location, offset, length = _external(tensor)
        path = _inside_folder(tensor, location, self.path)
        if path is None or _file_size(path) < offset + length:
            raise ModelFileError(
                f"the data of tensor {tensor.name!r} is in {location!r}, which is missing or too"
                " short; put that file next to the model"
            )
        if not length:
            return memoryview(b"")
        return np.memmap(path, np.uint8, "r", offset, (length,)).data


def open_model(source: str | os.PathLike[str] | bytes | onnx.ModelProto | IO[bytes]) -> ModelFile:
    """Read a model from a path, bytes, a binary file object or memory, leaving out its weights.

    A path that ends in one of onnx's text formats (``.textproto``, ``.json``, ``.onnxtxt``, ...) is
    read as that; anything else as protobuf. Raises `ModelFileError`, and nothing else, for a file
    that isn't a readable model, or one whose external data lies outside its folder.
    """
    if isinstance(source, onnx.ModelProto):
        return _from_memory(source, path=None, file_bytes=None)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(source), path=None)
    if isinstance(source, (str, os.PathLike)):
        path = os.fsdecode(source)
        return _parse(_map_path(path), path)
    if hasattr(source, "read"):
        return _from_bytes(*_map_file_object(source))
    raise wrong_model(source)


# From the outside world to bytes


def _map_path(path: str) -> _Bytes:
    try:
        with open_regular(Path(path)) as file:
            return _map(file)
    except NoRegularFileError as error:
        raise ModelFileError(error.strerror or "") from None
    except FileNotFoundError:
        raise ModelFileError("there is no such file; check the path") from None
    except IsADirectoryError:
        raise ModelFileError("this is a folder; give the .onnx file inside it") from None
    except OSError as error:
        raise ModelFileError(f"the file can't be read: {error.strerror or error}") from error
    except (ValueError, MemoryError) as error:
        raise ModelFileError(f"the file can't be read: {_one_line(error)}") from error


def _map(file: BinaryIO | io.FileIO) -> _Bytes:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ModelFileError("this is a device, not a file; give a file")
    if not status.st_size:
        return b""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _map_file_object(file: IO[bytes]) -> tuple[_Bytes, str | None]:
    """The bytes from where the file stands, and its path if it is a whole file on disk."""
    raw = getattr(file, "raw", file)
    try:
        # Many a file object has the `fileno` of another file, one it decompresses, say.
        if isinstance(raw, io.FileIO) and file.seekable() and file.tell() == 0:
            name = raw.name if isinstance(raw.name, str) and Path(raw.name).exists() else None
            return _map(raw), name
        data = file.read()
    except (OSError, ValueError, TypeError, MemoryError, EOFError) as error:
        raise ModelFileError(f"the file can't be read: {_one_line(error)}") from error
    if not isinstance(data, bytes):
        raise ModelFileError("the file is open as text; open it with mode 'rb'")
    return data, None


# From bytes to a model


def _depth(text: bytes) -> int:
    """How many brackets are open at most; those in strings count too, which is on the safe side."""
    signs = np.frombuffer(text, np.uint8)
    opened = np.isin(signs, np.frombuffer(b"([{<", np.uint8)).astype(np.int32)
    # Only opening ones before a closing one of any kind: "=>" closes nothing.
    closed = np.isin(signs, np.frombuffer(b")]}", np.uint8)).astype(np.int32)
    closed[1:] |= ((signs[1:] == ord(">")) & (signs[:-1] != ord("="))).astype(np.int32)
    return int(np.max(np.cumsum(opened - closed), initial=0))


def _parse(data: _Bytes, path: str) -> ModelFile:
    ending = PurePath(path).suffix.lower()
    form = onnx.serialization.registry.get_format_from_file_extension(ending)
    if form in (None, "protobuf"):
        return _from_bytes(data, path)
    size = len(data)
    if not size:
        raise ModelFileError("the file is empty; download or export it again")
    if form == "onnxtxt" and _depth(data[:]) > TEXT_DEPTH:
        raise ModelFileError(
            f"the text nests more than {TEXT_DEPTH} brackets in each other; flatten its subgraphs"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # onnxtxt is "experimental"; the user chose the file
            serializer = onnx.serialization.registry.get(form)
            model = serializer.deserialize_proto(data[:], onnx.ModelProto())
    except Exception as error:  # each text parser has its own family of errors
        what = _looks_like(data[:512]) or f"not a model in the {form} format: {_one_line(error)}"
        raise ModelFileError(what) from error
    return _from_memory(model, path, size)


def _from_bytes(data: _Bytes, path: str | None) -> ModelFile:
    if not len(data):
        raise ModelFileError("the file is empty; download or export it again")
    location = PurePath(path).name if path else _IN_MEMORY
    walk = _Walk(data, THRESHOLD, location)
    try:
        _advise(data, "MADV_RANDOM")  # no read-ahead: what follows a header is a payload
        kept = walk.message("ModelProto", 0, len(data))
        if kept is None:
            kept = data[:]
        _advise(data, "MADV_NORMAL")
        model = _decode(data, kept)
        _check_graph(model)
    except ModelFileError as error:
        looks = _looks_like(data[:512])
        if looks is None:
            raise
        raise ModelFileError(looks) from error
    except (MemoryError, RecursionError) as error:
        raise ModelFileError(f"the model is too large or deep: {_one_line(error)}") from error
    mentions = _mentions(kept, walk.left_out, location)
    weights, missing = _weights(model, walk.left_out, path, mentions)
    return ModelFile(model, path, len(data), weights, missing, data, walk.left_out)


def _decode(data: _Bytes, kept: bytes) -> onnx.ModelProto:
    if len(kept) >= 1 << 31:
        raise ModelFileError("the model, without its weights, exceeds protobuf's 2 GB")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(kept)
    except _NONSENSE as error:
        # protobuf says that, not where: every message is walked again, small ones too.
        _Walk(data, -1, "").message("ModelProto", 0, len(data))
        raise _corrupt(_one_line(error)) from error
    return model


def _check_graph(model: onnx.ModelProto) -> None:
    """Protobuf decodes many things that aren't models: a model has a graph with something in it."""
    graph = model.graph
    if not (graph.node or graph.output or graph.input):
        raise ModelFileError("not an ONNX model: there is no graph in it; give the .onnx file")


def _advise(data: _Bytes, advice: str) -> None:
    if isinstance(data, mmap.mmap) and hasattr(mmap, advice):
        data.madvise(getattr(mmap, advice))


class _Walk:
    """One walk over a model's bytes, leaving out payloads of more than `threshold` bytes."""

    def __init__(self, data: _Bytes, threshold: int, location: str) -> None:
        self.data = data
        self.threshold = threshold
        self.location = _entry(b"location", os.fsencode(location))
        self.left_out: dict[_Place, TensorProto | None] = {}

    def message(self, kind: str, start: int, end: int, depth: int = 1) -> bytes | None:
        """The message at [start, end) without its large payloads; None if it has none.

        A message no larger than the threshold can't hold one, and is stepped over whole.
        """
        if kind == "TensorProto":
            return self.tensor(start, end)
        if depth > DEPTH:
            raise _nested_too_deeply()
        data, threshold, children = self.data, self.threshold, _CHILDREN[kind]
        pieces: list[bytes] = []
        copied = start
        for tag, key, inside, stop in _fields(data, start, end):
            if stop - inside <= threshold or key not in children:
                continue
            child, unmergeable = children[key]
            if unmergeable and not self.occurs_once(key, start, end):
                break
            kept = self.message(child, inside, stop, depth + 1)
            if kept is not None:
                pieces += data[copied:tag], _varint_bytes(key), _varint_bytes(len(kept)), kept
                copied = stop
        if not pieces:
            return None
        pieces.append(data[copied:end])
        return b"".join(pieces)

    def occurs_once(self, key: int, start: int, end: int) -> bool:
        return sum(key == other for _, other, _, _ in _fields(self.data, start, end)) == 1

    def tensor(self, start: int, end: int) -> bytes | None:
        """The TensorProto at [start, end), its payload replaced by the place where it is."""
        data = self.data
        pieces: list[bytes] = []
        copied = start
        kinds = set()
        count = total = first = last = 0
        external = False
        for tag, key, inside, stop in _fields(data, start, end):
            if key in _PAYLOAD_KEYS:
                kinds.add(_PAYLOAD_KEYS[key])
                first = first if count else tag
                last = stop
                count += 1
                total += stop - inside
                if copied < tag:
                    pieces.append(data[copied:tag])
                copied = stop
            elif key == _LOCATION_KEY:
                external = _varint(data, inside)[0] == TensorProto.EXTERNAL
        if total <= self.threshold or not count:
            return None
        pieces.append(data[copied:end])
        if not external:  # else the payload is never looked at: external data go before it
            place = "fields", first, last - first
            if count == 1:
                place = kinds.pop().replace("raw_data", "raw"), last - total, total
            self.left_out[place] = None
            pieces.append(_marker(self.location, place))
        return b"".join(pieces)


def _fields(data: _Bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Each field of the message at [start, end): where it starts, its key, its value's extent."""
    position = tag = start
    try:
        while position < end:
            tag = position
            key = data[position]
            position += 1
            if key > 127:
                key, position = _varint(data, tag)
            inside = position
            wire = key & 7
            if wire == 2:
                size = data[position]
                inside += 1
                if size > 127:
                    size, inside = _varint(data, position)
                position = inside + size
            elif wire == 0:
                position = _varint(data, position)[1]
            elif wire == 5:
                position += 4
            elif wire == 1:
                position += 8
            if position > end:
                raise _beyond(data, tag, position, end)
            if (position == inside and wire != 2) or key < 8:
                raise _corrupt(f"there is no protobuf field at byte {tag}")
            yield tag, key, inside, position
    except IndexError:
        raise _beyond(data, tag, len(data) + 1, len(data)) from None


def _varint(data: _Bytes, position: int) -> tuple[int, int]:
    """A number in base 128, least digit first, every byte but the last marked; where it ends."""
    value = shift = 0
    while shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise _corrupt(f"the number before byte {position} has no end")


def _corrupt(fact: str) -> ModelFileError:
    return ModelFileError(f"not an ONNX model, or a corrupt one: {fact}")


def _beyond(data: _Bytes, tag: int, position: int, end: int) -> ModelFileError:
    if end < len(data):
        return _corrupt(
            f"the field at byte {tag} ends at byte {position}, beyond the message around it, which"
            f" ends at byte {end}; download or export it again"
        )
    upto = f"needs {position} bytes" if position > end + 1 else "needs more"
    return ModelFileError(
        f"not an ONNX model, or one cut short: the field at byte {tag} {upto}, the file has {end};"
        " download or export it again"
    )


def _nested_too_deeply() -> ModelFileError:
    return ModelFileError(
        f"the model's subgraphs are nested too deeply: protobuf reads {DEPTH} messages in each"
        " other; flatten them"
    )


@lru_cache(256)
def _varint_bytes(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def _entry(key: bytes, value: bytes) -> bytes:
    """One ``external_data`` entry of a TensorProto: a message of two strings."""
    body = b"\x0a%c%b\x12%b%b" % (len(key), key, _varint_bytes(len(value)), value)
    return b"%c%b%b" % (_ENTRY_KEY, _varint_bytes(len(body)), body)


def _marker(location: bytes, place: _Place) -> bytes:
    """What makes a tensor an external one; `location` is an entry already."""
    kind, offset, length = place
    return b"%c%c%b%b%b%b" % (
        _LOCATION_KEY,
        TensorProto.EXTERNAL,
        location,
        _entry(b"offset", b"%d" % offset),
        _entry(b"length", b"%d" % length),
        _entry(b"cnnscope", kind.encode()),
    )


_SIGNATURES: Final = (
    (0, b"version https://git-lfs", "this is a Git LFS pointer, not the model; run git lfs pull"),
    (4, b"ORTM", "this is ONNX Runtime's own format (.ort); use the .onnx it was made from"),
    (4, b"TFL3", "this is a TensorFlow Lite model; convert it to ONNX (tf2onnx)"),
    (0, b"PK\x03\x04", "this is a zip archive, perhaps a PyTorch model; export it to ONNX"),
    (0, b"\x1f\x8b", "this is compressed with gzip; decompress it first"),
    (0, b"BZh", "this is compressed with bzip2; decompress it first"),
    (0, b"\xfd7zXZ\0", "this is compressed with xz; decompress it first"),
    (0, b"\x28\xb5\x2f\xfd", "this is compressed with zstd; decompress it first"),
    (0, b"7z\xbc\xaf\x27\x1c", "this is a 7-Zip archive; unpack it and give the .onnx file"),
    (257, b"ustar", "this is a tar archive; unpack it and give the .onnx file"),
    (0, b"GGUF", "this is a GGUF file: weights without a graph; export the model to ONNX"),
    (0, b"\x89PNG", "this is a picture, not a model"),
    (0, b"\xff\xd8\xff", "this is a picture, not a model"),
    (0, b"%PDF", "this is a PDF document, not a model"),
    (0, b"\x7fELF", "this is a program or library, not a model"),
    (0, b"\x89HDF", "this is an HDF5 file, perhaps a Keras model; convert it to ONNX"),
    (0, b"\x93NUMPY", "this is a numpy array; give the .onnx file"),
    (8, b'{"', "this is a safetensors file: weights without a graph; export the model to ONNX"),
    (0, b"<!doctype html", "this is a web page, not a model; download the file itself"),
    (0, b"<html", "this is a web page, not a model; download the file itself"),
    (0, b"<?xml", "this is XML, perhaps an OpenVINO model; use the .onnx it was made from"),
    (0, b"ir_version:", "this is a model as protobuf text; rename it to .textproto"),
    (0, b"{", "this is JSON; if it is a model, rename it to .onnxjson"),
)


def _looks_like(head: bytes) -> str | None:
    """What a file that isn't a model seems to be; asked only once it is known not to be one."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<" and b"ir_version" in text:
        return "this is a model as onnx's own text; rename it to .onnxtxt"
    for offset, magic, what in _SIGNATURES:
        if head[offset:].startswith(magic) or (not offset and text.lower().startswith(magic)):
            return what
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "this is a Python pickle, perhaps a PyTorch model; export it to ONNX"
    return None


# A model in memory


def _from_memory(source: onnx.ModelProto, path: str | None, file_bytes: int | None) -> ModelFile:
    left_out: dict[_Place, TensorProto | None] = {}
    model = onnx.ModelProto()
    try:
        _copy(source, model, left_out)
        _check_graph(model)
        mentions = _mentions(model.SerializeToString(), left_out, _IN_MEMORY)
    except _NONSENSE as error:
        raise ModelFileError(f"the model in memory is corrupt: {_one_line(error)}") from error
    weights, missing = _weights(model, left_out, path, mentions)
    return ModelFile(model, path, file_bytes, weights, missing, b"", left_out)


def _copy(
    source: Message, target: Message, left_out: dict[_Place, TensorProto | None], depth: int = 1
) -> None:
    """Copy a message without ever copying, or serialising, a large payload inside it."""
    if depth > DEPTH:
        raise _nested_too_deeply()
    if isinstance(source, TensorProto) and isinstance(target, TensorProto):
        _copy_tensor(source, target, left_out)
        return
    if isinstance(source, onnx.NodeProto) and _is_plain(source):
        target.CopyFrom(source)
        return
    holds = _HOLDS[source.DESCRIPTOR.name]
    for descriptor, value in source.ListFields():
        name = descriptor.name
        if name in holds and name in _ONCE:
            getattr(target, name).SetInParent()
            _copy(value, getattr(target, name), left_out, depth + 1)
        elif name in holds:
            for item in value:
                _copy(item, getattr(target, name).add(), left_out, depth + 1)
        else:
            _copy_field(target, name, value)


def _copy_field(target: Message, name: str, value: object) -> None:
    if isinstance(value, (int, float, str, bytes)):
        setattr(target, name, value)
    else:
        getattr(target, name).MergeFrom(value)


def _copy_tensor(
    source: TensorProto, target: TensorProto, left_out: dict[_Place, TensorProto | None]
) -> None:
    # Asking protobuf for raw_data copies it, so its size is taken from what the tensor declares.
    if source.HasField("raw_data"):
        kind, length = "raw", _declared_bytes(source)
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
        target.MergeFromString(_marker(_entry(b"location", _IN_MEMORY.encode()), place))


def _is_plain(node: onnx.NodeProto) -> bool:
    """Whether no attribute of the node holds a tensor or a graph: it may be copied whole."""
    return all(attribute.type in _PLAIN for attribute in node.attribute)


_PLAIN: Final = frozenset(
    getattr(onnx.AttributeProto, name)
    for name in ("FLOAT", "INT", "STRING", "FLOATS", "INTS", "STRINGS")
)


# Where the weights are


def _mentions(kept: bytes, left_out: Mapping[_Place, object], location: str) -> int:
    """How often a model without its payloads says "location", our own markers apart."""
    return kept.count(b"location") - len(left_out) * (1 + location.count("location"))


def _weights(
    model: onnx.ModelProto,
    left_out: Mapping[_Place, TensorProto | None],
    path: str | None,
    mentions: int,
) -> tuple[str, tuple[str, ...]]:
    """Where the weights are and which files lack, once every external location is known to be safe.

    Every external tensor mentions the word "location". Given how often the model does, most models
    need no look at the attributes of all their nodes, which takes longer than all else here.
    """
    sizes: dict[str, int] = {}
    folders: dict[Path, Path] = {}
    missing: dict[str, None] = {}
    inline = bool(left_out)
    external = False
    seen = False

    def look(tensor: TensorProto) -> bool:
        if tensor.data_location != TensorProto.EXTERNAL or _place(tensor) in left_out:
            return False
        location, offset, length = _external(tensor)
        if location not in sizes:
            resolved = _inside_folder(tensor, location, path, folders)
            sizes[location] = -1 if resolved is None else _file_size(resolved)
        if sizes[location] < offset + length:
            missing[location] = None
        return True

    for tensor in _initializers(model.graph):
        seen = True
        if look(tensor):
            external = True
            mentions -= 1
        else:
            inline = True
    if mentions > 0 or not (seen or inline):
        for tensor in _tensors(model):
            if look(tensor):
                external = True
            elif not seen:
                inline = True
                if mentions <= 0:
                    break
    if missing:
        return "missing", tuple(missing)
    if inline and external:
        return "mixed", ()
    return "inline" if inline else "external" if external else "none", ()


def _initializers(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values
        yield sparse.indices


def _tensors(message: Message) -> Iterator[TensorProto]:
    """Every tensor in a message, however deep; the walk before saw to it that this is not deep."""
    if isinstance(message, TensorProto):
        yield message
        return
    for name in _HOLDS[message.DESCRIPTOR.name]:
        if name not in _ONCE:
            for item in getattr(message, name):
                yield from _tensors(item)
        elif message.HasField(name):
            yield from _tensors(getattr(message, name))


def _place(tensor: TensorProto) -> _Place:
    """The place that a marker names; ("", -1, -1) for a tensor without one."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    try:
        return entries["cnnscope"], int(entries["offset"]), int(entries["length"])
    except (KeyError, ValueError, TypeError):
        return "", -1, -1


def _external(tensor: TensorProto) -> tuple[str, int, int]:
    """Location, offset and length of a tensor's external data, all of them sane."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    if len(entries) < len(tensor.external_data):  # which of them another reader takes, who knows
        raise ModelFileError(
            f"the place of the data of tensor {tensor.name!r} is given twice; export it again"
        )
    location = entries.get("location")
    if not isinstance(location, str) or not location or "\0" in location:
        raise ModelFileError(
            f"the data of tensor {tensor.name!r} is external, with no file named; export it again"
        )
    try:
        offset = int(entries.get("offset") or 0)
        length = int(entries.get("length") or _declared_bytes(tensor))
    except (ValueError, TypeError):
        offset = length = -1
    if offset < 0 or length < 0:
        raise ModelFileError(
            f"the data of tensor {tensor.name!r} is in {location!r}, at no valid place; export it"
            " again"
        )
    return location, offset, length


def _resolved(path: Path, folders: dict[Path, Path]) -> Path:
    """`path.resolve()`, each folder looked up once: thousands of files may lie in one."""
    if path.name in ("", ".."):
        return path.resolve()
    folder = folders.get(path.parent)
    if folder is None:
        folder = folders[path.parent] = path.parent.resolve()
    return path.resolve() if (folder / path.name).is_symlink() else folder / path.name


def _inside_folder(
    tensor: TensorProto, location: str, path: str | None, folders: dict[Path, Path] | None = None
) -> str | None:
    """The file that a location names: below the model's folder, or an error. None if no folder.

    The folder of the file that a link to the model leads to counts too: caches such as Hugging
    Face's keep model and weights side by side and link to both.
    """
    parts = PureWindowsPath(location).parts if os.name == "nt" else PurePosixPath(location).parts
    depth = 0
    for part in parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            break
    unsafe = f"the data of tensor {tensor.name!r} is in {location!r}, outside the model's folder"
    if depth < 0 or PurePosixPath(location).is_absolute() or PureWindowsPath(location).anchor:
        raise OutsideFolderError(f"{unsafe}; not opened, for it could be any file of yours")
    if path is None:
        return None
    known = {} if folders is None else folders
    try:
        resolved = _resolved(Path(path).parent / location, known)
        roots = (
            _resolved(Path(path).parent / "m", known).parent,
            _resolved(Path(path), known).parent,
        )
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a name too long
        raise OutsideFolderError(f"{unsafe}, or nowhere: {_one_line(error)}") from error
    if not any(resolved.is_relative_to(root) for root in roots):
        raise OutsideFolderError(
            f"{unsafe} (a link); not opened, for it could be any file of yours"
        )
    return str(resolved)


def _file_size(path: str) -> int:
    """Size of a regular file; -1 if there is none."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return -1
    return status.st_size if stat.S_ISREG(status.st_mode) else -1


# From a payload to an array


def _declared_bytes(tensor: TensorProto) -> int:
    """Bytes that a tensor of these dimensions and this type takes in raw form; 0 if unknown."""
    elements: int = math.prod(tensor.dims)
    return (max(0, elements) * _BITS.get(tensor.data_type, 0) + 7) // 8


def _view(tensor: TensorProto, kind: str, payload: memoryview) -> npt.NDArray[np.generic]:
    """A tensor's numbers, out of a payload of the given kind."""
    if tensor.data_type in _LIKE_RAW.get(kind, ()):
        expected = _declared_bytes(tensor)
        if expected != len(payload):
            raise ModelFileError(
                f"tensor {tensor.name!r} declares {expected} bytes ({list(tensor.dims)}) but has"
                f" {len(payload)}; export the model again"
            )
        dtype = np.dtype(_LITTLE_ENDIAN[tensor.data_type])
        return np.frombuffer(payload, dtype).reshape(tuple(tensor.dims))
    whole = TensorProto()
    if kind == "raw":
        whole.raw_data = bytes(payload)
    elif kind == "fields":
        whole.ParseFromString(bytes(payload))
        del whole.dims[:], whole.external_data[:]
        whole.ClearField("data_location")
    else:
        head = _varint_bytes(_key("TensorProto", kind)) + _varint_bytes(len(payload))
        whole.ParseFromString(head + payload)
    whole.dims.extend(tensor.dims)
    whole.data_type = tensor.data_type
    return numpy_helper.to_array(whole)


def _misfit(tensor: TensorProto, error: BaseException) -> str:
    """Why a tensor's numbers can't be had; numpy and onnx say that in words for their callers."""
    if not isinstance(error, ValueError) or isinstance(error, ProtobufError):
        return _one_line(error)
    dims = list(tensor.dims)
    shape = f"{len(dims)} axes" if len(dims) > 8 else str(dims)
    return f"what is stored doesn't go together with its type and shape ({shape})"


def _one_line(error: BaseException) -> str:
    if isinstance(error, ProtobufError):
        return "its encoding as protobuf is broken"
    if isinstance(error, MemoryError):
        return "there isn't so much memory"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, (TypeError, KeyError, IndexError, AttributeError, OverflowError)):
        return "what is stored there contradicts itself"
    said = error.args[0] if error.args else ""
    said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)
    text = " ".join(said.split()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."
