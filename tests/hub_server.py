"""A hub of our own: repositories and their files in pages, as Hugging Face's has them, and its faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from web_server import Quiet


@dataclass
class Hub:
    """What it has, and what was asked of it.

    Args:
        files: by repository, each file's path and bytes; `datasets/org/name` for a data set.
        page: rows of a page.
        gated: repositories whose files may be listed and not read; `private` may not even be listed.
        answers: what is answered instead, by the path that is asked for: a status, headers and a body.
    """

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    page: int = 2
    gated: set[str] = field(default_factory=set)
    private: set[str] = field(default_factory=set)
    answers: dict[str, Callable[[], tuple[int, dict[str, str], bytes]]] = field(
        default_factory=dict
    )
    asked: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    url: str = ""


class HubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body behind its headers would wait for 40 ms
    hub: ClassVar[Hub]

    def log_message(self, *said: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, parts = self.hub, urlsplit(self.path)
        hub.asked.append(self.path)
        hub.tokens.add(self.headers.get("Authorization"))
        if parts.path in hub.answers:
            return self.give(*hub.answers[parts.path]())
        names = [unquote(x) for x in parts.path.strip("/").split("/")]
        asked = {key: value[0] for key, value in parse_qs(parts.query).items()}
        if names[0] == "api" and names[1:] in (["models"], ["datasets"], ["spaces"]):
            return self.listed(names[1], asked)
        if names[0] == "api" and names[4:5] == ["tree"]:
            return self.tree(names, asked)
        if "resolve" in names:
            return self.resolved(names)
        return self.give(404, {}, b"")

    def listed(self, kind: str, asked: dict[str, str]) -> None:
        before = "" if kind == "models" else f"{kind}/"
        rows = [
            {
                "_id": str(i),
                "id": name.removeprefix(before),
                "private": False,
                "tags": [],
                "likes": i,
                "downloads": i,
            }
            for i, name in enumerate(sorted(self.hub.files, reverse=True))
            if name.count("/") == 1 + before.count("/")
            and name.startswith(before + asked.get("author", "") + "/")
        ]
        self.paged(rows, asked)

    def tree(self, names: list[str], asked: dict[str, str]) -> None:
        kind, repository = names[1], "/".join(names[2:4])
        files = self.hub.files.get(repository if kind == "models" else f"{kind}/{repository}")
        if files is None or repository in self.hub.private:
            return self.give(401, {"X-Error-Code": "RepoNotFound"}, b'{"error":"Invalid username"}')
        below = "/".join(names[6:])
        found = {p: d for p, d in files.items() if p.startswith(f"{below}/" if below else "")}
        if not found:
            return self.give(404, {"X-Error-Code": "EntryNotFound"}, b'{"error":"no such entry"}')
        folders = {"/".join(p.split("/")[:i]) for p in found for i in range(1, p.count("/") + 1)}
        rows: list[dict[str, object]] = [
            {"type": "directory", "oid": "0", "size": 0, "path": x} for x in folders if x != below
        ]
        rows += [{"type": "file", "oid": "0", "size": len(d), "path": p} for p, d in found.items()]
        return self.paged(sorted(rows, key=lambda x: str(x["path"])), asked)

    def paged(self, rows: list[dict[str, object]], asked: dict[str, str]) -> None:
        start = int(asked.get("cursor", "0"))
        stop = start + self.hub.page
        headers = {}
        if stop < len(rows):
            kept = "&".join(f"{k}={v}" for k, v in asked.items() if k != "cursor")
            where = f"{self.hub.url}{urlsplit(self.path).path}?{kept}&cursor={stop}"
            headers["Link"] = f'<{where}>; rel="next"'
        self.give(200, headers, json.dumps(rows[start:stop]).encode())

    def resolved(self, names: list[str]) -> None:
        at = names.index("resolve")
        repository = "/".join(names[:at])
        data = self.hub.files.get(repository, {}).get("/".join(names[at + 2 :]))
        if repository in self.hub.gated and not self.headers.get("Authorization"):
            return self.give(403, {"X-Error-Code": "GatedRepo"}, b"")
        if data is None:
            return self.give(404, {"X-Error-Code": "EntryNotFound"}, b"")
        return self.give(200, {"ETag": '"1"'}, data)

    def give(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def a_hub(**settings: object) -> Iterator[Hub]:
    hub = Hub(**settings)  # type: ignore[arg-type]
    server = Quiet(("127.0.0.1", 0), type("Handler", (HubHandler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
