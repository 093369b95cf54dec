"""Where are the weights: in the model, in files beside it, or missing?

External data lie in the model's folder, or the model isn't read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import onnx
from google.protobuf.message import Message
from onnx import TensorProto

from cnnscope.analyzer.model.payload_places import Place, marked_place
from cnnscope.analyzer.model.tensor_bytes import declared_bytes
from cnnscope.analyzer.model.unreadable import error_line
from cnnscope.analyzer.model.wire_format import HOLDS, ONCE
from cnnscope.analyzer.values.diagnostics import ModelFileError, OutsideFolderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_UNMARKED = marked_place(TensorProto())


def location_mentions(kept: bytes, left_out: Mapping[Place, object], location: str) -> int:
    """How often a model without its payloads says "location", our own markers apart."""
    return kept.count(b"location") - len(left_out) * (1 + location.count("location"))


def find_weight_places(
    model: onnx.ModelProto,
    left_out: Mapping[Place, TensorProto | None],
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
        if tensor.data_location != TensorProto.EXTERNAL:
            return False
        if left_out and marked_place(tensor) in left_out:
            return False
        location, offset, length = external_place(tensor)
        if location not in sizes:
            resolved = inside_folder(tensor, location, path, folders)
            sizes[location] = -1 if resolved is None else file_size(resolved)
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


def external_locations(model: onnx.ModelProto) -> dict[str, int]:
    """The files beside a model that its weights are in, and how many bytes each has to have at least.

    Args:
        model: as read, without its payloads.
    """
    found: dict[str, int] = {}
    for tensor in _tensors(model):
        if tensor.data_location == TensorProto.EXTERNAL and marked_place(tensor) == _UNMARKED:
            location, offset, length = external_place(tensor)
            found[location] = max(found.get(location, 0), offset + length)
    return found


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
    for name in HOLDS[message.DESCRIPTOR.name]:
        if name not in ONCE:
            for item in getattr(message, name):
                yield from _tensors(item)
        elif message.HasField(name):
            yield from _tensors(getattr(message, name))


def external_place(tensor: TensorProto) -> tuple[str, int, int]:
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
        length = int(entries.get("length") or declared_bytes(tensor))
    except (ValueError, TypeError):
        offset = length = -1
    if offset < 0 or length < 0:
        raise ModelFileError(
            f"the data of tensor {tensor.name!r} is in {location!r}, at no valid place; export it"
            " again"
        )
    return location, offset, length


def holds(size: int | None, end: int) -> bool:
    """Whether a file of so many bytes, None where there is none, has those up to a place."""
    return size is not None and size >= end


def _resolved(path: Path, folders: dict[Path, Path]) -> Path:
    """`path.resolve()`, each folder looked up once: thousands of files may lie in one."""
    if path.name in ("", ".."):
        return path.resolve()
    folder = folders.get(path.parent)
    if folder is None:
        folder = folders[path.parent] = path.parent.resolve()
    return path.resolve() if (folder / path.name).is_symlink() else folder / path.name


def inside_folder(
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
        raise OutsideFolderError(f"{unsafe}, or nowhere: {error_line(error)}") from error
    if not any(resolved.is_relative_to(root) for root in roots):
        raise OutsideFolderError(
            f"{unsafe} (a link); not opened, for it could be any file of yours"
        )
    return str(resolved)


def file_size(path: str) -> int:
    """Size of a regular file; -1 if there is none."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return -1
    return status.st_size if stat.S_ISREG(status.st_mode) else -1
