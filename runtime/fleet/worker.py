"""How is a batch of models scanned? By a worker: a thread, a process or a machine, of whichever engine.

Everything that an engine doesn't promise is in here: what a model may take in time and memory, what becomes
of a crash, which graphs needn't be analysed, and that every row is kept as soon as it is there.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Final

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.package_version import installed_version
from cnnscope.runtime.fleet.batch_job import BatchDone, BatchJob
from cnnscope.runtime.fleet.graph_store import GraphStore, Known, Whose
from cnnscope.runtime.fleet.journal import Journal, batch_entries, entry_at, is_whole, layer_lines
from cnnscope.runtime.fleet.json_row import json_row
from cnnscope.runtime.fleet.model_reader import Opened, Read, ReaderSettings, failed
from cnnscope.runtime.fleet.places import Unlisted
from cnnscope.runtime.fleet.warm_readers import LostError, Reader, warm_reader
from cnnscope.runtime.fleet.work_folder import WorkFolder

#: seconds between two looks at a graph that another worker is analysing
_LOOK: Final = 0.02
#: seconds that such a worker is waited for where a model may take as long as it takes
_PATIENCE: Final = 600.0


def scan_batch(job: BatchJob) -> BatchDone:
    """Scan the models of a batch that have no row yet.

    Raises:
        RunError: this worker doesn't see the scan's folder, is of another version, or can't start a process.
        OSError: rows can't be written.
    """
    work = WorkFolder(Path(job.folder))
    work.check(job.token)
    if job.version != installed_version():
        raise RunError(
            f"a worker has cnnscope {installed_version()}, the scan is by {job.version}: install the same"
            " everywhere"
        )
    if is_whole(work.path, job.number):
        return tally(work.path, job.number)
    journal = Journal(work.path, job.number, layers=job.request.layers)
    try:
        if is_whole(work.path, job.number):  # by whoever had it until now
            return tally(work.path, job.number)
        with (
            GraphStore(work.path) as graphs,
            warm_reader(ReaderSettings(job.request, job.memory), job.timeout) as reader,
        ):
            batch = _Batch(job, work, journal, graphs, reader)
            batch.kept = len(journal.done)
            whole = batch.scan()
    finally:
        journal.close()
    if whole:
        if job.request.layers:
            from cnnscope.runtime.fleet.layer_table import write_part

            write_part(work.path, job.number, job.table)
        journal.finish()
    return tally(work.path, job.number, batch)


class _Batch:
    """A batch on its way."""

    def __init__(
        self, job: BatchJob, work: WorkFolder, journal: Journal, graphs: GraphStore, reader: Reader
    ) -> None:
        self.job, self.work, self.journal = job, work, journal
        self.graphs, self.reader = graphs, reader
        self.kept = self.analysed = self.reused = 0

    def scan(self) -> bool:
        """Whether all of it has been done: it is told to stop otherwise."""
        left = []
        for at, place in enumerate(self.work.places(self.job.start, self.job.count)):
            if at in self.journal.done:
                continue
            if self.work.stopped():
                return False
            if not self.one(at, place, wait=False):
                left.append((at, place))  # by then, whoever analyses that graph will be done
        for at, place in left:
            if self.work.stopped() or not self.one(at, place, wait=True):
                return False
        return len(self.journal.done) == self.job.count

    def one(self, at: int, place: str | Unlisted, *, wait: bool) -> bool:
        """Scan one model. False: somebody else is analysing its graph, or the scan is stopped meanwhile."""
        if isinstance(place, Unlisted):
            row = failed(place.place, "unreadable", place.said, self.job.request)
            self.keep(at, "failure", Read(json_row(row), b"", "error"))
            return True
        claimed: list[str] = []
        try:
            return self.read(at, place, wait=wait, claimed=claimed)
        except LostError as error:
            if self.work.stopped():  # it was ended for that, and is no fault of the model's
                return False
            row = failed(place, error.kind, error.said, self.job.request)
            self.keep(at, "failure", Read(json_row(row), b"", "error"))
            return True
        finally:
            for digest in claimed:
                self.graphs.free(digest)

    def read(self, at: int, place: str, *, wait: bool, claimed: list[str]) -> bool:
        """Likewise; raises `LostError` where the child is gone. What stays claimed is to be freed."""
        opened = self.reader.open(place)
        if isinstance(opened, Read):
            self.keep(at, "failure", opened)
            return True
        whose = self.graphs.claim(opened.digest)
        if whose == "claimed" and wait:
            whose = self.awaited(opened)
            self.reader.waited()
        if whose == "claimed":
            return False
        if isinstance(whose, Known):
            entry = entry_at(self.work.path, whose.batch, whose.start)
            if entry is not None:
                self.reuse(at, whose, entry.row, entry.layers)
                return True
        if whose == "mine":
            claimed.append(opened.digest)
        self.analyse(at, opened, claimed)
        return True

    def awaited(self, opened: Opened) -> Whose:
        """Whose a graph is once nobody is analysing it any more, or for much longer than it may take."""
        until = time.monotonic() + (self.job.timeout or _PATIENCE) + 5
        while time.monotonic() < until and not self.work.stopped():
            whose = self.graphs.claim(opened.digest)
            if whose != "claimed":
                return whose
            time.sleep(_LOOK)
        return "claimed" if self.work.stopped() else "alone"

    def analyse(self, at: int, opened: Opened, claimed: list[str]) -> None:
        read = self.reader.analyse()
        self.analysed += 1
        start = self.keep(at, "analysis", read)
        if claimed and read.shareable:
            self.graphs.know(opened.digest, Known(self.job.number, start))
            claimed.clear()
        elif claimed and read.status != "error":
            self.graphs.set_apart(opened.digest)
            claimed.clear()

    def reuse(self, at: int, whose: Known, row: bytes, layers: tuple[int, int]) -> None:
        read = self.reader.reuse(row)
        self.reused += 1
        lines = b""
        if self.job.request.layers and read.status != "error":
            path = json.loads(read.row)["path"]
            lines = renamed(layer_lines(self.work.path, whose.batch, layers), path)
        self.keep(at, "reuse", Read(read.row, lines, read.status))

    def keep(self, at: int, by: str, read: Read) -> int:
        return self.journal.add(
            at, by, read.row, status=read.status, shareable=read.shareable, layers=read.layers
        )


def renamed(lines: bytes, path: str) -> bytes:
    """Rows of layers, as those of another file with that graph."""
    rows = (json.loads(line) for line in lines.splitlines())
    return b"".join(json_row({**row, "path": path}) + b"\n" for row in rows)


def tally(folder: Path, number: int, batch: _Batch | None = None) -> BatchDone:
    """How many rows a batch has, by its journal."""
    seen = Counter(entry.status for entry, _, _ in batch_entries(folder, number))
    analysed, reused = (0, 0) if batch is None else (batch.analysed, batch.reused)
    kept = sum(seen.values()) if batch is None else batch.kept
    return BatchDone(
        number, seen["ok"], seen["partial"], seen["error"], analysed, reused, kept, is_whole(folder, number)
    )  # fmt: skip
