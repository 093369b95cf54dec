"""What can the machine do, what ran where on it, and what do the kernels' times leave over?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from cnnscope.analyzer.report.kernel_row import BoundBy
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Unrun:
    """A node of the model that no kernel contains, and why."""

    layer: str
    reason: str

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {"layer": self.layer, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The best this machine did in the same process, provider and threads.

    Args:
        flop_rate: FLOP/s of a large matrix product, by dtype; ``"float32 (TF32)"`` is apart.
        byte_rate: bytes read plus written per second by a large copy; None when not measured.
        overhead: seconds that a kernel takes which has next to nothing to do.
        profiler: seconds that the profile adds to what it says of each kernel; taken off the rows.
        profiler_run: seconds by which it makes a run longer for each kernel.
        missing: what could not be measured, and why.
    """

    flop_rate: Mapping[str, float] = field(default_factory=dict)
    byte_rate: float | None = None
    overhead: float | None = None
    profiler: float | None = None
    profiler_run: float | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    def roofline(self, dtype: str | None, macs: int, flops: int, moved: int) -> float | None:
        """The least seconds for that much work; None where a ceiling that matters isn't known."""
        if self.byte_rate is None:
            return None
        rate = self.flop_rate.get(dtype or "")
        if rate is None:
            # Without matrix products the product's ceiling says little: bytes decide.
            return None if macs else moved / self.byte_rate
        return max(flops / rate, moved / self.byte_rate)

    def bound(self, dtype: str | None, macs: int, flops: int, moved: int) -> BoundBy | None:
        """What of arithmetic, bytes and starting takes the longest."""
        least = self.roofline(dtype, macs, flops, moved)
        if least is None or self.byte_rate is None:
            return None
        if self.overhead is not None and self.overhead > least:
            return "overhead"
        return "compute" if least > moved / self.byte_rate else "memory"

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "flop_rate": dict(self.flop_rate),
            "byte_rate": self.byte_rate,
            "overhead": self.overhead,
            "profiler": self.profiler,
            "profiler_run": self.profiler_run,
            "missing": dict(self.missing),
        }


@dataclass(frozen=True, slots=True)
class Residue:
    """What the rows leave of the whole.

    Args:
        end_to_end: the median run, without the profiler.
        profiled: the mean of the runs that the rows are means of, with it.
        seen: the sum of what it said of each kernel.
        rows: the sum of the rows, i.e. that less what the profiler adds to each.
        runs: how many runs those are.
    """

    end_to_end: float
    profiled: float
    seen: float
    rows: float
    runs: int

    @property
    def seconds(self) -> float:
        """What no row explains; negative where the rows, profiled, took longer than the whole."""
        return self.end_to_end - self.rows

    @property
    def share(self) -> float | None:
        """That, as a share of the whole."""
        return self.seconds / self.end_to_end if self.end_to_end else None

    @property
    def between(self) -> float:
        """What the profiled runs spent outside of any kernel; exact, as it is of the same runs."""
        return self.profiled - self.seen

    @property
    def profiler(self) -> float:
        """What the profiler adds to a run (or what else changed between the measurements)."""
        return self.profiled - self.end_to_end

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        found: dict[str, object] = {n: getattr(self, n) for n in self.__dataclass_fields__}
        for derived in ("seconds", "share", "between", "profiler"):
            found[derived] = getattr(self, derived)
        return found


@dataclass(frozen=True, slots=True)
class Copied:
    """A tensor that is copied between host and device in each run.

    Args:
        tensor: its name in the graph that ran.
        to_host: from the device to the host; else the other way.
    """

    tensor: str
    to_host: bool

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {"tensor": self.tensor, "to_host": self.to_host}


@dataclass(frozen=True, slots=True)
class Placement:
    """Who ran what.

    Args:
        kernels: how many kernels each provider ran.
        nodes: how many nodes of the model each was assigned; empty where that isn't told.
        on_host: kernels that the CPU ran though another provider was asked for: their layers, or
            their own name where they contain none.
        copies: tensors that crossed between host and device.
    """

    kernels: Mapping[str, int] = field(default_factory=dict)
    nodes: Mapping[str, int] = field(default_factory=dict)
    on_host: tuple[str, ...] = ()
    copies: tuple[Copied, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "kernels": dict(self.kernels),
            "nodes": dict(self.nodes),
            "on_host": list(self.on_host),
            "copies": [c.to_dict() for c in self.copies],
        }


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A kernel in one run, for a timeline: when it began in that run, and how long it took.

    Args:
        row: the row it belongs to; None for what ran inside another kernel (a subgraph's node).
        name, op: ONNX Runtime's.
        start, seconds: from the beginning of the run.
    """

    row: int | None
    name: str
    op: str
    start: float
    seconds: float
