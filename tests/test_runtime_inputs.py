"""What is made up for inputs and weights fits the model, and is the same for the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.flat import flat_model
from cnnscope.runtime.engine.inputs import load_inputs, make_inputs
from cnnscope.runtime.engine.weights import find_values, random_values
from cnnscope.runtime.verify.verifying import verify

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def examined(
    nodes: list[onnx.NodeProto], inputs: dict[str, tuple[int, Any]], output: str, **stored: Any
) -> Any:
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in inputs.items()],
        [onnx.ValueInfoProto(name=output)],
        [numpy_helper.from_array(np.asarray(x), n) for n, x in stored.items()],
    )  # fmt: skip
    return examine(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    )


def test_an_index_lies_within_what_it_indexes() -> None:
    """Through a Cast, an Unsqueeze and a Concat, into an embedding of 7 rows and one of 5."""
    nodes = [
        helper.make_node("Cast", ["ids"], ["i"], to=INT64),
        helper.make_node("Unsqueeze", ["i", "zero"], ["u"]),
        helper.make_node("Concat", ["u", "u"], ["c"], axis=0),
        helper.make_node("Gather", ["seven", "c"], ["e"], axis=0),
        helper.make_node("Gather", ["five", "i"], ["f"], axis=1),
        helper.make_node("ReduceSum", ["f"], ["s"], keepdims=0),
        helper.make_node("Add", ["e", "s"], ["y"]),
    ]
    analysis = examined(
        nodes, {"ids": (TensorProto.INT32, [1000])}, "y", zero=np.array([0]),
        seven=np.ones((7, 2), np.float32), five=np.ones((3, 5), np.float32),
    )  # fmt: skip
    ids = np.asarray(make_inputs(analysis)["ids"])
    assert ids.dtype == np.int32
    assert set(ids.tolist()) == set(range(5))


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        (FLOAT, 0, 1),
        (TensorProto.FLOAT16, 0, 1),
        (TensorProto.DOUBLE, 0, 1),
        (BOOL, 0, 1),
        (TensorProto.UINT8, 0, 255),
        (TensorProto.INT8, -128, 127),
        (INT64, 1, 3),
    ],
)
def test_numbers_by_dtype(kind: int, low: int, high: int) -> None:
    analysis = examined([helper.make_node("Identity", ["x"], ["y"])], {"x": (kind, [4000])}, "y")
    x = np.asarray(make_inputs(analysis, seed=3)["x"])
    assert x.dtype == helper.tensor_dtype_to_np_dtype(kind)
    assert low <= x.min() < x.max() <= high
    np.testing.assert_array_equal(x, make_inputs(analysis, seed=3)["x"])
    assert not np.array_equal(x, np.asarray(make_inputs(analysis, seed=4)["x"]))


SEQUENCES: Any = {"W": np.ones((1, 20, 3), np.float32), "R": np.ones((1, 20, 5), np.float32)}
SCORES: Any = {"d": np.ones((3, 7, 2), np.float32)}

#: operator, operands (the integer input is `i`), its shape, attributes, stored operands, lowest and
#: highest number that the operator takes there
RANGES: list[Any] = [
    ("Gather", "d i", [200], {"axis": 1}, SCORES, 0, 6),
    ("GatherElements", "d i", [3, 200, 2], {"axis": 1}, SCORES, 0, 6),
    ("GatherND", "d i", [90, 2], {}, SCORES, 0, 2),
    ("GatherND", "d i", [3, 90, 2], {"batch_dims": 1}, SCORES, 0, 1),
    ("ScatterElements", "d i u", [3, 7, 2], {"axis": 2}, {**SCORES, "u": SCORES["d"]}, 0, 1),
    ("ScatterND", "d i u", [3, 1], {}, {**SCORES, "u": SCORES["d"]}, 0, 2),
    ("ReverseSequence", "d i", [7], {"time_axis": 0, "batch_axis": 1}, SCORES, 1, 3),
    ("RoiAlign", "d4 r i", [90], {}, {"d4": np.ones((2, 1, 9, 9), np.float32),
                                     "r": np.ones((90, 4), np.float32)}, 0, 1),
    ("NegativeLogLikelihoodLoss", "d i", [3, 2], {}, SCORES, 0, 6),
    ("SoftmaxCrossEntropyLoss", "d i", [3, 2], {}, SCORES, 0, 6),
    ("LSTM", "x W R  i", [2], {"hidden_size": 5},
     {"x": np.ones((4, 2, 3), np.float32), **SEQUENCES}, 1, 4),
    ("TopK", "d i", [1], {"axis": 1}, SCORES, 1, 7),
    ("CumSum", "d i", [], {}, SCORES, 0, 2),
    ("Squeeze", "one i", [1], {}, {"one": np.ones((2, 1, 3), np.float32)}, 1, 1),
    ("Div", "whole i", [5], {}, {"whole": np.arange(5)}, 1, 3),
    ("MaxUnpool", "d i", [3, 7, 2], {"kernel_shape": [2], "strides": [2]}, SCORES, 0, 83),
]  # fmt: skip


OUTPUTS = {"TopK": ["y", "places"]}


@pytest.mark.parametrize(("op", "operands", "shape", "attributes", "stored", "low", "high"), RANGES)
def test_numbers_lie_where_the_operator_takes_them(
    op: str, operands: str, shape: list[int], attributes: Any, stored: Any, low: int, high: int
) -> None:
    """Through a Cast and arithmetic with constants, and ONNX Runtime runs it."""
    kind = TensorProto.INT32 if op == "LSTM" else INT64
    two = np.array(2, helper.tensor_dtype_to_np_dtype(kind))
    nodes = [
        helper.make_node("Cast", ["ids"], ["wide"], to=kind),
        helper.make_node("Add", ["wide", "two"], ["more"]),
        helper.make_node("Sub", ["more", "two"], ["i"]),
        helper.make_node(op, operands.split(" "), OUTPUTS.get(op, ["y"]), **attributes),
    ]
    analysis = examined(
        nodes, {"ids": (TensorProto.INT32, shape)}, "y", two=two, **stored
    )  # fmt: skip
    for seed in range(3):
        ids = np.asarray(make_inputs(analysis, seed)["ids"])
        assert low <= ids.min() <= ids.max() <= high
    assert verify(analysis.file.model, provider="cpu", probes=0).ok


#: operator, operands, shape of `i`, attributes, what it is made to be
MADE: list[Any] = [
    ("Reshape", "d i", [3], {}, [3, 7, 2]),
    ("Reshape", "d i", [2], {}, [1, 42]),
    ("Expand", "d i", [3], {}, [3, 7, 2]),
    ("SplitToSequence", "d i", [3], {"axis": 1}, [2, 2, 3]),
]


@pytest.mark.parametrize(("op", "operands", "shape", "attributes", "made"), MADE)
def test_shapes_and_parts_add_up(
    op: str, operands: str, shape: list[int], attributes: Any, made: list[int]
) -> None:
    node = helper.make_node(op, operands.split(" "), ["y"], **attributes)
    analysis = examined([node], {"i": (INT64, shape)}, "y", **SCORES)
    assert np.asarray(make_inputs(analysis)["i"]).tolist() == made
    assert verify(analysis.file.model, provider="cpu", probes=0).ok


def test_an_index_inside_a_loop_is_found() -> None:
    """Carried through a Loop's state to a Gather in its body."""
    body = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "k"], ["row"]),
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Identity", ["k"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("n", INT64, []),
            helper.make_tensor_value_info("go", BOOL, []),
            helper.make_tensor_value_info("k", INT64, [50]),
        ],
        [onnx.ValueInfoProto(name=name) for name in ("on", "next", "row")],
    )
    nodes = [helper.make_node("Loop", ["three", "", "i"], ["last", "rows"], body=body)]
    analysis = examined(
        nodes, {"i": (INT64, [50])}, "rows", three=np.array(3), table=np.ones((5, 2), np.float32)
    )
    assert set(np.asarray(make_inputs(analysis)["i"]).tolist()) == set(range(5))


def test_free_dimensions_are_named() -> None:
    relu = [helper.make_node("Relu", ["x"], ["y"])]
    analysis = examined(relu, {"x": (FLOAT, ["N", 3, "H", "W"])}, "y")
    with pytest.raises(
        RunError, match=r"'x' has free dimensions \(H, W\).*--dim H=LENGTH --dim W=LENGTH"
    ):
        make_inputs(analysis)
    odd = examined(relu, {"x": (FLOAT, ["N", "a b:1"])}, "y")
    with pytest.raises(RunError, match=r"--shape x=1x\?"):
        make_inputs(odd)


def test_given_inputs_have_to_fit(tmp_path: Path) -> None:
    analysis = examined([helper.make_node("Relu", ["x"], ["y"])], {"x": (FLOAT, [2, 3])}, "y")
    array = np.full((2, 3), 5, np.float32)
    np.save(tmp_path / "x.npy", array)
    given = load_inputs({"x": tmp_path / "x.npy"})
    np.testing.assert_array_equal(make_inputs(analysis, given=given)["x"], array)
    with pytest.raises(RunError, match="holds float64, the model takes float32"):
        make_inputs(analysis, given={"x": array.astype(np.float64)})
    with pytest.raises(RunError, match="shape is 3x2, the model takes 2x3"):
        make_inputs(analysis, given={"x": array.T})
    with pytest.raises(RunError, match="the model's inputs are x"):
        make_inputs(analysis, given={"z": array})


def test_a_given_scalar_stays_one() -> None:
    analysis = examined([helper.make_node("Neg", ["x"], ["y"])], {"x": (INT64, [])}, "y")
    x = make_inputs(analysis, given={"x": np.array(16000)})["x"]
    assert np.shape(x) == ()


def test_files_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("no array")
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "several.npz", a=np.ones(2))
    for name in ("absent.npy", "text.npy", "pickled.npy", "several.npz"):
        with pytest.raises(RunError, match=f"--input x=.*{name}") as caught:
            load_inputs({"x": tmp_path / name})
        assert "pickle" not in str(caught.value).replace(name, "")  # no advice to unpickle it


def test_random_weights_keep_signals_at_their_size() -> None:
    """Variance 2 / fan_in over the drawn elements; the rest repeats them."""
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[256, 64, 3, 3])
    w = random_values(tensor, "w", seed=1)
    assert w.shape == (256, 64, 3, 3)
    assert w.dtype == np.float32
    assert w.var() == pytest.approx(2 / (64 * 9), rel=0.02)
    assert w.mean() == pytest.approx(0, abs=1e-3)
    np.testing.assert_array_equal(w, random_values(tensor, "w", seed=1))
    assert not np.array_equal(w, random_values(tensor, "w", seed=2))
    large = random_values(TensorProto(data_type=FLOAT, dims=[3, 1 << 20]), "v", 0)
    np.testing.assert_array_equal(large[0], large[2])


@pytest.mark.parametrize("kind", [FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_random_vectors_are_positive(kind: int) -> None:
    v = random_values(TensorProto(data_type=kind, dims=[500]), "v", 0)
    assert v.dtype == helper.tensor_dtype_to_np_dtype(kind)
    assert 0.5 <= v.min() < v.max() <= 1.5


def test_stored_weights_are_the_files(tmp_path: Path) -> None:
    w = np.arange(2000, dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("x", FLOAT, [2000])], [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(w, "w")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    analysis = examine(path)
    found = find_values(analysis.file, flat_model(analysis))
    np.testing.assert_array_equal(found.arrays["w"], w)
    assert found.said == "stored"
    (tmp_path / "weights").unlink()
    analysis = examine(path)
    assert find_values(analysis.file, flat_model(analysis)).said == "random (He-scaled)"
