"""Which GPU was it, and how was it while it was measured?"""

from __future__ import annotations

from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU's state right behind a measurement, as NVML reads it; None where it doesn't say.

    Args:
        name, driver: in words.
        clock, clock_most: of its multiprocessors, in Hz: then, and at most.
        memory_clock: likewise of its memory, then.
        slowed: why the clock was below what it could be, in words; empty: it wasn't.
        watts, watts_most: drawn then, and allowed.
        celsius: its temperature.
        memory, memory_used: bytes.
        ecc, mig: whether memory is checked for errors; whether the GPU is divided.
    """

    name: str
    driver: str | None = None
    clock: float | None = None
    clock_most: float | None = None
    memory_clock: float | None = None
    slowed: tuple[str, ...] | None = None
    watts: float | None = None
    watts_most: float | None = None
    celsius: float | None = None
    memory: int | None = None
    memory_used: int | None = None
    ecc: bool | None = None
    mig: bool | None = None

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        found: dict[str, object] = {n: getattr(self, n) for n in self.__dataclass_fields__}
        found["slowed"] = None if self.slowed is None else list(self.slowed)
        return found
