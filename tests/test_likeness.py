"""What is worked out once for several nodes, or later, is what each would give by itself."""

from __future__ import annotations

import cProfile
import gc

import numpy as np
import onnx
import pytest
from networks import refusal
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.report.examination import examine

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


def test_lengths_of_different_runs_are_told_apart() -> None:
    """Nodes alike in all but which tensors they read: what only a run tells is called after those."""
    text = """<ir_version: 8, opset_import: ["" : 17]>
    g (float[1,1] x, int64[1] a, int64[1] b, float[2] c) => (y, z, u, v) <int64[1] two = {2}> {
      one = Concat<axis=0>(two, a)
      other = Concat<axis=0>(two, b)
      y = Expand(x, one)
      z = Expand(x, other)
      s = Cast<to=7>(c)
      u = ConstantOfShape(s)
      v = ConstantOfShape(s)
    }"""
    found = analyze(onnx.parser.parse_model(text))
    y, z, u, v = (found.tensors[name].shape for name in "yzuv")
    assert (str(y), str(z)) == ("(2, FreeDim('a [0]'))", "(2, FreeDim('b [0]'))")
    assert len({*(u or ()), *(v or ())}) == 4


def test_the_same_numbers_are_worked_out_once() -> None:
    """Block after block asks for the same lengths: the arithmetic is done for the first."""

    def run(blocks: int, lengths: str) -> int:
        body = "".join(
            f"""s{i} = Shape(x{i}) n{i} = Gather<axis=0>(s{i}, at) m{i} = Unsqueeze(n{i}, zero)
            t{i} = Concat<axis=0>(m{i}, rest) x{i + 1} = Reshape(x{i}, t{i})"""
            for i in range(blocks)
        )
        stored = "<int64 at = {0}, int64[1] zero = {0}, int64[3] rest = {4, 5, 6}>"
        text = f'<ir_version: 8, opset_import: ["" : 17]> g (float[{lengths}] x0) => (x{blocks})'
        model = onnx.parser.parse_model(f"{text} {stored} {{ {body} }}")
        counted = cProfile.Profile()
        shapes = counted.runcall(examine, model).shapes
        assert len(set(shapes.alike.values())) == 5
        calls = [entry for entry in counted.getstats() if not isinstance(entry.code, str)]
        return sum(e.callcount for e in calls if e.code.co_name in ("call", "fold", "_types"))

    for lengths in ("2,4,5,6", "N,4,5,6"):
        assert run(3, lengths) == run(30, lengths)


def test_a_schema_is_asked_once_whatever_the_scales_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = onnx.shape_inference.infer_node_outputs

    def counting(*given: object) -> object:
        asked.append(given)
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(onnx.shape_inference, "infer_node_outputs", counting)
    nodes, stored, last = [], [], "x"
    for i in range(20):
        stored.append(numpy_helper.from_array(np.float32(i + 1), f"s{i}"))
        nodes.append(helper.make_node("QuantizeLinear", [last, f"s{i}"], [f"q{i}"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"q{i}", f"s{i}"], [f"d{i}"]))
        last = f"d{i}"
    analyze(model(nodes, *stored))
    assert len(asked) == 2


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
