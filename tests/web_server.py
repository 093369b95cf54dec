"""A web server of our own in a thread: with ranges or without, and with what real ones do wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What there is and how it is given; what was asked for is counted."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    length: bool = True
    tag: str | None = '"one"'
    fails: list[int] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    before: Callable[[int], None] = lambda number: None
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    sent: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body behind its headers would wait for 40 ms
    served: Served

    def log_message(self, *said: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(head=True)

    def do_GET(self) -> None:
        self.answer(head=False)

    def answer(self, head: bool) -> None:
        it, path = self.served, self.path.partition("?")[0]
        with it.lock:
            it.asked.append((self.command, self.path, self.headers.get("Range")))
            it.headers.append(dict(self.headers))
            it.before(len(it.asked))
            status = it.fails.pop(0) if it.fails else 0
        if status or path in it.redirects:
            place = {} if status else {"Location": it.redirects[path]}
            return self.give(status or 302, b"", place, head)
        data = it.files.get(path)
        if data is None:
            return self.give(404, b"", {}, head)
        tag = {} if it.tag is None else {"ETag": it.tag}
        if it.tag and self.headers.get("If-Match", it.tag) != it.tag:
            return self.give(412, b"", tag, head)
        asked = self.headers.get("Range")
        if asked is None or not it.ranges:
            return self.give(200, data, tag, head)
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last) + 1]
        place = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
        if not part:
            return self.give(416, b"", {"Content-Range": f"bytes */{len(data)}"}, head)
        return self.give(206, part, {**tag, "Content-Range": place}, head)

    def give(self, status: int, body: bytes, headers: dict[str, str], head: bool) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if self.served.length:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if head:
            return
        try:
            for at in range(0, len(body), 1 << 16):
                self.wfile.write(body[at : at + (1 << 16)])
                with self.served.lock:
                    self.served.sent += len(body[at : at + (1 << 16)])
        except OSError:  # who asked has heard enough
            self.close_connection = True


class Quiet(ThreadingHTTPServer):
    """Which says nothing of those who have heard enough."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serving(**settings: object) -> Iterator[Served]:
    served = Served(**settings)  # type: ignore[arg-type]
    handler = type("Handler", (Handler,), {"served": served})
    server = Quiet(("127.0.0.1", 0), handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
