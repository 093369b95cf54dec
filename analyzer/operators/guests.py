"""How is code from outside called, so that it costs no more than its own answer?

A plugin may raise anything, `SystemExit` and `KeyboardInterrupt` among it, and write to standard
output, where a report is about to be. Neither may reach the program: what is raised is told apart from
what happens to the program meanwhile (a key pressed), and what is written is kept away and told.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar

from cnnscope.analyzer.values.diagnostics import Diagnostic, on_purpose
from cnnscope.analyzer.values.plain_class import dataclass

#: where to note what plugins do while a model is analysed
guest_notes: ContextVar[list[Diagnostic] | None] = ContextVar("guest_notes", default=None)

_lock = threading.RLock()
_STANDARD_OUTPUT = 1
_kept: list[int] = []  # the file that takes what is written, once there is one


@dataclass(slots=True)
class Written:
    """Whether something was written to standard output."""

    anything: bool = False


@contextlib.contextmanager
def kept_quiet() -> Iterator[Written]:
    """Whatever the body writes to standard output, by `print` or past Python, is kept away."""
    found = Written()
    with _lock:
        mine, text = sys.stdout, io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")
        with contextlib.suppress(OSError, ValueError, AttributeError):
            mine.flush()
        saved = file = -1
        with contextlib.suppress(OSError):  # closed, or no more files: then `print` alone is kept
            file = _file()
            before = os.fstat(file).st_size
            saved = os.dup(_STANDARD_OUTPUT)
            os.dup2(file, _STANDARD_OUTPUT)
        sys.stdout = text
        try:
            yield found
        finally:
            sys.stdout = mine
            with contextlib.suppress(OSError, ValueError):
                text.flush()
                found.anything = bool(text.buffer.tell())
            if saved >= 0:
                os.dup2(saved, _STANDARD_OUTPUT)
                os.close(saved)
                found.anything |= os.fstat(file).st_size > before
                if found.anything:
                    os.ftruncate(file, 0)


def _file() -> int:
    if not _kept:
        import tempfile

        with tempfile.TemporaryFile() as made:
            _kept.append(os.dup(made.fileno()))
    return _kept[0]


def is_the_programs(error: BaseException) -> bool:
    """The error happened to the program (a key was pressed), whatever code ran just then."""
    return isinstance(error, (KeyboardInterrupt, MemoryError)) and not on_purpose(error)


def wrote(source: str) -> Diagnostic:
    """What is said of a plugin that writes to standard output."""
    return Diagnostic("plugin-output", "warning", None,
                      f"the plugin {source} writes to standard output: that was left out",
                      "standard error, or the module logging, is for what a plugin has to say")  # fmt: skip
