"""What does the child process do? One job, or one after the other: receive, do, send back what came of it.

Started by `child`. What is on standard input and output are frames (`read_frame`, `write_frame`):
a length in 8 bytes and a pickle. Both ends are ours and run the same code, so pickle is as safe as
the import that precedes it; nothing of a model is ever unpickled. As libraries print, both streams
are put elsewhere before anything else happens.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import shutil
import signal
import struct
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import IO, Any

#: the environment variable that names the folder which goes with the child
FOLDER = "CNNSCOPE_CHILD_FOLDER"
_LENGTH = struct.Struct("<Q")


def write_frame(stream: IO[bytes], value: object) -> None:
    """Send one value."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> object:
    """Receive one value.

    Raises:
        EOFError: the other end is gone.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)


def main() -> None:
    """Do the one job that arrives on standard input."""
    incoming, outgoing = _own_streams()
    target, argument = _first(incoming)
    threading.Thread(target=_end_with_parent, args=(incoming,), daemon=True).start()

    def tell(said: str) -> None:
        write_frame(outgoing, ("progress", said))

    write_frame(outgoing, _answer(lambda: _named(target)(argument, tell)))


def serve() -> None:
    """Do one job after the other.

    The first frame names a function and has its argument: what the function returns is called with each job.
    It is answered, too, when that function is there.
    """
    incoming, outgoing = _own_streams()
    target, argument = _first(incoming)
    jobs: queue.SimpleQueue[object] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(incoming, jobs), daemon=True).start()
    made: list[Callable[[object], object]] = []
    write_frame(outgoing, _answer(lambda: made.append(_named(target)(argument))))
    while made:
        write_frame(outgoing, _answer(partial(made[0], jobs.get())))


def _own_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Where frames come from and go to; libraries, which print, get other streams."""
    # Ctrl-C reaches every process of the terminal; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    return incoming, outgoing


def _first(incoming: IO[bytes]) -> tuple[str, object]:
    frame = read_frame(incoming)
    assert isinstance(frame, tuple)
    target, argument = frame
    return target, argument


def _named(target: str) -> Callable[..., Any]:
    """A function by ``package.module:function``."""
    module, _, name = target.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def _answer(function: Callable[[], object]) -> tuple[object, ...]:
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    try:
        return "result", function()
    except CnnscopeError as error:
        return "error", type(error).__name__, str(error)
    except MemoryError:
        return "error", "RunError", "out of memory"
    except RecursionError:
        return "error", "RunError", "nested too deeply to be analysed"
    except Exception as error:  # noqa: BLE001  # the parent says it, in a line
        import traceback

        sys.stderr.write(traceback.format_exc())
        return "failure", f"{type(error).__name__}: {error}"


def _receive(incoming: IO[bytes], jobs: queue.SimpleQueue[object]) -> None:
    try:
        while True:
            jobs.put(read_frame(incoming))
    except (EOFError, OSError):
        _end()


def _end_with_parent(incoming: IO[bytes]) -> None:
    """When the parent is gone, so is the reason to go on."""
    try:
        while incoming.read(1):
            pass
    finally:
        _end()


def _end() -> None:
    shutil.rmtree(os.environ.get(FOLDER) or "", ignore_errors=True)
    # Not an exit: native code may be running, and nothing here is worth finishing.
    os.kill(os.getpid(), signal.SIGTERM)
