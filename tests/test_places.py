"""Which models are meant: folders, patterns as the standard library has them, lists, names that deceive."""

from __future__ import annotations

import glob
import io
import os
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from amounts import amount

from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.runtime.fleet import distinct, local_places, place_lists, tree_walk
from cnnscope.runtime.fleet.bucket_listing import keys_below
from cnnscope.runtime.fleet.distinct import Distinct
from cnnscope.runtime.fleet.place_lists import places_in
from cnnscope.runtime.fleet.places import places_of
from cnnscope.runtime.fleet.tree_walk import Entry, Kind, walked
from cnnscope.runtime.fleet.unlisted import Unlisted, Wanted


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*paths: str | bytes) -> None:
    for path in map(os.fsdecode, paths):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(b"x")


def said(found: Iterator[str | Unlisted]) -> list[str]:
    """Each place; of one that can't be listed, what is said of it."""
    return [x if isinstance(x, str) else f"{x.place}: {x.said}" for x in found]


def places(*where: str) -> list[str]:
    return said(places_of(where))


# Folders and patterns


def test_a_folder(tree: Path) -> None:
    put(
        "m/a.onnx", "m/b/c.ONNX", "m/b/z.onnx/model.onnx", "m/.git/x.onnx", "m/._a.onnx", "m/b/r.md"
    )
    put("m/t.onnxtxt", "m/w.onnx.gz", "m/config.json", "m/e.onnx.data", "m/n.ort", "m/p.textproto")
    expected = ["m/a.onnx", "m/b/c.ONNX", "m/b/z.onnx/model.onnx", "m/t.onnxtxt"]
    assert places("m") == places("m/") == places("./m/**") == expected
    assert places(str(tree / "m")) == [str(tree / x) for x in expected]
    assert places("m/*") == ["m/a.onnx", "m/t.onnxtxt"]
    assert places("m/*.textproto") == ["m/p.textproto"]
    assert places("m/.git/*") == ["m/.git/x.onnx"]
    (tree / "none").mkdir()
    (line,) = places("none")
    assert line.startswith("none: there is no model in this folder: no file's name ends in .onnx")
    assert places("none/*.onnx") == [
        "none/*.onnx: no file fits this pattern; ** stands for folders in any depth"
    ]
    assert places("gone.onnx", "") == ["gone.onnx", ""]  # whoever reads it says so


def test_each_once_and_always_in_the_same_order(tree: Path) -> None:
    names = [f"m/{random.Random(i).randrange(1000)}/{i}.onnx" for i in range(60)]
    random.Random(0).shuffle(names)
    put(*names)
    found = places("m")
    assert sorted(found) == sorted(names)
    assert found == sorted(found, key=lambda x: x.split("/"))
    assert places("m", "./" + names[0], names[1], "m/*/*.onnx", str(tree / "m")) == [
        *found, *(str(tree / x) for x in found)
    ]  # fmt: skip


def test_names_that_deceive(tree: Path) -> None:
    """What is found in a folder is a file, whatever it is called; a place far away is none of it."""
    hostile = [
        b"m/s3:/b/m.onnx", b"m/a::b.onnx", b"m/x\ny.onnx", b"m/\xff\xfe.onnx", b"m/-.onnx", b"m/[1].onnx",
        b"m/zip::https:/h/a.onnx", b"https:/h/m.onnx", b"m/#.onnx", b"m/ .onnx", b"m/%2e%2e.onnx",
    ]  # fmt: skip
    put(*hostile)
    assert set(places(".")) == {os.fsdecode(x) for x in hostile}
    assert places("https://h") == ["https:/h/m.onnx"]  # the folder of that name
    assert places("https://h/*.onnx") == [
        "https://h/*.onnx: what a web server has can't be listed: give each model's address, or a list of"
        " them (--from)"
    ]
    assert places("m/[1].onnx") == ["m/[1].onnx"]
    assert places("m/[[]*.onnx") == ["m/[1].onnx"]


def test_links(tree: Path) -> None:
    """Files by links are models; folders by links are gone into where they are named, never in any depth."""
    put("m/a/b/c.onnx", "other/o.onnx")
    for link, target in [
        ("m/a/up", ".."), ("m/a/b/self", "."), ("m/out", "../other"), ("m/l.onnx", "a/b/c.onnx"),
        ("m/broken.onnx", "nothing"), ("m/loop.onnx", "loop.onnx"),
    ]:  # fmt: skip
        (tree / link).symlink_to(target)
    assert places("m") == ["m/a/b/c.onnx", "m/broken.onnx", "m/l.onnx", "m/loop.onnx"]
    assert places("m/*/*.onnx") == places("m/out") == ["m/out/o.onnx"]
    assert places("m/a/up/out/**/*.onnx") == ["m/a/up/out/o.onnx"]


def test_a_folder_that_cannot_be_read_is_a_line(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("m/a/x.onnx", "m/b/y.onnx", "m/c/z.onnx")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.rstrip("/").endswith("b"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(local_places.os, "scandir", refusing)
    line = "m/b: this folder can't be read: Permission denied"
    assert places("m") == ["m/a/x.onnx", line, "m/c/z.onnx"]
    assert places("m/b/*") == [line]


def test_patterns_mean_what_the_standard_library_takes_them_for(tree: Path) -> None:
    """Random trees and patterns; where `**` or a bare `*` is the end, of glob's answers the models."""
    rng = random.Random(16)
    names = ["a", "b", "ab", ".h", "a.onnx", "b.onnx", "[x].onnx", "c.txt"]
    for _ in range(25):
        put("/".join([*rng.choices(["d", "e", "de", ".f"], k=rng.randrange(4)), rng.choice(names)]))
    pieces = ["**", "*", "d", "e", "?e", "d*", "[de]", ".*", "[!d]"]
    ends = ["*.onnx", "**", "*", "a.onnx", "?.onnx", "[[]x*", "*.*", "*b*", ".h"]
    seen = 0
    for _ in range(amount(300, 20_000)):
        pattern = "/".join([*rng.choices(pieces, k=rng.randrange(4)), rng.choice(ends)])
        files = {
            os.path.normpath(x)
            for x in glob.glob(pattern, recursive=True)  # noqa: PTH207  # pathlib has hidden ones
            if Path(x).is_file()
        }
        if pattern.endswith("**") or pattern.split("/")[-1] == "*":
            files = {x for x in files if x.endswith(".onnx")}
        if Path(pattern).is_dir() or not set("*?[") & set(pattern):
            continue
        found = places(pattern)
        assert len(found) == len(set(found))
        assert {x for x in found if "no file fits" not in x} == files, pattern
        seen += bool(files)
    assert seen > amount(100, 5000)


# Many


def test_large_folders_are_sorted_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name once, in order, in little memory: a million in a full run, of one folder and in many."""
    count = amount(5_000, 1_000_000)
    monkeypatch.setattr(tree_walk, "AT_ONCE", amount(512, tree_walk.AT_ONCE))

    def listing(folder: str) -> Iterator[Entry]:
        if folder:
            yield from ((f"{i}.onnx", Kind.FILE) for i in range(10))
            return
        for i in range(count):
            yield f"{i * 7_919 % count:07}\n\udcff.onnx", Kind.FILE
        yield from ((f"f{i}", Kind.FOLDER) for i in range(100))

    tracemalloc.start()
    try:
        number = -1
        for number, place in enumerate(walked(listing, Wanted([]), str)):
            if number < count:
                assert place == f"{number:07}\n\udcff.onnx"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert number + 1 == count + 1000
    assert peak < amount(2, 30) * 1e6


def test_what_was_seen_takes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    count = amount(4_000, 1_000_000)
    monkeypatch.setattr(distinct, "_AT_ONCE", amount(128, distinct._AT_ONCE))
    seen = Distinct()
    tracemalloc.start()
    try:
        assert all(seen.adds(f"models/{i}.onnx") for i in range(count))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not any(seen.adds(f"models/{i}.onnx") for i in range(0, count, 3))
    assert seen.adds("models/\udcff.onnx")
    assert peak < amount(2, 60) * 1e6


def test_circles_that_no_link_tells_end() -> None:
    """A file system that has each folder in itself is left after so many characters."""
    found = list(walked(lambda _: [("again" * 30, Kind.FOLDER)], Wanted([]), str))
    (last,) = found
    assert isinstance(last, Unlisted)
    assert last.said == "its folders are nested too deeply"


# Lists

LONG = "what the list has as number {} is longer than 65,536 bytes"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a.onnx\nb.onnx", ["a.onnx", "b.onnx"]),
        (b"\xef\xbb\xbfa.onnx\r\n\r\n  \n# no\n  # no\nb c.onnx \n", ["a.onnx", "b c.onnx "]),
        (b"a\nb.onnx\0#c.onnx\0\0d\r\0", ["a\nb.onnx", "#c.onnx", "d\r"]),
        ("a\u2028ä.onnx\r\nb\x0b\x85.onnx".encode(), ["a\u2028ä.onnx", "b\x0b\x85.onnx"]),
        ("\ufeffä.onnx\r\nb.onnx\r\n".encode("utf-16-le"), ["ä.onnx", "b.onnx"]),
        ("\ufeffä.onnx\nb.onnx".encode("utf-16-be"), ["ä.onnx", "b.onnx"]),
        (b"\xff.onnx\n", ["\udcff.onnx"]),
        (b"", []),
        (b"\n\n", []),
        (b"x" * 70_000 + b"\ny.onnx", [f"L: {LONG.format(1)}", "y.onnx"]),
        (b"y\n" + b"x" * 900_000, ["y", f"L: {LONG.format(2)}"]),
        (b"a\n" * 40_000 + b"b\0c\n", [*["a"] * 40_000, "L: line 40001 of the list has a NUL in it"]),
    ],
)  # fmt: skip
def test_lists(data: bytes, expected: list[str]) -> None:
    assert said(places_in(io.BytesIO(data), "L")) == expected


def test_lists_wherever_a_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\xef\xbb\xbfa.onnx\r\n# no\r\nbb.onnx\n\nccc.onnx\r\n"
    for size in range(3, len(data) + 2):
        monkeypatch.setattr(place_lists, "_BLOCK", size)
        assert said(places_in(io.BytesIO(data), "L")) == ["a.onnx", "bb.onnx", "ccc.onnx"]


def test_a_line_without_end_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        left = 1 << 27

        def read(self, size: int = -1) -> bytes:
            self.left -= size
            return b"x" * size if self.left > 0 else b""

    tracemalloc.start()
    try:
        (line,) = said(places_in(Endless(), "L"))  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()
    assert "longer than" in line


def test_what_a_list_names_is_looked_up(tree: Path) -> None:
    put("m/a.onnx", "m/b.onnx", "c.onnx")
    lines = b"c.onnx\nm\nm/*.onnx\nm/../c.onnx\nnone.onnx\nm/b.onnx\n"
    found = said(places_of(places_in(io.BytesIO(lines), "L")))
    assert found == ["c.onnx", "m/a.onnx", "m/b.onnx", "m/../c.onnx", "none.onnx"]


def test_an_indented_place_far_away_is_one_and_a_file_of_that_name_itself(tree: Path) -> None:
    for word in (" https://u:pw@host/m.onnx", "\thttps://u:pw@host/m.onnx "):
        assert list(places_of([word])) == ["https://u:pw@host/m.onnx"]
    (tree / " a.onnx").touch()
    assert list(places_of([f"{tree}/ a.onnx"])) == [f"{tree}/ a.onnx"]


def test_a_bucket_whose_list_never_ends_is_left() -> None:
    class Endless:
        asked = 0

        def split_path(self, path: str) -> tuple[str, str, None]:
            return path, "", None

        def call_s3(self, *_: object, **__: object) -> dict[str, object]:
            self.asked += 1
            assert self.asked < 5000
            return {"IsTruncated": True, "NextContinuationToken": str(self.asked)}

    with pytest.raises(ModelFileError, match="goes on and on"):
        list(keys_below(Endless(), "bucket", [], Wanted([])))
