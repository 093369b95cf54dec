"""Models of one layer with stored weights, to be asked what their filters look like."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import cnnscope

Array = np.ndarray


def model_of(
    nodes: list[onnx.NodeProto], weights: dict[str, Array], shape: list[int], opset: int = 21,
    domains: tuple[str, ...] = (),
) -> onnx.ModelProto:  # fmt: skip
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(x), name) for name, x in weights.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def one(op: str, weight: Array, shape: list[int], *, left: bool = False, **attributes: Any) -> Any:
    """The filters of a model of one layer."""
    names = ["w", "x"] if left else ["x", "w"]
    node = helper.make_node(op, names, ["y"], "layer", **attributes)
    return cnnscope.analyze(model_of([node], {"w": weight}, shape)).filters("layer")


def convolution(weight: Array, groups: int = 1, size: int = 12, **attributes: Any) -> Any:
    kernel = weight.shape[2:]
    shape = [1, weight.shape[1] * groups, *[size] * len(kernel)]
    return one("Conv", weight, shape, group=groups, **attributes)


def some(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


WEIGHT = np.arange(-12, 12, dtype=np.int8).reshape(4, 3, 2, 1)
SCALE = np.array([0.5, 0.25, 1, 2], np.float32)


def quantised(*inputs: str, **attributes: Any) -> list[onnx.NodeProto]:
    return [
        helper.make_node(
            "DequantizeLinear", ["w", "s", *inputs], ["f"], "dequantise", **attributes
        ),
        helper.make_node("Conv", ["x", "f"], ["y"], "layer"),
    ]
