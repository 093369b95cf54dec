"""How does a list of places become a table of models? `scan`: listed, cut into batches, scanned, written.

The list is kept first, so that an interrupted scan goes on where it was. Workers keep rows themselves
(`worker`); here they are only counted, and in the end written into the table, batch after batch: memory
doesn't grow with the number of models.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from cnnscope.analyzer.model.remote_names import is_far
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.analyzer.values.package_version import installed_version
from cnnscope.runtime.fleet.batch_job import BatchDone, BatchJob
from cnnscope.runtime.fleet.earlier_rows import find_again, take_over
from cnnscope.runtime.fleet.engines import checked_engine, executor_for
from cnnscope.runtime.fleet.handing_out import hand_out
from cnnscope.runtime.fleet.places import places_of
from cnnscope.runtime.fleet.row_files import check_parquet
from cnnscope.runtime.fleet.scan_job import DIFFERENCES, ScanJob, default_workers
from cnnscope.runtime.fleet.scan_progress import ScanProgress
from cnnscope.runtime.fleet.table_writing import write_table
from cnnscope.runtime.fleet.warm_readers import interrupt
from cnnscope.runtime.fleet.work_folder import WorkFolder

Told = Callable[[ScanProgress], None]
#: models of a batch: few enough that all workers have some to the end
_MOST: Final = 50


def run_scan(
    job: ScanJob, told: Told | None = None, executor: Executor | None = None
) -> ScanProgress:
    """Scan, write the table, and say what is in it.

    Args:
        job: what is asked for.
        told: how far it is, now and then.
        executor: in place of the job's engine; it is left open.

    Raises:
        ArgumentError: what is asked for can't be.
        RunError: it can't be gone on with: no process can be started, the engine broke.
        KeyboardInterrupt: after a table of what has been read until then was written.
    """
    check_job(job)
    if executor is None:
        checked_engine(job.engine)
    work = WorkFolder(job.work)
    run = _Run(job, work, told)
    try:
        run.prepare()
        with ExitStack() as stack:
            run.read(executor or run.engine(stack))
        return run.write(whole=True)
    except KeyboardInterrupt:
        if run.listed:
            run.write(whole=False)
        raise
    finally:
        if run.made and not run.listed:
            work.remove()
        work.release()


def check_job(job: ScanJob) -> None:
    """Before anything is read: whether a table can be written there.

    Raises:
        ArgumentError: it can't.
    """
    if job.table == "parquet":
        check_parquet()
    output = job.output
    if output.is_dir():
        raise ArgumentError(f"{output}: this is a folder; give a file")
    if not output.parent.is_dir():
        raise ArgumentError(f"{output}: can't be written: there is no folder {output.parent}")
    if output.exists() and not output.is_file():
        raise ArgumentError(f"{output}: this isn't a file; give a file")
    if job.request.layers:
        from cnnscope.runtime.fleet.layer_table import check_layer_folder

        check_layer_folder(output)


class _Run:
    """A scan on its way."""

    def __init__(self, job: ScanJob, work: WorkFolder, told: Told | None) -> None:
        self.job, self.work, self.told = job, work, told or (lambda progress: None)
        #: whether the folder is this run's own, and whether there is something in it to go on with
        self.made = self.listed = False
        self.models = self.size = 0
        self.workers = job.workers or 1
        self.token = ""
        self.done: Counter[str] = Counter()
        self.began = 0.0

    def prepare(self) -> None:
        """The list of models, and what is known of them already."""
        before = self.work.exists()
        if before and not self.job.resume:
            self.work.refuse()
        if not before:
            self.work.make()
            self.made = True
        self.work.lock()
        asked = self.work.asked() if before else None
        if asked is None:
            self.list()
        else:
            self.go_on(asked)
        self.listed = True

    def list(self) -> None:
        """Keep the list of places, and say how many there are."""
        taken = _Taken([self.job.output])
        for path in self.job.inputs:
            taken.refuse(str(path))
        far = False
        for place in self.work.spool(places_of(self.job.where)):
            self.models += 1
            if isinstance(place, str):
                here = not is_far(place)
                far = far or not here
                if here:
                    taken.refuse(place)
            if self.models % 1000 == 0:
                self.told(ScanProgress(self.models))
        if not self.models:
            raise ArgumentError("no model is there: nothing given is one, or has one in it")
        self.workers = self.job.workers or default_workers(far)
        self.size = max(1, min(_MOST, self.models // (4 * self.workers)))
        asked = {**self.job.asked(), "models": self.models, "size": self.size, "far": far}
        self.token = self.work.say(asked)
        take_over(self.job, self.work.path)

    def go_on(self, asked: dict[str, object]) -> None:
        for name, value in self.job.asked().items():
            if asked.get(name) != value:
                raise ArgumentError(
                    f"{self.work.path}: the scan there was begun {DIFFERENCES[name]}, so this isn't the same:"
                    " remove that folder, or ask for what it was begun with"
                )
        begun = self.work.begun(asked)
        self.models, self.size, self.token = begun.models, begun.size, begun.token
        self.workers = self.job.workers or default_workers(begun.far)
        self.work.go_on()
        find_again(self.work.path, self.batches())

    def engine(self, stack: ExitStack) -> Executor:
        """The job's; where it can't be had, nothing is left behind of a scan that hasn't begun."""
        try:
            return stack.enter_context(executor_for(self.job.engine, self.workers))
        except Exception:
            self.listed = False
            raise

    def batches(self) -> int:
        return -(-self.models // self.size)

    def read(self, executor: Executor) -> None:
        """Have all batches scanned."""
        self.began = time.monotonic()
        hand_out(
            self.jobs(), executor, self.workers, count=self.count, looked=self.look, stop=self.stop
        )  # fmt: skip

    def look(self) -> None:
        self.told(self.progress())

    def jobs(self) -> Iterator[BatchJob]:
        job = self.job
        folder = str(self.work.path.resolve())
        for number, (start, count) in enumerate(self.work.starts(self.size)):
            yield BatchJob(
                folder, self.token, installed_version(), number, start, count, job.request, job.timeout,
                job.memory, job.table,
            )  # fmt: skip

    def stop(self) -> None:
        """No worker reads a further model, and those that read one here leave it."""
        self.work.stop()
        interrupt()

    def count(self, done: BatchDone) -> None:
        for name in ("ok", "partial", "error", "analysed", "reused", "kept"):
            self.done[name] += getattr(done, name)

    def progress(self) -> ScanProgress:
        done = self.done
        return ScanProgress(
            self.models, ok=done["ok"], partial=done["partial"], error=done["error"],
            analysed=done["analysed"], reused=done["reused"], kept=done["kept"],
            seconds=time.monotonic() - self.began,
        )  # fmt: skip

    def write(self, *, whole: bool) -> ScanProgress:
        """Write the table, of all that there is."""
        found = write_table(self.job, self.work.path, self.batches(), whole=whole)
        if whole:
            self.work.remove()
        rows = found.statuses
        return replace(
            self.progress(), ok=rows["ok"], partial=rows["partial"], error=rows["error"],
            first_errors=tuple(found.first_errors),
        )  # fmt: skip


class _Taken:
    """Files that are written: none of them is read."""

    def __init__(self, outputs: Iterable[Path]) -> None:
        self._files = {}
        for path in outputs:
            try:
                found = path.stat()
            except OSError:
                continue
            self._files[found.st_dev, found.st_ino] = path

    def refuse(self, place: str) -> None:
        """Raises `ArgumentError` for one of them, by whatever name."""
        if not self._files:
            return
        try:
            found = Path(place).stat()
        except (OSError, ValueError):
            return
        output = self._files.get((found.st_dev, found.st_ino))
        if output is not None:
            raise ArgumentError(f"{output}: this is read, too; give another file")
