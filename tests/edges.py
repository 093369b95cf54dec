"""A small network whose filters were made by hand, so that what is said of them can be checked by eye.

`python tests/edges.py` writes tests/data/edges.onnx. Its first layer has eight kernels of 5 x 5 over three
colours: a Gaussian, two derivatives of it (separable), its Laplacian (rank 2), an edge at 45 degrees, red
against green, one of nothing but zeros, and the first derivative once more.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FILE = Path(__file__).resolve().parent / "data" / "edges.onnx"


def kernels() -> np.ndarray:
    """The first layer's filters, (8, 3, 5, 5)."""
    at = np.arange(-2, 3)
    bell, slope = np.exp(-(at**2) / 2), -at * np.exp(-(at**2) / 2)
    curve = (at**2 - 1) * bell
    diagonal = np.add.outer(at, at) * np.outer(bell, bell)
    grey = [
        np.outer(bell, bell),
        np.outer(bell, slope),
        np.outer(slope, bell),
        np.outer(curve, bell) + np.outer(bell, curve),
        diagonal,
    ]
    found = np.zeros((8, 3, 5, 5))
    for i, plane in enumerate(grey):
        found[i] = plane
    found[5, 0], found[5, 1] = np.outer(bell, bell), -np.outer(bell, bell)
    found[7] = found[1]
    return (found / 4).astype(np.float32)


def network() -> onnx.ModelProto:
    binomial = np.outer([1, 2, 1], [1, 2, 1]) / 16
    mix = np.add.outer(np.arange(16), np.arange(8)) / 8  # rank 2
    weights = {
        "conv1.weight": kernels(),
        "blur.weight": np.tile(binomial, (8, 1, 1, 1)),
        "mix.weight": mix.reshape(16, 8, 1, 1),
    }
    nodes = [
        helper.make_node("Conv", ["image", "conv1.weight"], ["edges"], "conv1", pads=[2] * 4),
        helper.make_node("Relu", ["edges"], ["found"], "relu1"),
        helper.make_node(
            "Conv",
            ["found", "blur.weight"],
            ["smooth"],
            "blur",
            group=8,
            strides=[2, 2],
            pads=[1] * 4,
        ),
        helper.make_node("Conv", ["smooth", "mix.weight"], ["mixed"], "mix"),
    ]
    graph = helper.make_graph(
        nodes, "edges",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("mixed", TensorProto.FLOAT, [1, 16, 16, 16])],
        [numpy_helper.from_array(x.astype(np.float32), name) for name, x in weights.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.producer_name = "edges.py"
    return model


if __name__ == "__main__":
    onnx.save(network(), FILE)
