"""What a warm child is in tests of what may become of one: a file's name says what it does with it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from cnnscope.runtime.fleet.memory_limit import limit_memory
from cnnscope.runtime.fleet.model_reader import Opened, Read, ReaderSettings, told_failure

TARGET = "scan_children:begin"


def begin(settings: ReaderSettings) -> Callable[[tuple[str, object]], object]:
    if settings.memory is not None:
        limit_memory(settings.memory)
    opened = ""

    def step(asked: tuple[str, object]) -> object:
        nonlocal opened
        kind, given = asked
        if kind == "open":
            opened = Path(str(given)).stem
            return Opened(opened)
        error = None
        try:
            act(opened)
        except MemoryError as found:
            error, _ = told_failure(found, limited=True)
        row = {"path": opened, "status": "error" if error else "ok", "error_kind": error}
        row |= {"child": os.getpid(), "graph_digest": opened, "schema_version": 1}
        return Read(json.dumps(row, separators=(",", ":")).encode(), b"", str(row["status"]))

    return step


def act(what: str) -> None:
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "abort":
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
        os.abort()
    elif what == "spin":
        while True:
            time.sleep(60)
    elif what == "eat":
        held = []
        while len(held) < 1 << 6:  # a GiB, where nobody refuses it
            held.append(bytearray(1 << 24))
