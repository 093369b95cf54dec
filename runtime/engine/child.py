"""How does a crash in native code become one line?

By happening in another process. `run_in_child` starts one, sends it a job and waits: for the
result, for an error (raised here as if it had happened here), or for its end, which says how it
died. Whatever happens here, Ctrl-C included, neither the child nor its temporary files outlive the
call; if this process is killed, the child reads the end of its input and ends itself. Nothing heavy
is imported here.

The child imports what this process does, from where this process does, and nothing from the folder
that it was started in. What it writes for people to see passes through here line by line, so that
nothing a library says of a model is taken for a command by the CI runner that keeps the log.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Final, TypeVar, cast

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.values import diagnostics
from cnnscope.analyzer.values.diagnostics import CnnscopeError, RunError
from cnnscope.runtime.engine.worker import FOLDER, read_frame, write_frame

Job = TypeVar("Job")
Found = TypeVar("Found")

_LAST_WORDS: Final = 300
_LONGEST_LINE: Final = 1 << 16
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")  # ONNX Runtime's log has them


def run_in_child(
    target: str,
    argument: object,
    *,
    timeout: float | None = None,
    verbose: bool = False,
    progress: Callable[[str], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> object:
    """The result of a function, called in a process of its own.

    Args:
        target: ``"package.module:function"``; it is called with the argument and a function to be
            told of progress.
        argument: anything that can be pickled, as has to be the result.
        timeout: seconds until the process is killed; None for as long as it takes.
        verbose: let what it writes to standard error through.
        progress: told what the child says it is doing.
        environment: variables that it has besides this process's.

    Raises:
        CnnscopeError: the same as was raised in the child.
        RunError: the child died, or took too long.
        RuntimeError: it failed in a way that is a bug.
    """
    with (
        tempfile.TemporaryDirectory(prefix="cnnscope-", ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryFile() as log,
    ):
        # What the child writes for itself goes where it is removed however the child ends.
        own = dict.fromkeys(("TMPDIR", "TEMP", "TMP", FOLDER), folder)
        process = subprocess.Popen(
            # The same modules as here, wherever they were found; nothing of the current folder.
            [sys.executable, *_flags(), "-c", f"import sys; sys.path[:] = {sys.path!r}; "
             "from cnnscope.runtime.engine.worker import main; main()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if verbose else log,
            env={**os.environ, **(environment or {}), **own},
        )  # fmt: skip
        shown = None
        if process.stderr is not None:
            shown = threading.Thread(target=_show, args=(process.stderr, log), daemon=True)
            shown.start()
        try:
            return _Waiting(process, timeout, progress).result(target, argument, log)
        finally:
            _end(process)
            if shown is not None:
                shown.join(1)  # a process that it started may hold its end open


def call_in_child(
    function: Callable[[Job, Callable[[str], None] | None], Found],
    job: Job,
    *,
    timeout: float | None = None,
    verbose: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Found:
    """`run_in_child` of a function that this process has imported already.

    Args:
        function: one at the top of a module; called with the job and a function to be told of progress.
        job: anything that can be pickled, as has to be the result.
        timeout, verbose, progress: as for `run_in_child`, which raises the same.
    """
    target = f"{function.__module__}:{function.__qualname__}"
    found = run_in_child(target, job, timeout=timeout, verbose=verbose, progress=progress)
    return cast("Found", found)


def _flags() -> list[str]:
    """As isolated as this process, and not looking for modules where it is started."""
    written = ["-B"] if sys.dont_write_bytecode else []
    return [*written, "-I" if sys.flags.isolated else "-P"]


def _show(stream: IO[bytes], log: IO[bytes]) -> None:
    """Hand on what the child writes to standard error, and keep it for its last words."""
    with contextlib.suppress(OSError, ValueError):
        while line := stream.readline(_LONGEST_LINE):
            log.write(line)
            if sys.stderr is not None:
                with contextlib.suppress(OSError):
                    sys.stderr.write(without_commands(line.decode("utf-8", "backslashreplace")))
                    sys.stderr.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # it had not read all it was sent
                stream.close()


class _Waiting:
    """For what a child says."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        timeout: float | None,
        progress: Callable[[str], None] | None,
    ) -> None:
        self.process, self.timeout, self.progress = process, timeout, progress
        self.deadline = None if timeout is None else time.monotonic() + timeout
        self.doing = "starting"

    def result(self, target: str, argument: object, log: IO[bytes]) -> object:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        said: queue.SimpleQueue[tuple[object, ...] | None] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(stdout, said), daemon=True).start()
        with contextlib.suppress(OSError):  # it is gone already: how, is asked below
            write_frame(stdin, (target, argument))
        while True:
            left = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
            try:
                frame = said.get(timeout=left)
            except queue.Empty:
                raise RunError(
                    f"given up after {self.timeout:g} s, while {self.doing} (see --timeout)"
                ) from None
            if frame is None:
                raise RunError(self.epitaph(log))
            kind, *rest = frame
            if kind == "progress":
                self.doing = str(rest[0])
                if self.progress is not None:
                    self.progress(self.doing)
            elif kind == "result":
                return rest[0]
            elif kind == "error":
                raise _error(str(rest[0]), str(rest[1]))
            else:
                raise RuntimeError(str(rest[0]))

    def epitaph(self, log: IO[bytes]) -> str:
        """How the child died."""
        code = self.process.wait()
        words = _last_words(log)
        if code >= 0:
            return f"the process that ran it ended with {code}, while {self.doing}{words}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        if name == "SIGKILL":
            return f"the process that ran it was killed, while {self.doing}: out of memory?{words}"
        return f"ONNX Runtime crashed ({name}), while {self.doing}{words}"


def _listen(stream: IO[bytes], said: queue.SimpleQueue[tuple[object, ...] | None]) -> None:
    """Hand on what the child says; None when it says no more."""
    try:
        while True:
            frame = read_frame(stream)
            assert isinstance(frame, tuple)
            said.put(frame)
    except (EOFError, OSError, ValueError):
        said.put(None)


def _error(kind: str, message: str) -> CnnscopeError:
    found = getattr(diagnostics, kind, RunError)
    known = isinstance(found, type) and issubclass(found, CnnscopeError)
    return found(message) if known else RunError(message)


def _last_words(log: IO[bytes]) -> str:
    """The last line that it wrote to standard error, if it did."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - 4096))
    text = _COLOURS.sub("", log.read().decode("utf-8", "replace"))
    lines = [" ".join(x.split()) for x in text.splitlines()]
    lines = [line for line in lines if line]
    return f": {lines[-1][:_LAST_WORDS]}" if lines else ""
