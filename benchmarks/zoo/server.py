"""Who serves a fleet that isn't on any disk? A web server that makes each model when it is asked for.

    python benchmarks/zoo/server.py --port 8000 --models 100000            with ranges
    python benchmarks/zoo/server.py --port 8001 --no-ranges                without

``/000/m000123.onnx`` is a model, ``/list.txt`` all addresses, ``/counts`` what was asked for and sent.
External weights answer HEAD with their length, and 404 where they are lost. Only this machine is listened to.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from urllib.request import urlopen

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from zoo.models import Made, made, number, place

_REASONS = {200: "OK", 206: "Partial Content", 404: "Not Found", 405: "Method Not Allowed",
            412: "Precondition Failed", 416: "Range Not Satisfiable"}  # fmt: skip


@dataclass
class Counts:
    """What was asked for.

    Args:
        requests: all of them.
        heads, ranges: those without a body, those for a part.
        opened: those for the beginning of a model, one for each time that it is read.
        missing: those for what isn't there.
        bytes: of bodies sent.
        cpu: seconds of processor time that the server took.
    """

    requests: int = 0
    heads: int = 0
    ranges: int = 0
    opened: int = 0
    missing: int = 0
    bytes: int = 0
    cpu: float = 0.0


@dataclass
class Fleet:
    """What is served."""

    seed: int
    models: int
    ranges: bool
    counts: Counts

    def __post_init__(self) -> None:
        # A model is asked for a few times in a row, by each of a few workers.
        self.made = lru_cache(64)(lambda i: made(self.seed, i))

    def model(self, path: str) -> Made | None:
        i = number(path)
        return self.made(i) if i is not None and i < self.models else None

    def body(self, path: str, address: str) -> bytes | None:
        """What lies there; None where nothing does."""
        if path == "/counts":
            self.counts.cpu = time.process_time()
            return json.dumps(asdict(self.counts)).encode()
        if path == "/list.txt":
            return "".join(f"http://{address}/{place(i)}\n" for i in range(self.models)).encode()
        found = self.model(path) if path.endswith(".onnx") else None
        return None if found is None else found.data

    def weights(self, path: str) -> int:
        """How long a file of external weights is; 0 where there is none."""
        found = self.model(path) if path.endswith(".weights") else None
        return 0 if found is None or not path.endswith(found.external) else found.external_bytes


class Talk(asyncio.Protocol):
    """One connection, kept open."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.held = fleet, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.held += data
        while b"\r\n\r\n" in self.held:
            head, _, self.held = self.held.partition(b"\r\n\r\n")
            first, *rest = head.decode("latin-1").split("\r\n")
            said = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in rest)}
            self.answer(first, said)

    def answer(self, first: str, said: dict[str, str]) -> None:
        fleet, counts = self.fleet, self.fleet.counts
        method, _, path = first.partition(" ")
        path = path.partition(" ")[0].partition("?")[0]
        if path != "/counts":
            counts.requests += 1
            counts.heads += method == "HEAD"
        if method not in ("GET", "HEAD"):
            return self.give(405, b"", "")
        body = fleet.body(path, said.get("host", ""))
        if body is None:
            length = fleet.weights(path)
            counts.missing += not length
            return self.give(200 if length else 404, b"", "", length)
        tag = f'ETag: "{fleet.seed}-{number(path)}"\r\n' + "Accept-Ranges: bytes\r\n" * fleet.ranges
        if said.get("if-match", tag) not in tag:
            return self.give(412, b"", tag)
        status, total = 200, len(body)
        if "range" in said and fleet.ranges:
            counts.ranges += 1
            start, _, end = said["range"].removeprefix("bytes=").partition("-")
            begin = int(start) if start else max(0, total - int(end))
            counts.opened += begin == 0
            if begin >= total:
                return self.give(416, b"", f"Content-Range: bytes */{total}\r\n")
            body = body[begin : int(end) + 1 if start and end else total]
            status = 206
            tag += f"Content-Range: bytes {begin}-{begin + len(body) - 1}/{total}\r\n"
        elif method == "GET" and path.endswith(".onnx"):
            counts.opened += 1
        if path != "/counts":
            counts.bytes += len(body) * (method == "GET")
        return self.give(status, b"" if method == "HEAD" else body, tag, len(body))

    def give(self, status: int, body: bytes, headers: str, length: int | None = None) -> None:
        told = len(body) if length is None else length
        head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Length: {told}\r\n{headers}\r\n"
        self.transport.write(head.encode("latin-1") + body)


async def serving(fleet: Fleet, port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Talk(fleet), "127.0.0.1", port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


@contextmanager
def served(seed: int, models: int, ranges: bool = True) -> Iterator[str]:
    """The address of a fleet, served by a process of its own while the context lasts."""
    command = [sys.executable, __file__, "--seed", str(seed), "--models", str(models)]
    with subprocess.Popen(
        [*command, *([] if ranges else ["--no-ranges"])], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def counts(address: str) -> Counts:
    """What a fleet's server was asked for so far."""
    with urlopen(f"{address}/counts") as answer:
        return Counts(**json.load(answer))


def main() -> None:
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--port", type=int, default=0, help="0: any that is free")
    asked.add_argument("--models", type=int, default=100_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--no-ranges", action="store_true")
    chosen = asked.parse_args()
    fleet = Fleet(chosen.seed, chosen.models, not chosen.no_ranges, Counts())
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serving(fleet, chosen.port))


if __name__ == "__main__":
    main()
