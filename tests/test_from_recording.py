"""Is the profile that a recording gives the one that its records add up to, layer by layer?"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import onnx
import pytest
from made_recordings import drawn, recording_named, recordings
from onnx import TensorProto, helper

import cnnscope
from cnnscope.analyzer.render.subjects.chrome_trace import chrome_trace
from cnnscope.analyzer.report.device import Unattributed
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.diagnostics import ArgumentError, RunError
from cnnscope.cli import main
from cnnscope.runtime.device.kernel_names import short_kernel_name, uses_tensor_cores


def sample(samples: Path, path: Path) -> tuple[Path, dict[str, Any]]:
    """The sample model that a recording is of, and what is in it."""
    raw = json.loads(gzip.decompress(path.read_bytes()))
    return samples / raw["model"].replace("_fp16", ""), raw


def nanoseconds(seconds: float, runs: int) -> int:
    """Of all runs together; a mean is exact to far below a nanosecond."""
    whole = seconds * runs * 1e9
    assert whole == pytest.approx(round(whole), abs=1e-3)
    return round(whole)


@pytest.mark.parametrize("path", recordings(), ids=lambda p: p.name.removesuffix(".json.gz"))
def test_rows_add_up_to_the_records(samples: Path, path: Path) -> None:
    model, raw = sample(samples, path)
    found = cnnscope.profile(model, recording=path)
    document = found.to_dict()
    rows = document["rows"]
    assert isinstance(rows, list)
    runs = len(raw["marks_ns"])
    spent = sum(k[1] - k[0] for k in raw["kernels"])
    assert sum(nanoseconds(row["device_seconds"], runs) for row in rows) == spent
    assert nanoseconds(found.device_seconds or 0, runs) == spent
    assert sum(row["kernel_count"] for row in rows) * runs == len(raw["kernels"])
    assert sum(k["count"] for row in rows for k in row["kernels"]) * runs == len(raw["kernels"])
    assert {k["name"] for row in rows for k in row["kernels"]} == set(raw["kernel_names"])
    assert sum(row["copies"]["count"] for row in rows) * runs == len(raw["copies"])
    assert sum(row["sets"]["count"] for row in rows) * runs == len(raw["sets"])
    assert found.device is not None
    assert found.device.unattributed == ()
    assert (found.device_busy_seconds or 0) <= (found.device_seconds or 0) * (1 + 1e-12)
    busy = found.device_busy_seconds or 0
    assert found.host_bound == pytest.approx(max(0, 1 - busy / (raw["latency_us"] / 1e6)))
    gaps = sum(row["gap_seconds"] for row in rows)
    assert gaps == pytest.approx(found.device.launch_gaps)
    for row in found.rows:
        assert row.device is not None
        assert row.seconds == row.device.seconds
        assert row.device.interval is not None
        low, high = row.device.interval
        assert low <= row.device.median <= high
    check_layers(found, model, raw)


def check_layers(found: Profile, model: Path, raw: dict[str, Any]) -> None:
    """Every layer is in one row or in the list of those that didn't run; work is the batch's."""
    report = cnnscope.analyze(model)
    inside = [layer for row in found.rows for layer in row.layers]
    assert len(inside) == len(set(inside))
    assert {*inside, *(node.layer for node in found.unrun)} >= {x.name for x in report.layers}
    batch = raw["batch"] or 1
    assert found.latency.batch == batch
    assert found.flops == batch * (report.totals.flops.value or 0)
    half = any(k.tensor_cores for row in found.rows if row.device for k in row.device.kernels)
    assert half == ("_fp16" in raw["model"])  # TF32 was off
    # What a node alone reads and writes is what ONNX Runtime wrote down of it.
    events = {e["name"]: e["args"] for e in raw["ort_profile"] if e["cat"] == "Node"}
    for row in found.rows:
        args = events[f"{row.name}_kernel_time"]
        if len(row.layers) == 1 and row.op in ("Relu", "Clip", "MaxPool", "Tanh", "Gemm", "Add"):
            moved = int(args["output_size"]) + int(args["activation_size"])
            assert row.bytes == moved + int(args["parameter_size"]), row.name


def test_the_command_makes_the_same_profile(
    samples: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = recording_named("lenet5_b1")
    with pytest.raises(SystemExit, match="0"):
        main(["profile", str(samples / "lenet5.onnx"), "--from-recording", str(path),
              "--format", "json", "--trace", str(tmp_path / "trace.json")])  # fmt: skip
    document = json.loads(capfd.readouterr().out)
    found = cnnscope.profile(samples / "lenet5.onnx", recording=path)
    assert document == json.loads(json.dumps(found.to_dict()))
    assert (document["method"], document["recording"]) == ("device records", str(path))
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert len([e for e in events if e["ph"] == "X"]) == 13  # kernels of one run


def test_what_people_read(samples: Path) -> None:
    text = str(
        cnnscope.profile(
            samples / "mobilenet_v2.onnx", recording=recording_named("mobilenet_v2_b1")
        )
    )
    flat = " ".join(text.split())
    assert (
        "50.3 % of the run the GPU waits for launches: a larger batch or a CUDA graph would pay"
        in flat
    )
    assert "571 us busy of a run's 1.15 ms; 571 us in 151 kernels on 1 stream" in flat
    assert "launch gap" in text
    assert "residue" not in text
    assert "unknown" not in flat.replace("of an unknown version", "")
    busy = str(
        cnnscope.profile(samples / "resnet50.onnx", recording=recording_named("resnet50_fp16_b32"))
    )
    assert "it is kept busy" in " ".join(busy.split())


def test_what_is_free_in_a_run_that_waits(samples: Path) -> None:
    """Half of MobileNetV2's run is waiting: a row of 5.5 % of the kernels is 2.7 % of the run."""
    found = cnnscope.profile(
        samples / "mobilenet_v2.onnx", recording=recording_named("mobilenet_v2_b1")
    )
    row = max(found.rows, key=lambda x: x.seconds or 0)
    whole, own = found.latency.p50, row.seconds or 0
    assert row.speedup == pytest.approx(whole / (whole - own))


def test_streams_that_overlap_are_busy_once(samples: Path) -> None:
    found = cnnscope.profile(
        samples / "resnet50.onnx", recording=recording_named("resnet50_fp16_b32")
    )
    assert found.device is not None
    assert found.device.streams == 5
    assert found.device.busy < found.device.seconds
    first = found.rows[0]
    assert first.device is not None
    assert (first.arithmetic, first.dtype) == ("float16", "float16")
    assert sum(row.device.sets.count for row in found.rows if row.device) == 5


@pytest.mark.parametrize("args", [["--batch", "3"], ["--provider", "cpu"], ["--dim", "N=1"]])
def test_what_a_recording_says_is_not_asked(
    samples: Path, capfd: pytest.CaptureFixture[str], args: list[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["profile", str(samples / "lenet5.onnx"), "--from-recording", "x.json.gz", *args])
    assert f"{args[0]} doesn't go with --from-recording" in capfd.readouterr().err


def test_what_cannot_be_one_is_told(samples: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"of another model: 1\d\d of the 121 nodes"):
        cnnscope.profile(samples / "vgg16.onnx", recording=recording_named("resnet50_b1"))
    with pytest.raises(RunError, match="of another model"):
        cnnscope.profile(samples / "lenet5.onnx", recording=recording_named("resnet50_b1"))
    wider = onnx.load(str(samples / "resnet50.onnx"), load_external_data=False)
    for tensor in wider.graph.initializer:
        tensor.dims[0] *= 2
    with pytest.raises(RunError, match=r"another model: \d+ of its \d+ weights have another size"):
        cnnscope.profile(wider, recording=recording_named("resnet50_b1"))
    alone = tmp_path / "lenet5.json.gz"
    shutil.copy(recording_named("lenet5_b1"), alone)
    with pytest.raises(RunError, match=r"lenet5\.optimised\.onnx.*keep both together"):
        cnnscope.profile(samples / "lenet5.onnx", recording=alone)
    (tmp_path / "lenet5.optimised.onnx").write_bytes(b"\xff\xff\xff")
    with pytest.raises(RunError, match=r"no ONNX model|has no nodes"):
        cnnscope.profile(samples / "lenet5.onnx", recording=alone)
    with pytest.raises(ArgumentError, match="recording"):
        cnnscope.profile(samples / "lenet5.onnx", recording=7)  # type: ignore[arg-type]


def test_a_loop_has_its_body_s_kernels(tmp_path: Path) -> None:
    """Made-up runs of a made-up model: a loop's row has what its body's rows have, once in sums."""
    made = drawn(3, nodes=12)
    names = {e["name"].removesuffix("_kernel_time"): e["args"]["op_name"]
             for e in made.found["ort_profile"] if e["cat"] == "Node"}  # type: ignore[attr-defined]  # fmt: skip
    outer = sorted((n for n in names if n.startswith("n")), key=lambda n: int(n[1:]))
    loops = [n for n in outer if names[n] == "Loop"]
    assert loops
    model = chain(outer, loops)
    onnx.save(model, tmp_path / "made.onnx")
    onnx.save(model, tmp_path / "made.optimised.onnx")
    path = made.write(tmp_path / "made.json")
    found = cnnscope.profile(tmp_path / "made.onnx", recording=path)
    rows = found.by_layer()
    spent = sum(k[1] - k[0] for k in made.rows("kernels"))
    assert sum(nanoseconds(r.seconds or 0, 3) for r in found.outer) == spent
    truth = dict.fromkeys([*outer, *(f"inner{n[1:]}" for n in loops)], 0)
    for node, record in zip(made.truth, made.rows("kernels"), strict=True):
        assert node is not None
        truth[node] += record[1] - record[0]
    for name in outer:
        inside = truth[f"inner{name[1:]}"] if name in loops else 0
        assert nanoseconds(rows[name].seconds or 0, 3) == truth[name] + inside
    inner = [row for row in found.rows if row.within is not None]
    assert {row.name for row in inner} == {f"inner{n[1:]}" for n in loops}
    for row in inner:
        assert nanoseconds(row.seconds or 0, 3) == truth[row.name]
    assert "subgraph" not in chrome_trace(found)


def chain(names: list[str], loops: list[str]) -> onnx.ModelProto:
    """Nodes of these names one after the other, some of them loops over an addition."""
    nodes = []
    for i, name in enumerate(names):
        if name not in loops:
            nodes.append(helper.make_node("Relu", [f"t{i}"], [f"t{i + 1}"], name=name))
            continue
        value = helper.make_tensor_value_info
        body = helper.make_graph(
            [helper.make_node("Identity", ["going"], ["still"], name=f"go{name}"),
             helper.make_node("Add", ["v", "v"], ["w"], name=f"inner{name[1:]}")],
            "body", [value("i", 7, []), value("going", 9, []), value("v", 1, [1])],
            [value("still", 9, []), value("w", 1, [1])],
        )  # fmt: skip
        nodes.append(
            helper.make_node("Loop", ["three", "", f"t{i}"], [f"t{i + 1}"], name=name, body=body)
        )
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("t0", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info(f"t{len(names)}", TensorProto.FLOAT, [1])],
        [helper.make_tensor("three", TensorProto.INT64, [], [3])],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_kernels_in_no_row_are_said(tmp_path: Path) -> None:
    """A node that the graph beside the recording lacks: its kernels are named, and the total has them."""
    made = drawn(5, nodes=6)
    names = sorted({n for n in made.truth if n and n.startswith("n")}, key=lambda n: int(n[1:]))
    loops = [n for n in names if f"inner{n[1:]}" in made.truth]
    onnx.save(chain(names[:-1], loops), tmp_path / "made.onnx")
    onnx.save(chain(names[:-1], loops), tmp_path / "made.optimised.onnx")
    found = cnnscope.profile(tmp_path / "made.onnx", recording=made.write(tmp_path / "made.json"))
    assert found.device is not None
    (lost,) = found.device.unattributed
    assert isinstance(lost, Unattributed)
    kernels = [k for n, k in zip(made.truth, made.rows("kernels"), strict=True)
               if n in (names[-1], f"inner{names[-1][1:]}")]  # fmt: skip
    spent = sum(k[1] - k[0] for k in made.rows("kernels"))
    assert nanoseconds(lost.seconds, 3) == sum(k[1] - k[0] for k in kernels)
    assert lost.count * 3 == pytest.approx(len(kernels))
    assert lost.share == pytest.approx(sum(k[1] - k[0] for k in kernels) / spent)
    assert nanoseconds(found.device_seconds or 0, 3) == spent
    assert "in no row" in str(found)


@pytest.mark.parametrize(
    ("name", "used", "short"),
    [
        ("sm80_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32_nhwckrsc_nhwc_tilesize128x128x16_stage4"
         "_warpsize2x2x1_g1_tensor16x8x8_execute_kernel__5x_cudnn", True, None),
        ("sm80_xmma_gemm_f32f32_f32f32_f32_nn_n_tilesize32x32x8_stage3_ffma_aligna4", False, None),
        ("ampere_fp16_s16816gemm_fp16_128x64_ldg8_f2f_stages_32x6_nn", True, None),
        ("volta_h884gemm_64x64_ldg8_nn", True, None),
        ("turing_fp16_s1688cudnn_fp16_128x128_ldg8_relu", True, None),
        ("volta_sgemm_128x64_nn", False, None),
        ("nvjet_sm90_hsh_160x128_64x5_2x1_v_ssched_bz_NNN", True, None),
        ("_Z15fft2d_r2c_32x32IfLb0ELj0ELb0EEvP6float2", False, "fft2d_r2c_32x32"),
        ("_ZN7cutlass7Kernel2I59cutlass_80_tensorop_f16_s16816gemm_f16_64x64_32x6_nn_align2EEvNT_6ParamsE",
         True, "cutlass_80_tensorop_f16_s16816gemm_f16_64x64_32x6_nn_align2"),
        ("_ZN", False, None), ("_Z999x", False, None), ("_Z0x", False, None), ("", False, None),
    ],
)  # fmt: skip
def test_what_a_kernel_s_name_says(name: str, used: bool, short: str | None) -> None:
    assert uses_tensor_cores(name) is used
    assert short_kernel_name(name) == (short or name)
