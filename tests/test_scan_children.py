"""What becomes of a scan whose models crash, spin or eat the process that reads them? A row each, no more."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import scan_children
from scans import end_children, folder_of, model, rows_of

import cnnscope
from cnnscope.analyzer.fleet.row_request import RowRequest
from cnnscope.runtime.fleet import warm_readers
from cnnscope.runtime.fleet.model_reader import Opened, Read, ReaderSettings


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    end_children()
    yield
    end_children()
    assert not warm_readers._running


@pytest.mark.skipif(sys.platform != "linux", reason="memory is held to on Linux")
def test_each_loses_one_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_readers, "TARGET", scan_children.TARGET)
    opened = warm_readers.Reader.open

    def open_in_time(self: warm_readers.Reader, place: str) -> Opened | Read:
        self.timeout = 0.3 if place == "spin.onnx" else 60.0
        return opened(self, place)

    monkeypatch.setattr(warm_readers.Reader, "open", open_in_time)
    lost = {
        "crash": "crash",
        "killed": "memory",
        "abort": "memory",
        "eat": "memory",
        "spin": "timeout",
    }
    zoo = [f"{name}.onnx" for bad in lost for name in (f"before-{bad}", bad)]
    cnnscope.scan([*zoo, "last.onnx"], tmp_path / "out.jsonl", workers=1, memory=1 << 28)
    rows = {Path(str(x["path"])).stem: x for x in rows_of(tmp_path / "out.jsonl")}
    assert {x: rows[x]["error_kind"] for x in lost} == lost
    assert "crashed (SIGSEGV)" in rows["crash"]["error"]
    assert rows["spin"]["error"] == "given up after 0.3 s (see --timeout)"
    good = [x["child"] for x in rows.values() if x["status"] == "ok"]
    assert len(good) == len(lost) + 1
    # the child that had no more memory could say so, and is followed by another all the same
    assert len(set(good)) == len(good)


def test_a_warm_child_reads_one_after_the_other(tmp_path: Path) -> None:
    kinds = ("Relu", "Sigmoid", "Relu")
    zoo = folder_of(tmp_path / "zoo", {f"{i}.onnx": model(x, i) for i, x in enumerate(kinds)})
    (zoo / "gone.onnx").symlink_to(zoo / "nowhere")
    before = set(os.listdir(tmp_path))  # noqa: PTH208
    scan = cnnscope.scan([zoo, zoo / "gone.onnx"], tmp_path / "out.jsonl", workers=1)
    assert [x["params"] for x in scan.rows()] == [1728, 1728, 1728, None]
    assert set(os.listdir(tmp_path)) == before | {"out.jsonl"}  # noqa: PTH208
    assert not warm_readers._idle


def test_a_child_ends_with_who_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_readers, "TARGET", scan_children.TARGET)
    reader = warm_readers.Reader(ReaderSettings(RowRequest(), None), None)
    reader.open("spin.onnx")
    child = reader._child
    assert child is not None
    assert child.process.stdin is not None
    child.send(("analyse", None))  # busy for good
    child.process.stdin.close()
    assert child.process.wait(60) == -signal.SIGTERM
    reader.end()


def test_a_child_that_cant_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_readers, "TARGET", "scan_children:there_is_no_such_thing")
    said = r"no process that reads models can be started: .*no_such"
    with pytest.raises(cnnscope.CnnscopeError, match=said):
        cnnscope.scan(["m.onnx"], tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl.scan").is_dir()
