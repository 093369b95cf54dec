"""What becomes of a batch whose worker was lost? It is given out again, and goes on behind its last row.

Children crash in place of their workers, so that a lost worker (a machine that is gone, a process that was
killed) is rarely a model's doing. The model at which workers are lost again and again is a row with an error,
so that a scan ends.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.fleet.batch_job import BatchJob
from cnnscope.runtime.fleet.graph_store import GraphStore
from cnnscope.runtime.fleet.journal import BusyError, Journal
from cnnscope.runtime.fleet.json_row import json_row
from cnnscope.runtime.fleet.model_reader import failed
from cnnscope.runtime.fleet.places import Unlisted
from cnnscope.runtime.fleet.work_folder import WorkFolder

#: workers that may be lost at one and the same model
_MOST: Final = 3


class LostWorkers:
    """Those of a scan.

    Args:
        executor: whose workers they are.
    """

    def __init__(self, executor: Executor) -> None:
        self._lost: tuple[type[Exception], ...] = getattr(executor, "lost", ())
        self._seen: Counter[tuple[int, int]] = Counter()

    def given_again(self, job: BatchJob, error: Exception) -> bool:
        """Whether a batch is to be given out again, after this came of it.

        A model at which workers were lost often enough gets its row here.
        """
        if not isinstance(error, self._lost):
            return False
        with GraphStore(Path(job.folder)) as graphs:
            graphs.free_all()
        try:
            journal = Journal(
                Path(job.folder), job.number, layers=job.request.layers, patience=0.0
            )  # fmt: skip
        except BusyError:  # it isn't lost, but unheard: whoever is next waits for it
            return True
        try:
            at = next((at for at in range(job.count) if at not in journal.done), None)
            if at is None:
                return True
            self._seen[job.number, at] += 1
            if self._seen[job.number, at] == _MOST:
                place = WorkFolder(Path(job.folder)).places(job.start, job.count)[at]
                path = place.place if isinstance(place, Unlisted) else place
                said = f"{_MOST} workers were lost while they read it"
                row = failed(path, "crash", said, job.request)
                line = json_row(row)
                journal.add(at, "failure", line, status="error", shareable=False, layers=b"")
        finally:
            journal.close()
        return True


def raised(error: Exception) -> Exception:
    """What a worker raised, where an engine wraps it into an error of its own."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, (RunError, OSError)) else error
