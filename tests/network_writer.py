"""Networks written node by node, from layers that a test draws: nodes, stored tensors, the model of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]


class NetworkWriter:
    """Writes a network node by node; tensors are known by their names."""

    def __init__(self, seed: int = 0) -> None:
        self.numbers = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.stored: list[onnx.TensorProto] = []

    def keep(self, value: object, dtype: object = np.int64) -> str:
        """Stores a tensor."""
        name = f"c{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(np.asarray(value, dtype), name))  # type: ignore[arg-type]  # numpy's
        return name

    def uniform(self, low: float, high: float, *shape: int) -> str:
        """Stores weights between two numbers."""
        return self.keep(self.numbers.uniform(low, high, shape), np.float32)

    def add(self, op: str, *inputs: str, **attributes: object) -> str:
        """Appends a node, and gives its output."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{op}_{name}", **attributes))
        return name

    def model(
        self, inputs: Shape | Mapping[str, Shape], outputs: Sequence[str], opset: int = 19
    ) -> onnx.ModelProto:
        """The network, with one input `x` of a shape, or several by name."""
        shapes = inputs if isinstance(inputs, Mapping) else {"x": inputs}
        graph = helper.make_graph(
            self.nodes, "g",
            [helper.make_tensor_value_info(x, TensorProto.FLOAT, n) for x, n in shapes.items()],
            [helper.make_tensor_value_info(y, TensorProto.FLOAT, None) for y in outputs], self.stored,
        )  # fmt: skip
        return helper.make_model(
            graph, ir_version=9, opset_imports=[helper.make_opsetid("", opset)]
        )
