"""How does a Dask cluster scan? Through the executor that `distributed` itself has."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from cnnscope.runtime.fleet.cluster_executor import (
    PATIENCE,
    ClusterExecutor,
    check_workers,
    unanswered,
)


@contextmanager
def _no_main() -> Iterator[None]:
    """Processes that are started run none of this program's first file, whether or not it expects them."""
    main = sys.modules["__main__"]
    held = dict(vars(main))
    vars(main).pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        for name in {"__file__", "__spec__"} & held.keys():
            setattr(main, name, held[name])


@contextmanager
def dask_executor(address: str, workers: int) -> Iterator[ClusterExecutor]:
    """An executor of a Dask cluster: of the one at an address, or of processes of this machine.

    Args:
        address: the scheduler's, such as ``tcp://HOST:8786``; empty for a cluster of its own.
        workers: how many processes that has.

    Raises:
        RunError: the address doesn't answer, or no worker of this version does.
    """
    from distributed import Client, LocalCluster
    from distributed.scheduler import KilledWorker

    name = f"dask={address}" if address else "dask"
    with ExitStack() as stack:
        if not address:
            stack.enter_context(_no_main())  # for as long as Dask may replace a process that died
        try:
            cluster = address or stack.enter_context(
                # A thread of each has a child process, which has the memory; Dask watches its own.
                LocalCluster(
                    n_workers=workers, threads_per_worker=1, memory_limit=0,
                    dashboard_address=None, silence_logs=logging.CRITICAL,
                )
            )  # fmt: skip
            client = stack.enter_context(Client(cluster, timeout=PATIENCE, set_as_default=False))
        except (OSError, ValueError, RuntimeError) as error:
            raise unanswered(name, error) from None
        # Not pure: a batch that is given out again isn't the answer that it had before.
        executor = ClusterExecutor(
            name,
            client.get_executor(pure=False).submit,
            lambda: sum(client.nthreads().values()),
            (KilledWorker,),
        )
        check_workers(executor)
        yield executor
