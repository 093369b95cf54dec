"""Does a profile end within twice the seconds that it was given, one session and five runs?

By a clock that only what is measured moves on: sessions and runs of any length, no second waited for.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import cnnscope
from cnnscope.runtime.profile import latency, timing
from cnnscope.runtime.profile.planning import TimePlan
from cnnscope.runtime.profile.timing import TimeBudget, measure

SAMPLES = Path(__file__).parent.parent / "sample_models"


class Machine:
    """A clock, and what takes time on it."""

    def __init__(self, creation: float, run: float) -> None:
        self.now, self.creation, self.took = 0.0, creation, run
        self.runs = 0

    def clock(self) -> float:
        return self.now

    def open(self) -> None:
        self.now += self.creation

    def run(self) -> None:
        self.runs += 1
        self.now += self.took * (1.3 if self.runs % 3 else 0.7)  # never steady


@pytest.mark.parametrize("seconds", [0.1, 1.0, 3.0, 30.0])
@pytest.mark.parametrize("run", [0.0002, 0.04, 0.9, 6.0])
@pytest.mark.parametrize("creation", [0.01, 0.8, 2.5])
def test_all_of_it_takes_twice_the_seconds(seconds: float, run: float, creation: float) -> None:
    on = Machine(creation, run)
    plan = TimePlan(seconds, on.clock)
    on.open()
    on.run()
    budget = plan.for_runs(creation, run)
    if run <= plan.patience:
        on.run()
    whole = measure(on.run, budget, on.clock)
    kernels = plan.for_kernels()
    on.open()
    on.run()
    if run <= plan.patience:
        on.run()
    measure(on.run, TimeBudget(seconds=kernels.seconds, fewest=1, least=kernels.least), on.clock)
    on.now += plan.for_ceilings()
    assert len(whole.durations) >= 2
    # Where a second session takes longer than all of the seconds, nothing is left to be spared.
    over = max(0.0, creation - 2 * seconds)
    # Runs differ by a third, and the last one of each measurement is begun before its seconds are over.
    assert on.now <= 2 * seconds + creation + over + 5 * 1.3 * run + 4 * 1.3 * min(
        run, seconds / 10
    )
    if run > 2 * seconds:
        assert on.runs == 5


def test_several_batches_share_the_seconds() -> None:
    on = Machine(0.0, 0.1)
    plan = TimePlan(4.0, on.clock, sessions=4)
    assert plan.for_runs(0.0, 0.1).seconds == 1.0


def test_what_ended_early_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    plain = timing.measure

    def counting(*args: object) -> timing.Samples:
        found = plain(*args)  # type: ignore[arg-type]
        counted.append(len(found.durations))
        return found

    monkeypatch.setattr(latency, "measure", counting)
    found = cnnscope.profile(SAMPLES / "lenet5.onnx", provider="cpu", seconds=1e-9)
    assert counted == [2]
    assert found.latencies[0].noise == "few runs"
    (note,) = (x for x in found.notes if "--seconds" in x)
    assert "whole runs were timed 2 times; each kernel was timed once" in note
    assert found.rows
    assert not found.ceilings.missing
