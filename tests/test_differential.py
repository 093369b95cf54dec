"""Nodes of every operator, valid and slightly invalid: what ONNX Runtime runs we analyse with its shapes
and dtypes, what it refuses has an error. `differential` makes them; by hand all of them,
``CNNSCOPE_FULL=1 pytest tests/test_differential.py``.
"""

from __future__ import annotations

import random

from amounts import amount
from differential import Node, Ran, backend_nodes, changes, departure, our_nodes, run_all

#: refusals that no sizes tell: numbers out of range when it runs, and schemas that onnx doesn't have
BY_NUMBERS = (
    "out of data bounds", "out of bounds", "invalid index", "core_impl", "index out of range",
    "invalid indice", "Index value", "for empty set",
)  # fmt: skip

#: operators whose operands aren't all held against each other: what ONNX Runtime refuses of them may
#: pass, what it runs must still be analysed rightly
LOOSE = {
    "operands of ONNX Runtime's own operators, which have no schema here": (
        "Attention", "BiasGelu", "DynamicQuantizeMatMul", "EmbedLayerNormalization", "FastGelu",
        "FusedGemm", "FusedMatMul", "GatherBlockQuantized", "Gelu", "GroupQueryAttention",
        "MatMulBnb4", "MatMulIntegerToFloat", "MatMulNBits", "MultiHeadAttention", "QGemm",
        "QLinearAdd", "QLinearConcat", "QLinearLeakyRelu", "QLinearMul", "QLinearSigmoid",
        "QLinearWhere", "QuickGelu", "SimplifiedLayerNormalization", "SkipLayerNormalization",
        "SkipSimplifiedLayerNormalization", "TransposeMatMul",
    ),
    "ranks and lengths of operands that only say how": (
        "AffineGrid", "BlackmanWindow", "CenterCropPad", "Clip", "Col2Im", "ConstantOfShape",
        "CumProd", "CumSum", "DeformConv", "Dropout", "GridSample", "HammingWindow", "HannWindow",
        "MelWeightMatrix", "NonMaxSuppression", "Pad", "Range", "Reshape", "Resize", "Slice",
        "Split", "Squeeze", "STFT", "TensorScatter", "TfIdfVectorizer", "Tile", "Trilu",
        "Unsqueeze", "Upsample", "MaxUnpool", "MaxRoiPool", "RoiAlign", "EyeLike", "StringNormalizer",
    ),
    "indices and updates of gathering and scattering": (
        "GatherElements", "GatherND", "ReverseSequence", "ScatterElements", "ScatterND",
    ),
    "scales and zero points": (
        "DequantizeLinear", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QuantizeLinear",
    ),
    "ONNX takes more than ONNX Runtime's kernel: ranks, attributes, a bias that is broadcast": (
        "AveragePool", "BitCast", "BitShift", "Cast", "Conv", "ConvTranspose", "DepthToSpace", "Gemm",
        "GlobalMaxPool", "GRU", "LpPool", "LRN", "LSTM", "MaxPool", "PRelu", "RegexFullMatch",
        "RMSNormalization", "RNN", "RotaryEmbedding", "SpaceToDepth",
    ),
    "ai.onnx.ml: to ONNX attributes are optional that ONNX Runtime needs; how a forest's nodes hang"
    " together isn't looked at": (
        "ArrayFeatureExtractor", "CategoryMapper", "Imputer", "LabelEncoder", "LinearClassifier",
        "Scaler", "SVMClassifier", "SVMRegressor", "TreeEnsemble", "TreeEnsembleClassifier",
        "TreeEnsembleRegressor",
    ),
}  # fmt: skip
_LOOSE = {name for names in LOOSE.values() for name in names}

#: what ONNX Runtime runs and we say otherwise of, and why
ODD = {
    "AveragePool": "a pool whose kernel fits nowhere, or a last window in the padding",
    "MaxPool": "as AveragePool",
    "LpPool": "as AveragePool",
    "LinearClassifier": "it doesn't count its labels, nor its coefficients",
    "LinearRegressor": "it doesn't count its coefficients",
    "Compress": "it gives indices beyond the end",
    "Constant": "ONNX Runtime takes it out before it looks at it",
    "LayerNormalization": "ONNX Runtime's own schema of it takes any attribute",
    "SimplifiedLayerNormalization": "it has no element type 0",
    "NegativeLogLikelihoodLoss": "ONNX's inference wants as many weights as classes",
    "NonMaxSuppression": "ONNX's inference wants scalars",
    "PRelu": "ONNX Runtime broadcasts both ways, ONNX the slope only",
    "Split": "num_outputs and the node's outputs contradict each other",
}


def excused(node: Node, ran: Ran) -> bool:
    name = node.proto.op_type
    if not isinstance(ran, str):
        return name in ODD
    return name in _LOOSE or any(word in ran for word in BY_NUMBERS)


def test_what_runs_is_analysed_and_what_is_refused_is_an_error() -> None:
    bases = list(our_nodes())
    if amount(0, 1):
        bases += backend_nodes()
    fine = [
        base for base, ran in zip(bases, run_all(bases), strict=True) if not isinstance(ran, str)
    ]
    dice = random.Random(0)
    chosen = fine if amount(0, 1) else dice.sample(fine, min(40, len(fine)))
    nodes = [new for base in chosen for new in changes(base, random.Random(base.operator))]
    wrong = [
        f"{node.operator} {node.change}: {said}"
        for node, ran in zip(nodes, run_all(nodes), strict=True)
        if (said := departure(node, ran))
        and (said.startswith("we raise") or not excused(node, ran))
    ]
    assert not wrong, "\n".join(wrong[:20])
    assert len(nodes) > amount(400, 20_000)
