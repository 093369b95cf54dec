"""Which paths are read at all? Those of regular files.

A pipe is waited for until somebody writes into it, a device such as ``/dev/zero`` has no end, and either
may be what a link in a checkout leads to. So what a path stands for is asked before it is opened.
"""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import BinaryIO


class NoRegularFileError(OSError):
    """The path is that of a pipe, a device or a socket; `strerror` says what to do."""


def open_regular(path: Path) -> BinaryIO:
    """A file, open to be read.

    Raises:
        NoRegularFileError: it is no file, although something is there.
        OSError: it can't be opened.
    """
    mode = path.stat().st_mode
    what = next((what for test, what in _KINDS if test(mode)), None)
    if what is not None:
        raise NoRegularFileError(
            errno.EINVAL,
            f"this is a {what}, not a file: write what comes out of it to a file, and give that"
            if what == "pipe"
            else f"this is a {what}, not a file; give a file",
        )
    return path.open("rb")


_KINDS = (
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISSOCK, "socket"),
)
