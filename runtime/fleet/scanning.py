"""What do models cost, all of them? `scan()`: a table with a row a model, whatever becomes of any of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.fleet.row_request import RowRequest
from cnnscope.analyzer.values.arguments import (
    checked_count,
    checked_dims,
    checked_mapping,
    checked_progress,
    checked_seconds,
    checked_several,
)
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.runtime.fleet.coordinating import run_scan
from cnnscope.runtime.fleet.scan_job import LEAST_MEMORY, MEMORY, TIMEOUT, ScanJob
from cnnscope.runtime.fleet.scan_progress import ScanProgress

if TYPE_CHECKING:
    from cnnscope.analyzer.budgets.limit import Limit
    from cnnscope.analyzer.fleet.scan_table import Scan


def scan(
    where: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    engine: str = "local",
    workers: int | None = None,
    layers: bool = False,
    lint: bool = False,
    limits: Mapping[str, object] | None = None,
    batch: int | None = None,
    dims: Mapping[str, int] | None = None,
    timeout: float | None = TIMEOUT,
    memory: int | None = MEMORY,
    resume: bool = False,
    progress: Callable[[ScanProgress], None] | None = None,
) -> Scan:
    """A table of many models, one row each: what each costs and sees, or why that can't be said.

    No model stops it: one that can't be read, takes too long or crashes the process that reads it is a row
    with its error. Models with the same graph are analysed once, and so are those of the table that is there
    already, if the same version of cnnscope was asked the same of them.

    Args:
        where: files, folders, globs, places far away; one, or several.
        output: the table's file: ``.parquet``, which needs pyarrow, or ``.jsonl`` for JSON Lines. While the
            scan runs, its work is in a folder beside it, ``OUTPUT.scan``.
        executor: whoever calls functions (`concurrent.futures.Executor`), in place of the engine; it has to
            see that folder, and is left open.
        engine: ``"local"``, processes of this machine; ``"dask"`` or ``"ray"``, likewise by theirs;
            ``"dask=ADDRESS"`` or ``"ray=ADDRESS"``, a cluster that sees the table's folder.
        workers: how many models are read at a time; None: as many as there are cores, more where models lie
            far away.
        layers: a second table, one row a layer, in a folder beside the first: ``out.layers.parquet``.
        lint: also ask lint's rules.
        limits: what each model is held to, as `check` takes them.
        batch: the length of free batches; None: 1.
        dims: lengths of other free dimensions, for models that have them.
        timeout: seconds that one model may take; None for as long as it takes.
        memory: bytes that one model may take; None for as many as there are. Held to on Linux.
        resume: go on with a scan that was interrupted, if one was.
        progress: told how far it is, now and then.

    Returns:
        The `Scan`.

    Raises:
        ArgumentError: what is asked for can't be: no model, no pyarrow, another scan writes there.
        RunError: it can't be gone on with, such as where no process can be started.

    >>> import cnnscope
    >>> found = cnnscope.scan("sample_models/lenet5.onnx", "lenet.jsonl")  # doctest: +SKIP
    """
    from cnnscope.analyzer.fleet.scan_table import read_scan

    words = _words(where)
    checked_progress(progress)
    job = ScanJob(
        words,
        Path(os.fsdecode(output)),
        RowRequest(
            limits=_limits(limits),
            layers=layers,
            lint=lint,
            batch=None if batch is None else checked_count(batch, "batch", 1),
            dims=checked_dims(dims),
        ),
        named=words,
        engine=engine,
        workers=None if workers is None else checked_count(workers, "workers", 1),
        timeout=checked_seconds(timeout, "timeout"),
        memory=None if memory is None else checked_bytes(memory),
        resume=resume,
    )
    run_scan(job, progress, executor)
    return read_scan(job.output)


def checked_bytes(given: object) -> int:
    """Bytes that a model may take.

    Raises:
        ArgumentError: it is no whole number, or too few of them for any.
    """
    if isinstance(given, bool) or not isinstance(given, int) or given < LEAST_MEMORY:
        raise ArgumentError("memory: a whole number of bytes is wanted, 64 MiB at least")
    return given


def _words(where: object) -> tuple[str, ...]:
    several: Sequence[object] = [where]
    if not isinstance(where, (str, os.PathLike)):
        several = list(checked_several(where, "where"))
    for word in several:
        if not isinstance(word, (str, os.PathLike)):
            raise ArgumentError("where: paths and places far away are wanted, as texts")
    return tuple(os.fsdecode(word) for word in several)  # type: ignore[arg-type]  # as just asked


def _limits(limits: Mapping[str, object] | None) -> tuple[Limit, ...]:
    if not limits:
        return ()
    from cnnscope.analyzer.budgets.limit_text import limit_on

    wanted = "a dict from quantities to limits, such as {'macs': '4.2 G'},"
    return tuple(limit_on(*given) for given in checked_mapping(limits, "limits", wanted).items())
