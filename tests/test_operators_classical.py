"""ai.onnx.ml: shapes and dtypes as ONNX Runtime gives them; work by hand."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from single_node import assert_reads, assert_shapes, case, infer, model, unnamed_attributes, work

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor

ML = "ai.onnx.ml"
WORDS = np.array([["a", "b"], ["c", "a"]], object)
WHOLE = np.arange(6, dtype=np.int64).reshape(2, 3)
TREE = {
    "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_values": [0.5, 0.0, 0.0],
    "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0],
}  # fmt: skip
LEAVES = {"class_treeids": [0, 0], "class_nodeids": [1, 2], "class_weights": [1.0, 2.0]}


def ml(op, *inputs, opset=1, **more):
    return case(op, *inputs, domain=ML, opset=opset, **more)


def svm(x, classes, kernel="RBF", **more):
    """Five vectors of four features."""
    pairs = classes * (classes - 1) // 2
    return ml(
        "SVMClassifier", x, outputs=2, coefficients=[0.5] * (5 * (classes - 1)),
        support_vectors=[0.25] * 20, vectors_per_class=[5 - (classes - 1)] + [1] * (classes - 1),
        rho=[0.1] * pairs, kernel_type=kernel, kernel_params=[0.5, 0.0, 3.0],
        classlabels_ints=list(range(classes)), **more,
    )  # fmt: skip


def floats(*numbers):
    return helper.make_tensor("", 1, [len(numbers)], numbers)


CASES = [
    *[
        ml(op, shape, **attributes)
        for op, attributes in [
            ("Scaler", {"offset": [1.0], "scale": [2.0]}),
            ("Normalizer", {"norm": "L1"}),
            ("Normalizer", {"norm": "L2"}),
            ("Binarizer", {"threshold": 0.5}),
            ("Imputer", {"imputed_value_floats": [1.0], "replaced_value_float": 0.0}),
            ("FeatureVectorizer", {"inputdimensions": [4]}),
            ("OneHotEncoder", {"cats_int64s": [1, 2, 3]}),
            ("LinearRegressor", {"coefficients": [1.0] * 8, "intercepts": [0.5] * 2, "targets": 2}),
        ]
        for shape in [(3, 4), (4,)]
    ],
    ml("Scaler", (3, 4), offset=[0.0, 1.0, 2.0, 3.0], scale=[1.0] * 4),
    ml("Scaler", WHOLE, offset=[0.0], scale=[1.0]),
    ml("Scaler", (2, 3, 4), offset=[0.0], scale=[1.0]),
    ml("Binarizer", (2, 3, 4)),
    ml("Imputer", WHOLE, imputed_value_int64s=[7, 8, 9], replaced_value_int64=0),
    ml("Normalizer", WHOLE.astype(np.float64), norm="MAX"),
    ml("FeatureVectorizer", (3, 4), (3, 2), inputdimensions=[4, 2]),
    ml("FeatureVectorizer", (3, 4), (3, 2), inputdimensions=[5, 1]),
    ml("FeatureVectorizer", (2, 3, 4), inputdimensions=[12]),
    ml("ArrayFeatureExtractor", (3, 4), [0, 2, 1]),
    ml("ArrayFeatureExtractor", (3, 4), [[3, 1]], const=(1,)),
    ml("ArrayFeatureExtractor", (2, 3, 4), [[3, 1]], const=(1,)),
    ml("ArrayFeatureExtractor", (4,), [1]),
    ml("OneHotEncoder", WORDS, cats_strings=["a", "b"]),
    ml("LabelEncoder", WORDS, classes_strings=["a", "b"]),
    ml("LabelEncoder", WHOLE, classes_strings=["a", "b"]),
    ml("LabelEncoder", WHOLE, opset=2, keys_int64s=[0, 1], values_strings=["a", "b"]),
    ml("LabelEncoder", WHOLE, opset=3, keys_int64s=[0, 1], values_floats=[0.5, 1.5]),
    ml("LabelEncoder", WORDS, opset=2, keys_strings=["a"], values_int64s=[3]),
    ml("LabelEncoder", WHOLE, opset=4, keys_tensor=helper.make_tensor("", 7, [2], [0, 1]),
       values_tensor=helper.make_tensor("", 11, [2], [0, 1]),
       default_tensor=helper.make_tensor("", 11, [1], [0])),
    ml("CategoryMapper", WHOLE, cats_int64s=[0, 1], cats_strings=["a", "b"]),
    ml("CategoryMapper", WORDS, cats_int64s=[0, 1], cats_strings=["a", "b"]),
    *[
        ml("LinearClassifier", shape, outputs=2, coefficients=[1.0] * (4 * rows),
           intercepts=[0.5] * rows, post_transform=post, **labels)
        for shape in [(3, 4), (4,)]
        for rows, post, labels in [
            (3, "SOFTMAX", {"classlabels_ints": [5, 6, 7]}),
            (1, "LOGISTIC", {"classlabels_ints": [5, 6]}),
            (2, "NONE", {"classlabels_strings": ["a", "b"]}),
        ]
    ],
    *[
        ml("SVMRegressor", shape, coefficients=[0.5] * 2, support_vectors=[0.25] * 8, n_supports=2,
           rho=[0.1], kernel_type=kernel, kernel_params=[0.5, 0.0, 3.0])
        for shape in [(3, 4), (4,)]
        for kernel in ("RBF", "POLY", "LINEAR", "SIGMOID")
    ],
    *[
        svm(shape, classes, **more)
        for shape in [(3, 4), (4,)]
        for classes in (2, 3, 4)
        for more in ({}, {"prob_a": [0.1] * 6, "prob_b": [0.2] * 6})
    ],
    ml("TreeEnsembleRegressor", (3, 4), n_targets=2, target_treeids=[0, 0], target_nodeids=[1, 2],
       target_ids=[0, 1], target_weights=[1.0, 2.0], **TREE),
    ml("TreeEnsembleClassifier", (3, 4), outputs=2, class_ids=[0, 1],
       classlabels_strings=["a", "b", "c"], **TREE, **LEAVES),
    ml("TreeEnsembleClassifier", (4,), outputs=2, class_ids=[0, 0], classlabels_int64s=[0, 1],
       **TREE, **LEAVES),
    ml("TreeEnsemble", (3, 4), opset=5, n_targets=2, tree_roots=[0], nodes_featureids=[0],
       nodes_splits=floats(0.5), nodes_modes=helper.make_tensor("", 2, [1], [0]),
       nodes_truenodeids=[0], nodes_falsenodeids=[1], nodes_trueleafs=[1], nodes_falseleafs=[1],
       leaf_targetids=[0, 1], leaf_weights=floats(1.0, 2.0)),
]  # fmt: skip


@pytest.mark.parametrize("c", CASES, ids=lambda c: f"{c.op}-{c.inputs[0].shape}")
def test_shapes(c):
    assert_shapes(c)


@pytest.mark.parametrize(
    ("c", "expected"),
    [
        (ml("Scaler", (3, 4), offset=[0.0], scale=[1.0]), Work(add=12, mul=12)),
        (ml("Normalizer", (3, 4), norm="MAX"), Work(compare=9, div=12)),
        (ml("Normalizer", (3, 4), norm="L1"), Work(compare=12, add=9, div=12)),
        (ml("Normalizer", (3, 4), norm="L2"), Work(mul=12, add=9, div=12, sqrt=12)),
        (ml("Binarizer", (3, 4)), Work(compare=12)),
        (ml("FeatureVectorizer", (3, 4), inputdimensions=[4]), Work()),
        (
            ml("LinearRegressor", (3, 4), coefficients=[1.0] * 8, intercepts=[1.0] * 2, targets=2),
            Work(float_macs=3 * 2 * 4, bias=6),
        ),
        (
            ml("LinearClassifier", (3, 4), outputs=2, coefficients=[1.0] * 12, intercepts=[1.0] * 3,
               post_transform="SOFTMAX", classlabels_ints=[0, 1, 2]),
            Work(float_macs=36, bias=9, compare=6) + Work(compare=2, add=5, exp=3, div=3) * 3,
        ),
        (  # per row: 2 kernels of 4 MACs, 4 subtractions, gamma, exp; 2 MACs more; rho
            ml("SVMRegressor", (3, 4), coefficients=[1.0] * 2, support_vectors=[1.0] * 8,
               n_supports=2, rho=[0.1], kernel_type="RBF", kernel_params=[0.5, 0.0, 3.0]),
            Work(float_macs=3 * (8 + 2), add=24, mul=6, exp=6, bias=3),
        ),
        (  # per row: 5 kernels; 3 classes: each vector takes part in 2 of the 3 pairs
            svm((1, 4), 3, "LINEAR"),
            Work(float_macs=20 + 10, bias=3, compare=3, add=3),
        ),
    ],
    ids=lambda x: x.op if hasattr(x, "op") else "",
)  # fmt: skip
def test_work(c, expected):
    assert work(c) == expected


def test_a_way_through_trees_is_data():
    (c,) = [c for c in CASES if c.op == "TreeEnsembleRegressor"]
    totals = analyze(model(c)).totals
    assert (totals.macs.value, totals.flops.value, totals.flops.status) == (0, None, "partial")
    # 3 values of nodes and 2 of leaves are learned; which node follows which is not
    assert totals.params.value == 5


def test_attributes_are_weights():
    (c, *_) = [c for c in CASES if c.op == "LinearRegressor"]
    report = analyze(model(c))
    assert (report.totals.params.value, report.totals.weight_bytes.value) == (10, 40)
    assert report.layers[0].bytes_read == 48 + 40


#: filled, cropped or integers: what is read, is read at most
AT_MOST = ([12], [5, 1])
READING = ("FeatureVectorizer", "Normalizer", "LinearRegressor")


@pytest.mark.parametrize(
    "c",
    [
        c for c in CASES
        if (c.op in READING or (c.op == "ArrayFeatureExtractor" and c.constants))
        and c.inputs[0].dtype == np.float32
        and c.attributes.get("inputdimensions") not in AT_MOST
    ],
    ids=lambda c: f"{c.op}-{c.inputs[0].shape}",
)  # fmt: skip
def test_reads(c):
    assert_reads(c, *(i for i in range(len(c.inputs)) if i not in c.constants))


def test_maps():
    """Of a map nothing but what the attributes say is known; ONNX Runtime takes none as input here."""
    zipped = infer(ml("ZipMap", (3, 4), classlabels_int64s=[0, 1, 2, 3]))[0]
    assert (zipped.kind, zipped.length, zipped.element.kind) == ("sequence", 3, "map")
    given = Tensor(kind="map", element=Tensor("float32"))
    found = lookup(ML, "CastMap", 1)
    sparse = found.call(found.infer, (given,), {"map_form": "SPARSE", "max_map": 7})
    assert (sparse.shape, sparse.dtype) == ((1, 7), "float32")
    dense = found.call(found.infer, (given,), {"cast_to": "TO_INT64", "node_name": "m"})
    assert dense.dtype == "int64"
    assert dense.shape[1].data
    words = lookup(ML, "DictVectorizer", 1)
    found = words.call(words.infer, (given,), {"string_vocabulary": ("a", "b")})
    assert (found.shape, found.dtype) == ((1, 2), "float32")


def test_k_neighbors(cases):
    path = cases / "k_neighbors_regressor.onnx"
    report = analyze(path, shapes={"input": [3, 4]})
    assert report.layers["Scaler"].outputs[0].shape == (3, 4)
    # three rows through 4 -> 64 -> 64 -> 1
    assert report.totals.macs.value == 3 * (4 * 64 + 64 * 64 + 64) == 13_248
    assert analyze(path).totals.macs.value == 4 * 64 + 64 * 64 + 64


#: what says nothing of shapes, work or reads
IGNORED = {
    "threshold", "replaced_value_int64", "replaced_value_float", "imputed_value_floats",
    "imputed_value_int64s", "keys_floats", "keys_int64s", "keys_strings", "keys_tensor",
    "default_float", "default_int64", "default_string", "default_tensor", "classes_strings",
    "cats_int64s", "cats_strings", "coefficients", "zeros",
    "aggregate_function", "kernel_params", "multi_class",
    "prob_b", "support_vectors", "tree_roots", "membership_values",
}  # fmt: skip


def test_every_attribute_is_known():
    names = {c.op for c in CASES} | {"ZipMap", "CastMap", "DictVectorizer"}
    unnamed = {attribute for _, attribute in unnamed_attributes(*names, domain=ML)}
    trees = ("nodes_", "class_", "target_", "leaf_", "base_values")
    assert {name for name in unnamed if not name.startswith(trees)} <= IGNORED
