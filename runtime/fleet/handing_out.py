"""How do batches get to whoever scans them? A few at a time, and again where a worker was lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from pathlib import Path
from typing import Final

from cnnscope.analyzer.values.diagnostics import RunError, one_line
from cnnscope.runtime.fleet.batch_job import BatchDone, BatchJob
from cnnscope.runtime.fleet.journal import is_whole
from cnnscope.runtime.fleet.lost_workers import LostWorkers, raised
from cnnscope.runtime.fleet.worker import scan_batch, tally

#: seconds between two looks at how far batches are
_LOOK: Final = 0.5
#: looks at which nothing was heard of a batch that is whole, until it is taken for done
_UNHEARD: Final = 10
#: seconds that workers have to notice that they are to stop
_LAST: Final = 10.0


def hand_out(
    jobs: Iterator[BatchJob],
    executor: Executor,
    workers: int,
    *,
    count: Callable[[BatchDone], None],
    looked: Callable[[], None],
    stop: Callable[[], None],
) -> None:
    """Have all batches scanned; as many wait as are being scanned, and no more.

    Args:
        jobs: the batches.
        executor: who scans them.
        workers: how many at the same time; an executor of a cluster says so itself.
        count: told what came of each.
        looked: called now and then.
        stop: called before this ends early: tells workers to read no further model.

    Raises:
        RunError: it can't be gone on with.
    """
    slots: Callable[[], int] = getattr(executor, "slots", lambda: workers)
    given = _Given(executor, count)
    try:
        while True:
            for job in itertools.islice(jobs, max(0, 2 * max(1, slots()) - len(given.pending))):
                given.give(job)
            if not given.pending:
                return
            given.hear()
            looked()
    except BaseException as error:
        stop()
        given.leave()
        if isinstance(error, Exception):
            raise _told(raised(error)) from error
        raise


class _Given:
    """Batches that were given to an executor.

    Args:
        executor: who scans them.
        count: told what came of each.
    """

    def __init__(self, executor: Executor, count: Callable[[BatchDone], None]) -> None:
        self.executor, self.count = executor, count
        self.pending: dict[Future[BatchDone], BatchJob] = {}
        self._lost = LostWorkers(executor)
        self._silent = 0

    def give(self, job: BatchJob) -> None:
        self.pending[self.executor.submit(scan_batch, job)] = job

    def hear(self) -> None:
        """Wait a moment for what has come of some of them; raises what an executor gave up with."""
        ready, _ = wait(self.pending, timeout=_LOOK, return_when=FIRST_COMPLETED)
        for future in ready:
            job = self.pending.pop(future)
            error = future.exception()
            if error is None:
                self.count(future.result())
            elif isinstance(error, Exception) and self._lost.given_again(job, error):
                self.give(job)
            else:
                raise error
        self._silent = 0 if ready else self._silent + 1
        if self._silent >= _UNHEARD:
            self.take_whole()

    def take_whole(self) -> None:
        """Count those that are whole by their journals, though nobody says so.

        Where a worker of Dask's dies after it was done and before it was asked what came of it, its future
        never ends.
        """
        for future, job in list(self.pending.items()):
            if is_whole(Path(job.folder), job.number):
                del self.pending[future]
                future.cancel()
                self.count(tally(Path(job.folder), job.number))

    def leave(self) -> None:
        """Wait until none of them keeps rows any more, or for a while."""
        wait([future for future in self.pending if not future.cancel()], timeout=_LAST)


def _told(error: Exception) -> Exception:
    if isinstance(error, (RunError, OSError)):
        return error
    said = "" if isinstance(error, CancelledError) else f" ({type(error).__name__}: {error})"
    return RunError(f"the engine gave up{one_line(said, 300)}: --resume goes on with the scan")
