"""What does a model file say, besides the numbers its weights hold?

`onnx.load` copies every weight before anyone can look at the graph. Here the file is memory-mapped
and its protobuf encoding walked (ModelProto -> graph -> initializer or node attribute ->
TensorProto), stepping over each large payload without touching its pages. What remains, a few
kilobytes, is parsed by protobuf itself. A left-out tensor keeps its name, type and dimensions and,
as ONNX's own external data (location, offset, length), the place of its numbers, so that
`ModelFile.read` can map them when somebody asks.
"""

from __future__ import annotations

import mmap
import os
import warnings
from contextvars import ContextVar
from dataclasses import field, replace
from pathlib import PurePath
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto

from cnnscope.analyzer.model.byte_ranges import ByteRanges, BytesAtHand
from cnnscope.analyzer.model.file_mapping import MappedFile, map_path
from cnnscope.analyzer.model.memory_copy import IN_MEMORY, copy_without_payloads
from cnnscope.analyzer.model.payload_places import Place, marked_place
from cnnscope.analyzer.model.piped import Piped
from cnnscope.analyzer.model.remote import Remote
from cnnscope.analyzer.model.remote_names import is_far
from cnnscope.analyzer.model.tensor_bytes import numbers_view
from cnnscope.analyzer.model.text_depth import TEXT_DEPTH, bracket_depth
from cnnscope.analyzer.model.unreadable import NONSENSE, error_line, looks_like, misfit
from cnnscope.analyzer.model.weight_places import (
    external_locations,
    external_place,
    file_size,
    find_weight_places,
    holds,
    inside_folder,
    location_mentions,
)
from cnnscope.analyzer.model.wire_format import THRESHOLD, FileBytes, Walk, corrupt
from cnnscope.analyzer.values.arguments import wrong_model
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnscope.analyzer.model.fetching import Fetched


#: told of each stored tensor whose numbers are asked for, by name, where somebody wants to know
asked_numbers: ContextVar[set[str] | None] = ContextVar("asked_numbers", default=None)


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
            that don't exist or are too short), ``"unknown"`` (external files far away that nobody looked
            for) or ``"none"``.
        missing: the external locations that are missing, each once.
        remote: the place, where the model lies far away.
        notes: what a reader should know of how it was read: sentences.
    """

    model: onnx.ModelProto
    path: str | None
    file_bytes: int | None
    weights: str
    missing: tuple[str, ...]
    remote: Remote | None = None
    notes: tuple[str, ...] = ()
    _ranges: ByteRanges = field(default=BytesAtHand(b""), repr=False)
    _left_out: Mapping[Place, TensorProto | None] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str | None:
        """What it is called: its path, or what stands for one; None in memory."""
        data = self._ranges.data if isinstance(self._ranges, BytesAtHand) else None
        return data.name if isinstance(data, Piped) else self.path

    @property
    def whole(self) -> FileBytes | None:
        """The file's bytes, mapped or in memory; None for a text, a model in memory and one far away."""
        ranges = self._ranges
        if isinstance(ranges, (MappedFile, BytesAtHand)) and ranges.size == self.file_bytes:
            return ranges.data
        return None

    def read(self, tensor: TensorProto) -> npt.NDArray[np.generic]:
        """The numbers of one tensor of `model`, mapped from where they are stored.

        Fixed-width numbers are a read-only view of the file; others are decoded by onnx.
        """
        what = f"tensor {tensor.name!r}"
        note_asked(tensor.name)
        try:
            place = marked_place(tensor)
            if place in self._left_out:
                return self._read_left_out(tensor, place)
            if tensor.data_location == TensorProto.EXTERNAL:
                return numbers_view(tensor, "raw", self._map_external(tensor))
            return onnx.numpy_helper.to_array(tensor)
        except OSError as error:
            raise ModelFileError(f"{what} can't be read: {error.strerror or error}") from error
        except NONSENSE as error:
            raise ModelFileError(f"{what} can't be decoded: {misfit(tensor, error)}") from error

    def _read_left_out(self, tensor: TensorProto, place: Place) -> npt.NDArray[np.generic]:
        kind, offset, length = place
        original = self._left_out[place]
        if original is not None:
            return onnx.numpy_helper.to_array(original)
        return numbers_view(tensor, kind, memoryview(self._ranges.read(offset, length)))

    def _map_external(self, tensor: TensorProto) -> memoryview:
        location, offset, length = external_place(tensor)
        path = inside_folder(tensor, location, None if self.remote else self.path)
        if self.remote is not None:
            raise ModelFileError(
                f"the data of tensor {tensor.name!r} is in {location!r}, which isn't read from afar:"
                " download both"
            )
        if path is None or file_size(path) < offset + length:
            raise ModelFileError(
                f"the data of tensor {tensor.name!r} is in {location!r}, which is missing or too"
                " short; put that file next to the model"
            )
        if not length:
            return memoryview(b"")
        return np.memmap(path, np.uint8, "r", offset, (length,)).data


def note_asked(name: str) -> None:
    """Somebody asks for the numbers of the stored tensor of that name."""
    asked = asked_numbers.get()
    if asked is not None:
        asked.add(name)


def open_model(
    source: str | os.PathLike[str] | bytes | onnx.ModelProto | IO[bytes] | Remote,
) -> ModelFile:
    """Read a model from a path, a URL, bytes, a binary file object or memory, leaving out its weights.

    A path that ends in one of onnx's text formats (``.textproto``, ``.json``, ``.onnxtxt``, ...) is
    read as that; anything else as protobuf. Raises `ModelFileError`, and nothing else, for a file
    that isn't a readable model, or one whose external data lies outside its folder.
    """
    if isinstance(source, onnx.ModelProto):
        return _from_memory(source, path=None, file_bytes=None)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_ranges(BytesAtHand(_flat(source)), path=None)
    if isinstance(source, Remote):
        return _from_afar(source)
    if isinstance(source, str) and is_far(source):
        return _from_afar(Remote(source))
    if isinstance(source, (str, os.PathLike)):
        path = os.fsdecode(source)
        return _parse(map_path(path), path)
    if hasattr(source, "read"):
        from cnnscope.analyzer.model.file_objects import open_file_object

        return _from_ranges(*open_file_object(source))
    raise wrong_model(source)


# From bytes to a model


def _from_afar(remote: Remote) -> ModelFile:
    """Once: whoever has the same `Remote` gets the same file."""
    if isinstance(remote.kept, ModelFile):
        return remote.kept
    ranges = remote.ranges()
    if isinstance(ranges, MappedFile) and ranges.path is not None:
        remote.kept = _parse(ranges, ranges.path)
        return remote.kept
    settle = getattr(ranges, "settle", lambda: None)
    try:
        file = _from_ranges(ranges, remote.name, remote)
    finally:
        settle()  # if it has changed, that is why it makes no sense
    weights, missing = file.weights, file.missing
    if missing:
        look = getattr(ranges, "sizes_beside", None)
        beside: Mapping[str, int | None] = {} if look is None else look(missing)
        missing = tuple(
            name for name, end in external_locations(file.model).items()
            if name in beside and not holds(beside[name], end)
        )  # fmt: skip
        there = "mixed" if file._left_out else "external"
        weights = "missing" if missing else there if len(beside) == len(file.missing) else "unknown"
    notes = tuple(getattr(ranges, "notes", ()))
    remote.kept = replace(file, weights=weights, missing=missing, notes=notes)
    return remote.kept


def _flat(source: bytes | bytearray | memoryview) -> bytes | bytearray | memoryview:
    """A buffer as bytes in a row, not copied if it is that already."""
    if not isinstance(source, memoryview):
        return source
    return source.cast("B").toreadonly() if source.c_contiguous else bytes(source)


def _parse(ranges: MappedFile, path: str) -> ModelFile:
    ending = PurePath(path).suffix.lower()
    usual = ending in ("", ".onnx")  # so that nothing loads what reads texts
    form = None if usual else onnx.serialization.registry.get_format_from_file_extension(ending)
    if form in (None, "protobuf"):
        return _from_ranges(ranges, path)
    data, size = ranges.data, ranges.size
    if not size:
        raise ModelFileError("the file is empty; download or export it again")
    if form == "onnxtxt" and bracket_depth(data[:]) > TEXT_DEPTH:
        raise ModelFileError(
            f"the text nests more than {TEXT_DEPTH} brackets in each other; flatten its subgraphs"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # onnxtxt is "experimental"; the user chose the file
            serializer = onnx.serialization.registry.get(form)
            model = serializer.deserialize_proto(data[:], onnx.ModelProto())
    except Exception as error:  # each text parser has its own family of errors
        what = looks_like(data[:512]) or f"not a model in the {form} format: {error_line(error)}"
        raise ModelFileError(what) from error
    return _from_memory(model, path, size)


def _from_ranges(ranges: ByteRanges, path: str | None, remote: Remote | None = None) -> ModelFile:
    if not ranges.size:
        raise ModelFileError("the file is empty; download or export it again")
    location = PurePath(path).name if path else IN_MEMORY
    fetched: Fetched | None = None
    if isinstance(ranges, (MappedFile, BytesAtHand)):
        data: FileBytes = ranges.data
    else:  # loaded for what isn't at hand alone
        from cnnscope.analyzer.model.fetching import Fetched
        from cnnscope.analyzer.model.guessing import Guesser

        data = fetched = Fetched(ranges, Guesser())
    walk = Walk(data, THRESHOLD, location, None if fetched is None else fetched.leave_out)
    try:
        _advise(data, "MADV_RANDOM")  # no read-ahead: what follows a header is a payload
        pieces = walk.message("ModelProto", 0, len(data)) or [slice(0, len(data))]
        if fetched is not None:
            fetched.fetch((x.start, x.stop) for x in pieces if isinstance(x, slice))
        kept = b"".join([x if isinstance(x, bytes) else data[x] for x in pieces])
        _advise(data, "MADV_NORMAL")
        model = _decode(data, kept)
        _check_graph(model)
    except ModelFileError as error:
        looks = looks_like(bytes(data[:512]))
        if looks is None:
            raise
        raise ModelFileError(looks) from error
    except (MemoryError, RecursionError) as error:
        raise ModelFileError(f"the model is too large or deep: {error_line(error)}") from error
    mentions = location_mentions(kept, walk.left_out, location)
    weights, missing = find_weight_places(model, walk.left_out, None if remote else path, mentions)
    return ModelFile(model, path, ranges.size, weights, missing, remote, (), ranges, walk.left_out)


def _decode(data: FileBytes, kept: bytes) -> onnx.ModelProto:
    if len(kept) >= 1 << 31:
        raise ModelFileError("the model, without its weights, exceeds protobuf's 2 GB")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(kept)
    except NONSENSE as error:
        # protobuf says that, not where: every message is walked again, small ones too.
        Walk(data, -1, "").message("ModelProto", 0, len(data))
        raise corrupt(error_line(error)) from error
    return model


def _check_graph(model: onnx.ModelProto) -> None:
    """Protobuf decodes many things that aren't models: a model has a graph with something in it."""
    graph = model.graph
    if not (graph.node or graph.output or graph.input):
        raise ModelFileError("not an ONNX model: there is no graph in it; give the .onnx file")


def _advise(data: FileBytes, advice: str) -> None:
    if isinstance(data, mmap.mmap) and hasattr(mmap, advice):
        data.madvise(getattr(mmap, advice))


# A model in memory


def _from_memory(source: onnx.ModelProto, path: str | None, file_bytes: int | None) -> ModelFile:
    left_out: dict[Place, TensorProto | None] = {}
    model = onnx.ModelProto()
    try:
        copy_without_payloads(source, model, left_out)
        _check_graph(model)
        mentions = location_mentions(model.SerializeToString(), left_out, IN_MEMORY)
    except NONSENSE as error:
        raise ModelFileError(f"the model in memory is corrupt: {error_line(error)}") from error
    weights, missing = find_weight_places(model, left_out, path, mentions)
    return ModelFile(
        model, path, file_bytes, weights, missing, None, (), BytesAtHand(b""), left_out
    )
