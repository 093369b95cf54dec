"""How long does a whole run take?

Inputs are put on the device and bound once, outputs stay there (IO binding), so that a run is the
model and nothing else; what moving them costs is measured apart. Making the session and the very
first run, in which memory is taken and kernels are chosen, are times of their own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from cnnscope.analyzer.report.latency import Energy, Latency, Transfers
from cnnscope.runtime.device.nvml import STEP
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.profile.timing import DEFAULT, Samples, TimeBudget, measure

if TYPE_CHECKING:
    import onnx

    from cnnscope.runtime.engine.providers import Provider

#: how far the energy of a run may be off, as a share of it
_SURE: Final = 0.2


def time_runs(
    model: onnx.ModelProto,
    provider: Provider,
    feeds: Mapping[str, object],
    weights: Mapping[str, np.ndarray],
    *,
    batch: int | None = None,
    threads: int = 0,
    device: str = "cpu",
    budget: TimeBudget | Callable[[float, float], TimeBudget] = DEFAULT,
    patience: float = math.inf,
    verbose: bool = False,
    clock: Callable[[], float] = time.perf_counter,
    joules: Callable[[], float | None] = lambda: None,
) -> Latency:
    """Time whole runs of the optimised model.

    Args:
        model, provider, weights: as for a session.
        feeds: an array for each input.
        batch: what the batch dimension of the feeds is, to be noted.
        threads: of one operator; 0 for ONNX Runtime's choice.
        device: where inputs and outputs are to be.
        budget: when to stop, or what says it once the seconds of the session and of the first run are known.
        patience: seconds that a first run may take for another to be made before runs are timed.
        verbose: let ONNX Runtime's log be seen.
        clock: seconds from any origin.
        joules: the device's counter of energy; None where it has none.

    Raises:
        RunError: it can't be run.
    """
    start = clock()
    settings = SessionSettings(optimised=True, threads=threads, verbose=verbose)
    session = open_session(model, provider, settings, weights)
    creation = clock() - start
    ready = session.ready(feeds, device, clock, patience)
    if not isinstance(budget, TimeBudget):
        budget = budget(creation, ready.first)
    began, used = clock(), joules()
    samples, transfers = measure(ready.run, budget, clock), None
    energy = _energy(used, joules(), clock() - began, len(samples.durations))
    if device != "cpu":  # else there is nowhere to move anything
        transfers = _transfers(session.run(None, feeds), feeds, device, budget, clock)
    found = _latency(samples, batch, feeds, ready.first, creation, ready.bound, transfers)
    return replace(found, energy=energy)


def _energy(before: float | None, after: float | None, seconds: float, runs: int) -> Energy | None:
    """Of a run; None where the counter's steps are too large beside how long they all took."""
    if before is None or after is None or seconds * _SURE < 2 * STEP or after <= before:
        return None
    return Energy((after - before) / runs, 2 * STEP / seconds)


def _latency(
    samples: Samples,
    batch: int | None,
    feeds: Mapping[str, object],
    first: float,
    creation: float,
    io_bound: bool,
    transfers: Transfers | None,
) -> Latency:
    return Latency(
        batch=batch,
        inputs={name: tuple(getattr(x, "shape", ())) for name, x in feeds.items()},
        p50=samples.median,
        p90=samples.percentile(90),
        p99=samples.percentile(99),
        least=min(samples.typical),
        most=max(samples.typical),
        spread=samples.spread,
        uncertainty=samples.uncertainty,
        runs=len(samples.durations),
        warmup=samples.warmup,
        first_run=first,
        creation=creation,
        noise=samples.noise,
        io_bound=io_bound,
        transfers=transfers,
    )


def _transfers(
    outputs: list[object],
    feeds: Mapping[str, object],
    device: str,
    budget: TimeBudget,
    clock: Callable[[], float],
) -> Transfers:
    """Moving as much as a run's inputs and outputs."""
    import onnxruntime

    short = TimeBudget(budget.precision, budget.fewest, 100, budget.seconds / 4)

    def plain(values: list[object]) -> list[np.ndarray]:
        return [x for x in values if isinstance(x, np.ndarray) and x.dtype.kind in "biuf"]

    arrays = plain(list(feeds.values()))
    placed = [onnxruntime.OrtValue.ortvalue_from_numpy(x, device, 0) for x in arrays]
    results = [onnxruntime.OrtValue.ortvalue_from_numpy(x, device, 0) for x in plain(outputs)]

    def there() -> None:
        for value, array in zip(placed, arrays, strict=True):
            value.update_inplace(array)

    def back() -> None:
        for value in results:
            value.numpy()

    return Transfers(measure(there, short, clock).median, measure(back, short, clock).median)
