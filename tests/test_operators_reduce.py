"""Reductions and running sums: shapes against ONNX Runtime, work counted by hand, reads by NaN."""

from __future__ import annotations

import numpy as np
import pytest
from single_node import assert_shapes, case, dependence, predicted, reads, work

from cnnscope.analyzer.operators.reading import Along, Whole
from cnnscope.analyzer.operators.work import Work

F = (2, 3, 4)


def ints(*values):
    return np.array(values, np.int64)


SHAPES = [
    case("ReduceSum", F, ints(1, -1), const=(1,)),
    case("ReduceSum", F, ints(1), const=(1,), keepdims=0),
    case("ReduceMean", F), case("ReduceMean", F, keepdims=0),
    case("ReduceMean", F, opset=13, axes=[-1]),
    case("ReduceSum", F, noop_with_empty_axes=1),
    case("ReduceL2", F, opset=11, axes=[0], keepdims=0),
    case("ReduceSum", F, np.zeros(0, np.int64), const=(1,)), case("ArgMax", F, axis=-1),
    case("ArgMin", F, keepdims=0), case("CumSum", F, np.int64(1), const=(1,)),
]  # fmt: skip


@pytest.mark.parametrize("c", SHAPES, ids=lambda c: c.op)
def test_shapes(c):
    assert_shapes(c)


WORK = [  # 6 results of 4 elements each
    ("ReduceSum", Work(add=18)), ("ReduceMean", Work(add=18, div=6)),
    ("ReduceMax", Work(compare=18)),
    ("ReduceL1", Work(add=18, compare=24)), ("ReduceL2", Work(mul=24, add=18, sqrt=6)),
    ("ReduceLogSum", Work(add=18, exp=6)), ("ReduceProd", Work(mul=18)),
    ("ReduceLogSumExp", Work(compare=18, add=24 + 18 + 6, exp=24 + 6)),
]  # fmt: skip


@pytest.mark.parametrize(("op", "expected"), WORK)
def test_work(op, expected):
    assert work(case(op, F, ints(2), const=(1,))) == expected


@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("exclusive", [0, 1])
def test_running_sums(exclusive, reverse):
    c = case("CumSum", (2, 5), np.int64(1), const=(1,), exclusive=exclusive, reverse=reverse)
    assert predicted(c, 0, 1) == dependence(c, 0, 1, 1)
    assert work(c) == Work(add=2 * (4 - exclusive))


def test_reads():
    c = case("ReduceMean", F, ints(1), const=(1,), keepdims=0)
    assert reads(c)[0] == (Along(0), Whole(spatial=True), Along(1))
    assert predicted(c, 0, 2) == dependence(c, 0, 2, 1)
