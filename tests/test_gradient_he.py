"""With He's random weights the mean squared gradient is the map without weights: ResNet-18, by running it.

Convolutions in front of a rectifier have weights of variance ``2/(k*k*C)``, the others (the last of a
branch, and those on shortcuts) of ``1/(k*k*C)``: a rectifier lets half of the squared derivative through, so
that branch and shortcut, which it follows both, come to the same.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod, sqrt

import numpy as np
import onnx
from amounts import amount
from onnx import TensorProto, helper

import cnnscope
from cnnscope.runtime.engine.providers import CPU_PROVIDER
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.gradients.adjoint import SEED, write_gradient

SIDE = 64


class ResNet18:
    """Its trunk, the weights of which are inputs, so that one session runs all draws."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, tuple[tuple[int, ...], float]] = {}  # shape, gain
        x = self.relu(self.conv("x", 3, 64, 7, 2, gain=2))
        x = self.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        for before, after in pairwise([64, 64, 128, 256, 512]):
            for k in range(2):
                stride = 2 if not k and before != after else 1
                deep = before if not k else after
                branch = self.relu(self.conv(x, deep, after, 3, stride, gain=2))
                branch = self.conv(branch, after, after, 3, 1, gain=1)
                if stride > 1:
                    x = self.conv(x, deep, after, 1, stride, gain=1)
                x = self.relu(self.add("Add", [branch, x]))
        self.last = x

    def add(self, op: str, inputs: list[str], **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def relu(self, x: str) -> str:
        return self.add("Relu", [x])

    def conv(self, x: str, before: int, after: int, width: int, stride: int, gain: float) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = ((after, before, width, width), gain)
        pads = [width // 2] * 4
        return self.add("Conv", [x, name], strides=[stride, stride], pads=pads)

    def model(self) -> onnx.ModelProto:
        shapes = {"x": (1, 3, SIDE, SIDE), **{name: x for name, (x, _) in self.weights.items()}}
        graph = helper.make_graph(
            self.nodes, "resnet18",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
            [onnx.ValueInfoProto(name=self.last)],
        )  # fmt: skip
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def drawn(self, random: np.random.Generator) -> dict[str, np.ndarray]:
        return {
            name: random.standard_normal(shape, np.float32)
            * np.float32(sqrt(gain / prod(shape[1:])))
            for name, (shape, gain) in self.weights.items()
        }


def correlation(draws: int) -> float:
    """Of the mean of the squares over draws of weights and the map without weights."""
    network = ResNet18()
    report = cnnscope.analyze(network.model())
    layer = report.layers[-1]
    expected = report.effective_field(layer, input="x")
    written = write_gradient(report._analysis, network.last, "x")
    session = open_session(written.proto, CPU_PROVIDER, SessionSettings(optimised=True))
    total = np.zeros((SIDE, SIDE))
    for k in range(draws):
        random = np.random.default_rng(k)
        seed = np.zeros(layer.output_shape, np.float32)
        place = tuple(slice(None) if i is None else i for i in expected.unit)
        seed[place] = random.choice((-1, 1), seed[place].shape)
        x = random.standard_normal((1, 3, SIDE, SIDE), np.float32)
        (gradient,) = session.run(None, {"x": x, SEED: seed, **network.drawn(random)})
        total += (gradient.astype(np.float64) ** 2).sum(axis=(0, 1))
    return float(np.corrcoef(total.ravel(), expected.map.ravel())[0, 1])


def test_the_mean_over_he_weights_is_the_map_without_weights() -> None:
    draws = amount(2, 200)
    assert correlation(draws) > (0.99 if draws >= 200 else 0.7)
