"""How are whole runs, kernels and the machine's ceilings measured, one after the other?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.machine import Ceilings, Residue
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.runtime.engine.job import runtime_version

if TYPE_CHECKING:
    import onnx

    from cnnscope.runtime.engine.providers import Provider
    from cnnscope.runtime.profile.kernel_events import KernelTimes
    from cnnscope.runtime.profile.timing import TimeBudget
from cnnscope.runtime.profile.job import ProfileJob, sendable
from cnnscope.runtime.profile.preparing import Prepared

#: beyond this share of a run, the residue is remarked upon
_AMISS: Final = 0.25


@dataclass(frozen=True, eq=False)
class Measuring:
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
        if on_host(self.provider):  # else times are upper bounds, and nothing is derived from them
            rows = with_bounds(without_profiler(rows, every, ceilings), ceilings)
        outer = [row for row in rows if row.within is None]
        residue = Residue(latencies[0].p50, times.run_seconds, raw, total(rows), times.runs)
        base = self.request.base
        return Profile(
            model=job.analysis.file.name,
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
        from cnnscope.runtime.profile.kernel_times import on_host

        return measure_ceilings(
            self.provider, dtypes, self.idle_kernels if on_host(self.provider) else None,
            threads=self.request.threads, device=self.device, seconds=min(2.0, self.request.seconds),
        )  # fmt: skip

    def idle_kernels(self, model: onnx.ModelProto, feeds: Mapping[str, object]) -> KernelTimes:
        """The times of a small model's kernels, unoptimised, taken as the model's own are."""
        from cnnscope.runtime.profile.ceilings import chain_budget
        from cnnscope.runtime.profile.kernel_times import time_kernels

        return time_kernels(
            model, self.provider, feeds, {}, threads=self.request.threads, device=self.device,
            budget=chain_budget(self.request.seconds), optimised=False,
        )  # fmt: skip


def _notes(latencies: Sequence[Latency], residue: Residue, provider: Provider) -> tuple[str, ...]:
    from cnnscope.runtime.engine.providers import CPU, CUDA

    notes = []
    if CUDA in provider.chain:
        notes.append(
            "the rows' times are upper bounds, launches included: each launch waited for its kernel, and "
            "no device records were to be had; nothing is derived from them"
        )
    if CUDA not in provider.chain and provider.chain[0] != CPU:
        notes.append(
            f"whether the times that the {provider.name} provider's kernels are profiled with are "
            "those of the kernels, or only of their launches, isn't known"
        )
    amiss = residue.share is not None and abs(residue.share) > _AMISS
    if amiss and CUDA not in provider.chain:
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
