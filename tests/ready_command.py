"""The command `cnnscope` as a program that a shell can start, without the start of a Python that loads it.

For tests of what calls the command: a script of CI, a pipe, an example of a page. Half a second of each
call goes into importing onnx and numpy; here a process that has done so waits, and each call is a fork of
it, with the caller's arguments, environment, folder and streams. How a Python that starts by itself is
led (PYTHONPATH, modules in the folder it starts in) can't be seen so, and is tested with real ones.
"""

from __future__ import annotations

import contextlib
import gc
import io
import marshal
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

#: what a shell starts: tells the process that waits what it was told, and ends as that says
CALLER = """#!{python} -IS
import _socket, marshal, os, struct, sys
given = marshal.dumps((sys.argv[1:], os.getcwdb(), dict(os.environb)))
to = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
to.connect({address!r})
streams = struct.pack("3i", 0, 1, 2)
to.sendmsg([struct.pack("I", len(given))], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
while given:
    given = given[to.send(given):]
code = to.recv(1)
os._exit(code[0] if code else 70)
"""


class ReadyCommand:
    """A process that has loaded the command, and a script that has it run."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cnnscope")  # an address is short
        folder = Path(self._folder.name)
        address = str(folder / "socket")
        self.script = folder / "cnnscope"
        self.script.write_text(CALLER.format(python=sys.executable, address=address))
        self.script.chmod(0o755)
        # It ends with its standard input, hence with this process, however that ends.
        self._process = subprocess.Popen(
            [sys.executable, __file__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def close(self) -> None:
        self._process.communicate()
        self._folder.cleanup()


def wait_for_callers(address: str) -> None:
    """Serve until standard input ends."""
    import selectors

    load_all()
    gc.collect()
    gc.freeze()  # a fork that looked for garbage would copy every page that it shares
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(address)
    door.listen()
    os.write(1, b"ready\n")
    events = selectors.DefaultSelector()
    events.register(door, selectors.EVENT_READ)
    events.register(0, selectors.EVENT_READ)
    while all(key.fileobj is door for key, _ in events.select()):
        caller, _ = door.accept()
        if not os.fork():
            door.close()
            answer(caller)
        caller.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # those that have answered
                pass
    with contextlib.suppress(ChildProcessError):
        while os.wait():
            pass


def load_all() -> None:
    """Much is loaded only when it is needed: so need it."""
    from cnnscope.cli import main

    model = str(Path(__file__).resolve().parent.parent / "sample_models" / "lenet5.onnx")
    limit = ["--limit", "params=1"]
    for words in (
        ["analyze", model], ["lint", model], ["diff", model, model],
        ["diff", model, model, "-f", "markdown"],
        *(["check", model, *limit, "-f", form] for form in ("table", "github", "markdown")),
    ):  # fmt: skip
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
            main(words)


def answer(caller: socket.socket) -> None:
    """Run one call in a process of its own and tell the caller how it ended. Doesn't return."""
    import array

    head, rights, _, _ = caller.recvmsg(4, socket.CMSG_SPACE(12))
    streams = array.array("i", rights[0][2])
    with caller.makefile("rb") as stream:
        given = marshal.loads(stream.read(int.from_bytes(head, sys.byteorder)))
    called = os.fork()
    if not called:
        caller.close()
        call(streams, *given)
    for stream in streams:
        os.close(stream)
    code = os.waitstatus_to_exitcode(os.waitpid(called, 0)[1])
    caller.sendall(bytes([code if code >= 0 else 128 - code]))  # as a shell says it of a signal
    os._exit(0)


def call(
    streams: Any, arguments: list[str], folder: bytes, environment: dict[bytes, bytes]
) -> None:
    """The command itself. Doesn't return."""
    from cnnscope.cli import main

    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(folder)
    os.environb.clear()
    os.environb.update(environment)
    sys.stdin, sys.stdout, sys.stderr = (
        open(place, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        for place, mode, errors in (
            (0, "r", "surrogateescape"), (1, "w", "surrogateescape"), (2, "w", "backslashreplace"),
        )
    )  # fmt: skip
    sys.argv = ["cnnscope", *arguments]
    code = 70
    try:
        main()
    except SystemExit as done:
        code = int(done.code or 0)
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    wait_for_callers(sys.argv[1])
