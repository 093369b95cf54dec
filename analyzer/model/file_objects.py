"""How is an open file, of whatever kind, read in parts?

A file on disk is mapped, what is in memory already is looked at where it is. Of anything else that can
`seek`, ranges are read; only what can't is read whole, and what it decompresses on the way: seeking
back in it means to begin anew.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Final

from cnnscope.analyzer.model.byte_ranges import ByteRanges, BytesAtHand, Range, shorter
from cnnscope.analyzer.model.file_mapping import map_file
from cnnscope.analyzer.model.unreadable import error_line
from cnnscope.analyzer.values.diagnostics import ModelFileError

#: modules whose file objects decompress: seeking back means to start again
_DECOMPRESSING: Final = frozenset(
    {"gzip", "bz2", "lzma", "zipfile", "_compression", "compression", "zstandard", "lz4", "zstd"}
)


class FileRanges:
    """Parts of an open file from where it stood; it is left standing there after each.

    Args:
        file: what is read. If it has a method ``read_many``, which takes pairs of an offset and a length and
            gives as many bytes objects, all parts that don't hang on each other are asked of it at once;
            of a file of fsspec its file system is asked so (``cat_ranges``).
        start: where it stood.
        size: how many bytes there are from there on.
    """

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self.file = file
        self.start = start
        self.size = size
        self._many = _asked_at_once(file)
        self.at_once = self._many is not None

    def read(self, offset: int, length: int) -> bytes:
        return self.read_many([(offset, length)])[0]

    def read_many(self, ranges: Sequence[Range]) -> Sequence[bytes]:
        wanted = [(self.start + offset, length) for offset, length in ranges]
        try:
            if self._many is not None:
                parts = self._many(wanted)
            else:
                parts = [self._part(*each) for each in wanted]
                self.file.seek(self.start)
        except ModelFileError:
            raise
        except Exception as error:  # whatever a file of somebody else's raises
            raise unreadable(error) from error
        if len(parts) != len(wanted):
            raise ModelFileError(
                f"the file can't be read: asked for {len(wanted)} ranges at once, it gave {len(parts)}"
            )
        for part, (_, length) in zip(parts, wanted, strict=True):
            if len(part) < length:
                raise shorter()
        return parts

    def _part(self, offset: int, length: int) -> bytes:
        """Some files give less at once than was asked for: the rest is asked for again."""
        self.file.seek(offset)
        parts: list[bytes] = []
        while length > 0:
            part = checked(self.file.read(length))[:length]
            if not part:
                break
            parts.append(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __reduce__(self) -> tuple[type[BytesAtHand], tuple[bytes]]:
        """For pickle and copies: an open file can't go along, its bytes can."""
        try:
            return BytesAtHand, (bytes(self.read(0, self.size)),)
        except ModelFileError:
            return BytesAtHand, (b"",)


def open_file_object(file: IO[bytes]) -> tuple[ByteRanges, str | None]:
    """The bytes from where the file stands, and its path if it is a whole file on disk."""
    given: object = file  # which may be what an annotation denies
    if isinstance(given, io.TextIOBase):
        raise _text()
    raw = getattr(file, "raw", file)
    try:
        # Many a file object has the `fileno` of another file, one it decompresses, say.
        if isinstance(raw, io.FileIO) and file.seekable() and file.tell() == 0:
            path = raw.name if isinstance(raw.name, str) and Path(raw.name).exists() else None
            return map_file(raw, path), path
        if type(given) is io.BytesIO:
            # Not copied: a BytesIO that is written to later leaves these bytes to whoever has them.
            data, start = given.getvalue(), given.tell()
            return BytesAtHand(memoryview(data)[start:] if start else data), None
        if isinstance(given, mmap.mmap) and not given.tell():
            return BytesAtHand(given), None
        extent = _extent(file)
        if extent is not None:
            return FileRanges(file, *extent), None
        return BytesAtHand(checked(file.read())), None
    except ModelFileError:
        raise
    except Exception as error:  # whatever a file of somebody else's raises
        raise unreadable(error) from error


def _extent(file: IO[bytes]) -> tuple[int, int] | None:
    """Where a file stands and how many bytes follow; None where it has to be read from front to back."""
    if type(file).__module__.partition(".")[0] in _DECOMPRESSING:
        return None
    if not (hasattr(file, "seek") and hasattr(file, "tell")):
        return None
    try:
        if hasattr(file, "seekable") and not file.seekable():
            return None
        start = file.tell()
        file.seek(0, io.SEEK_END)
        end = file.tell()
        file.seek(start)
    except (OSError, NotImplementedError):
        return None
    if start < 0 or not 0 <= end < 1 << 63:
        raise ValueError(f"it says that it stands at byte {start} and ends at byte {end}")
    return start, max(0, end - start)


def _asked_at_once(
    file: IO[bytes],
) -> Callable[[Sequence[Range]], Sequence[bytes]] | None:
    """How a file is asked for several ranges at once; None where it can't be."""
    many = getattr(file, "read_many", None)
    if callable(many):
        return lambda wanted: [checked(part) for part in islice(many(wanted), len(wanted) + 1)]
    system, path = getattr(file, "fs", None), getattr(file, "path", None)
    cat = getattr(system, "cat_ranges", None)
    if not callable(cat) or path is None:
        return None

    def from_file_system(wanted: Sequence[Range]) -> Sequence[bytes]:
        starts, ends = [at for at, _ in wanted], [at + length for at, length in wanted]
        parts = cat([path] * len(wanted), starts, ends, on_error="raise")
        return [checked(part) for part in parts]

    return from_file_system


def checked(data: object) -> bytes:
    """What a file gave, if it is bytes."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    raise _text()


def _text() -> ModelFileError:
    return ModelFileError("the file is open as text; open it with mode 'rb'")


def unreadable(error: BaseException) -> ModelFileError:
    return ModelFileError(f"the file can't be read: {error_line(error)}")
