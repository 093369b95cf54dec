"""Does the cost of whatever is asked of a model follow the graph? Counted, never timed.

A count is the same on every machine: Python functions called per node, modules that a command loads,
requests of a file that is read in ranges.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest
from hollow_models import Hollow, HollowFile, elsewhere, pieces

import cnnscope
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.render.formats import Result, written
from cnnscope.analyzer.render.subjects.report import document

ROOT = Path(__file__).resolve().parent.parent
LIMITS = {"macs": "< 1P", "params": "< 1T", "peak_activation": "< 1TB", "errors": "0"}


@pytest.fixture(scope="module")
def models() -> Iterator[ModuleType]:
    """The graphs that the benchmarks grow."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield importlib.import_module("models")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
        sys.modules.pop("models", None)


def calls(ask: Callable[[], object]) -> int:
    """How many Python functions are called."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        ask()
    finally:
        sys.setprofile(None)
    return count


def csv(report: Any) -> str:
    return written(Result(lambda: [document(report)], dict, rows=True), "csv")


#: what is asked of a report, and what is handed to it: the model's report, and another of the same
ASKED: dict[str, Callable[[Any, Any], object]] = {
    "JSON": lambda report, other: json.dumps(report.to_dict()),
    "CSV": lambda report, other: csv(report),
    "table": lambda report, other: str(report),
    "graph": lambda report, other: report.graph,
    "modules": lambda report, other: str(report.by_module()),
    "lint": lambda report, other: cnnscope.lint(report),
    "diff": lambda report, other: cnnscope.diff(report, other),
    "check": lambda report, other: cnnscope.check(report, LIMITS),
    "explain": lambda report, other: report.layers[len(report.layers) // 2].explain(),
    "load": lambda report, other: cnnscope.load(other),
}


def per_node(model: onnx.ModelProto, ask: Callable[[Any, Any], object], what: str) -> float:
    report = cnnscope.analyze(model)
    other: object = None
    if what == "load":
        other = json.dumps(report.to_dict()).encode()
    elif what == "diff":
        other = cnnscope.analyze(model)
    return calls(lambda: ask(report, other)) / len(model.graph.node)


def analysing(model: onnx.ModelProto) -> float:
    return calls(lambda: cnnscope.analyze(model)) / len(model.graph.node)


def growth(found: Callable[[onnx.ModelProto], float], make: Any, size: int) -> float:
    """What is counted per node of a model twice as long, to that of one of the size."""
    found(make(size // 4))  # fills caches
    return found(make(2 * size)) / found(make(size))


@pytest.mark.parametrize("what", ["analyze", *ASKED])
def test_the_work_per_node_does_not_grow(models: ModuleType, what: str) -> None:
    """Of a residual net of modules, twice as long: what grows with nodes times nodes is seen long before it
    takes any time."""
    found = analysing if what == "analyze" else partial(per_node, ask=ASKED[what], what=what)
    assert growth(found, models.modules, 40) < 1.1


def test_work_that_grows_is_seen(models: ModuleType) -> None:
    """A guard that can't fail guards nothing: one cheap call for each pair of layers."""

    def pairs(report: Any, other: object) -> None:
        str(report)
        for layer in report.layers:
            assert sum(x.path == layer.path for x in report.layers) == 1

    assert growth(partial(per_node, ask=pairs, what=""), models.modules, 40) > 1.1


def test_a_dense_block_costs_no_more_per_edge(models: ModuleType) -> None:
    def found(model: onnx.ModelProto) -> float:
        layers = len(model.graph.node) / 2
        return calls(lambda: cnnscope.analyze(model)) / (layers * (layers + 1) / 2)

    assert growth(found, models.dense, 20) < 1.1


# Requests of a file that is read in ranges

#: of models with their weights in the file: how often something is waited for, and megabytes, at most
REQUESTS = {"vgg19": (6, 0.5), "resnet50": (12, 1.0), "densenet121": (30, 3.0)}


#: torchvision's and Simonyan & Zisserman's
PARAMETERS = {"vgg19": 143_667_240, "resnet50": 25_557_032, "densenet121": 7_978_856}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_file_in_ranges_is_asked_rarely(
    models: ModuleType, name: str, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, megabytes = REQUESTS[name]
    monkeypatch.setattr(models, "_zeros", elsewhere)
    source = Hollow(pieces(models.vgg19() if name == "vgg19" else samples / f"{name}.onnx"))
    totals = cnnscope.analyze(source).totals  # type: ignore[arg-type]  # as much of a file as is needed
    assert totals.params.value == PARAMETERS[name]
    assert source.rounds <= most
    assert source.bytes <= megabytes * 1e6


def test_requests_one_by_one_are_seen(samples: Path) -> None:
    """A file that has only `read` is asked more often: the limits can be missed."""
    source = HollowFile(pieces(samples / "resnet50.onnx"))
    open_model(source)  # type: ignore[arg-type]
    assert source.rounds > REQUESTS["resnet50"][0]


# Modules that a command loads

#: what each command may not load, on a plain line
UNUSED = {
    "--version": ("onnx", "numpy", "networkx", "rich", "typer"),
    "analyze": ("networkx", "pydantic", "onnx.reference", "onnxruntime"),
    "lint": ("networkx", "pydantic", "onnx.reference", "onnxruntime"),
    "explain": ("networkx", "pydantic", "onnx.reference", "onnxruntime"),
    "check": ("networkx", "pydantic", "onnx.reference", "onnxruntime"),
    "diff": ("networkx", "pydantic", "onnxruntime"),
}
LENET = str(ROOT / "sample_models" / "lenet5.onnx")
LINES = {
    "--version": ["--version"],
    "analyze": ["analyze", LENET],
    "lint": ["lint", LENET],
    "explain": ["explain", LENET, "0"],
    "check": ["check", LENET, "--limit", "macs=1G"],
    "diff": ["diff", LENET, LENET],
}


@pytest.mark.parametrize("command", UNUSED)
def test_a_command_loads_what_it_uses(command: str) -> None:
    code = (
        "import sys, atexit, io\n"
        "said = sys.stderr\n"
        "sys.stdout = io.StringIO()\n"
        "from cnnscope.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "said.write('loaded: ' + ' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *LINES[command]],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    loaded = set(done.stderr.rpartition("loaded: ")[2].split())
    assert "cnnscope.cli" in loaded
    assert not loaded & set(UNUSED[command])
