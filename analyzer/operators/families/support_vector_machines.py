"""What do support vector machines put out, and what work are they?

(Chang & Lin 2011, LIBSVM, eq. 1-6): a kernel of x with each of the V vectors (C MACs; RBF has C
subtractions before and a multiplication and an exponential behind, polynomial and sigmoid a
multiplication, an addition and a power or tanh), then one MAC per vector, and per pair of classes:
(K - 1) * V MACs, an addition of rho, a comparison and a vote.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.feature_rows import (
    ML,
    TRANSFORMS,
    Labels,
    Numbers,
    as_long,
    batch,
    classified,
    features,
    labelled,
    roles,
    rows_read,
    transformed,
)
from cnnscope.analyzer.operators.rules import Outputs, demand_rank, one_of
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor

KERNELS = ("LINEAR", "POLY", "RBF", "SIGMOID")


def kernels(vectors: Dim, n: Dim, kernel_type: str) -> Work:
    """The kernel of one row with each vector."""
    behind = {
        "LINEAR": Work(),
        "POLY": Work(mul=1, add=1, exp=1),
        "SIGMOID": Work(mul=1, add=1, exp=1),
        "RBF": Work(mul=1, add=n, exp=1),
    }
    return (Work(float_macs=n) + behind[kernel_type]) * vectors


def machine_output(
    x: Tensor, *, kernel_type: str = "LINEAR", n_supports: int = 0, coefficients: Numbers = (),
    support_vectors: Numbers = (), post_transform: str = "NONE",
) -> Tensor:  # fmt: skip
    demand_rank(x, "the input", 1, 2)
    one_of(kernel_type, "kernel_type", *KERNELS)
    one_of(post_transform, "post_transform", *TRANSFORMS)
    if n_supports > 0:
        as_long(support_vectors, "support_vectors", n_supports * features(x))
        as_long(coefficients, "coefficients", n_supports)
    else:
        as_long(coefficients, "coefficients", features(x))
    return Tensor("float32", (batch(x), 1))


def machine_work(
    outputs: Outputs, x: Tensor, *, kernel_type: str = "LINEAR", n_supports: int = 0,
    rho: Numbers = (), one_class: int = 0, post_transform: str = "NONE",
) -> Work:  # fmt: skip
    rows, n = batch(x), features(x)
    if n_supports > 0:
        found = kernels(n_supports, n, kernel_type) + Work(float_macs=n_supports)
    else:
        found = kernels(1, n, "LINEAR")
    found = found + Work(bias=1 if rho else 0, compare=1 if one_class else 0)
    return found * rows + transformed(1, rows, post_transform)


def machine_classes(
    x: Tensor, *, prob_a: Numbers = (), vectors_per_class: tuple[int, ...] = (),
    classlabels_strings: Labels = (), classlabels_ints: tuple[int, ...] = (),
    kernel_type: str = "LINEAR", coefficients: Numbers = (), support_vectors: Numbers = (),
    post_transform: str = "NONE",
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """A score per class where there are probabilities or no vectors, else one per pair of classes."""
    rows, n = batch(x), features(x)
    one_of(kernel_type, "kernel_type", *KERNELS)
    one_of(post_transform, "post_transform", *TRANSFORMS)
    labels = labelled(classlabels_strings, classlabels_ints)
    if vectors_per_class:
        vectors = sum(vectors_per_class)
        as_long(vectors_per_class, "vectors_per_class", labels)
        as_long(support_vectors, "support_vectors", vectors * n)
        as_long(coefficients, "coefficients", (labels - 1) * vectors)
    else:
        as_long(coefficients, "coefficients", labels * n)
    pairs = labels * (labels - 1) // 2
    by_pair = bool(vectors_per_class) and not prob_a and labels > 2
    return classified(rows, labels, bool(classlabels_strings), pairs if by_pair else None)


def machine_classes_work(
    outputs: Outputs, x: Tensor, *, kernel_type: str = "LINEAR", prob_a: Numbers = (),
    vectors_per_class: tuple[int, ...] = (), coefficients: Numbers = (), rho: Numbers = (),
    classlabels_strings: Labels = (), classlabels_ints: tuple[int, ...] = (),
    post_transform: str = "NONE", node_name: str = "",
) -> Work:  # fmt: skip
    rows, n = batch(x), features(x)
    labels = len(classlabels_strings or classlabels_ints)
    pairs = labels * (labels - 1) // 2
    if vectors_per_class:
        vectors = sum(vectors_per_class)
        found = kernels(vectors, n, kernel_type)
        found += Work(float_macs=(labels - 1) * vectors, bias=pairs, compare=pairs, add=pairs)
    else:
        found = Work(float_macs=len(coefficients), bias=labels if rho else 0, compare=labels - 1)
    found = found * rows
    if prob_a and labels > 2:
        # Wu, Lin & Weng 2004: probabilities of pairs are coupled step by step until they settle.
        found += Work(div=FreeDim.from_data(f"{node_name} coupling of probabilities"))
    if prob_a:
        found += Work(mul=pairs, add=pairs, exp=pairs) * rows
    return found + transformed(outputs[1].dims[1], rows, post_transform)


MACHINE = roles(("coefficients", "support_vectors", "rho", "prob_a", "prob_b"), ("kernel_params",))


define("SVMRegressor", domain=ML, kind="linear algebra", infer=machine_output, work=machine_work,
       reads=rows_read, stores=MACHINE)  # fmt: skip
define("SVMClassifier", domain=ML, kind="linear algebra", infer=machine_classes, work=machine_classes_work,
       reads=rows_read, stores=MACHINE)  # fmt: skip
