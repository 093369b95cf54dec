"""How does a Ray cluster scan? Ray has tasks and no executor: so by a thin one over `ray.remote`."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache

from cnnscope.runtime.fleet.cluster_executor import (
    PATIENCE,
    ClusterExecutor,
    check_workers,
    unanswered,
)

#: bytes for objects: none of ours is large
_STORE = 80 << 20


@contextmanager
def ray_executor(address: str, workers: int) -> Iterator[ClusterExecutor]:
    """An executor of a Ray cluster: of the one at an address, or of processes of this machine.

    Where this process is connected to a cluster already, that one is taken, and left connected.

    Args:
        address: ``HOST:6379``, ``ray://HOST:10001`` or ``auto``; empty for a cluster of its own.
        workers: how many processes that has.

    Raises:
        RunError: the address doesn't answer, or no worker of this version does.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers of each scan
    import ray
    from ray import exceptions

    name = f"ray={address}" if address else "ray"
    own = not ray.is_initialized()
    try:
        if own and address:
            _knock(address)
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        elif own:
            ray.init(
                address="local", num_cpus=workers, object_store_memory=_STORE, include_dashboard=False,
                logging_level=logging.ERROR, log_to_driver=False,
            )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as error:
        raise unanswered(name, error) from None

    @cache
    def remote(function: Callable[..., object]) -> Callable[..., object]:
        # Whether a batch is tried again is the scan's to say, which knows how far it came.
        task = ray.remote(num_cpus=1, max_retries=0)(function)
        return lambda *args, **kwargs: task.remote(*args, **kwargs)

    def submit(function: Callable[..., object], *args: object, **kwargs: object) -> Future[object]:
        future: Future[object] = remote(function)(*args, **kwargs).future()  # type: ignore[attr-defined]
        return future

    lost = (
        exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.OutOfMemoryError,
        exceptions.LocalRayletDiedError, exceptions.ObjectLostError,
    )  # fmt: skip
    try:
        executor = ClusterExecutor(
            name, submit, lambda: int(ray.cluster_resources().get("CPU", 0)), lost
        )
        check_workers(executor)
        yield executor
    finally:
        if own:
            ray.shutdown()


def _knock(address: str) -> None:
    """Whether somebody listens there: Ray itself would wait for minutes, and then end the process."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
