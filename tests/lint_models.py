"""For every rule of lint, tiny networks that it finds something in and some that it doesn't.

Each network isolates one phenomenon; what is at stake is worked out by hand beside it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from networks import network, node
from onnx import TensorProto

Built = Callable[[], onnx.ModelProto]


@dataclass(frozen=True)
class Example:
    """A network, and what a rule says of it.

    Args:
        code: the rule.
        build: the network.
        stake: of its findings; None: there are none.
        severity: of that finding, where it isn't the rule's own.
        told: further arguments of `lint`.
        layers: how many layers each is about.
        findings: how many there are.
    """

    code: str
    build: Built
    stake: Mapping[str, int] | None
    severity: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    layers: int | None = None
    findings: int = 1


def conv(inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return node("Conv", inputs, output, **attributes)


def half(channels: int) -> onnx.ModelProto:
    """A pointwise convolution in float16."""
    weights = np.ones((channels, channels, 1, 1), np.float16)
    return network(
        node("Cast", "x", "h", to=TensorProto.FLOAT16), conv("h w", "y"),
        x=(1, channels, 8, 8), w=weights,
    )  # fmt: skip


def chain(count: int, side: int) -> onnx.ModelProto:
    """3x3 convolutions in a row: fields of 3, 5, 7, ... positions."""
    names = ["x", *(f"t{i}" for i in range(1, count + 1))]
    nodes = [
        conv(f"{a} w{i}", b, pads=[1] * 4) for i, (a, b) in enumerate(itertools.pairwise(names))
    ]
    return network(*nodes, x=(1, 1, side, side), **{f"w{i}": (1, 1, 3, 3) for i in range(count)})


def joined(pads: list[int], size: int, op: str = "Concat") -> onnx.ModelProto:
    """A 3x3 convolution of stride 2 beside another one; its own centre is 0."""
    attributes = {"axis": 1} if op == "Concat" else {}
    return network(
        conv("x a", "p", strides=[2, 2], pads=[1] * 4),
        conv("x b", "q", strides=[2, 2], pads=pads),
        node(op, "p q", "y", **attributes),
        x=(1, 1, 16, 16), a=(1, 1, 3, 3), b=(1, 1, size, size),
    )  # fmt: skip


def single(side: int, kernel: int, channels: tuple[int, int] = (1, 1), **attributes: Any) -> Built:
    """One convolution on a square map."""
    group = attributes.get("group", 1)
    return lambda: network(
        conv("x w", "y", **attributes),
        x=(1, channels[0], side, side),
        w=(channels[1], channels[0] // group, kernel, kernel),
    )


def halved(coordinates: str) -> Built:
    """A linear resize by half before a 1x1 convolution."""
    return lambda: network(
        node("Resize", "x roi s", "r", mode="linear", coordinate_transformation_mode=coordinates),
        conv("r w", "y"),
        x=(1, 1, 8, 8), w=(1, 1, 1, 1), roi=np.zeros(0, np.float32),
        s=np.array([1, 1, 0.5, 0.5], np.float32),
    )  # fmt: skip


def transposed(kernel: int, stride: int) -> Built:
    return lambda: network(
        node("ConvTranspose", "x w", "y", strides=[stride, stride]),
        x=(1, 1, 4, 4), w=(1, 1, kernel, kernel),
    )  # fmt: skip


def shortcut() -> onnx.ModelProto:
    """A strided 1x1 convolution beside one that reads everything."""
    return joined([0] * 4, 1, "Add")


def causal() -> onnx.ModelProto:
    """A residual connection around a convolution that looks back: both end at the same place."""
    return network(conv("x w", "c", pads=[2, 0]), node("Add", "x c", "y"), x=(1, 1, 8), w=(1, 1, 3))


def space_to_depth() -> onnx.ModelProto:
    """Every second position and the ones between, side by side: a shift that is meant."""
    ends = np.array([2**31], np.int64)
    steps, axis = np.array([2], np.int64), np.array([2], np.int64)
    return network(
        node("Slice", "x zero ends axis steps", "p"), node("Slice", "x one ends axis steps", "q"),
        node("Concat", "p q", "y", axis=1),
        x=(1, 1, 8), zero=np.array([0], np.int64), one=np.array([1], np.int64), ends=ends,
        steps=steps, axis=axis,
    )  # fmt: skip


def dilated(*rates: int, kernel: int = 3) -> Built:
    """Convolutions of these dilations, the size kept."""
    names = ["x", *(f"t{i}" for i in range(1, len(rates) + 1))]

    def build() -> onnx.ModelProto:
        nodes = [
            conv(f"{names[i]} w{i}", names[i + 1], dilations=[d, d], pads=[d] * 4)
            for i, d in enumerate(rates)
        ]
        weights = {f"w{i}": (1, 1, kernel, kernel) for i in range(len(rates))}
        return network(*nodes, x=(1, 1, 32, 32), **weights)

    return build


def wavenet() -> onnx.ModelProto:
    """Doubling rates of two taps, padded by a layer of its own: every position is read once."""
    nodes, last, stored = [], "x", {}
    for i in range(4):
        rate = 2**i
        stored[f"p{i}"] = np.array([0, 0, rate, 0, 0, 0], np.int64)
        stored[f"w{i}"] = np.ones((1, 1, 2), np.float32)
        nodes += [
            node("Pad", f"{last} p{i}", f"padded{i}"),
            conv(f"padded{i} w{i}", f"c{i}", dilations=[rate]),
            node("Add", f"{last} c{i}", f"t{i}"),
        ]
        last = f"t{i}"
    return network(*nodes, x=(1, 1, 64), **stored)


def pooled(side: int, kernel: int, stride: int) -> Built:
    return lambda: network(
        node("MaxPool", "x", "y", kernel_shape=[kernel] * 2, strides=[stride] * 2),
        x=(1, 1, side, side),
    )


NORM = {"scale": (1,), "shift": (1,), "mean": (1,), "var": (1,)}


def normalised(*between: str) -> Built:
    """Batch normalisation, perhaps something else, then a padded convolution."""

    def build() -> onnx.ModelProto:
        nodes = [node("BatchNormalization", "x scale shift mean var", "n")]
        last = "n"
        for op in between:
            nodes.append(node(op, last, f"{last}_{op}"))
            last = f"{last}_{op}"
        return network(
            *nodes, conv(f"{last} w", "y", pads=[1] * 4), x=(1, 1, 8, 8), w=(1, 1, 3, 3), **NORM
        )

    return build


def folded(first: str) -> Built:
    """A convolution and a batch normalisation, in either order."""
    norm = "{} scale shift mean var"
    if first == "Conv":
        nodes = conv("x w", "c"), node("BatchNormalization", norm.format("c"), "y")
    else:
        nodes = node("BatchNormalization", norm.format("x"), "n"), conv("n w", "y")
    return lambda: network(*nodes, x=(1, 1, 8, 8), w=(1, 1, 1, 1), **NORM)


def head(*between: str, width: int) -> Built:
    """A convolution, what comes between, and ten outputs that are each a sum over all of it."""

    def build() -> onnx.ModelProto:
        nodes, last = [conv("x w", "c", pads=[1] * 4)], "c"
        for op in (*between, "Flatten"):
            nodes.append(node(op, last, f"{last}_{op}"))
            last = f"{last}_{op}"
        return network(
            *nodes, node("Gemm", f"{last} v b", "y"),
            x=(1, 2, 4, 4), w=(2, 2, 3, 3), v=(width, 10), b=(10,),
        )  # fmt: skip

    return build


def stack(*widths: int) -> Built:
    """Pointwise convolutions of these channels, the first number being the input's."""

    def build() -> onnx.ModelProto:
        names = ["x", *(f"t{i}" for i in range(1, len(widths)))]
        nodes = [conv(f"{names[i]} w{i}", names[i + 1]) for i in range(len(widths) - 1)]
        weights = {f"w{i}": (widths[i + 1], widths[i], 1, 1) for i in range(len(widths) - 1)}
        return network(*nodes, x=(1, widths[0], 8, 8), **weights)

    return build


def ops(*steps: tuple[str, dict[str, Any]], outputs: str = "", side: int = 8) -> Built:
    """Layers of one input in a row."""

    def build() -> onnx.ModelProto:
        nodes, last = [], "x"
        for i, (op, attributes) in enumerate(steps):
            nodes.append(node(op, last, f"t{i}", **attributes))
            last = f"t{i}"
        return network(*nodes, x=(1, 2, side, side), outputs=outputs)

    return build


def cast(to: int) -> tuple[str, dict[str, Any]]:
    return "Cast", {"to": to}


def order(*perm: int) -> tuple[str, dict[str, Any]]:
    return "Transpose", {"perm": list(perm)}


def beside(outputs: str) -> Built:
    """Two convolutions of one input."""
    return lambda: network(
        conv("x a", "y"), conv("x b", "z"), x=(1, 1, 8, 8), a=(1, 1, 3, 3), b=(1, 1, 3, 3),
        outputs=outputs,
    )  # fmt: skip


def shape_only() -> onnx.ModelProto:
    """A transpose whose shape another layer's depends on, and nothing else."""
    return network(
        node("Transpose", "x", "t", perm=[1, 0]), node("Shape", "t", "s"),
        node("Reshape", "x s", "y"), x=(4, 2),
    )  # fmt: skip


def stored(extra: bool) -> Built:
    """A layer, and 300 numbers that nothing reads."""
    more = {"spare": (300,)} if extra else {}
    return lambda: network(node("Relu", "x", "y"), x=(1, 4), **more)


def twice(same: bool) -> Built:
    """Two matrices of 32 x 32, equal or not."""
    draw = np.random.default_rng(0)
    first = draw.random((32, 32), np.float32)
    second = first if same else draw.random((32, 32), np.float32)
    return lambda: network(
        node("MatMul", "x a", "h"), node("MatMul", "h b", "y"), x=(1, 32), a=first, b=second
    )


def holding(*values: float) -> Built:
    """A layer that adds these numbers."""
    return lambda: network(node("Add", "x w", "y"), x=(1, len(values)),
                           w=np.array(values, np.float32))  # fmt: skip


def quantised(data: bool, weights: bool) -> Built:
    """A convolution whose data, weights, or both come from a dequantisation."""
    one, zero = np.float32(0.1), np.int8(0)

    def build() -> onnx.ModelProto:
        nodes = []
        if data:
            nodes += [
                node("QuantizeLinear", "x one zero", "q"),
                node("DequantizeLinear", "q one zero", "d"),
            ]
        if weights:
            nodes.append(node("DequantizeLinear", "w one zero", "v"))
        nodes.append(conv(f"{'d' if data else 'x'} {'v' if weights else 'w'}", "y"))
        kernel = np.ones((4, 4, 3, 3), np.int8 if weights else np.float32)
        return network(*nodes, x=(1, 4, 8, 8), w=kernel, one=one, zero=zero)

    return build


def double(wide: bool) -> Built:
    to = TensorProto.DOUBLE if wide else TensorProto.FLOAT16
    return ops(cast(to), ("Exp", {}), cast(TensorProto.FLOAT))


CASES = Path(__file__).resolve().parent / "data" / "cases"


def case(name: str) -> Built:
    """A model that was judged wrongly once; tests/data/cases/README.md says what is right."""
    return lambda: onnx.load(CASES / f"{name}.onnx")


def apart(
    side: int, kernel: int, around: tuple[int, int], value: float = 0, **attributes: Any
) -> Built:
    """A convolution whose padding, before and after, is a layer of its own."""
    before, after = around
    return lambda: network(
        node("Pad", "x p v", "padded"), conv("padded w", "y", **attributes),
        x=(1, 1, side, side), w=(1, 1, kernel, kernel),
        p=np.array([0, 0, before, before, 0, 0, after, after], np.int64), v=np.float32(value),
    )  # fmt: skip


def normalised_and_padded() -> onnx.ModelProto:
    """Batch normalisation, a layer of zero padding, a convolution."""
    return network(
        node("BatchNormalization", "x scale shift mean var", "n"), node("Pad", "n p", "padded"),
        conv("padded w", "y"), x=(1, 1, 8, 8), w=(1, 1, 3, 3),
        p=np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), **NORM,
    )  # fmt: skip


def preactivated(other: str) -> Built:
    """A map that a strided 1x1 convolution reads behind an activation, as in dual-path networks, and
    another branch, too: all of it, or the same quarter."""
    strides = [2, 2] if other == "strided" else [1, 1]
    return lambda: network(
        node("Relu", "x", "a"), conv("a w", "y", strides=[2, 2]),
        node("Sigmoid", "x", "b"), conv("b v", "z", strides=strides),
        x=(1, 1, 8, 8), w=(1, 1, 1, 1), v=(1, 1, 1, 1), outputs="y z",
    )  # fmt: skip


def little_lost(count: int) -> onnx.ModelProto:
    """Convolutions of one input, each of which leaves out its last row and column."""
    return network(
        *(conv(f"x w{i}", f"y{i}", strides=[2, 2]) for i in range(count)), x=(1, 1, 100, 100),
        outputs=" ".join(f"y{i}" for i in range(count)),
        **{f"w{i}": (1, 1, 3, 3) for i in range(count)},
    )  # fmt: skip


def hybrid(gate: bool) -> Built:
    """A convolution, an attention over all its places with a shortcut, and a global pooling."""

    def build() -> onnx.ModelProto:
        nodes, last = [conv("x w", "c", pads=[1] * 4)], "c"
        if gate:  # squeeze-and-excitation before it
            nodes += [node("GlobalAveragePool", "c", "g"), node("Mul", "c g", "cg")]
            last = "cg"
        return network(
            *nodes, node("Reshape", f"{last} flat", "f"), node("Transpose", "f", "t", perm=[0, 2, 1]),
            node("MatMul", "t f", "s"), node("Softmax", "s", "p", axis=-1), node("MatMul", "p t", "a"),
            node("Add", "a t", "r"), node("Transpose", "r", "rt", perm=[0, 2, 1]),
            node("Reshape", "rt square", "q"), node("GlobalAveragePool", "q", "y"),
            x=(1, 2, 16, 16), w=(2, 2, 3, 3),
            flat=np.array([1, 2, 256]), square=np.array([1, 2, 16, 16]),
        )  # fmt: skip

    return build


def gated() -> onnx.ModelProto:
    """Squeeze-and-excitation alone: what is averaged over everything sees little by itself."""
    return network(
        conv("x w", "c", pads=[1] * 4), node("GlobalAveragePool", "c", "g"), node("Mul", "c g", "m"),
        node("GlobalAveragePool", "m", "y"),
        x=(1, 2, 16, 16), w=(2, 2, 3, 3),
    )  # fmt: skip


EXAMPLES = [
    # 5x5, stride 2, padded at the end only: its centre is 2, a whole step off
    Example("CNS101", lambda: joined([0, 0, 3, 3], 5), {"pixels": 2}, layers=1),
    # 2x2: its centre is 1/2, a quarter of a step off
    Example("CNS101", lambda: joined([0] * 4, 2), {"pixels": 1}, "info", layers=1),
    Example("CNS101", lambda: joined([0] * 4, 1), None),
    Example("CNS101", causal, None),
    Example("CNS101", space_to_depth, None),
    # the last two of six get fields of 9 and 11; each has 64 * 9 MACs and 9 weights
    Example("CNS102", lambda: chain(6, 8), {"macs": 1152, "params": 18}, layers=2),
    Example("CNS102", lambda: chain(6, 16), None),
    Example("CNS103", single(16, 3, pads=[1] * 4), {"pixels": 9}),
    Example("CNS103", single(5, 3, pads=[1] * 4), None),
    Example("CNS103", head(width=32), None),
    Example("CNS103", hybrid(gate=False), None),
    Example("CNS103", hybrid(gate=True), None),
    Example("CNS103", gated, {"pixels": 9}),
    # {-2, 0, 2} + {-2, 0, 2}: 5 of 9 along each axis; 81 - 25
    Example("CNS104", dilated(2, 2), {"pixels": 56}, layers=2),
    # {-9, 0, 9} + {-3..3}, Wang's [1, 2, 9]: 21 of 25
    Example("CNS104", dilated(1, 2, 9), {"pixels": 184}, layers=2),
    Example("CNS104", dilated(1, 2, 5), None),
    Example("CNS104", dilated(1, 2, 2, 2), None),
    Example("CNS104", wavenet, None),
    # 16 of 64 are read
    Example("CNS105", single(8, 1, strides=[2, 2]), {"pixels": 48}, layers=1),
    Example("CNS105", shortcut, {"pixels": 192}, "info", layers=1),
    # stride and dilation 2: only odd positions, 16 of 64
    Example(
        "CNS105", single(8, 3, strides=[2, 2], dilations=[2, 2], pads=[2] * 4), {"pixels": 48}
    ),
    Example("CNS105", single(8, 2, strides=[2, 2]), None),
    # linear by half, asymmetric: each output lies on a pixel, 48 of 64 have no weight
    Example("CNS105", halved("asymmetric"), {"pixels": 48}, layers=1),
    Example("CNS105", halved("half_pixel"), None),
    Example("CNS105", preactivated("whole"), {"pixels": 48}, "info", layers=1),
    # behind the sigmoid the same 16 of 64 are read: two findings, and no shortcut
    Example("CNS105", preactivated("strided"), {"pixels": 48}, layers=1, findings=2),
    Example("CNS106", pooled(7, 2, 2), {"pixels": 13}, "warning", layers=1),
    Example("CNS106", pooled(8, 2, 2), None),
    # 100*100 - 99*99, 2 % each
    Example("CNS106", lambda: little_lost(16), {"pixels": 16 * 199}, layers=16),
    Example("CNS106", lambda: little_lost(1), {"pixels": 199}, layers=1),
    Example("CNS106", single(7, 1, strides=[2, 2]), None),
    Example("CNS107", single(8, 3, strides=[2, 2], pads=[1] * 4), {"pixels": 1}, layers=1),
    Example("CNS107", single(9, 3, strides=[2, 2], pads=[1] * 4), None),
    Example("CNS107", single(8, 2, strides=[2, 2]), None),
    Example("CNS107", single(8, 2, pads=[1, 1, 0, 0]), None),
    # 16 of 36 taps are inside
    Example("CNS201", single(2, 3, pads=[1] * 4), {"macs": 20}, layers=1),
    Example("CNS201", single(32, 3, pads=[1] * 4), None),
    Example("CNS201", apart(2, 3, (1, 1)), {"macs": 20}, layers=1),
    Example("CNS201", apart(2, 3, (1, 1), value=1), None),
    Example("CNS202", single(8, 4, auto_pad="SAME_UPPER"), {"pixels": 1}, layers=1),
    Example("CNS202", single(8, 3, auto_pad="SAME_UPPER"), None),
    Example("CNS202", apart(8, 4, (1, 2)), {"pixels": 1}, layers=1),
    Example("CNS202", apart(8, 4, (1, 0), pads=[0, 0, 1, 1]), None),
    Example("CNS202", single(8, 2, auto_pad="SAME_UPPER", strides=[2, 2]), None),
    # 10 x 10 - 8 x 8
    Example("CNS203", single(8, 3, pads=[2] * 4), {"pixels": 36}, layers=1),
    Example("CNS203", single(8, 3, pads=[1] * 4), None),
    Example("CNS203", single(8, 1), None),
    Example("CNS203", apart(8, 3, (2, 2)), {"pixels": 36}, layers=1),
    Example("CNS203", apart(8, 3, (1, 1), pads=[1] * 4), {"pixels": 36}, layers=1),
    # the frame of 8 x 8
    Example("CNS204", normalised(), {"pixels": 28}, layers=1),
    Example("CNS204", normalised("Relu"), None),
    Example("CNS204", normalised_and_padded, {"pixels": 28}, layers=1),
    Example("CNS205", single(1, 3, pads=[1] * 4), {"params": 8, "macs": 8}, layers=1),
    # dilation 4 on 4 x 4: the middle tap alone
    Example(
        "CNS205", single(4, 3, dilations=[4, 4], pads=[4] * 4), {"params": 8, "macs": 128}
    ),
    Example("CNS205", single(2, 3, pads=[1] * 4), None),
    Example("CNS205", apart(1, 3, (1, 1)), {"params": 8, "macs": 8}, layers=1),
    Example("CNS205", apart(1, 3, (1, 1), value=0.5), None),
    Example("CNS301", transposed(3, 2), {"pixels": 81}, layers=1),
    Example("CNS301", transposed(4, 2), None),
    Example("CNS301", transposed(3, 1), None),
    # 11 x 11, of which 5 of 9 get nothing
    Example("CNS302", transposed(2, 3), {"pixels": 67}, layers=1),
    Example("CNS302", transposed(3, 3), None),
    # 4*64 of 4*4 + 4*4 + 4*4 + 4*64 weights
    Example("CNS401", stack(4, 4, 4, 4, 64), {"params": 256, "macs": 16384}, layers=1),
    Example("CNS401", stack(4, 4, 4, 4, 4), None),
    Example("CNS401", stack(4, 64), None),
    # 32 * 10 weights, 2 * 10 after the average
    Example("CNS402", head(width=32), {"params": 300}, layers=1),
    Example("CNS402", head("GlobalAveragePool", width=2), None),
    # 25 against 9 + 9 of 16 x 16 channels, on 64 positions
    Example("CNS403", single(8, 5, (16, 16), pads=[2] * 4), {"macs": 114688}, layers=1),
    Example("CNS403", single(8, 5, (3, 64), pads=[2] * 4), None),
    Example("CNS403", single(8, 3, (16, 16), pads=[1] * 4), None),
    # 64 positions * (9*8*8 - 9*8 - 8*8), 576 - 72 - 64
    Example("CNS404", single(8, 3, (8, 8), pads=[1] * 4), {"macs": 28160, "params": 440}),
    Example("CNS404", single(8, 3, (8, 8), pads=[1] * 4, group=8), None),
    # 25,600 - (400 + 64), 144 - (9 + 16), 2304 - (144 + 256) weights, each of its taps and channels
    Example("CNS404", case("spec_conv2d"), {"params": 25136 + 119 + 1904, "macs": 15460800}),
    # 2 * 8 * 32 * 32 * 4 bytes and the weights' 288; 9 MACs an output
    Example(
        "CNS405", single(32, 3, (8, 8), pads=[1] * 4, group=8), {"bytes": 65824, "macs": 73728}
    ),
    Example("CNS405", single(32, 3, (64, 64), pads=[1] * 4), None),
    Example("CNS405", single(32, 3, (64, 64), pads=[1] * 4),
            {"bytes": 671744, "macs": 37748736}, told={"ridge": 200}),
    # 12 become 16: 64 * (256 - 144)
    Example("CNS406", lambda: half(12), {"macs": 7168}, layers=1),
    Example("CNS406", lambda: half(12), {"macs": 7168}, "warning", told={"providers": ["cuda"]}),
    Example("CNS406", lambda: half(16), None),
    Example("CNS406", single(8, 1, (12, 12)), None),
    # TF32: 13 become 16
    Example("CNS406", single(8, 1, (13, 13)), {"macs": 64 * (256 - 169)},
            told={"providers": ["cuda"]}),
    # the map is read and written once more, and 4 numbers
    Example("CNS501", folded("Conv"), {"bytes": 528, "params": 4}, layers=1),
    Example("CNS501", folded("Norm"), None),
    Example("CNS501", case("CNS501_96_near"), None),  # in training mode
    Example("CNS502", ops(("Relu", {}), ("Identity", {}), ("Exp", {})), {"bytes": 1024}),
    Example("CNS502", ops(("Relu", {}), ("Identity", {})), None),
    Example("CNS502", case("CNS502_101_near"), None),  # in training mode
    # 36 outputs of 9 products
    Example("CNS503", beside("y"), {"macs": 324, "params": 9, "bytes": 436}, layers=1),
    Example("CNS503", beside("y z"), None),
    # 4 rows of 8 bytes there and back, for the length of an axis
    Example("CNS503", shape_only, {"bytes": 64}, "info", layers=1),
    Example("CNS504", stored(True), {"bytes": 1200}, layers=0),
    Example("CNS504", stored(False), None),
    Example("CNS505", twice(True), {"bytes": 4096}, told={"weights": True}, layers=2),
    Example("CNS505", twice(False), None, told={"weights": True}),
    Example("CNS505", twice(True), None),
    # both move 128 numbers of 4 bytes there and back
    Example("CNS506", ops(order(0, 2, 3, 1), order(0, 3, 1, 2)), {"bytes": 2048}, layers=2),
    Example("CNS506", ops(order(0, 2, 3, 1), order(0, 2, 1, 3)), {"bytes": 1024}, layers=2),
    Example("CNS506", ops(order(0, 2, 3, 1), ("Relu", {}), order(0, 3, 1, 2)), None),
    # 4 + 8 bytes of 128 numbers, twice
    Example(
        "CNS507", ops(cast(TensorProto.DOUBLE), cast(TensorProto.FLOAT)), {"bytes": 3072}, layers=2
    ),
    Example("CNS507", ops(cast(TensorProto.FLOAT16), cast(TensorProto.FLOAT)), None),
    # 36 positions * 9 * 16
    Example("CNS508", quantised(True, False), {"macs": 5184}, layers=1),
    Example("CNS508", quantised(True, True), None),
    Example("CNS508", quantised(False, True), None),
    Example("CNS508", quantised(False, False), None),
    Example("CNS601", double(True), {"flops": 128}, layers=1),
    Example("CNS601", double(False), None),
    Example("CNS602", lambda: network(node("Relu", "x", "y"), x=("N", 1, "H", 8)), {}, layers=0),
    Example("CNS602", lambda: network(node("Relu", "x", "y"), x=("N", 1, 8, 8)), None),
    # the batch on another axis, by its name or by what is done along it; whatever size it is given
    Example("CNS602", lambda: network(node("Relu", "x", "y"), x=(5, "batch", 8)), None),
    Example("CNS602", lambda: network(node("Softmax", "x", "y", axis=0), x=(5, "k", 8)), None),
    Example(
        "CNS602", lambda: network(node("Relu", "x", "y"), x=("N", 8)), None,
        told={"dims": {"N": 4}},
    ),
    # a first axis that isn't the batch
    Example("CNS602", lambda: network(node("Softmax", "x", "y", axis=0), x=("K", 8)), {}, layers=0),
    Example(
        "CNS602", lambda: network(node("Softmax", "x", "y", axis=0), x=("K", "batch")), {}, layers=0
    ),
    Example(
        "CNS602", lambda: network(node("Softmax", "x", "y", axis=0), x=("K", 8)), {}, layers=0,
        told={"dims": {"K": 4}},
    ),
    Example("CNS603", stored(False), {}, told={"target_opset": 22}),
    Example("CNS603", stored(False), None, told={"target_opset": 21}),
    Example("CNS603", stored(False), None),
    Example("CNS604", stored(False), {}, told={"target_opset": 17}),
    Example("CNS604", stored(False), None, told={"target_opset": 21}),
    # ONNX Runtime's CPU provider has no Conv for float16; 64 * 16 * 16
    Example("CNS605", lambda: half(16), {"macs": 16384}, told={"providers": ["cpu"]}, layers=1),
    Example("CNS605", single(8, 3), None, told={"providers": ["cpu"]}),
    Example("CNS605", lambda: half(16), None),
    Example("CNS608", holding(1, float("nan"), 2), {"params": 1}, told={"weights": True}),
    Example("CNS608", holding(0, float("-inf"), 0), None, told={"weights": True}),
    Example("CNS608", holding(1, float("inf"), 2), {"params": 1}, told={"weights": True}),
    Example("CNS608", holding(1, float("nan"), 2), None),
    *(
        Example("CNS608", case(name), {"params": 1}, told={"weights": True}, layers=1)
        for name in ("z_bf16", "zc_const", "zc_const_identity")
    ),
    Example("CNS609", holding(1e-40, 0, 1), {"params": 1}, told={"weights": True}, layers=1),
    Example("CNS609", holding(1e-30, 0, 1), None, told={"weights": True}),
    Example("CNS610", lambda: network(conv("x w", "y"), x=(1, 3, 8, 8), w=(4, 5, 3, 3)), {},
            layers=1),
    Example("CNS610", lambda: network(conv("x w", "y"), x=(1, 3, 8, 8), w=(4, 3, 3, 3)), None),
]  # fmt: skip
