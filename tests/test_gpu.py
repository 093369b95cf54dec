"""On a GPU itself: do its records explain its runs? The experiments of `benchmarks/gpu.py`, in part.

Without a GPU the recordings of one stand for them (`test_device_times`, `test_from_recording`).
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope import Profile
from cnnscope.analyzer.report.device import Device

pytestmark = pytest.mark.gpu

#: FLOP/s in float32, TF32 and float16 without sparsity, and bytes per second, by the data sheets
SHEETS = {
    "H200": (67e12, 495e12, 989e12, 4.8e12),
    "H100": (67e12, 495e12, 989e12, 3.35e12),
    "A100": (19.5e12, 156e12, 312e12, 2.04e12),
}


def recorded(model: object, **options: object) -> tuple[Profile, Device]:
    """A profile by records, or the reason why there are none."""
    found = cnnscope.profile(
        model, provider="cuda", child=True, seconds=1.0, timeout=120, **options
    )  # type: ignore[arg-type]
    if found.device is None:
        pytest.skip("; ".join(found.notes))
    return found, found.device


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "mobilenet_v2"])
def test_busy_and_idle_are_the_wall_time(samples: Path, name: str) -> None:
    found, device = recorded(samples / f"{name}.onnx")
    parts = device.active + device.launch_gaps + device.turnaround + device.head + device.tail
    assert parts == pytest.approx(device.wall, rel=0.02)
    assert device.unattributed == ()
    assert device.undisturbed == pytest.approx(device.seconds, rel=0.1)
    assert device.busy <= found.latency.p50 * 1.05
    assert found.latency.transfers is not None


def convolutions(length: int, channels: int) -> onnx.ModelProto:
    names = [f"t{i}" for i in range(length + 1)]
    weights = np.full((channels, channels, 3, 3), 1e-3, np.float32)
    nodes = [
        helper.make_node("Conv", [a, "w"], [b], name=f"conv{i}", pads=[1, 1, 1, 1])
        for i, (a, b) in enumerate(itertools.pairwise(names))
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("t0", TensorProto.FLOAT, [8, channels, 112, 112])],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("channels", [64, 256])
def test_a_convolution_alone_takes_as_long_as_in_its_row(channels: int) -> None:
    alone, _ = recorded(convolutions(1, channels))
    chain, _ = recorded(convolutions(10, channels))
    assert chain.by_layer()["conv5"].seconds == pytest.approx(alone.rows[0].seconds, rel=0.05)


def test_switches_are_seen(samples: Path) -> None:
    plain, _ = recorded(samples / "resnet50.onnx")
    tf32, _ = recorded(samples / "resnet50.onnx", tf32=True)
    half, device = recorded(samples / "resnet50.onnx", dtype="float16", batches=(32,))
    used = [
        sum(bool(r.device and r.device.tensor_cores) for r in x.outer) for x in (plain, tf32, half)
    ]
    assert used[0] == 0
    assert min(used[1:]) > 0
    assert device.seconds > 0


def test_ceilings_are_within_the_data_sheet(samples: Path) -> None:
    found, _ = recorded(samples / "lenet5.onnx")
    known = next((sheet for name, sheet in SHEETS.items() if name in (found.hardware or "")), None)
    if known is None:
        pytest.skip(f"no data sheet of {found.hardware}")
    rates = found.ceilings.flop_rate
    assert rates["float32"] <= known[0]
    assert rates["float32 (TF32)"] <= known[1]
    assert found.ceilings.byte_rate is not None
    assert found.ceilings.byte_rate <= known[3]


def test_a_second_time_is_the_same(samples: Path) -> None:
    one, other = (recorded(samples / "vgg16.onnx")[0] for _ in range(2))
    assert one.device_seconds == pytest.approx(other.device_seconds, rel=0.05)
