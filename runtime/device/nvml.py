"""Which GPU is it, and how is it: clocks, power, temperature, memory, by NVIDIA's NVML?

`nvidia-ml-py` (extra `cuda`) is asked; nothing is ever set. CUDA numbers devices its own way: which of
several the first one is, ``CUDA_VISIBLE_DEVICES`` says, or that all are alike; else it isn't known, and
nothing is said. What a GPU doesn't tell (a field that it doesn't support) is None.

A counter of energy counts in steps of up to `STEP` seconds; over so many that this is little, the
difference by the number of runs is the energy of a run.

Source: the NVML API reference, https://docs.nvidia.com/deploy/nvml-api/ (clocks' event reasons).
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Final, TypeVar

from cnnscope.analyzer.report.gpu import Gpu
from cnnscope.analyzer.values.diagnostics import one_line

Read = TypeVar("Read")

#: seconds after which the counter of energy has surely moved on
STEP: Final = 0.1
#: bits of the reasons for a clock below its most, without that there is nothing to do
_REASONS: Final = {
    0x2: "set by an application",
    0x4: "power limit",
    0x8: "slowed down by the hardware",
    0x10: "in step with other GPUs",
    0x20: "too warm (by software)",
    0x40: "too warm (by hardware)",
    0x80: "power brake",
    0x100: "set for a display",
    0x200: "voltage limit",
    0x400: "for reliability",
}
_SM, _MEMORY, _CORE = 1, 2, 0  # NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU
_MHZ: Final = 1e6


@contextlib.contextmanager
def first_gpu() -> Iterator[FirstGpu | None]:
    """The GPU that CUDA calls its first, while it is asked; None where NVML doesn't tell."""
    nvml = _loaded()
    if nvml is None:
        yield None
        return
    try:
        yield _found(nvml)
    finally:
        _told(nvml, nvml.nvmlShutdown)


def _loaded() -> ModuleType | None:
    try:
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
    except Exception:  # noqa: BLE001  # not installed, no driver: there is nothing to be asked
        return None
    return nvml


def _found(nvml: ModuleType) -> FirstGpu | None:
    seen = (os.environ.get("CUDA_VISIBLE_DEVICES") or "").split(",")[0].strip()
    if seen.startswith("GPU-"):
        handle = _told(nvml, lambda: nvml.nvmlDeviceGetHandleByUUID(seen))
        return None if handle is None else FirstGpu(nvml, handle)
    count = _told(nvml, nvml.nvmlDeviceGetCount) or 0
    handles = [_told(nvml, lambda i=i: nvml.nvmlDeviceGetHandleByIndex(i)) for i in range(count)]  # type: ignore[misc]
    names = {str(_told(nvml, lambda h=h: nvml.nvmlDeviceGetName(h))) for h in handles}  # type: ignore[misc]
    by_bus = os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    numbered = seen.isdecimal() and len(seen) < 4
    if seen and not numbered and len(handles) > 1:  # a part of one of them (MIG), or nothing
        return None
    index = int(seen) if numbered else 0
    if (len(names) != 1 and not by_bus) or index >= len(handles) or handles[index] is None:
        return None
    return FirstGpu(nvml, handles[index])


class FirstGpu:
    """A GPU that NVML answers for."""

    def __init__(self, nvml: ModuleType, handle: object) -> None:
        self._nvml, self._handle = nvml, handle

    def state(self) -> Gpu:
        """How it is now."""
        nvml = self._nvml
        reasons = self._ask("CurrentClocksEventReasons")
        if reasons is None:  # as older drivers call it
            reasons = self._ask("CurrentClocksThrottleReasons")
        memory = self._ask("MemoryInfo")
        ecc, mig = self._ask("EccMode"), self._ask("MigMode")
        name = self._ask("Name")
        driver = _told(nvml, nvml.nvmlSystemGetDriverVersion)
        return Gpu(
            name=one_line(_text(name) or "a CUDA device", 100),
            driver=_text(driver),
            clock=_times(self._ask("ClockInfo", _SM), _MHZ),
            clock_most=_times(self._ask("MaxClockInfo", _SM), _MHZ),
            memory_clock=_times(self._ask("ClockInfo", _MEMORY), _MHZ),
            slowed=None if reasons is None else _reasons(int(str(reasons))),
            watts=_times(self._ask("PowerUsage"), 1e-3),
            watts_most=_times(self._ask("EnforcedPowerLimit"), 1e-3),
            celsius=_times(self._ask("Temperature", _CORE), 1.0),
            memory=getattr(memory, "total", None),
            memory_used=getattr(memory, "used", None),
            ecc=bool(ecc[0]) if isinstance(ecc, (list, tuple)) else None,
            mig=bool(mig[0]) if isinstance(mig, (list, tuple)) else None,
        )

    def joules(self) -> float | None:
        """The energy it has used since the driver was loaded."""
        return _times(self._ask("TotalEnergyConsumption"), 1e-3)

    def _ask(self, what: str, *more: int) -> object:
        function = getattr(self._nvml, f"nvmlDeviceGet{what}", None)
        if function is None:
            return None
        return _told(self._nvml, lambda: function(self._handle, *more))


def _reasons(bits: int) -> tuple[str, ...]:
    return tuple(said for bit, said in _REASONS.items() if bits & bit)


def _times(value: object, factor: float) -> float | None:
    return value * factor if isinstance(value, (int, float)) else None


def _text(value: object) -> str | None:
    """Names are bytes in older versions of the package."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str) else None


def _told(nvml: ModuleType, ask: Callable[[], Read]) -> Read | None:
    """What NVML says; None where it doesn't."""
    try:
        return ask()
    except Exception:  # noqa: BLE001  # not supported, no permission: it isn't known
        return None
