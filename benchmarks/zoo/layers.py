"""Which nodes is a layer made of, at each version of the operators?

A convolution with its normalisation and activation, pooling, upsampling, the ends: each as exporters write
it at that opset, and each counted by its textbook formula.
"""

from __future__ import annotations

import struct
from math import prod

from zoo import wire
from zoo.net import Net, Tensor
from zoo.wire import FLOAT, INT8, attribute


def conv(
    net: Net, x: Tensor, channels: int, k: int, scope: str, stride: int = 1, group: int = 1,
    norm: bool = True, act: str = "Relu", dilation: int = 1,
) -> Tensor:  # fmt: skip
    """A convolution that keeps sizes but for its stride, and what follows it."""
    rank = len(x.lengths)
    folded = norm and net.random.random() < 0.6
    pad = dilation * (k - 1) // 2
    taken = [quantised(net, x, scope).name if net.conditions.quantised else x.name]
    dims = (channels, x.channels // group, *(k,) * rank)
    taken.append(_kernel(net, scope, dims))
    if folded or not norm:
        taken.append(net.weight(scope, "bias", (channels,)))
    said = (
        attribute("dilations", (dilation,) * rank) + attribute("group", group)
        + attribute("kernel_shape", (k,) * rank) + attribute("pads", (pad,) * (2 * rank))
        + attribute("strides", (stride,) * rank)
    )  # fmt: skip
    lengths = tuple((n + 2 * pad - dilation * (k - 1) - 1) // stride + 1 for n in x.lengths)
    y = net.node("Conv", Tensor("", channels, lengths), taken, scope, said)
    net.macs += net.batch * prod(dims) * prod(lengths)
    if norm and not folded:
        y = batch_norm(net, y, scope + "_bn" if "." not in scope else scope + ".bn")
    return activation(net, y, act, scope) if act else y


def _kernel(net: Net, scope: str, dims: tuple[int, ...]) -> str:
    if not net.conditions.quantised:
        return net.weight(scope, "weight", dims)
    stored = net.weight(scope, "weight", dims, INT8)
    scale = net.real(scope, "w_scale", (), 0.01, dtype=FLOAT)
    zero = net.constant(scope, "w_zero", INT8, (), b"\0")
    declares, net.declares = net.declares, False
    made = net.node(
        "DequantizeLinear", Tensor("", 0, ()), [stored, scale, zero], scope + ".w_dq"
    ).name
    net.declares = declares
    return made


def quantised(net: Net, x: Tensor, scope: str) -> Tensor:
    """What comes out of a pair that rounds: the same tensor, in steps of eight bits."""
    scale = net.real(scope, "x_scale", (), 0.05, dtype=FLOAT)
    zero = net.constant(scope, "x_zero", INT8, (), b"\0")
    declares, net.declares = net.declares, False
    whole = net.node("QuantizeLinear", x, [x.name, scale, zero], scope + ".q")
    net.declares = declares
    return net.node("DequantizeLinear", x, [whole.name, scale, zero], scope + ".dq")


def batch_norm(net: Net, x: Tensor, scope: str) -> Tensor:
    c = (x.channels,)
    learned = [net.weight(scope, role, c) for role in ("scale", "bias")]
    gathered = [net.weight(scope, role, c, learned=False) for role in ("mean", "var")]
    taken = [x.name, *learned, *gathered]
    said = attribute("epsilon", 1e-5) + attribute("momentum", 0.9)
    return net.node("BatchNormalization", x, taken, scope, said)


def activation(net: Net, x: Tensor, act: str, scope: str) -> Tensor:
    scope += ".act"
    if act == "Relu6":
        if net.opset < 11:
            return net.node(
                "Clip", x, [x.name], scope, attribute("min", 0.0) + attribute("max", 6.0)
            )
        ends = [net.real(scope, "min", (), 0.0), net.real(scope, "max", (), 6.0)]
        return net.node("Clip", x, [x.name, *ends], scope)
    if act == "Silu":
        if net.conditions.functions:
            net.functions[act] = _SILU[net.opset]
            return net.node(act, x, [x.name], scope, domain="local")
        gate = net.node("Sigmoid", x, [x.name], scope + ".gate")
        return net.node("Mul", x, [x.name, gate.name], scope)
    if act == "HardSwish" and net.opset < 14:
        gate = net.node("HardSigmoid", x, [x.name], scope + ".gate", attribute("alpha", 1 / 6))
        return net.node("Mul", x, [x.name, gate.name], scope)
    if act == "LeakyRelu":
        return net.node(act, x, [x.name], scope, attribute("alpha", 0.1))
    return net.node(act, x, [x.name], scope)


def _silu(opset: int) -> bytes:
    nodes = [wire.node("Sigmoid", ["x"], ["s"]), wire.node("Mul", ["x", "s"], ["y"])]
    return wire.function("local", "Silu", ["x"], ["y"], nodes, [("", opset)])


_SILU = {opset: _silu(opset) for opset in range(7, 24)}


def pool(
    net: Net, x: Tensor, scope: str, op: str = "MaxPool", k: int = 2, stride: int = 2
) -> Tensor:
    rank, pad = len(x.lengths), (k - 1) // 2
    said = attribute("kernel_shape", (k,) * rank) + attribute("pads", (pad,) * (2 * rank))
    lengths = tuple((n + 2 * pad - k) // stride + 1 for n in x.lengths)
    return net.node(
        op,
        Tensor("", x.channels, lengths),
        [x.name],
        scope,
        said + attribute("strides", (stride,) * rank),
    )


def joined(net: Net, op: str, every: list[Tensor], scope: str) -> Tensor:
    """A sum, or one behind another along channels."""
    if op == "Add":
        return net.node(op, every[0], [x.name for x in every], scope)
    like = Tensor("", sum(x.channels for x in every), every[0].lengths)
    return net.node(op, like, [x.name for x in every], scope, attribute("axis", 1))


def upsampled(net: Net, x: Tensor, scope: str, learned: bool) -> Tensor:
    """Twice as long along each axis: by a transposed convolution, or by the neighbours."""
    rank = len(x.lengths)
    wider = Tensor("", x.channels, tuple(2 * n for n in x.lengths))
    if learned:
        dims = (x.channels, x.channels, *(2,) * rank)
        taken = [
            x.name,
            net.weight(scope, "weight", dims),
            net.weight(scope, "bias", (x.channels,)),
        ]
        said = attribute("kernel_shape", (2,) * rank) + attribute("strides", (2,) * rank)
        net.macs += net.batch * prod(dims) * prod(x.lengths)
        return net.node("ConvTranspose", wider, taken, scope, said)
    twice = (1.0, 1.0, *(2.0,) * rank)
    if net.opset < 9:
        return net.node(
            "Upsample",
            wider,
            [x.name],
            scope,
            attribute("mode", "nearest") + attribute("scales", twice),
        )
    scales = net.real(scope, "scales", (len(twice),), *twice, dtype=FLOAT)
    if net.opset < 11:
        op = "Resize" if net.opset == 10 else "Upsample"
        return net.node(op, wider, [x.name, scales], scope, attribute("mode", "nearest"))
    said = (
        attribute("coordinate_transformation_mode", "asymmetric") + attribute("mode", "nearest")
        + attribute("nearest_mode", "floor")
    )  # fmt: skip
    return net.node(
        "Resize",
        wider,
        [x.name, "" if net.opset >= 13 else _nothing(net, scope), scales],
        scope,
        said,
    )


def _nothing(net: Net, scope: str) -> str:
    return net.real(scope, "roi", (0,), dtype=FLOAT)


def squeezed(net: Net, x: Tensor, scope: str) -> Tensor:
    """Squeeze and excitation: channels weighed by what they hold as a whole."""
    few = max(2, x.channels // 4)
    s = net.node(
        "GlobalAveragePool",
        Tensor("", x.channels, (1,) * len(x.lengths)),
        [x.name],
        scope + ".pool",
    )
    s = conv(net, s, few, 1, scope + ".fc1", norm=False)
    s = conv(net, s, x.channels, 1, scope + ".fc2", norm=False, act="Sigmoid")
    return net.node("Mul", x, [x.name, s.name], scope + ".scale")


def flattened(net: Net, x: Tensor, scope: str) -> Tensor:
    """One row a picture: by Flatten, or by the arithmetic on shapes that old exporters traced."""
    count = x.channels * prod(x.lengths)
    like = Tensor("", count, ())
    if net.exporter.name != "torch-old" or net.conditions.batch:
        return net.node("Flatten", like, [x.name], scope, attribute("axis", 1))
    declares, net.declares = net.declares, False
    shape = net.node("Shape", like, [x.name], scope + ".shape").name
    zero = net.constant(scope, "zero", wire.INT64, (), struct.pack("<q", 0))
    first = net.node("Gather", like, [shape, zero], scope + ".gather", attribute("axis", 0)).name
    first = net.node("Unsqueeze", like, [first], scope + ".first", attribute("axes", (0,))).name
    rest = net.whole(scope, "rest", -1)
    wished = net.node("Concat", like, [first, rest], scope + ".wished", attribute("axis", 0)).name
    net.declares = declares
    return net.node("Reshape", like, [x.name, wished], scope)


def linear(net: Net, x: Tensor, count: int, scope: str, act: str = "") -> Tensor:
    taken = [
        x.name,
        net.weight(scope, "weight", (count, x.channels)),
        net.weight(scope, "bias", (count,)),
    ]
    y = net.node("Gemm", Tensor("", count, ()), taken, scope, attribute("transB", 1))
    net.macs += net.batch * count * x.channels
    return activation(net, y, act, scope) if act else y


def either(net: Net, x: Tensor, scope: str) -> Tensor:
    """An If: a branch of one node each, chosen by an input."""
    net.inputs.append(wire.value("flag", wire.BOOL, ()))
    dims = net.dims(x)
    branches = b"".join(
        wire.graph_attribute(which, wire.graph(
            which, [wire.node(op, [x.name], [f"{scope}.{which}"], f"{scope}.{op}")], [],
            [wire.value(f"{scope}.{which}", net.dtype, dims)],
        ))
        for which, op in (("then_branch", "Identity"), ("else_branch", "Relu"))
    )  # fmt: skip
    return net.node("If", x, ["flag"], scope, branches)


def classified(net: Net, x: Tensor) -> None:
    """The end of a classifier."""
    x = net.node(
        "GlobalAveragePool", Tensor("", x.channels, (1,) * len(x.lengths)), [x.name], "avgpool"
    )
    x = linear(net, flattened(net, x, "flatten"), net.random.choice((2, 10, 100, 1000)), "fc")
    if net.random.random() < 0.3:
        x = net.node("Softmax", x, [x.name], "softmax", attribute("axis", 1))
    net.output(x)
