"""Pools: sizes, work and what each output reads, against ONNX Runtime.

A NaN doesn't pass a maximum everywhere, so maxima are probed by their sibling that averages: the
window is the same.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import single_node as s
from onnx import defs

from cnnscope.analyzer.operators.reading import Whole
from cnnscope.analyzer.values.dimension import Undetermined

GRID = list(
    itertools.product((7, 8, 13), (1, 2, 3), (1, 2, 3), ((0, 0), (1, 1), (0, 1)), (0, 1), (1, 2))
)


def pool(op: str, n: int, k: int, stride: int, pads: tuple[int, int], ceil: int, d: int) -> s.Case:
    return s.case(op, (1, 2, n), kernel_shape=[k], strides=[stride], pads=list(pads),
                  ceil_mode=ceil, dilations=[d], opset=22)  # fmt: skip


def fits(k: int, pads: tuple[int, int], d: int) -> bool:
    """ONNX Runtime asks for less padding than the kernel's extent."""
    return max(pads) < k


@pytest.mark.parametrize(
    ("n", "k", "stride", "pads", "ceil", "d"), [g for g in GRID if fits(g[1], g[3], g[5])]
)
def test_sizes_and_reads(
    n: int, k: int, stride: int, pads: tuple[int, int], ceil: int, d: int
) -> None:
    s.assert_shapes(pool("MaxPool", n, k, stride, pads, ceil, d))
    average = pool("AveragePool", n, k, stride, pads, ceil, d)
    s.assert_shapes(average)
    assert s.predicted(average, 0, 2) == s.dependence(average, 0, 2, 2)


SIZES = [
    s.case("MaxPool", (1, 3, 9, 9), kernel_shape=[3, 2], strides=[2, 2], outputs=2),
    s.case("MaxPool", (1, 3, 9, 9, 9), kernel_shape=[2, 2, 2]),
    *(s.case("MaxPool", (1, 1, 57, 64), kernel_shape=[3, 3], strides=[2, 3], pads=p, ceil_mode=1)
      for p in ([0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0])),
    *(s.case("AveragePool", (1, 1, 10, 11), kernel_shape=[3, 3], strides=[2, 2], auto_pad=a)
      for a in ("SAME_UPPER", "SAME_LOWER", "VALID")),
    s.case("LpPool", (1, 2, 9, 9), kernel_shape=[3, 3], strides=[2, 2]),
    s.case("GlobalAveragePool", (2, 3, 5, 7)),
    s.case("GlobalMaxPool", (2, 3, 5)),
    s.case("GlobalLpPool", (2, 3, 5, 7)),
    s.case("MaxUnpool", (1, 1, 2, 2), np.array([[[[5, 7], [13, 15]]]]), kernel_shape=[2, 2],
           strides=[2, 2]),
    s.case("MaxRoiPool", (1, 2, 8, 8), np.array([[0, 0, 0, 5, 5.0]], np.float32),
           pooled_shape=[3, 2]),
    s.case("RoiAlign", (1, 2, 8, 8), np.array([[0, 0, 5, 5], [1, 1, 4, 4.0]], np.float32),
           np.array([0, 0]), output_height=3, output_width=2, opset=16),
]  # fmt: skip


@pytest.mark.parametrize("case", SIZES, ids=lambda c: c.op)
def test_sizes(case: s.Case) -> None:
    s.assert_shapes(case)


WORK: list[tuple[s.Case, dict[str, int]]] = [
    (s.case("MaxPool", (1, 8, 16, 16), kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]),
     {"compare": 8 * 64 * 8}),
    (s.case("AveragePool", (1, 8, 16, 16), kernel_shape=[2, 2], strides=[2, 2]),
     {"add": 8 * 64 * 3, "div": 8 * 64}),
    (s.case("GlobalAveragePool", (1, 2048, 7, 7)), {"add": 2048 * 48, "div": 2048}),
    (s.case("GlobalMaxPool", (1, 4, 5, 5)), {"compare": 4 * 24}),
]  # fmt: skip


@pytest.mark.parametrize(("case", "counts"), WORK, ids=lambda v: getattr(v, "op", ""))
def test_work(case: s.Case, counts: dict[str, int]) -> None:
    assert s.work(case) == s.Work(**counts)


def test_work_that_hangs_on_data_is_not_known() -> None:
    with pytest.raises(Undetermined):
        s.work(s.case("MaxRoiPool", (1, 2, 8, 8), (1, 5), pooled_shape=[3, 2]))


def test_a_global_pool_sees_all_of_space() -> None:
    reads = s.reads(s.case("GlobalAveragePool", (2, 3, 5, 7)))
    assert isinstance(reads, tuple)
    assert isinstance(reads[0], tuple)
    assert reads[0][2:] == (Whole(spatial=True), Whole(spatial=True))


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool", "MaxUnpool", "RoiAlign"])
def test_every_attribute_is_known(op: str) -> None:
    values_only = {
        "p",
        "storage_order",
        "spatial_scale",
        "coordinate_transformation_mode",
        "count_include_pad",
    }
    for schema in {defs.get_schema(op, v).since_version: defs.get_schema(op, v)
                   for v in range(16, 23)}.values():  # fmt: skip
        found: Any = s.lookup("", op, schema.since_version)
        named: set[str] = set()
        for names in found.keywords.values():
            named |= set(schema.attributes) if names is None else set(names)
        assert set(schema.attributes) - values_only <= named
