"""Which models has a hub? One on this machine is asked, by us and by Hugging Face's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, a_hub

import cnnscope
from cnnscope.analyzer.model import http_session
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.runtime.fleet import hub_listing
from cnnscope.runtime.fleet.places import places_of
from cnnscope.runtime.fleet.unlisted import Unlisted

FILES = {
    "org/resnet": [
        "README.md",
        "model.onnx",
        "onnx/model.onnx",
        "onnx/model_int8.onnx",
        "pytorch.bin",
    ],
    "org/vit": ["onnx/decoder/m.onnx", "onnx/model.onnx", ".cache/x.onnx", "a#b?.onnx"],
    "org/empty": ["README.md"],
    "organic/other": ["model.onnx"],
    "datasets/org/zoo": ["1/a.onnx", "1/b.onnx", "2/c.onnx"],
}


@pytest.fixture(scope="module")
def served() -> Iterator[Hub]:
    with a_hub() as found:
        yield found


@pytest.fixture
def hub(served: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setattr(http_session, "PAUSE", 0.001)
    files = {name: dict.fromkeys(paths, b"x") for name, paths in FILES.items()}
    vars(served).update(vars(Hub(files=files, url=served.url)))
    monkeypatch.setenv("HF_ENDPOINT", served.url)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return served


def places(*where: str) -> list[str]:
    return [x if isinstance(x, str) else f"{x.place}: {x.said}" for x in places_of(where)]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("org/resnet", ["org/resnet/model.onnx", "org/resnet/onnx/model.onnx",
        "org/resnet/onnx/model_int8.onnx"]), ("org/resnet/onnx", ["org/resnet/onnx/model.onnx",
        "org/resnet/onnx/model_int8.onnx"]), ("org/resnet/*", ["org/resnet/model.onnx"]),
        ("org/resnet/**/*_int8.onnx", ["org/resnet/onnx/model_int8.onnx"]),
        ("org/resnet@refs/pr/1/onnx/*8.onnx", ["org/resnet@refs/pr/1/onnx/model_int8.onnx"]),
        ("org/resnet@v1", [f"org/resnet@v1/{x}" for x in ("model.onnx", "onnx/model.onnx",
        "onnx/model_int8.onnx")]), ("org/*/onnx/model.onnx", ["org/resnet/onnx/model.onnx",
        "org/vit/onnx/model.onnx"]), ("org/v*/onnx/*", ["org/vit/onnx/model.onnx"]),
        ("org/v*", ["org/vit/a#b?.onnx", "org/vit/onnx/decoder/m.onnx", "org/vit/onnx/model.onnx"]),
        ("organic", ["organic/other/model.onnx"]),
        ("datasets/org/zoo", ["datasets/org/zoo/1/a.onnx", "datasets/org/zoo/1/b.onnx",
        "datasets/org/zoo/2/c.onnx"]), ("datasets/org/*/*/c*", ["datasets/org/zoo/2/c.onnx"]),
        ("models/org/v*/onnx/model.onnx", ["models/org/vit/onnx/model.onnx"]),
        ("org/x/not/asked.onnx", ["org/x/not/asked.onnx"]),
        ("org/resnet/readme", ["org/resnet/readme"]),
    ],
)  # fmt: skip
def test_what_is_meant(hub: Hub, place: str, expected: list[str]) -> None:
    assert places(f"hf://{place}") == [f"hf://{x}" for x in expected]
    assert hub.tokens <= {"Bearer hf_secret"}


@pytest.mark.parametrize("place", ["org", "org/*", "org/**", "org/*/**/*.onnx"])
def test_an_organisation(hub: Hub, place: str) -> None:
    expected = [
        f"hf://{repository}/{path}" for repository in ("org/resnet", "org/vit")
        for path in sorted(FILES[repository]) if path.endswith(".onnx") and path[0] != "."
    ]  # fmt: skip
    assert places(f"hf://{place}") == expected
    hub.page = 1000
    hub.asked.clear()
    assert places(f"hf://{place}") == expected
    assert len(hub.asked) == 4  # the list, and a list each


def test_as_hugging_faces_own_client_sees_it(hub: Hub) -> None:
    """What the hub here answers, and what is made of it, is what the hub's own library makes of it."""
    huggingface_hub = pytest.importorskip(
        "huggingface_hub", reason="the extra remote-test isn't installed"
    )
    api = huggingface_hub.HfApi(endpoint=hub.url)
    repositories = sorted(x.id for x in api.list_models(author="org"))
    assert repositories == ["org/empty", "org/resnet", "org/vit"]
    expected = {
        f"hf://{name}/{x.path}" for name in repositories
        for x in api.list_repo_tree(name, recursive=True)
        if x.path.endswith(".onnx") and not x.path.startswith(".")
    }  # fmt: skip
    assert set(places("hf://org/*")) == expected
    files = {x.path for x in api.list_repo_tree("org/zoo", recursive=True, repo_type="dataset")}
    assert set(places("hf://datasets/org/zoo/**/*.onnx")) == {
        f"hf://datasets/org/zoo/{x}" for x in files if x.endswith(".onnx")
    }


def test_repositories_that_may_not_be_read(hub: Hub) -> None:
    """A line each, and the others are listed; what is gated is listed, and said when it is read."""
    hub.private.add("org/resnet")
    hub.gated.add("org/vit")
    hub.files["org/vit"] = {"m.onnx": b"x"}
    refused = "it may not be read without credentials, or not with these"
    assert places("hf://org/*") == [f"hf://org/resnet: {refused}", "hf://org/vit/m.onnx"]
    assert places("hf://org/none/*") == [f"hf://org/none: {refused}"]
    hub.gated.add("org/vit")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("HF_TOKEN")
        patch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
        with pytest.raises(ModelFileError, match=refused):
            open_model("hf://org/vit/m.onnx")


def endless() -> tuple[int, dict[str, str], bytes]:
    endless.count += 1  # type: ignore[attr-defined]
    return 200, {"Link": f'<?cursor={endless.count}>; rel="next"'}, b"[]"  # type: ignore[attr-defined]


endless.count = 0  # type: ignore[attr-defined]
ROW = b'[{"type": "file", "path": "%b", "id": "%b"}]'


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (200, {"Link": '<?cursor=1>; rel="next"'}, b"[]", "leads back to itself, or on and on"),
        (200, {"Link": '<https://evil.example/x>; rel="next"'}, b"[]", "at another place"),
        (200, {"Link": '<//127.0.0.1:1/x>; rel="next"'}, b"[]", "at another place"),
        (200, {}, b"[" + b" " * 3000 + b"]", "a page of the hub's list is larger than 2,000 bytes"),
        (200, {}, b"[" * 1500, "is no list"),
        (200, {}, b"<html>", "is no list"),
        (200, {}, b'{"error": 1}', "is no list"),
        (200, {}, b"[1]", "no list of its own"),
        (200, {}, ROW % (b"a/./x.onnx", b"org/a"), "no model fits"),
        (200, {}, ROW % (b"a//x.onnx", b"org/a"), "files that no repository can have"),
        (200, {}, ROW % (b"x::m.onnx", b"org/a"), "would lead elsewhere"),
        (429, {"Retry-After": "0"}, b"", "asked too often (HTTP status 429)"),
        (500, {}, b"", "HTTP status 500"),
        (404, {}, b"", "nothing at this place"),
        (302, {"Location": "ftp://h/x"}, b"", "which isn't followed"),
    ],
)
def test_a_hub_that_answers_otherwise(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], body: bytes, said: str
) -> None:  # fmt: skip
    monkeypatch.setattr(hub_listing, "PAGE", 2000)
    hub.answers["/api/models/org/resnet/tree/main"] = lambda: (status, headers, body)
    (found,) = [x for x in places_of(["hf://org/resnet/**/*.onnx"]) if isinstance(x, Unlisted)]
    assert said in found.said
    assert "\n" not in found.said
    assert "secret" not in found.said
    assert places("hf://org/*")[-1].startswith("hf://org/vit/")  # the others are listed


def test_lists_without_end(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.answers["/api/models"] = endless
    assert places("hf://org/*") == ["hf://org/*: the hub's list leads back to itself, or on and on"]
    assert len(hub.asked) < 20
    monkeypatch.setattr(hub_listing, "MOST_EMPTY", 10_000)
    monkeypatch.setattr(hub_listing, "MOST_PAGES", 30)
    assert places("hf://org/*") == ["hf://org/*: the hub's list has more than 30 pages"]
    monkeypatch.setattr(hub_listing, "MOST_REPOSITORIES", 2)
    del hub.answers["/api/models"]
    (line,) = places("hf://org/*")
    assert "more than 2 repositories" in line
    hub.answers["/api/models"] = lambda: (200, {}, ROW % (b"", b"evil/x"))
    assert "aren't this organisation's" in places("hf://org/*")[0]
    hub.answers["/api/models"] = lambda: (200, {}, ROW % (b"", b"org/../x"))
    assert "aren't this organisation's" in places("hf://org/*")[0]
    assert "name an organisation" in places("hf://*/x")[0]


def test_a_rate_limit_is_waited_for(hub: Hub) -> None:
    left = [1, 1]

    def limited() -> tuple[int, dict[str, str], bytes]:
        if left:
            left.pop()
            return 429, {"Retry-After": "0"}, b""
        return 200, {}, ROW % (b"m.onnx", b"")

    hub.answers["/api/models/org/resnet/tree/main"] = limited
    assert places("hf://org/resnet") == ["hf://org/resnet/m.onnx"]


def test_who_asks_is_told_to_the_hub_alone(hub: Hub) -> None:
    """A hub may send on, to its other name say; another server isn't told the token."""
    with a_hub(files={"org/moved": {"m.onnx": b"x"}}) as other:
        path = "/api/models/org/resnet/tree/main"
        there = f"{other.url}/api/models/org/moved/tree/main?recursive=true"
        hub.answers[path] = lambda: (307, {"Location": there}, b"")
        assert places("hf://org/resnet") == ["hf://org/resnet/m.onnx"]
        assert other.tokens == {None}


def test_a_scan_of_an_organisation(hub: Hub, samples: Path, tmp_path: Path) -> None:
    """From the hub's pages to rows: those that are read, gated ones and broken ones; no token anywhere."""
    lenet = (samples / "lenet5.onnx").read_bytes()
    hub.files = {
        "org/a": {"onnx/model.onnx": lenet}, "org/b": {"m.onnx": b"x"}, "org/c": {"m.onnx": lenet},
        "org/d": {"m.onnx": lenet},
    }  # fmt: skip
    hub.private.add("org/c")
    hub.answers["/org/d/resolve/main/m.onnx"] = lambda: (403, {"X-Error-Code": "GatedRepo"}, b"")
    table = tmp_path / "out.jsonl"
    cnnscope.scan(["hf://org/*", "hf://org/a"], table, workers=1)
    text = table.read_text()
    rows = {row["path"]: row for row in map(json.loads, text.splitlines())}
    assert {path: row["status"] for path, row in rows.items()} == {
        "hf://org/a/onnx/model.onnx": "ok", "hf://org/b/m.onnx": "error", "hf://org/c": "error",
        "hf://org/d/m.onnx": "error",
    }  # fmt: skip
    macs = cnnscope.analyze(samples / "lenet5.onnx").totals.macs
    assert rows["hf://org/a/onnx/model.onnx"]["macs"] == macs.value
    assert "may not be read" in rows["hf://org/c"]["error"]
    assert "may not be read" in rows["hf://org/d/m.onnx"]["error"]
    assert "hf_secret" not in text
    assert [x.name for x in tmp_path.iterdir()] == ["out.jsonl"]
