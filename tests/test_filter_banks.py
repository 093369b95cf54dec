"""Are a layer's filters those that it multiplies with, however they are stored?

Fed with inputs of a single 1 by ONNX Runtime, a linear layer gives its weights away one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from amounts import amount
from filter_models import SCALE, WEIGHT, Array, model_of, quantised, some
from onnx import TensorProto, helper

import cnnscope


def responses(model: onnx.ModelProto) -> Array:
    """What the layer gives for each input of a single 1, an example each."""
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    ones = np.eye(math.prod(shape), dtype=np.float32).reshape(-1, *shape)
    return np.stack([session.run(None, {"x": x})[0] for x in ones])


def conv_case(
    random: np.random.Generator, rank: int
) -> tuple[onnx.ModelProto, Callable[[Array], Array]]:
    groups, each, channels = (int(n) for n in random.integers(1, 4, 3))
    kernel = [int(n) for n in random.integers(1, 4, rank)]
    weight = random.standard_normal((groups * each, channels, *kernel)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], "layer", group=groups)
    model = model_of([node], {"w": weight}, [1, groups * channels, *kernel])

    def filters(given: Array) -> Array:
        """Output o of the input that is 1 at (c, tap): only the channels of its group."""
        table = given.reshape(groups * channels, *kernel, groups * each)
        rows = [
            table[o // each * channels : (o // each + 1) * channels, ..., o]
            for o in range(groups * each)
        ]
        return np.stack(rows)

    return model, filters


def transposed_case(
    random: np.random.Generator, rank: int
) -> tuple[onnx.ModelProto, Callable[[Array], Array]]:
    groups, each, channels = (int(n) for n in random.integers(1, 4, 3))
    kernel = [int(n) for n in random.integers(1, 4, rank)]
    weight = random.standard_normal((groups * channels, each, *kernel)).astype(np.float32)
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], "layer", group=groups)
    model = model_of([node], {"w": weight}, [1, groups * channels, *[1] * rank])

    def filters(given: Array) -> Array:
        table = given.reshape(groups * channels, groups * each, *kernel)
        rows = [
            table[o // each * channels : (o // each + 1) * channels, o]
            for o in range(groups * each)
        ]
        return np.stack(rows)

    return model, filters


def matrix_case(
    random: np.random.Generator, rank: int
) -> tuple[onnx.ModelProto, Callable[[Array], Array]]:
    n, m = (int(k) for k in random.integers(1, 6, 2))
    way = ["Gemm", "GemmT", "MatMul", "left", "batched"][int(random.integers(5))]
    weight = random.standard_normal((n, m)).astype(np.float32)  # m inputs, n outputs
    if way == "batched":
        several = random.standard_normal((3, m, n)).astype(np.float32)
        node = helper.make_node("MatMul", ["x", "w"], ["y"], "layer")
        model = model_of([node], {"w": several}, [3, 1, m])
        # Example b, input i gives row b of the outputs.
        return model, lambda given: np.concatenate(
            [given.reshape(3, m, 3, n)[b, :, b].T for b in range(3)]
        )
    if way == "left":
        node = helper.make_node("MatMul", ["w", "x"], ["y"], "layer")
        return model_of([node], {"w": weight}, [m, 1]), lambda given: given.reshape(m, n).T
    op, attributes = ("Gemm", {"transB": 1}) if way == "GemmT" else (way, {})
    stored = weight if way == "GemmT" else weight.T.copy()
    node = helper.make_node(op, ["x", "w"], ["y"], "layer", **attributes)
    return model_of([node], {"w": stored}, [1, m]), lambda given: given.reshape(m, n).T


CASES = {
    f"{name}-{rank}": (make, rank)
    for name, make in (("conv", conv_case), ("transposed", transposed_case))
    for rank in (1, 2, 3)
} | {"matrix": (matrix_case, 0)}  # fmt: skip


@pytest.mark.parametrize("which", CASES)
def test_filters_are_what_the_layer_multiplies_with(which: str) -> None:
    make, rank = CASES[which]
    for seed in range(amount(4, 200)):
        model, filters = make(np.random.default_rng(seed), rank)
        found = cnnscope.analyze(model).filters("layer")
        expected = filters(responses(model))
        np.testing.assert_allclose(found.kernels, expected, rtol=1e-5, atol=1e-6)
        assert (found.filters, found.channels, *found.kernel) == expected.shape
        assert found.weights == math.prod(expected.shape)
        np.testing.assert_allclose(
            found.figures.norms,
            np.linalg.norm(expected.reshape(len(expected), -1), axis=1),
            rtol=1e-5,
        )


MEANT = WEIGHT.astype(np.float32) * SCALE.reshape(4, 1, 1, 1)


def test_weights_through_nodes_and_scales() -> None:
    """Each is the same four filters, as it is computed from what is stored."""
    float_ = {"w": MEANT}
    stored = {"w": WEIGHT, "s": SCALE, "z": np.zeros(4, np.int8)}
    turn = helper.make_node("Transpose", ["w"], ["t"], perm=[3, 2, 1, 0])
    models = {
        "transpose": model_of(
            [turn, helper.make_node("Identity", ["t"], ["f"]),
             helper.make_node("Conv", ["x", "f"], ["y"], "layer")],
            {"w": np.ascontiguousarray(MEANT.transpose(3, 2, 1, 0))}, [1, 3, 5, 5],
        ),
        "plain": model_of([helper.make_node("Conv", ["x", "w"], ["y"], "layer")], float_, [1, 3, 5, 5]),
        "dequantised": model_of(quantised("z", axis=0), stored, [1, 3, 5, 5]),
        "at opset 13": model_of(quantised("z", axis=0), stored, [1, 3, 5, 5], 13),
        "shifted": model_of(
            quantised("z", axis=0),
            {"w": (WEIGHT.astype(int) + 100).astype(np.uint8), "s": SCALE, "z": np.full(4, 100, np.uint8)},
            [1, 3, 5, 5], 13,
        ),
        "int4": model_of(
            quantised(axis=0),
            {"w": (WEIGHT // 2).astype(ml_dtypes.int4), "s": SCALE * 2}, [1, 3, 5, 5],
        ),
    }  # fmt: skip
    for name, model in models.items():
        found = cnnscope.analyze(model).filters("layer")
        expected = (WEIGHT // 2) * 2 * SCALE.reshape(4, 1, 1, 1) if name == "int4" else MEANT
        assert np.array_equal(found.kernels, expected), name
        wanted = {"shifted": "uint8", "int4": "int4", "plain": "float32", "transpose": "float32"}
        assert found.dtype == wanted.get(name, "int8")


def test_integer_operators_have_their_scales_put_in() -> None:
    linear = helper.make_node(
        "QLinearConv", ["q", "xs", "xz", "w", "s", "z", "ys", "xz"], ["p"], "layer"
    )
    weights = {
        "w": WEIGHT, "s": SCALE, "z": np.ones(4, np.int8), "xs": np.float32(0.1), "xz": np.uint8(3),
        "ys": np.float32(1),
    }  # fmt: skip
    ends = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["q"]),
        helper.make_node("DequantizeLinear", ["p", "ys", "xz"], ["y"]),
    ]
    found = cnnscope.analyze(model_of([ends[0], linear, ends[1]], weights, [1, 3, 5, 5])).filters(
        "layer"
    )
    assert np.array_equal(found.kernels, MEANT - SCALE.reshape(4, 1, 1, 1))
    whole = helper.make_node("MatMulInteger", ["q", "m", "xz", "zm"], ["p"], "layer")
    matrix = {"m": np.arange(6, dtype=np.int8).reshape(3, 2), "zm": np.array([1, 2], np.int8)}
    model = model_of(
        [ends[0], whole, helper.make_node("Cast", ["p"], ["y"], to=1)],
        {**weights, **matrix},
        [4, 3],
    )
    assert cnnscope.analyze(model).filters("layer").kernels.tolist() == [[-1, 1, 3], [-1, 1, 3]]


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float64"]
)
def test_narrow_and_wide_floats(dtype: str) -> None:
    type_ = (
        np.dtype(dtype) if dtype in ("float16", "float64") else np.dtype(getattr(ml_dtypes, dtype))
    )
    weight = some(4, 3, 3, 3).astype(type_)
    cast = helper.make_node("Cast", ["w"], ["f"], to=1)
    layer = helper.make_node("Conv", ["x", "f"], ["y"], "layer")
    found = cnnscope.analyze(model_of([cast, layer], {"w": weight}, [1, 3, 5, 5])).filters("layer")
    assert found.dtype == dtype
    assert np.array_equal(found.kernels, weight.astype(np.float32))


def test_external_and_typed_data_and_data_that_lack(tmp_path: Path) -> None:
    weight = some(64, 32, 3, 3)
    node = helper.make_node("Conv", ["x", "w"], ["y"], "layer")
    model = model_of([node], {"w": weight}, [1, 32, 9, 9])
    onnx.save(
        model, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0
    )
    assert np.array_equal(cnnscope.analyze(tmp_path / "m.onnx").filters(0).kernels, weight)
    (tmp_path / "w.bin").unlink()
    report = cnnscope.analyze(tmp_path / "m.onnx")
    with pytest.raises(
        cnnscope.ModelFileError, match=r"weights of layer 'layer' can't be read: .*w\.bin"
    ):
        report.filters("layer")
    del model.graph.initializer[0]
    typed = helper.make_tensor("w", TensorProto.FLOAT, weight.shape, weight.ravel().tolist())
    model.graph.initializer.append(typed)
    onnx.save(model, tmp_path / "t.onnx")
    assert np.array_equal(cnnscope.analyze(tmp_path / "t.onnx").filters(0).kernels, weight)
