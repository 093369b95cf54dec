"""Does a profile of real models hold together, through the API and the command?

No time is compared with a figure: other things run on this machine, too.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import cnnscope
from cnnscope.analyzer.report.execution import Execution
from cnnscope.analyzer.report.machine import Ceilings
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.report.verification import (
    Agreement,
    FieldCheck,
    MemoryCheck,
    Mismatch,
    Unchecked,
    Verification,
)
from cnnscope.analyzer.values.diagnostics import ArgumentError, BindingError, RunError
from cnnscope.cli import main
from cnnscope.runtime.engine.job import ModelJob
from cnnscope.runtime.engine.providers import CPU, CUDA, Provider
from cnnscope.runtime.profile import event_meaning, measuring, notes, profiling
from cnnscope.runtime.profile.job import ProfileJob

QUICK = 0.05


@pytest.fixture(scope="module")
def lenet(samples: Path) -> Path:
    return samples / "lenet5.onnx"


@pytest.fixture(scope="module")
def profiled(lenet: Path) -> Profile:
    return cnnscope.profile(lenet, provider="cpu", seconds=QUICK)


def check(found: Profile, report: cnnscope.Report) -> None:
    """What holds of every profile."""
    inside = [layer for row in found.rows for layer in row.layers]
    unrun = [node.layer for node in found.unrun]
    assert len(inside) == len(set(inside))
    assert not set(inside) & set(unrun)
    assert {layer.name for layer in report.layers} <= {*inside, *unrun}
    assert sum(row.seconds or 0 for row in found.outer) == pytest.approx(found.residue.rows)
    shares = [row.share for row in found.outer if row.share is not None]
    assert sum(shares) == pytest.approx(1) or not found.residue.rows
    # Each kernel is seen within the run, so all of them together are no longer than it.
    assert 0 <= found.residue.rows <= found.residue.seen <= found.residue.profiled
    assert found.residue.end_to_end == found.latency.p50
    assert found.placement.kernels == {"cpu": len(found.outer)}
    assert found.latency.least <= found.latency.p50 <= found.latency.p90 <= found.latency.p99
    for row in found.rows:
        assert row.inserted == (not row.layers)
        assert row.seconds is not None


def test_a_sample(profiled: Profile, lenet: Path) -> None:
    report = cnnscope.analyze(lenet)
    check(profiled, report)
    assert profiled.flops == report.totals.flops.value
    assert profiled.rows[0].layers[0] == "/conv1/Conv"
    assert profiled.by_layer()["/fc1/Gemm"].macs == 48000
    assert profiled.latency.transfers is None
    assert profiled.latency.io_bound
    assert profiled.ceilings.flop_rate["float32"] > 1e8
    assert profiled.ceilings.byte_rate is not None
    assert profiled.weights == "random (He-scaled)"
    assert profiled.timeline


def test_a_group_moves_what_enters_and_leaves_it(profiled: Profile) -> None:
    fused = next(row for row in profiled.rows if row.layers == ("/conv1/Conv", "/tanh1/Tanh"))
    # Input 1x32x32, weights 6x1x5x5, bias 6, output 6x28x28, in float32; not the convolution's own.
    assert fused.bytes == 4 * (32 * 32 + 6 * 25 + 6 + 6 * 28 * 28)


def branching() -> onnx.ModelProto:
    """A loop of three additions, then a branch chosen by data; a free batch."""

    def value(name: str, kind: int, dims: list[int | str]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, dims)

    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still"], name="go"),
            helper.make_node("Add", ["v", "x"], ["w"], name="add"),
        ],
        "body",
        [value("i", 7, []), value("going", 9, []), value("v", 1, ["N", 4])],
        [value("still", 9, []), value("w", 1, ["N", 4])],
    )
    branches = {
        name: helper.make_graph([helper.make_node(op, ["sum"], [out], name="branch")], name, [],
                                [value(out, 1, ["N", 4])])
        for name, op, out in (("then_branch", "Relu", "p"), ("else_branch", "Neg", "q"))
    }  # fmt: skip
    nodes = [
        helper.make_node("Loop", ["three", "", "x"], ["sum"], name="loop", body=body),
        helper.make_node("ReduceSum", ["x"], ["total"], name="total", keepdims=0),
        helper.make_node("Greater", ["total", "zero"], ["positive"], name="positive"),
        helper.make_node("If", ["positive"], ["y"], name="if", **branches),
    ]
    graph = helper.make_graph(
        nodes, "g", [value("x", 1, ["N", 4])], [value("y", 1, ["N", 4])],
        [
            helper.make_tensor("three", TensorProto.INT64, [], [3]),
            helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
        ],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_subgraphs_batches_and_models_in_memory() -> None:
    model = branching()
    found = cnnscope.profile(model, provider="cpu", seconds=QUICK, batches=(2, 8), threads=1)
    assert [latency.batch for latency in found.latencies] == [2, 8]
    assert [dict(x.inputs) for x in found.latencies] == [{"x": (2, 4)}, {"x": (8, 4)}]
    assert found.threads == 1
    check(found, cnnscope.analyze(model, dims={"N": 2}))
    rows = found.by_layer()
    assert {"loop", "total", "positive", "if"} <= set(rows)
    assert rows["loop"].op == "Loop"
    # What ran inside is on the timeline, and has rows of its own that are part of their loop's.
    inner = [span for span in found.timeline if span.row is None]
    assert len([span for span in inner if span.op == "Add"]) == 3
    (add,) = [row for row in found.rows if row.within == "loop" and row.op == "Add"]
    assert (add.layers, add.calls) == (("loop/add",), 3)
    # Three times 2x4 additions; 2x4 numbers read twice and written, in float32.
    assert (add.flops, add.bytes) == (3 * 8, 3 * 3 * 8 * 4)
    assert add.seconds is not None
    assert rows["loop"].seconds is not None
    assert add.seconds <= rows["loop"].seconds
    (taken,) = [row for row in found.rows if row.within == "if"]
    assert (taken.op, taken.calls) == ("Relu", 1)
    assert sum(row.flops or 0 for row in found.outer) == found.flops


def test_a_batch_that_cannot_be_is_said() -> None:
    with pytest.raises(BindingError, match="batch dimension N is bound to 4"):
        cnnscope.profile(branching(), dims={"N": 4}, batches=(8,))
    with pytest.raises(ArgumentError, match="a whole number from 1 on"):
        cnnscope.profile(branching(), batches=(0,))


def test_what_cant_run_is_a_run_error(tmp_path: Path) -> None:
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xy")
    node = helper.make_node("NoSuchOperator", ["x"], ["y"], name="n", domain="mine")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model = helper.make_model(
        helper.make_graph([node], "g", [x], [y]), opset_imports=opsets, ir_version=8
    )
    with pytest.raises(RunError):
        cnnscope.profile(model, provider="cpu", seconds=QUICK)


def test_half_precision_runs_with_what_is_inserted_for_it() -> None:
    weights = np.ones((8, 3, 3, 3), np.float16)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT16, [1, 3, 16, 16])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT16, None)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Sin", ["c"], ["y"], name="sin"),
    ]
    stored = [onnx.numpy_helper.from_array(weights, "w")]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y], stored),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip
    found = cnnscope.profile(model, provider="cpu", seconds=QUICK)
    check(found, cnnscope.analyze(model))
    assert set(found.by_layer()) == {"conv", "sin"}


def test_a_report_is_profiled_with_its_shapes_in_a_child(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(branching(), path)
    report = cnnscope.analyze(path, dims={"N": 5})
    said: list[str] = []
    found = cnnscope.profile(
        report, provider="cpu", seconds=QUICK, child=True, timeout=100, progress=said.append
    )
    assert found.latency.inputs == {"x": (5, 4)}
    assert any("whole runs" in line for line in said)
    check(found, report)


def test_a_report_lends_its_shapes_but_for_the_batch() -> None:
    from cnnscope.runtime.engine.batches import open_batch

    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", None, "H"]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"], name="relu")], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    report = cnnscope.analyze(model, shapes={"x": [7, 3, 5]})
    assert open_batch(report.inputs) == {"x": [None, 3, 5]}
    found = cnnscope.profile(report, provider="cpu", seconds=QUICK, batches=(2,))
    assert found.latency.inputs == {"x": (2, 3, 5)}
    assert found.latency.batch == 2


def test_kernels_timed_apart_are_the_same_kernels(lenet: Path) -> None:
    """The process that launches synchronously, on the provider that is everywhere."""
    base = ModelJob(str(lenet), {}, {}, "cpu")
    request = ProfileJob(base, seconds=QUICK)
    here = profiling.profile_here(request)
    from cnnscope.runtime.engine.child import run_in_child
    from cnnscope.runtime.profile.kernel_events import KernelTimes

    there = run_in_child("cnnscope.runtime.profile.profiling:kernels_here", request)
    assert isinstance(there, KernelTimes)
    assert [k.op for k in there.kernels] == [row.op for row in here.rows]


def test_a_run_is_joined_to_the_layers(profiled: Profile, lenet: Path) -> None:
    report = cnnscope.analyze(lenet)
    rows = Execution(profiled).rows(layer.name for layer in report.layers)
    assert set(rows) == {layer.name for layer in report.layers}
    row, first = rows["/tanh1/Tanh"]
    assert first == row.layers[0]
    assert Execution(profiled).judge()("/tanh1/Tanh", ["t"]) is None


def test_a_report_with_a_run_shows_it_in_every_form(profiled: Profile, lenet: Path) -> None:
    import jsonschema
    from laid_out import report_csv, report_markdown, report_text

    from cnnscope.analyzer.render.subjects.report import report_schema

    plain = cnnscope.analyze(lenet)
    report = dataclasses.replace(plain, execution=Execution(profiled))
    for shown in (report_text(report, 200), report_markdown(report), report._repr_html_()):
        assert "verified" in shown
        assert "in #0" in re.sub(r"<!-- -->|</?code>|\\", "", shown)
    assert "verified" not in report_text(plain, 200)
    lines = list(csv.DictReader(io.StringIO(report_csv([report]))))
    assert sum(float(x["time"]) for x in lines if x["time"]) <= profiled.residue.rows
    found = report.to_dict()
    jsonschema.validate(json.loads(json.dumps(found)), report_schema())
    assert "run" not in plain.to_dict()


def test_a_wrong_layer_is_told_from_an_unchecked_one() -> None:
    checked = Verification(
        None, "cpu", None, "1", "stored", 0, {},
        Agreement(2, 1, (Mismatch("t", "wrong", "Conv", "shape", [1], [2]),), (Unchecked("u", "why"),)),
        FieldCheck(), MemoryCheck(),
    )  # fmt: skip
    judge = Execution(None, checked).judge()
    assert judge("wrong", ["t"]) is False
    assert judge("open", ["u"]) is None
    assert judge("right", ["v"]) is True
    assert Execution().judge()("right", ["v"]) is None


def test_a_model_that_can_t_be_bound_runs_nevertheless(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnscope.runtime.engine.sessions import Session

    def bind(self: Session, feeds: object, device: str) -> Callable[[], object]:
        def run() -> None:
            raise RunError("Got invalid dimensions for output")

        return run

    monkeypatch.setattr(Session, "bind", bind)
    monkeypatch.setattr(measuring.Measuring, "ceilings", lambda self, dtypes: Ceilings())
    found = cnnscope.profile(branching(), provider="cpu", seconds=QUICK)
    assert not found.latency.io_bound
    assert any("can't be bound" in note for note in found.notes)


# -- the command ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    code: object
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process; what it runs, it runs in another."""
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as stop:
            main([str(x) for x in arguments])
        out, err = capfd.readouterr()
        return Done(stop.value.code, out, err)

    return call


def test_the_command(command: Run, lenet: Path, tmp_path: Path) -> None:
    trace = tmp_path / "t.json"
    done = command("profile", lenet, "--provider", "cpu", "--seconds", QUICK, "--trace", trace)
    assert (done.code, done.err) == (0, "")
    for part in ("/conv1/Conv + Tanh", "residue", "ceilings", "p50", "bound by"):
        assert part in done.out
    assert max(map(len, done.out.splitlines())) <= 120
    events = json.loads(trace.read_text())["traceEvents"]
    assert any(event["name"] == "/conv1/Conv + Tanh" for event in events)


@pytest.mark.usefixtures("without_children")
def test_the_command_for_machines(command: Run, lenet: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.csv"
    done = command(
        "profile", lenet, "--provider", "cpu", "--seconds", QUICK, "-f", "csv", "-o", out,
        "--sort", "time", "--top", 3,
    )  # fmt: skip
    assert (done.code, done.out, done.err) == (0, "", "")
    lines = list(csv.DictReader(io.StringIO(out.read_text())))
    assert len(lines) == 3
    times = [float(line["time"]) for line in lines]
    assert times == sorted(times, reverse=True)


@pytest.mark.usefixtures("without_children")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dtype", "float17"], "--dtype: 'float17' is none"),
        (["--provider", "cpu", "--tf32"], "--tf32 is for CUDA"),
        (["--batch", "1,x"], "--batch 1,x: give lengths such as 1,8,32"),
        (["--batch", "0"], "give lengths"),
        (["--sort", "nonsense"], "no sort key 'nonsense'"),
        (["-f", "json", "--top", "3"], "JSON has everything"),
        (["--provider", "nonsense"], "knows no such provider"),
        (["--input", "nobody=x.npy"], "x.npy"),
        (["--trace", "."], "this is a folder"),
    ],
)
def test_misuse_is_one_line(command: Run, lenet: Path, arguments: list[str], said: str) -> None:
    done = command("profile", lenet, *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


@pytest.mark.usefixtures("quick_runs")
def test_analyze_with_a_run(command: Run, lenet: Path) -> None:
    done = command(
        "analyze", lenet, "--run", "-f", "csv", "--columns", "name,time,ran_with,verified"
    )
    assert (done.code, done.err) == (0, "")
    lines = {x["name"]: x for x in csv.DictReader(io.StringIO(done.out))}
    assert len(lines) == 12
    assert {x["verified"] for x in lines.values()} == {"true"}
    assert float(lines["/conv1/Conv"]["time"]) > 0
    assert (lines["/tanh1/Tanh"]["time"], lines["/tanh1/Tanh"]["ran_with"]) == ("", "/conv1/Conv")
    assert command("analyze", lenet, lenet, "--run", "--compare").code == 2


# -- with a GPU -------------------------------------------------------------------------------


def test_launches_that_wait_give_upper_bounds(monkeypatch: pytest.MonkeyPatch, lenet: Path) -> None:
    """What CUDA does without device records, on the CPU: no roofline, nothing taken off, and it is said."""
    from cnnscope.runtime.engine import child
    from cnnscope.runtime.profile import kernel_times

    def here(target: str, job: ProfileJob, **options: object) -> object:
        return profiling.kernels_here(job, lambda said: None)

    monkeypatch.setattr(kernel_times, "on_host", lambda provider: False)
    monkeypatch.setattr(event_meaning, "waits", lambda provider: False)
    monkeypatch.setattr(child, "run_in_child", here)
    found = cnnscope.profile(lenet, provider="cpu", seconds=QUICK)
    assert found.method == "synchronous launches"
    assert {row.bound for row in found.rows} == {row.roofline for row in found.rows} == {None}
    assert found.residue.seen == pytest.approx(found.residue.rows)
    assert found.ceilings.overhead is not None
    assert found.ceilings.profiler is None
    assert "the profiler takes itself" not in str(found)


@pytest.mark.parametrize(
    ("full", "derived", "said"),
    [
        (CPU, True, None),
        (CUDA, False, None),  # by records or as upper bounds, which is said elsewhere
        ("OpenVINOExecutionProvider", True, "with OpenVINO a row is a whole subgraph"),
        ("CoreMLExecutionProvider", True, "with Core ML a row is a whole subgraph"),
        ("DmlExecutionProvider", False, "with DirectML work is handed over"),
        ("ROCMExecutionProvider", False, "with ROCm work is handed over"),
        ("NewExecutionProvider", False, "whether the new provider's events wait"),
    ],
)
def test_what_times_mean_with_each_provider(full: str, derived: bool, said: str | None) -> None:
    provider = Provider("p", (full, CPU))
    assert event_meaning.waits(provider) is derived
    found = notes.notes((), None, provider, "")
    assert len(found) == (said is not None)
    assert not said or said in found[0]


def test_tensorrt_hands_to_cuda_what_it_cannot_take() -> None:
    provider = Provider("tensorrt", ("TensorrtExecutionProvider", CUDA, CPU))
    assert not event_meaning.waits(provider)
    assert "with TensorRT a row is a whole subgraph" in notes.notes((), None, provider, "")[0]
    (first, _) = notes.notes((), None, provider, "CUPTI isn't installed")
    assert "upper bounds, launches included" in first
