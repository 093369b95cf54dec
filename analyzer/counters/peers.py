"""What do other counters count? Their weightings, as data: nothing here computes.

A convention is a table: operator to how often each *feature* of a layer counts. The features are
exact integers: ``macs``, ``flops`` and ``bias`` are the layer's own work (in an LSTM ``bias`` isn't
used, see ``recurrent_bias``), ``in`` and ``out`` the elements of its first input and output,
``taps`` the window's taps times ``out``, ``rows`` the rows that a softmax or a layer normalisation
works on, ``affine`` the elements of scale and offset times the batch, ``cells`` steps times batch
times directions times hidden units, ``recurrent_bias`` steps times batch times stored biases, ``folds``
one per operand after the first times ``out``, ``size`` the attribute of that name times ``out``.

Facts were read from the packages' own source, in the version that `source` names, and every table
was checked by running that package. The weights are theirs; the multiply-accumulates are counted
right, also where they get them wrong: `differs` says where what they print is another number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from cnnscope.analyzer.values.plain_class import dataclass

#: feature -> how often it counts
FeatureWeights = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Convention:
    """A way of counting.

    Args:
        name: what it is asked for by.
        unit: what one of its units is.
        printed: what the peer calls the figure, ``"flops"`` or ``"Mult-Adds"``.
        counts: what it counts, in one line.
        source: where the rules are from.
        always: what counts of every layer.
        terms: what counts besides, by operator or by a form of it (``"SiLU"``, ``"Resize linear
            2-D"``: see `cnnscope.analyzer.counters.forms`); an operator that isn't there adds nothing.
        otherwise: what counts of operators that are neither in `terms` nor do products.
        differs: situation or operator to how what the peer prints differs where that is met.
        may_differ: likewise, where it hangs on what ONNX doesn't say: how the source was written.
        aliases: other names.
    """

    name: str
    unit: Literal["MACs", "FLOPs"]
    printed: str
    counts: str
    source: str
    always: FeatureWeights = field(default_factory=dict)
    terms: Mapping[str, FeatureWeights] = field(default_factory=dict)
    otherwise: FeatureWeights = field(default_factory=dict)
    differs: Mapping[str, str] = field(default_factory=dict)
    may_differ: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


def _table(*rows: tuple[str, FeatureWeights]) -> dict[str, FeatureWeights]:
    """Operators, separated by commas, to their weights."""
    return {name.strip(): weights for names, weights in rows for name in names.split(",")}


_CONVOLUTIONS = (
    "Conv, ConvTranspose, DeformConv, CausalConvWithState, ConvInteger, QLinearConv,"
    "QLinearConvTranspose, ConvTransposeWithDynamicPads, FusedConv, NhwcConv, NhwcFusedConv"
)
_LINEAR = "Gemm, FusedGemm, QGemm, GemmFloat8, GemmFastGelu"
_AVERAGE = "AveragePool, QLinearAveragePool"
_GLOBAL_AVERAGE = "GlobalAveragePool, QLinearGlobalAveragePool, adaptive average"
_POOLS = f"{_AVERAGE}, {_GLOBAL_AVERAGE}, MaxPool, NhwcMaxPool, GlobalMaxPool"
_GELU = "Gelu, FastGelu, BiasGelu, QuickGelu"
_LAYER_NORM = "LayerNormalization, SkipLayerNormalization"
_GROUP_NORM = "GroupNormalization, GroupNorm, SkipGroupNorm, InstanceNormalization"

_MACS = {"macs": 1}
_TRANSPOSED = (
    "takes a transposed convolution for one that is evaluated at every output position: too many"
    " by the product of its strides"
)
_SHARED = "counts a module that stands under several parents several times over: once for each, in each call"
_FUNCTION = (
    "counts no product that is called as a function (`F.linear`, as in torchvision's Swin), only Linear"
    " modules"
)
_MODULES = "sees modules, not functions: an activation, a pool or an addition called as a function"

CONVENTIONS: tuple[Convention, ...] = (
    Convention(
        "core", "MACs", "MACs",
        "products in convolution, matrix products, attention, recurrence; bias excluded",
        "cnnscope's own headline",
        _MACS,
        aliases=("cnnscope", "macs", "qonnx", "onnxsim"),
    ),
    Convention(
        "flops", "FLOPs", "FLOPs",
        "2 x MACs + every other arithmetic operation once",
        "cnnscope's own second figure",
        {"flops": 1},
    ),
    Convention(
        "torchvision", "MACs", "GFLOPS",
        "products of convolutions, linear layers and matrix products; bias excluded",
        "torchvision 0.28, `_ops` of its weights' metadata: torch's flop counter halved",
        _MACS,
    ),
    Convention(
        "torch", "FLOPs", "FLOPs",
        "2 x the products of convolutions, matrix products and fused attention; bias excluded",
        "torch 2.13, torch/utils/flop_counter.py",
        {"macs": 2},
        may_differ={
            "attention": "counts no fused attention that runs on a CPU",
            "LSTM": "prints 0 for an LSTM that runs as one kernel",
        },
        aliases=("flop_counter", "pytorch"),
    ),
    Convention(
        "fvcore", "MACs", "flops",
        "products, bias excluded; 2 per element of a batch normalisation, 5 of others; adaptive"
        " 2-D average pools by their input; 2-D resizing 1 (nearest) or 4 (bilinear) per output",
        "fvcore 0.1.5.post20221221, fvcore/nn/flop_count.py and jit_handles.py",
        _MACS,
        _table(
            ("BatchNormalization", {"in": 2}),
            (_GROUP_NORM, {"in": 5}),
            (_LAYER_NORM, {"in": 5}),
            ("GlobalAveragePool 2-D, adaptive average 2-D", {"in": 1}),
            ("Resize nearest 2-D", {"out": 1}),
            ("Resize linear 2-D, GridSample", {"out": 4}),
        ),
        differs={
            "broadcast": "counts a product by its first operand: too few where the second has more"
            " batches",
            "recurrent": "counts no recurrent layer",
        },
        may_differ={
            "attention": "counts no fused attention (torch's scaled_dot_product_attention)",
        },
        aliases=("timm",),
    ),
    Convention(
        "thop", "MACs", "MACs",
        "products, bias excluded; 4 per element of a batch, layer or instance normalisation;"
        " average pools 1 per output, adaptive ones input + output; softmax 3n - 1 per row;"
        " resizing 1, 5, 11, 259 per output (nearest, linear, bilinear, bicubic)",
        "thop 0.1.1.post2209072238, thop/profile.py and vision/calc_func.py",
        _MACS,
        _table(
            ("BatchNormalization, InstanceNormalization", {"in": 4}),
            (_LAYER_NORM, {"in": 4}),
            ("PRelu", {"in": 1}),
            ("Softmax", {"in": 3, "rows": -1}),
            (_AVERAGE, {"out": 1}),
            (_GLOBAL_AVERAGE, {"in": 1, "out": 1}),
            ("Resize nearest 1-D, Resize nearest 2-D, Resize nearest 3-D", {"out": 1}),
            ("Resize linear 1-D", {"out": 5}),
            ("Resize linear 2-D", {"out": 11}),
            ("Resize cubic 2-D", {"out": 259}),
            ("RNN without bias", {"cells": 1}),
            ("RNN", {"cells": 3}),
            ("GRU without bias", {"cells": 7}),
            ("GRU", {"cells": 13}),
            ("LSTM without bias", {"cells": 8}),
            ("LSTM, DynamicQuantizeLSTM", {"cells": 16}),
        ),
        differs={
            "transposed": _TRANSPOSED,
            "attention": "sees modules only: products of two activations count nothing",
        },
        may_differ={
            "written out": f"{_MODULES} counts nothing, nor does a subclass of a module",
            "InstanceNormalization": "counts no GroupNorm, which exporters write as an instance"
            " normalization",
            "shared": _SHARED,
            "function": _FUNCTION,
        },
        aliases=("pytorch-opcounter", "ultralytics-thop"),
    ),
    Convention(
        "ptflops", "MACs", "MACs",
        "products and biases; 2 per element of a batch, group or instance normalisation, 1 of a"
        " layer normalisation; ReLU, ELU, PReLU, GELU and pools twice (its module hook and its"
        " patched function both count), other activations once",
        "ptflops 0.7.5, backend `pytorch`, ptflops/pytorch_ops.py",
        _MACS,
        _table(
            (_CONVOLUTIONS, {"bias": 1}),
            (_LINEAR, {"bias": 1}),
            ("linear bias", {"out": 1}),
            ("BatchNormalization", {"in": 2}),
            (_GROUP_NORM, {"in": 2}),
            (_LAYER_NORM, {"in": 1}),
            ("Relu, Elu, PRelu", {"in": 2}),
            (_GELU, {"in": 2}),
            ("GELU", {"in": 2}),
            ("LeakyRelu, Clip, SiLU, Swish, Softmax", {"in": 1}),
            (_POOLS, {"in": 2}),
            ("Resize nearest 1-D, Resize nearest 2-D, Resize nearest 3-D", {"out": 2}),
            ("Resize linear 1-D, Resize linear 2-D, Resize linear 3-D", {"out": 2}),
            ("Resize cubic 2-D", {"out": 2}),
            ("RNN", {"cells": 1, "recurrent_bias": 1}),
            ("GRU", {"cells": 7, "recurrent_bias": 1}),
            ("LSTM, DynamicQuantizeLSTM", {"cells": 10, "recurrent_bias": 1}),
        ),
        differs={
            "broadcast": "counts a product by its first operand: too few where the second has more"
            " batches",
        },
        may_differ={
            "written out": "counts what is called as a function once, and `+` and `*` not at all:"
            " here every activation and pool is taken for a module",
            "resizing": "counts a resizing module's output once for the whole batch and once for"
            " its first element: here twice",
            "shared": _SHARED,
            "function": _FUNCTION,
        },
    ),
    Convention(
        "ptflops-aten", "MACs", "MACs",
        "products, and biases of convolutions and linear layers",
        "ptflops 0.7.5, backend `aten`, ptflops/aten_ops.py",
        _MACS,
        _table(
            (_CONVOLUTIONS, {"bias": 1}), (_LINEAR, {"bias": 1}), ("linear bias", {"out": 1}),
            ("RNN, GRU, LSTM, DynamicQuantizeLSTM", {"recurrent_bias": 1}),
        ),
        may_differ={
            "attention": "counts no fused attention",
            "LSTM": "prints 0 for an LSTM that runs as one kernel",
        },
    ),
    Convention(
        "calflops", "FLOPs", "FLOPs",
        "2 x products; biases of convolutions, not of linear layers; 2 per element of a batch"
        " normalisation, 5 of others; activations, softmax and pools by their input",
        "calflops 0.3.2, calflops/pytorch_ops.py; DeepSpeed 0.19, the same rules",
        {"macs": 2},
        _table(
            (_CONVOLUTIONS, {"bias": 1}),
            ("BatchNormalization", {"in": 2}),
            (_GROUP_NORM, {"in": 5}),
            (_LAYER_NORM, {"in": 5}),
            ("Relu, Elu, PRelu, LeakyRelu, SiLU, Swish, GELU, Softmax", {"in": 1}),
            (_GELU, {"in": 1}),
            (_POOLS, {"in": 1}),
            ("Resize nearest 1-D, Resize nearest 2-D, Resize nearest 3-D", {"out": 1}),
            ("Resize linear 1-D, Resize linear 2-D, Resize linear 3-D", {"out": 1}),
            ("Resize cubic 2-D", {"out": 1}),
            # It takes the gates' number off each of the two products of a step.
            ("RNN", {"cells": 1 - 2 * 1, "recurrent_bias": 1}),
            ("GRU", {"cells": 7 - 2 * 3, "recurrent_bias": 1}),
            ("LSTM, DynamicQuantizeLSTM", {"cells": 10 - 2 * 4, "recurrent_bias": 1}),
        ),
        differs={
            "transposed": "counts the bias of a transposed convolution by a wrong output size",
            "resizing": "counts a resizing by its size alone or by its input, without batch and"
            " channels: here 1 per output element",
            "broadcast": "counts a product by its first operand: too few where the second has more"
            " batches",
        },
        may_differ={
            "attention": "counts torch.matmul and einsum, but neither `@` on batches (bmm) nor"
            " fused attention",
        },
        aliases=("deepspeed", "calflops-flops", "deepspeed-flops"),
    ),
    Convention(
        "calflops-macs", "MACs", "MACs",
        "products; bias excluded",
        "calflops 0.3.2, calflops/pytorch_ops.py; DeepSpeed 0.19, the same rules",
        _MACS,
        differs={
            "recurrent": "prints no MACs for recurrent layers",
        },
        may_differ={
            "grouped": "DeepSpeed before August 2026 divides a grouped convolution's MACs by its"
            " groups twice: 0 for a depthwise one",
            "attention": "counts torch.matmul, but neither einsum, `@` on batches (bmm) nor fused"
            " attention",
        },
        aliases=("deepspeed-macs",),
    ),
    Convention(
        "torchinfo", "MACs", "Mult-Adds",
        "products and biases of convolutions, linear and recurrent layers; every normalisation's"
        " scale and offset once per sample",
        "torchinfo 1.8.0, torchinfo/layer_info.py",
        _MACS,
        _table(
            (_CONVOLUTIONS, {"bias": 1}), (_LINEAR, {"bias": 1}), ("linear bias", {"out": 1}),
            ("BatchNormalization, PRelu", {"affine": 1}),
            (_GROUP_NORM, {"affine": 1}),
            (_LAYER_NORM, {"affine": 1}),
            ("RNN, GRU, LSTM, DynamicQuantizeLSTM", {"recurrent_bias": 1}),
        ),
        differs={
            "transposed": _TRANSPOSED,
            "sequence": "counts a linear layer once per sample, not once per position",
            "attention": "sees modules with weights only: attention counts nothing",
        },
    ),
    Convention(
        "onnx-tool", "MACs", "MACs",
        "products and biases; 31 per element of a batch normalisation; pools by taps; 32 for an"
        " exponential, 24 for a root, 4 for a division, 1 for the other arithmetic",
        "onnx-tool 1.0.1, onnx_tool/node.py",
        _MACS,
        _table(
            (_CONVOLUTIONS, {"bias": 1}), (_LINEAR, {"bias": 1}),
            ("BatchNormalization", {"out": 1 + 24 + 4 + 1 + 1}),
            ("InstanceNormalization", {"out": 1 + 1 + 1 + 4}),
            ("LayerNormalization", {"in": 3 + 4, "rows": 1 + 24 + 4}),
            ("LpNormalization", {"out": 32 + 1}),
            ("LRN", {"out": 4 + 32 + 1, "size": 1}),
            ("Relu, Neg, Abs, Sign, Ceil, Floor, Round, Not, And, Or, Xor, Equal, Less, Greater,"
             "LessOrEqual, GreaterOrEqual, NonZero", {"out": 1}),
            ("Add, Sub, Mul, Mod, CumSum, Hardmax, Min, Max", {"out": 1}),
            ("Sum", {"folds": 1}),
            ("Div, Reciprocal", {"out": 4}),
            ("LeakyRelu, PRelu, Clip, QuantizeLinear, DequantizeLinear", {"out": 2}),
            ("HardSigmoid", {"out": 4}), ("HardSwish", {"out": 5}),
            ("Exp, Pow, Sigmoid", {"out": 32}), ("Sqrt", {"out": 24}), ("Log", {"out": 43}),
            ("Sin, Cos", {"out": 39}), ("Tanh", {"out": 2 * 38}), ("Atan", {"out": 2 * 32}),
            ("Softmax", {"out": 32 + 4}), ("LogSoftmax", {"out": 32 + 4 + 1 + 43}),
            ("Softplus", {"out": 32 + 1 + 43}), ("Elu", {"out": 1 + 32 + 1 + 1}),
            ("Gelu", {"out": 32 + 2}),
            ("MaxPool, AveragePool", {"taps": 1}),
            ("GlobalAveragePool", {"in": 1, "out": 4}),
            ("ReduceMean, ReduceSum, ReduceProd, ReduceMin, ReduceMax", {"in": 1}),
            ("ReduceL2", {"in": 1 + 24}),
            ("Resize linear 1-D, Resize linear 2-D, Resize linear 3-D", {"out": 4}),
            ("Resize cubic 2-D", {"out": 8}),
            ("GRU", {"cells": 3 + 2 * 32 + 38 + 5, "recurrent_bias": 1}),
            ("LSTM", {"cells": 4 + 3 * 32 + 2 * 38 + 4, "recurrent_bias": 1}),
        ),
        differs={
            "transposed": f"{_TRANSPOSED}, and by its output channels over its input channels",
            "3-D": "leaves the last axes' taps out of a pool that moves along three",
            "subgraph": "has no rule for If, Loop or Scan",
            "RNN": "has no rule for RNN",
            "bidirectional": "counts activations of one direction only",
        },
        may_differ={
            "constant": "counts nodes whose result is constant, too: here they aren't layers",
        },
        aliases=("onnx_tool",),
    ),
    Convention(
        "onnx-opcounter", "MACs", "MACs",
        "products, bias excluded; 2 per element of a batch normalisation; linear resizing 11 per"
        " output; additions by their first input; every operator it doesn't know by its output",
        "onnx-opcounter 0.0.4, onnx_opcounter/onnx_opcounter.py",
        _MACS,
        _table(
            (f"{_CONVOLUTIONS}, {_LINEAR}, RNN, GRU, LSTM, DynamicQuantizeLSTM", {}),
            ("BatchNormalization", {"out": 2}),
            ("Relu, Add", {"in": 1}),
            ("Resize linear 1-D, Resize linear 2-D, Resize linear 3-D", {"out": 11}),
            ("Resize, Upsample, Constant, Reshape, Slice, Shape, Gather, ScatterND, Tile, Transpose,"
             "Sign, Squeeze, Unsqueeze, Split, Cast", {}),
        ),
        otherwise={"out": 1},
        differs={
            "transposed": _TRANSPOSED,
            "broadcast": "counts a product by its first operand: too few where the second has more"
            " batches",
            "recurrent": "counts a recurrent layer by its output alone",
            "einsum": "counts an einsum by its output alone",
            "attention": "counts a fused attention by its output alone",
            "quantised": "has no rule for integer convolutions and products",
            "subgraph": "counts If, Loop and Scan by their output alone",
        },
        may_differ={
            "constant": "counts nodes whose result is constant, too: here they aren't layers",
        },
        aliases=("opcounter", "onnx_opcounter"),
    ),
    Convention(
        "digestai", "FLOPs", "FLOPs",
        "2 x products, biases of convolutions and linear layers, a batch normalisation as one bias,"
        " 2 per addition",
        "DigestAI's published figures for ResNet-18 and a run on ResNet-50; of other operators"
        " than those nothing is known",
        {"macs": 2},
        _table(
            (_CONVOLUTIONS, {"bias": 1}), (_LINEAR, {"bias": 1}),
            ("BatchNormalization", {"out": 1}), ("Add", {"out": 2}),
        ),
        differs={
            "transposed": _TRANSPOSED,
            "3-D": "counts a 3-D convolution by all kernels at every position",
            "broadcast": "counts a product by its first operand: too few where the second has more"
            " batches",
            "subgraph": "counts nothing inside If, Loop or Scan",
        },
        aliases=("digest",),
    ),
)  # fmt: skip
"""Every convention, in the order they are shown."""
