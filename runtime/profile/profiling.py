"""Where does a model's time go, and how much of the machine does it use?

`profile` is the pipeline: choose a provider, time whole runs for each batch (`latency`), time the
kernels of the optimised graph (`kernel_times`), put every node of the model into the kernel that
contains it (`kernels`), measure what the machine can do (`ceilings`) and hold the kernels' work and
bytes against that (`rows`). Where a device records its own work, the kernels' times are those
(`recording_runs`); from such a recording a profile is made without running anything (`from_recording`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.arguments import (
    checked_amount,
    checked_count,
    checked_counts,
    checked_progress,
    checked_seconds,
)
from cnnscope.analyzer.values.diagnostics import ArgumentError, RunError
from cnnscope.runtime.engine.child import call_in_child
from cnnscope.runtime.engine.job import checked_job, say_nothing
from cnnscope.runtime.engine.library import ask_for_library, load_library
from cnnscope.runtime.profile.job import SECONDS, ProfileJob, Timed, sendable
from cnnscope.runtime.profile.measuring import Measuring
from cnnscope.runtime.profile.preparing import Prepared, prepare

if TYPE_CHECKING:
    import numpy as np

    from cnnscope.runtime.engine.providers import Provider
    from cnnscope.runtime.profile.kernel_events import KernelTimes
    from cnnscope.runtime.verify.verifying import Model


def profile(
    model: Model,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    provider: str = "auto",
    batches: Sequence[int] = (),
    threads: int = 0,
    inputs: Mapping[str, np.ndarray | str | os.PathLike[str]] | None = None,
    seed: int = 0,
    seconds: float = SECONDS,
    recording: str | os.PathLike[str] | None = None,
    record: str | os.PathLike[str] | None = None,
    dtype: str | None = None,
    tf32: bool = False,
    child: bool = False,
    timeout: float | None = None,
    verbose: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Profile:
    """Run a model, and say how long it and each of its layers take.

    Args:
        model: a path, bytes, a binary file, an `onnx.ModelProto`, or a report of `analyze`, whose
            shapes are then used.
        shapes: input name to its shape; None leaves a dimension as it is.
        dims: length of each free dimension, by name.
        values: of inputs that sizes hang on, as `analyze` takes them; the model is run with them.
        provider: ``"auto"`` (CUDA if it runs, else the CPU), or one that has to run.
        batches: lengths of the batch dimension, each timed; layers are timed at the first. Where the
            file fixes the batch, a copy with another is run, if examples are taken one by one.
        threads: of one operator; 0 for ONNX Runtime's choice.
        inputs: arrays, or paths of ``.npy`` files, by input name; others are random.
        seed: of the random inputs and weights.
        seconds: how long whole runs may take; everything together takes at most twice that, and a
            session and five runs besides.
        recording: a file in which a GPU's work was recorded, the graph that ran beside it: nothing is
            run, and sizes, dtype and device are the recording's.
        record: a file to write such a recording to.
        dtype: ``"float16"`` to run a copy in which that stands for float32.
        tf32: let float32 products be rounded to TF32; on CUDA.
        child: run in a process of its own, which a crash in native code can't harm.
        timeout: seconds until a child is given up.
        verbose: let ONNX Runtime's own log through.
        progress: told what is being done.

    Raises:
        ModelFileError, GraphError, BindingError: as `analyze`; the batch is fixed.
        RunError: ONNX Runtime isn't installed, or the model can't be run here, with the node where it
            can be known.
        ArgumentError: an argument isn't what it has to be.

    >>> import cnnscope
    >>> found = cnnscope.profile("sample_models/lenet5.onnx", provider="cpu")  # doctest: +SKIP
    >>> found.latency.p50  # doctest: +SKIP
    0.00018
    """
    from cnnscope.analyzer.report.report import Report
    from cnnscope.runtime.engine.batches import open_batch

    batches = checked_counts(batches, "batches", 1)
    checked_progress(progress)
    timeout = checked_seconds(timeout, "timeout")
    base = checked_job(
        model, shapes=shapes, dims=dims, values=values, provider=provider, inputs=inputs, seed=seed,
        verbose=verbose,
    )  # fmt: skip
    if batches and isinstance(model, Report):
        opened: dict[str | None, Sequence[int | None]] = {}
        opened.update(open_batch(model.inputs))
        base = replace(base, shapes={**opened, **base.shapes})
    request = ProfileJob(
        base, batches, checked_count(threads, "threads"), checked_amount(seconds, "seconds"),
        recording=_path(recording, "recording"), record=_path(record, "record"),
        dtype=checked_dtype(dtype), tf32=bool(tf32),
    )  # fmt: skip
    if not child:
        return profile_here(request, progress)
    if request.recording is None:
        ask_for_library()
    return call_in_child(
        profile_here, sendable(request), timeout=timeout, verbose=verbose, progress=progress
    )


def checked_dtype(dtype: object) -> str | None:
    """A dtype that a model can be converted to, or None.

    Raises:
        ArgumentError: it is another.
    """
    from cnnscope.runtime.engine.retyping import CODES

    if dtype is None or (isinstance(dtype, str) and dtype in CODES):
        return dtype
    raise ArgumentError(
        f"dtype: {dtype!r} is none that a model is converted to: {', '.join(CODES)}"
    )


def chosen_provider(request: ProfileJob) -> Provider:
    """The provider that a request asks for.

    Raises:
        RunError: there is none of that name, it doesn't run here, or has no TF32.
    """
    from cnnscope.runtime.engine.providers import CUDA, choose_provider, with_tf32

    provider = choose_provider(request.base.provider)
    if not request.tf32:
        return provider
    if CUDA not in provider.chain:
        raise RunError(f"--tf32 is for CUDA: {provider.reason or f'it runs on {provider.name}'}")
    return with_tf32(provider)


def _path(given: object, what: str) -> str | None:
    if given is None or isinstance(given, (str, os.PathLike)):
        return None if given is None else os.fsdecode(given)
    raise ArgumentError(f"{what}: {given!r} is no path of a file")


def profile_here(request: ProfileJob, progress: Callable[[str], None] | None = None) -> Profile:
    """`profile`, in this process.

    Args:
        request: what to profile and how.
        progress: told what is being done.
    """
    from cnnscope.runtime.engine.branches import with_decision
    from cnnscope.runtime.engine.providers import CUDA

    say = progress or say_nothing
    if request.recording is not None:
        from cnnscope.runtime.profile.from_recording import profile_of_recording

        return profile_of_recording(request.base.model, Path(request.recording), say)
    load_library()
    say("analysing")
    batches: Sequence[int | None] = request.batches or (None,)
    # All of them first: a batch that can't be had is said before anything is timed.
    jobs: list[Prepared] = []
    for batch in batches:
        jobs.append(prepare(request, batch, jobs[0].values if jobs else None))
    say("looking for a provider")
    provider = chosen_provider(request)
    if request.record is not None and CUDA not in provider.chain:
        raise RunError(
            f"--record: there is no GPU to record: {provider.reason or 'it runs on the CPU'}"
        )
    try:
        return Measuring(request, jobs, provider, say).profile()
    except RunError as error:
        raise with_decision(error, jobs[0].analysis, request.base.inputs or {}) from None


def latency_here(request: ProfileJob, progress: Callable[[str], None] | None = None) -> Timed:
    """Whole runs only, of the first batch, in this process.

    Args:
        request: what to time and how.
        progress: told what is being done.
    """
    from cnnscope.runtime.engine.branches import with_decision

    load_library()
    say = progress or say_nothing
    say("analysing")
    job = prepare(request, request.batches[0] if request.batches else None)
    say("looking for a provider")
    provider = chosen_provider(request)
    try:
        return Timed(provider.name, Measuring(request, [job], provider, say).latency(job))
    except RunError as error:
        raise with_decision(error, job.analysis, request.base.inputs or {}) from None


def kernels_here(request: ProfileJob, progress: Callable[[str], None]) -> KernelTimes:
    """The kernels' times for the first batch, as a child process is asked for them."""

    batch = request.batches[0] if request.batches else None
    provider = chosen_provider(request)
    return Measuring(request, [prepare(request, batch)], provider, progress).kernels_here()
