"""Nodes of every operator, valid and slightly invalid: what ONNX Runtime runs we analyse with its shapes
and dtypes, what it refuses has an error. `differential` makes them; by hand all of them,
``CNNSCOPE_FULL=1 pytest tests/test_differential.py``.
"""

from __future__ import annotations

import random

from amounts import amount
from differential import Node, Ran, backend_nodes, changes, departure, our_nodes, run_all

#: what ONNX Runtime refuses and we don't: its reason, whose reason that is, and of which operators
REFUSED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # numbers out of range when it runs: no size tells
    ("out of data bounds", "an index", ("Gather", "ScatterElements", "SoftmaxCrossEntropyLoss")),
    ("Out of range value in index", "an index",
     ("GatherElements", "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")),
    ("invalid ind", "an index", ("GatherND", "ScatterND")),
    ("Index value out of bounds", "an index", ("MaxUnpool",)),
    ("exceeds max_sequence_length", "a place to write to", ("TensorScatter",)),
    ("not defined for empty set", "the largest of nothing", ("ReduceMax",)),
    # limits of its kernels: ONNX takes these
    ("attention_helper", "a mask that is broadcast along queries, or ends early", ("Attention",)),
    ("QKMatMulOutputMode", "scores that nobody asks for, of a mode it hasn't", ("Attention",)),
    ("Type parameter (T) of Optype (Add)", "a mask of another dtype: its function body", ("Attention",)),
    ("Type parameter (T) of Optype (Max)", "a shape of int32: its function body", ("CenterCropPad",)),
    ("qk_matmul_output", "scores of another dtype: its function body", ("Attention",)),
    ("must be a scalar or 1D tensor of size 1", "a scale for each row", ("QLinearMatMul",)),
    ("B zero point is not valid", "numbers for each column of several matrices", ("MatMulInteger",)),
    ("Pad should be smaller than kernel", "ONNX's text lets a pool be padded by a kernel and more",
     ("AveragePool", "LpPool", "MaxPool")),
    ("may be too large for stride", "output_padding of a step, less than the dilation", ("ConvTranspose",)),
    ("X_shape.NumDimensions() == 4", "other ranks than 4", ("LRN",)),
    ("hidden_size", "a size that R's shape says", ("GRU", "LSTM", "RNN")),
    ("MLDataType for: tensor(complex64)", "complex numbers", ("BitCast", "Cast", "EyeLike")),
    ("Axes input is null", "an input omitted by an empty name", ("Squeeze",)),
    ("narrowing_error", "ids of classes that nothing counts", ("TreeEnsembleClassifier",)),
    ("input count mismatch", "an input omitted by an empty name", ("MaxUnpool",)),
    ("'Linear' mode only supports", "axes apart from each other", ("Resize",)),
    ("construct locale", "the machine's languages", ("StringNormalizer",)),
    ("Tensor type mismatch", "a roi of float64", ("Resize",)),
    ("should be scalars", "one number in a list: refused where it is stored only", ("Range",)),
    ("must be a scalar", "as Range", ("BlackmanWindow", "HammingWindow", "HannWindow")),
    ("must be scalar", "as Range", ("MelWeightMatrix",)),
    ("Scale and Zero-point must be a scalar", "one number in a list", ("QLinearAdd", "QLinearMul")),
    ("Input data type does not match", "a zero point left out, which its schema calls optional",
     ("QLinearAdd", "QLinearMul")),
    ("Type 'tensor(float)'", "a dtype of a later version's", ("LabelEncoder",)),
    ("pattern", "the attribute that ONNX calls optional", ("RegexFullMatch",)),
)  # fmt: skip

#: of ONNX Runtime's own operators the operands' sizes are held against each other only in part; their
#: dtypes, operands and attributes are held against its schemas
OWN_OPERANDS = (
    "Attention", "BiasGelu", "DynamicQuantizeMatMul", "FastGelu", "EmbedLayerNormalization", "FusedGemm",
    "FusedMatMul",
    "GatherBlockQuantized", "GroupQueryAttention", "MatMulBnb4", "MatMulIntegerToFloat",
    "MatMulNBits", "MultiHeadAttention", "QGemm", "QLinearConcat", "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization",
)  # fmt: skip

#: ai.onnx.ml: to ONNX attributes are optional that ONNX Runtime needs, and how a forest's nodes hang
#: together is a matter of their numbers: what it finds when it reads the attributes
LEARNED = (
    "ArrayFeatureExtractor", "CategoryMapper", "Imputer", "LabelEncoder", "LinearClassifier",
    "Scaler", "SVMClassifier", "SVMRegressor", "TreeEnsemble", "TreeEnsembleClassifier",
    "TreeEnsembleRegressor",
)  # fmt: skip

#: what ONNX Runtime runs and we say otherwise of: what we say, why, and of which operators
ODD: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("doesn't fit into", "it makes a pool of what no kernel fits into", ("AveragePool", "LpPool", "MaxPool")),
    ("y0 is", "it leaves out what is chosen beyond the end", ("Compress",)),
    ("no_such_attribute", "its own schema takes any", ("Constant", "LayerNormalization")),
    ("room for its inputs", "it is taken out before it is looked at", ("Constant",)),
    ("element type 0", "it doesn't look at it", ("SimplifiedLayerNormalization",)),
    ("unification", "ONNX's inference wants as many weights as classes", ("NegativeLogLikelihoodLoss",)),
    ("where one is wanted", "it takes the first of several", ("NonMaxSuppression",)),
    ("elements,", "it doesn't count coefficients", ("LinearRegressor", "LinearClassifier")),
    ("labels", "it doesn't count labels", ("LinearClassifier",)),
    ("num_outputs is", "num_outputs and the node's outputs contradict each other", ("Split",)),
)  # fmt: skip


def excused(node: Node, ran: Ran, said: str) -> bool:
    """Is this departure one of those that are listed?"""
    name, own = node.proto.op_type, bool(node.proto.domain)
    if not isinstance(ran, str):
        return any(word in said and name in names for word, _, names in ODD)
    if name in LEARNED and "Exception during initialization" in ran:
        return True
    if (
        own
        and name in OWN_OPERANDS
        and not any(word in ran for word in ("INVALID_GRAPH", "Type Error"))
    ):
        return True
    return any(word in ran and name in names for word, _, names in REFUSED)


def test_what_runs_is_analysed_and_what_is_refused_is_an_error() -> None:
    bases = list(our_nodes())
    if amount(0, 1):
        bases += backend_nodes()
    fine = [
        base for base, ran in zip(bases, run_all(bases), strict=True) if not isinstance(ran, str)
    ]
    dice = random.Random(0)
    chosen = fine if amount(0, 1) else dice.sample(fine, min(25, len(fine)))
    nodes = [new for base in chosen for new in changes(base, random.Random(base.operator))]
    wrong = [
        f"{node.operator} {node.change}: {said}"
        for node, ran in zip(nodes, run_all(nodes), strict=True)
        if (said := departure(node, ran))
        and (said.startswith("we raise") or not excused(node, ran, said))
    ]
    assert not wrong, "\n".join(wrong[:20])
    assert len(nodes) > amount(250, 20_000)
