"""The copy that is run computes what the model computes: both run, their outputs equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from amounts import amount
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.flat import flat_model
from cnnscope.runtime.engine.inputs import make_inputs
from cnnscope.runtime.engine.providers import CPU_PROVIDER
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.engine.weights import find_values

FAST = ["lenet5", "mobilenet_v2", "efficientnet_b0", "googlenet", "densenet121", "wavenet"]
FAST = FAST[: amount(3, len(FAST))]
ONE_THREAD = SessionSettings(threads=1)
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def value(name: str, kind: int = FLOAT, shape: Any = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[str],
    stored: dict[str, np.ndarray] | None = None,
    functions: list[onnx.FunctionProto] | None = None,
) -> onnx.ModelProto:
    weights = [numpy_helper.from_array(x, name) for name, x in (stored or {}).items()]
    ends = [onnx.ValueInfoProto(name=name) for name in outputs]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return helper.make_model(
        helper.make_graph(nodes, "g", inputs, ends, weights),
        opset_imports=opsets, ir_version=8, functions=functions or [],
    )  # fmt: skip


def both(model: Path | onnx.ModelProto, *, fold: bool = False) -> tuple[list[Any], list[Any]]:
    """Outputs of the model as it is, and of the copy."""
    analysis = examine(model)
    flat = flat_model(analysis, fold=fold)
    values = find_values(analysis.file, flat).arrays
    feeds = make_inputs(analysis)
    ours = open_session(flat.proto, CPU_PROVIDER, ONE_THREAD, values).run(None, feeds)
    # The samples have no weights: the untouched file is given the same ones.
    given = values if analysis.file.weights == "missing" else {}
    theirs = open_session(model, CPU_PROVIDER, ONE_THREAD, given).run(None, feeds)
    return theirs, ours


def assert_equal(model: Path | onnx.ModelProto, *, fold: bool = False) -> None:
    theirs, ours = both(model, fold=fold)
    assert len(theirs) == len(ours)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", FAST)
def test_a_sample_keeps_its_values(samples: Path, name: str) -> None:
    assert_equal(samples / f"{name}.onnx")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["vit_b_16", "resnet50", "alexnet", "c3d", "deeplabv3_resnet50", "fcn8s", "unet", "vgg16",
     "xception"][: amount(1, 9)],
)  # fmt: skip
def test_a_large_sample_keeps_its_values(samples: Path, name: str) -> None:
    assert_equal(samples / f"{name}.onnx")


def test_known_values_may_take_the_place_of_their_nodes() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Concat", ["n", "minus"], ["t"], axis=0),
        helper.make_node("Reshape", ["x", "t"], ["y"]),
    ]
    stored = {"zero": np.array([0]), "minus": np.array([-1])}
    model = model_of(nodes, [value("x", shape=[2, 3, 4])], ["y"], stored)
    flat = flat_model(examine(model), fold=True)
    assert [node.op_type for node in flat.proto.graph.node] == ["Reshape"]
    assert_equal(model, fold=True)


def test_functions_within_functions_are_inlined() -> None:
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    inner = helper.make_function(
        "local", "Scaled", ["a"], ["b"],
        [helper.make_node("Constant", [], ["c"], value_float=3.0),
         helper.make_node("Mul", ["a", "c"], ["b"])], opset,
    )  # fmt: skip
    outer = helper.make_function(
        "local", "Twice", ["a"], ["b"],
        [helper.make_node("Scaled", ["a"], ["t"], domain="local"),
         helper.make_node("Scaled", ["t"], ["b"], domain="local")], opset,
    )  # fmt: skip
    nodes = [
        helper.make_node("Twice", ["x"], ["t"], domain="local"),
        helper.make_node("Twice", ["t"], ["y"], domain="local"),
    ]
    model = model_of(nodes, [value("x", shape=[2, 3])], ["y"], functions=[inner, outer])
    flat = flat_model(examine(model))
    names = [node.name for node in flat.proto.graph.node]
    assert len(set(names)) == len(names) == 8
    assert not flat.proto.functions
    assert_equal(model)


def test_a_function_whose_subgraph_reuses_an_outer_name() -> None:
    """Once inlined, the body's `t` stands inside a graph that has a `t` of its own."""
    then = helper.make_graph(
        [helper.make_node("Neg", ["a"], ["t"])], "then", [], [value("t", shape=None)]
    )
    orelse = helper.make_graph(
        [helper.make_node("Abs", ["a"], ["e"])], "else", [], [value("e", shape=None)]
    )
    function = helper.make_function(
        "local", "Choose", ["c", "a"], ["b"],
        [helper.make_node("If", ["c"], ["b"], then_branch=then, else_branch=orelse)],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    nodes = [
        helper.make_node("Exp", ["x"], ["t"]),
        helper.make_node("Choose", ["cond", "t"], ["u"], domain="local"),
        helper.make_node("Add", ["t", "u"], ["y"]),
    ]
    inputs = [value("x", shape=[4]), value("cond", BOOL, [])]
    assert_equal(model_of(nodes, inputs, ["y"], functions=[function]))


def test_large_constants_of_subgraphs_move_out_of_them() -> None:
    """Over 4096 bytes a payload stays in the file; ONNX Runtime is handed it for the main graph."""
    large = np.arange(2048, dtype=np.float32)
    then = helper.make_graph(
        [helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(large)),
         helper.make_node("Add", ["x", "k"], ["t"])],
        "then", [], [value("t", shape=[2048])],
    )  # fmt: skip
    orelse = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["e"])], "else", [], [value("e", shape=[2048])],
        [numpy_helper.from_array(large + 1, "w")],
    )  # fmt: skip
    nodes = [
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(large * 2)),
        helper.make_node("If", ["cond"], ["z"], then_branch=then, else_branch=orelse),
        helper.make_node("Add", ["z", "k"], ["y"]),
    ]
    # The inner `k` shadows the outer: ONNX Runtime refuses that, so the outer is renamed for it.
    inputs = [value("x", shape=[2048]), value("cond", BOOL, [])]
    model = model_of(nodes, inputs, ["y"])
    flat = flat_model(examine(model))
    assert len(flat.tensors) == 3
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    plain.graph.node[0].output[0] = plain.graph.node[2].input[1] = "k_outer"
    analysis = examine(model)
    values = find_values(analysis.file, flat).arrays
    feeds = make_inputs(analysis)
    ours = open_session(flat.proto, CPU_PROVIDER, weights=values).run(None, feeds)
    theirs = open_session(plain, CPU_PROVIDER).run(None, feeds)
    np.testing.assert_array_equal(ours[0], theirs[0])


def test_a_loop_keeps_its_values() -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Add", ["v", "x"], ["v2"]),
         helper.make_node("Relu", ["v2"], ["s"])],
        "body", [value("i", INT64, []), value("c", BOOL, []), value("v", shape=[3])],
        [value("c2", BOOL, []), value("v2", shape=[3]), value("s", shape=[3])],
    )  # fmt: skip
    nodes = [helper.make_node("Loop", ["n", "yes", "x"], ["last", "all"], body=body)]
    stored = {"n": np.array(3), "yes": np.array(True)}
    assert_equal(model_of(nodes, [value("x", shape=[3])], ["last", "all"], stored))


def test_an_operator_that_means_something_else_in_a_function_is_refused() -> None:
    """Softmax of opset 11 works on a matrix, that of opset 17 along an axis."""
    function = helper.make_function(
        "local", "Old", ["a"], ["b"], [helper.make_node("Softmax", ["a"], ["b"])],
        [helper.make_opsetid("", 11)],
    )  # fmt: skip
    nodes = [helper.make_node("Old", ["x"], ["y"], domain="local", name="old")]
    model = model_of(nodes, [value("x", shape=[2, 3, 4])], ["y"], functions=[function])
    with pytest.raises(RunError, match=r"Softmax.*opset 11"):
        flat_model(examine(model))
