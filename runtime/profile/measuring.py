"""How are whole runs, kernels and the machine's ceilings measured, one after the other?"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.machine import Ceilings, Residue
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.job import runtime_version

if TYPE_CHECKING:
    import onnx

    from cnnscope.analyzer.report.gpu import Gpu
    from cnnscope.runtime.engine.providers import Provider
    from cnnscope.runtime.profile.kernel_events import KernelTimes
    from cnnscope.runtime.profile.planning import TimePlan
    from cnnscope.runtime.profile.timing import TimeBudget
from cnnscope.runtime.profile.job import ProfileJob, sendable
from cnnscope.runtime.profile.notes import ended_early, notes
from cnnscope.runtime.profile.preparing import Prepared

#: fewer runs under the profiler than this are remarked upon
_FEW: Final = 3


@dataclass(frozen=True, eq=False)
class Measuring:
    """The measurements."""

    request: ProfileJob
    jobs: Sequence[Prepared]
    provider: Provider
    say: Callable[[str], None]
    #: the device right after each batch's runs, where that is told
    gpus: list[Gpu] = field(default_factory=list)
    #: what had to end early for want of seconds, in words
    cut: list[str] = field(default_factory=list)

    @property
    def device(self) -> str:
        from cnnscope.runtime.engine.providers import CUDA

        return "cuda" if CUDA in self.provider.chain else "cpu"

    @property
    def graphics(self) -> str | None:
        """The device in words; None where it has to be asked for otherwise."""
        if not self.gpus:
            return None
        gpu = self.gpus[0]
        return gpu.name if gpu.driver is None else f"{gpu.name} (driver {gpu.driver})"

    @property
    def said(self) -> tuple[str, ...]:
        """What was done to the model, and how it was run, that its file doesn't say."""
        found = dict.fromkeys(said for job in self.jobs for said in job.said)
        tf32 = ("float32 products may be rounded to TF32 (--tf32)",) if self.request.tf32 else ()
        return (*found, *tf32)

    @cached_property
    def plan(self) -> TimePlan:
        """Of the seconds; they run from when it is first asked for."""
        from cnnscope.runtime.profile.planning import TimePlan

        return TimePlan(
            self.request.seconds, time.perf_counter, len(self.jobs), self.request.fewest
        )

    def profile(self) -> Profile:
        from cnnscope.runtime.engine.hardware import describe_hardware
        from cnnscope.runtime.profile.event_meaning import waits
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

        latencies = tuple(self.latency(job, self.plan) for job in self.jobs)
        why = ""
        if not on_host(self.provider):
            from cnnscope.runtime.device.cupti import NoRecordsError

            try:
                return self.recorded(latencies)
            except NoRecordsError as error:
                if self.request.record is not None:
                    raise
                why = str(error)
        self.say("timing each kernel")
        times = self.kernels(self.plan.for_kernels())
        job = self.jobs[0]
        assignment = assign_layers(job.flat.proto.graph, times.graph)
        rows = make_rows(job.analysis, assignment, times.kernels, times.inside)
        raw = total(rows)
        self.say("measuring what the machine can do")
        ceilings = self.ceilings(dtypes_of(rows))
        every = (*times.kernels, *times.inside)
        if waits(self.provider):  # else times aren't those of the work
            rows = with_bounds(without_profiler(rows, every, ceilings), ceilings)
        outer = [row for row in rows if row.within is None]
        residue = Residue(latencies[0].p50, times.run_seconds, raw, total(rows), times.runs)
        base = self.request.base
        return Profile(
            model=job.analysis.file.name,
            provider=self.provider.name,
            fallback_reason=self.provider.reason,
            runtime=runtime_version(),
            hardware=describe_hardware(self.device, self.graphics),
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
            notes=(
                *self.said,
                *notes(latencies, residue, self.provider, why),
                *ended_early(self.request.seconds, self.cut),
            ),
            dtype=self.request.dtype,
            tf32=self.request.tf32,
            gpu=self.gpus[0] if self.gpus else None,
        )

    def recorded(self, latencies: tuple[Latency, ...]) -> Profile:
        """The profile by the device's own records.

        Raises:
            NoRecordsError: there are none to be had here.
        """
        from cnnscope.runtime.device.cupti import load_cupti
        from cnnscope.runtime.device.recording_file import graph_path, write_recording
        from cnnscope.runtime.engine.hardware import describe_hardware
        from cnnscope.runtime.profile.placement import find_placement
        from cnnscope.runtime.profile.recorded_profile import profile_from
        from cnnscope.runtime.profile.recording_runs import record_runs
        from cnnscope.runtime.profile.rows import dtypes_of, with_bounds

        cupti = load_cupti()
        job, base = self.jobs[0], self.request.base
        self.say("recording what the device does")
        path = job.analysis.file.path
        made = record_runs(
            cupti, job.flat.proto, self.provider, job.feeds, job.values.arrays,
            name=None if path is None else Path(path).name, batch=job.batch,
            latency=latencies[0].p50, threads=self.request.threads,
            seconds=self.plan.for_kernels().seconds, verbose=base.verbose,
        )  # fmt: skip
        facts: dict[str, object] = {
            "hardware": describe_hardware(self.device, self.graphics), "onnxruntime": runtime_version(),
            "weights": job.values.said, "undisturbed": made.undisturbed,
            "gpu": self.gpus[0].to_dict() if self.gpus else None,
        }  # fmt: skip
        recording = replace(made.recording, facts=facts)
        found = profile_from(job.analysis, job.flat, recording, made.model.graph)
        self.say("measuring what the machine can do")
        ceilings = self.ceilings(dtypes_of(found.rows))
        facts["ceilings"] = ceilings.to_dict()
        if self.request.record is not None:
            to = Path(self.request.record)
            try:
                write_recording(recording, to)
                graph_path(to).write_bytes(made.model.SerializeToString())
            except OSError as error:
                raise RunError(f"--record {to}: {error.strerror or error}") from None
        outer = [row for row in found.rows if row.within is None]
        return replace(
            found,
            rows=with_bounds(found.rows, ceilings),
            provider=self.provider.name,
            fallback_reason=self.provider.reason,
            threads=self.request.threads or None,
            seed=base.seed,
            latencies=latencies,
            ceilings=ceilings,
            placement=find_placement(self.provider, outer, made.model.graph, made.assigned),
            notes=(
                *self.said,
                *notes(latencies, None, self.provider, ""),
                *ended_early(self.request.seconds, self.cut),
            ),
            dtype=self.request.dtype,
            tf32=self.request.tf32,
            gpu=self.gpus[0] if self.gpus else None,
        )

    def latency(self, job: Prepared, plan: TimePlan | None = None) -> Latency:
        """Whole runs, by a plan or as long as was asked for."""
        from cnnscope.runtime.device.nvml import first_gpu
        from cnnscope.runtime.profile.latency import time_runs
        from cnnscope.runtime.profile.timing import FEWEST, TimeBudget

        batch = "" if job.batch is None else f" with a batch of {job.batch}"
        self.say(f"timing whole runs{batch}")
        alone = TimeBudget(fewest=self.request.fewest, seconds=self.request.seconds)
        with first_gpu() if self.device == "cuda" else nullcontext() as gpu:
            found = time_runs(
                job.flat.proto, self.provider, job.feeds, job.values.arrays, batch=job.batch,
                threads=self.request.threads, device=self.device,
                budget=alone if plan is None else plan.for_runs,
                patience=math.inf if plan is None else plan.patience,
                verbose=self.request.base.verbose,
                joules=(lambda: None) if gpu is None else gpu.joules,
            )  # fmt: skip
            if gpu is not None:
                self.gpus.append(gpu.state())
        if plan is not None and found.runs is not None and found.runs < FEWEST:
            self.cut.append(f"whole runs{batch} were timed {found.runs} times")
        return found

    def kernels(self, budget: TimeBudget) -> KernelTimes:
        """Here, or where launches return before kernels end, in a process that waits for them."""
        from cnnscope.runtime.engine.child import run_in_child
        from cnnscope.runtime.profile.kernel_events import KernelTimes
        from cnnscope.runtime.profile.kernel_times import SYNCHRONOUS, on_host

        if on_host(self.provider):
            found = self.kernels_here(budget)
        else:
            asked = replace(self.request, seconds=budget.seconds)
            made = run_in_child(
                "cnnscope.runtime.profile.profiling:kernels_here", sendable(asked),
                verbose=self.request.base.verbose, progress=self.say, environment=SYNCHRONOUS,
            )  # fmt: skip
            assert isinstance(made, KernelTimes)
            found = made
        if found.runs < _FEW:
            times = "once" if found.runs == 1 else f"{found.runs} times"
            self.cut.append(f"each kernel was timed {times}")
        return found

    def kernels_here(self, budget: TimeBudget | None = None) -> KernelTimes:
        """Here, by a budget or as long as was asked for."""
        from cnnscope.runtime.profile.kernel_times import time_kernels
        from cnnscope.runtime.profile.timing import TimeBudget

        job = self.jobs[0]
        return time_kernels(
            job.flat.proto, self.provider, job.feeds, job.values.arrays,
            threads=self.request.threads, device=self.device,
            budget=budget or TimeBudget(seconds=self.request.seconds, least=1),
            patience=self.plan.patience, verbose=self.request.base.verbose,
        )  # fmt: skip

    def ceilings(self, dtypes: Sequence[str]) -> Ceilings:
        from cnnscope.runtime.profile.ceilings import measure_ceilings
        from cnnscope.runtime.profile.event_meaning import waits

        return measure_ceilings(
            self.provider, dtypes, self.idle_kernels if waits(self.provider) else None,
            threads=self.request.threads, device=self.device, seconds=self.plan.for_ceilings(),
            cut=self.cut.append,
        )  # fmt: skip

    def idle_kernels(self, model: onnx.ModelProto, feeds: Mapping[str, object]) -> KernelTimes:
        """The times of a small model's kernels, unoptimised, taken as the model's own are."""
        from cnnscope.runtime.profile.ceilings import chain_budget
        from cnnscope.runtime.profile.kernel_times import time_kernels

        return time_kernels(
            model, self.provider, feeds, {}, threads=self.request.threads, device=self.device,
            budget=chain_budget(self.plan.for_ceilings() / 4), optimised=False,
        )  # fmt: skip
