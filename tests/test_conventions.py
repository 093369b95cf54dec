"""Do the conventions give what the packages they are named after print?

Every number below was printed by the package itself: fvcore 0.1.5.post20221221, thop
0.1.1.post2209072238, ptflops 0.7.5, calflops 0.3.2, torchinfo 1.8.0 and torch 2.13's flop counter
on torchvision 0.28's networks and on single modules; onnx-tool 1.0.1 and onnx-opcounter 0.0.4 on
their exports, or on the sample models themselves. Published figures stand beside, to the digits
that were published.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import numpy as np
import onnx
import pytest
from amounts import some
from laid_out import markdown_table
from networks import network, node
from onnx import TensorProto, helper, numpy_helper

import cnnscope
from cnnscope.analyzer.counters.conventions import all_conventions, find_convention
from cnnscope.analyzer.counters.forms import forms
from cnnscope.analyzer.render.subjects.conventions import (
    CONVENTION_COLUMNS,
    DIFFERENCE_COLUMNS,
    WEIGHT_COLUMNS,
    differences,
    weighted,
)
from cnnscope.analyzer.render.subjects.report import report_schema
from cnnscope.cli import main

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_models"


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


build = _load("sample_models_build_for_conventions", SAMPLES / "build.py")

# -- whole networks ----------------------------------------------------------------------------


def resnet18() -> onnx.ModelProto:
    """He et al. 2016, table 1, as in torchvision."""
    net = build.Net("resnet18", (1, 3, 224, 224))
    x = net.conv("input", "conv1", 64, 7, 2, 3, bias=False)
    x = net.max_pool(net.relu(net.batch_norm(x, "bn1"), "relu"), "maxpool", 3, 2, 1)
    for stage, channels in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if stage and not block else 1
            with net.scope(f"layer{stage + 1}", str(block)):
                y = net.batch_norm(net.conv(x, "conv1", channels, 3, stride, 1, bias=False), "bn1")
                y = net.conv(net.relu(y, "relu1"), "conv2", channels, 3, 1, 1, bias=False)
                y = net.batch_norm(y, "bn2")
                if stride == 2:
                    x = net.batch_norm(net.conv(x, "down", channels, 1, 2, bias=False), "bn")
                x = net.relu(net.add(y, x), "relu2")
    x = net.flatten(net.global_average_pool(x))
    return net.model(net.linear(x, "fc", 512, 1000), (1, 1000))


def vgg16() -> onnx.ModelProto:
    """The sample, with torchvision's adaptive pool to 7 x 7, which is written as a 1 x 1 pool."""
    net = build.Net("vgg16", (1, 3, 224, 224))
    with net.scope("features"):
        x = build.vgg16_features(net, "input")["pool5"]
    x = net.average_pool(x, "avgpool", 1, 1)
    return net.model(build.classifier_head(net, x, 512 * 7 * 7), (1, 1000))


@cache
def report_of(name: str) -> cnnscope.Report:
    made = {"resnet18": resnet18, "vgg16": vgg16}.get(name)
    return cnnscope.analyze(made().SerializeToString() if made else SAMPLES / f"{name}.onnx")


NETWORKS = {
    # torchvision 0.28's networks with every module's weights random: the counts don't hang on them
    "resnet50": {
        "core": 4_089_184_256,  # torchvision's ResNet50_Weights: _ops 4.089
        "torchvision": 4_089_184_256,
        "torch": 8_178_368_512,
        "fvcore": 4_111_512_576,  # timm, results-imagenet.csv: 4.11
        "thop": 4_133_742_592,  # ultralytics-thop's README: 4133742592
        "ptflops": 4_132_436_968,  # ptflops' README: 4.13
        "ptflops-aten": 4_089_185_256,  # 4.09
        "calflops": 8_211_108_352,  # calflops' README: 8.21111 GFLOPS
        "calflops-macs": 4_089_184_256,  # 4.08918 GMACs
        "torchinfo": 4_089_238_376,
        "onnx-tool": 4_450_761_704,
        "onnx-opcounter": 4_126_745_088,  # on the sample model
        "digestai": 8_200_522_216,
    },
    "resnet18": {
        "core": 1_814_073_344,  # torchvision's ResNet18_Weights: _ops 1.814
        "torchvision": 1_814_073_344,
        "torch": 3_628_146_688,
        "fvcore": 1_819_065_856,  # timm: 1.82
        "thop": 1_824_033_792,
        "ptflops": 1_825_313_768,  # README: 1.83
        "ptflops-aten": 1_814_074_344,  # 1.81
        "calflops": 3_636_250_112,  # README: 3.63625 GFLOPS
        "calflops-macs": 1_814_073_344,  # 1.81407 GMACs
        "torchinfo": 1_814_083_944,
        "onnx-tool": 1_895_963_624,
        "onnx-opcounter": 1_822_303_232,  # on torchvision's export
        "digestai": 3_632_136_680,  # its own test: 3632136680
    },
    "vgg16": {
        "core": 15_470_264_320,  # torchvision's VGG16_Weights: _ops 15.47
        "torchvision": 15_470_264_320,
        "torch": 30_940_528_640,
        "fvcore": 15_470_289_408,  # timm: 15.47
        "thop": 15_470_314_496,
        "ptflops": 15_523_225_576,  # README: 15.52
        "ptflops-aten": 15_483_821_032,  # 15.48
        "calflops": 30_973_778_432,  # README: 30.9738 GFLOPS
        "calflops-macs": 15_470_264_320,  # 15.4703 GMACs
        "torchinfo": 15_483_821_032,
        "onnx-tool": 15_503_523_304,
        "onnx-opcounter": 15_485_400_576,  # on torchvision's export
    },
    "densenet121": {
        "fvcore": 2_865_546_752,  # timm: 2.87
        "calflops": 5_716_881_152,
        "torchinfo": 2_834_246_312,
        "onnx-tool": 3_338_084_328,
        "onnx-opcounter": 2_891_715_584,
    },
    "googlenet": {
        "fvcore": 1_504_878_688,
        "thop": 1_511_332_032,
        "calflops": 3_009_356_752,
        "ptflops-aten": 1_498_377_192,
        "torchinfo": 1_498_391_752,
        "onnx-tool": 1_614_221_992,
        "onnx-opcounter": 1_510_709_776,
    },
    "mobilenet_v2": {
        "fvcore": 314_193_216,  # timm: 0.31
        "calflops": 614_967_488,
        "calflops-macs": 300_774_272,
        "torchinfo": 300_809_384,
        "onnx-tool": 520_292_552,
        "onnx-opcounter": 320_455_232,
    },
    "efficientnet_b0": {
        "fvcore": 401_659_392,  # timm: 0.4
        "thop": 415_145_024,
        "ptflops": 410_196_896,
        "ptflops-aten": 385_825_092,
        "calflops": 793_641_400,
        "torchinfo": 385_867_108,
        "onnx-tool": 803_118_464,
        "onnx-opcounter": 414_143_096,
    },
    "xception": {"onnx-opcounter": 8_420_118_208},
    "wavenet": {"onnx-opcounter": 20_268_228_416},
    "c3d": {"onnx-opcounter": 38_576_630_784},
    "deeplabv3_resnet50": {"onnx-opcounter": 169_292_829_504},
    "vit_b_16": {"onnx-opcounter": 17_631_600_144},
}


@pytest.mark.parametrize(
    ("network", "name", "printed"),
    [
        pytest.param(network, name, printed, id=f"{network}-{name}")
        for network, row in NETWORKS.items()
        for name, printed in row.items()
    ],
)
def test_a_network_as_the_peer_prints_it(network: str, name: str, printed: int) -> None:
    found = cnnscope.convention(report_of(network), name)
    assert found.total.value == printed
    assert sum(v for v in found.layers.values() if isinstance(v, int)) == printed


@pytest.mark.parametrize(
    ("name", "published", "half_digit"),
    [
        ("timm", 17_580_000_000, 5_000_000),  # results-imagenet.csv, vit_base_patch16_224: 17.58
        ("torchvision", 17_564_000_000, 500_000),  # ViT_B_16_Weights: _ops 17.564
    ],
)
def test_attention_written_out(name: str, published: int, half_digit: int) -> None:
    total = cnnscope.convention(report_of("vit_b_16"), name).total.value
    assert total is not None
    assert abs(total - published) <= half_digit


# -- one module at a time ----------------------------------------------------------------------

IMAGE = (1, 8, 16, 16)  # 2,048 elements


def single(
    op: str, shape: tuple[int, ...], *stored: Any, opset: int = 21, **attributes: Any
) -> Any:
    """A model of one node; stored inputs are shapes of weights, arrays, or None."""
    names, weights = ["x"], []
    for position, what in enumerate(stored):
        names.append("" if what is None else f"w{position}")
        if what is not None:
            array = np.zeros(what, np.float32) if isinstance(what, tuple) else np.asarray(what)
            weights.append(numpy_helper.from_array(array, names[-1]))
    node = helper.make_node(op, names, ["y"], name="n", **attributes)
    return _model([node], shape, weights, opset)


def _model(nodes: list[onnx.NodeProto], shape: Any, weights: Any = (), opset: int = 21) -> Any:
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        weights,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def silu() -> Any:
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["s"], name="sigmoid"),
        helper.make_node("Mul", ["x", "s"], ["y"], name="mul"),
    ]
    return _model(nodes, IMAGE)


def project() -> Any:
    """A linear layer on a sequence, as exporters write it: a product, and an Add of the bias."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"], name="product"),
        helper.make_node("Add", ["p", "b"], ["y"], name="bias"),
    ]
    weights = [
        numpy_helper.from_array(np.zeros((8, 5), np.float32), "w"),
        numpy_helper.from_array(np.zeros(5, np.float32), "b"),
    ]
    return _model(nodes, (1, 7, 8), weights)


def recurrent(op: str, gates: int, bias: bool) -> Any:
    sizes = [(1, gates * 32, 16), (1, gates * 32, 32)] + [(1, 2 * gates * 32)] * bias
    return single(op, (10, 1, 16), *sizes, hidden_size=32)


def resize(shape: tuple[int, ...], mode: str) -> Any:
    scales = np.array([1, 1] + [2] * (len(shape) - 2), np.float32)
    return single("Resize", shape, None, scales, mode=mode)


CONV = {"kernel_shape": [3, 3]}
PADDED = {**CONV, "pads": [1, 1, 1, 1]}
MODULES = {
    "batch_norm": lambda: single("BatchNormalization", IMAGE, (8,), (8,), (8,), (8,)),
    "group_norm": lambda: single("GroupNormalization", IMAGE, (8,), (8,), num_groups=4),
    "instance_norm": lambda: single("InstanceNormalization", IMAGE, (8,), (8,)),
    "layer_norm": lambda: single("LayerNormalization", IMAGE, (16,), (16,)),
    "relu": lambda: single("Relu", IMAGE),
    "elu": lambda: single("Elu", IMAGE),
    "leaky_relu": lambda: single("LeakyRelu", IMAGE),
    "prelu": lambda: single("PRelu", IMAGE, (8, 1, 1)),
    "gelu": lambda: single("Gelu", IMAGE),
    "silu": silu,
    "hardswish": lambda: single("HardSwish", IMAGE),
    "sigmoid": lambda: single("Sigmoid", IMAGE),
    "tanh": lambda: single("Tanh", IMAGE),
    "softmax": lambda: single("Softmax", IMAGE, axis=1),
    "max_pool": lambda: single("MaxPool", IMAGE, **PADDED, strides=[2, 2]),
    "avg_pool": lambda: single("AveragePool", IMAGE, kernel_shape=[2, 2], strides=[2, 2]),
    "adaptive_avg": lambda: single("GlobalAveragePool", IMAGE),
    "adaptive_max": lambda: single("GlobalMaxPool", IMAGE),
    "adaptive_avg_1d": lambda: single("GlobalAveragePool", (1, 8, 16)),
    "mean": lambda: single("ReduceMean", IMAGE, np.array([2, 3], np.int64)),
    "nearest": lambda: resize(IMAGE, "nearest"),
    "bilinear": lambda: resize(IMAGE, "linear"),
    "bicubic": lambda: resize(IMAGE, "cubic"),
    "linear_1d": lambda: resize((1, 8, 16), "linear"),
    "nearest_3d": lambda: resize((1, 2, 4, 4, 4), "nearest"),
    "conv": lambda: single("Conv", IMAGE, (6, 8, 3, 3), (6,), **PADDED),
    "depthwise": lambda: single("Conv", IMAGE, (8, 1, 3, 3), (8,), **PADDED, group=8),
    "dilated": lambda: single("Conv", IMAGE, (6, 8, 3, 3), (6,), **CONV, dilations=[2, 2]),
    "conv3d": lambda: single(
        "Conv", (1, 2, 8, 8, 8), (4, 2, 3, 3, 3), (4,),
        kernel_shape=[3, 3, 3], strides=[2, 2, 2], pads=[1] * 6,
    ),
    "conv_transpose": lambda: single(
        "ConvTranspose", IMAGE, (8, 6, 4, 4), (6,),
        kernel_shape=[4, 4], strides=[2, 2], pads=[1] * 4,
    ),
    "linear": lambda: single("Gemm", (3, 8), (5, 8), (5,), transB=1),
    "linear_3d": project,
    "lstm": lambda: recurrent("LSTM", 4, True),
    "gru": lambda: recurrent("GRU", 3, True),
    "rnn": lambda: recurrent("RNN", 1, True),
    "lstm_nobias": lambda: recurrent("LSTM", 4, False),
    "gru_nobias": lambda: recurrent("GRU", 3, False),
    "rnn_nobias": lambda: recurrent("RNN", 1, False),
}  # fmt: skip

# what each package prints for the module; None: it raises. Columns:
PEERS = (
    "fvcore", "thop", "ptflops", "ptflops-aten", "calflops", "calflops-macs",
    "torchinfo", "torch", "onnx-tool", "onnx-opcounter",
)  # fmt: skip
PRINTED: dict[str, tuple[int | None, ...]] = {
    "batch_norm": (4_096, 8_192, 4_096, 0, 4_096, 0, 16, 0, 63_488, 4_096),
    "group_norm": (10_240, 0, 4_096, 0, 10_240, 0, 16, 0, None, None),
    "instance_norm": (10_240, 8_192, 4_096, 0, 10_240, 0, 16, 0, 14_336, 2_048),
    "layer_norm": (10_240, 8_192, 2_048, 0, 10_240, 0, 32, 0, 18_048, 2_048),
    "relu": (0, 0, 4_096, 0, 2_048, 0, 0, 0, 2_048, 2_048),
    "elu": (0, 0, 4_096, 0, 2_048, 0, 0, 0, 71_680, 2_048),
    "leaky_relu": (0, 0, 2_048, 0, 2_048, 0, 0, 0, 4_096, 2_048),
    "prelu": (0, 2_048, 4_096, 0, 2_048, 0, 8, 0, 4_096, 2_048),
    "gelu": (0, 0, 4_096, 0, 2_048, 0, 0, 0, 69_632, 2_048),
    "silu": (0, 0, 2_048, 0, 2_048, 0, 0, 0, 67_584, 4_096),
    "hardswish": (0, 0, 0, 0, 0, 0, 0, 0, 10_240, 2_048),
    "sigmoid": (0, 0, 0, 0, 0, 0, 0, 0, 65_536, 2_048),
    "tanh": (0, 0, 0, 0, 0, 0, 0, 0, 155_648, 2_048),
    "softmax": (0, 5_888, 2_048, 0, 2_048, 0, 0, 0, 73_728, 2_048),
    "max_pool": (0, 0, 4_096, 0, 2_048, 0, 0, 0, 4_608, 512),
    "avg_pool": (0, 512, 4_096, 0, 2_048, 0, 0, 0, 2_048, 512),
    "adaptive_avg": (2_048, 2_056, 4_096, 0, 2_048, 0, 0, 0, 2_080, 8),
    "adaptive_max": (0, 0, 4_096, 0, 2_048, 0, 0, 0, None, 8),
    "adaptive_avg_1d": (0, 136, 256, 0, 128, 0, 0, 0, 160, 8),
    "nearest": (8_192, 8_192, 16_384, 0, 2_048, 0, 0, 0, 0, 0),
    "bilinear": (32_768, 90_112, 16_384, 0, 2_048, 0, 0, 0, 32_768, 90_112),
    "bicubic": (0, 2_121_728, 16_384, 0, 2_048, 0, 0, 0, 65_536, None),
    "linear_1d": (0, 1_280, 512, 0, 128, 0, 0, 0, 1_024, 2_816),
    "nearest_3d": (0, 1_024, 2_048, 0, 128, 0, 0, 0, 0, 0),
    "conv": (110_592, 110_592, 112_128, 112_128, 222_720, 110_592, 112_128, 221_184, 112_128, 110_592),
    "depthwise": (18_432, 18_432, 20_480, 20_480, 38_912, 18_432, 20_480, 36_864, 20_480, 18_432),
    "dilated": (62_208, 62_208, 63_072, 63_072, 125_280, 62_208, 63_072, 124_416, 63_072, 62_208),
    "conv3d": (13_824, 13_824, 14_080, 14_080, 27_904, 13_824, 14_080, 27_648, 14_080, 13_824),
    "conv_transpose": (196_608, 786_432, 202_752, 202_752, 393_600, 196_608,
                       792_576, 393_216, 595_968, 786_432),
    "linear": (120, 120, 135, 135, 240, 120, 135, 240, 135, 120),
    "linear_3d": (280, 280, 315, 315, 560, 280, 45, 560, 315, 315),
    "lstm": (0, 66_560, 67_200, 0, 126_080, 0, 64_000, 0, 121_600, 320),
    "gru": (0, 50_240, 50_240, 48_000, 94_400, 0, 48_000, 92_160, None, 320),
    "rnn": (0, 16_320, 16_320, 16_000, 31_040, 0, 16_000, 30_720, None, 320),
    "lstm_nobias": (0, 64_000, 64_640, 0, 123_520, 0, 61_440, 0, None, 320),
    "gru_nobias": (0, 48_320, 48_320, 46_080, 92_480, 0, 46_080, 92_160, None, 320),
    "rnn_nobias": (0, 15_680, 15_680, 15_360, 30_400, 0, 15_360, 30_720, None, 320),
    "mean": (None, None, None, None, None, None, None, None, 2_048, 8),
}  # fmt: skip

# what onnx-tool prints for one operator on 1x8x16x16, a second operand of 8x1x1
ELEMENTWISE = {
    "Abs": 2_048, "Add": 2_048, "Atan": 131_072, "Ceil": 2_048, "Clip": 4_096, "Cos": 79_872,
    "Div": 8_192, "Equal": 2_048, "Exp": 65_536, "Floor": 2_048, "Greater": 2_048,
    "GreaterOrEqual": 2_048, "HardSigmoid": 8_192, "Hardmax": 2_048, "Less": 2_048,
    "LessOrEqual": 2_048, "Log": 88_064, "LogSoftmax": 163_840, "LpNormalization": 67_584,
    "Max": 2_048, "Min": 2_048, "Mod": 2_048, "Mul": 2_048, "Neg": 2_048, "Pow": 65_536,
    "Reciprocal": 8_192, "ReduceL2": 51_200, "ReduceMax": 2_048, "ReduceMin": 2_048,
    "ReduceProd": 2_048, "ReduceSum": 2_048, "Round": 2_048, "Sign": 2_048, "Sin": 79_872,
    "Softplus": 155_648, "Sqrt": 49_152, "Sub": 2_048, "Sum": 4_096,
}  # fmt: skip


#: where the peer prints something else, as the convention says
WRONG = {
    "nearest": {"calflops"}, "bilinear": {"calflops"}, "bicubic": {"calflops"},
    "linear_1d": {"calflops"}, "nearest_3d": {"calflops"},
    "conv_transpose": {"thop", "calflops", "torchinfo", "onnx-tool", "onnx-opcounter"},
    "linear_3d": {"torchinfo"},
    "lstm": {"fvcore", "ptflops-aten", "calflops-macs", "torch", "onnx-opcounter"},
    "gru": {"fvcore", "calflops-macs", "onnx-opcounter"},
    "rnn": {"fvcore", "calflops-macs", "onnx-opcounter"},
}  # fmt: skip
WRONG |= {f"{name}_nobias": WRONG[name] for name in ("lstm", "gru", "rnn")}


@cache
def module_of(module: str) -> cnnscope.Report:
    return cnnscope.analyze(MODULES[module]().SerializeToString())


@pytest.mark.parametrize("module", PRINTED)
def test_a_module_as_the_peers_print_it(module: str) -> None:
    report, wrong = module_of(module), WRONG.get(module, set())
    for name, printed in zip(PEERS, PRINTED[module], strict=True):
        if printed is None:
            continue
        found = cnnscope.convention(report, name)
        if name in wrong:
            assert found.total.value != printed, name
            assert found.differs or found.may_differ, name
        else:
            assert found.total.value == printed, name


def test_fused_and_packed_forms_count_like_the_plain_ones() -> None:
    """A skip's own operand is no scale; a dynamically quantised LSTM packs its gates last."""

    def fused(op: str, given: dict[str, Any], stored: dict[str, Any], **attributes: Any) -> Any:
        names = [*given, *stored]
        node = helper.make_node(
            op, [name if name[0] != "_" else "" for name in names], ["y"],
            domain="com.microsoft", **attributes,
        )  # fmt: skip
        inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in given.items()]
        output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
        weights = [numpy_helper.from_array(w, n) for n, w in stored.items() if n[0] != "_"]
        versions = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
        graph = helper.make_graph([node], "g", inputs, [output], weights)
        return cnnscope.analyze(helper.make_model(graph, opset_imports=versions, ir_version=10))

    affine = {"scale": np.ones(8, np.float32), "offset": np.ones(8, np.float32)}
    skipped = {"x": (2, 5, 8), "skip": (2, 5, 8)}
    report = fused("SkipLayerNormalization", skipped, affine)
    assert cnnscope.convention(report, "torchinfo").total.value == 2 * (8 + 8)
    one, zero = np.ones(1, np.float32), np.zeros(1, np.int8)
    packed = {
        "w": np.ones((1, 16, 128), np.int8), "r": np.ones((1, 32, 128), np.int8),
        "b": np.ones((1, 256), np.float32), **dict.fromkeys(("_1", "_2", "_3", "_4")),
        "ws": one, "wz": zero, "rs": one, "rz": zero,
    }  # fmt: skip
    report = fused("DynamicQuantizeLSTM", {"x": (10, 1, 16)}, packed, hidden_size=32)
    for name in ("thop", "ptflops", "torchinfo"):
        plain = cnnscope.convention(module_of("lstm"), name).total.value
        assert cnnscope.convention(report, name).total.value == plain


def test_what_is_right_where_peers_are_wrong() -> None:
    """8 x 8 x 16 x 16 inputs, each meeting 6 x 4 x 4 weights; 2 * 16 * 16 * 16 outputs' biases."""
    report = module_of("conv_transpose")
    products, biases = 8 * 16 * 16 * 6 * 4 * 4, 6 * 32 * 32
    for name, right in {
        "core": products, "thop": products, "fvcore": products, "onnx-opcounter": products,
        "torchinfo": products + biases, "onnx-tool": products + biases,
        "calflops": 2 * products + biases,
    }.items():  # fmt: skip
        assert cnnscope.convention(report, name).total.value == right
    assert "transposed" in cnnscope.convention(report, "thop").differs[0]
    assert cnnscope.convention(report, "fvcore").differs == ()


TWO = {"Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "Sum", "Pow", "Equal", "Less", "Greater",
       "LessOrEqual", "GreaterOrEqual"}  # fmt: skip


@pytest.mark.parametrize("op", ELEMENTWISE)
def test_an_operator_as_onnx_tool_prints_it(op: str) -> None:
    second = [(8, 1, 1)] * {"Sum": 2}.get(op, op in TWO)
    attributes = {"fmod": 1} if op == "Mod" else {}
    report = cnnscope.analyze(single(op, IMAGE, *second, **attributes).SerializeToString())
    assert cnnscope.convention(report, "onnx-tool").total.value == ELEMENTWISE[op]


# -- what isn't known, and what isn't counted --------------------------------------------------


def test_cnnscopes_own_conventions_are_its_totals(samples: Path) -> None:
    for path in sorted(samples.glob("*.onnx")):
        report = cnnscope.analyze(path)
        assert cnnscope.convention(report, "core").total == report.totals.macs
        assert cnnscope.convention(report, "flops").total == report.totals.flops


def test_real_models(corpus: Path) -> None:
    """Every convention has a figure wherever cnnscope has one; torch's is twice cnnscope's."""
    odd = sorted((corpus / "models").glob("[hqw]*_*.onnx"))  # hand-made, quantised, in the wild
    for path in some(odd, 8):
        report = cnnscope.analyze(path)
        for found in all_conventions(report):
            assert found.total.status == report.totals.macs.status, (path.name, found.name)
            assert set(found.layers) == {layer.name for layer in report.layers}
            if found.name == "torch" and found.total.value is not None:
                assert found.total.value == 2 * (report.totals.macs.value or 0)


def test_an_unknown_operator_is_missing_and_not_zero() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="relu"),
        helper.make_node("Mystery", ["r"], ["y"], name="mystery", domain="my.domain"),
    ]
    model = _model(nodes, IMAGE)
    model.opset_import.append(helper.make_opsetid("my.domain", 1))
    report = cnnscope.analyze(model.SerializeToString())
    found = cnnscope.convention(report, "ptflops")
    assert (found.total.value, found.total.known) == (None, 4096)
    assert found.total.status == "partial"
    assert found.total.uncounted == {"my.domain::Mystery": 1}
    assert found.layers["mystery"] is None
    assert "my.domain::Mystery" not in found.not_counted


def test_what_the_peer_leaves_out_is_listed() -> None:
    found = cnnscope.convention(report_of("resnet50"), "thop")
    assert dict(found.not_counted) == {"Relu": 49, "MaxPool": 1, "Add": 16}
    assert found.total.status == "complete"


def test_free_dimensions_give_a_formula() -> None:
    wide = single("Conv", (1, 8, "W", 16), (6, 8, 3, 3), **PADDED).SerializeToString()
    found = cnnscope.convention(cnnscope.analyze(wide), "torch").total
    assert found.status == "unavailable"
    assert found.formula == "13824*W"
    bound = cnnscope.convention(cnnscope.analyze(wide, dims={"W": 16}), "torch").total
    assert bound.value == 221_184


@pytest.mark.parametrize(("name", "once"), [("core", 0), ("ptflops", 2 * 16), ("onnx-tool", 16)])
def test_a_loop_counts_its_body_as_often_as_it_runs(name: str, once: int) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["on"], ["goes_on"]),
            helper.make_node("Relu", ["state"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, ()),
            helper.make_tensor_value_info("on", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, (16,)),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, (16,)),
        ],
    )
    loop = helper.make_node("Loop", ["trips", "on0", "x"], ["y"], name="loop", body=body)
    weights = [
        numpy_helper.from_array(np.array(5, np.int64), "trips"),
        numpy_helper.from_array(np.array(True), "on0"),
    ]
    report = cnnscope.analyze(_model([loop], (16,), weights).SerializeToString())
    found = cnnscope.convention(report, name)
    assert found.total.value == 5 * once
    assert bool(cnnscope.convention(report, "onnx-tool").differs)


def test_integer_products_count_like_floats() -> None:
    x = np.array(0.1, np.float32), np.array(0, np.uint8)
    w = np.zeros((6, 8, 3, 3), np.uint8)
    model = single("QLinearConv", IMAGE, *x, w, *x, *x, **PADDED)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.UINT8
    report = cnnscope.analyze(model.SerializeToString())
    found = cnnscope.convention(report, "thop")
    assert found.total.value == report.totals.int_macs.value == 110_592
    assert found.quantised


# -- forms and names ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "layer", "expected"),
    [
        ("silu", "sigmoid", ("SiLU", "Sigmoid")),
        ("sigmoid", "n", ("Sigmoid",)),
        ("linear_3d", "bias", ("linear bias", "Add")),
        ("mean", "n", ("adaptive average 2-D", "adaptive average", "ReduceMean")),
        ("bilinear", "n", ("Resize linear 2-D", "Resize")),
        ("adaptive_avg_1d", "n", ("GlobalAveragePool 1-D", "GlobalAveragePool")),
        ("lstm_nobias", "n", ("LSTM without bias", "LSTM")),
    ],
)
def test_forms(module: str, layer: str, expected: tuple[str, ...]) -> None:
    layers = tuple(module_of(module).layers)
    names = [x.name for x in layers]
    assert forms(layers)[names.index(layer)] == expected


@pytest.mark.parametrize(
    ("alias", "name"),
    [("timm", "fvcore"), ("DeepSpeed", "calflops"), ("opcounter", "onnx-opcounter"),
     ("pytorch-opcounter", "thop"), ("flop_counter", "torch"), ("onnxsim", "core")],
)  # fmt: skip
def test_aliases(alias: str, name: str) -> None:
    assert find_convention(alias).name == name


def test_an_unknown_convention_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'ptflops'"):
        cnnscope.convention(report_of("lenet5"), "ptflop")


def test_names_are_unique_and_tables_use_known_features() -> None:
    from cnnscope.analyzer.counters.features import FEATURES

    names = [key for c in cnnscope.conventions() for key in (c.name, *c.aliases)]
    assert len(set(names)) == len(names)
    for c in cnnscope.conventions():
        for weights in (c.always, c.otherwise, *c.terms.values()):
            assert weights.keys() <= FEATURES.keys()


# -- how they are shown ------------------------------------------------------------------------


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as done:
        main(list(arguments))
    out, err = capfd.readouterr()
    return int(str(done.value.code)), out, err


def test_side_by_side(capfd: pytest.CaptureFixture[str]) -> None:
    model = str(SAMPLES / "unet.onnx")
    code, out, _ = run(capfd, "conventions", model)
    assert code == 0
    assert "150,428,424,448" in out
    assert "transposed convolution" in out
    code, out, _ = run(capfd, "conventions", model, "-f", "json")
    found = json.loads(out)
    assert [x["name"] for x in found["conventions"]] == [c.name for c in cnnscope.conventions()]
    assert found["conventions"][0]["total"]["value"] == 150_428_424_448
    code, out, _ = run(capfd, "conventions", model, "-f", "csv")
    rows = {row["convention"]: row for row in csv.DictReader(io.StringIO(out))}
    assert rows["torch"]["total"] == str(2 * 150_428_424_448)
    assert float(rows["torch"]["ratio"]) == 2
    code, out, _ = run(capfd, "conventions", model, "-f", "markdown")
    assert "| torch | FLOPs | FLOPs | 300,856,848,896 | 300.9 G |" in out


def test_side_by_side_with_free_dimensions(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "wide.onnx"
    onnx.save(single("Conv", (1, 8, "W", 16), (6, 8, 3, 3), **PADDED), path)
    _, out, _ = run(capfd, "conventions", str(path))
    assert "13.8 k·W" in out
    assert "bind W with --dim" in out
    _, out, _ = run(capfd, "conventions", str(path), "--dim", "W=16", "-f", "csv")
    rows = {row["convention"]: row for row in csv.DictReader(io.StringIO(out))}
    assert rows["torch"]["total"] == "221184"


def test_names_from_the_model_are_escaped(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    nodes = [helper.make_node("Ev\x1b[31m|il", ["x"], ["y"], name="n", domain="d\n")]
    path = tmp_path / "evil.onnx"
    model = _model(nodes, IMAGE)
    model.opset_import.append(helper.make_opsetid("d\n", 1))
    path.write_bytes(model.SerializeToString())
    for written in ("table", "markdown", "csv", "json"):
        code, out, _ = run(capfd, "conventions", str(path), "-f", written)
        assert code == 0
        assert "\x1b" not in out
        assert "d\n::" not in out


def test_without_a_model(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capfd, "conventions")
    assert code == 0
    assert "From fvcore 0.1.5" in " ".join(out.split())
    code, out, _ = run(capfd, "conventions", "-f", "json")
    assert len(json.loads(out)) == len(cnnscope.conventions())
    code, _, err = run(capfd, "conventions", "--dim", "N=1")
    assert (code, "with a model" in err) == (2, True)


def test_beside_a_reports_own_figures(capfd: pytest.CaptureFixture[str]) -> None:
    model = str(SAMPLES / "resnet50.onnx")
    code, out, _ = run(capfd, "analyze", model, "--convention", "thop", "-f", "csv",
                       "--sort", "convention", "--top", "1")  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(out))
    assert int(row["convention"]) == max(
        v for v in cnnscope.convention(report_of("resnet50"), "thop").layers.values()
        if isinstance(v, int)
    )  # fmt: skip
    code, out, _ = run(capfd, "analyze", model, "--convention", "thop", "-f", "csv", "--by", "op")
    rows = {row["op"]: row for row in csv.DictReader(io.StringIO(out))}
    assert int(rows["BatchNormalization"]["convention"]) == 4 * 11_113_984
    assert rows["Conv"]["convention_status"] == "complete"
    code, out, _ = run(capfd, "analyze", model, "--convention", "thop", "-f", "markdown")
    assert "| thop MACs | 4.13 G |" in out
    code, out, _ = run(capfd, "analyze", model, "--convention", "thop")
    assert "thop MACs" in out
    code, _, err = run(capfd, "analyze", model, "--convention", "thopp")
    assert (code, "there is no convention 'thopp'" in err) == (2, True)


def test_json_has_every_layer_and_fits_the_schema(capfd: pytest.CaptureFixture[str]) -> None:
    model = str(SAMPLES / "lenet5.onnx")
    _, out, _ = run(capfd, "analyze", model, "--convention", "timm", "-f", "json")
    found = json.loads(out)
    jsonschema.validate(found, report_schema())
    assert found["convention"]["name"] == "fvcore"
    assert len(found["convention"]["layers"]) == len(found["layers"])


def test_the_page_says_what_the_tables_say() -> None:
    """docs/conventions.md holds three tables; each is what the data gives now."""
    page = (ROOT / "docs" / "conventions.md").read_text("utf-8")
    for table in (
        markdown_table(cnnscope.conventions(), CONVENTION_COLUMNS),
        markdown_table(differences(), DIFFERENCE_COLUMNS),
        markdown_table(weighted(), WEIGHT_COLUMNS),
    ):
        assert table in page


# Three modules around one Linear of 16 x 16, and a product that isn't in a module of its own. Run with
# torch 2.13, thop 0.1.1 and ptflops 0.7.5 the first prints 6,912 and 2,304 for the 768 MACs that there
# are, the second 0 and 32 (its ReLU) for 256; a Linear that one module calls three times, and one three
# modules deep, are right.
_SHARED = "several parents"
_FUNCTION = "called as a function (`F.linear`"


@pytest.mark.parametrize(
    ("names", "weights", "said"),
    [
        ("/a/l/MatMul /b/l/MatMul /c/l/MatMul", "w w w", {_SHARED}),
        ("/a/l/MatMul /b/l/MatMul", "w v", set()),
        ("/a/b/l/MatMul", "w", set()),
        ("/attn/MatMul /attn/Softmax", "w", {_FUNCTION}),
        ("/MatMul /r/Relu", "w", {_FUNCTION}),
        ("MatMul_0 Relu_1", "w", set()),  # an exporter that notes no modules
    ],
)
@pytest.mark.parametrize("peer", ["thop", "ptflops"])
def test_how_a_linear_was_called(peer: str, names: str, weights: str, said: set[str]) -> None:
    nodes, last, used = [], "x", weights.split()
    for i, name in enumerate(names.split()):
        op = name.rpartition("/")[2].partition("_")[0]
        operands = f"{last} {used[i]}" if op == "MatMul" else last
        nodes.append(node(op, operands, f"t{i}", name=name))
        last = f"t{i}"
    model = network(*nodes, x=(1, 16), **dict.fromkeys(used, (16, 16)))
    found = cnnscope.convention(cnnscope.analyze(model), peer).may_differ
    assert {text for text in (_SHARED, _FUNCTION) if any(text in x for x in found)} == said
