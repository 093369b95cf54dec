"""Which networks are there? The families of convolutional networks, in miniature."""

from __future__ import annotations

from math import prod

from zoo.layers import (
    activation,
    classified,
    conv,
    either,
    flattened,
    joined,
    linear,
    pool,
    squeezed,
    upsampled,
)
from zoo.net import Net, Tensor

_ACTS = ("Relu", "Relu", "Relu", "Relu6", "Silu", "HardSwish", "LeakyRelu", "Sigmoid", "Tanh")


def _width(net: Net) -> int:
    """Channels at the beginning: few, so that a fleet of files is quickly made."""
    return net.random.choice((4, 4, 8, 8, 8, 8, 16, 16, 32)) if net.random.random() < 0.98 else 64


def plain(net: Net, x: Tensor, size: int) -> None:
    """Convolutions one after another, with pooling between, as in LeNet and VGG."""
    width, act, norm = _width(net), net.random.choice(_ACTS), net.random.random() < 0.5
    for i in range(max(1, size // 3)):
        x = conv(
            net, x, width, net.random.choice((1, 3, 3, 5)), f"features.{i}", norm=norm, act=act
        )
        if i % 3 == 2 and min(x.lengths) > 3:
            x, width = (
                pool(net, x, f"pool{i}", net.random.choice(("MaxPool", "AveragePool"))),
                min(max(32, width), 2 * width),
            )
    if net.conditions.free_sizes or x.channels * prod(x.lengths) > 1 << 10:
        return classified(net, x)
    if net.random.random() < 0.2 and len(x.lengths) == 2:
        x = either(net, x, "training")
    x = flattened(net, x, "flatten")
    x = linear(net, x, 32, "classifier.0", "Relu")
    return net.output(linear(net, x, 10, "classifier.2"))


def residual(net: Net, x: Tensor, size: int) -> None:
    """Blocks with a way around them."""
    narrow = net.random.random() < 0.4
    width, act = _width(net), net.random.choice(_ACTS[:4])
    x = conv(net, x, width, net.random.choice((3, 7)), "conv1", stride=2, act=act)
    for i in range(max(1, size // (8 if narrow else 6))):
        stride = 2 if i % 2 and min(x.lengths) > 7 and width < 32 else 1
        width *= stride
        scope = f"layer{i // 2 + 1}.{i % 2}"
        wide = width * (2 if narrow else 1)
        if narrow:
            y = conv(net, x, width, 1, scope + ".conv1", act=act)
            y = conv(net, y, width, 3, scope + ".conv2", stride, act=act)
            y = conv(net, y, wide, 1, scope + ".conv3", act="")
        else:
            y = conv(net, x, width, 3, scope + ".conv1", stride, act=act)
            y = conv(net, y, width, 3, scope + ".conv2", act="")
        if stride > 1 or x.channels != wide:
            x = conv(net, x, wide, 1, scope + ".downsample", stride, act="")
        x = activation(net, joined(net, "Add", [y, x], scope + ".add"), act, scope + ".out")
    classified(net, x)


def depthwise(net: Net, x: Tensor, size: int) -> None:
    """Inverted residuals, some with squeeze and excitation."""
    width, weighed = max(8, _width(net) // 2), net.random.random() < 0.4
    act = net.random.choice(("Relu6", "Silu", "HardSwish"))
    x = conv(net, x, width, 3, "stem", stride=2, act=act)
    for i in range(max(1, size // (16 if weighed else 9))):
        stride = 2 if i % 3 == 1 and min(x.lengths) > 3 else 1
        given, scope, k = x, f"blocks.{i}", net.random.choice((3, 5))
        x = conv(net, x, 4 * width, 1, scope + ".expand", act=act)
        x = conv(net, x, 4 * width, k, scope + ".depthwise", stride, group=4 * width, act=act)
        x = squeezed(net, x, scope + ".se") if weighed else x
        x = conv(net, x, width, 1, scope + ".project", act="")
        x = joined(net, "Add", [given, x], scope + ".add") if stride == 1 else x
    classified(net, x)


def dense(net: Net, x: Tensor, size: int) -> None:
    """Each layer reads all before it."""
    growth = net.random.choice((4, 4, 8, 12))
    x = conv(net, x, 2 * growth, 3, "conv0", stride=2)
    for block in range(max(1, size // 24)):
        seen = [x]
        for i in range(min(8, max(2, size // 4))):
            scope = f"denseblock{block + 1}.denselayer{i + 1}"
            x = joined(net, "Concat", seen, scope + ".concat") if i else x
            seen.append(conv(net, x, growth, 3, scope + ".conv"))
        x = joined(net, "Concat", seen, f"denseblock{block + 1}.concat")
        x = conv(net, x, x.channels // 2, 1, f"transition{block + 1}.conv")
        if min(x.lengths) > 1:
            x = pool(net, x, f"transition{block + 1}.pool", "AveragePool")
    classified(net, x)


def unet(net: Net, x: Tensor, size: int) -> None:
    """Down and up again, with what was there at each size."""
    width, learned, sides = _width(net) // 2, net.random.random() < 0.5, []
    for i in range(max(1, min(4, size // 12))):
        x = conv(net, x, width * (i + 1), 3, f"down{i}.conv1")
        x = conv(net, x, width * (i + 1), 3, f"down{i}.conv2")
        sides.append(x)
        x = pool(net, x, f"down{i}.pool")
    x = conv(net, x, width * (len(sides) + 1), 3, "middle")
    for i in reversed(range(len(sides))):
        x = joined(
            net, "Concat", [upsampled(net, x, f"up{i}.up", learned), sides[i]], f"up{i}.concat"
        )
        x = conv(net, x, width * (i + 1), 3, f"up{i}.conv")
    net.output(conv(net, x, net.random.choice((1, 2, 21)), 1, "head", norm=False, act=""))


def detector(net: Net, x: Tensor, size: int) -> None:
    """Maps at three sizes, joined from above, and a head at each."""
    width, act, levels = _width(net), net.random.choice(("Silu", "LeakyRelu", "Relu")), []
    x = conv(net, x, width, 3, "backbone.stem", stride=2, act=act)
    for i in range(3):
        x = conv(net, x, min(64, 2 * x.channels), 3, f"backbone.{i}.down", stride=2, act=act)
        for j in range(size // 40):
            x = joined(
                net,
                "Add",
                [x, conv(net, x, x.channels, 3, f"backbone.{i}.{j}", act=act)],
                f"backbone.{i}.{j}.add",
            )
        levels.append(x)
    above = None
    for i in (2, 1, 0):
        x = conv(net, levels[i], width, 1, f"neck.{i}.lateral", norm=False, act="")
        if above is not None:
            x = joined(
                net, "Add", [x, upsampled(net, above, f"neck.{i}.up", False)], f"neck.{i}.add"
            )
        above = x
        y = conv(net, x, width, 3, f"head.{i}.conv", act=act)
        net.output(
            conv(
                net,
                y,
                net.random.choice((6, 18, 85)),
                1,
                f"head.{i}.pred",
                norm=False,
                act="Sigmoid",
            )
        )


def temporal(net: Net, x: Tensor, size: int) -> None:
    """Dilated convolutions along time, each with a way around it."""
    width = _width(net)
    x = conv(net, x, width, 1, "input_conv")
    for i in range(max(1, size // 4)):
        y = conv(net, x, width, 3, f"tcn.{i}.conv", dilation=1 << (i % 8))
        x = joined(net, "Add", [x, y], f"tcn.{i}.add")
    net.output(conv(net, x, 1, 1, "output_conv", norm=False, act=""))


#: how often each is drawn, and along how many axes it may run
FAMILIES = {
    plain: (20, (2, 2, 2, 2, 1, 3)), residual: (25, (2, 2, 2, 2, 2, 3)), depthwise: (20, (2,)),
    dense: (10, (2,)), unet: (10, (2,)), detector: (10, (2,)), temporal: (5, (1,)),
}  # fmt: skip
