"""What did a device do for a row, and in a run, by its own records?

All times are means over the recorded runs, in seconds. A row's time is the sum of its kernels'
durations, whole where kernels of several streams overlap; copies and sets are apart. What the device
did between is said of the runs: `Device.wall` is `active`, `head`, `tail`, `launch_gaps` and
`turnaround` together.
"""

from __future__ import annotations

from collections.abc import Mapping

from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class DeviceKernel:
    """The kernels of one name that a row launched.

    Args:
        name: as the driver has it, mangled.
        short: what it is called in the source, without its parameters.
        count: how many in a run, on average.
        seconds: of all of them in a run.
        tensor_cores: its name says that it multiplies on tensor cores.
    """

    name: str
    short: str
    count: float
    seconds: float
    tensor_cores: bool

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {n: getattr(self, n) for n in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Moves:
    """Copies, or sets (memory filled with one value): how many in a run, their bytes and seconds."""

    count: float
    bytes: float
    seconds: float

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {n: getattr(self, n) for n in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class RowDevice:
    """What the device did for a row in a run.

    Args:
        seconds: the sum of its kernels' durations, the mean over all recorded runs.
        median: of the same runs.
        interval: the median's 95 % confidence interval; None for too few runs.
        gap: how long the device had been idle before its records because the host was late; of the
            recorded runs, which the records and ONNX Runtime's profile make later than others.
        count: how many kernels in a run, on average.
        kernels: their names, those that took the longest first.
        copies, sets: what it copied and filled.
        host: seconds of ONNX Runtime's event: what the host spent, launching included.
        arithmetic: what products were computed in, told by dtype and kernels' names; None where it
            launched no kernel.
    """

    seconds: float
    median: float
    interval: tuple[float, float] | None
    gap: float
    count: float
    kernels: tuple[DeviceKernel, ...]
    copies: Moves
    sets: Moves
    host: float | None
    arithmetic: str | None

    @property
    def tensor_cores(self) -> bool | None:
        """Does a kernel's name say that it multiplies on tensor cores? None without kernels."""
        return any(k.tensor_cores for k in self.kernels) if self.kernels else None

    def to_dict(self) -> dict[str, object]:
        """As a row's JSON has it."""
        return {
            "device_seconds": self.seconds,
            "device_median": self.median,
            "device_interval": None if self.interval is None else list(self.interval),
            "gap_seconds": self.gap,
            "kernel_count": self.count,
            "kernels": [kernel.to_dict() for kernel in self.kernels],
            "copies": self.copies.to_dict(),
            "sets": self.sets.to_dict(),
            "host_seconds": self.host,
            "arithmetic": self.arithmetic,
            "tensor_cores": self.tensor_cores,
        }


@dataclass(frozen=True, slots=True)
class Unattributed:
    """Kernels in no row, and why: how many in a run, their seconds, and these as a share of all."""

    reason: str
    count: float
    seconds: float
    share: float

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {n: getattr(self, n) for n in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Device:
    """What the device did in a recorded run.

    Args:
        seconds: the sum of all kernels' durations, those of the rows and the unattributed.
        busy: when at least one kernel ran, on whichever stream.
        active: when at least one kernel, copy or set did.
        wall: the recorded run, from CUPTI's clock before it to that after it.
        head, tail: before the first record, and after the last one.
        launch_gaps: when it was idle and the next launch had not been made yet.
        turnaround: when it was idle though the next launch had been made.
        runs: how many were recorded.
        streams: how many streams kernels ran on.
        copies, sets: those of all rows and of none.
        unattributed: kernels in no row.
        profiled: the median of whole runs with ONNX Runtime's profile on; None where not measured.
        undisturbed: `seconds` of runs that were recorded without ONNX Runtime's profile; None where
            not measured.
        source: where the records are from, in words.
    """

    seconds: float
    busy: float
    active: float
    wall: float
    head: float
    tail: float
    launch_gaps: float
    turnaround: float
    runs: int
    streams: int
    copies: Moves
    sets: Moves
    unattributed: tuple[Unattributed, ...] = ()
    profiled: float | None = None
    undisturbed: float | None = None
    source: str = ""

    def host_bound(self, latency: float) -> float:
        """The share of an unprofiled run in which the device waits for the host."""
        return max(0.0, 1 - self.busy / latency)

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        found: dict[str, object] = {n: getattr(self, n) for n in self.__dataclass_fields__}
        found["copies"], found["sets"] = self.copies.to_dict(), self.sets.to_dict()
        found["unattributed"] = [x.to_dict() for x in self.unattributed]
        return found


#: a row's keys in JSON where no device kept records
NO_DEVICE: Mapping[str, object] = dict.fromkeys(
    (
        "device_seconds", "device_median", "device_interval", "gap_seconds", "kernel_count",
        "kernels", "copies", "sets", "host_seconds", "arithmetic", "tensor_cores",
    )
)  # fmt: skip
