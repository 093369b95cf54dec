"""How are some runs of a model recorded on a GPU?

Twice. Once with ONNX Runtime's profile on, which says at which node the host was: that is the recording.
And once without it, so that launches are slowed by nothing but the records: the kernels' time of both
should be the same, which shows that being watched costs the host time and not the device.

Each run is marked by CUPTI's clock before and after it, when everything it had asked for has ended. Runs
before are for warming up: kernels are chosen, memory is taken, clocks rise.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import onnx

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.device.cupti import Recorder
from cnnscope.runtime.device.recording import Recording
from cnnscope.runtime.device.recording_file import recording_of
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.profile.kernel_events import entries_of
from cnnscope.runtime.profile.timing import TimeBudget, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from cnnscope.runtime.engine.providers import Provider

#: runs that are recorded, and that warm up before, at most
_RUNS, _FEWEST_RUNS, _WARM = 10, 3, 20


@dataclass(frozen=True, eq=False)
class Recorded:
    """What was recorded of a model.

    Args:
        recording: of runs with ONNX Runtime's profile.
        model: the optimised one, without weights.
        assigned: how many nodes each provider was assigned, where that is told.
        undisturbed: the seconds of all kernels in a run without ONNX Runtime's profile.
    """

    recording: Recording
    model: onnx.ModelProto
    assigned: Mapping[str, int]
    undisturbed: float


def record_runs(
    cupti: ModuleType,
    model: onnx.ModelProto,
    provider: Provider,
    feeds: Mapping[str, object],
    weights: Mapping[str, np.ndarray],
    *,
    name: str | None,
    batch: int | None,
    latency: float,
    threads: int = 0,
    seconds: float = 3.0,
    verbose: bool = False,
) -> Recorded:
    """Record some runs of the optimised model.

    Args:
        cupti: as `load_cupti` gives it.
        model, provider, weights: as for a session.
        feeds: an array for each input.
        name, batch: of the model, to be noted.
        latency: seconds of an unprofiled run.
        threads: of one operator; 0 for ONNX Runtime's choice.
        seconds: how long the recorded runs may take, but for the fewest.
        verbose: let ONNX Runtime's log be seen.

    Raises:
        NoRecordsError: CUPTI doesn't record here.
        RunError: the model can't be run.
    """
    runs = max(_FEWEST_RUNS, min(_RUNS, int(seconds / latency) if latency else _RUNS))
    with tempfile.TemporaryDirectory(prefix="cnnscope-") as folder:
        settings = SessionSettings(
            optimised=True, profile=Path(folder) / "run", threads=threads,
            rewritten=Path(folder) / "rewritten.onnx", verbose=verbose,
        )  # fmt: skip
        session = open_session(model, provider, settings, weights)
        assert settings.rewritten is not None
        optimised = onnx.load(str(settings.rewritten), load_external_data=False)
        try:
            run = session.ready(feeds, "cuda").run
            profiled = measure(run, TimeBudget(fewest=runs, most=_WARM, seconds=seconds))
            recorder, marks = _recorded(cupti, run, runs)
        finally:
            path = session.end_profile()
        entries = list(entries_of(path))
        assigned = session.assigned
    del session
    alone = open_session(model, provider, SessionSettings(optimised=True, threads=threads), weights)
    run = alone.ready(feeds, "cuda").run
    measure(run, TimeBudget(fewest=runs, most=_WARM, seconds=seconds))
    again, _ = _recorded(cupti, run, runs)
    recording = recording_of({
        "model": name,
        "batch": batch,
        "latency_us": latency * 1e6,
        "latency_profiled_us": profiled.median * 1e6,
        "marks_ns": marks,
        **recorder.tables,
        "ort_profile": _of_runs(entries, runs),
        "kernel_names": recorder.kernel_names,
        "callback_names": recorder.callback_names,
    })  # fmt: skip
    spent = sum(row[1] - row[0] for row in again.tables["kernels"])
    return Recorded(recording, optimised, assigned, spent / runs / 1e9)


def _recorded(
    cupti: ModuleType, run: Callable[[], object], runs: int
) -> tuple[Recorder, list[list[int]]]:
    """What the device did in some runs, and their marks."""
    marks = []
    with Recorder(cupti) as recorder:
        for _ in range(runs):
            before = recorder.now()
            began = time.perf_counter_ns()
            run()
            ended = time.perf_counter_ns()
            marks.append([before, began, ended, recorder.now()])
    return recorder, marks


def _of_runs(entries: list[dict[str, object]], runs: int) -> list[dict[str, object]]:
    """ONNX Runtime's events of the last runs, and of making the session."""
    begins = sorted(_start(e) for e in entries if e.get("name") == "model_run")
    if len(begins) < runs:
        raise RunError(f"ONNX Runtime's profile has {len(begins)} runs, of more than {runs}")
    first = begins[-runs]
    return [
        e
        for e in entries
        if _start(e) >= first or (e.get("cat") == "Session" and _start(e) < begins[0])
    ]


def _start(entry: Mapping[str, object]) -> int:
    return int(str(entry.get("ts", 0)))
