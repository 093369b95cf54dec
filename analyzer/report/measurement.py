"""How long did a model take, where did the time go, and how much of the machine was used?

`Profile` is plain data: `Latency` for whole runs, a `Row` for every kernel that ran, with the layers
it contains, `Ceilings` for what the machine can do, `Residue` for what the rows leave unexplained,
`Placement` for who ran what. Times are seconds, rates per second. What follows from them by
arithmetic is a property:

    intensity  = FLOPs / bytes                                  of a row
    roofline   = max(FLOPs / peak FLOP/s, bytes / peak B/s)     seconds: no faster than that
    bound      = the largest of those two and of the cost of a kernel that does nothing
    speed-up   = 1 / (1 - share)                                if the row took no time

The roofline is that of Williams, Waterman & Patterson, *Roofline: an insightful visual performance
model for multicore architectures*, CACM 52(4), 2009; the last line is Amdahl's law (1967). Nothing
here runs or formats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cnnscope.analyzer.values.shown import Shown

if TYPE_CHECKING:
    import pandas

PROFILE_SCHEMA_VERSION = 1

#: what keeps a kernel from being faster: arithmetic, moving bytes, or starting at all
Bound = Literal["compute", "memory", "overhead"]
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
class Latency:
    """Whole runs of the model, inputs and outputs staying on the device.

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
    """

    batch: int | None
    inputs: Mapping[str, tuple[int, ...]]
    p50: float
    p90: float
    p99: float
    least: float
    most: float
    spread: float
    uncertainty: float | None
    runs: int
    warmup: int
    first_run: float
    creation: float
    noise: Noise | None = None
    io_bound: bool = True
    transfers: Transfers | None = None

    @property
    def throughput(self) -> float | None:
        """Items of the batch per second, or runs where there is no batch; None for no time."""
        return (1 if self.batch is None else self.batch) / self.p50 if self.p50 else None

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        found: dict[str, object] = {n: getattr(self, n) for n in self.__dataclass_fields__}
        found["inputs"] = {name: list(shape) for name, shape in self.inputs.items()}
        found["transfers"] = None if self.transfers is None else self.transfers.to_dict()
        found["throughput"] = self.throughput
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One kernel that ran, and the layers of the model that it contains.

    Args:
        index: its position in the graph that ran.
        name, op, provider: ONNX Runtime's.
        layers: the nodes of the model, named as in the report; each is in exactly one row. Of a kernel
            that ran in a subgraph, the node of the subgraph, where its name tells.
        ops: their operators.
        inserted: ONNX Runtime put it there: a change of layout, a cast, a copy between devices, or
            one of several kernels of a layer that is in another row.
        seconds: the mean of the profiled runs of middling length, so that rows add up to the mean
            run; None when it wasn't seen.
        median: of all steady profiled runs.
        share: of the sum over all rows.
        dtype: what it computed in.
        macs, flops: of the layers it contains; None when not known.
        bytes: what it has to read and write: the tensors that go into the group of layers and those
            that come out of it; what stays between layers fused into one kernel isn't moved.
        bound: what keeps it from being faster, by the measured ceilings; None when not known.
        roofline: the least seconds that the ceilings allow; None when not known.
        within: of a kernel that ran in a subgraph of an If, Loop or Scan, that kernel's name: its row
            has this one's time, work and bytes too, so that sums leave this one out.
        calls: how often it ran in a run, on average; time, work and bytes are of them all.
    """

    index: int
    name: str
    op: str
    provider: str
    layers: tuple[str, ...]
    ops: tuple[str, ...]
    inserted: bool
    seconds: float | None
    median: float | None
    share: float | None
    dtype: str | None
    macs: int | None
    flops: int | None
    bytes: int | None
    bound: Bound | None = None
    roofline: float | None = None
    within: str | None = None
    calls: float = 1.0

    @property
    def flop_rate(self) -> float | None:
        """FLOP/s achieved."""
        return self.flops / self.seconds if self.flops is not None and self.seconds else None

    @property
    def byte_rate(self) -> float | None:
        """Bytes per second achieved."""
        return self.bytes / self.seconds if self.bytes is not None and self.seconds else None

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte moved."""
        return self.flops / self.bytes if self.flops is not None and self.bytes else None

    @property
    def roofline_share(self) -> float | None:
        """How near it comes to the ceilings; above 1 where caches beat the memory's ceiling."""
        return self.roofline / self.seconds if self.roofline is not None and self.seconds else None

    @property
    def speedup(self) -> float | None:
        """How many times faster the kernels together were if this one took no time (Amdahl)."""
        return None if self.share is None or self.share >= 1 else 1 / (1 - self.share)

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        found: dict[str, object] = {n: getattr(self, n) for n in self.__dataclass_fields__}
        found["layers"], found["ops"] = list(self.layers), list(self.ops)
        for derived in ("flop_rate", "byte_rate", "intensity", "roofline_share", "speedup"):
            found[derived] = getattr(self, derived)
        return found


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

    def bound(self, dtype: str | None, macs: int, flops: int, moved: int) -> Bound | None:
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
class Span:
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


@dataclass(frozen=True, slots=True)
class Profile(Shown):
    """A model's times. Rows are those of the first of `latencies`.

    Args:
        model: the model's path; None for one in memory.
        provider: what ran it: ``"cpu"``, ``"cuda"``, ...
        fallback_reason: why not a better one, when it was left to choose.
        runtime: ONNX Runtime's version.
        hardware: the processor, and the device, in words.
        threads: of one operator, as asked for; None: ONNX Runtime's choice.
        weights: ``"stored"`` or where else their numbers are from.
        seed: of the random inputs and weights.
        latencies: whole runs, one for each batch.
        rows: the kernels, in running order.
        unrun: the nodes that are in none of them.
        residue: what the rows leave of the whole.
        ceilings: what the machine can do.
        placement: who ran what.
        timeline: one typical run.
        method: how the kernels were timed: ``"profile"``, or ``"synchronous launches"``.
        notes: what else a reader has to know.
    """

    model: str | None
    provider: str
    fallback_reason: str | None
    runtime: str
    hardware: str
    threads: int | None
    weights: str
    seed: int
    latencies: tuple[Latency, ...]
    rows: tuple[Row, ...]
    unrun: tuple[Unrun, ...]
    residue: Residue
    ceilings: Ceilings
    placement: Placement
    timeline: tuple[Span, ...] = field(default=(), repr=False)
    method: str = "profile"
    notes: tuple[str, ...] = ()

    @property
    def latency(self) -> Latency:
        """Of the first batch, which the rows belong to."""
        return self.latencies[0]

    @property
    def outer(self) -> tuple[Row, ...]:
        """The rows of the graph itself: those of subgraphs are part of theirs."""
        return tuple(row for row in self.rows if row.within is None)

    @property
    def flops(self) -> int:
        """FLOPs of all rows for which they are known."""
        return sum(row.flops for row in self.outer if row.flops is not None)

    @property
    def moved(self) -> int:
        """Bytes of all rows for which they are known."""
        return sum(row.bytes for row in self.outer if row.bytes is not None)

    @property
    def uncounted(self) -> dict[str, int]:
        """Of how many rows the FLOPs and the bytes aren't known: the sums, and rates, are at least."""
        return {
            "flops": sum(row.flops is None for row in self.outer),
            "bytes": sum(row.bytes is None for row in self.outer),
        }

    @property
    def flop_rate(self) -> float | None:
        """FLOP/s of whole runs; None where no row's FLOPs are known."""
        return self._rate(self.flops, "flops")

    @property
    def byte_rate(self) -> float | None:
        """Bytes per second of whole runs; None where no row's bytes are known."""
        return self._rate(self.moved, "bytes")

    def _rate(self, total: int, what: str) -> float | None:
        if not self.latency.p50 or (self.outer and self.uncounted[what] == len(self.outer)):
            return None
        return total / self.latency.p50

    @property
    def roofline_share(self) -> float | None:
        """The rows' rooflines together, as a share of a whole run; None where one isn't known."""
        parts = [row.roofline for row in self.outer]
        known = [part for part in parts if part is not None]
        return sum(known) / self.latency.p50 if len(known) == len(parts) and known else None

    def by_layer(self) -> dict[str, Row]:
        """The row that each node of the model is in; `unrun` nodes are in none.

        >>> import cnnscope
        >>> found = cnnscope.profile("sample_models/lenet5.onnx")  # doctest: +SKIP
        >>> found.by_layer()["/fc1/Gemm"].seconds  # doctest: +SKIP
        2.1e-05
        """
        return {layer: row for row in self.rows for layer in row.layers}

    def time_by_bound(self) -> dict[str, float]:
        """Seconds by what keeps the rows from being faster; ``"unknown"`` for the rest."""
        found: dict[str, float] = {}
        for row in self.outer:
            key = row.bound or "unknown"
            found[key] = found.get(key, 0.0) + (row.seconds or 0.0)
        return found

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope profile --format json``."""
        return {
            "schema_version": PROFILE_SCHEMA_VERSION,
            "model": self.model,
            "provider": self.provider,
            "fallback_reason": self.fallback_reason,
            "runtime": self.runtime,
            "hardware": self.hardware,
            "threads": self.threads,
            "weights": self.weights,
            "seed": self.seed,
            "method": self.method,
            "latencies": [latency.to_dict() for latency in self.latencies],
            "overall": {
                "flops": self.flops,
                "bytes": self.moved,
                "uncounted": self.uncounted,
                "flop_rate": self.flop_rate,
                "byte_rate": self.byte_rate,
                "roofline_share": self.roofline_share,
                "seconds_by_bound": self.time_by_bound(),
            },
            "residue": self.residue.to_dict(),
            "ceilings": self.ceilings.to_dict(),
            "placement": self.placement.to_dict(),
            "rows": [row.to_dict() for row in self.rows],
            "unrun": [node.to_dict() for node in self.unrun],
            "notes": list(self.notes),
        }

    def to_dataframe(self) -> pandas.DataFrame:
        """One row for each layer, with the figures of the kernel it is in; ``layer`` joins a report.

        A kernel that contains several layers stands several times: ``kernel`` tells, and summing
        ``seconds`` takes ``drop_duplicates("kernel")`` first. Inserted kernels have no layer.

        Raises:
            ImportError: pandas isn't installed.
        """
        import pandas

        lines = []
        for row in self.rows:
            facts = {"kernel": row.index, **row.to_dict()}
            for key in ("index", "layers", "ops"):
                del facts[key]
            pairs: Sequence[tuple[str | None, str | None]] = list(
                zip(row.layers, row.ops, strict=True)
            )
            for layer, op in pairs or [(None, None)]:
                lines.append({"layer": layer, "layer_op": op, **facts})
        return pandas.DataFrame(lines)
