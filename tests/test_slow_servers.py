"""What is said of servers that stall? One line, in the seconds that we or fsspec's configuration have."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread

import fsspec.config
import pytest

from cnnscope.analyzer.model import http_session
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.values.diagnostics import ModelFileError

PART = (
    b"HTTP/1.1 206 Partial Content\r\nContent-Length: 90\r\nContent-Range: bytes 0-89/900\r\n\r\n"
)
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
STALLS = {
    "silent": (b"", b""),
    "within the headers": (PART[:40], b""),
    "before the first byte": (PART, b""),
    "half way": (PART + b"x" * 40, b""),
    "drop by drop": (PART, b"x"),
    "drop by drop, without ranges": (WHOLE, b"x"),
    "drop by drop, without a length": (ENDLESS, b"x"),
}


@pytest.fixture
def stalling() -> Iterator[Callable[[bytes, bytes], str]]:
    """A server that sends a beginning, then drops for as long as somebody listens."""
    over, threads = Event(), []
    listening = socket.create_server(("127.0.0.1", 0))

    def served(begin: bytes, drop: bytes) -> None:
        while not over.is_set():
            try:
                asked = listening.accept()[0]
            except OSError:
                return
            with asked:
                asked.recv(1 << 16)
                try:
                    asked.sendall(begin)
                    while drop and not over.wait(0.01):
                        asked.sendall(drop)
                except OSError:  # who asked has gone
                    continue
                asked.settimeout(30)
                asked.recv(1)  # until they go

    def started(begin: bytes, drop: bytes) -> str:
        thread = Thread(target=served, args=(begin, drop), daemon=True)
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{listening.getsockname()[1]}/m.onnx"

    yield started
    over.set()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def refused(place: str) -> str:
    began = time.monotonic()
    with pytest.raises(ModelFileError) as error:
        open_model(place)
    assert time.monotonic() - began < 20  # of 0.1, and a busy machine
    return str(error.value)


@pytest.mark.parametrize("how", STALLS)
def test_a_server_that_stalls(
    how: str, stalling: Callable[[bytes, bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_session, "PATIENCE", 0.1)
    monkeypatch.setattr(http_session, "SLOWEST", 1 << 20)
    assert refused(stalling(*STALLS[how])) == "no answer came in time; try again"


@pytest.mark.parametrize("settings", [{"timeout": 0.1}, {"client_kwargs": {"timeout": 0.1}}])
def test_what_fsspecs_configuration_says(
    settings: dict[str, object], stalling: Callable[[bytes, bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """As `FSSPEC_HTTP` has it: a number of seconds."""
    monkeypatch.setitem(fsspec.config.conf, "http", settings)
    assert refused(stalling(b"", b"")) == "no answer came in time; try again"
