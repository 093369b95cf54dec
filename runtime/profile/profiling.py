"""Where does a model's time go, and how much of the machine does it use?

`profile` is the pipeline: choose a provider, time whole runs for each batch (`latency`), time the
kernels of the optimised graph (`kernel_times`), put every node of the model into the kernel that
contains it (`kernels`), measure what the machine can do (`ceilings`) and hold the kernels' work and
bytes against that (`rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.machine import Ceilings, Residue
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.arguments import (
    checked_amount,
    checked_arrays,
    checked_count,
    checked_counts,
    checked_dims,
    checked_progress,
    checked_seconds,
    checked_shapes,
    checked_text,
    checked_values,
)
from cnnscope.analyzer.values.diagnostics import BindingError, RunError
from cnnscope.runtime.engine.job import ModelJob, runtime_version, say_nothing

if TYPE_CHECKING:
    import os

    import numpy as np
    import onnx

    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.runtime.engine.flat import FlatModel
    from cnnscope.runtime.engine.providers import Provider
    from cnnscope.runtime.engine.weights import WeightValues
    from cnnscope.runtime.profile.kernel_events import KernelTimes
    from cnnscope.runtime.profile.timing import TimeBudget
    from cnnscope.runtime.verify.verifying import Model

#: seconds that each measurement may take when nobody says
SECONDS: Final = 3.0
#: beyond this share of a run, the residue is remarked upon
_AMISS: Final = 0.25


@dataclass(frozen=True, slots=True)
class ProfileJob:
    """What to profile and how; plain data, so that a child process can be sent it.

    Args:
        base: the model, its sizes, provider, inputs and seed.
        batches: lengths of the batch dimension; empty for the model as it is.
        threads: of one operator; 0 for ONNX Runtime's choice.
        seconds: of each measurement.
        fewest: runs that are timed, as far as the seconds go, even if the median is known before.
    """

    base: ModelJob
    batches: tuple[int, ...] = ()
    threads: int = 0
    seconds: float = SECONDS
    fewest: int = 10


@dataclass(frozen=True, slots=True)
class Timed:
    """A latency, and the provider that it is of."""

    provider: str
    latency: Latency


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
        batches: lengths of the batch dimension, each timed; layers are timed at the first.
        threads: of one operator; 0 for ONNX Runtime's choice.
        inputs: arrays, or paths of ``.npy`` files, by input name; others are random.
        seed: of the random inputs and weights.
        seconds: how long each measurement may take (some runs are made in any case).
        child: run in a process of its own, which a crash in native code can't harm.
        timeout: seconds until a child is given up.
        verbose: let ONNX Runtime's own log through.
        progress: told what is being done.

    Raises:
        ModelFileError, GraphError, BindingError: as `analyze`; the batch is fixed.
        RunError: the model can't be run here, with the node where it can be known.
        ArgumentError: an argument isn't what it has to be.

    >>> import cnnscope
    >>> found = cnnscope.profile("sample_models/lenet5.onnx", provider="cpu")  # doctest: +SKIP
    >>> found.latency.p50  # doctest: +SKIP
    0.00018
    """
    from cnnscope.analyzer.report.report import Report
    from cnnscope.runtime.engine.batches import open_batch

    bound: dict[str | None, Sequence[int | None]] = {}
    batches = checked_counts(batches, "batches", 1)
    if batches and isinstance(model, Report):
        bound.update(open_batch(model.inputs))
    bound.update(checked_shapes(shapes))
    checked_progress(progress)
    timeout = checked_seconds(timeout, "timeout")
    base = ModelJob(
        model, bound, checked_dims(dims), checked_text(provider, "provider"),
        checked_arrays(inputs), checked_count(seed, "seed"), verbose=verbose,
        values=checked_values(values),
    )  # fmt: skip
    request = ProfileJob(
        base, batches, checked_count(threads, "threads"), checked_amount(seconds, "seconds")
    )
    if not child:
        return profile_here(request, progress)
    # Only here: the child process imports this module in its turn.
    from cnnscope.runtime.engine.child import run_in_child

    found = run_in_child(
        "cnnscope.runtime.profile.profiling:profile_here", sendable(request), timeout=timeout,
        verbose=verbose, progress=progress,
    )  # fmt: skip
    assert isinstance(found, Profile)
    return found


def sendable(request: ProfileJob) -> ProfileJob:
    """The request with everything in it that a process can be sent."""
    from cnnscope.runtime.engine import job

    return replace(request, base=job.sendable(request.base))


def profile_here(request: ProfileJob, progress: Callable[[str], None] | None = None) -> Profile:
    """`profile`, in this process.

    Args:
        request: what to profile and how.
        progress: told what is being done.
    """
    from cnnscope.runtime.engine.branches import with_decision
    from cnnscope.runtime.engine.providers import choose_provider

    say = progress or say_nothing
    say("analysing")
    batches: Sequence[int | None] = request.batches or (None,)
    # All of them first: a batch that can't be had is said before anything is timed.
    jobs: list[Prepared] = []
    for batch in batches:
        jobs.append(_prepared(request, batch, jobs[0].values if jobs else None))
    say("looking for a provider")
    provider = choose_provider(request.base.provider)
    try:
        return _Run(request, jobs, provider, say).profile()
    except RunError as error:
        raise with_decision(error, jobs[0].analysis, request.base.inputs or {}) from None


def latency_here(request: ProfileJob, progress: Callable[[str], None] | None = None) -> Timed:
    """Whole runs only, of the first batch, in this process.

    Args:
        request: what to time and how.
        progress: told what is being done.
    """
    from cnnscope.runtime.engine.branches import with_decision
    from cnnscope.runtime.engine.providers import choose_provider

    say = progress or say_nothing
    say("analysing")
    job = _prepared(request, request.batches[0] if request.batches else None)
    say("looking for a provider")
    provider = choose_provider(request.base.provider)
    try:
        return Timed(provider.name, _Run(request, [job], provider, say).latency(job))
    except RunError as error:
        raise with_decision(error, job.analysis, request.base.inputs or {}) from None


@dataclass(frozen=True, eq=False)
class Prepared:
    """A model that is ready to be run.

    Args:
        analysis: of the model, with this batch.
        flat: the model as it is run.
        values: its weights.
        feeds: its inputs.
        batch: the length of the batch dimension; None where it isn't known which that is.
    """

    analysis: Analysis
    flat: FlatModel
    values: WeightValues
    feeds: Mapping[str, object]
    batch: int | None


def _prepared(
    request: ProfileJob, batch: int | None, weights: WeightValues | None = None
) -> Prepared:
    """The model with that batch; with the weights of another batch, which are the same."""
    import os

    from cnnscope.runtime.engine.batches import batch_of, bind_batch
    from cnnscope.runtime.engine.flat import flat_model
    from cnnscope.runtime.engine.inputs import load_inputs, make_inputs
    from cnnscope.runtime.engine.job import analysed
    from cnnscope.runtime.engine.weights import find_values

    base = request.base
    files = {n: x for n, x in (base.inputs or {}).items() if isinstance(x, (str, os.PathLike))}
    given = {n: x for n, x in (base.inputs or {}).items() if n not in files}
    arrays: dict[str, np.ndarray] = {**load_inputs(files), **given}  # type: ignore[dict-item]
    if batch is not None:
        if batch < 1:
            raise BindingError(f"--batch {batch}: give a length of at least 1")
        declared = analysed(replace(base, shapes={}, dims={}), {}).graph.inputs
        base = replace(base, dims=bind_batch(declared, batch, base.dims))
    analysis = analysed(base, arrays)
    flat = flat_model(analysis)
    known = weights is not None and weights.arrays.keys() == flat.tensors.keys()
    values = weights if known and weights else find_values(analysis.file, flat, base.seed)
    feeds = make_inputs(analysis, base.seed, arrays)
    bound = {name: analysis.shapes.tensors[name] for name in analysis.graph.inputs}
    return Prepared(analysis, flat, values, feeds, batch or batch_of(analysis.graph.inputs, bound))


def kernels_here(request: ProfileJob, progress: Callable[[str], None]) -> KernelTimes:
    """The kernels' times for the first batch, as a child process is asked for them."""
    from cnnscope.runtime.engine.providers import choose_provider

    batch = request.batches[0] if request.batches else None
    provider = choose_provider(request.base.provider)
    return _Run(request, [_prepared(request, batch)], provider, progress).kernels_here()


@dataclass(frozen=True, eq=False)
class _Run:
    """The measurements."""

    request: ProfileJob
    jobs: Sequence[Prepared]
    provider: Provider
    say: Callable[[str], None]

    @property
    def device(self) -> str:
        from cnnscope.runtime.engine.providers import CUDA

        return "cuda" if CUDA in self.provider.chain else "cpu"

    @property
    def budget(self) -> TimeBudget:
        from cnnscope.runtime.profile.timing import TimeBudget

        return TimeBudget(fewest=self.request.fewest, seconds=self.request.seconds)

    def profile(self) -> Profile:
        from cnnscope.runtime.engine.hardware import describe_hardware
        from cnnscope.runtime.profile.kernel_times import on_host
        from cnnscope.runtime.profile.kernels import assign_layers
        from cnnscope.runtime.profile.placement import find_placement
        from cnnscope.runtime.profile.rows import (
            dtypes_of,
            find_unrun,
            make_rows,
            total,
            with_bounds,
            without_profiler,
        )

        latencies = tuple(self.latency(job) for job in self.jobs)
        self.say("timing each kernel")
        times = self.kernels()
        job = self.jobs[0]
        assignment = assign_layers(job.flat.proto.graph, times.graph)
        rows = make_rows(job.analysis, assignment, times.kernels, times.inside)
        raw = total(rows)
        self.say("measuring what the machine can do")
        ceilings = self.ceilings(dtypes_of(rows))
        every = (*times.kernels, *times.inside)
        rows = with_bounds(without_profiler(rows, every, ceilings), ceilings)
        outer = [row for row in rows if row.within is None]
        residue = Residue(latencies[0].p50, times.run_seconds, raw, total(rows), times.runs)
        base = self.request.base
        return Profile(
            model=job.analysis.file.path,
            provider=self.provider.name,
            fallback_reason=self.provider.reason,
            runtime=runtime_version(),
            hardware=describe_hardware(self.device),
            threads=self.request.threads or None,
            weights=job.values.said,
            seed=base.seed,
            latencies=latencies,
            rows=rows,
            unrun=find_unrun(job.analysis, job.flat, rows),
            residue=residue,
            ceilings=ceilings,
            placement=find_placement(self.provider, outer, times.graph, times.assigned),
            timeline=times.timeline,
            method="profile" if on_host(self.provider) else "synchronous launches",
            notes=_notes(latencies, residue, self.provider),
        )

    def latency(self, job: Prepared) -> Latency:
        from cnnscope.runtime.profile.latency import time_runs

        batch = "" if job.batch is None else f" with a batch of {job.batch}"
        self.say(f"timing whole runs{batch}")
        return time_runs(
            job.flat.proto, self.provider, job.feeds, job.values.arrays, batch=job.batch,
            threads=self.request.threads, device=self.device, budget=self.budget,
            verbose=self.request.base.verbose,
        )  # fmt: skip

    def kernels(self) -> KernelTimes:
        """Here, or where launches return before kernels end, in a process that waits for them."""
        from cnnscope.runtime.engine.child import run_in_child
        from cnnscope.runtime.profile.kernel_events import KernelTimes
        from cnnscope.runtime.profile.kernel_times import SYNCHRONOUS, on_host

        if on_host(self.provider):
            return self.kernels_here()
        found = run_in_child(
            "cnnscope.runtime.profile.profiling:kernels_here", sendable(self.request),
            verbose=self.request.base.verbose, progress=self.say, environment=SYNCHRONOUS,
        )  # fmt: skip
        assert isinstance(found, KernelTimes)
        return found

    def kernels_here(self) -> KernelTimes:
        from cnnscope.runtime.profile.kernel_times import time_kernels

        job = self.jobs[0]
        return time_kernels(
            job.flat.proto, self.provider, job.feeds, job.values.arrays,
            threads=self.request.threads, device=self.device, budget=self.budget,
            verbose=self.request.base.verbose,
        )  # fmt: skip

    def ceilings(self, dtypes: Sequence[str]) -> Ceilings:
        from cnnscope.runtime.profile.ceilings import measure_ceilings

        return measure_ceilings(
            self.provider, dtypes, self.idle_kernels, threads=self.request.threads,
            device=self.device, seconds=min(2.0, self.request.seconds),
        )  # fmt: skip

    def idle_kernels(self, model: onnx.ModelProto, feeds: Mapping[str, object]) -> KernelTimes:
        """The times of a small model's kernels, unoptimised, taken as the model's own are."""
        from cnnscope.runtime.profile.ceilings import chain_budget
        from cnnscope.runtime.profile.kernel_times import apart, on_host, time_kernels

        job = {
            "model": model, "provider": self.provider, "feeds": dict(feeds), "weights": {},
            "threads": self.request.threads, "device": self.device, "optimised": False,
            "budget": chain_budget(self.request.seconds),
        }  # fmt: skip
        if on_host(self.provider):
            return time_kernels(**job)  # type: ignore[arg-type]  # as written right above
        return apart(job, verbose=self.request.base.verbose, progress=self.say)


def _notes(latencies: Sequence[Latency], residue: Residue, provider: Provider) -> tuple[str, ...]:
    from cnnscope.runtime.engine.providers import CPU, CUDA

    notes = []
    if CUDA not in provider.chain and provider.chain[0] != CPU:
        notes.append(
            f"whether the times that the {provider.name} provider's kernels are profiled with are "
            "those of the kernels, or only of their launches, isn't known"
        )
    if residue.share is not None and abs(residue.share) > _AMISS:
        notes.append(
            "the kernels' times don't add up to a whole run: the machine's load changed between the "
            "two measurements, or kernels are so short that the profiler can't tell them from itself"
        )
    if not all(latency.io_bound for latency in latencies):
        notes.append(
            "this model's inputs and outputs can't be bound once for all runs: handing them over is "
            "part of each run"
        )
    return tuple(notes)
