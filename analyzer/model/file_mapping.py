"""How does the path of a file become bytes that can be read in parts? It is mapped."""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from cnnscope.analyzer.model.byte_ranges import BytesAtHand, Part, Range, shorter
from cnnscope.analyzer.model.regular_file import NoRegularFileError, open_regular
from cnnscope.analyzer.model.unreadable import error_line
from cnnscope.analyzer.values.diagnostics import ModelFileError


class MappedFile:
    """A file on disk, mapped: a part of it is a view, read from disk when it is touched."""

    at_once = True

    def __init__(self, data: mmap.mmap | bytes, path: str | None) -> None:
        self.data = data
        self.size = len(data)
        self.path = path

    def read(self, offset: int, length: int) -> Part:
        if self.size < offset + length:
            raise shorter()
        # Touching a mapped page that the file no longer has kills the process.
        if isinstance(self.data, mmap.mmap) and self.data.size() < offset + length:
            raise ModelFileError("the model file has become shorter since it was opened")
        return memoryview(self.data)[offset : offset + length]

    def read_many(self, ranges: Sequence[Range]) -> Sequence[Part]:
        return [self.read(*each) for each in ranges]

    def __reduce__(self) -> tuple[object, tuple[str | None, int]]:
        """For pickle and copies: it goes by its path, to be mapped again."""
        return _mapped_again, (self.path, self.size)


def _mapped_again(path: str | None, size: int) -> MappedFile | BytesAtHand:
    # Without its file a report still says all that it said; stored numbers can't be read.
    with contextlib.suppress(ModelFileError):
        again = None if path is None else map_path(path)
        if again is not None and again.size == size:
            return again
    return BytesAtHand(b"")


def map_path(path: str) -> MappedFile:
    try:
        with open_regular(Path(path)) as file:
            return map_file(file, path)
    except NoRegularFileError as error:
        raise ModelFileError(error.strerror or "") from None
    except FileNotFoundError:
        raise ModelFileError("there is no such file; check the path") from None
    except IsADirectoryError:
        raise ModelFileError("this is a folder; give the .onnx file inside it") from None
    except OSError as error:
        raise ModelFileError(f"the file can't be read: {error.strerror or error}") from error
    except (ValueError, MemoryError) as error:
        raise ModelFileError(f"the file can't be read: {error_line(error)}") from error


def map_file(file: BinaryIO | io.FileIO, path: str | None) -> MappedFile:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ModelFileError("this is a device, not a file; give a file")
    if not status.st_size:
        return MappedFile(b"", path)
    return MappedFile(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), path)
