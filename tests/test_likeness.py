"""What is worked out once for several nodes, or later, is what each would give by itself."""

from __future__ import annotations

import gc

import numpy as np
import onnx
import pytest
from networks import refusal
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.model.graph_reading import read_graph

X = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 4])


def model(nodes: list[onnx.NodeProto], *stored: onnx.TensorProto) -> onnx.ModelProto:
    outputs = [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "g", [X], outputs, list(stored))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def test_an_attribute_of_a_wrong_kind_is_found_behind_an_equal_one() -> None:
    right = helper.make_node("Softmax", ["x"], ["a"], axis=1)
    wrong = helper.make_node("Softmax", ["x"], ["b"], axis=1)
    wrong.attribute[0].CopyFrom(helper.make_attribute("axis", 1.0))
    join = helper.make_node("Add", ["a", "b"], ["y"])
    assert "attribute axis" in refusal(model([right, wrong, join]))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1, 6, 4], [1, 6, 4]),
        ([1, 6, 4], [2, 12]),  # the same operator and length, other numbers
        ([0, 0, -1], [-1, 0, 0]),
    ],
)
def test_equal_numbers_are_told_from_others(first: list[int], second: list[int]) -> None:
    def shape(name: str, lengths: list[int]) -> list[onnx.NodeProto]:
        value = helper.make_tensor("", TensorProto.INT64, [len(lengths)], lengths)
        return [
            helper.make_node("Constant", [], [f"c{name}"], value=value),
            helper.make_node("Identity", [f"c{name}"], [f"i{name}"]),
            helper.make_node("Reshape", ["x", f"i{name}"], [name]),
        ]

    report = analyze(model([*shape("a", first), *shape("b", second)]))
    zeros = np.zeros((2, 3, 4))
    for name, lengths in (("a", first), ("b", second)):
        kept = [zeros.shape[i] if d == 0 else d for i, d in enumerate(lengths)]
        assert report.tensors[name].shape == zeros.reshape(kept).shape


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "typed"])
@pytest.mark.parametrize(
    "array",
    [
        np.array([1.5, -2.25], np.float32), np.array([[1.5], [2.5]], np.float64),
        np.array([-7, 2**40], np.int64), np.array([-7, 9], np.int32), np.array(3, np.int64),
        np.array([1, 0], np.bool_), np.array([250], np.uint8), np.array([-3], np.int8),
        np.array([1.5], np.float16), np.array([2**63], np.uint64), np.zeros((0, 3), np.int64),
    ],
    ids=lambda a: f"{a.dtype}{list(a.shape)}",
)  # fmt: skip
def test_values_are_read_as_onnx_reads_them(array: np.ndarray, raw: bool) -> None:
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    stored = (
        numpy_helper.from_array(array, "w")
        if raw
        else helper.make_tensor("w", kind, array.shape, array.ravel().tolist())
    )
    graph = read_graph(model([helper.make_node("Relu", ["x"], ["y"])], stored))
    value = graph.stored["w"].tensor.value
    assert value is not None
    np.testing.assert_array_equal(value, numpy_helper.to_array(stored), strict=True)


def test_the_collector_is_left_as_it_was() -> None:
    relu = model([helper.make_node("Relu", ["x"], ["y"])])
    assert gc.isenabled()
    frozen = gc.get_freeze_count()
    analyze(relu)
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen
    gc.freeze()  # as a server does before it forks
    try:
        frozen = gc.get_freeze_count()
        analyze(relu)
        assert gc.get_freeze_count() >= frozen - 100  # what has died since is no longer counted
    finally:
        gc.unfreeze()


def test_a_report_leaves_nothing_for_the_collector() -> None:
    """Else what counts as old at once would wait for a collection of everything."""
    relu = model(
        [helper.make_node("Softmax", ["x"], ["a"]), helper.make_node("Relu", ["a"], ["y"])]
    )
    analyze(relu).to_dict()
    gc.collect()
    gc.disable()
    gc.freeze()  # what else there is needn't be looked at again
    try:
        report = analyze(relu)
        report.to_dict()
        del report
        assert gc.collect() == 0
    finally:
        gc.unfreeze()
        gc.enable()
