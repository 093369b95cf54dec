"""Does a table have a row for each model, whatever becomes of it, and nothing else anywhere?"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amounts import some
from scans import folder_of, model, read_here, rows_of

import cnnscope
from cnnscope.analyzer.fleet.columns import LAYER_COLUMNS, MODEL_COLUMNS
from cnnscope.cli import main
from cnnscope.runtime.fleet.scan_progress import ScanProgress


@pytest.fixture(autouse=True)
def without_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    read_here(monkeypatch)


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """Three files of one graph, one of another, and two that are none."""
    good = {f"{i}.onnx": model(weight=float(i)) for i in range(3)}
    bad = {"cut.onnx": model()[:40], "text.onnx": b"hello, world\n" * 9}
    return folder_of(tmp_path / "zoo", {**good, "sigmoid.onnx": model("Sigmoid"), **bad})


@pytest.fixture
def told() -> list[ScanProgress]:
    return []


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["scan", *map(str, words)])
    return int(stop.value.code or 0)


def test_each_model_has_its_row(zoo: Path, tmp_path: Path) -> None:
    scan = cnnscope.scan(zoo, tmp_path / "out.jsonl")
    rows = {Path(str(x["path"])).stem: x for x in scan.rows()}
    assert list(rows) == ["0", "1", "2", "cut", "sigmoid", "text"]
    assert list(rows_of(tmp_path / "out.jsonl")[0]) == [x.name for x in MODEL_COLUMNS]
    for name in ("0", "1", "2", "sigmoid"):
        row = rows[name]
        assert (row["status"], row["params"], row["macs"]) == ("ok", 1728, 36 * 1728)
        assert row["file_bytes"] == (zoo / f"{name}.onnx").stat().st_size
    for name in ("cut", "text"):
        assert (rows[name]["status"], rows[name]["error_kind"]) == ("error", "unreadable")
        assert rows[name]["params"] is None
        assert "\n" not in rows[name]["error"]
    assert scan.statuses == {"ok": 4, "partial": 0, "error": 2}
    assert not (tmp_path / "out.jsonl.scan").exists()


def test_equal_graphs_are_analysed_once(
    zoo: Path, tmp_path: Path, told: list[ScanProgress]
) -> None:
    cnnscope.scan(zoo, tmp_path / "out.jsonl", progress=told.append)
    assert (told[-1].analysed, told[-1].reused) == (2, 2)
    same = {x["graph_digest"] for x in rows_of(tmp_path / "out.jsonl") if x["status"] == "ok"}
    assert len(same) == 2
    one_by_one: list[dict[str, Any]] = []
    for path in sorted(zoo.iterdir()):
        cnnscope.scan(path, tmp_path / "one.jsonl")
        one_by_one += rows_of(tmp_path / "one.jsonl")
        (tmp_path / "one.jsonl").unlink()
    assert one_by_one == rows_of(tmp_path / "out.jsonl")


def test_parquet_has_the_same_rows(zoo: Path, tmp_path: Path) -> None:
    models = [*some(sorted(Path("tests/data/cases").glob("*.onnx")), 12), zoo]
    for name in ("out.parquet", "out.jsonl"):
        cnnscope.scan(models, tmp_path / name, layers=True, lint=True, workers=2)
    parquet, lines = (cnnscope.read_scan(tmp_path / f"out.{x}") for x in ("parquet", "jsonl"))
    assert list(parquet.rows()) == list(lines.rows())
    assert list(parquet.rows()) == rows_of(tmp_path / "out.jsonl")
    layers = list(parquet.layers())
    assert layers == list(lines.layers())
    assert list(layers[0]) == [x.name for x in LAYER_COLUMNS]
    counted = {str(x["path"]): x["layers"] for x in parquet.rows() if x["layers"] is not None}
    for path in map(str, zoo.glob("[0-9]*.onnx")):
        mine = [x for x in layers if x["path"] == path]
        assert [x["op"] for x in mine] == ["Conv", "Relu"]
        assert counted[path] == len(mine)


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_what_was_scanned_before_is_not_analysed_again(
    zoo: Path,
    tmp_path: Path,
    ending: str,
    told: list[ScanProgress],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / f"out.{ending}"

    def analysed(**options: Any) -> int:
        cnnscope.scan(zoo, out, progress=told.append, **options)
        return told[-1].analysed

    assert [analysed(), analysed()] == [2, 0]
    # a table without layers can't say what they were; one with them can
    assert analysed(layers=True) == 2
    layers = list(cnnscope.read_scan(out).layers())
    assert len(layers) == 8
    assert analysed(layers=True) == 0
    assert list(cnnscope.read_scan(out).layers()) == layers
    (zoo / "0.onnx").write_bytes(model("Tanh"))
    assert [analysed(), analysed()] == [1, 0]
    assert [analysed(limits={"macs": "1 k"}), analysed(limits={"macs": "1 k"})] == [3, 0]
    assert [analysed(lint=True), analysed(batch=4), analysed(dims={"H": 4})] == [3, 3, 3]
    import cnnscope.runtime.fleet.coordinating as coordinating
    import cnnscope.runtime.fleet.earlier_rows as earlier_rows
    import cnnscope.runtime.fleet.worker as worker

    for module in (earlier_rows, coordinating, worker):
        monkeypatch.setattr(module, "installed_version", lambda: "9.9")
    assert analysed(dims={"H": 4}) == 3


def test_limits_are_held(zoo: Path, tmp_path: Path) -> None:
    scan = cnnscope.scan(zoo, tmp_path / "a.jsonl", limits={"macs": "1 k", "params": "1728"})
    assert [(x["within_limits"], x["exceeded"]) for x in scan.rows() if x["status"] == "ok"] == [
        (False, ["macs <= 1 k"])
    ] * 4


def test_exit_codes(
    zoo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.jsonl"
    assert run(zoo / "0.onnx", zoo / "1.onnx", "-o", out) == 0
    assert capsys.readouterr().out == f"2 models: 2 ok; 1 graph known already: {out}\n"
    assert run(zoo, "-o", out) == 1
    assert "6 models: 4 ok, 2 errors" in capsys.readouterr().out
    assert run(zoo) == 1
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 6
    outcome, *blamed = said.err.splitlines()
    assert outcome == "6 models: 4 ok, 2 errors; 2 graphs known already"
    assert [x.partition(".onnx: ")[0] for x in blamed] == [
        f"cnnscope: {zoo / x}" for x in ("cut", "text")
    ]
    (tmp_path / "list.txt").write_text(f"{zoo / '0.onnx'}\n# no place\n{zoo / 'gone.onnx'}\n")
    assert run("--from", tmp_path / "list.txt", "-o", out) == 1
    assert [x["status"] for x in rows_of(out)] == ["ok", "error"]
    assert capsys.readouterr().err.startswith(
        f"cnnscope: {zoo / 'gone.onnx'}: there is no such file"
    )

    def interrupted(*given: object) -> Iterator[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnscope.runtime.fleet.coordinating.places_of", interrupted)
    assert run(zoo, "-o", tmp_path / "other.jsonl") == 130
    assert capsys.readouterr().err == "cnnscope: interrupted\n"
    assert not list(tmp_path.glob("other*"))


class _Terminal(io.StringIO):
    """Where somebody watches."""

    def isatty(self) -> bool:
        return True


def test_how_far_it_is_is_one_line(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnscope.runtime.commands.scan._OFTEN", -1.0)
    terminal = _Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        assert run(zoo, "-o", tmp_path / "out.jsonl", "--workers", "1") == 1
    shown, end, blamed = terminal.getvalue().rpartition("\r")
    assert end
    assert [x[:10] for x in blamed.splitlines()] == ["cnnscope: "] * 2
    assert "\n" not in shown
    *_, last, wiped = shown.split("\r")
    assert re.fullmatch(r"6 of 6 models, [0-9.e+]+ a second, 2 errors, 0:00 left *", last)
    assert wiped.isspace()
    assert len(wiped) >= len(last.rstrip())


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert run(*words) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1), said
    return said.err.removeprefix("cnnscope: ").strip()


def test_what_cant_be_is_one_line(
    zoo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes((zoo / "0.onnx").read_bytes())
    (tmp_path / "link.onnx").symlink_to(out)
    (tmp_path / "hard.onnx").hardlink_to(out)
    (tmp_path / "empty").write_text("# nothing\n")
    before = tree(tmp_path)
    for words, said in {
        (zoo,): None,
        (out, "-o", out): f"{out}: this is read, too; give another file",
        (zoo, tmp_path / "link.onnx", "-o", out): f"{out}: this is read, too; give another file",
        (tmp_path / "hard.onnx", "-o", out): f"{out}: this is read, too; give another file",
        ("--from", out, "-o", out): f"{out}: this is read, too; give another file",
        (zoo, "-o", zoo): "how it is written is said by its ending",
        (
            zoo,
            "-o",
            tmp_path / "out.csv",
        ): "how it is written is said by its ending: .parquet, or .jsonl",
        (zoo, "-o", tmp_path / "no" / "out.jsonl"): "can't be written: there is no folder",
        ("--from", tmp_path / "empty", "-o", tmp_path / "a.jsonl"): "no model is there",
        ("-o", tmp_path / "a.jsonl"): "nothing to scan: give files, folders or places",
        (zoo, "--layers"): "--layers needs a file to write: -o out.parquet, or -o out.jsonl",
        (zoo, "--resume"): "--resume needs a file to write",
        (zoo, "-o", tmp_path / "a.jsonl", "--memory", "7"): "memory: a whole number of bytes",
        (zoo, "-o", tmp_path / "a.jsonl", "--memory", "2K"): "--memory 2K: ",
        (zoo, "-o", tmp_path / "a.jsonl", "--limit", "mac=2"): "--limit mac=2: ",
        (
            zoo,
            "-o",
            tmp_path / "a.jsonl",
            "--limit",
            "macs=+2%",
        ): "there is nothing earlier at hand",
        (
            zoo,
            "-o",
            tmp_path / "a.jsonl",
            "--config",
            tmp_path / "no",
        ): "no: can't be read: No such file",
        (zoo, "-o", tmp_path / "a.jsonl", "--engine", "mist"): "there is no engine 'mist'",
        (
            "--from",
            tmp_path / "none",
            "-o",
            tmp_path / "a.jsonl",
        ): "none: can't be read: No such file",
    }.items():
        if said is not None:
            assert said in refused(capsys, *words)
            assert tree(tmp_path) == before, words


def test_parquet_without_pyarrow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [x for x in sys.modules if x.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    said = refused(capsys, tmp_path / "nothing", "-o", tmp_path / "out.parquet")
    assert "pip install 'cnnscope[scan]'" in said
    assert "-o out.jsonl" in said
    assert list(tmp_path.iterdir()) == []


def test_hostile_names(tmp_path: Path) -> None:
    zoo = tmp_path / "zoo"
    deep = zoo
    for _ in range(15):
        deep /= "d" * 250
    names = [
        "a\nb.onnx",
        "\x1b[31mred\r.onnx",
        "::error::x.onnx",
        "##vso[x].onnx",
        "<script>.onnx",
        "\udce9.onnx",
    ]
    folder_of(zoo, {name: model() for name in names})
    deep.mkdir(parents=True)
    (deep / "m.onnx").write_bytes(model())
    (zoo / "loop").symlink_to(zoo)
    os.mkfifo(zoo / "pipe.onnx")
    (zoo / "device.onnx").symlink_to("/dev/zero")
    before = tree(tmp_path)
    rows = list(cnnscope.scan([zoo, zoo / "pipe.onnx"], tmp_path / "out.jsonl").rows())
    good = sorted(str(x["path"]) for x in rows if x["status"] == "ok")
    shown = [x.encode("utf-8", "backslashreplace").decode() for x in map(str, (*names, deep))]
    assert good == sorted([*(f"{zoo}/{x}" for x in shown[:-1]), f"{deep}/m.onnx"])
    kinds = {Path(str(x["path"])).name: x["error"] for x in rows if x["status"] == "error"}
    assert "this is a pipe" in str(kinds["pipe.onnx"])
    assert tree(tmp_path) == before | {"out.jsonl"}
    written = tmp_path.joinpath("out.jsonl").read_text("ascii")
    assert len(written.splitlines()) == len(rows)
    assert "##vso[" not in written


def test_layers_take_no_other_folders_place(
    zoo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_of(tmp_path / "out.layers.jsonl", {"mine.txt": b"mine"})
    said = refused(capsys, zoo, "-o", tmp_path / "out.jsonl", "--layers")
    assert "it has something else: remove it" in said
    assert (tmp_path / "out.layers.jsonl" / "mine.txt").read_bytes() == b"mine"


def tree(folder: Path) -> set[str]:
    """All that is in a folder, links not followed."""
    found = set()
    for here, folders, files in os.walk(folder):
        found |= {os.path.relpath(os.path.join(here, x), folder) for x in (*folders, *files)}  # noqa: PTH118
    return found
