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
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest

import cnnscope
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


@pytest.mark.parametrize("what", ["analyze", *ASKED])
def test_the_work_per_node_does_not_grow(models: ModuleType, what: str) -> None:
    """Of a residual net of modules, twice as long: what grows with nodes times nodes is seen long before it
    takes any time."""

    def found(nodes: int) -> float:
        model = models.modules(nodes)
        if what == "analyze":
            return calls(lambda: cnnscope.analyze(model)) / nodes
        return per_node(model, ASKED[what], what)

    found(20)  # fills caches
    assert found(240) < 1.1 * found(120)


def test_a_dense_block_costs_no_more_per_edge(models: ModuleType) -> None:
    def found(layers: int) -> float:
        model = models.dense(layers)
        return calls(lambda: cnnscope.analyze(model)) / (layers * (layers + 1) / 2)

    found(10)
    assert found(48) < 1.1 * found(24)


#: what each command may not load, on a plain line
UNUSED = {
    "--version": ("onnx", "numpy", "networkx", "rich", "typer"),
    "analyze": ("networkx", "pydantic", "onnx.reference", "onnxruntime"),
    "lint": ("networkx", "pydantic", "onnx.reference", "onnxruntime"),
    "diff": ("networkx", "pydantic", "onnxruntime"),
}
LENET = str(ROOT / "sample_models" / "lenet5.onnx")
LINES = {
    "--version": ["--version"],
    "analyze": ["analyze", LENET],
    "lint": ["lint", LENET],
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
