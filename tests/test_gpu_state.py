"""Is what NVML says of a GPU told rightly, and nothing where it doesn't say?"""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from made_recordings import recording_named

import cnnscope
from cnnscope.analyzer.report.gpu import Gpu
from cnnscope.analyzer.report.latency import Energy
from cnnscope.runtime.device.nvml import first_gpu
from cnnscope.runtime.device.recording_file import graph_path, read_recording, write_recording
from cnnscope.runtime.profile.latency import _energy


class Nvml(SimpleNamespace):
    """NVML's functions as nvidia-ml-py has them, for some GPUs; `missing` are not supported."""

    def __init__(self, *names: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(names=names, running=0)
        answers = {
            "ClockInfo": lambda h, kind: {1: 1755, 2: 2619}[kind],
            "MaxClockInfo": lambda h, kind: 1980,
            "CurrentClocksEventReasons": lambda h: 0x4 | 0x20 | 0x1,
            "PowerUsage": lambda h: 512_345,
            "EnforcedPowerLimit": lambda h: 700_000,
            "Temperature": lambda h, kind: 61,
            "MemoryInfo": lambda h: SimpleNamespace(total=150 << 30, used=3 << 30, free=147 << 30),
            "EccMode": lambda h: [1, 1],
            "MigMode": lambda h: [0, 0],
            "TotalEnergyConsumption": lambda h: 5_000_250,
            "Name": lambda h: names[h],
        }
        for name, answer in answers.items():
            self.answer(f"nvmlDeviceGet{name}", answer if name not in missing else self.refuse)

    def answer(self, name: str, function: Any) -> None:
        setattr(self, name, function)

    def refuse(self, *given: object) -> None:
        raise RuntimeError("Not Supported")

    def nvmlInit(self) -> None:  # noqa: N802  # NVML's name
        self.running += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.running -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.names)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:  # noqa: N802
        return {"GPU-b": 1}[uuid]

    def nvmlSystemGetDriverVersion(self) -> bytes:  # noqa: N802
        return b"580.159.04"


def state(monkeypatch: pytest.MonkeyPatch, nvml: Nvml, **environment: str) -> Gpu | None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml)  # type: ignore[arg-type]
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with first_gpu() as gpu:
        found = None if gpu is None else gpu.state()
    assert nvml.running == 0
    return found


WHOLE = Gpu(
    "NVIDIA H200", "580.159.04", 1755e6, 1980e6, 2619e6, ("power limit", "too warm (by software)"),
    512.345, 700.0, 61.0, 150 << 30, 3 << 30, True, False,
)  # fmt: skip


def test_what_nvml_says(monkeypatch: pytest.MonkeyPatch) -> None:
    found = state(monkeypatch, Nvml("NVIDIA H200"))
    assert found is not None
    assert replace(found, watts=pytest.approx(512.345)) == WHOLE  # type: ignore[arg-type]


def test_what_it_does_not_say_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = (
        "ClockInfo",
        "CurrentClocksEventReasons",
        "EccMode",
        "MigMode",
        "MemoryInfo",
        "PowerUsage",
    )
    found = state(monkeypatch, Nvml("T4", missing=silent))
    assert found is not None
    assert (found.clock, found.slowed, found.ecc, found.mig, found.memory, found.watts) == (
        None,
    ) * 6
    assert (found.name, found.clock_most) == ("T4", 1980e6)


@pytest.mark.parametrize(
    ("names", "environment", "name"),
    [
        (("A", "A"), {}, "A"),
        (("A", "B"), {}, None),  # CUDA's first is the fastest, which NVML doesn't say
        (("A", "B"), {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, "A"),
        (("A", "B"), {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "1,0"}, "B"),
        (("A", "B"), {"CUDA_VISIBLE_DEVICES": "GPU-b"}, "B"),
        (("A", "B"), {"CUDA_VISIBLE_DEVICES": "GPU-x"}, None),
        (("A",), {"CUDA_VISIBLE_DEVICES": "7"}, None),
        # a part of some GPU: which of several it is, its name doesn't say, though they are alike
        (("A", "A"), {"CUDA_VISIBLE_DEVICES": "MIG-c"}, None),
        (("A", "B"), {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "MIG-c"}, None),
        (("A",), {"CUDA_VISIBLE_DEVICES": "MIG-c"}, "A"),
        ((), {}, None),
    ],
)
def test_which_gpu_is_the_first(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], environment: dict[str, str], name: str | None
) -> None:  # fmt: skip
    found = state(monkeypatch, Nvml(*names), **environment)
    assert (None if found is None else found.name) == name


def test_without_nvml_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with first_gpu() as gpu:
        assert gpu is None


def test_energy_needs_runs_that_are_long_enough() -> None:
    # 100 J in 2 s of 50 runs: 2 J each; the counter may be 0.1 s behind at both ends.
    assert _energy(1000.0, 1100.0, 2.0, 50) == Energy(2.0, 0.1)
    assert _energy(1000.0, 1100.0, 0.5, 50) is None
    assert _energy(None, 1100.0, 2.0, 50) is None
    assert _energy(1000.0, 1000.0, 2.0, 50) is None


def test_a_recording_keeps_the_gpu(samples: Path, tmp_path: Path) -> None:
    before = recording_named("lenet5_b1")
    path = tmp_path / "again.json.gz"
    facts = {"gpu": WHOLE.to_dict(), "hardware": "NVIDIA H200 (driver 580.159.04)"}
    write_recording(replace(read_recording(before), facts=facts), path)
    graph_path(path).write_bytes(graph_path(before).read_bytes())
    found = cnnscope.profile(samples / "lenet5.onnx", recording=path)
    assert found.gpu == WHOLE
    assert json.loads(json.dumps(found.to_dict()))["gpu"]["slowed"] == list(WHOLE.slowed or ())
    text = " ".join(str(found).split())
    assert (
        "1755 MHz of 1980 MHz, memory 2619 MHz, 512 W of 700 W, 61 C, 3.00 GiB of 150.0 GiB" in text
    )
    assert "clock below its most: power limit, too warm (by software)" in text
    assert "NVIDIA H200 (driver 580.159.04)" in text


@pytest.mark.parametrize(
    "value",
    [
        3,
        "x",
        {},
        {"name": 4},
        {"name": "g", "clock": "fast", "ecc": 7, "memory": -1},
        {"name": "g", "memory": True, "memory_used": True},
    ],
)
def test_a_recording_may_say_anything_of_it(samples: Path, tmp_path: Path, value: object) -> None:
    before = recording_named("lenet5_b1")
    path = tmp_path / "again.json"
    write_recording(replace(read_recording(before), facts={"gpu": value}), path)
    graph_path(path).write_bytes(graph_path(before).read_bytes())
    found = cnnscope.profile(samples / "lenet5.onnx", recording=path).gpu
    assert found in (None, Gpu("g"))


def test_the_real_package_has_what_is_asked() -> None:
    """Where the extra is installed, GPU or not."""
    nvml = pytest.importorskip("pynvml", reason="the extra cuda isn't installed")
    asked = Nvml("x")
    for name in itertools.chain(vars(asked), ("nvmlInit", "nvmlShutdown", "nvmlDeviceGetCount")):
        if name.startswith("nvml"):
            assert callable(getattr(nvml, name)), name
    assert (nvml.NVML_CLOCK_SM, nvml.NVML_CLOCK_MEM, nvml.NVML_TEMPERATURE_GPU) == (1, 2, 0)
