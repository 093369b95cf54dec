"""How do batches get to whoever scans them? A few at a time, and again where a worker was lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from typing import Final

from cnnscope.analyzer.values.diagnostics import RunError, one_line
from cnnscope.runtime.fleet.batch_job import BatchDone, BatchJob
from cnnscope.runtime.fleet.lost_workers import LostWorkers, raised
from cnnscope.runtime.fleet.worker import scan_batch

#: seconds between two looks at how far batches are
_LOOK: Final = 0.5
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
    lost = LostWorkers(executor)
    slots: Callable[[], int] = getattr(executor, "slots", lambda: workers)
    pending: dict[Future[BatchDone], BatchJob] = {}
    try:
        while True:
            wanted = max(0, 2 * max(1, slots()) - len(pending))
            for job in itertools.islice(jobs, wanted):
                pending[executor.submit(scan_batch, job)] = job
            if not pending:
                return
            ready, _ = wait(pending, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for future in ready:
                job = pending.pop(future)
                error = future.exception()
                if error is None:
                    count(future.result())
                elif isinstance(error, Exception) and lost.given_again(job, error):
                    pending[executor.submit(scan_batch, job)] = job
                else:
                    raise error
            looked()
    except BaseException as error:
        stop()
        running = [future for future in pending if not future.cancel()]
        wait(running, timeout=_LAST)  # so that none of them keeps rows any more
        if isinstance(error, Exception):
            raise _told(raised(error)) from error
        raise


def _told(error: Exception) -> Exception:
    if isinstance(error, (RunError, OSError)):
        return error
    said = "" if isinstance(error, CancelledError) else f" ({type(error).__name__}: {error})"
    return RunError(f"the engine gave up{one_line(said, 300)}: --resume goes on with the scan")
