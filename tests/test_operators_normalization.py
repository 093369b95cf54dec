"""Normalisations: shapes, work and reads, against ONNX Runtime, onnx.reference and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx.reference
import pytest
from single_node import (
    assert_reads,
    assert_shapes,
    case,
    infer,
    model,
    reads,
    unnamed_attributes,
    work,
)

from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import Along, Listed, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor

MS: dict[str, Any] = {"domain": "com.microsoft"}


def ones(*shape: int) -> np.ndarray:
    return np.linspace(0.5, 1.5, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def batch(*shape: int, parameter: tuple[int, ...] = (), **more: Any) -> Any:
    p = parameter or (shape[1],)
    return case("BatchNormalization", shape, ones(*p), ones(*p), ones(*p), ones(*p), **more)


def statistics(n: int, groups: int) -> Work:
    """Mean, deviations, variance, reciprocal root and the product with it, written out."""
    mean = Work(add=n - groups, div=groups)
    deviation = Work(add=n)
    variance = Work(mul=n, add=n - groups, div=groups)
    root = Work(add=groups, sqrt=groups, div=groups)
    return mean + deviation + variance + root + Work(mul=n)


def root_mean_square(n: int, groups: int) -> Work:
    return Work(mul=n, add=n - groups, div=groups) + Work(add=groups, sqrt=groups, div=groups,
                                                         mul=n)  # fmt: skip


def affine(n: int) -> Work:
    return Work(mul=n, add=n)


FOLDING = Work(add=2, sqrt=1, div=1, mul=1)
RUNNING = Work(mul=4, add=2)

RUN = [  # ONNX Runtime's CPU provider runs them
    # reference.md d4: 1x8x10x10 is 1,600 operations where parameters are constant
    (batch(1, 8, 10, 10, const=(1, 2, 3, 4)), Work(mul=800, add=800)),
    (batch(2, 3, 4, 5), affine(120) + FOLDING * 3),
    (batch(2, 3, 4, 5, opset=9), affine(120) + FOLDING * 3),
    (batch(2, 3, 4, 5, opset=7), affine(120) + FOLDING * 3),
    (batch(2, 3, opset=15), affine(6) + FOLDING * 3),
    (batch(2, 3, 7), affine(42) + FOLDING * 3),
    (batch(2, 3, 2, 2, 2), affine(48) + FOLDING * 3),
    (batch(2, 3, 4, 5, training_mode=1, outputs=3, opset=15),
     statistics(120, 3) + affine(120) + RUNNING * 3),
    (case("InstanceNormalization", (2, 3, 4, 5), (3,), (3,)), statistics(120, 6) + affine(120)),
    (case("InstanceNormalization", (2, 3, 7), (3,), (3,), opset=6), statistics(42, 6) + affine(42)),
    (case("LayerNormalization", (2, 3, 4), (4,), (4,), outputs=3), statistics(24, 6) + affine(24)),
    (case("LayerNormalization", (2, 3, 4), (4,)), statistics(24, 6) + Work(mul=24)),
    (case("LayerNormalization", (2, 3, 4), (3, 4), (3, 4), axis=1, outputs=3),
     statistics(24, 2) + affine(24)),
    (case("LayerNormalization", (2, 3, 4), (2, 3, 4), axis=-3), statistics(24, 1) + Work(mul=24)),
    (case("SimplifiedLayerNormalization", (2, 3, 4), (4,), axis=-1, epsilon=1e-5, stash_type=1),
     root_mean_square(24, 6) + Work(mul=24)),
    (case("RMSNormalization", (2, 3, 4), (4,), opset=23), root_mean_square(24, 6) + Work(mul=24)),
    (case("RMSNormalization", (2, 3, 4), (3, 4), axis=1, opset=23),
     root_mean_square(24, 2) + Work(mul=24)),
    (case("MeanVarianceNormalization", (2, 3, 4, 5)),
     Work(add=120 - 3, div=3) + Work(add=120) + Work(mul=120, add=117, div=3)
     + Work(add=3, sqrt=3, div=120)),
    (case("LpNormalization", (2, 3, 4)), Work(mul=24, add=24 - 6, sqrt=6, div=24)),
    (case("LpNormalization", (2, 3, 4), p=1, axis=1), Work(compare=24, add=24 - 8, div=24)),
    (case("LRN", (2, 7, 3, 4), size=3), Work(mul=336, add=168 * 3, exp=168, div=168)),
    (case("LRN", (2, 7, 3, 4), size=5), Work(mul=336, add=168 * 5, exp=168, div=168)),
    (case("SkipLayerNormalization", (2, 3, 8), (2, 3, 8), (8,), (8,), (8,), **MS),
     Work(add=96) + statistics(48, 6) + affine(48)),
    (case("SkipLayerNormalization", (2, 3, 8), (3, 8), (8,), (8,), **MS),
     Work(add=48) + statistics(48, 6) + affine(48)),
    (case("SkipSimplifiedLayerNormalization", (2, 3, 8), (2, 3, 8), (8,), **MS),
     Work(add=48) + root_mean_square(48, 6) + Work(mul=48)),
]  # fmt: skip


@pytest.mark.parametrize(("c", "expected"), RUN, ids=lambda x: getattr(x, "op", ""))
def test_shape_and_work(c: Any, expected: Work) -> None:
    assert_shapes(c)
    assert work(c) == expected


@pytest.mark.parametrize("c", [c for c, _ in RUN], ids=lambda c: c.op)
def test_reads_are_what_execution_depends_on(c: Any) -> None:
    floats = [i for i in range(len(c.inputs)) if i not in c.constants]
    if c.op == "LRN" and c.attributes["size"] > 3:
        c.attributes["alpha"] = 10.0
    assert_reads(c, *floats)


@pytest.mark.parametrize("output", [1, 2])
def test_reads_of_statistics(output: int) -> None:
    assert_reads(case("LayerNormalization", (2, 3, 4), (4,), (4,), outputs=3), 0, 1, output=output)
    c = batch(2, 3, 4, 5, training_mode=1, outputs=3, opset=15)
    assert_reads(c, 0, 1, 2, 3, 4, output=output)


def test_lrn_windows() -> None:
    for size in (1, 3, 5, 7):  # an even size isn't supported by ONNX Runtime
        c = case("LRN", (1, 9, 1, 2), size=size, alpha=10.0)
        assert_reads(c, 0)


GROUPS = [
    (case("GroupNormalization", (2, 6, 4, 5), (6,), (6,), num_groups=3, opset=21),
     statistics(240, 6) + affine(240)),
    (case("GroupNormalization", (2, 6, 4), (6,), (6,), num_groups=1, opset=21),
     statistics(48, 2) + affine(48)),
    (case("GroupNormalization", (2, 6, 4, 5), (3,), (3,), num_groups=3, opset=18),
     statistics(240, 6) + affine(240)),
]  # fmt: skip


@pytest.mark.parametrize(("c", "expected"), GROUPS)
def test_groups(c: Any, expected: Work) -> None:
    assert work(c) == expected
    assert_shapes(c)
    assert_reads(c, 0, 1, 2)


def test_group_reads_are_the_channels_of_a_group() -> None:
    first = reads(GROUPS[0][0])[0]
    assert first == (Along(0), Listed(1, ((0, 1),) * 2 + ((2, 3),) * 2 + ((4, 5),) * 2, spatial=False),
                     Whole(), Whole())  # fmt: skip


def test_old_training() -> None:
    c = batch(2, 3, 4, 5, opset=7, outputs=5)
    assert [t.shape for t in infer(c)] == [(2, 3, 4, 5)] + [(3,)] * 4
    assert work(c) == statistics(120, 3) + affine(120) + RUNNING * 3
    assert reads(c)[0][0] == (Whole(), Along(1), Whole(), Whole())
    assert reads(c)[1][0] == (Whole(), Along(0), Whole(), Whole())
    tested = batch(2, 3, 4, 5, opset=6, is_test=1)
    assert work(tested) == affine(120) + FOLDING * 3
    c = batch(2, 3, 4, parameter=(3, 4), opset=7, spatial=0)
    assert work(c) == affine(24) + FOLDING * 12
    assert reads(c)[1] == (Along(1), Along(2))
    c = batch(2, 3, 4, parameter=(3, 4), opset=7, spatial=0, outputs=5)
    assert reads(c)[0][0] == (Whole(), Along(1), Along(2))


def test_without_a_kernel_here() -> None:
    c = case("GroupNorm", (2, 4, 5, 6), (6,), (6,), groups=3, activation=1, **MS)
    silu = Work(mul=240, exp=240)
    assert work(c) == statistics(240, 6) + affine(240) + silu
    assert reads(c)[0][0][3] == Listed(
        3, ((0, 1),) * 2 + ((2, 3),) * 2 + ((4, 5),) * 2, spatial=False
    )
    c = case("SkipGroupNorm", (2, 4, 5, 6), (6,), (6,), (2, 4, 5, 6), (6,), groups=3,
             activation=0, outputs=2, **MS)  # fmt: skip
    assert [t.shape for t in infer(c)] == [(2, 4, 5, 6)] * 2
    assert work(c) == statistics(240, 6) + affine(240) + Work(add=480)
    assert reads(c)[1][0] is None


IDS = np.array([[1, 2, 3], [0, 1, 2]], np.int32)
EMBED = [
    case("EmbedLayerNormalization", IDS, IDS % 2, (5, 4), (6, 4), (2, 4), (4,), (4,), IDS % 2,
         outputs=2, **MS),
    case("EmbedLayerNormalization", IDS, None, (5, 4), (6, 4), None, (4,), (4,), outputs=2, **MS),
]  # fmt: skip


@pytest.mark.parametrize("c", EMBED)
def test_embedding(c: Any) -> None:
    assert_shapes(c)
    segments = c.inputs[1] is not None
    summed, counted = 24 * (1 + segments), 6 * segments
    assert work(c) == statistics(24, 6) + affine(24) + Work(add=summed + counted)
    assert reads(c)[0][0] == (Along(0), Along(1))
    assert_reads(c, 5, 6)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_statistics_have_the_stash_type(dtype: type) -> None:
    x = np.ones((2, 3), dtype)
    c = case("LayerNormalization", x, x[0], x[0], outputs=3)
    assert [t.dtype for t in infer(c)] == [np.dtype(dtype).name, "float32", "float32"]
    y = onnx.reference.ReferenceEvaluator(model(c)).run(None, {f"x{i}": x for i, x in
                                                             enumerate(c.inputs)})  # fmt: skip
    assert [t.shape for t in infer(c)] == [t.shape for t in y]


def test_free_dimensions() -> None:
    n, h = FreeDim.named("N"), FreeDim.named("H")
    x, p = Tensor("float32", (n, 3, h, h)), Tensor("float32", (3,), constant=True)
    rule = lookup("", "BatchNormalization", 21)
    assert rule is not None
    assert rule.work is not None
    (y,) = rule.infer(x, p, p, p, p)  # type: ignore[misc]
    assert y.shape == x.shape
    assert rule.work((y,), x, p, p, p, p, opset=21) == Work(mul=1, add=1) * (n * 3 * h * h)
    rule = lookup("", "GroupNormalization", 21)
    assert rule is not None
    assert rule.work is not None
    assert rule.work((x,), x, p, p, num_groups=3).sqrt == n * 3


IGNORED = {
    ("BatchNormalization", "consumed_inputs"): "a hint for reuse of memory",
    ("InstanceNormalization", "consumed_inputs"): "a hint for reuse of memory",
    ("BatchNormalization", "epsilon"): "a number added, whatever it is",
    ("BatchNormalization", "momentum"): "a number multiplied by, whatever it is",
    ("InstanceNormalization", "epsilon"): "as above",
    ("GroupNormalization", "epsilon"): "as above",
    ("GroupNormalization", "stash_type"): "the precision of the first stage",
    ("LayerNormalization", "epsilon"): "as above",
    ("RMSNormalization", "epsilon"): "as above",
    ("LRN", "alpha"): "a number multiplied by, whatever it is",
    ("LRN", "beta"): "an exponent, whatever it is",
    ("LRN", "bias"): "a number added, whatever it is",
}


def test_every_attribute_is_named_or_ignored() -> None:
    names = ("BatchNormalization", "InstanceNormalization", "GroupNormalization",
             "LayerNormalization", "RMSNormalization", "MeanVarianceNormalization",
             "LpNormalization", "LRN")  # fmt: skip
    assert unnamed_attributes(*names) == set(IGNORED)
