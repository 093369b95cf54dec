"""How do a path or an open file become bytes?"""

from __future__ import annotations

import io
import mmap
import os
import stat
from pathlib import Path
from typing import IO, BinaryIO

from cnnscope.analyzer.model.regular_file import NoRegularFileError, open_regular
from cnnscope.analyzer.model.unreadable import error_line
from cnnscope.analyzer.model.wire_format import FileBytes
from cnnscope.analyzer.values.diagnostics import ModelFileError


def map_path(path: str) -> FileBytes:
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
        raise ModelFileError(f"the file can't be read: {error_line(error)}") from error


def _map(file: BinaryIO | io.FileIO) -> FileBytes:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ModelFileError("this is a device, not a file; give a file")
    if not status.st_size:
        return b""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def map_file_object(file: IO[bytes]) -> tuple[FileBytes, str | None]:
    """The bytes from where the file stands, and its path if it is a whole file on disk."""
    raw = getattr(file, "raw", file)
    try:
        # Many a file object has the `fileno` of another file, one it decompresses, say.
        if isinstance(raw, io.FileIO) and file.seekable() and file.tell() == 0:
            name = raw.name if isinstance(raw.name, str) and Path(raw.name).exists() else None
            return _map(raw), name
        data = file.read()
    except (OSError, ValueError, TypeError, MemoryError, EOFError) as error:
        raise ModelFileError(f"the file can't be read: {error_line(error)}") from error
    if not isinstance(data, bytes):
        raise ModelFileError("the file is open as text; open it with mode 'rb'")
    return data, None
