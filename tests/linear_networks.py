"""Random networks of linear operators whose weights are what effective fields count, to be run.

The derivative of such a network is the map itself: with each operator's weights in sum 1 the uniform one,
with all weights 1 the number of paths.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


class LinearNetwork:
    """A network of one input ``x`` being drawn.

    Args:
        seed: of all that is drawn.
        batch: how many samples go through at once.
        space: the lengths of the input's spatial axes.
        paths: weights are 1; else each operator's are in sum 1.
    """

    def __init__(self, seed: int, batch: int, space: tuple[int, ...], paths: bool) -> None:
        self.random, self.paths = np.random.default_rng(seed), paths
        self.rank, self.input = len(space), (batch, 2, *space)
        self.nodes: list[onnx.NodeProto] = []
        self.stored: list[onnx.TensorProto] = []
        self.shapes: dict[str, tuple[int, ...]] = {"x": self.input}
        self.last = "x"
        self.kept = ["x"]

    def number(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def numbers(self, low: int, high: int) -> list[int]:
        return [self.number(low, high) for _ in range(self.rank)]

    def constant(self, value: Any, kind: type = np.float32) -> str:
        name = f"c{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def weights(self, shape: tuple[int, ...], taps: float) -> str:
        return self.constant(np.full(shape, 1.0 if self.paths else 1 / taps))

    def add(self, op: str, *inputs: str, times: float = 1, **attributes: Any) -> None:
        """Append an operator; `times` makes its own weights of 1/times 1 where paths are counted."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        if times != 1 and self.paths:
            name = f"t{len(self.nodes)}"
            factor = self.constant(times)
            self.nodes.append(
                helper.make_node("Mul", [f"t{len(self.nodes) - 1}", factor], [name], name)
            )
        self.last = name
        inferred = onnx.shape_inference.infer_shapes(self.model(), strict_mode=True, data_prop=True)
        (found,) = inferred.graph.output
        self.shapes[name] = tuple(d.dim_value for d in found.type.tensor_type.shape.dim)
        self.kept.append(name)

    def model(self) -> onnx.ModelProto:
        outputs = [onnx.ValueInfoProto(name=self.last)]
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, self.input)
        graph = helper.make_graph(self.nodes, "linear", [x], outputs, self.stored)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.shapes[self.last]


# -- the operators that are drawn ----------------------------------------------------------------


def conv(net: LinearNetwork) -> None:
    channels, group = net.shape[1], 2 if net.shape[1] % 2 == 0 and net.number(0, 1) else 1
    kernel = [min(k, n) for k, n in zip(net.numbers(1, 3), net.shape[2:], strict=True)]
    weights = net.weights((2, channels // group, *kernel), channels // group * math.prod(kernel))
    net.add(
        "Conv", net.last, weights, group=group, strides=net.numbers(1, 2), dilations=net.numbers(1, 2),
        pads=[*net.numbers(0, 2), *[k + 1 for k in net.numbers(0, 1)]],
    )  # fmt: skip


def deconv(net: LinearNetwork) -> None:
    channels, kernel, strides = net.shape[1], net.numbers(1, 4), net.numbers(1, 2)
    taps = channels * math.prod(kernel) / math.prod(strides)
    net.add(
        "ConvTranspose", net.last, net.weights((channels, 2, *kernel), taps), strides=strides,
        dilations=net.numbers(1, 2),
    )  # fmt: skip


def pool(net: LinearNetwork) -> None:
    kernel = [min(k, n) for k, n in zip(net.numbers(1, 3), net.shape[2:], strict=True)]
    net.add(
        "AveragePool", net.last, times=math.prod(kernel), kernel_shape=kernel,
        strides=net.numbers(1, 2), pads=[0] * net.rank + [k - 1 for k in kernel],
        count_include_pad=1,
    )  # fmt: skip


def pad(net: LinearNetwork) -> None:
    least = min(net.shape[2:])
    most = min(2, least - 1)
    if most < 1:
        return
    modes = ["constant", "reflect", "edge", "wrap"]
    ends = [0, 0, *[net.number(-1 if least > 3 else 0, most) for _ in range(net.rank)]]
    ends += [0, 0, *[net.number(0, most) for _ in range(net.rank)]]
    mode = modes[net.number(0, 3 if min(ends) >= 0 else 0)]
    net.add("Pad", net.last, net.constant(ends, np.int64), mode=mode)


def join(net: LinearNetwork) -> None:
    fitting = [x for x in net.kept if net.shapes[x] == net.shape]
    other = fitting[net.number(0, len(fitting) - 1)]
    net.add("Add", net.last, other)


def concat(net: LinearNetwork) -> None:
    fitting = [x for x in net.kept if net.shapes[x][2:] == net.shape[2:]]
    if net.shape[1] <= 4:
        other = fitting[net.number(0, len(fitting) - 1)]
        net.add("Concat", net.last, other, axis=1)


def part(net: LinearNetwork) -> None:
    axis = net.number(1, net.rank + 1)
    if net.shape[axis] > 2:
        first, step = net.number(0, 1), net.number(1, 2)
        given = (net.constant([v], np.int64) for v in (first, net.shape[axis], axis, step))
        net.add("Slice", net.last, *given)


def resize(net: LinearNetwork) -> None:
    if max(net.shape[2:]) > 12:
        return
    mode = "nearest" if net.paths else ["nearest", "linear"][net.number(0, 1)]
    scales = [1.0, 1.0, *[[0.75, 1.5, 2.0][net.number(0, 2)] for _ in range(net.rank)]]
    ways = ["half_pixel", "asymmetric", "align_corners"]
    net.add(
        "Resize", net.last, "", net.constant(scales), mode=mode,
        coordinate_transformation_mode=ways[net.number(0, 2)],
    )  # fmt: skip


def everywhere(net: LinearNetwork) -> None:
    """A global pooling, added to what it pools."""
    before, size = net.last, math.prod(net.shape[2:])
    net.add("GlobalAveragePool", before, times=size)
    net.add("Add", before, net.last)


def product(net: LinearNetwork) -> None:
    n = net.shape[-1]
    net.add("MatMul", net.last, net.weights((n, 3), n))


def folded(net: LinearNetwork) -> None:
    """Space to depth, written as a reshape, a transpose and a reshape."""
    n, c, length, *rest = net.shape
    if length % 2 == 0 and c <= 4:
        net.add("Reshape", net.last, net.constant([n, c, length // 2, 2, *rest], np.int64))
        net.add("Transpose", net.last, perm=[0, 3, 1, 2, *range(4, 4 + len(rest))])
        net.add("Reshape", net.last, net.constant([n, 2 * c, length // 2, *rest], np.int64))


MAKERS: list[Callable[[LinearNetwork], None]] = [
    conv, deconv, pool, pad, join, concat, part, resize, everywhere, product, folded,
]  # fmt: skip


def linear_network(seed: int, batch: int, paths: bool) -> LinearNetwork:
    """A convolution and four more operators, over one axis or two."""
    rank = 1 + seed % 2
    space = (9,) if rank == 1 else (6, 5)
    net = LinearNetwork(seed, batch, space, paths)
    conv(net)
    for _ in range(4):
        if min(net.shape) > 0 and math.prod(net.shape[1:]) < 600:
            MAKERS[net.number(0, len(MAKERS) - 1)](net)
    return net


def derivative(net: LinearNetwork) -> np.ndarray:
    """Of each unit by each input element, an axis for these first; `net` has a sample for each."""
    size = math.prod(net.input[1:])
    assert net.input[0] == size
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        net.model().SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    ones = np.eye(size, dtype=np.float32).reshape(net.input)
    found: np.ndarray = session.run(None, {"x": ones})[0].astype(np.float64)
    return found
