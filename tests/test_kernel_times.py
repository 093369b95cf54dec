"""Are the times of kernels read rightly from a profile, subgraphs and broken runs included?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.trace import Event
from cnnscope.runtime.profile import kernel_events, kernel_times
from cnnscope.runtime.profile.kernel_events import Run, match_events, middle_runs, read_runs


def entry(name: str, op: str, start: int, took: int) -> dict[str, object]:
    args = {
        "op_name": op, "provider": "CPUExecutionProvider",
        "input_type_shape": [{"float": [2, 3]}], "output_type_shape": [{"float": [2]}],
    }  # fmt: skip
    return {
        "cat": "Node", "name": f"{name}_kernel_time", "ts": start, "dur": took, "args": args
    }  # fmt: skip


def mark(start: int, took: int) -> dict[str, object]:
    return {"cat": "Session", "name": "model_run", "ts": start, "dur": took, "args": {}}


def event(name: str, op: str, start: int = 0, took: int = 1) -> Event:
    return Event(name, op, "CPUExecutionProvider", (), (), took, None, None, 0, start)


def write(path: Path, *entries: dict[str, object]) -> Path:
    # As ONNX Runtime does: an entry a line.
    path.write_text("[\n" + ",\n".join(map(json.dumps, entries)) + "\n]\n")
    return path


def test_a_profile_is_cut_into_runs(tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.json",
        {"cat": "Session", "name": "session_initialization", "ts": 0, "dur": 5},
        entry("a", "Relu", 11, 2), entry("b", "Conv", 13, 5), mark(10, 10),
        entry("a", "Relu", 31, 3), entry("b", "Conv", 34, 6), mark(30, 12),
    )  # fmt: skip
    runs = read_runs(path)
    assert [(r.start, r.microseconds) for r in runs] == [(10, 10), (30, 12)]
    assert [[e.name for e in r.events] for r in runs] == [["a", "b"]] * 2
    assert runs[0].events[0].inputs == (("float32", (2, 3)),)


@pytest.mark.parametrize("text", ["", "[", "{}", '[\n{"ts": 1}\n]', "[\n3\n]", "[\n{,\n]", "x"])
def test_a_profile_that_is_none_is_a_run_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    if text == "[":
        assert read_runs(path) == []
        return
    with pytest.raises(RunError, match="can't be read"):
        read_runs(path)


def test_what_runs_inside_another_kernel_is_left_out() -> None:
    # A subgraph's nodes come before the node that holds it; one is called like a later main one.
    seen = [
        event("a", "Relu"), event("inner", "Add"), event("last", "Mul"), event("loop", "Loop"),
        event("last", "Mul", 7),
    ]  # fmt: skip
    found = match_events(seen, [("a", "Relu"), ("loop", "Loop"), ("last", "Mul")])
    assert [e.start if e else None for e in found] == [0, 0, 7]
    assert [e.name for e in found if e] == ["a", "loop", "last"]


def test_another_order_is_matched_by_name() -> None:
    seen = [event("b", "Mul", 1), event("a", "Add", 2), event("b", "Mul", 3)]
    found = match_events(seen, [("a", "Add"), ("b", "Mul"), ("b", "Mul"), ("c", "Sub")])
    assert [e.start if e else None for e in found] == [2, 1, 3, None]


def test_a_node_without_a_name_is_matched_by_operator() -> None:
    seen = [event("Relu_3", "Relu"), event("Add_4", "Add", 5)]
    assert [e is not None for e in match_events(seen, [("", "Relu"), ("", "Add")])] == [True, True]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40))
def test_the_middle_runs_are_the_interquartile_ones(durations: list[int]) -> None:
    kept = middle_runs(durations)
    left_out = len(durations) // 4
    assert (
        sorted(durations[i] for i in kept)
        == sorted(durations)[left_out:][: len(durations) - 2 * left_out]
    )
    assert len(set(kept)) == len(kept)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 50), min_size=3, max_size=3), st.integers(0, 9)),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_kernels_and_what_lies_between_are_the_whole(runs: list[tuple[list[int], int]]) -> None:
    names = ["a", "b", "c"]
    graph = helper.make_graph(
        [helper.make_node("Relu", [], [n], name=n) for n in names], "g", [], []
    )  # fmt: skip
    made = [
        Run(
            0,
            sum(took) + rest,
            tuple(event(n, "Relu", 0, t) for n, t in zip(names, took, strict=True)),
        )
        for took, rest in runs
    ]
    found = kernel_events.summed(graph, made, {})
    kept = middle_runs([run.microseconds for run in made])
    between = sum(runs[i][1] for i in kept) / len(kept) / 1e6
    whole = sum(k.seconds for k in found.kernels if k.seconds is not None)
    assert whole + between == pytest.approx(found.run_seconds)
    assert len(found.timeline) == 3


def test_a_kernel_that_never_showed_has_no_time() -> None:
    nodes = [helper.make_node("Relu", [], [n], name=n) for n in "ab"]
    graph = helper.make_graph(nodes, "g", [], [])
    found = kernel_events.summed(graph, [Run(0, 9, (event("b", "Relu", 2, 4),))], {})
    assert [k.seconds for k in found.kernels] == [None, pytest.approx(4e-6)]
    assert found.timeline[0].row == 1


def test_the_process_is_told_to_launch_synchronously(
    monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    """The path that CUDA takes without records, up to the process that it starts."""
    from cnnscope.runtime.engine import child
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.engine.providers import CPU, CUDA, Provider
    from cnnscope.runtime.profile.job import ProfileJob
    from cnnscope.runtime.profile.measuring import Measuring
    from cnnscope.runtime.profile.timing import TimeBudget

    told: dict[str, object] = {}

    def instead(target: str, argument: object, **options: object) -> object:
        told.update(options, target=target)
        raise RunError("stop")

    request = ProfileJob(ModelJob(str(samples / "lenet5.onnx"), {}, {}, "cuda"))
    measuring = Measuring(request, [], Provider("cuda", (CUDA, CPU)), lambda said: None)
    monkeypatch.setattr(child, "run_in_child", instead)
    with pytest.raises(RunError, match="stop"):
        measuring.kernels(TimeBudget())
    assert told["environment"] == {"CUDA_LAUNCH_BLOCKING": "1"}
    assert told["target"] == "cnnscope.runtime.profile.profiling:kernels_here"


def test_a_loop_that_runs_long_is_profiled_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its profile has an event for each kernel of each iteration, and would fill the memory."""
    from onnx import helper as h

    from cnnscope.runtime.engine.providers import CPU_PROVIDER

    def value(name: str, kind: int, dims: list[int]) -> object:
        return h.make_tensor_value_info(name, kind, dims)

    body = h.make_graph(
        [h.make_node("Identity", ["c"], ["d"]), h.make_node("Neg", ["v"], ["w"], name="neg")],
        "body", [value("i", 7, []), value("c", 9, []), value("v", 1, [1])],
        [value("d", 9, []), value("w", 1, [1])],
    )  # fmt: skip
    graph = h.make_graph(
        [h.make_node("Loop", ["n", "", "x"], ["y"], name="loop", body=body)], "g",
        [value("x", 1, [1])], [value("y", 1, [1])], [h.make_tensor("n", 7, [], [300])],
    )  # fmt: skip
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    monkeypatch.setattr(kernel_times, "EVENTS", kernel_events.EVENTS // 10)
    found = kernel_times.time_kernels(model, CPU_PROVIDER, {"x": np.ones(1, np.float32)}, {})
    assert found.runs <= kernel_times.EVENTS // 300
    assert len(found.timeline) >= 300
    assert found.kernels[0].inner == len(found.timeline) - 1
