"""A model with a branch for each of two sampling rates, whose lengths contradict each other.

As voice detectors are exported: which branch runs is an input's value, and what each adds is of the
length that its rate gives. Opened and run at one rate, the other's lengths must break nothing; where a
made-up number picks the other branch, the input that decides is named.
"""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.profile.profiling import profile
from cnnscope.runtime.verify.verifying import verify

RATE = np.array(16000)


def branch(name: str, length: int) -> onnx.GraphProto:
    """A convolution of kernel 8 and stride 4, and a stored tensor of the length that it gives."""
    stored = {
        "w": np.ones((4, 1, 8), np.float32),
        "offset": np.ones((1, 4, (length - 8) // 4 + 1), np.float32),
        "axis": np.array([1]),
    }
    nodes = [
        helper.make_node("Unsqueeze", ["x", f"axis{name}"], [f"a{name}"], f"u{name}"),
        helper.make_node("Conv", [f"a{name}", f"w{name}"], [f"b{name}"], f"c{name}", strides=[4]),
        helper.make_node("Add", [f"b{name}", f"offset{name}"], [f"d{name}"], f"s{name}"),
        helper.make_node(
            "ReduceMean", [f"d{name}"], [f"e{name}"], f"m{name}", axes=[2], keepdims=0
        ),
    ]
    return helper.make_graph(
        nodes, name, [], [helper.make_tensor_value_info(f"e{name}", TensorProto.FLOAT, [None, None])],
        [numpy_helper.from_array(array, f"{key}{name}") for key, array in stored.items()],
    )  # fmt: skip


def two_rates() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Equal", ["rate", "high"], ["is_high"], "equal"),
        helper.make_node("If", ["is_high"], ["y"], "by_rate",
                         then_branch=branch("high", 576), else_branch=branch("low", 288)),
        helper.make_node("Relu", ["y"], ["z"], "relu"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "length"]),
            helper.make_tensor_value_info("rate", TensorProto.INT64, []),
        ],
        [onnx.ValueInfoProto(name="z")], [numpy_helper.from_array(RATE, "high")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)


def test_the_other_branch_breaks_nothing() -> None:
    found = verify(two_rates(), provider="cpu", shapes={"x": [1, 576]}, inputs={"rate": RATE})
    assert found.ok
    assert not any("b" in u.tensor and "high" in u.tensor for u in found.shapes.unchecked)
    measured = profile(
        two_rates(), provider="cpu", shapes={"x": [1, 576]}, inputs={"rate": RATE}, seconds=0.02
    )
    assert measured.latency.p50 > 0


def test_the_input_that_decides_is_named() -> None:
    said = r"which branch of 'by_rate' runs is decided by the values of 'rate', made up here.*--input rate="
    for run in (verify, profile):
        with pytest.raises(RunError, match=f"(?i){said}"):
            run(two_rates(), provider="cpu", shapes={"x": [1, 576]})


def test_a_given_input_isnt_named() -> None:
    with pytest.raises(RunError) as caught:
        verify(two_rates(), provider="cpu", shapes={"x": [1, 576]}, inputs={"rate": np.array(8000)})
    assert "made up" not in str(caught.value)


def test_an_error_elsewhere_isnt_the_branchs() -> None:
    """A Reshape before the If can't be: no branch has a part in that."""
    model = two_rates()
    model.graph.initializer.append(numpy_helper.from_array(np.array([2, 2, -1]), "target"))
    model.graph.node.insert(0, helper.make_node("Identity", ["rate"], ["given"], "given"))
    model.graph.node.insert(1, helper.make_node("ConstantOfShape", ["given"], ["filled"], "filled"))
    model.graph.node.insert(2, helper.make_node("Reshape", ["filled", "target"], ["bad"], "bad"))
    model.graph.input[1].type.tensor_type.shape.dim.add().dim_value = 1
    model.graph.node[3].input[0] = "first"
    model.graph.initializer.append(numpy_helper.from_array(np.array(0), "zero"))
    model.graph.node.insert(3, helper.make_node("Gather", ["rate", "zero"], ["first"], "first"))
    model.graph.output.append(onnx.ValueInfoProto(name="bad"))
    with pytest.raises(RunError, match="node 'bad'") as caught:
        verify(model, provider="cpu", shapes={"x": [1, 576]})
    assert "made up" not in str(caught.value)
