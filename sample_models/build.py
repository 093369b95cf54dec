"""Which networks do the tests and the documentation measure, and how are they made?

The landmark architectures of the field, written out node by node with ``onnx.helper``. A file holds
the graph only: every weight is a tensor with dims and a place in ``NAME.weights``, which does not
exist, as in an export whose data file stayed behind. Shapes, axes and other small integers are
inline. The same source gives the same bytes.

    python sample_models/build.py                 # write every model beside this script
    python sample_models/build.py resnet50 unet   # only these
    python sample_models/build.py --check         # fail if a file differs from its source
"""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from onnx import ModelProto, NodeProto, TensorProto, helper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

HERE = Path(__file__).resolve().parent
OPSET = 17
IR_VERSION = 8
FLOAT_BYTES = 4

PerAxis = int | tuple[int, ...]  # one number for every spatial axis, or one for each


class Net:
    """A graph under construction: each method adds a layer and returns its output tensor.

    A layer is called after its module path, as exporters do: inside ``scope("layer1", "0")`` the
    layer ``conv1`` is the node ``/layer1/0/conv1/Conv``, writes the tensor ``layer1.0.conv1`` and
    owns the parameters ``layer1.0.conv1.weight`` and so on.
    """

    def __init__(self, name: str, input_shape: Sequence[int]) -> None:
        self.name = name
        self.input_shape = tuple(input_shape)
        self.axes = len(self.input_shape) - 2
        self.channels = {"input": self.input_shape[1]}
        self.path: tuple[str, ...] = ()
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self.weight_bytes = 0

    @contextmanager
    def scope(self, *modules: str) -> Iterator[None]:
        outer, self.path = self.path, (*self.path, *modules)
        yield
        self.path = outer

    def dotted(self, *leaf: str) -> str:
        return ".".join((*self.path, *leaf))

    # Tensors that no node computes

    def weight(self, leaf: str, *dims: int) -> str:
        """A parameter: its dims, and where its bytes would be."""
        tensor = TensorProto(name=self.dotted(leaf), data_type=TensorProto.FLOAT, dims=dims)
        tensor.data_location = TensorProto.EXTERNAL
        length = prod(dims) * FLOAT_BYTES
        place = {"location": f"{self.name}.weights", "offset": self.weight_bytes, "length": length}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        self.weight_bytes += length
        self.initializers.append(tensor)
        return tensor.name

    def integers(self, leaf: str, *values: int) -> str:
        name = self.dotted(leaf)
        self.initializers.append(
            helper.make_tensor(name, TensorProto.INT64, [len(values)], list(values))
        )
        return name

    def scalar(self, leaf: str, value: float) -> str:
        """A number of the formula, not of the training: a Constant node, as exporters write it."""
        tensor = helper.make_tensor("", TensorProto.FLOAT, [], [value])
        return self.node("Constant", [], leaf, value=tensor)

    # Nodes

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        leaf: str,
        tensor: str = "",
        /,
        **attributes: object,
    ) -> str:
        """One node with one output, which has the channels of the first input."""
        output = self.dotted(tensor or leaf)
        self._append(operator, inputs, [output], leaf, attributes)
        self.channels[output] = self.channels.get(inputs[0], 0) if inputs else 0
        return output

    def split(self, x: str, leaf: str, parts: Sequence[str], axis: int) -> list[str]:
        outputs = [self.dotted(part) for part in parts]
        self._append("Split", [x], outputs, leaf, {"axis": axis})
        for output in outputs:
            self.channels[output] = self.channels[x] // len(parts)
        return outputs

    def _append(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        leaf: str,
        attributes: Mapping[str, object],
    ) -> None:
        name = "/" + "/".join((*self.path, leaf, operator))
        node = helper.make_node(operator, inputs, outputs, name=name)
        node.attribute.extend(
            helper.make_attribute(key, attributes[key]) for key in sorted(attributes)
        )
        self.nodes.append(node)

    def each_axis(self, value: PerAxis) -> list[int]:
        return [value] * self.axes if isinstance(value, int) else list(value)

    def window(self, kernel: PerAxis, stride: PerAxis, pad: PerAxis) -> dict[str, list[int]]:
        """The attributes of a convolution or pool, without those that equal ONNX's default."""
        attributes = {"kernel_shape": self.each_axis(kernel)}
        if any(s != 1 for s in self.each_axis(stride)):
            attributes["strides"] = self.each_axis(stride)
        if any(self.each_axis(pad)):
            attributes["pads"] = self.each_axis(pad) * 2
        return attributes

    def conv(
        self,
        x: str,
        leaf: str,
        channels: int,
        kernel: PerAxis,
        stride: PerAxis = 1,
        pad: PerAxis = 0,
        *,
        dilation: PerAxis = 1,
        group: int = 1,
        bias: bool = True,
    ) -> str:
        attributes: dict[str, object] = {**self.window(kernel, stride, pad)}
        if group != 1:
            attributes["group"] = group
        if any(d != 1 for d in self.each_axis(dilation)):
            attributes["dilations"] = self.each_axis(dilation)
        inputs = [x, self.weight(f"{leaf}.weight", channels, self.channels[x] // group,
                                 *self.each_axis(kernel))]  # fmt: skip
        if bias:
            inputs.append(self.weight(f"{leaf}.bias", channels))
        output = self.node("Conv", inputs, leaf, **attributes)
        self.channels[output] = channels
        return output

    def conv_transpose(
        self,
        x: str,
        leaf: str,
        channels: int,
        kernel: PerAxis,
        stride: PerAxis,
        *,
        bias: bool = True,
    ) -> str:
        inputs = [x, self.weight(f"{leaf}.weight", self.channels[x], channels,
                                 *self.each_axis(kernel))]  # fmt: skip
        if bias:
            inputs.append(self.weight(f"{leaf}.bias", channels))
        output = self.node("ConvTranspose", inputs, leaf, **self.window(kernel, stride, 0))
        self.channels[output] = channels
        return output

    def batch_norm(self, x: str, leaf: str, epsilon: float = 1e-5) -> str:
        parts = ("weight", "bias", "running_mean", "running_var")
        inputs = [x, *(self.weight(f"{leaf}.{part}", self.channels[x]) for part in parts)]
        attributes = {} if epsilon == 1e-5 else {"epsilon": epsilon}
        return self.node("BatchNormalization", inputs, leaf, **attributes)

    def layer_norm(self, x: str, leaf: str, width: int, epsilon: float) -> str:
        inputs = [x, self.weight(f"{leaf}.weight", width), self.weight(f"{leaf}.bias", width)]
        return self.node("LayerNormalization", inputs, leaf, axis=-1, epsilon=epsilon)

    def relu(self, x: str, leaf: str) -> str:
        return self.node("Relu", [x], leaf)

    def silu(self, x: str, leaf: str) -> str:
        return self.node("Mul", [x, self.node("Sigmoid", [x], leaf, f"{leaf}.sigmoid")], leaf)

    def gelu(self, x: str, leaf: str) -> str:
        """x/2 (1 + erf(x/sqrt 2)), in the primitives that exporters used before opset 20."""
        with self.scope(leaf):
            scaled = self.node("Div", [x, self.scalar("sqrt2", 2**0.5)], "scaled")
            erf = self.node("Erf", [scaled], "erf")
            shifted = self.node("Add", [erf, self.scalar("one", 1.0)], "shifted")
            product = self.node("Mul", [x, shifted], "product")
            return self.node("Mul", [product, self.scalar("half", 0.5)], "halved")

    def add(self, x: str, y: str, leaf: str = "add") -> str:
        return self.node("Add", [x, y], leaf)

    def concat(self, tensors: Sequence[str], leaf: str = "concat", axis: int = 1) -> str:
        output = self.node("Concat", tensors, leaf, axis=axis)
        self.channels[output] = sum(self.channels.get(tensor, 0) for tensor in tensors)
        return output

    def max_pool(
        self,
        x: str,
        leaf: str,
        kernel: PerAxis,
        stride: PerAxis,
        pad: PerAxis = 0,
        *,
        ceil: bool = False,
    ) -> str:
        attributes: dict[str, object] = {**self.window(kernel, stride, pad)}
        if ceil:
            attributes["ceil_mode"] = 1
        return self.node("MaxPool", [x], leaf, **attributes)

    def average_pool(self, x: str, leaf: str, kernel: PerAxis, stride: PerAxis) -> str:
        return self.node("AveragePool", [x], leaf, **self.window(kernel, stride, 0))

    def global_average_pool(self, x: str, leaf: str = "avgpool") -> str:
        return self.node("GlobalAveragePool", [x], leaf)

    def crop(self, x: str, leaf: str, start: int, length: int) -> str:
        """The window ``[start, start + length)`` of every spatial axis."""
        bounds = (
            self.integers(f"{leaf}.starts", *[start] * self.axes),
            self.integers(f"{leaf}.ends", *[start + length] * self.axes),
            self.integers(f"{leaf}.axes", *range(2, 2 + self.axes)),
        )
        return self.node("Slice", [x, *bounds], leaf)

    def resize(self, x: str, leaf: str, sizes: Sequence[int]) -> str:
        inputs = [x, "", "", self.integers(f"{leaf}.sizes", *sizes)]
        return self.node(
            "Resize", inputs, leaf, mode="linear", coordinate_transformation_mode="half_pixel"
        )

    def flatten(self, x: str, leaf: str = "flatten") -> str:
        return self.node("Flatten", [x], leaf)

    def linear(self, x: str, leaf: str, features_in: int, features_out: int) -> str:
        inputs = [
            x,
            self.weight(f"{leaf}.weight", features_out, features_in),
            self.weight(f"{leaf}.bias", features_out),
        ]
        return self.node("Gemm", inputs, leaf, transB=1)

    def project(self, x: str, leaf: str, features_in: int, features_out: int) -> str:
        """A linear layer over the last axis of a sequence: a MatMul and the Add of its bias."""
        weight = self.weight(f"{leaf}.weight", features_in, features_out)
        product = self.node("MatMul", [x, weight], leaf, f"{leaf}.product")
        return self.node("Add", [product, self.weight(f"{leaf}.bias", features_out)], leaf)

    def reshape(self, x: str, leaf: str, *shape: int) -> str:
        return self.node("Reshape", [x, self.integers(f"{leaf}.shape", *shape)], leaf)

    def transpose(self, x: str, leaf: str, *order: int) -> str:
        return self.node("Transpose", [x], leaf, perm=order)

    def model(self, last: str, output_shape: Sequence[int]) -> ModelProto:
        """The finished model: the tensor ``last`` becomes the graph's ``output``."""
        final = next(node for node in self.nodes if last in node.output)
        final.output[list(final.output).index(last)] = "output"
        real = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info("input", real, self.input_shape)],
            [helper.make_tensor_value_info("output", real, output_shape)],
            self.initializers,
        )
        return helper.make_model(
            graph,
            producer_name="cnnscope sample_models",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )


def lenet5() -> ModelProto:
    """LeCun et al. 1998, as built today: full connection table, plain average pools, linear end."""
    net = Net("lenet5", (1, 1, 32, 32))
    x = "input"
    for number, channels in ((1, 6), (2, 16)):
        x = net.conv(x, f"conv{number}", channels, 5)
        x = net.node("Tanh", [x], f"tanh{number}")
        x = net.average_pool(x, f"pool{number}", 2, 2)
    x = net.flatten(x)
    x = net.node("Tanh", [net.linear(x, "fc1", 400, 120)], "tanh3")
    x = net.node("Tanh", [net.linear(x, "fc2", 120, 84)], "tanh4")
    return net.model(net.linear(x, "fc3", 84, 10), (1, 10))


def classifier_head(net: Net, x: str, features: int) -> str:
    """Two hidden layers of 4,096 and the 1,000 classes of ImageNet (AlexNet, VGG)."""
    x = net.flatten(x)
    with net.scope("classifier"):
        x = net.relu(net.linear(x, "fc6", features, 4096), "relu6")
        x = net.relu(net.linear(x, "fc7", 4096, 4096), "relu7")
        return net.linear(x, "fc8", 4096, 1000)


def alexnet() -> ModelProto:
    """Krizhevsky 2014 ("one weird trick"), as in torchvision."""
    net = Net("alexnet", (1, 3, 224, 224))
    x = "input"
    layers = ((64, 11, 4, 2), (192, 5, 1, 2), (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1))
    with net.scope("features"):
        for number, (channels, kernel, stride, pad) in enumerate(layers, 1):
            x = net.conv(x, f"conv{number}", channels, kernel, stride, pad)
            x = net.relu(x, f"relu{number}")
            if number in (1, 2, 5):
                x = net.max_pool(x, f"pool{number}", 3, 2)
    return net.model(classifier_head(net, x, 256 * 6 * 6), (1, 1000))


def vgg16_features(net: Net, x: str, *, first_pad: int = 1, ceil: bool = False) -> dict[str, str]:
    """The thirteen convolutions of VGG-16; the outputs of its five pools by name."""
    pools = {}
    for block, (channels, convolutions) in enumerate(
        ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1
    ):
        for number in range(1, convolutions + 1):
            pad = first_pad if (block, number) == (1, 1) else 1
            x = net.conv(x, f"conv{block}_{number}", channels, 3, pad=pad)
            x = net.relu(x, f"relu{block}_{number}")
        x = pools[f"pool{block}"] = net.max_pool(x, f"pool{block}", 2, 2, ceil=ceil)
    return pools


def vgg16() -> ModelProto:
    """Simonyan & Zisserman 2015, configuration D."""
    net = Net("vgg16", (1, 3, 224, 224))
    with net.scope("features"):
        x = vgg16_features(net, "input")["pool5"]
    return net.model(classifier_head(net, x, 512 * 7 * 7), (1, 1000))


def googlenet() -> ModelProto:
    """Szegedy et al. 2015 as in torchvision: batch norm, 3x3 in the third branch, no side heads."""
    net = Net("googlenet", (1, 3, 224, 224))

    def unit(x: str, module: str, channels: int, kernel: int, stride: int = 1) -> str:
        with net.scope(module):
            x = net.conv(x, "conv", channels, kernel, stride, kernel // 2, bias=False)
            return net.relu(net.batch_norm(x, "bn", epsilon=0.001), "relu")

    def inception(x: str, module: str, widths: tuple[int, int, int, int, int, int]) -> str:
        one, three_in, three, five_in, five, pooled = widths
        with net.scope(module):
            branches = [
                unit(x, "branch1", one, 1),
                unit(unit(x, "branch2.0", three_in, 1), "branch2.1", three, 3),
                unit(unit(x, "branch3.0", five_in, 1), "branch3.1", five, 3),
                unit(net.max_pool(x, "branch4.0", 3, 1, 1, ceil=True), "branch4.1", pooled, 1),
            ]
            return net.concat(branches)

    x = unit("input", "conv1", 64, 7, 2)
    x = net.max_pool(x, "maxpool1", 3, 2, ceil=True)
    x = unit(unit(x, "conv2", 64, 1), "conv3", 192, 3)
    x = net.max_pool(x, "maxpool2", 3, 2, ceil=True)
    x = inception(x, "inception3a", (64, 96, 128, 16, 32, 32))
    x = inception(x, "inception3b", (128, 128, 192, 32, 96, 64))
    x = net.max_pool(x, "maxpool3", 3, 2, ceil=True)
    x = inception(x, "inception4a", (192, 96, 208, 16, 48, 64))
    x = inception(x, "inception4b", (160, 112, 224, 24, 64, 64))
    x = inception(x, "inception4c", (128, 128, 256, 24, 64, 64))
    x = inception(x, "inception4d", (112, 144, 288, 32, 64, 64))
    x = inception(x, "inception4e", (256, 160, 320, 32, 128, 128))
    x = net.max_pool(x, "maxpool4", 2, 2, ceil=True)
    x = inception(x, "inception5a", (256, 160, 320, 32, 128, 128))
    x = inception(x, "inception5b", (384, 192, 384, 48, 128, 128))
    x = net.flatten(net.global_average_pool(x))
    return net.model(net.linear(x, "fc", 1024, 1000), (1, 1000))


def resnet50_features(
    net: Net,
    x: str,
    strides: Sequence[int],
    dilations: Sequence[int],
    depths: Sequence[int] = (3, 4, 6, 3),
) -> str:
    """The convolutional part of ResNet-50 v1.5 (stride on the 3x3); of ResNet-101 with 23 for 6.

    Per stage: the stride of its first block, the dilation of the others, how many there are. Where a dilation
    replaces a stride, the first block keeps the dilation of the stage before, as torchvision does.
    """

    def bottleneck(x: str, width: int, stride: int, dilation: int, *, widen: bool) -> str:
        shortcut = x
        y = net.relu(net.batch_norm(net.conv(x, "conv1", width, 1, bias=False), "bn1"), "relu1")
        y = net.conv(y, "conv2", width, 3, stride, dilation, dilation=dilation, bias=False)
        y = net.relu(net.batch_norm(y, "bn2"), "relu2")
        y = net.batch_norm(net.conv(y, "conv3", 4 * width, 1, bias=False), "bn3")
        if widen:
            with net.scope("downsample"):
                shortcut = net.conv(x, "0", 4 * width, 1, stride, bias=False)
                shortcut = net.batch_norm(shortcut, "1")
        return net.relu(net.add(y, shortcut), "relu3")

    x = net.relu(net.batch_norm(net.conv(x, "conv1", 64, 7, 2, 3, bias=False), "bn1"), "relu")
    x = net.max_pool(x, "maxpool", 3, 2, 1)
    before = 1
    for stage, blocks in enumerate(depths):
        for block in range(blocks):
            first = block == 0
            with net.scope(f"layer{stage + 1}", str(block)):
                x = bottleneck(
                    x,
                    64 * 2**stage,
                    strides[stage] if first else 1,
                    before if first else dilations[stage],
                    widen=first,
                )
        before = dilations[stage]
    return x


def resnet50() -> ModelProto:
    """He et al. 2016, as in torchvision."""
    net = Net("resnet50", (1, 3, 224, 224))
    x = resnet50_features(net, "input", strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1))
    x = net.flatten(net.global_average_pool(x))
    return net.model(net.linear(x, "fc", 2048, 1000), (1, 1000))


def densenet121() -> ModelProto:
    """Huang et al. 2017: growth 32, bottleneck 4 x 32, compression 1/2."""
    net = Net("densenet121", (1, 3, 224, 224))
    growth = 32

    def norm_relu_conv(x: str, number: str, channels: int, kernel: int) -> str:
        x = net.relu(net.batch_norm(x, f"norm{number}"), f"relu{number}")
        return net.conv(x, f"conv{number}", channels, kernel, pad=kernel // 2, bias=False)

    x = net.conv("input", "conv0", 64, 7, 2, 3, bias=False)
    x = net.max_pool(net.relu(net.batch_norm(x, "norm0"), "relu0"), "pool0", 3, 2, 1)
    for block, layers in enumerate((6, 12, 24, 16), 1):
        features = [x]
        for layer in range(1, layers + 1):
            with net.scope(f"block{block}", f"layer{layer}"):
                y = net.concat(features) if layer > 1 else x
                y = norm_relu_conv(norm_relu_conv(y, "1", 4 * growth, 1), "2", growth, 3)
            features.append(y)
        x = net.concat(features, f"block{block}")
        if block < 4:
            with net.scope(f"transition{block}"):
                x = norm_relu_conv(x, "", net.channels[x] // 2, 1)
                x = net.average_pool(x, "pool", 2, 2)
    x = net.relu(net.batch_norm(x, "norm5"), "relu5")
    x = net.flatten(net.global_average_pool(x))
    return net.model(net.linear(x, "classifier", 1024, 1000), (1, 1000))


def mobilenet_v2() -> ModelProto:
    """Sandler et al. 2018, width 1.0: inverted residuals, depthwise convolutions, ReLU6."""
    net = Net("mobilenet_v2", (1, 3, 224, 224))
    zero, six = net.scalar("zero", 0.0), net.scalar("six", 6.0)

    def unit(
        x: str, module: str, channels: int, kernel: int, stride: int = 1, group: int = 1
    ) -> str:
        with net.scope(module):
            x = net.conv(x, "conv", channels, kernel, stride, kernel // 2, group=group, bias=False)
            return net.node("Clip", [net.batch_norm(x, "bn"), zero, six], "relu6")

    def inverted_residual(x: str, channels: int, stride: int, expansion: int) -> str:
        wide = expansion * net.channels[x]
        y = unit(x, "expand", wide, 1) if expansion > 1 else x
        y = unit(y, "depthwise", wide, 3, stride, group=wide)
        with net.scope("project"):
            y = net.batch_norm(net.conv(y, "conv", channels, 1, bias=False), "bn")
        return net.add(x, y) if stride == 1 and net.channels[x] == channels else y

    with net.scope("features"):
        x = unit("input", "0", 32, 3, 2)
        number = 1
        for expansion, channels, blocks, stride in (
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
            (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
        ):  # fmt: skip
            for block in range(blocks):
                with net.scope(str(number)):
                    x = inverted_residual(x, channels, stride if block == 0 else 1, expansion)
                number += 1
        x = unit(x, str(number), 1280, 1)
    x = net.flatten(net.global_average_pool(x))
    return net.model(net.linear(x, "classifier", 1280, 1000), (1, 1000))


def xception() -> ModelProto:
    """Chollet 2017, in the widely used port (timm's legacy_xception): pads of 1 in every pool."""
    net = Net("xception", (1, 3, 299, 299))

    def separable(x: str, module: str, channels: int) -> str:
        with net.scope(module):
            x = net.conv(x, "depthwise", net.channels[x], 3, pad=1,
                         group=net.channels[x], bias=False)  # fmt: skip
            x = net.conv(x, "pointwise", channels, 1, bias=False)
            return net.batch_norm(x, "bn")

    def block(x: str, widths: Sequence[int], stride: int, *, start_with_relu: bool = True) -> str:
        y, shortcut = x, x
        for number, channels in enumerate(widths, 1):
            if number > 1 or start_with_relu:
                y = net.relu(y, f"relu{number}")
            y = separable(y, f"sepconv{number}", channels)
        if stride > 1:
            y = net.max_pool(y, "pool", 3, stride, 1)
            with net.scope("skip"):
                shortcut = net.conv(x, "conv", widths[-1], 1, stride, bias=False)
                shortcut = net.batch_norm(shortcut, "bn")
        return net.add(y, shortcut)

    x = net.conv("input", "conv1", 32, 3, 2, bias=False)
    x = net.relu(net.batch_norm(x, "bn1"), "relu1")
    x = net.relu(net.batch_norm(net.conv(x, "conv2", 64, 3, bias=False), "bn2"), "relu2")
    with net.scope("block1"):
        x = block(x, (128, 128), 2, start_with_relu=False)
    for number, widths, stride in (
        (2, (256, 256), 2),
        (3, (728, 728), 2),
        *((middle, (728, 728, 728), 1) for middle in range(4, 12)),
        (12, (728, 1024), 2),
    ):
        with net.scope(f"block{number}"):
            x = block(x, widths, stride)
    x = net.relu(separable(x, "conv3", 1536), "relu3")
    x = net.relu(separable(x, "conv4", 2048), "relu4")
    x = net.flatten(net.global_average_pool(x, "global_pool"))
    return net.model(net.linear(x, "fc", 2048, 1000), (1, 1000))


def efficientnet_b0() -> ModelProto:
    """Tan & Le 2019, as in torchvision: MBConv blocks with squeeze-and-excitation."""
    net = Net("efficientnet_b0", (1, 3, 224, 224))

    def unit(
        x: str, module: str, channels: int, kernel: int, stride: int = 1, group: int = 1
    ) -> str:
        with net.scope(module):
            x = net.conv(x, "conv", channels, kernel, stride, kernel // 2, group=group, bias=False)
            return net.silu(net.batch_norm(x, "bn"), "silu")

    def squeeze_excite(x: str, squeezed: int) -> str:
        with net.scope("se"):
            y = net.global_average_pool(x)
            y = net.silu(net.conv(y, "fc1", squeezed, 1), "silu")
            y = net.node("Sigmoid", [net.conv(y, "fc2", net.channels[x], 1)], "gate")
            return net.node("Mul", [y, x], "scale")

    def mbconv(x: str, channels: int, kernel: int, stride: int, expansion: int) -> str:
        narrow = net.channels[x]
        wide = expansion * narrow
        y = unit(x, "expand", wide, 1) if expansion > 1 else x
        y = unit(y, "depthwise", wide, kernel, stride, group=wide)
        y = squeeze_excite(y, max(1, narrow // 4))
        with net.scope("project"):
            y = net.batch_norm(net.conv(y, "conv", channels, 1, bias=False), "bn")
        return net.add(y, x) if stride == 1 and narrow == channels else y

    with net.scope("features"):
        x = unit("input", "0", 32, 3, 2)
        for stage, (expansion, kernel, stride, channels, blocks) in enumerate(
            ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
             (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)), 1
        ):  # fmt: skip
            for block in range(blocks):
                with net.scope(str(stage), str(block)):
                    x = mbconv(x, channels, kernel, stride if block == 0 else 1, expansion)
        x = unit(x, "8", 1280, 1)
    x = net.flatten(net.global_average_pool(x))
    return net.model(net.linear(x, "classifier", 1280, 1000), (1, 1000))


def fcn8s() -> ModelProto:
    """Long, Shelhamer & Darrell 2015 (voc-fcn8s): pad of 100, pools that round up, crops."""
    net = Net("fcn8s", (1, 3, 500, 500))
    classes = 21
    pools = vgg16_features(net, "input", first_pad=100, ceil=True)
    x = net.relu(net.conv(pools["pool5"], "fc6", 4096, 7), "relu6")
    x = net.relu(net.conv(x, "fc7", 4096, 1), "relu7")
    x = net.conv(x, "score_fr", classes, 1)
    x = net.conv_transpose(x, "upscore2", classes, 4, 2, bias=False)
    skip = net.crop(net.conv(pools["pool4"], "score_pool4", classes, 1), "score_pool4c", 5, 34)
    x = net.add(x, skip, "fuse_pool4")
    x = net.conv_transpose(x, "upscore_pool4", classes, 4, 2, bias=False)
    skip = net.crop(net.conv(pools["pool3"], "score_pool3", classes, 1), "score_pool3c", 9, 70)
    x = net.add(x, skip, "fuse_pool3")
    x = net.conv_transpose(x, "upscore8", classes, 16, 8, bias=False)
    return net.model(net.crop(x, "score", 31, 500), (1, classes, 500, 500))


def unet() -> ModelProto:
    """Ronneberger, Fischer & Brox 2015, figure 1: unpadded convolutions, 572 in and 388 out."""
    net = Net("unet", (1, 1, 572, 572))

    def double_conv(x: str, channels: int) -> str:
        for number in ("1", "2"):
            x = net.relu(net.conv(x, f"conv{number}", channels, 3), f"relu{number}")
        return x

    x, size = "input", 572
    skips = []
    for level, channels in enumerate((64, 128, 256, 512), 1):
        with net.scope(f"down{level}"):
            x, size = double_conv(x, channels), size - 4
            skips.append((x, size, channels))
            x, size = net.max_pool(x, "pool", 2, 2), size // 2
    with net.scope("bottom"):
        x, size = double_conv(x, 1024), size - 4
    for level, (skip, skip_size, channels) in reversed(list(enumerate(skips, 1))):
        with net.scope(f"up{level}"):
            x, size = net.conv_transpose(x, "upconv", channels, 2, 2), size * 2
            cropped = net.crop(skip, "crop", (skip_size - size) // 2, size)
            x, size = double_conv(net.concat([cropped, x]), channels), size - 4
    return net.model(net.conv(x, "classes", 2, 1), (1, 2, size, size))


def deeplabv3_resnet50() -> ModelProto:
    """Chen et al. 2017, as in torchvision without the auxiliary head: stride 8, 21 classes."""
    net = Net("deeplabv3_resnet50", (1, 3, 520, 520))
    size, classes = 520, 21
    with net.scope("backbone"):
        features = resnet50_features(net, "input", strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))

    def unit(x: str, module: str, kernel: int, dilation: int = 1) -> str:
        pad = dilation * (kernel // 2)
        with net.scope(module):
            x = net.conv(x, "conv", 256, kernel, pad=pad, dilation=dilation, bias=False)
            return net.relu(net.batch_norm(x, "bn"), "relu")

    with net.scope("classifier"):
        with net.scope("aspp"):
            branches = [unit(features, "rate1", 1)]
            branches += [unit(features, f"rate{rate}", 3, rate) for rate in (12, 24, 36)]
            pooled = unit(net.global_average_pool(features, "pool"), "pooled", 1)
            branches.append(net.resize(pooled, "spread", (1, 256, size // 8, size // 8)))
            x = unit(net.concat(branches), "project", 1)
        x = net.conv(unit(x, "head", 3), "score", classes, 1)
    shape = (1, classes, size, size)
    return net.model(net.resize(x, "upsample", shape), shape)


def wavenet() -> ModelProto:
    """Van den Oord et al. 2016: three stacks of ten causal layers, dilations 1, 2, ..., 512.

    The input is one second of 16 kHz audio as 256 one-hot classes, which a 1x1 convolution embeds.
    The paper prints no widths; 64 residual and 256 skip channels are this file's choice.
    """
    net = Net("wavenet", (1, 256, 16000))
    residual, gate, skip = 64, 128, 256
    x = net.conv("input", "embed", residual, 1)
    skips = ""
    for stack in range(3):
        for layer in range(10):
            dilation = 2**layer
            with net.scope(f"stack{stack}", str(layer)):
                y = net.node("Pad", [x, net.integers("pads", 0, 0, dilation, 0, 0, 0)], "causal")
                y = net.conv(y, "dilated", gate, 2, dilation=dilation)
                signal, control = net.split(y, "halves", ("signal", "control"), axis=1)
                signal = net.node("Tanh", [signal], "tanh")
                control = net.node("Sigmoid", [control], "sigmoid")
                y = net.node("Mul", [signal, control], "gated")
                out = net.conv(y, "skip", skip, 1)
                skips = net.add(skips, out, "skip_sum") if skips else out
                if (stack, layer) != (2, 9):  # nothing reads the residual path of the last layer
                    x = net.add(x, net.conv(y, "residual", residual, 1))
    x = net.conv(net.relu(skips, "relu1"), "post1", 256, 1)
    x = net.conv(net.relu(x, "relu2"), "post2", 256, 1)
    return net.model(x, (1, 256, 16000))


def c3d() -> ModelProto:
    """Tran et al. 2015: 3x3x3 convolutions over 16 frames, the 487 classes of Sports-1M."""
    net = Net("c3d", (1, 3, 16, 112, 112))
    x = "input"
    for block, widths in enumerate(((64,), (128,), (256, 256), (512, 512), (512, 512)), 1):
        for letter, channels in zip("ab", widths, strict=False):
            x = net.relu(net.conv(x, f"conv{block}{letter}", channels, 3, pad=1),
                         f"relu{block}{letter}")  # fmt: skip
        window = (1, 2, 2) if block == 1 else 2
        x = net.max_pool(x, f"pool{block}", window, window, (0, 1, 1) if block == 5 else 0)
    x = net.flatten(x)
    x = net.relu(net.linear(x, "fc6", 512 * 4 * 4, 4096), "relu6")
    x = net.relu(net.linear(x, "fc7", 4096, 4096), "relu7")
    return net.model(net.linear(x, "fc8", 4096, 487), (1, 487))


def vit_b_16() -> ModelProto:
    """Dosovitskiy et al. 2021, as in torchvision: 14 x 14 patches and a class token."""
    net = Net("vit_b_16", (1, 3, 224, 224))
    width, heads, hidden, tokens = 768, 12, 3072, 197
    head = width // heads

    def attention(x: str) -> str:
        parts = net.split(net.project(x, "in_proj", width, 3 * width), "split", "qkv", axis=2)
        q, k, v = (net.reshape(part, f"{letter}_heads", 1, tokens, heads, head)
                   for letter, part in zip("qkv", parts, strict=True))  # fmt: skip
        q = net.transpose(q, "q_transpose", 0, 2, 1, 3)
        k = net.transpose(k, "k_transpose", 0, 2, 3, 1)
        v = net.transpose(v, "v_transpose", 0, 2, 1, 3)
        q = net.node("Mul", [q, net.scalar("head_scale", head**-0.5)], "q_scale")
        scores = net.node("Softmax", [net.node("MatMul", [q, k], "scores")], "softmax", axis=-1)
        mixed = net.node("MatMul", [scores, v], "context")
        mixed = net.transpose(mixed, "context_transpose", 0, 2, 1, 3)
        return net.project(net.reshape(mixed, "merge", 1, tokens, width), "out_proj", width, width)

    x = net.conv("input", "conv_proj", width, 16, 16)
    x = net.transpose(net.reshape(x, "patches", 1, width, tokens - 1), "sequence", 0, 2, 1)
    x = net.concat([net.weight("class_token", 1, 1, width), x], "tokens", axis=1)
    with net.scope("encoder"):
        x = net.add(x, net.weight("pos_embedding", 1, tokens, width), "embed")
        for layer in range(12):
            with net.scope("layers", str(layer)):
                y = net.layer_norm(x, "ln_1", width, 1e-6)
                with net.scope("self_attention"):
                    y = attention(y)
                x = net.add(x, y, "add_1")
                y = net.layer_norm(x, "ln_2", width, 1e-6)
                with net.scope("mlp"):
                    y = net.gelu(net.project(y, "fc1", width, hidden), "gelu")
                    y = net.project(y, "fc2", hidden, width)
                x = net.add(x, y, "add_2")
        x = net.layer_norm(x, "ln", width, 1e-6)
    x = net.node("Gather", [x, net.integers("class_token.index", 0)], "class_output", axis=1)
    x = net.flatten(x)
    return net.model(net.linear(x, "heads", width, 1000), (1, 1000))


MODELS: dict[str, Callable[[], ModelProto]] = {
    build.__name__: build
    for build in (
        lenet5, alexnet, vgg16, googlenet, resnet50, densenet121, mobilenet_v2, xception,
        efficientnet_b0, fcn8s, unet, deeplabv3_resnet50, wavenet, c3d, vit_b_16,
    )
}  # fmt: skip


def serialized(name: str) -> bytes:
    """The bytes of one model's file."""
    content: bytes = MODELS[name]().SerializeToString(deterministic=True)
    return content


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the sample models.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="model to build (default: all)")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in MODELS]
    if unknown:
        parser.error(f"no model called {', '.join(unknown)}; there are {', '.join(MODELS)}")

    stale = []
    for name in options.names or MODELS:
        content, path = serialized(name), HERE / f"{name}.onnx"
        if not options.check:
            path.write_bytes(content)
        elif not path.is_file() or path.read_bytes() != content:
            stale.append(path.name)
    if stale:
        print(f"not what build.py makes: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
