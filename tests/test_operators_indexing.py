"""Picking by index, and tensors made from shapes: against ONNX Runtime and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from single_node import assert_shapes, case, dependence, infer, predicted, reads, run, work

from cnnscope.analyzer.operators.reading import Only, Whole
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor


def ints(*values):
    return np.array(values, np.int64)


SHAPES = [
    case("Gather", (5, 3), ints(4, 0)), case("Gather", (5, 3), np.int64(1), axis=1),
    case("GatherElements", (4, 3), ints([0, 1, 2])),
    case("GatherND", (4, 3, 2), ints([0, 1], [3, 2])),
    case("GatherND", (2, 3, 4), ints([1], [2]), batch_dims=1),
    case("ScatterElements", (4, 3), ints([0, 1, 2]), (1, 3)),
    case("ScatterND", (4, 3), ints([1], [3]), (2, 3)),
    case("OneHot", ints(0, 2), np.int64(5), ints(0, 1), const=(1,)),
    case("OneHot", ints([0, 2]), np.int64(5), ints(0, 1), const=(1,), axis=0),
    case("TopK", (4, 6), ints(3), const=(1,), outputs=2),
    case("TopK", (4, 6), opset=9, k=2, outputs=2),
    case("Shape", (2, 3, 4), start=-2), case("Size", (2, 3)), case("EyeLike", (3, 4), dtype=7),
    case("ConstantOfShape", ints(2, 3), const=(0,)), case("RandomNormal", shape=[2, 3]),
    case("Range", np.int64(10), np.int64(1), np.int64(-4), const=(0, 1, 2)),
    case("Range", np.float32(0), np.float32(1), np.float32(0.3), const=(0, 1, 2)),
    case("Multinomial", (2, 5), sample_size=3), case("Constant", value_floats=[1.0, 2.0]),
    case("Constant", value_int=3),
]  # fmt: skip


@pytest.mark.parametrize("c", SHAPES, ids=lambda c: c.op)
def test_shapes(c):
    assert_shapes(c)


READS = [
    (case("Gather", (5, 3), ints(4, 0, 1), const=(1,)), 0, 0, 0),
    (case("Gather", (5, 3), ints(1, 3), const=(1,)), 0, 0, 0),
    (case("Gather", (5, 3), ints(-1, -2), const=(1,)), 0, 0, 0),
    (case("Gather", (5, 3), ints([0, 1], [2, 3]), const=(1,)), 0, 0, 0),
    (case("Gather", (5, 3), ints([0, 1]), const=(1,)), 0, 1, 2),
    (case("GatherElements", (4, 3), ints([0, 1, 2], [2, 2, 3]), const=(1,)), 0, 0, 0),
    (case("ScatterElements", (4, 3), ints([0, 0, 0], [2, 2, 2]), (2, 3), const=(1,)), 2, 0, 0),
    (case("ScatterND", (4, 3), ints([1], [3]), (2, 3), const=(1,)), 2, 0, 0),
    (case("ScatterND", (4, 3), ints([1], [3]), (2, 3), const=(1,)), 2, 1, 1),
    (case("GatherND", (4, 3), ints([2], [0]), const=(1,)), 0, 0, 0),
]


@pytest.mark.parametrize(("c", "which", "axis", "out"), READS)
def test_reads(c, which, axis, out):
    assert predicted(c, which, axis) == dependence(c, which, axis, out)


def test_what_only_the_run_can_tell():
    assert reads(case("Gather", (5, 3), ints(1)))[0][0] == Whole()
    assert reads(case("Gather", (5, 3), np.int64(-1), const=(1,)))[0][0] == Only(4, 4)
    rank, count = infer(case("NonZero", (2, 3)))[0].shape
    assert rank == run(case("NonZero", (2, 3)))[0].shape[0]
    assert count.data
    assert infer(case("Unique", (2, 3), outputs=4))[2].shape == (6,)
    assert infer(case("NonMaxSuppression", (1, 5, 4), (1, 2, 5)))[0].shape == (0, 3)


def test_values_of_shapes():
    height = FreeDim.named("H")
    from single_node import operator

    found = operator(case("Shape")).infer(Tensor("float32", (2, height)))
    assert found.lengths == [2, height]
    assert operator(case("Size")).infer(Tensor("float32", (2, height))).lengths == [2 * height]


def test_searching_work():
    assert work(case("TopK", (4, 6), ints(1), const=(1,), outputs=2)) == Work(compare=4 * 5)
    # 6 - 3 + 2*ceil(log2 5) = 9 per row
    assert work(case("TopK", (4, 6), ints(3), const=(1,), outputs=2)) == Work(compare=4 * 9)
