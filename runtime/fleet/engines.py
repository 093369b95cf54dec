"""By whom are batches scanned? Threads of this process, each with a child that reads models; or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import Final

from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.runtime.fleet.warm_readers import end_idle, interrupt

#: engines, each with the package that it needs
_PACKAGES: Final[dict[str, str | None]] = {"local": None, "dask": "distributed", "ray": "ray"}


def executor_for(engine: str, workers: int) -> AbstractContextManager[Executor]:
    """An executor of that engine, and its end.

    Args:
        engine: ``local``: threads of this process, children of theirs do the work; ``dask`` or ``ray``: a
            cluster of processes of this machine, or with ``=ADDRESS`` the one that is there.
        workers: how many models are read at the same time; a cluster at an address has its own number.

    Raises:
        ArgumentError: there is no such engine, or it isn't installed.
        RunError: nobody answers at that address, or nobody with this version of cnnscope.
    """
    name, address = checked_engine(engine)
    if name == "dask":
        from cnnscope.runtime.fleet.dask_engine import dask_executor

        return dask_executor(address, workers)
    if name == "ray":
        from cnnscope.runtime.fleet.ray_engine import ray_executor

        return ray_executor(address, workers)
    return local_executor(workers)


def checked_engine(engine: str) -> tuple[str, str]:
    """An engine's name and its address, which is empty where none is given.

    Raises:
        ArgumentError: there is no such engine, or it isn't installed.
    """
    name, given, address = engine.partition("=")
    if name not in _PACKAGES or bool(given) != bool(address) or (name == "local" and given):
        known = "local, dask, dask=ADDRESS, ray and ray=ADDRESS"
        raise ArgumentError(f"there is no engine {engine[:80]!r}: there are {known}")
    package = _PACKAGES[name]
    if package is not None and find_spec(package) is None:
        raise ArgumentError(
            f"--engine {name} needs the package {package}: pip install 'cnnscope[{name}]'; or leave --engine"
            " out, to scan by processes of this machine"
        )
    return name, address


@contextmanager
def local_executor(workers: int) -> Iterator[Executor]:
    """Threads, each of which has a child that reads models."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="cnnscope-scan")
    try:
        yield pool
    except BaseException:
        interrupt()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        end_idle()
