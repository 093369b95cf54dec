"""Who reads models in this process's place? Children, kept warm from one batch to the next.

A child that crashes, takes too long or too much memory is one model's misfortune: it is said of that model,
and another child goes on. Between batches children wait here for whoever is next, in whichever thread; a
child that nobody wants for a while is ended.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.child_process import ChildProcess
from cnnscope.runtime.fleet.model_reader import NO_MEMORY, TARGET, Opened, Read, ReaderSettings

#: seconds that a child may take to be there, and to wait for somebody
_START: Final = 120.0
_IDLE: Final = 15.0
_MEMORY_WORDS: Final = ("bad_alloc", "out of memory", "cannot allocate memory")


class LostError(Exception):
    """A child is gone, and with it the model it was reading.

    Args:
        kind: a word of the column ``error_kind``.
        said: why, in a line.
    """

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(said)
        self.kind, self.said = kind, said


class Reader:
    """A warm child, as whoever reads models with it sees it; started when it is first needed.

    Args:
        settings: what it is started for.
        timeout: seconds that one model may take; None for as long as it takes.
    """

    def __init__(self, settings: ReaderSettings, timeout: float | None) -> None:
        self.settings, self.timeout = settings, timeout
        self.since = 0.0
        self._child: ChildProcess | None = None
        self._deadline: float | None = None

    def open(self, place: str) -> Opened | Read:
        """What a place's graph is, or why there is none.

        Raises:
            LostError: the child is gone.
            RunError: none can be started.
        """
        child = self._child
        if child is None or child.process.poll() is not None:
            self.end()
            self._start()
        self._set_deadline()
        return cast("Opened | Read", self._asked("open", place))

    def waited(self) -> None:
        """For somebody else: that isn't the opened model's time."""
        self._set_deadline()

    def analyse(self) -> Read:
        """The rows of the model that was opened; raises as `open`."""
        return cast("Read", self._asked("analyse", None))

    def reuse(self, row: bytes) -> Read:
        """An equal graph's row, as one of the model that was opened; raises as `open`."""
        return cast("Read", self._asked("reuse", row))

    def end(self) -> None:
        """End the child; another is started when one is needed."""
        child, self._child = self._child, None
        if child is not None:
            with _lock:
                _running.discard(child)
            child.end()

    def _set_deadline(self) -> None:
        self._deadline = None if self.timeout is None else time.monotonic() + self.timeout

    def _start(self) -> None:
        self._child = child = ChildProcess("serve")
        with _lock:
            _running.add(child)
        child.send((TARGET, self.settings))
        try:
            frame = child.heard(_START)
        except queue.Empty:
            frame = None
        if frame is None or frame[0] != "result":
            said = "" if frame is None else str(frame[-1])
            said = said or child.last_words().removeprefix(": ") or "it said nothing"
            self.end()
            raise RunError(f"no process that reads models can be started: {said}")

    def _asked(self, step: str, given: object) -> object:
        child = self._child
        assert child is not None
        child.send((step, given))
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        try:
            frame = child.heard(left)
        except queue.Empty:
            self.end()
            said = f"given up after {self.timeout:g} s (see --timeout)"
            raise LostError("timeout", said) from None
        if frame is None:
            lost = _lost(child)
            self.end()
            raise lost
        kind, *rest = frame
        if kind != "result":  # what it can't catch, as there is no memory to say so
            self.end()
            if self.settings.memory is not None or rest[-1] == "out of memory":
                raise LostError("memory", NO_MEMORY)
            raise LostError("internal", f"internal error: {rest[-1]}; please report it")
        found = rest[0]
        if isinstance(found, Read) and (found.worn or b'"error_kind":"memory"' in found.row):
            self.end()
        return found


def _lost(child: ChildProcess) -> LostError:
    name, words = child.killed_by(), child.last_words()
    if name == "SIGKILL" or any(x in words.lower() for x in _MEMORY_WORDS):
        return LostError("memory", NO_MEMORY)
    how = f"({name})" if name else f"with exit code {child.process.returncode}"
    return LostError("crash", f"the process that read it crashed {how}{words}")


_lock = threading.Lock()
_idle: list[Reader] = []
_running: set[ChildProcess] = set()


@contextmanager
def warm_reader(settings: ReaderSettings, timeout: float | None) -> Iterator[Reader]:
    """A reader of models for this thread, for a while.

    Args:
        settings, timeout: as for `Reader`.
    """
    with _lock:
        found = next((x for x in reversed(_idle) if x.settings == settings), None)
        if found is not None:
            _idle.remove(found)
    reader = found or Reader(settings, timeout)
    reader.timeout = timeout
    try:
        yield reader
    except BaseException:
        reader.end()
        raise
    with _lock:
        reader.since = time.monotonic()
        _idle.append(reader)
    timer = threading.Timer(_IDLE + 1, end_idle, (_IDLE,))
    timer.daemon = True
    timer.start()


def end_idle(seconds: float = 0.0) -> None:
    """End the children that nobody has wanted for some time."""
    until = time.monotonic() - seconds
    with _lock:
        old = [x for x in _idle if x.since <= until]
        _idle[:] = [x for x in _idle if x.since > until]
    for reader in old:
        reader.end()


def interrupt() -> None:
    """End all children of this process that read models, whatever they are at: who waits for them notices."""
    with _lock:
        children = list(_running)
    for child in children:
        with contextlib.suppress(OSError):
            child.process.kill()
    for child in children:  # so that nobody asks one that is about to end
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(5)
