"""Random valid graphs: the shape and dtype of every tensor, and ONNX Runtime's.

Hypothesis draws an input and up to twelve operators with random attributes, each fitting what is
there; ONNX Runtime runs the graph with optimisations off and every tensor exposed. Where it
refuses a graph, so must we, but for what `excused` proves of the node it refused.

For as long as is wanted: ``CNNSCOPE_GRAPHS=20000 CNNSCOPE_SEED=7 pytest tests/test_generated_graphs.py``.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from amounts import amount
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from networks import refusal
from onnx import TensorProto, helper, numpy_helper

import cnnscope

LARGEST = 20_000  # elements of a tensor: it is run
FLOATS = ("float32",)
CODES = {
    "float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "int32": TensorProto.INT32,
    "bool": TensorProto.BOOL, "float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE,
    "uint8": TensorProto.UINT8,
}  # fmt: skip
GRAPHS = int(os.environ.get("CNNSCOPE_GRAPHS", amount(40, 150)))
SEED = int(os.environ.get("CNNSCOPE_SEED", "20240611"))


@dataclass
class Growing:
    """A graph being drawn: every tensor so far with its shape and dtype."""

    draw: Callable[..., Any]
    tensors: dict[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    init: list[TensorProto] = field(default_factory=list)

    def number(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def choice(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def pick(self, *, rank: range = range(1, 6), dtypes: tuple[str, ...] = FLOATS) -> str | None:
        fitting = [n for n, (s, t) in self.tensors.items() if len(s) in rank and t in dtypes]
        return self.choice(fitting) if fitting else None

    def ints(self, *values: int) -> str:
        name = f"c{len(self.init)}"
        self.init.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def weight(self, *shape: int, dtype: str = "float32") -> str:
        name = f"w{len(self.init)}"
        self.init.append(numpy_helper.from_array(np.ones(shape, dtype), name))
        return name

    def add(self, op: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> None:
        names = [f"t{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, **attributes))


# -- the operators: each appends one node that fits, or nothing ------------------------------------


def window(g: Growing, lengths: tuple[int, ...]) -> dict[str, Any]:
    axes = len(lengths)
    kernel = [g.number(1, 4) for _ in lengths]
    found: dict[str, Any] = {"kernel_shape": kernel}
    if g.choice((True, False)):
        found["strides"] = [g.number(1, 3) for _ in range(axes)]
    how = g.choice(("none", "pads", "SAME_UPPER", "SAME_LOWER", "VALID"))
    # With SAME, ONNX Runtime refuses dilations (Conv) or leaves them out of the padding (pools).
    if not how.startswith("SAME") and g.choice((True, False)):
        found["dilations"] = [g.number(1, 3) for _ in range(axes)]
    if how == "pads":
        found["pads"] = [g.number(0, k - 1) for k in kernel] * 2
    elif how != "none":
        found["auto_pad"] = how
    return found


def conv(g: Growing, x: str) -> None:
    (_, channels, *lengths), _ = g.tensors[x]
    given = window(g, tuple(lengths))
    group = g.choice([d for d in (1, 2, channels) if channels and channels % d == 0])
    w = g.weight(group * g.number(1, 3), channels // group, *given["kernel_shape"])
    g.add("Conv", [x, w], group=group, **given)


def conv_transpose(g: Growing, x: str) -> None:
    (_, channels, *lengths), _ = g.tensors[x]
    given = window(g, tuple(lengths))
    if given.get("auto_pad", "NOTSET") != "NOTSET":
        given.pop("dilations", None)
    w = g.weight(channels, g.number(1, 3), *given["kernel_shape"])
    g.add("ConvTranspose", [x, w], **given)


def pool(g: Growing, x: str) -> None:
    (_, _, *lengths), _ = g.tensors[x]
    given = window(g, tuple(lengths))
    op = g.choice(("MaxPool", "AveragePool"))
    if g.choice((True, False)):
        given["ceil_mode"] = 1
    g.add(op, [x], **given)


def global_pool(g: Growing, x: str) -> None:
    g.add(g.choice(("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")), [x])


def resize(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    mode = g.choice(("nearest", "linear"))
    if g.choice((True, False)):
        sizes = [*shape[:2], *(g.number(1, 12) for _ in shape[2:])]
        g.add("Resize", [x, "", "", g.ints(*sizes)], mode=mode)
        return
    name = f"s{len(g.init)}"
    scales = np.array([1, 1, *(g.choice((0.5, 1, 1.5, 2, 0.7)) for _ in shape[2:])], np.float32)
    g.init.append(numpy_helper.from_array(scales, name))
    g.add("Resize", [x, "", name], mode=mode)


def pad(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    mode = g.choice(("constant", "edge", "reflect"))
    ends = [
        g.number(0, 2 if mode != "reflect" else max(0, min(2, n - 1))) for n in (*shape, *shape)
    ]
    g.add("Pad", [x, g.ints(*ends)], mode=mode)


def slice_(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    axis = g.number(-len(shape), len(shape) - 1)
    n = shape[axis]
    start, end = g.number(-n - 2, n + 2), g.choice((2**63 - 1, -(2**63), g.number(-n - 2, n + 2)))
    step = g.choice((1, 1, 2, 3, -1, -2))
    # ONNX clamps ends to the axis, so going backwards there is nothing before the largest integer
    # (`test_slices_to_the_largest_integer`); ONNX Runtime takes it for "to the end" both ways.
    if step < 0 and end == 2**63 - 1:
        end = -(2**63)
    g.add("Slice", [x, g.ints(start), g.ints(end), g.ints(axis), g.ints(step)])


def concat(g: Growing, x: str) -> None:
    shape, dtype = g.tensors[x]
    axis = g.number(-len(shape), len(shape) - 1)
    others = [
        n for n, (s, t) in g.tensors.items()
        if t == dtype and len(s) == len(shape)
        and all(a == b for i, (a, b) in enumerate(zip(s, shape, strict=True)) if i != axis % len(s))
    ]  # fmt: skip
    g.add("Concat", [x, *(g.choice(others) for _ in range(g.number(0, 2)))], axis=axis)


def reshape(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    size = int(np.prod(shape))
    how = g.choice(("split", "zero", "flat", "minus"))
    if how == "split":
        divisor = g.choice([d for d in range(1, 9) if size % d == 0] or [1])
        wanted = [divisor, size // divisor]
    elif how == "zero":
        wanted = [*([0] * g.number(0, len(shape))), -1]
    elif how == "flat":
        g.add("Flatten", [x], axis=g.number(-len(shape), len(shape)))
        return
    else:
        wanted = [1, -1, 1]
    g.add("Reshape", [x, g.ints(*wanted)])


def transpose(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    perm = g.draw(st.permutations(range(len(shape))))
    g.add("Transpose", [x], **({"perm": perm} if g.choice((True, False)) else {}))


def reduce(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    op = g.choice(("ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2", "ReduceProd"))
    axes = [a for a in range(len(shape)) if g.choice((True, False))]
    signs = [a - len(shape) if g.choice((True, False)) else a for a in axes]
    extra = {"noop_with_empty_axes": 1} if g.choice((True, False)) else {}
    g.add(op, [x, g.ints(*signs)] if axes else [x], keepdims=g.number(0, 1), **extra)


def arg(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    axis = g.number(-len(shape), len(shape) - 1)
    g.add(g.choice(("ArgMax", "ArgMin")), [x], axis=axis, keepdims=g.number(0, 1))


def matmul(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    width = g.number(1, 4)
    other = g.choice(((shape[-1],), (shape[-1], width), (2, 1, shape[-1], width)))
    g.add("MatMul", [x, g.weight(*other)])


def gemm(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    if len(shape) != 2:
        return
    a, b = g.number(0, 1), g.number(0, 1)
    inner, width = shape[0] if a else shape[1], g.number(1, 4)
    bias = [g.weight(width)] if g.choice((True, False)) else []
    w = g.weight(*((width, inner) if b else (inner, width)))
    g.add("Gemm", [x, w, *bias], transA=a, transB=b)


def split(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    axis = g.number(-len(shape), len(shape) - 1)
    n = shape[axis]
    if g.choice((True, False)) and n >= 2:
        first = g.number(1, n - 1)
        g.add("Split", [x, g.ints(first, n - first)], 2, axis=axis)
    elif n:
        parts = g.number(1, min(3, n))
        g.add("Split", [x], parts, axis=axis, num_outputs=parts)


def gather(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    axis = g.number(-len(shape), len(shape) - 1)
    n = shape[axis]
    if not n:
        return
    count = g.number(1, 3)
    g.add("Gather", [x, g.ints(*(g.number(-n, n - 1) for _ in range(count)))], axis=axis)


def binary(g: Growing, x: str) -> None:
    shape, dtype = g.tensors[x]
    other = [n if g.choice((True, False)) else 1 for n in shape][g.number(0, len(shape)) :]
    op = g.choice(("Add", "Mul", "Sub", "Div", "Max", "Equal", "Less", "Greater", "Pow"))
    g.add(op, [x, g.weight(*other, dtype=dtype)])


def unary(g: Growing, x: str) -> None:
    op = g.choice((
        "Relu", "Sigmoid", "Tanh", "Abs", "Neg", "Exp", "Floor", "Softplus", "Elu", "HardSigmoid",
        "LeakyRelu", "Identity", "Shape", "Size", "Softmax", "LogSoftmax", "IsNaN", "NonZero", "Sign",
    ))  # fmt: skip
    g.add(op, [x])


def cast(g: Growing, x: str) -> None:
    kind = g.choice(("float16", "float64", "int64", "int32", "uint8", "bool", "float32"))
    g.add("Cast", [x], to=CODES[kind])


def squeeze(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    ones = [i for i, n in enumerate(shape) if n == 1]
    if ones and g.choice((True, False)):
        g.add("Squeeze", [x, g.ints(*ones)] if g.choice((True, False)) else [x])
    elif len(shape) < 5:
        g.add("Unsqueeze", [x, g.ints(g.number(-len(shape) - 1, len(shape)))])


def expand(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    wanted = [g.number(1, 3) if n == 1 else g.choice((1, n)) for n in shape]
    lead = [g.number(1, 2)] if len(shape) < 5 and g.choice((True, False)) else []
    g.add("Expand", [x, g.ints(*lead, *wanted)])


def tile(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    g.add("Tile", [x, g.ints(*(g.number(0, 2) for _ in shape))])


def normalise(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    if len(shape) >= 3 and g.choice((True, False)):
        c = shape[1]
        g.add("BatchNormalization", [x, *(g.weight(c) for _ in range(4))])
    else:
        g.add("LayerNormalization", [x, g.weight(shape[-1])], axis=-1)


def depth_to_space(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    if len(shape) != 4:
        return
    if shape[1] % 4 == 0 and shape[1]:
        g.add("DepthToSpace", [x], blocksize=2, mode=g.choice(("DCR", "CRD")))
    elif shape[2] % 2 == 0 and shape[3] % 2 == 0:
        g.add("SpaceToDepth", [x], blocksize=2)


def topk(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    axis = g.number(-len(shape), len(shape) - 1)
    if shape[axis]:
        g.add("TopK", [x, g.ints(g.number(1, shape[axis]))], 2, axis=axis)


def cumsum(g: Growing, x: str) -> None:
    shape, _ = g.tensors[x]
    axis = f"a{len(g.init)}"
    g.init.append(numpy_helper.from_array(np.array(g.number(0, len(shape) - 1), np.int64), axis))
    g.add("CumSum", [x, axis], exclusive=g.number(0, 1), reverse=g.number(0, 1))


def branch(g: Growing, x: str) -> None:
    condition = f"b{len(g.init)}"
    g.init.append(numpy_helper.from_array(np.array(g.choice((True, False))), condition))
    made = []
    for side, op in (
        ("then", "Relu"),
        ("else", g.choice(("Neg", "Abs", "Shape", "GlobalMaxPool"))),
    ):
        if op in ("Shape",) or (op == "GlobalMaxPool" and len(g.tensors[x][0]) < 3):
            op = "Exp"
        inner = helper.make_node(op, [x], [f"{side}{len(g.nodes)}"])
        end = onnx.ValueInfoProto(name=inner.output[0])
        made.append(helper.make_graph([inner], side, [], [end]))
    g.add("If", [condition], then_branch=made[0], else_branch=made[1])


SPATIAL = (conv, conv, conv_transpose, pool, pool, global_pool, resize, depth_to_space)
ANY = (
    pad, slice_, concat, reshape, transpose, reduce, arg, matmul, gemm, split, gather, binary,
    unary, unary, cast, squeeze, expand, tile, normalise, topk, cumsum, branch,
)  # fmt: skip


def model_of(g: Growing, shape: tuple[int, ...]) -> onnx.ModelProto:
    graph = helper.make_graph(
        g.nodes, "generated", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [onnx.ValueInfoProto(name=n) for node in g.nodes for n in node.output], g.init,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def executed(made: onnx.ModelProto, shape: tuple[int, ...]) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(made.SerializeToString(), options, ["CPUExecutionProvider"])
    found: list[np.ndarray] = session.run(None, {"x": np.ones(shape, np.float32)})
    return found


def agrees(made: onnx.ModelProto, actual: list[np.ndarray]) -> None:
    """Every tensor's shape and dtype as they were; what only data tells is a free dimension."""
    report = cnnscope.analyze(made)
    for name, array in zip((o.name for o in made.graph.output), actual, strict=True):
        mine = report.tensors[name]
        assert mine.dtype == str(array.dtype), name
        assert mine.shape is not None, name
        assert len(mine.shape) == array.ndim, (name, mine.shape, array.shape)
        for ours, theirs in zip(mine.shape, array.shape, strict=True):
            assert ours == theirs or (not isinstance(ours, int) and ours.data), (
                name, mine.shape, array.shape,
            )  # fmt: skip


@st.composite
def graphs(draw: Callable[..., Any]) -> tuple[onnx.ModelProto, list[np.ndarray] | str]:
    """A graph, and what ONNX Runtime gives for each of its tensors, or why it refuses the last."""
    g = Growing(draw)
    axes = g.number(1, 3)
    shape = (g.number(1, 2), g.choice((1, 2, 3, 4)), *(g.number(1, 9) for _ in range(axes)))
    g.tensors["x"] = shape, "float32"
    actual: list[np.ndarray] = []
    for _ in range(g.number(1, 12)):
        before = len(g.nodes), len(g.init)
        grow = g.choice(SPATIAL if g.number(0, 1) else ANY)
        x = g.pick(rank=range(3, 6) if grow in SPATIAL else range(1, 6))
        if x is None or 0 in g.tensors[x][0]:
            continue
        grow(g, x)
        if len(g.nodes) == before[0]:
            continue
        try:
            actual = executed(model_of(g, shape), shape)
        except Exception as error:  # noqa: BLE001  # ONNX Runtime's errors share no narrower base
            return model_of(g, shape), str(error)
        if any(array.size > LARGEST for array in actual):
            del g.nodes[before[0] :], g.init[before[1] :]
            continue
        names = [n for node in g.nodes for n in node.output]
        for name, array in zip(names, actual, strict=True):
            g.tensors[name] = array.shape, str(array.dtype)
    if not g.nodes:
        g.add("Relu", ["x"])
    made = model_of(g, shape)
    return made, executed(made, shape)


# -- where ONNX Runtime and ONNX's text differ -----------------------------------------------------


def lengths_of_pool(node: onnx.NodeProto, shape: Sequence[int]) -> list[int]:
    """By the text of MaxPool: ``floor((n + pads - extent)/stride) + 1``; with ceil_mode rounded up,
    but for a last window that would begin in the padding."""
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    kernel, axes = given["kernel_shape"], len(shape) - 2
    steps, spacings = (given.get(name, [1] * axes) for name in ("strides", "dilations"))
    pads = given.get("pads", [0] * 2 * axes)
    found = []
    for i, n in enumerate(shape[2:]):
        if given.get("auto_pad", b"NOTSET").startswith(b"SAME"):
            found.append(-(-n // steps[i]))
            continue
        left = n + pads[i] + pads[axes + i] - spacings[i] * (kernel[i] - 1) - 1
        if not given.get("ceil_mode"):
            found.append(math.floor(left / steps[i]) + 1)
            continue
        count = math.ceil(left / steps[i]) + 1
        found.append(count - ((count - 1) * steps[i] >= n + pads[i]))
    return found


def a_pool_without_outputs(made: onnx.ModelProto, shapes: dict[str, Sequence[int]]) -> bool:
    """Is there a pool whose kernel fits nowhere, which we refuse?

    ONNX Runtime divides towards zero, ``(3 - 4)/2 + 1 = 1``, and pools what isn't there; where the
    division is exact it gives an axis of length 0.
    """
    return any(
        min(lengths_of_pool(node, shapes[node.input[0]])) < 1
        for node in made.graph.node
        if node.op_type in ("MaxPool", "AveragePool")
    )


def excused(made: onnx.ModelProto, refusal: str) -> bool:
    """Is it right to take what ONNX Runtime refuses: the last node, after others that it ran?"""
    # Lengths are what is told here, not which kernels there are.
    if "NOT_IMPLEMENTED" in refusal or "Could not find an implementation" in refusal:
        return True
    last = made.graph.node[-1]
    given = {a.name: helper.get_attribute_value(a) for a in last.attribute}
    shapes = ran(made)
    # SAME gives ceil(n/stride) outputs; with a stride beyond the kernel no padding is left over, and
    # ONNX Runtime complains that it is negative.
    if "padding values must be non-negative" in refusal:
        steps, kernel = given.get("strides", [1]), given["kernel_shape"]
        return given["auto_pad"].startswith(b"SAME") and any(map(int.__gt__, steps, kernel))
    # "The last chunk will be smaller": it may be empty, as onnx's reference has it.
    if "exceeds the remaining size" in refusal:
        n, parts = shapes[last.input[0]][given["axis"]], given["num_outputs"]
        return (parts - 1) * math.ceil(n / parts) == n
    # Before it runs anything ONNX Runtime infers shapes, sometimes others than it gives when it runs.
    if "ShapeInferenceError" in refusal or "pre-allocated shapes" in refusal:
        inferred = onnx.shape_inference.infer_shapes(made).graph
        return any(
            [d.dim_value for d in value.type.tensor_type.shape.dim] != list(shapes[value.name])
            for value in [*inferred.value_info, *inferred.output]
            if value.name in shapes and value.type.tensor_type.HasField("shape")
        )
    return False


def ran(made: onnx.ModelProto) -> dict[str, Sequence[int]]:
    """The shapes of the tensors before the last node, which was refused."""
    before = onnx.ModelProto()
    before.CopyFrom(made)
    last = before.graph.node.pop()
    ends = [o for o in before.graph.output if o.name not in last.output]
    del before.graph.output[:]
    before.graph.output.extend(ends)
    shape = tuple(d.dim_value for d in made.graph.input[0].type.tensor_type.shape.dim)
    arrays = executed(before, shape) if ends else []
    names = [o.name for o in ends]
    return {"x": shape, **{n: a.shape for n, a in zip(names, arrays, strict=True)}}


def compare(made: onnx.ModelProto, actual: list[np.ndarray] | str) -> bool:
    """Whether it could be run; raises where we and ONNX Runtime differ."""
    if not isinstance(actual, str):
        said = refusal(made)
        if said:
            shape = tuple(d.dim_value for d in made.graph.input[0].type.tensor_type.shape.dim)
            shapes: dict[str, Sequence[int]] = {"x": shape}
            for o, array in zip(made.graph.output, actual, strict=True):
                shapes[o.name] = array.shape
            if "doesn't fit into" in said and a_pool_without_outputs(made, shapes):
                return False
            raise AssertionError(f"we refuse what ONNX Runtime runs: {said}")
        agrees(made, actual)
        return True
    if refusal(made):
        return False
    if excused(made, actual):
        return False
    raise AssertionError(f"we take what ONNX Runtime refuses: {actual}")


@seed(SEED)
@settings(
    max_examples=GRAPHS,
    deadline=None,
    derandomize=False,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(graphs())
def test_generated_graphs(drawn: tuple[onnx.ModelProto, list[np.ndarray] | str]):
    compare(*drawn)


@pytest.mark.parametrize("grow", [*dict.fromkeys(SPATIAL), *ANY])
def test_the_vocabulary_gives_every_operator(grow: Callable[[Growing, str], None]):
    """Each drawing function gives a node that runs, so that none is silently left out."""
    runs = 0

    @seed(1)
    @settings(max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def draw(data: Any) -> None:
        nonlocal runs
        g = Growing(data.draw)
        shape = (2, 4) if grow is gemm else (1, 4, 6, 6)
        g.tensors["x"] = shape, "float32"
        grow(g, "x")
        if g.nodes:
            made = model_of(g, shape)
            try:
                actual: list[np.ndarray] | str = executed(made, shape)
            except Exception as error:  # noqa: BLE001
                actual = str(error)
            runs += compare(made, actual)

    draw()
    assert runs


@pytest.mark.parametrize("step", [-1, -2, 1])
def test_slices_to_the_largest_integer(step: int):
    """As ONNX's own inference clamps; ONNX Runtime too, but for the largest integers backwards."""
    starts = (-(2**63), -6, -5, -1, 0, 3, 4, 5, 2**63 - 1)
    ends = (2**63 - 1, 2**31 - 1, 2**62, 7, 5, 0, -5, -6, -(2**31), -(2**63))
    for start, end in itertools.product(starts, ends):
        g = Growing(lambda _: None)
        g.add("Slice", ["x", g.ints(start), g.ints(end), g.ints(0), g.ints(step)])
        made = model_of(g, (5,))
        inferred = onnx.shape_inference.infer_shapes(made, strict_mode=True).graph.output[0]
        (length,) = cnnscope.analyze(made).outputs[0].shape or ()
        assert [length] == [d.dim_value for d in inferred.type.tensor_type.shape.dim], (start, end)
        if step > 0 or end < 2**31 - 1:
            assert (length,) == executed(made, (5,))[0].shape, (start, end)
