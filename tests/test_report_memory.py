"""How much memory does a node take: analysed, in a table, as JSON? Counted, so the same everywhere."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import onnx
import pytest
from onnx import TensorProto, helper

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.render.forms.json import json_pieces
from cnnscope.analyzer.render.forms.terminal import texts
from cnnscope.analyzer.render.subjects import report as subject
from cnnscope.analyzer.report.report import Report


def chain(nodes: int) -> onnx.ModelProto:
    """MaxPool, Relu, MaxPool, ...: every pool sees more than the one before."""
    made = [
        helper.make_node("MaxPool", [f"t{i}"], [f"t{i + 1}"], f"pool{i}", kernel_shape=[3, 3],
                         pads=[1, 1, 1, 1])
        if i % 2 == 0 else helper.make_node("Relu", [f"t{i}"], [f"t{i + 1}"], f"relu{i}")
        for i in range(nodes)
    ]  # fmt: skip
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 8, 8])
        for name in ("t0", f"t{nodes}")
    ]
    graph = helper.make_graph(made, "chain", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def as_json(report: Report) -> None:
    for _ in json_pieces(subject.record(report)):
        pass


def as_table(report: Report) -> None:
    for _ in texts([subject.document(report)], None):
        pass


def peak(work: Callable[[], object]) -> int:
    """The most bytes that Python held at once during some work."""
    gc.collect()
    tracemalloc.start()
    try:
        kept = work()
        found = tracemalloc.get_traced_memory()[1]
        del kept
        return found
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def models() -> tuple[onnx.ModelProto, onnx.ModelProto]:
    found = chain(300), chain(700)
    as_json(analyze(chain(10)))  # loads what is loaded once
    as_table(analyze(chain(10)))
    return found


@pytest.mark.parametrize(
    ("write", "most"),
    [(None, 2600), (as_json, 1900), (as_table, 1700)],
    ids=["analysis", "json", "table"],
)
def test_a_node_takes_so_many_bytes(
    write: Callable[[Report], None] | None,
    most: int,
    models: tuple[onnx.ModelProto, onnx.ModelProto],
) -> None:
    def taken(model: onnx.ModelProto) -> int:
        if write is None:
            return peak(lambda: analyze(model))
        report = analyze(model)
        return peak(lambda: write(report))

    small, large = map(taken, models)
    assert (large - small) / 400 < most


def test_a_layer_is_made_when_it_is_asked_for(
    models: tuple[onnx.ModelProto, onnx.ModelProto],
) -> None:
    report = analyze(models[0])
    made = report.layers._layers
    assert not any(made._made)  # type: ignore[attr-defined]
    layer = report["t150"]
    assert layer is report.layers[149] is report[layer.name]
    assert sum(x is not None for x in made._made) == 1  # type: ignore[attr-defined]
