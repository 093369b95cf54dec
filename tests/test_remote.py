"""Models that lie elsewhere: what they say, how little is asked for, and what is said where it fails."""

from __future__ import annotations

import asyncio
import io
import json
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import fsspec
import numpy as np
import onnx
import pytest
from amounts import amount
from fsspec.implementations.memory import MemoryFileSystem
from onnx import TensorProto, helper, numpy_helper
from web_server import Served, serving

import cnnscope
from cnnscope.analyzer.model import far_places, fetching, http_ranges, http_session
from cnnscope.analyzer.model.byte_ranges import ByteRanges
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.model.remote_names import is_far, shown_place
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.cli import main


def inline(count: int, side: int = 256, tail: int = 0) -> bytes:
    """A row of products, each with its weights in the file: `count` payloads of side² numbers."""
    rng = np.random.default_rng(0)
    stored = [
        numpy_helper.from_array(rng.random((side, side), np.float32), f"w{i}") for i in range(count)
    ]
    nodes = [helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"]) for i in range(count)]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x0", TensorProto.FLOAT, [1, side])],
        [helper.make_tensor_value_info(f"x{count}", TensorProto.FLOAT, [1, side])], stored,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.metadata_props.add(key="k", value="v" * tail)
    return model.SerializeToString()


DATA = inline(12)  # 3.1 MB
SMALL = inline(3, 40)
SECRET = "s3cr3t%2Fpw"


@pytest.fixture
def web() -> Iterator[Served]:
    with serving(files={"/m.onnx": DATA, "/small.onnx": SMALL}) as served:
        yield served


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_session, "PAUSE", 0.001)
    for name in ("HF_TOKEN", "HF_ENDPOINT", "CNNSCOPE_STREAM_LIMIT", "CNNSCOPE_STREAM_WARNING"):
        monkeypatch.delenv(name, raising=False)


def same(place: str, data: bytes = DATA) -> None:
    mine, its = open_model(place), open_model(data)
    assert mine.model.graph.node == its.model.graph.node
    assert mine.file_bytes == len(data)
    for a, b in zip(mine.model.graph.initializer, its.model.graph.initializer, strict=True):
        assert (a.name, a.dims) == (b.name, b.dims)
    first = mine.model.graph.initializer[0]
    assert np.array_equal(mine.read(first), its.read(its.model.graph.initializer[0]))


def refused(place: str) -> str:
    with pytest.raises(ModelFileError) as error:
        open_model(place)
    said = str(error.value)
    assert "\n" not in said
    return said


# Places and names


@pytest.mark.parametrize(
    ("text", "far"),
    [
        ("s3://b/m.onnx", True), ("HTTPS://h/m", True), ("zip://m.onnx::https://h/a.zip", True),
        ("simplecache::s3://b/m", True), ("memory://m", True), ("m.onnx", False), ("a:b", False),
        ("a::b", False), ("C:/m.onnx", False), (r"C:\m.onnx", False), ("C://m", False),
        ("zip::m.onnx", False), ("", False), ("dir/x://y", False), ("git:HEAD:m.onnx", False),
    ],
)  # fmt: skip
def test_what_is_a_place_far_away(text: str, far: bool) -> None:
    assert is_far(text) is far


def test_a_file_of_that_name_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("https://host/m.onnx", "a::b", "x:y.onnx"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(SMALL)
        assert not is_far(name)
        same(name, SMALL)


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("https://u:p@h/m?sig=1#f", "https://h/m"),
        ("https://u:pa/ss@h/m", "https://h/m"),
        ("https://h:80/a@b/m", "https://h:80/a@b/m"),
        ("https://[::1]:80/m", "https://[::1]:80/m"),
        ("s3://k:s/e+c@b/m", "s3://b/m"),
        ("hf://o/r@v1/m", "hf://o/r@v1/m"),
        ("zip://m::https://u:p@h/a.zip?t=1", "zip://m::https://h/a.zip"),
        ("https://ann:p::w@h/m", "https://h/m"),
        ("zip://m::https://h/a.zip?t=1::2/3", "zip://m::https://h/a.zip"),
        ("zip://a::/x@y/a#1.zip", "zip://a::/x@y/a#1.zip"),
        ("simplecache::s3://k:s::t@b/m", "simplecache::s3://b/m"),
        ("m.onnx", "m.onnx"),
    ],
)
def test_how_a_place_is_shown(place: str, shown: str) -> None:
    assert shown_place(place) == shown


# HTTP


def test_few_requests_and_bytes(web: Served) -> None:
    same(f"{web.url}/small.onnx", SMALL)
    assert [x[0] for x in web.asked] == ["GET"]
    web.asked.clear()
    web.sent = 0
    open_model(f"{web.url}/m.onnx")
    assert len(web.asked) < 40
    assert web.sent < len(DATA) / 10
    same(f"{web.url}/m.onnx")


def test_a_command_opens_it_once(web: Served, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["analyze", f"{web.url}/small.onnx?token={SECRET}", "--format", "json"])
    out, err = capfd.readouterr()
    assert json.loads(out)["model"]["path"] == f"{web.url}/small.onnx"
    assert "s3cr3t" not in out + err
    assert len(web.asked) == 1


@pytest.mark.parametrize("command", ["analyze", "explain", "check", "lint", "sizes", "report"])
def test_no_credentials_in_what_is_said(
    command: str, web: Served, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    host = web.url.removeprefix("http://")
    options = {
        "explain": ["0"], "check": ["--limit", "macs <= 1"],
        "report": ["-o", str(tmp_path / "r.html")],
    }.get(command, [])  # fmt: skip
    for path in ("small.onnx", "none.onnx"):
        with pytest.raises(SystemExit):
            main([command, f"http://ann:{SECRET}@{host}/{path}?sig={SECRET}", *options])
    out, err = capfd.readouterr()
    written = "".join(x.read_text() for x in tmp_path.iterdir())
    for word in ("s3cr3t", "ann:", "sig="):
        assert word not in out + err + written
    assert "there is nothing at this place" in out + err


def test_every_edge_of_the_first_answer(web: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that ends where what was asked for ends, one byte before it and one behind it."""
    data = inline(3, 34, tail=40)
    web.files["/e.onnx"] = data
    from cnnscope.analyzer.model import http_ranges

    edges = [n for n in range(1, len(data) + 2) if n < 400 or n > len(data) - 200]
    for first in edges[:: amount(101, 1)]:
        for module in (fetching, http_ranges):
            monkeypatch.setattr(module, "FIRST", first)
        monkeypatch.setattr(fetching, "HEADER", 1 + first % 7)
        same(f"{web.url}/e.onnx", data)


def test_a_server_without_ranges(web: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    web.ranges = False
    same(f"{web.url}/small.onnx", SMALL)
    same(f"{web.url}/m.onnx")
    web.length = False
    same(f"{web.url}/m.onnx")
    web.length = True
    monkeypatch.setenv("CNNSCOPE_STREAM_WARNING", "2000000")
    (note,) = [
        x for x in cnnscope.analyze(f"{web.url}/m.onnx").diagnostics if "ranges" in x.message
    ]
    assert note.code == "read-whole"
    monkeypatch.setenv("CNNSCOPE_STREAM_LIMIT", "3000000")
    for length in (True, False):
        web.length = length
        assert "CNNSCOPE_STREAM_LIMIT" in refused(f"{web.url}/m.onnx")
    monkeypatch.setenv("CNNSCOPE_STREAM_LIMIT", "much")
    assert "a number of bytes is wanted" in refused(f"{web.url}/m.onnx")


def test_a_first_answer_that_promises_more_than_there_is() -> None:
    """A server that names a longer part than the object, or sends on and on, is read no further."""

    class Endless:
        async def readexactly(self, length: int) -> bytes:
            assert length <= fetching.FIRST
            return bytes(length)

    def opened(said: str) -> ByteRanges:
        answer = mock.Mock(status=206, headers={"Content-Range": said}, content=Endless())
        return asyncio.run(http_ranges._opener(mock.Mock())(answer))

    size = 10 * fetching.FIRST
    assert opened(f"bytes 0-{size - 1}/{size}").size == size
    with pytest.raises(ModelFileError, match="other bytes"):
        opened("bytes 0-99/40")


@pytest.mark.parametrize("tag", ['"two"', 'W/"two"', None])
def test_a_changing_object(web: Served, tag: str | None) -> None:
    """From the second request on it is another one: of another version, or of another length."""

    def change(number: int) -> None:
        if number == 2:
            web.tag = tag
            web.files["/m.onnx"] = DATA if tag else DATA + b"\0"

    web.tag = tag and tag.replace("two", "one")
    web.before = change
    assert "changed while it was read" in refused(f"{web.url}/m.onnx")


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ([500, 503, 502], ""), ([429], ""), ([500] * 4, "HTTP status 500"),
        ([404], "nothing at this place"), ([403], "credentials"), ([418], "HTTP status 418"),
    ],
)  # fmt: skip
def test_failing_servers(web: Served, statuses: list[int], said: str) -> None:
    count, web.fails = len(statuses), list(statuses)
    if said:
        assert said in refused(f"{web.url}/small.onnx")
    else:
        same(f"{web.url}/small.onnx", SMALL)
    assert len(web.asked) == (count if said else count + 1)


def test_nobody_answers() -> None:
    assert "\n" not in refused(f"http://u:{SECRET}@127.0.0.1:1/m.onnx")
    assert "s3cr3t" not in refused(f"http://u:{SECRET}@127.0.0.1:1/m.onnx?t={SECRET}")


def test_redirects(web: Served, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(SMALL)
    web.redirects = {
        "/a": f"{web.url}/small.onnx", "/loop": "/loop", "/ftp": "ftp://h/m.onnx",
        "/file": (tmp_path / "m.onnx").as_uri(), "/data": "data:,x",
    }  # fmt: skip
    same(f"{web.url}/a", SMALL)
    assert "more than 5 redirects" in refused(f"{web.url}/loop")
    for scheme in ("ftp", "file", "data"):
        assert f"to {scheme}://, which isn't followed" in refused(f"{web.url}/{scheme}")


def test_from_https_to_http_is_no_way() -> None:
    import asyncio
    from types import SimpleNamespace

    import yarl

    def sent_on(start: str, location: str) -> None:
        response = SimpleNamespace(headers={"Location": location})
        said = SimpleNamespace(url=yarl.URL(start), response=response)
        asyncio.run(http_session._sent_on(None, None, said))  # type: ignore[arg-type]

    sent_on("http://h/m", "https://h/m")
    sent_on("https://h/m", "//other/m")
    with pytest.raises(ModelFileError, match="isn't followed"):
        sent_on("https://h/m", "http://h/m")


def test_a_hub(web: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", web.url)
    monkeypatch.setenv("HF_TOKEN", "hf_abc")
    web.files["/org/repo/resolve/main/onnx/m.onnx"] = SMALL
    web.files["/datasets/o/r/resolve/refs%2Fpr%2F1/m.onnx"] = SMALL
    same("hf://org/repo/onnx/m.onnx", SMALL)
    same("hf://datasets/o/r@refs/pr/1/m.onnx", SMALL)
    assert {x["Authorization"] for x in web.headers} == {"Bearer hf_abc"}
    assert "hf://ORGANISATION" in refused("hf://org")


def test_data_beside_it(web: Served, samples: Path) -> None:
    data = (samples / "lenet5.onnx").read_bytes()
    (location,) = {
        e.value for t in onnx.load_from_string(data).graph.initializer for e in t.external_data
        if e.key == "location"
    } or {""}  # fmt: skip
    web.files["/lenet5.onnx"] = data
    fsspec.filesystem("memory").pipe("/beside/lenet5.onnx", data)
    for place in (f"{web.url}/lenet5.onnx", "memory://beside/lenet5.onnx"):
        file = open_model(place)
        assert (file.weights, file.missing) == ("missing", (location,))
    # there, and too short by a byte: missing, as where the model lies here
    end = max(
        int(at.get("offset", 0)) + int(at["length"])
        for at in (
            {e.key: e.value for e in t.external_data}
            for t in onnx.load_from_string(data).graph.initializer
        )
        if at
    )
    for size, weights in ((end - 1, "missing"), (end, "external")):
        web.files[f"/{location}"] = bytes(size)
        fsspec.filesystem("memory").pipe(f"/beside/{location}", bytes(size))
        fsspec.filesystem("memory").pipe(
            "/beside/a.zip", archive({"lenet5.onnx": data, location: bytes(size)}, 0)
        )
        for place in (
            f"{web.url}/lenet5.onnx",
            "memory://beside/lenet5.onnx",
            "zip://lenet5.onnx::memory://beside/a.zip",
        ):
            file = open_model(place)
            assert (file.weights, file.missing) == (weights, (location,) if size < end else ())
    web.asked.clear()
    assert open_model(f"{web.url}/lenet5.onnx").weights == "external"
    assert [x[0] for x in web.asked if location in x[1]] == ["HEAD"]
    assert open_model(f"{web.url}/lenet5.onnx?sig=1").weights == "unknown"
    file = open_model("memory://beside/lenet5.onnx")
    assert file.weights == "external"
    with pytest.raises(ModelFileError, match="isn't read from afar"):
        file.read(next(t for t in file.model.graph.initializer if t.external_data))


# fsspec's file systems


@pytest.mark.parametrize(
    "place",
    [
        "simplecache::memory://m.onnx",
        "filecache::https://host/m.onnx",
        "BlockCache://a::memory://m.onnx",
        "dir://a::simplecache::memory://m.onnx",
        "zip://m.onnx::simplecache::memory://a.zip",
    ],
)
def test_nothing_is_kept_in_files(place: str) -> None:
    with pytest.raises(ModelFileError, match="would keep files here"):
        open_model(place)


class Bucket(MemoryFileSystem):
    """Stands for gs and az: this suite has neither."""

    store: dict[str, object] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    cachable = False
    changes = 0
    sizes = True

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol("memory://" + path.rpartition("://")[2]))

    def info(self, path: str, **options: object) -> dict[str, object]:
        found: dict[str, object] = super().info(path, **options)
        known = self.sizes or path.endswith(".onnx")
        return found if known else {**found, "size": None}

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: object
    ) -> bytes:
        found: bytes = super().cat_file(path, start, end)
        if Bucket.changes:
            Bucket.changes = 0
            self.pipe(path, self.cat(path))
        return found


@pytest.mark.parametrize("scheme", ["gs", "az"])
def test_buckets_that_are_stood_in_for(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec.register_implementation(scheme, type("B", (Bucket,), {"protocol": scheme}), clobber=True)
    monkeypatch.setitem(far_places.NEEDED, scheme, ("fsspec", scheme))
    fsspec.filesystem(scheme).pipe(f"{scheme}://b/m.onnx", DATA)
    same(f"{scheme}://b/m.onnx")
    assert "nothing at this place" in refused(f"{scheme}://b/none.onnx")
    Bucket.changes = 1
    assert "changed while it was read" in refused(f"{scheme}://b/m.onnx")
    data = archive({"m.onnx": DATA}, zipfile.ZIP_STORED)
    fsspec.filesystem(scheme).pipe(f"{scheme}://b/a.zip", data)
    file = open_model(f"zip://m.onnx::{scheme}://b/a.zip")
    Bucket.changes = 1
    with pytest.raises(ModelFileError, match="changed while it was read"):
        file.read(file.model.graph.initializer[0])


def test_an_unknown_size_is_no_missing_file(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec.register_implementation("gs", type("B", (Bucket,), {"protocol": "gs"}), clobber=True)
    monkeypatch.setitem(far_places.NEEDED, "gs", ("fsspec", "gs"))
    monkeypatch.setattr(Bucket, "sizes", False)
    data = (samples / "lenet5.onnx").read_bytes()
    fsspec.filesystem("gs").pipe("gs://u/lenet5.onnx", data)
    (location,) = open_model("gs://u/lenet5.onnx").missing
    fsspec.filesystem("gs").pipe(f"gs://u/{location}", b"x")
    assert open_model("gs://u/lenet5.onnx").weights == "unknown"


def test_data_beside_it_by_any_spelling() -> None:
    """Each is looked for where it lies: folders below, and detours."""
    names = ("w.bin", "./v.bin", "sub/w.bin", "sub/../u.bin", "sub/none.bin", "gone/w.bin")
    places = ("w.bin", "v.bin", "sub/w.bin", "u.bin")
    memory = fsspec.filesystem("memory")
    memory.pipe({f"/spelt/{x}": b"x" for x in ("m.onnx", *places)})
    memory.pipe(
        "/spelt/a.zip", archive(dict.fromkeys(("d/m.onnx", *(f"d/{x}" for x in places)), b"x"), 0)
    )
    for place in ("memory://spelt/m.onnx", "zip://d/m.onnx::memory://spelt/a.zip"):
        found = far_places.ranges_at(place).sizes_beside(names)
        assert found == dict(zip(names, [1, 1, 1, 1, None, None], strict=True))


def test_memory_and_pickles() -> None:
    fsspec.filesystem("memory").pipe("/r/m.onnx", DATA)
    same("memory://r/m.onnx")
    assert "folder" in refused("memory://r")
    file = pickle.loads(pickle.dumps(open_model("memory://r/m.onnx")))
    assert file.read(file.model.graph.initializer[0]).shape == (256, 256)


def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(far_places, "_installed", lambda name: name not in ("s3fs", "fsspec"))
    with pytest.raises(SystemExit, match="2"):
        main(["analyze", "s3://b/m.onnx"])
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "pip install 'cnnscope[s3]'" in err
    assert "cnnscope[remote]" in refused("memory://m")
    monkeypatch.undo()
    assert "nowhere" in refused("nowhere://m")


# Archives


def archive(members: dict[str, bytes], how: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return made.getvalue()


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members(how: int, web: Served, tmp_path: Path) -> None:
    data = archive({"a/m.onnx": DATA, "small.onnx": SMALL}, how)
    web.files["/a.zip"] = data
    (tmp_path / "a.zip").write_bytes(data)
    for place in (f"{web.url}/a.zip", str(tmp_path / "a.zip")):
        same(f"zip://a/m.onnx::{place}")
        same(f"zip://small.onnx::{place}", SMALL)
        assert "'a/m.onnx', 'small.onnx'" in refused(f"zip://none.onnx::{place}")
    if how == zipfile.ZIP_STORED:
        web.sent = 0
        open_model(f"zip://a/m.onnx::{web.url}/a.zip")
        assert web.sent < len(DATA) / 10


def test_archives_that_lie(web: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    web.files["/bomb.zip"] = archive({"m.onnx": bytes(9_000_000)}, zipfile.ZIP_DEFLATED)
    monkeypatch.setenv("CNNSCOPE_STREAM_LIMIT", "8000000")
    assert "9,000,000 bytes are more than" in refused(f"zip://m.onnx::{web.url}/bomb.zip")
    whole = archive({"m.onnx": SMALL}, zipfile.ZIP_DEFLATED)
    short = whole.replace(len(SMALL).to_bytes(4, "little"), (200).to_bytes(4, "little"))
    assert short != whole
    web.files["/short.zip"] = short
    refused(f"zip://m.onnx::{web.url}/short.zip")
    stored = archive({"m.onnx": SMALL}, zipfile.ZIP_STORED)
    for at in range(0, len(stored) - 1, len(stored) // amount(8, 600)):
        web.files["/cut.zip"] = stored[:at]
        refused(f"zip://m.onnx::{web.url}/cut.zip")
    assert "no zip archive" in refused(f"zip://m.onnx::{web.url}/m.onnx")
    assert "archives in each other" in refused("zip://a::zip://a::zip://a::zip://a::zip://a::/x")
