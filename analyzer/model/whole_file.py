"""How is a file written wholly or not at all? Beside its place first, then put there."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def written_whole(output: Path) -> Iterator[BinaryIO]:
    """A file to be written, which takes its place when all of it is there; else nothing has changed.

    Raises:
        OSError: it can't be written, or is no file: no device or pipe is replaced by one.
    """
    target = output.resolve()
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "this isn't a file; give a file", str(output))
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    descriptor, beside = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(beside).chmod(mode)
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
