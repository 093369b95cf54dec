"""What is a process of our own, seen from the one that started it: a way there, a way back, an end?

The child imports what this process does, from where this process does, and nothing from the folder
that it was started in. What it writes for people to see passes through here line by line, so that
nothing a library says of a model is taken for a command by the CI runner that keeps the log. It has a
folder of its own for temporary files, which is gone when it is; if this process is killed, the child
reads the end of its input and ends itself.
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
from collections.abc import Mapping
from typing import IO, Final

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.runtime.engine.worker import FOLDER, read_frame, write_frame

_LAST_WORDS: Final = 300
_LONGEST_LINE: Final = 1 << 16
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")  # ONNX Runtime's log has them


class ChildProcess:
    """A process that is sent frames and says frames, started at once.

    Args:
        entry: the function of `worker` that it runs: ``main``, for one job, or ``serve``, for many.
        verbose: let what it writes to standard error through.
        environment: variables that it has besides this process's.
    """

    def __init__(
        self, entry: str, *, verbose: bool = False, environment: Mapping[str, str] | None = None
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cnnscope-", ignore_cleanup_errors=True)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `end`
        # What the child writes for itself goes where it is removed however the child ends.
        own = dict.fromkeys(("TMPDIR", "TEMP", "TMP", FOLDER), self._folder.name)
        self.process = subprocess.Popen(
            # The same modules as here, wherever they were found; nothing of the current folder.
            [sys.executable, *_flags(), "-c", f"import sys; sys.path[:] = {sys.path!r}; "
             f"from cnnscope.runtime.engine.worker import {entry}; {entry}()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if verbose else self._log,
            env={**os.environ, **(environment or {}), **own},
        )  # fmt: skip
        self._said: queue.SimpleQueue[tuple[object, ...] | None] = queue.SimpleQueue()
        assert self.process.stdout is not None
        heard = (self.process.stdout, self._said)
        threading.Thread(target=_listen, args=heard, daemon=True).start()
        self._shown = None
        if self.process.stderr is not None:
            shown = (self.process.stderr, self._log)
            self._shown = threading.Thread(target=_show, args=shown, daemon=True)
            self._shown.start()

    def send(self, frame: object) -> None:
        """To the child; if it is gone already, what is heard of it says so."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            write_frame(self.process.stdin, frame)

    def heard(self, patience: float | None) -> tuple[object, ...] | None:
        """The next frame that it says; None: it is gone.

        Args:
            patience: seconds; None for as long as it takes.

        Raises:
            queue.Empty: it said nothing meanwhile.
        """
        return self._said.get(timeout=patience)

    def end(self) -> None:
        """Now, whatever it is doing."""
        try:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):  # it had not read all it was sent
                        stream.close()
            if self._shown is not None:
                self._shown.join(1)  # a process that it started may hold its end open
        finally:
            self._log.close()
            self._folder.cleanup()

    def killed_by(self) -> str | None:
        """The name of the signal that ended it; None: it ended by itself. Asked when it is gone."""
        code = self.process.wait()
        if code >= 0:
            return None
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def epitaph(self, doing: str, what: str = "ONNX Runtime") -> str:
        """How it died, when it is gone.

        Args:
            doing: what it did meanwhile, in words.
            what: whose fault a crash is.
        """
        words, name = self.last_words(), self.killed_by()
        if name is None:
            return f"the process that ran it ended with {self.process.wait()}, while {doing}{words}"
        if name == "SIGKILL":
            return f"the process that ran it was killed, while {doing}: out of memory?{words}"
        return f"{what} crashed ({name}), while {doing}{words}"

    def last_words(self) -> str:
        """The last line that it wrote to standard error, behind a colon; "" if it wrote none."""
        return _last_words(self._log)


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


def _listen(stream: IO[bytes], said: queue.SimpleQueue[tuple[object, ...] | None]) -> None:
    """Hand on what the child says; None when it says no more."""
    try:
        while True:
            frame = read_frame(stream)
            assert isinstance(frame, tuple)
            said.put(frame)
    except (EOFError, OSError, ValueError):
        said.put(None)


def _last_words(log: IO[bytes]) -> str:
    """The last line that was written there, if one was."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - 4096))
    text = _COLOURS.sub("", log.read().decode("utf-8", "replace"))
    lines = [" ".join(x.split()) for x in text.splitlines()]
    lines = [line for line in lines if line]
    return f": {lines[-1][:_LAST_WORDS]}" if lines else ""
