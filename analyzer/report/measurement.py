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

import math
from collections.abc import Iterator, Sequence
from dataclasses import field

from cnnscope.analyzer.report.device import Device
from cnnscope.analyzer.report.gpu import Gpu
from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.machine import Ceilings, Placement, Residue, TimeSpan, Unrun
from cnnscope.analyzer.values.notation import duration, name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

PROFILE_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, repr=False)
class Profile(Answer):
    """A model's times. Rows are those of the first of `latencies`.

    Args:
        model: the model's path; None for one in memory.
        provider: what ran it: ``"cpu"``, ``"cuda"``, ...
        fallback_reason: why not a better one, when it was left to choose.
        runtime: ONNX Runtime's version; None where a recording doesn't say.
        hardware: the processor, and the device, in words; None likewise.
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
        method: how the kernels were timed: ``"profile"``, ``"device records"``, or
            ``"synchronous launches"``.
        notes: what else a reader has to know.
        device: what the device did, by its own records; None where it kept none.
        recording: the path of the recording that it was made from; None where the model was run.
        dtype: what float32 was replaced by in a copy that ran; None for nothing.
        tf32: float32 products were let be rounded to TF32.
        gpu: how the GPU was right after the timed runs; None where that isn't told.
    """

    model: str | None
    provider: str
    fallback_reason: str | None
    runtime: str | None
    hardware: str | None
    threads: int | None
    weights: str
    seed: int
    latencies: tuple[Latency, ...]
    rows: tuple[Row, ...]
    unrun: tuple[Unrun, ...]
    residue: Residue
    ceilings: Ceilings
    placement: Placement
    timeline: tuple[TimeSpan, ...] = field(default=(), repr=False)
    method: str = "profile"
    notes: tuple[str, ...] = ()
    device: Device | None = None
    recording: str | None = None
    dtype: str | None = None
    tf32: bool = False
    gpu: Gpu | None = None

    @property
    def device_seconds(self) -> float | None:
        """The sum of all kernels' durations in a run, by the device's records."""
        return None if self.device is None else self.device.seconds

    @property
    def device_busy_seconds(self) -> float | None:
        """When at least one kernel ran, on whichever stream."""
        return None if self.device is None else self.device.busy

    @property
    def host_bound(self) -> float | None:
        """The share of a whole, unprofiled run in which the device waits for the host."""
        if self.device is None or not self.latency.p50:
            return None
        return self.device.host_bound(self.latency.p50)

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
    def kernel_seconds(self) -> float | None:
        """What all kernels took, which shares are of; None where none was timed."""
        known = [row.seconds for row in self.outer if row.seconds is not None]
        return math.fsum(known) if known else None

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
            "recording": self.recording,
            "dtype": self.dtype,
            "tf32": self.tf32,
            "gpu": None if self.gpu is None else self.gpu.to_dict(),
            "device_seconds": self.device_seconds,
            "device_busy_seconds": self.device_busy_seconds,
            "host_bound": self.host_bound,
            "device": None if self.device is None else self.device.to_dict(),
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

    def summary(self) -> str:
        whole = f"{duration(self.latency.p50)} a run"
        return f"of {name(self.model or 'a model in memory', 120)} on {self.provider}: {whole}"

    def records(self) -> Iterator[dict[str, object]]:
        """One for each layer, with the figures of the kernel it is in; ``layer`` joins a report.

        A kernel that contains several layers stands several times: ``kernel`` tells, and summing
        ``seconds`` takes ``drop_duplicates("kernel")`` first. Inserted kernels have no layer.
        """
        for row in self.rows:
            facts = {"kernel": row.index, **row.to_dict()}
            for key in ("index", "layers", "ops"):
                del facts[key]
            pairs: Sequence[tuple[str | None, str | None]] = list(
                zip(row.layers, row.ops, strict=True)
            )
            for layer, op in pairs or [(None, None)]:
                yield {"layer": layer, "layer_op": op, **facts}
