"""Which models are meant far away: in fsspec's file systems, in archives, in a bucket's pages?"""

from __future__ import annotations

import io
import re
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import ClassVar

import fsspec
import pytest
from amounts import amount
from fsspec.implementations.memory import MemoryFileSystem

from cnnscope.analyzer.model import far_places
from cnnscope.analyzer.model.remote_names import is_far
from cnnscope.runtime.fleet.places import places_of
from cnnscope.runtime.fleet.unlisted import Unlisted

CHAINED = "its name has :: in it, which would lead elsewhere: give it another name"
NOTHING = "no model fits this pattern; ** stands for folders in any depth"
KEYS = [
    "a.onnx",
    "x/c.onnx",
    "x/y/d.onnx",
    "x/.h/e.onnx",
    "read.me",
    "x/y/f.bin",
    "z",
    "x/Q.ONNX",
    "k[1].onnx",
]


def places(*where: str) -> list[str]:
    return [x if isinstance(x, str) else f"{x.place}: {x.said}" for x in places_of(where)]


class Stand(MemoryFileSystem):
    """Stands for gs and az, which this suite has not: folders as they list them."""

    store: ClassVar[dict[str, object]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    cachable = False
    asked: ClassVar[list[str]] = []

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol("memory://" + path.rpartition("://")[2]))

    def ls(self, path: str, detail: bool = True, **options: object) -> list[object]:
        self.asked.append(path)
        found = super().ls(path, detail=True, **options)
        # a folder's own stand-in, as some tools leave it there
        return [{"name": path + "/", "size": 0, "type": "file"}, *found]


@pytest.fixture(params=["memory", "gs", "az"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    scheme: str = request.param
    if scheme != "memory":
        made = type("B", (Stand,), {"protocol": scheme})
        fsspec.register_implementation(scheme, made, clobber=True)
        monkeypatch.setitem(far_places.NEEDED, scheme, ("fsspec", scheme))
    fsspec.filesystem(scheme).pipe({f"/far/{key}": b"x" for key in KEYS})
    return scheme


# What each place means among KEYS; None: nothing fits.
MEANT = [
    ("far", ["a.onnx", "k[1].onnx", "x/Q.ONNX", "x/c.onnx", "x/y/d.onnx"]),
    ("far/", ["a.onnx", "k[1].onnx", "x/Q.ONNX", "x/c.onnx", "x/y/d.onnx"]),
    ("far/*", ["a.onnx", "k[1].onnx"]),
    ("far/**/*.onnx", ["a.onnx", "k[1].onnx", "x/c.onnx", "x/y/d.onnx"]),
    ("far/*/**/d*", ["x/y/d.onnx"]),
    ("far/x/*/*", ["x/y/d.onnx"]),
    ("far/x/y/*.bin", ["x/y/f.bin"]),
    ("far/x", ["x/Q.ONNX", "x/c.onnx", "x/y/d.onnx"]),
    ("far/**/.h/*", ["x/.h/e.onnx"]),
    ("f*/x/c.onnx", ["x/c.onnx"]),
    ("far/z", ["z"]),
    ("far/k[1].onnx", ["k[1].onnx"]),
    ("far/none.onnx", ["none.onnx"]),
    ("far/none", ["none"]),
    ("far/b*", None),
    ("none/*", None),
]  # fmt: skip


def test_what_is_meant(system: str) -> None:
    for place, keys in MEANT:
        expected = [f"{system}://far/{key}" for key in keys or ()]
        assert places(f"{system}://{place}") == (expected or [f"{system}://{place}: {NOTHING}"])
    # nobody is asked for what is named as a model
    Stand.asked.clear()
    assert len(places(*(f"{system}://far/{i}.onnx" for i in range(100)))) == 100
    assert Stand.asked == []


def test_a_bucket_that_fails_half_way(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = type(fsspec.filesystem(system))
    ls = cls.ls

    def failing(self: object, path: str, **options: object) -> object:
        if path.endswith("x/y"):
            raise PermissionError("key=s3cr3t")
        return ls(self, path, **options)

    monkeypatch.setattr(cls, "ls", failing)
    said = "it may not be read without credentials, or not with these"
    assert places(f"{system}://far/x") == [
        f"{system}://far/x/Q.ONNX", f"{system}://far/x/c.onnx", f"{system}://far/x/y: {said}"
    ]  # fmt: skip


def test_keys_that_would_lead_elsewhere(system: str) -> None:
    fsspec.filesystem(system).pipe("/deceit/x::file:/etc/m.onnx", b"x")
    fsspec.filesystem(system).pipe("/deceit/ok:.onnx", b"x")
    assert places(f"{system}://deceit") == [
        f"{system}://deceit/ok:.onnx", f"{system}://deceit/x::file:/etc/m.onnx: {CHAINED}"
    ]  # fmt: skip


def test_what_cannot_be_listed() -> None:
    for place in ("https://h/*.onnx", "http://h/models/", "https://u:s3cr3t@h/*/m.onnx"):
        (line,) = places(place)
        assert "what a web server has can't be listed" in line
    assert places("https://h/m?sig=*", "https://h/m/?x", "https://h/m") == [
        "https://h/m?sig=*", "https://h/m/?x", "https://h/m"
    ]  # fmt: skip
    for place in ("nowhere://b/*", "tar://*::none.tar", "zip://*::none.zip", "zip://*"):
        (found,) = places_of([place])
        assert isinstance(found, Unlisted)
        assert "\n" not in found.said


def test_no_credentials_in_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "ftp://ann:s3cr3t@127.0.0.1:1/*.onnx"
    (found,) = places_of([place])
    assert isinstance(found, Unlisted)
    assert "s3cr3t" not in found.said


# Archives


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, b"x")
    return made.getvalue()


def test_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [
        "m.onnx",
        "b/n.onnx",
        "b/c/o.onnx",
        "b/k.txt",
        "e::https://h/x.onnx",
        "/abs.onnx",
        "../up.onnx",
    ]
    Path("a.zip").write_bytes(archive(*names))
    fsspec.filesystem("memory").pipe("/arch/a.zip", archive(*names))
    fsspec.filesystem("memory").pipe("/arch/o.zip", archive("i.zip", "m.onnx"))
    for where in ("a.zip", "memory://arch/a.zip"):
        for pattern, expected in [
            ("*", ["m.onnx"]),
            ("**", ["/abs.onnx", "b/c/o.onnx", "b/n.onnx", "e", "m.onnx"]),
            ("", ["/abs.onnx", "b/c/o.onnx", "b/n.onnx", "e", "m.onnx"]),
            ("b", ["b/c/o.onnx", "b/n.onnx"]),
            ("b/*.txt", ["b/k.txt"]),
            ("**/o.onnx", ["b/c/o.onnx"]),
            ("m.onnx", ["m.onnx"]),
        ]:
            found = places(f"zip://{pattern}::{where}")
            assert [x for x in found if CHAINED not in x] == [
                f"zip://{x}::{where}" for x in expected if x != "e"
            ]
            assert len(found) == len(expected)
        assert all(map(is_far, found))
    assert "no zip archive" in places("zip://*::zip://i.zip::memory://arch/o.zip")[0]


def directory(count: int, length: int) -> bytes:
    """An archive that is nothing but a list of members that aren't there."""
    name = b"%0*d.onnx"
    entries = b"".join(
        struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, length, 0, 0, 0, 0, 0, 0)
        + name % (length - 5, i)
        for i in range(count)
    )
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count % 65536, count % 65536, len(entries), 0, 0)
    return entries + end


def test_archives_with_more_members_than_can_be() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/arch/many.zip", directory(1000, 12))
    assert len(places("zip://*::memory://arch/many.zip")) == 1000
    memory.pipe("/arch/bomb.zip", directory(150_000, 12))
    tracemalloc.start()
    try:
        (line,) = places("zip://*::memory://arch/bomb.zip")
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()
    assert re.search(r"list of members takes [\d,]+ bytes: unpack it first", line)


# A bucket's pages, as s3fs has them


class Pages(MemoryFileSystem):
    """Stands for s3fs in that one call that is made of it; test_remote_s3.py has s3fs itself."""

    protocol = "s3"
    cachable = False
    keys: ClassVar[list[str]] = []
    held: ClassVar[int] = 3
    endless: ClassVar[bool] = False
    asked: ClassVar[list[dict[str, str]]] = []

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.rpartition("://")[2].rstrip("/")

    def split_path(self, path: str) -> tuple[str, str, None]:
        bucket, _, key = path.partition("/")
        return bucket, key, None

    def call_s3(self, method: str, **asked: str) -> dict[str, object]:
        assert (method, asked["Bucket"]) == ("list_objects_v2", "far")
        self.asked.append(asked)
        keys = sorted((k for k in self.keys if k.startswith(asked["Prefix"])), key=str.encode)
        start = int(asked.get("ContinuationToken", "0"))
        following = keys[start + self.held :] or self.endless
        contents = [{"Key": key} for key in keys[start : start + self.held]]
        more = {"IsTruncated": True, "NextContinuationToken": str(start + self.held)}
        return {"Contents": contents, **(more if following else {"IsTruncated": False})}


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> type[Pages]:
    registry = sys.modules["fsspec.registry"]._registry
    monkeypatch.setitem(registry, "s3", Pages)
    monkeypatch.setitem(far_places.NEEDED, "s3", ("fsspec", "s3"))
    monkeypatch.setattr(Pages, "keys", [*KEYS, "x/y/", "x-y/n.onnx"])
    Pages.asked.clear()
    return Pages


def test_a_buckets_pages(pages: type[Pages], monkeypatch: pytest.MonkeyPatch) -> None:
    for place, keys in MEANT:
        if not place.startswith(("far/", "none")) or keys is None:
            continue
        found = {f"s3://far/{key}" for key in keys}
        if place in ("far/", "far/**/*.onnx"):
            found.add("s3://far/x-y/n.onnx")
        assert set(places(f"s3://{place}")) == found, place
    Pages.asked.clear()
    places("s3://far/x/y/d*.onnx")
    assert [x["Prefix"] for x in pages.asked] == ["x/y/d"]
    monkeypatch.setattr(Pages, "keys", [])
    assert places("s3://far/*") == [f"s3://far/*: {NOTHING}"]


def test_a_large_bucket_is_not_held(pages: type[Pages], monkeypatch: pytest.MonkeyPatch) -> None:
    count = amount(3_000, 1_000_000)
    monkeypatch.setattr(
        Pages, "call_s3",
        lambda self, method, **asked: {
            "Contents": [
                {"Key": f"f/{int(asked.get('ContinuationToken', 0)) + i:07}.onnx"} for i in range(1000)
            ],
            "IsTruncated": (after := int(asked.get("ContinuationToken", 0)) + 1000) < count,
            "NextContinuationToken": str(after),
        },
    )  # fmt: skip
    tracemalloc.start()
    try:
        assert sum(1 for _ in places_of(["s3://far/f"])) == count
        assert tracemalloc.get_traced_memory()[1] < 3e6
    finally:
        tracemalloc.stop()
