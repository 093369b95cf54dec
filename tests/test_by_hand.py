"""Small models whose right figures follow by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from networks import refusal
from onnx import TensorProto, helper, numpy_helper

import cnnscope

X = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16])
Y = helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)
Y.ClearField("type")


def model(nodes: Sequence[onnx.NodeProto], weights: Sequence[onnx.TensorProto]) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "g", [X], [Y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def stored(name: str, value: object, dtype: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value, dtype), name)


@pytest.mark.parametrize("columns", [4, 5])
def test_a_weight_of_equal_numbers_in_a_constant_node_is_a_weight(columns: int) -> None:
    ones = np.ones((16, columns), np.float32)
    nodes = [
        helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(ones)),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    assert cnnscope.analyze(model(nodes, [])).totals.params.value == 16 * columns


def test_a_branch_that_cannot_run_reads_nothing() -> None:
    out = helper.make_tensor_value_info("t", TensorProto.FLOAT, None)
    runs = helper.make_graph([helper.make_node("Relu", ["x"], ["t"])], "a", [], [out])
    dead = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["t"])], "b", [], [out])
    node = helper.make_node("If", ["c"], ["y"], then_branch=runs, else_branch=dead)
    weights = [stored("w", np.ones((16, 16))), stored("c", True, np.bool_)]
    totals = cnnscope.analyze(model([node], weights)).totals
    # What the nodes of the branch move: Relu, 192 bytes in and out. What decides isn't moved by any.
    assert totals.traffic_bytes.value == 192 + 192
    assert (totals.params.value, totals.macs.value) == (0, 0)


@pytest.mark.parametrize(("begins", "size", "macs"), [(False, 1, 0), (True, 3, 3 * 3 * 3 * 16)])
def test_a_loop_sees_as_much_as_its_iterations(begins: bool, size: int, macs: int) -> None:
    shape = [1, 3, 16]
    body = helper.make_graph(
        [
            helper.make_node("Conv", ["h", "w"], ["k"], pads=[1, 1]),
            helper.make_node("Constant", [], ["go"], value=stored("", False, np.bool_)),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("h", TensorProto.FLOAT, shape),
        ],
        [
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("k", TensorProto.FLOAT, shape),
        ],
    )
    nodes = [
        helper.make_node("Loop", ["n", "c", "x"], ["z"], body=body),
        helper.make_node("Conv", ["z", "v"], ["y"]),
    ]
    weights = [
        stored("w", np.ones((3, 3, 3))),
        stored("v", np.ones((1, 3, 1))),
        stored("n", 4, np.int64),
        stored("c", begins, np.bool_),
    ]
    report = cnnscope.analyze(model(nodes, weights))
    assert report.totals.macs.value == macs + 3 * 16
    assert [f.size for f in report.layers[0].receptive_field if f.axis == 2] == [size]


def test_a_join_out_of_step_of_an_axis_that_nobody_looks_along() -> None:
    nodes = [
        helper.make_node("Split", ["x"], ["a", "b"], axis=2, num_outputs=2),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    report = cnnscope.analyze(model(nodes, []))
    # Two halves of it that gate each other, as halves of channels do: no field, and nothing misaligned.
    assert not report.layers[-1].receptive_field
    assert not report.diagnostics
    assert report.layers[-1].region((0, 0, 3))["x"][2] == ((3, 3), (11, 11))


@pytest.mark.parametrize("fault", ["opset", "dtype", "inputs"])
def test_incomplete_models_are_refused(fault: str) -> None:
    node = helper.make_node("Relu", ["x", "x", "x"] if fault == "inputs" else ["x"], ["y"])
    weight = stored("w", np.ones(3))
    if fault == "dtype":
        weight.data_type = 99
    broken = model([node], [weight])
    if fault == "opset":
        broken.ClearField("opset_import")
    assert refusal(broken)
