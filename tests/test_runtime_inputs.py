"""What is made up for inputs and weights fits the model, and is the same for the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.analysis import examine
from cnnscope.analyzer.diagnostics import RunError
from cnnscope.runtime.flat import flat_model
from cnnscope.runtime.inputs import load_inputs, make_inputs
from cnnscope.runtime.weights import find_values, random_values

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


def test_free_dimensions_are_named() -> None:
    relu = [helper.make_node("Relu", ["x"], ["y"])]
    analysis = examined(relu, {"x": (FLOAT, ["N", 3, "H", "W"])}, "y")
    with pytest.raises(RunError, match=r"'x' has free dimensions \(H, W\).*--dim H=N --dim W=N"):
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
