"""Is nothing lost and nothing repeated when a scan is killed, interrupted, or started twice?"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from amounts import amount
from commanded import run
from scans import folder_of, journal_of, model, read_here, rows_of

import cnnscope
from cnnscope.analyzer.values.diagnostics import ArgumentError, RunError
from cnnscope.runtime.fleet.batch_job import BatchDone, BatchJob
from cnnscope.runtime.fleet.journal import Journal, batch_entries
from cnnscope.runtime.fleet.scan_progress import ScanProgress
from cnnscope.runtime.fleet.work_folder import WorkFolder

KINDS = ("Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Abs", "Neg", "Exp")
#: a scan of its own process, killed when so many models are done
KILLED = """
import os, signal, sys
sys.path[:] = {path!r}
import pytest, scans, cnnscope
scans.read_here(pytest.MonkeyPatch())
def told(progress):
    if progress.done >= {until}:
        os.kill(os.getpid(), signal.SIGKILL)
cnnscope.scan({zoo!r}, {out!r}, workers=1, layers=True, progress=told)
"""


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """Eight graphs, the first of them twice."""
    files = {f"{i}.onnx": model(kind) for i, kind in enumerate(KINDS)}
    return folder_of(tmp_path / "zoo", {**files, "again.onnx": model(weight=1.0)})


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    read_here(monkeypatch)


def stopped_at(count: int, how: Callable[[], None]) -> Callable[[ScanProgress], None]:
    def told(progress: ScanProgress) -> None:
        if progress.done >= count:
            how()

    return told


def ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("here")
def test_killed_and_gone_on_with(zoo: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    cnnscope.scan(zoo, whole, layers=True)
    code = KILLED.format(path=sys.path, until=4, zoo=str(zoo), out=str(out))
    killed = subprocess.run([sys.executable, "-c", code], check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()
    kept = journal_of(tmp_path / "out.jsonl.scan")
    assert 4 <= len(kept) < 9
    told: list[ScanProgress] = []
    cnnscope.scan(zoo, out, layers=True, resume=True, progress=told.append)
    assert told[-1].kept == len(kept)
    # nine files of eight graphs: each was analysed once, by whichever of the two runs
    assert told[-1].analysed + sum(x["by"] == "analysis" for x in kept) == 8
    assert rows_of(out) == rows_of(whole)
    assert list(cnnscope.read_scan(out).layers()) == list(cnnscope.read_scan(whole).layers())
    assert not (tmp_path / "out.jsonl.scan").exists()


@pytest.mark.usefixtures("here")
def test_the_command_says_where_an_interrupted_scan_is(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def shown() -> Iterator[Callable[[ScanProgress], None]]:
        yield stopped_at(3, ctrl_c)

    out = tmp_path / "out.jsonl"
    monkeypatch.setattr("cnnscope.runtime.commands.scan._shown", shown)
    code, told, said = run("scan", str(zoo), "-o", str(out), "--workers", "1")
    assert (code, told) == (130, "")
    first, last = said.splitlines()
    assert first == (
        f"cnnscope: {out} has what was scanned until now; the same command with --resume goes on"
    )
    assert last == "cnnscope: interrupted"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_ctrl_c_leaves_what_there_is(zoo: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"out.{ending}"
    with pytest.raises(KeyboardInterrupt):
        cnnscope.scan(zoo, out, workers=1, layers=True, progress=stopped_at(3, ctrl_c))
    scan = cnnscope.read_scan(out)
    assert 3 <= scan.count < 9
    layers = Counter(str(x["path"]) for x in scan.layers())
    assert layers == {str(x["path"]): 2 for x in scan.rows(["path"])}
    with pytest.raises(ArgumentError, match="--resume goes on with it"):
        cnnscope.scan(zoo, out)
    whole = cnnscope.scan(zoo, out, layers=True, resume=True)
    assert whole.count == 9
    assert Counter(str(x["path"]) for x in whole.layers()).total() == 18
    assert {x.name for x in tmp_path.iterdir()} == {out.name, f"out.layers.{ending}", "zoo"}


@pytest.mark.usefixtures("here")
def test_only_the_same_scan_is_gone_on_with(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        cnnscope.scan(zoo, out, workers=1, progress=stopped_at(3, ctrl_c))
    before = journal_of(tmp_path / "out.jsonl.scan")
    others: list[tuple[Any, dict[str, Any], str]] = [
        (zoo / "0.onnx", {}, "of other places"),
        (zoo, {"limits": {"macs": "1 M"}}, "with other limits, sizes or rules"),
        (zoo, {"batch": 2}, "with other limits, sizes or rules"),
        (zoo, {"layers": True}, "with layers where there were none"),
    ]
    for where, options, said in others:
        with pytest.raises(ArgumentError, match=said):
            cnnscope.scan(where, out, resume=True, **options)
    with monkeypatch.context() as patch:
        patch.setattr("cnnscope.runtime.fleet.scan_job.installed_version", lambda: "9.9")
        with pytest.raises(ArgumentError, match="by another version of cnnscope"):
            cnnscope.scan(zoo, out, resume=True)
    assert journal_of(tmp_path / "out.jsonl.scan") == before
    assert cnnscope.scan(zoo, out, resume=True).count == 9


@pytest.mark.usefixtures("here")
def test_two_scans_of_one_table(zoo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    seen: list[str] = []

    def second(progress: ScanProgress) -> None:
        for resume in (False, True):
            with pytest.raises(ArgumentError) as refused:
                cnnscope.scan(zoo, out, resume=resume)
            seen.append(str(refused.value))

    cnnscope.scan(zoo, out, progress=second)
    assert set(seen) == {f"{out}.scan: another scan is writing there just now"}


def test_a_folder_that_is_no_scans(zoo: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out.jsonl.scan").symlink_to(tmp_path / "elsewhere")
    for resume in (False, True):
        with pytest.raises(ArgumentError, match="this isn't a scan's folder"):
            cnnscope.scan(zoo, tmp_path / "out.jsonl", resume=resume)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["places.jsonl", "lock", "scan.json.new", "000000.jsonl.part", "layers", "layers/part-0.jsonl"],
)
@pytest.mark.parametrize("planted", ["link", "pipe"])
def test_what_was_planted_in_a_scans_folder(
    zoo: Path, tmp_path: Path, name: str, planted: str
) -> None:
    out, precious = tmp_path / "out.jsonl", tmp_path / "precious"
    precious.write_text("kept")
    there = tmp_path / "out.jsonl.scan" / name
    there.parent.mkdir(parents=True)
    there.symlink_to(precious) if planted == "link" else os.mkfifo(there)
    for resume in (False, True):
        with pytest.raises(ArgumentError, match="this isn't a scan's folder"):
            cnnscope.scan(zoo, out, resume=resume)
    assert precious.read_text() == "kept"
    assert not out.exists()


@pytest.mark.usefixtures("here")
def test_a_damaged_folder_is_said_in_a_line(zoo: Path, tmp_path: Path) -> None:
    out, work = tmp_path / "out.jsonl", tmp_path / "out.jsonl.scan"
    with pytest.raises(KeyboardInterrupt):
        cnnscope.scan(zoo, out, workers=1, progress=stopped_at(3, ctrl_c))
    asked = json.loads((work / "scan.json").read_text())
    journal = sorted(work.glob("0*.jsonl*"))[0].name
    lacking = {k: v for k, v in asked.items() if k != "models"}
    forged = [
        ("scan.json", json.dumps(x))
        for x in (lacking, asked | {"size": 0}, asked | {"models": 10**12})
    ]
    row = '{"at":0,"by":"x","status":"ok","shareable":true,"layers":[0,0],"row":no}\n'
    forged += [(journal, '{"at":0}\n'), (journal, row), ("places.jsonl", "[1]\n" * 9)]
    for name, text in forged:
        before = (work / name).read_bytes()
        (work / name).write_text(text)
        with pytest.raises(RunError, match="damaged: remove it, and begin anew"):
            cnnscope.scan(zoo, out, resume=True)
        (work / name).write_bytes(before)
    assert cnnscope.scan(zoo, out, resume=True).count == 9


@pytest.mark.usefixtures("here")
def test_places_are_for_their_owner_alone(zoo: Path, tmp_path: Path) -> None:
    work = tmp_path / "out.jsonl.scan"
    modes: set[tuple[str, int]] = set()

    def look(progress: ScanProgress) -> None:
        modes.update(
            (x.name, stat.S_IMODE(x.stat().st_mode)) for x in (work, work / "places.jsonl")
        )

    cnnscope.scan(zoo, tmp_path / "out.jsonl", progress=look)
    assert modes == {("out.jsonl.scan", 0o700), ("places.jsonl", 0o600)}


def test_a_line_without_its_end_does_not_count(tmp_path: Path) -> None:
    def add(journal: Journal, at: int) -> None:
        row = f'{{"path":"{at}"}}'.encode()
        layers = b'{"index":0}\n' * at
        journal.add(at, "analysis", row, status="ok", shareable=False, layers=layers)

    journal = Journal(tmp_path, 7, layers=True)
    for at in range(3):
        add(journal, at)
    journal.close()
    path = tmp_path / "000007.jsonl.part"
    whole = path.read_bytes()
    cuts = range(whole.rindex(b"\n", 0, -1) + 1, len(whole))
    for cut in cuts:
        path.write_bytes(whole[:cut])
        journal = Journal(tmp_path, 7, layers=True)
        assert journal.done == {0, 1}
        add(journal, 2)
        journal.close()
        assert path.read_bytes() == whole
    assert (tmp_path / "000007.layers.jsonl").read_bytes() == b'{"index":0}\n' * 3


class _Canned(Executor):
    """Rows from nowhere, for batches of any number."""

    row = b'{"path":"m.onnx","status":"ok","filler":"' + b"x" * 2500 + b'"}'

    def submit(self, function: Any, job: BatchJob) -> Future[BatchDone]:  # type: ignore[override]
        journal = Journal(Path(job.folder), job.number, layers=False)
        for at in range(job.count):
            journal.add(at, "analysis", self.row, status="ok", shareable=False, layers=b"")
        journal.close()
        journal.finish()
        future: Future[BatchDone] = Future()
        future.set_result(BatchDone(job.number, job.count, 0, 0, job.count, 0, 0, True))
        return future


def test_memory_does_not_grow(tmp_path: Path) -> None:
    """A million rows of 2.5 kB in full: what is held is 50 bytes a place, by which each is taken once."""
    rows = amount(1_000, 1_000_000)
    (tmp_path / "list.txt").write_text("".join(f"/nowhere/{i}.onnx\n" for i in range(rows)))
    from cnnscope.analyzer.fleet.row_request import RowRequest
    from cnnscope.runtime.fleet.coordinating import run_scan
    from cnnscope.runtime.fleet.place_lists import places_in
    from cnnscope.runtime.fleet.scan_job import ScanJob

    tracemalloc.start()
    with (tmp_path / "list.txt").open("rb") as file:
        job = ScanJob(places_in(file, "list"), tmp_path / "out.jsonl", RowRequest())
        assert run_scan(job, executor=_Canned()).ok == rows
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10e6 + 60 * rows
    assert (tmp_path / "out.jsonl").stat().st_size == rows * (len(_Canned.row) + 1)


def test_a_worker_that_sees_another_folder(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path)
    token = work.say({})
    work.check(token)
    with pytest.raises(RunError, match="a worker doesn't see this folder"):
        work.check("another")
    with pytest.raises(RunError, match="a worker doesn't see this folder"):
        WorkFolder(tmp_path / "none").check(token)
    assert list(batch_entries(tmp_path, 0)) == []
