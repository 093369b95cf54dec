"""How long does each kernel of the optimised graph take?

The model runs again and again with ONNX Runtime's profile on; the graph it made of the model is
saved, and its nodes are matched with what the profile says of each run (`kernel_events`):

(1) A run is what lies between the beginning and the end of a ``model_run`` event.
(2) In a run, the nodes of the main graph appear in the saved graph's order. What appears in between
    belongs to a subgraph (its time is inside its parent's, which appears after it) and is left out.
    Should the order differ, the k-th event of a name is the k-th node of that name.
(3) Runs before the times are steady are left out, as for whole runs (`timing`). Of the others, the
    half whose whole time is nearest the middle is kept (from the first quartile to the third), and
    a kernel's time is its mean over those. Means add up: the kernels' times and what lies between
    kernels are exactly the mean run. Medians don't, where something else now and then takes a
    processor away: each kernel is spared that most of the time, no run is. A kernel's own median
    is kept beside it.

Times are whole microseconds, cut off, so that a kernel's is up to one too small. On a device that
works while the host goes on, an event ends when the kernel was *launched*. Without records of the
device's own the process has to launch synchronously, which is said in the environment of a process of
its own before CUDA is loaded; and what it costs to launch and to wait is then in each time.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import onnx

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.providers import CUDA
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.profile.kernel_events import (
    EVENTS,
    KernelTimes,
    Run,
    holds_graphs,
    read_runs,
    summed,
)
from cnnscope.runtime.profile.timing import DEFAULT, TimeBudget, measure

if TYPE_CHECKING:
    import numpy as np

    from cnnscope.runtime.engine.providers import Provider

#: makes each launch on a CUDA device wait until the kernel has ended
SYNCHRONOUS: Final = {"CUDA_LAUNCH_BLOCKING": "1"}
_FEWEST, _MOST = 5, 200  # runs
_READING = 6e-5  # seconds to read an event


def time_kernels(
    model: onnx.ModelProto,
    provider: Provider,
    feeds: Mapping[str, object],
    weights: Mapping[str, np.ndarray],
    *,
    threads: int = 0,
    device: str = "cpu",
    budget: TimeBudget = DEFAULT,
    optimised: bool = True,
    patience: float = math.inf,
    verbose: bool = False,
) -> KernelTimes:
    """Run a model with the profile on.

    Args:
        model, provider, weights: as for a session.
        feeds: an array for each input.
        threads: of one operator; 0 for ONNX Runtime's choice.
        device: where inputs and outputs are.
        budget: when to stop; fewer runs where they have many kernels.
        optimised: let the graph be rewritten.
        patience: seconds that a first run may take for another to be made before runs are timed.
        verbose: let ONNX Runtime's log be seen.

    Raises:
        RunError: it can't be run.
    """
    with tempfile.TemporaryDirectory(prefix="cnnscope-") as folder:
        settings = SessionSettings(
            optimised=optimised, profile=Path(folder) / "run", threads=threads,
            rewritten=Path(folder) / "rewritten.onnx", verbose=verbose,
        )  # fmt: skip

        def profiled(most: int | None) -> tuple[onnx.GraphProto, int, list[Run], dict[str, int]]:
            session = open_session(model, provider, settings, weights)
            assert settings.rewritten is not None
            graph = onnx.load(str(settings.rewritten), load_external_data=False).graph
            # How often a loop runs, only a run shows: a few, where there may be one.
            least = 1 if any(map(holds_graphs, graph.node)) else _most_runs(len(graph.node))
            most = min(budget.most, least if most is None else most)
            try:
                ready = session.ready(feeds, device, patience=patience)
                # What is written down of each run has to be read, too.
                reading = len(graph.node) * _READING
                own = budget.seconds * ready.first / (ready.first + reading)
                samples = measure(
                    ready.run,
                    TimeBudget(budget.precision, min(_FEWEST, most), most, own, budget.least),
                )
            finally:
                path = session.end_profile()
            return graph, len(samples.typical), read_runs(path), session.assigned

        graph, typical, runs, assigned = profiled(None)
        if any(map(holds_graphs, graph.node)):
            most = _most_runs(max((len(r.events) for r in runs), default=0))
            if most > 1:
                graph, typical, runs, assigned = profiled(most)
    # At the end of a profile that is full, a run may be cut short.
    events = max((len(r.events) for r in runs), default=0)
    complete = [r for r in runs[-typical:] if len(r.events) == events]
    if not complete:
        raise RunError("ONNX Runtime's profile holds no complete run")
    return summed(graph, complete, assigned)


def _most_runs(events: int) -> int:
    """How many runs of so many events are profiled at most."""
    return max(1, min(_MOST, EVENTS // max(1, events)))


def on_host(provider: Provider) -> bool:
    """Is there no CUDA in it, whose launches would have to be made to wait?"""
    return CUDA not in provider.chain
