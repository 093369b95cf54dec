"""Gradients equal finite differences, operator by operator.

A row is a node. In float64 ONNX's reference implementation computes it, and central differences of that give
every derivative of a random sum of the outputs by every input element; the same implementation computes
the written gradient. ONNX Runtime then computes the gradient in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import erf, sqrt
from typing import Any

import numpy as np
import onnx
import pytest
from amounts import amount, some
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from cnnscope.analyzer.report.examination import examine
from cnnscope.runtime.engine.providers import CPU_PROVIDER
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.gradients.adjoint import SEED, write_gradient

STEP, WIDE_STEP = 1e-5, 0.05


def row(
    op: str, *inputs: Any, outputs: int = 1, opset: int = 17, of: int = 0, by: int = 0,
    domain: str = "", above: float | None = None, distinct: bool = False,
    reckoned: Callable[..., np.ndarray] | None = None, runtime: bool = False, **attributes: Any,
) -> Any:  # fmt: skip
    """A node: a tuple is the shape of an input that takes part, anything else is a stored value.

    `reckoned` is the operator in numpy, where the reference reckons in float32; with `runtime` ONNX
    Runtime gives the differences, of operators that are linear between kinks, where the reference fails.
    """
    random = np.random.default_rng(len(op) + len(inputs))
    arrays = []
    for x in inputs:
        if not isinstance(x, tuple):
            arrays.append(None if x is None else np.asarray(x))
            continue
        array = random.standard_normal(x)
        if above is not None:
            array = above + np.abs(array) * 0.4
        if distinct:  # no two elements so near that a step swaps them
            array = random.permutation(array.size).reshape(x) / 7 - 0.3
        arrays.append(array)
    shapes = [i for i, x in enumerate(inputs) if isinstance(x, tuple)]
    return pytest.param(
        (op, arrays, shapes, outputs, opset, of, shapes[by], domain, attributes, reckoned, runtime),
        id=f"{op}-{opset}-{'-'.join(map(str, attributes.values()))}-{by}"[:60],
    )


def model(case: Any, dtype: str) -> tuple[onnx.ModelProto, str, str]:
    op, arrays, shapes, outputs, opset, of, by, domain, attributes, *_ = case
    names, stored, inputs = [], [], []
    for i, array in enumerate(arrays):
        names.append("" if array is None else f"x{i}")
        if array is None:
            continue
        wide = array.astype(dtype) if array.dtype == np.float64 else array
        if i in shapes:
            code = helper.np_dtype_to_tensor_dtype(wide.dtype)
            inputs.append(helper.make_tensor_value_info(f"x{i}", code, wide.shape))
        else:
            stored.append(numpy_helper.from_array(wide, f"x{i}"))
    node = helper.make_node(op, names, [f"y{k}" for k in range(outputs)], "it", domain=domain,
                            **attributes)  # fmt: skip
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name=f"y{of}")], stored)
    opsets = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), f"y{of}", f"x{by}"


def feeds_of(case: Any, dtype: str) -> dict[str, np.ndarray]:
    return {f"x{i}": case[1][i].astype(dtype) for i in case[2]}


def forward(case: Any) -> tuple[Any, float]:
    """What computes the node without us, of the input and nothing else, and how far to step."""
    _, arrays, _, _, _, _, by, _, _, reckoned, runtime = case
    if reckoned is not None:
        others = [None if i == by else array for i, array in enumerate(arrays)]
        return lambda x: reckoned(*[x if i == by else y for i, y in enumerate(others)]), STEP
    proto, _, source = model(case, "float32" if runtime else "float64")
    feeds = feeds_of(case, "float32" if runtime else "float64")
    if runtime:
        session = open_session(proto, CPU_PROVIDER, SessionSettings(threads=1))
        return lambda x: session.run(None, {**feeds, source: x.astype("float32")})[0], WIDE_STEP
    reference = ReferenceEvaluator(proto)
    return lambda x: np.asarray(reference.run(None, {**feeds, source: x})[0]), STEP


def directions(shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Single elements where everything runs, else a few directions in which all elements move."""
    size = int(np.prod(shape))
    if amount(0, 1):
        for place in range(size):
            yield np.eye(1, size, place)[0].reshape(shape)
    else:
        for k in range(2):
            yield np.random.default_rng(k).uniform(-1, 1, shape)


def written(proto: onnx.ModelProto, tensor: str, source: str) -> onnx.ModelProto:
    return write_gradient(examine(proto), tensor, source).proto


def run_reference(proto: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> np.ndarray:
    named = {value.name for value in proto.graph.input}
    return ReferenceEvaluator(proto).run(None, {k: x for k, x in feeds.items() if k in named})[0]


def run_onnxruntime(proto: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> np.ndarray:
    session = open_session(proto, CPU_PROVIDER, SessionSettings())
    return session.run(None, {k: x for k, x in feeds.items() if k in session.inputs})[0]


I = (2, 3, 5, 6)  # noqa: E741
POINTWISE = [
    row("Relu", I), row("LeakyRelu", I, alpha=0.2), row("ThresholdedRelu", I, alpha=0.4),
    row("Elu", I, alpha=0.7), row("Selu", I), row("Celu", I, alpha=1.5), row("Sigmoid", I),
    row("Tanh", I), row("HardSigmoid", I, alpha=0.4, beta=0.3), row("HardSwish", I),
    row("Mish", I, opset=18), row("Softplus", I), row("Softsign", I),
    row("Erf", I, reckoned=np.vectorize(erf)),
    row("Gelu", I, opset=20, reckoned=lambda x: x * (1 + np.vectorize(erf)(x / sqrt(2))) / 2),
    row("Gelu", I, opset=20, approximate="tanh"), row("Exp", I),
    row("Log", I, above=0.5), row("Sqrt", I, above=0.5), row("Reciprocal", I, above=0.5),
    row("Neg", I), row("Abs", I), row("Sin", I), row("Cos", I), row("Tan", I, above=0.1),
    row("Atan", I), row("Sinh", I), row("Cosh", I), row("Asinh", I), row("Acosh", I, above=1.2),
    row("Asin", (2, 3), above=-0.9), row("Acos", (2, 3), above=-0.9), row("Atanh", (2, 3), above=-0.9),
    row("Shrink", I, lambd=0.5), row("Identity", I), row("Dropout", I), row("Clip", I, -0.4, 0.6),
    row("Clip", I, None, 0.6), row("Clip", I, opset=9, min=-0.3, max=0.8),
]  # fmt: skip
ARITHMETIC = [
    *(row(op, (2, 3, 4), (3, 1), by=by) for op in ("Add", "Sub", "Mul") for by in (0, 1)),
    *(row("Div", (2, 3), (4, 1, 1), by=by, above=0.6) for by in (0, 1)),
    *(row("Pow", (2, 3), (2, 1), by=by, above=0.6) for by in (0, 1)), row("Pow", I, 3.0),
    row("Pow", I, np.array(2, np.int64)),
    *(row(op, (2, 3), (3,), (2, 1), by=by) for op in ("Max", "Min", "Sum", "Mean") for by in (0, 2)),
    row("Where", [[True], [False]], (2, 3), (3,)), row("Where", [[True], [False]], (2, 3), (3,), by=1),
    row("PRelu", I, np.array([[[0.2]], [[-0.3]], [[2.0]]])),
    *(row(op, I, opset=opset, axes=axes, keepdims=keep)
      for op, opset in (("ReduceSum", 11), ("ReduceMean", 17), ("ReduceMax", 17), ("ReduceMin", 17),
                        ("ReduceL1", 17), ("ReduceL2", 17), ("ReduceSumSquare", 17),
                        ("ReduceLogSumExp", 17))
      for axes, keep in (([1, -1], 1), ([2], 0))),
    row("ReduceSum", I, [0, 2]), row("ReduceSum", I), row("ReduceMean", I, [-1], opset=18),
    row("ReduceProd", (2, 3), above=0.5), row("ReduceLogSum", (2, 3), above=0.5, axes=[1]),
]  # fmt: skip
MOVING = [
    row("Reshape", I, [3, -1]), row("Flatten", I, axis=2), row("Squeeze", (2, 1, 3), [1]),
    row("Unsqueeze", (2, 3), [0, 3]), row("Transpose", I, perm=[2, 0, 3, 1]), row("Transpose", (2, 3)),
    row("Expand", (3, 1), [2, 3, 4]), row("Tile", (2, 3), [2, 3]),
    *(row("Concat", (2, 3), (2, 1), [[1.0], [2.0]], by=by, axis=-1) for by in (0, 1)),
    row("Split", (6, 2), outputs=3, of=1, axis=0), row("Split", (6, 2), [1, 5], outputs=2, of=1),
    row("Slice", I, [1, -2], [9, -9], [2, 3], [2, -1]), row("Slice", I, [1], [2], [0]),
    row("Slice", I, [0, 1]  , [2, 3]),
    row("Pad", I, [0, 0, 1, 2, 0, 1, 3, 0], 1.5), row("Pad", I, [0, 0, 1, -2, 0, 0, -1, 1], runtime=True),
    *(row("Pad", I, [0, 0, 2, 1, 0, 0, 1, 3], mode=mode) for mode in ("reflect", "edge")),
    row("Pad", I, [0, 0, 2, 1, 0, 0, 1, 3], mode="wrap", opset=19),
    row("Gather", I, [[0, 2], [2, -1]], axis=1), row("Gather", I, 1, axis=2),
    row("Gather", (3, 2), [0] * 12),
    row("Resize", I, None, np.array([1.0, 1.0, 2.0, 3.0], np.float32)),
    row("Resize", I, None, None, [2, 3, 3, 4], mode="nearest"),
    row("Resize", I, None, np.array([1.0, 1.0, 2.0, 2.0], np.float32), mode="linear"),
    row("Resize", I, None, None, [2, 3, 8, 9], mode="linear",
        coordinate_transformation_mode="align_corners"),
    row("Resize", I, None, np.array([1.0, 1.0, 2.0, 1.5], np.float32), mode="cubic", runtime=True),
    row("DepthToSpace", (1, 8, 2, 3), blocksize=2), row("SpaceToDepth", (1, 2, 4, 6), blocksize=2),
    row("DepthToSpace", (1, 8, 2, 3), blocksize=2, mode="CRD"),
    *(row("CumSum", (3, 4), 1, exclusive=e, reverse=r) for e in (0, 1) for r in (0, 1)),
    row("Trilu", (4, 5), 1), row("Trilu", (4, 5), upper=0),
    row("ReverseSequence", (4, 2, 3), [3, 1]),
]  # fmt: skip
PRODUCTS = [
    *(row("MatMul", a, b, by=by)
      for a, b in (((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)),
                   ((2, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3, 4))) for by in (0, 1)),
    *(row("Gemm", (3, 2) if ta else (2, 3), (4, 3) if tb else (3, 4), (4,), by=by, transA=ta,
          transB=tb, alpha=0.5, beta=2.0) for ta in (0, 1) for tb in (0, 1) for by in (0, 1, 2)),
    *(row("Einsum", (2, 3, 4), (4, 5), by=by, equation="bij,jk->bki") for by in (0, 1)),
    *(row("Einsum", (2, 3), (4,), by=by, equation="ij,k->j") for by in (0, 1)),
]  # fmt: skip
rng = np.random.default_rng(0)


def weights(*shape: int) -> np.ndarray:
    return np.round(rng.standard_normal(shape), 2)


WINDOWS = [
    row("Conv", (2, 3, 7), weights(4, 3, 3), strides=[2], pads=[1, 0]),
    row("Conv", I, weights(4, 3, 3, 2), weights(4), strides=[2, 3], pads=[1, 1, 0, 1]),
    row("Conv", (1, 4, 6, 7), weights(6, 2, 2, 3), group=2, runtime=True, dilations=[2, 1],
        pads=[2, 0, 1, 1]),
    row("Conv", (1, 3, 6, 7), weights(6, 1, 3, 3), group=3, runtime=True, strides=[4, 2]),
    row("Conv", (1, 2, 3, 4, 5), weights(3, 2, 2, 2, 3), pads=[1, 0, 1, 0, 1, 1]),
    *(row("Conv", (1, 2, 7, 7), weights(3, 2, 3, 2), strides=[2, 3], auto_pad=auto)
      for auto in ("SAME_UPPER", "SAME_LOWER", "VALID")),
    row("ConvTranspose", (1, 3, 4, 5), weights(3, 2, 3, 2), strides=[2, 3], pads=[1, 0, 0, 1]),
    row("ConvTranspose", (1, 4, 4, 5), weights(4, 3, 3, 3), group=2, runtime=True, strides=[2, 2],
        pads=[1, 1, 1, 1], output_padding=[1, 0]),
    row("ConvTranspose", (1, 2, 5), weights(2, 3, 3), dilations=[2]),
    row("ConvTranspose", (1, 2, 5), weights(2, 3, 3), pads=[3, 2]),
    row("ConvTranspose", (1, 2, 4, 5), weights(2, 3, 3, 3), strides=[2, 2], output_shape=[8, 10],
        runtime=True),
    row("ConvTranspose", (1, 2, 4, 5), weights(2, 3, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER"),
    row("ConvTranspose", (1, 2, 4, 5), weights(2, 3, 3, 3), strides=[2, 2], auto_pad="SAME_LOWER"),
    *(row(op, (2, 2, 7, 7), distinct=True, runtime=True, kernel_shape=[3, 2], strides=[2, 2], **more)
      for op in ("MaxPool", "AveragePool")
      for more in ({}, {"pads": [1, 0, 1, 1]}, {"ceil_mode": 1}, {"pads": [1, 1, 1, 0], "ceil_mode": 1},
                   {"auto_pad": "SAME_UPPER"}, {"auto_pad": "SAME_LOWER"})),
    row("MaxPool", (1, 2, 9), distinct=True, kernel_shape=[3], dilations=[2], pads=[1, 1]),
    row("MaxPool", (1, 2, 3, 4, 5), distinct=True, runtime=True, kernel_shape=[2, 2, 3],
        pads=[0, 0, 1, 1, 0, 1]),
    row("AveragePool", I, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
    row("AveragePool", (1, 2, 7, 8), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 0],
        count_include_pad=1, ceil_mode=1, opset=19),
    row("AveragePool", (1, 2, 9), kernel_shape=[3], dilations=[2], opset=19),
    row("GlobalAveragePool", I), row("GlobalMaxPool", I, distinct=True),
]  # fmt: skip


def normal(x: np.ndarray, axes: tuple[int, ...], epsilon: float) -> np.ndarray:
    x = x - x.mean(axis=axes, keepdims=True)
    return x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + epsilon)


def by_groups(x: np.ndarray, scale: np.ndarray, bias: np.ndarray) -> np.ndarray:
    y = normal(x.reshape(2, 3, 2, 3, 4), (2, 3, 4), 1e-5).reshape(x.shape)
    return y * scale.reshape(6, 1, 1) + bias.reshape(6, 1, 1)


def across(x: np.ndarray, before: int, after: int, bias: float) -> np.ndarray:
    """ONNX's formula of LRN with alpha 0.5 and beta 0.75, channel by channel."""
    y = np.zeros_like(x)
    for c in range(x.shape[1]):
        near = x[:, max(c - before, 0) : c + after + 1]
        y[:, c] = x[:, c] / (bias + 0.5 / (before + after + 1) * (near**2).sum(axis=1)) ** 0.75
    return y


S, B = weights(3), weights(3)
NORMALISING = [
    row("BatchNormalization", I, S, B, weights(3), np.abs(weights(3)) + 0.2),
    row("InstanceNormalization", I, S, B),
    row("GroupNormalization", (2, 6, 3, 4), S, B, num_groups=3, opset=18),
    row("GroupNormalization", (2, 6, 3, 4), weights(6), weights(6), num_groups=3, opset=21,
        reckoned=by_groups),
    row("LayerNormalization", I, weights(6), weights(6)),
    row("LayerNormalization", I, weights(5, 6), axis=-2), row("LayerNormalization", (2, 3, 4), weights(4)),
    row("RMSNormalization", (2, 3, 4), weights(4), opset=23),
    row("MeanVarianceNormalization", (2, 3, 3, 2), reckoned=lambda x: normal(x, (0, 2, 3), 0.0)),
    row("LpNormalization", (2, 3, 4), axis=1),
    *(row(op, I, axis=axis, opset=opset) for op in ("Softmax", "LogSoftmax")
      for axis, opset in ((1, 13), (-1, 17))),
    row("LRN", (1, 5, 2, 3), size=3, alpha=0.5, bias=1.5, reckoned=lambda x: across(x, 1, 1, 1.5)),
    row("LRN", (1, 7, 2, 3), size=5, alpha=0.5, reckoned=lambda x: across(x, 2, 2, 1.0)),
]  # fmt: skip


ROWS = [*POINTWISE, *ARITHMETIC, *MOVING, *PRODUCTS, *WINDOWS, *NORMALISING]


@pytest.mark.parametrize("case", some(ROWS, 60))
def test_a_gradient_equals_finite_differences(case: Any) -> None:
    source = case[6]
    at, step = forward(case)
    x = case[1][source].astype("float64")
    out = np.asarray(at(x), "float64")
    seed = np.round(np.random.default_rng(1).standard_normal(out.shape), 3)
    found = dict(gradients(case, seed))
    for direction in directions(x.shape):
        ahead, behind = (np.asarray(at(x + k * step * direction), "float64") for k in (1, -1))
        slope = float(((ahead - behind) * seed).sum()) / (2 * step)
        for dtype, gradient in found.items():
            assert gradient.shape == x.shape
            close = 1e-6 if dtype == "float64" and step == STEP else 1e-3
            along = float((gradient * direction).sum())
            assert along == pytest.approx(slope, rel=close, abs=close), dtype


def gradients(case: Any, seed: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Ours, by dtype."""
    proto, tensor, source = model(case, "float32")
    feeds = {**feeds_of(case, "float32"), SEED: np.asarray(seed, "float32")}
    yield "float32", run_onnxruntime(written(proto, tensor, source), feeds).astype("float64")
    if not case[-1]:
        proto, tensor, source = model(case, "float64")
        feeds = {**feeds_of(case, "float64"), SEED: seed}
        yield "float64", run_reference(written(proto, tensor, source), feeds)
