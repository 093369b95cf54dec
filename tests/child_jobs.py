"""What a child process is told to do in tests: succeed, fail, crash, hang."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable

from cnnscope.analyzer.values.diagnostics import BindingError

Progress = Callable[[str], None]


def double(number: int, progress: Progress) -> int:
    progress("doubling")
    print("a library prints to what was standard output")  # noqa: T201
    return 2 * number


def misbind(said: str, progress: Progress) -> None:
    raise BindingError(said)


def fill_memory(nothing: None, progress: Progress) -> None:
    raise MemoryError


def mistake(nothing: None, progress: Progress) -> None:
    raise ZeroDivisionError("a bug")


def read_nowhere(nothing: None, progress: Progress) -> None:
    progress("reading address 0")
    ctypes.string_at(0)


def abort(nothing: None, progress: Progress) -> None:
    sys.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n")
    sys.stderr.flush()
    os.abort()


def be_killed(nothing: None, progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave(nothing: None, progress: Progress) -> None:
    os._exit(7)


def sleep(nothing: None, progress: Progress) -> None:
    folder = tempfile.mkdtemp()
    progress(f"{os.getpid()} {folder}")
    time.sleep(600)
