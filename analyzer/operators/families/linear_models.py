"""What do linear models of ai.onnx.ml put out, and what work are they?

``x*W + b``: C MACs per row of W, a bias each; the largest of n scores takes n - 1 comparisons.
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
from cnnscope.analyzer.operators.rules import Outputs, one_of
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor


def linear_output(
    x: Tensor, *, targets: int = 1, coefficients: Numbers = (), intercepts: Numbers = (),
    post_transform: str = "NONE",
) -> Tensor:  # fmt: skip
    rows = batch(x)
    one_of(post_transform, "post_transform", *TRANSFORMS)
    as_long(coefficients, "coefficients", targets * features(x))
    if intercepts:
        as_long(intercepts, "intercepts", targets)
    return Tensor("float32", (rows, targets))


def linear_work(
    outputs: Outputs, x: Tensor, *, targets: int = 1, coefficients: Numbers = (),
    intercepts: Numbers = (), post_transform: str = "NONE",
) -> Work:  # fmt: skip
    rows = batch(x)
    weighted = Work(
        float_macs=rows * targets * features(x), bias=rows * targets if intercepts else 0
    )
    return weighted + transformed(targets, rows, post_transform)


def linear_classes(
    x: Tensor, *, coefficients: Numbers, intercepts: Numbers = (),
    classlabels_strings: Labels = (), classlabels_ints: tuple[int, ...] = (),
    post_transform: str = "NONE",
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Two labels may share one row of coefficients."""
    rows = batch(x)
    one_of(post_transform, "post_transform", *TRANSFORMS)
    labels = labelled(classlabels_strings, classlabels_ints)
    scores = len(intercepts) or (1 if labels == 2 and len(coefficients) == features(x) else labels)
    if scores != labels and (scores, labels) != (1, 2):
        raise ValueError(f"{labels} labels for {scores} scores")
    n = features(x)
    if isinstance(n, int) and len(coefficients) < n * scores:
        raise ValueError(f"{len(coefficients)} coefficients for {scores} scores of {n} features")
    return classified(rows, labels, bool(classlabels_strings))


def linear_classes_work(
    outputs: Outputs, x: Tensor, *, coefficients: Numbers, intercepts: Numbers = (),
    post_transform: str = "NONE",
) -> Work:  # fmt: skip
    rows, n = batch(x), features(x)
    scores = len(coefficients) // n if isinstance(n, int) and n else len(intercepts)
    labels = outputs[1].dims[1]
    found = Work(
        float_macs=rows * len(coefficients),
        bias=rows * scores if intercepts else 0,
        compare=rows * (1 if scores == 1 else labels - 1),
    )
    return found + transformed(labels, rows, post_transform)


define("LinearRegressor", domain=ML, kind="linear algebra", infer=linear_output, work=linear_work,
       reads=rows_read, stores=roles(("coefficients", "intercepts")))  # fmt: skip
define("LinearClassifier", domain=ML, kind="linear algebra", infer=linear_classes, work=linear_classes_work,
       reads=rows_read, stores=roles(("coefficients", "intercepts")))  # fmt: skip
