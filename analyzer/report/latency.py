"""How long did whole runs take, and how sure is that?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from cnnscope.analyzer.values.plain_class import dataclass

#: too few runs to know the median; known less precisely than asked; known, but runs differ widely
Noise = Literal["few runs", "unsteady", "spread"]


@dataclass(frozen=True, slots=True)
class Transfers:
    """Moving a run's inputs to the device and its outputs back, in seconds; no part of a run."""

    to_device: float
    from_device: float

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {"to_device": self.to_device, "from_device": self.from_device}


@dataclass(frozen=True, slots=True)
class Energy:
    """What the device used for a run, by its counter.

    Args:
        joules: of a run, the mean.
        uncertainty: how far that may be off, as a share of it: the counter's steps at both ends.
    """

    joules: float
    uncertainty: float

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {"joules": self.joules, "uncertainty": self.uncertainty}


@dataclass(frozen=True, slots=True)
class Latency:
    """Whole runs of the model, inputs and outputs staying on the device.

    What a recording doesn't say of them is None.

    Args:
        batch: the length of the batch dimension; None where it is not known which that is.
        inputs: the shapes it ran with, by name.
        p50, p90, p99, least, most: seconds, of the runs after the warm-up.
        spread: from the 10th to the 90th percentile, as a share of the median.
        uncertainty: the width of the median's 95 % interval as a share of it; None: too few runs.
        runs: all that were timed, the warm-up included.
        warmup: how many at the beginning aren't typical.
        first_run: seconds of the very first run, which is none of those.
        creation: seconds to make a session of the model, optimising it included.
        noise: why the figures aren't to be trusted to a few per cent; None where they are.
        io_bound: inputs and outputs were bound once, not handed over at each run.
        transfers: None where host and device share their memory.
        energy: None where there is no counter, or the runs were too short for it.
    """

    batch: int | None
    inputs: Mapping[str, tuple[int, ...]]
    p50: float
    p90: float | None
    p99: float | None
    least: float | None
    most: float | None
    spread: float | None
    uncertainty: float | None
    runs: int | None
    warmup: int
    first_run: float | None
    creation: float | None
    noise: Noise | None = None
    io_bound: bool = True
    transfers: Transfers | None = None
    energy: Energy | None = None

    @property
    def throughput(self) -> float | None:
        """Items of the batch per second, or runs where there is no batch; None for no time."""
        return (1 if self.batch is None else self.batch) / self.p50 if self.p50 else None

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        found: dict[str, object] = {n: getattr(self, n) for n in self.__dataclass_fields__}
        found["inputs"] = {name: list(shape) for name, shape in self.inputs.items()}
        found["transfers"] = None if self.transfers is None else self.transfers.to_dict()
        found["energy"] = None if self.energy is None else self.energy.to_dict()
        found["throughput"] = self.throughput
        return found
