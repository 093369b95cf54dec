"""Does the benchmark measure what it says, and do its models have the sizes that they are called by?

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

from cnnscope.analyzer.analysis import analyze

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
QUESTIONS = sorted(path.stem for path in (FOLDER / "questions").glob("*.py"))
NAMES = (
    "counting",
    "inline",
    "measure",
    "models",
    "setting",
    "tables",
    "tasks",
    "run",
    *(f"questions.{x}" for x in QUESTIONS),
)


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


def verdicts(module: ModuleType, found: object) -> list[tuple[float | None, float, str]]:
    return [(x.figure and round(x.figure, 3), x.most, x.verdict) for x in module.targets(found)]


@pytest.mark.parametrize(
    ("ours", "peer", "said"),
    [
        (took(0.5, 5e7), took(4.0, 8e8), ["met", "met"]),
        (took(0.6, 2e8), took(4.0, 8e8), ["**not met**", "**not met**"]),
        (took(0.5), {"error": "No module"}, ["not measured", "not measured"]),
    ],
)
def test_the_targets_are_judged(
    scripts: dict[str, ModuleType], ours: object, peer: object, said: list[str]
) -> None:
    question = scripts["questions.vgg19"]
    found = {"cnnscope": ours, "onnx-tool": peer}
    assert [x[2] for x in verdicts(question, found)] == said
    assert "No module" in question.text(found) or "error" not in str(peer)


def test_no_model_and_no_failure_is_left_out(scripts: dict[str, ModuleType]) -> None:
    question = scripts["questions.in_process"]
    figures = {"median": 0.002, "low": 0.001, "high": 0.003, "count": 3}
    lost = {"error": "ValueError: a | b"}

    def row(peer: dict[str, Any], floor: dict[str, Any]) -> dict[str, Any]:
        return {question.OURS: figures, question.TOOL: peer, question.FLOOR: floor}

    quick, slow = figures | {"median": 0.0005}, figures | {"median": 0.01}
    models = {"fast": row(slow, quick), "slow": row(figures, quick), "odd": row(lost, lost)}
    found = {"tasks": [question.OURS, question.TOOL], "models": models}
    assert "| odd | 2 (1 to 3) | failed: ValueError: a / b |  |  |" in question.text(found)
    # By hand: four times the floor on both, a fifth of onnx-tool on one.
    assert verdicts(question, found) == [(4.0, 6, "met"), (0.447, 0.5, "met")]


def test_growth_is_judged_per_node(scripts: dict[str, ModuleType]) -> None:
    question = scripts["questions.growth"]

    def rows(*each: float) -> dict[str, Any]:
        return {str(10**k): took(10**k * x)["seconds"] for k, x in enumerate(each, 3)}

    even = dict.fromkeys(question.ASKED, rows(2e-5, 1e-5))
    found = {
        "chain": even | {"CSV": rows(2e-5, 3e-5)}, "modules": even, "ladder": even,
        "dense": {"100": took(5050 * 5e-6)}, "free": rows(1e-3, 1e-3),
        "memory": {"nothing": took(1), "analysis": took(1, 4e8), "JSON": took(1, 5e8)},
    }  # fmt: skip
    told = dict(zip([*question.ASKED, "dense", "free", "memory", "JSON memory"],
                    verdicts(question, found), strict=True))  # fmt: skip
    assert told.pop("CSV") == (1.5, 1.3, "**not met**")
    assert told.pop("JSON memory") == (1.25, 1.2, "**not met**")
    assert told.pop("dense") == (5.0, 10, "met")
    assert {x[2] for x in told.values()} == {"met"}


def test_every_question_is_asked_and_begins_with_it(scripts: dict[str, ModuleType]) -> None:
    assert sorted(scripts["run"].QUESTIONS) == QUESTIONS
    for name in QUESTIONS:
        said = scripts[f"questions.{name}"].__doc__
        assert said is not None
        assert said.strip().endswith("?")


def test_a_reader_of_ranges_counts(scripts: dict[str, ModuleType], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    file = scripts["counting"].Counting(str(tmp_path / "file"))
    assert file.read_many([(0, 2), (8, 2)]) == [b"01", b"89"]
    assert (file.seek(-3, 2), file.read(2), file.read(), file.tell()) == (7, b"78", b"9", 10)
    assert (file.requests, file.bytes) == (3, 7)


# -- the models --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["chain", "ladder", "modules"])
def test_a_graph_of_so_many_nodes(scripts: dict[str, ModuleType], kind: str) -> None:
    model = getattr(scripts["models"], kind)(90)
    onnx.checker.check_model(model, full_check=True)
    report = analyze(model)
    assert len(report.layers) == 90
    assert {layer.op for layer in report.layers} == {"Conv", "Relu", "Add"}
    # By hand: 30 convolutions (two of each four, 46, in modules) of 8 to 8 channels, 3x3, over 64x64.
    count = 45 if kind == "modules" else 30
    assert report.totals.macs.value == count * 64 * 64 * 8 * 8 * 9
    assert model.SerializeToString() == getattr(scripts["models"], kind)(90).SerializeToString()


def test_a_dense_block_and_free_lengths(scripts: dict[str, ModuleType]) -> None:
    dense = scripts["models"].dense(4)
    onnx.checker.check_model(dense, full_check=True)
    # By hand: 8, 9, 10 and 11 channels to one, 3x3, over 64x64.
    assert analyze(dense).totals.macs.value == (8 + 9 + 10 + 11) * 9 * 64 * 64
    free = scripts["models"].free(6)
    onnx.checker.check_model(free, full_check=True)
    assert analyze(free).outputs[0].shape[2:] == (analyze(free).outputs[0].shape[2], 64)
    assert str(analyze(free).outputs[0].shape[2]) == "rows + rows0 + rows2 + rows4"


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
    found = scripts["setting"].shapes_of(tmp_path / "models")
    assert found == {"a.onnx": {"x": [1, 3, 8, 8]}}


def test_a_peer_that_is_missing_is_named_on_every_model(
    scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measure, run = scripts["measure"], scripts["setting"]
    lost = measure.Run(1.0, 1.0, 1, "ModuleNotFoundError: No module named 'onnx_tool'")
    monkeypatch.setattr(measure, "run", lambda *_, **__: lost)
    settings = run.Settings(tmp_path, tmp_path, {}, 1, True, 60.0)
    kept: dict[str, object] = {}
    run.one_task(settings, "onnx-tool", {"a.onnx": None, "b.onnx": None}, kept)
    assert kept == dict.fromkeys(["a.onnx", "b.onnx"], lost.error)


# -- growth ------------------------------------------------------------------------------------------


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


def test_weights_lie_where_protobuf_puts_them(
    scripts: dict[str, ModuleType], tmp_path: Path
) -> None:
    """A model that was stored without them, then: byte for byte what onnx writes of it with zeros."""
    source = FOLDER.parent / "sample_models" / "lenet5.onnx"
    expected = onnx.load(source, load_external_data=False)
    for tensor in expected.graph.initializer:
        there = {entry.key: entry.value for entry in tensor.external_data}
        if there:
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
            tensor.raw_data = bytes(int(there["length"]))
    assert scripts["inline"].written(source, tmp_path / "m.onnx") == "zeros"
    assert (tmp_path / "m.onnx").read_bytes() == expected.SerializeToString()
    with scripts["inline"].served(tmp_path / "m.onnx") as (address, counted):
        assert analyze(address).totals.macs == analyze(source).totals.macs
    assert counted.sent == (tmp_path / "m.onnx").stat().st_size  # so small, it is taken whole
