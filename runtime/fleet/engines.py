"""By whom are batches scanned? Threads of this process, each with a child that reads models."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.runtime.fleet.warm_readers import end_idle, interrupt


@contextmanager
def executor_for(engine: str, workers: int) -> Iterator[Executor]:
    """An executor of that engine, and its end.

    Args:
        engine: ``local``: threads of this process; children of theirs do the work.
        workers: how many models are read at the same time.

    Raises:
        ArgumentError: there is no such engine.
    """
    if engine != "local":
        raise ArgumentError(f"there is no engine {engine!r}: local is the one there is")
    pool = ThreadPoolExecutor(workers, thread_name_prefix="cnnscope-scan")
    try:
        yield pool
    except BaseException:
        interrupt()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        end_idle()
