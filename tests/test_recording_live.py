"""Does a GPU's work, recorded live, become the same recording and the same profile as was once recorded?

Without a GPU: what one did on an H200 happens again, by CUPTI's API as it is (`replayed_cupti`).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_recordings import recording_named
from replayed_cupti import Replay, Result

import cnnscope
from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.machine import Ceilings
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.diagnostics import ArgumentError, RunError
from cnnscope.runtime.device.cupti import NoRecordsError, Recorder, load_cupti
from cnnscope.runtime.device.recording import Recording
from cnnscope.runtime.device.recording_file import read_recording
from cnnscope.runtime.engine import child, providers
from cnnscope.runtime.engine.providers import CPU, CUDA, Provider
from cnnscope.runtime.profile import measuring, profiling, recording_runs
from cnnscope.runtime.profile.measuring import Measuring

CEILINGS = Ceilings({"float32": 50e12, "float32 (TF32)": 460e12}, 4.3e12, 4.5e-6)


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Replay:
    """A GPU on which LeNet-5 runs as it did; ceilings and latency as given."""
    from cnnscope.runtime.device import cupti
    from cnnscope.runtime.engine import hardware
    from cnnscope.runtime.profile import ceilings

    found = Replay(recording_named("lenet5_b1"))
    monkeypatch.setattr(providers, "choose_provider", lambda name: Provider("cuda", (CUDA, CPU)))
    monkeypatch.setattr(cupti, "load_cupti", lambda: found)
    monkeypatch.setattr(recording_runs, "open_session", found.open_session)
    monkeypatch.setattr(hardware, "describe_hardware", lambda device, graphics=None: "a GPU")
    monkeypatch.setattr(ceilings, "measure_ceilings", lambda *given, **options: CEILINGS)

    def latency(self: Measuring, job: Any, plan: Any = None) -> Latency:
        seconds = found.found["latency_us"] / 1e6
        return Latency(1, {"input": (1, 1, 32, 32)}, seconds, seconds, seconds, seconds, seconds,
                       0.0, 0.01, 50, 3, 1.0, 1.0)  # fmt: skip

    monkeypatch.setattr(Measuring, "latency", latency)
    return found


def same(one: Recording, other: Recording) -> None:
    """All that a device and ONNX Runtime said, apart from how kernels are numbered."""
    for name in ("copies", "sets", "spans", "event_runs"):
        a, b = getattr(one, name), getattr(other, name)
        assert sorted(a.tolist()) == sorted(b.tolist()), name
    assert sorted(one.calls.tolist()) == sorted(other.calls.tolist())
    assert (one.marks[:, [0, 3]] == other.marks[:, [0, 3]]).all()
    names = [
        sorted((*row[:3], found.kernel_names[row[3]], row[4]) for row in found.kernels.tolist())
        for found in (one, other)
    ]
    assert names[0] == names[1]
    assert one.events == other.events
    assert (one.model, one.batch or 1, one.latency) == (
        other.model,
        other.batch or 1,
        other.latency,
    )
    assert one.profile == other.profile
    assert dict(one.callback_names) == dict(other.callback_names)


def test_what_is_recorded_is_what_was(replay: Replay, samples: Path, tmp_path: Path) -> None:
    path = tmp_path / "again.json.gz"
    live = cnnscope.profile(samples / "lenet5.onnx", provider="cuda", record=path)
    assert not replay.enabled
    same(read_recording(path), read_recording(recording_named("lenet5_b1")))
    # From the file it is the same profile, in which nothing was measured anew.
    again = cnnscope.profile(samples / "lenet5.onnx", recording=path)
    assert (again.hardware, again.ceilings) == ("a GPU", CEILINGS)
    assert again.runtime == live.runtime
    assert [row.to_dict() for row in again.rows] == [row.to_dict() for row in live.rows]
    assert again.device == live.device
    assert {row.bound for row in live.rows} <= {"overhead", "memory", "compute"}
    # And the device's times are those of the first recording.
    first = cnnscope.profile(samples / "lenet5.onnx", recording=recording_named("lenet5_b1"))
    assert [row.seconds for row in first.rows] == [row.seconds for row in live.rows]
    check_live(live, replay)


def check_live(found: Profile, replay: Replay) -> None:
    assert found.method == "device records"
    assert found.device is not None
    # Nothing slows a replay down: without ONNX Runtime's profile the kernels take as long.
    assert found.device.undisturbed == pytest.approx(found.device.seconds)
    assert found.device.profiled is not None
    assert found.placement.nodes == {"cuda": 12}
    assert found.latency.p90 is not None
    assert found.notes == ()
    assert "when ONNX Runtime's profile was off" in " ".join(str(found).split())


@pytest.mark.parametrize(
    ("refusing", "said"),
    [
        (Result.ERROR_INSUFFICIENT_PRIVILEGES, "ERR_NVGPUCTRPERM"),
        (Result.ERROR_WSL_DEVICE_NOT_SUPPORTED, "WSL doesn't support it"),
        (Result.ERROR_NOT_INITIALIZED, "ERROR_NOT_INITIALIZED"),
        (None, "dropped 1234 records for want of room"),
    ],
)
def test_where_cupti_refuses_times_are_upper_bounds(
    replay: Replay, samples: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    refusing: Result | None, said: str,
) -> None:  # fmt: skip
    replay.refusing = refusing
    replay.dropped = 0 if refusing else 1234
    monkeypatch.setattr(Measuring, "kernels", lambda self, budget: on_the_cpu(self))
    found = cnnscope.profile(samples / "lenet5.onnx", provider="cuda", seconds=0.05)
    assert found.method == "synchronous launches"
    (note,) = found.notes
    assert "upper bounds, launches included" in note
    assert said in note
    assert found.device is None
    assert {row.roofline for row in found.rows} == {None}
    with pytest.raises(NoRecordsError, match=said):
        cnnscope.profile(samples / "lenet5.onnx", provider="cuda", record=tmp_path / "x.json.gz")


def test_limits_on_what_the_device_does(
    replay: Replay, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """26.2 us of kernels, and 75 % of 104.8 us waiting; a percentage is a limit as it stands."""
    monkeypatch.setattr(
        child, "run_in_child",
        lambda target, job, **options: profiling.profile_here(job, options["progress"]),
    )  # fmt: skip
    model = samples / "lenet5.onnx"
    kept = cnnscope.check(model, {"device_time": "30 us", "host_bound": "80 %"})
    assert kept.ok
    assert [
        v.figure.shown for v in kept.models[0].verdicts if v.limit.quantity == "device_time"
    ] == [Fraction(26218, 10**9)]
    assert "75 %" in str(kept)
    crossed = cnnscope.check(model, {"device_time": "20 us", "host_bound": "50 %"})
    assert [v.state for v in crossed.models[0].verdicts if v.limit.quantity != "errors"] == [
        "exceeds"
    ] * 2
    replay.refusing = Result.ERROR_WSL_DEVICE_NOT_SUPPORTED
    monkeypatch.setattr(Measuring, "kernels", lambda self, budget: on_the_cpu(self))
    unknown = cnnscope.check(model, {"host_bound": "80 %"})
    assert not unknown.ok
    assert "WSL doesn't support it" in str(unknown)
    with pytest.raises(ArgumentError, match="40 %"):
        cnnscope.check(model, {"host_bound": "40 ms"})


def on_the_cpu(self: Measuring) -> Any:
    return replace_provider(self).kernels_here()


def replace_provider(self: Measuring) -> Measuring:
    return replace(self, provider=Provider("cpu", (CPU,)))


@pytest.fixture(autouse=True)
def on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays stay where they are: there is no device."""
    monkeypatch.setattr(measuring.Measuring, "device", "cpu")


def test_records_need_the_cuda_that_they_are_of(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "cuda_version", "12.8", raising=False)
    with pytest.raises(NoRecordsError, match=r"built for CUDA 12\.8"):
        load_cupti()
    monkeypatch.setattr(onnxruntime, "cuda_version", "13.0")
    monkeypatch.setitem(sys.modules, "cupti.cupti", None)
    with pytest.raises(NoRecordsError, match="isn't installed: pip install"):
        load_cupti()


def test_a_record_that_is_none_is_told_and_all_is_switched_off() -> None:
    replay = Replay(recording_named("lenet5_b1"))
    recorder = Recorder(replay)  # type: ignore[arg-type]
    recorder.__enter__()
    assert len(replay.enabled) == 5
    replay.completed([SimpleNamespace(kind=10, start=1, end=2, correlation_id=3, name="k")])
    replay.runs = 1
    with pytest.raises(NoRecordsError, match="stream_id"):
        recorder.__exit__(None, None, None)
    assert not replay.enabled


def test_a_recording_needs_a_gpu(samples: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="--record: there is no GPU"):
        cnnscope.profile(samples / "lenet5.onnx", provider="cpu", record=tmp_path / "x.json.gz")
    assert not list(tmp_path.iterdir())


def test_a_profile_without_its_runs_is_told(replay: Replay, samples: Path) -> None:
    events = replay.found["ort_profile"]
    last = max(e["ts"] for e in events if e["name"] == "model_run")
    replay.found["ort_profile"] = [
        e for e in events if e["ts"] < last - 1_000_000 or e["cat"] != "Session"
    ]
    with pytest.raises(RunError, match="runs"):
        cnnscope.profile(samples / "lenet5.onnx", provider="cuda")


def test_the_real_package_has_what_is_used() -> None:
    """Where the extra is installed, GPU or not."""
    cupti = pytest.importorskip("cupti.cupti", reason="the extra cuda isn't installed")
    for name in ("activity_register_callbacks", "activity_enable", "activity_disable",
                 "activity_flush_all", "activity_get_num_dropped_records",
                 "get_timestamp"):  # fmt: skip
        assert callable(getattr(cupti, name))
    for kind in Replay.ActivityKind:
        assert int(getattr(cupti.ActivityKind, kind.name)) == int(kind)
    for status in Result:
        assert cupti.Result(int(status)).name == status.name
    assert cupti.runtime_api_trace_cbid(211).name == "cudaLaunchKernel_v7000"
    assert cupti.driver_api_trace_cbid(307).name == "cuLaunchKernel"
    fields = {
        "ActivityAPI": "kind start end correlation_id cbid thread_id",
        "ActivityMemcpy6": "kind start end correlation_id copy_kind bytes",
        "ActivityMemset4": "kind start end correlation_id bytes",
    }
    for name, listed in fields.items():
        assert set(listed.split()) <= set(dir(getattr(cupti, name)))
    (kernel,) = [getattr(cupti, n) for n in dir(cupti) if n.startswith("ActivityKernel")]
    assert {"kind", "start", "end", "correlation_id", "name", "stream_id"} <= set(dir(kernel))


def test_times_are_kept_as_whole_numbers() -> None:
    """What CUPTI hands over may be numpy's; JSON takes Python's alone."""
    replay = Replay(recording_named("lenet5_b1"))
    recorder = Recorder(replay)  # type: ignore[arg-type]
    call = SimpleNamespace(
        kind=np.uint32(5), start=np.uint64(1), end=np.uint64(2), correlation_id=np.uint32(3),
        cbid=np.uint32(211), thread_id=np.uint32(7),
    )  # fmt: skip
    recorder._take([call])
    assert recorder.tables["runtime"] == [[1, 2, 3, 211, 7]]
    assert {type(n) for n in recorder.tables["runtime"][0]} == {int}
