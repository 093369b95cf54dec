"""What did one kernel compute and move, how long did it take, and what bounds it?"""

from __future__ import annotations

from typing import Literal

from cnnscope.analyzer.report.device import NO_DEVICE, RowDevice
from cnnscope.analyzer.values.plain_class import dataclass

#: what keeps a kernel from being faster: arithmetic, moving bytes, or starting at all
BoundBy = Literal["compute", "memory", "overhead"]


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
            run; where a device kept records, the mean of what they say of all recorded runs; None
            when it wasn't seen.
        median: of all steady profiled, or all recorded runs.
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
        device: what the device's own records say of it; None where there are none.
        part: of all rows together in a whole run: less than 1 where the device waits for the host.
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
    bound: BoundBy | None = None
    roofline: float | None = None
    within: str | None = None
    calls: float = 1.0
    device: RowDevice | None = None
    part: float = 1.0

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
        """How many times faster the kernels together were if this one took no time (Amdahl).

        Where the device waits for the host, that is of a whole run, in which waiting goes on.
        """
        share = None if self.share is None else self.share * self.part
        return None if share is None or share >= 1 else 1 / (1 - share)

    @property
    def arithmetic(self) -> str | None:
        """What it multiplied in, as ceilings are named: its dtype, or what kernels' names tell."""
        return self.dtype if self.device is None else self.device.arithmetic or self.dtype

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        found: dict[str, object] = {n: getattr(self, n) for n in self.__dataclass_fields__}
        found["layers"], found["ops"] = list(self.layers), list(self.ops)
        del found["device"]
        found.update(NO_DEVICE if self.device is None else self.device.to_dict())
        for derived in ("flop_rate", "byte_rate", "intensity", "roofline_share", "speedup"):
            found[derived] = getattr(self, derived)
        return found
