"""Does the benchmark measure what it says, and does the work per node stay the same as graphs grow?

Nothing here depends on how fast the machine is: clocks are made up, and growth is counted in calls.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest
from amounts import amount

from cnnscope.analyzer.analysis import analyze

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
NAMES = ("measure", "models", "tables", "tasks", "run")


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    """The harness's modules: scripts beside each other, not a package."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path.remove(str(FOLDER))
        for name in NAMES:
            sys.modules.pop(name, None)


# -- the arithmetic ----------------------------------------------------------------------------------


def test_a_command_is_measured_by_the_clock_and_the_kernel(scripts: dict[str, ModuleType]) -> None:
    ticks = iter([10.0, 12.5])
    command = [sys.executable, "-c", "print('x' * 3); kept = bytearray(64 << 20)"]
    done = scripts["measure"].run(command, {}, keep_output=True, clock=lambda: next(ticks))
    assert (done.seconds, done.error, done.output) == (2.5, None, "xxx\n")
    assert done.peak > 64 << 20


@pytest.mark.parametrize(
    ("code", "limit", "error"),
    [
        ("import sys; sys.exit('the last line')", 60, "the last line"),
        ("raise SystemExit(3)", 60, "exit code 3"),
        ("import time; time.sleep(60)", 0.2, "took more than 0.2 s"),
    ],
)
def test_a_failure_is_kept_with_its_reason(
    scripts: dict[str, ModuleType], code: str, limit: float, error: str
) -> None:
    done = scripts["measure"].run([sys.executable, "-c", code], {}, limit=limit)
    assert done.error == error


def test_commands_take_turns_and_the_first_round_counts_for_nothing(
    scripts: dict[str, ModuleType],
) -> None:
    measure, ran = scripts["measure"], []

    def runner(command: tuple[str, ...]) -> object:
        ran.append(command[0])
        failed = command[0] == "c" and ran.count("c") == 2
        return measure.Run(float(len(ran)), 0.0, 0, "no" if failed else None)

    found = measure.interleaved({"a": ["a"], "b": ["b"], "c": ["c"]}, 2, runner)
    assert ran == ["a", "b", "c", "a", "b", "c", "a", "b"]
    assert [run.seconds for run in found["a"]] == [4.0, 7.0]
    assert [run.error for run in found["c"]] == ["no"]


def test_a_task_is_timed_without_its_first_time(scripts: dict[str, ModuleType]) -> None:
    ticks = iter([0.0, 9.0, 10.0, 10.5, 20.0, 20.25])
    done: list[str] = []

    def task(path: str, shapes: object) -> None:
        print("this goes nowhere")  # noqa: T201  # what the task prints is the point
        done.append(path)

    found = scripts["tasks"].timed(task, "m.onnx", {}, 2, clock=lambda: next(ticks))
    assert found == {"model": "m.onnx", "seconds": [0.5, 0.25]}
    assert done == ["m.onnx"] * 3


def test_what_a_tool_raises_is_its_answer(scripts: dict[str, ModuleType]) -> None:
    def task(path: str, shapes: object) -> None:
        raise NotImplementedError("no\nsuch operator")

    found = scripts["tasks"].timed(task, "m.onnx", {}, 2)
    assert found["error"] == "NotImplementedError: no such operator"


def took(seconds: float, peak: float = 1e6) -> dict[str, Any]:
    return {
        what: {"median": value, "low": value, "high": value, "count": 1}
        for what, value in (("seconds", seconds), ("cpu", seconds), ("peak", peak))
    }


def results(**given: object) -> dict[str, Any]:
    machine = {
        "processor": "a processor", "cores": 2, "memory_bytes": 2**33, "system": "Linux",
        "python": "3.11", "versions": {"onnx": "1.23"}, "load_before": 0.0,
    }  # fmt: skip
    return {"machine": machine, "quick": True, **given}


@pytest.mark.parametrize(
    ("ours", "peer", "said"),
    [
        (took(0.5, 1e8), took(4.0, 8e8), "Time to onnx-tool's: met (0.12 of at most 0.125). Memory: met"),
        (took(0.6, 2e8), took(4.0, 8e8), "Time to onnx-tool's: NOT MET (0.15 of at most 0.125). Memory: NOT"),
        (took(0.5), {"error": "No module"}, "Time to onnx-tool's: not measured. Memory: not measured."),
    ],
)  # fmt: skip
def test_the_targets_are_judged(
    scripts: dict[str, ModuleType], ours: object, peer: object, said: str
) -> None:
    found = {"file_bytes": 575e6, "tools": {"cnnscope": ours, "onnx-tool": peer}}
    assert said in scripts["tables"].markdown(results(vgg19=found))


def test_no_model_and_no_failure_is_left_out(scripts: dict[str, ModuleType]) -> None:
    tools = ["cnnscope", "onnx-tool"]
    figures = {"median": 0.002, "low": 0.001, "high": 0.003, "count": 3}
    models = {
        "fast.onnx": {"cnnscope": figures, "onnx-tool": figures | {"median": 0.01}},
        "slow.onnx": {"cnnscope": figures, "onnx-tool": figures},
        "odd.onnx": {"cnnscope": figures, "onnx-tool": {"error": "ValueError: a | b"}},
    }
    text = scripts["tables"].markdown(results(in_process={"tools": tools, "models": models}))
    assert "| odd | 2.0 (1.0 to 3.0) | failed: ValueError: a / b |  |" in text
    assert "cnnscope: 3 of 3 models; onnx-tool: 2." in text
    assert "NOT MET (at most 0.5 on 1 of 2; geometric mean 0.45, worst 1.00 on slow)" in text


def test_growth_is_judged_per_node(scripts: dict[str, ModuleType]) -> None:
    def row(nodes: int, each: float) -> dict[str, object]:
        figures = took(nodes * each)
        return {
            "seconds": figures["seconds"],
            "bytes": {"median": nodes * 4000.0},
            "command": took(1.0),
        }

    found = {"chain": {"1000": row(1000, 1e-4), "10000": row(10_000, 1.5e-4)}}
    text = scripts["tables"].markdown(results(growth=found))
    assert "time per node NOT MET (1.50 of at most 1.3), memory per node met (1.00" in text


# -- the models --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["chain", "ladder"])
def test_a_graph_of_so_many_nodes(scripts: dict[str, ModuleType], kind: str) -> None:
    model = getattr(scripts["models"], kind)(90)
    onnx.checker.check_model(model, full_check=True)
    report = analyze(model)
    assert len(report.layers) == 90
    assert {layer.op for layer in report.layers} == {"Conv", "Relu", "Add"}
    # By hand: 30 convolutions of 8 to 8 channels, 3x3, over 64x64.
    assert report.totals.macs.value == 30 * 64 * 64 * 8 * 8 * 9
    assert model.SerializeToString() == getattr(scripts["models"], kind)(90).SerializeToString()


def test_vgg19_is_the_published_one(
    scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameters and MACs as torchvision publishes them, without making half a gigabyte."""

    def place(name: str, *shape: int) -> onnx.TensorProto:
        kept = onnx.TensorProto(name=name, dims=shape, data_type=onnx.TensorProto.FLOAT)
        kept.data_location = onnx.TensorProto.EXTERNAL
        kept.external_data.add(key="location", value="vgg19.weights")
        return kept

    monkeypatch.setattr(scripts["models"], "_zeros", place)
    report = analyze(scripts["models"].vgg19())
    assert report.totals.params.value == 143_667_240
    assert report.totals.macs.value == 19_632_062_464


def test_a_copy_has_the_weights_that_its_original_lacks(
    scripts: dict[str, ModuleType], tmp_path: Path
) -> None:
    model = scripts["models"].chain(9)
    onnx.save(
        model, tmp_path / "m.onnx", save_as_external_data=True, location="m.weights",
        size_threshold=100,
    )  # fmt: skip
    (tmp_path / "m.weights").unlink()
    copy = scripts["models"].with_weights(tmp_path / "m.onnx", tmp_path / "copies")
    assert copy == tmp_path / "copies" / "m.onnx"
    assert analyze(copy).model.weights == "mixed"  # the bias is small, and stayed in the file
    onnx.checker.check_model(onnx.load(copy), full_check=True)


# -- the program -------------------------------------------------------------------------------------


def test_the_shapes_a_corpus_states(scripts: dict[str, ModuleType], tmp_path: Path) -> None:
    (tmp_path / "oracle").mkdir()
    row = {"file": "models/a.onnx", "inputs": {"x": ["float32", [1, 3, 8, 8]]}}
    (tmp_path / "oracle" / "index.json").write_text(json.dumps({"models": [row]}))
    found = scripts["run"].shapes_of(tmp_path / "models")
    assert found == {"a.onnx": {"x": [1, 3, 8, 8]}}


def test_a_peer_that_is_missing_is_named_on_every_model(
    scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measure, run = scripts["measure"], scripts["run"]
    lost = measure.Run(1.0, 1.0, 1, "ModuleNotFoundError: No module named 'onnx_tool'")
    monkeypatch.setattr(measure, "run", lambda *_, **__: lost)
    settings = run.Settings(tmp_path, tmp_path, {}, 1, True, 60.0)
    kept: dict[str, object] = {}
    run.one_tool(settings, "onnx-tool", {"a.onnx": None, "b.onnx": None}, kept)
    assert kept == dict.fromkeys(["a.onnx", "b.onnx"], lost.error)


# -- growth ------------------------------------------------------------------------------------------


def calls(model: onnx.ModelProto) -> int:
    """How many Python functions it takes to analyse a model."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        analyze(model)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("kind", ["chain", "ladder"])
def test_the_work_per_node_does_not_grow(scripts: dict[str, ModuleType], kind: str) -> None:
    make = getattr(scripts["models"], kind)
    calls(make(300))  # fills caches
    few, many = calls(make(300)) / 300, calls(make(amount(900, 1500))) / amount(900, 1500)
    assert many < 1.1 * few


def test_no_depth_is_too_deep(scripts: dict[str, ModuleType]) -> None:
    nodes = 4 * sys.getrecursionlimit()
    assert len(analyze(scripts["models"].chain(nodes)).layers) == nodes


def test_recorded_runs_are_taken_apart(tmp_path: Path) -> None:
    """Without a GPU: what it did is in recordings."""
    named = importlib.util.spec_from_file_location("benchmark_of_gpus", FOLDER / "gpu.py")
    assert named is not None
    assert named.loader is not None
    script = importlib.util.module_from_spec(named)
    sys.modules[named.name] = script  # where dataclasses look for it
    named.loader.exec_module(script)
    output = tmp_path / "gpu.md"
    folder = Path(__file__).parent / "data" / "recordings"
    assert script.main(["--recordings", str(folder), "--output", str(output)]) == 0
    lines = [line for line in output.read_text().splitlines() if line.startswith("| resnet50")]
    assert [line.split(" | ")[1:6] for line in lines] == [
        ["float32", "1", "2,491.4", "2,172.8", "2,172.8"],
        ["float16", "32", "4,229.7", "3,960.6", "3,810.6"],
    ]
    assert all(" | 0.0 % | ? | " in line for line in lines)
