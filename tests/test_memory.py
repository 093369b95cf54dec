"""The peak of live bytes against a simulation that allocates and frees tensor by tensor."""
# ruff: noqa: E501  (a model is one line of a table)

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from cnnscope.analyzer.analysis import analyze

BYTES = {"FLOAT": 4, "FLOAT16": 2, "DOUBLE": 8, "INT8": 1, "INT64": 8, "BOOL": 1, "BFLOAT16": 2}


def parsed(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["": 21]> {text}')


def peak(text: str) -> int | None:
    return analyze(parsed(text)).totals.peak_activation_bytes.value


def random_dag(seed: int) -> tuple[onnx.ModelProto, int, str]:
    """A net of elementwise nodes, and by simulation its peak and the node where it is."""
    random = np.random.default_rng(seed)
    sizes = {"a": int(random.integers(1, 50)), "b": int(random.integers(1, 50))}
    nodes, alive_names = [], ["a", "b"]
    for k in range(int(random.integers(2, 14))):
        pick = str(random.choice(alive_names))
        if random.random() < 0.5:
            other = str(random.choice(alive_names))
            nodes.append(helper.make_node("Concat", [pick, other], [f"t{k}"], f"n{k}", axis=0))
            sizes[f"t{k}"] = sizes[pick] + sizes[other]
        else:
            nodes.append(helper.make_node("Relu", [pick], [f"t{k}"], f"n{k}"))
            sizes[f"t{k}"] = sizes[pick]
        alive_names.append(f"t{k}")
    outputs = sorted({f"t{len(nodes) - 1}", str(random.choice([n.output[0] for n in nodes]))})
    alive, most, where = {"a", "b"}, -1, ""
    for i, node in enumerate(nodes):
        alive |= set(node.output)
        total = sum(4 * sizes[name] for name in alive)
        if total > most:
            most, where = total, node.name
        later = {name for n in nodes[i + 1 :] for name in n.input} | set(outputs)
        # What nobody reads any more is given back; an input nobody ever read is, too.
        alive = {name for name in alive if name in later}
    unread = {"a", "b"} - {name for n in nodes for name in n.input}
    if unread:  # an input that is never read stays: nothing ever lets go of it
        return random_dag(seed + 1000)
    graph = helper.make_graph(
        nodes, "dag",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [sizes[n]]) for n in "ab"],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [sizes[n]]) for n in outputs],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), most, where


@pytest.mark.parametrize("seed", range(60))
def test_the_peak_of_a_random_dag(seed: int) -> None:
    model, most, where = random_dag(seed)
    totals = analyze(model).totals
    assert totals.peak_activation_bytes.value == most
    assert totals.peak_layer == where


@pytest.mark.parametrize(
    ("dtype", "count", "nbytes"),
    [("float", 10, 80), ("float16", 10, 40), ("double", 3, 48), ("bfloat16", 5, 20), ("int8", 7, 14),
     ("bool", 9, 18), ("int4", 7, 8), ("uint4", 8, 8), ("float8e4m3fn", 6, 12), ("complex64", 2, 32)],
)  # fmt: skip
def test_bytes_by_dtype(dtype: str, count: int, nbytes: int) -> None:
    """An Identity: its input and its output are alive at once; 4-bit types packed two to a byte."""
    kind = {"int4": TensorProto.INT4, "uint4": TensorProto.UINT4, "double": TensorProto.DOUBLE,
            "float8e4m3fn": TensorProto.FLOAT8E4M3FN, "bool": TensorProto.BOOL}  # fmt: skip
    code = kind.get(dtype) or getattr(TensorProto, dtype.upper())
    values = [helper.make_tensor_value_info(n, code, [count]) for n in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "g", values[:1], values[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    assert analyze(model).totals.peak_activation_bytes.value == nbytes


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [
        ("g (float[8] x) => (float[8] y) { y = Relu(x) }", 64),
        ("g (float[8] x) => (float[8] y) { a = Relu(x) b = Relu(a) y = Relu(b) }", 64),
        # An output stays alive to the end, although nobody reads it.
        ("g (float[8] x) => (float[8] a, float[8] y) { a = Relu(x) b = Relu(x) y = Relu(b) }", 96),
        # Weights aren't activations, nor is what is made of them alone.
        ("g (float[8] x) => (float[8] y) <float[8] w = {1,1,1,1,1,1,1,1}> { v = Relu(w) y = Add(x, v) }", 64),
        # Shape arithmetic whose result is known beforehand takes no time at which it is the peak.
        ("g (float[2,4] x) => (float[4,2] y) { s = Constant <value = int64[2] {4, 2}> () y = Reshape(x, s) }", 64),
    ],
)  # fmt: skip
def test_what_is_alive(text: str, nbytes: int) -> None:
    assert peak(text) == nbytes


def test_a_free_dimension_makes_the_peak_partial() -> None:
    metric = analyze(parsed("g (float[1,H] x) => (float[1,H] y) { y = Relu(x) }")).totals
    assert metric.peak_activation_bytes.status != "complete"
    assert metric.peak_activation_bytes.value is None


def test_traffic_counts_a_tensor_read_twice_by_a_node_once() -> None:
    report = analyze(parsed("g (float[8] x) => (float[8] y) { y = Add(x, x) }"))
    assert (report.layers[0].bytes_read, report.layers[0].bytes_written) == (32, 32)
    assert report.totals.traffic_bytes.value == 64


def test_lengths_worked_out_beforehand_take_no_room(cases: Path) -> None:
    # x and y are 64 bytes each; the chain that reckons with x's lengths doesn't run.
    assert analyze(cases / "mem_shape.onnx").totals.peak_activation_bytes.value == 128
