"""Resize and its like: sizes, and exactly which inputs each output blends, against ONNX Runtime.

A NaN travels along dependencies: `dependence` finds by brute force which rows each output reads.
Where a coordinate falls on an input exactly, or beyond an end, ONNX Runtime multiplies a neighbour by
a weight of 0, which a NaN passes: that neighbour may be in its set and not in ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import single_node as s
from onnx import defs

from cnnscope.analyzer.dimension import FreeDim
from cnnscope.analyzer.operator import Along, Whole
from cnnscope.analyzer.tensor import Tensor

MODES = ["nearest", "linear", "cubic"]
TRANSFORMS = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


def resize(length: int, *, size: int | None = None, scale: float | None = None, **attributes: Any):
    """One axis resized: to a size, or by a scale."""
    if size is not None:
        return s.case("Resize", (1, 1, 4, length), None, None, np.array([1, 1, 4, size]),
                      const=(3,), opset=19, **attributes)  # fmt: skip
    return s.case("Resize", (1, 1, 4, length), None, np.array([1, 1, 1, scale], np.float32),
                  const=(2,), opset=19, **attributes)  # fmt: skip


SIZES = [
    s.case("Resize", (1, 2, 5, 7), np.array([1, 1, 2, 3], np.float32), const=(1,), opset=10),
    s.case("Resize", (1, 2, 5, 7), np.array([1, 1, 0.6, 1.5], np.float32), const=(1,), opset=10),
    s.case("Upsample", (1, 2, 5, 7), np.array([1, 1, 2, 2.5], np.float32), const=(1,), opset=9),
    s.case("Upsample", (1, 2, 5, 7), opset=8, scales=[1.0, 1.0, 2.0, 3.0]),
    *(resize(11, scale=scale) for scale in (0.1, 0.3, 0.6, 1.1, 1.7, 2.0, 3.3)),
    *(resize(n, scale=scale) for n in (10, 13, 100) for scale in (0.7, 1.2, 0.35)),
    s.case("Resize", (1, 2, 5, 7), None, None, np.array([9, 3]), const=(3,), opset=19, axes=[3, 2]),
    s.case("Resize", (1, 2, 6, 8), None, None, np.array([4, 4]), const=(3,), opset=19,
           axes=[2, 3], keep_aspect_ratio_policy="not_larger"),
    s.case("Resize", (1, 2, 6, 8), None, None, np.array([4, 4]), const=(3,), opset=19,
           axes=[2, 3], keep_aspect_ratio_policy="not_smaller"),
    s.case("GridSample", (2, 3, 5, 7), (2, 4, 6, 2), opset=20),
    s.case("AffineGrid", (2, 2, 3), np.array([2, 3, 4, 5]), const=(1,), opset=20),
]  # fmt: skip


@pytest.mark.parametrize("case", SIZES, ids=lambda c: f"{c.op}-{c.opset}")
def test_sizes(case: s.Case) -> None:
    s.assert_shapes(case)


def assert_reads(case: s.Case) -> None:
    """Ours is in the NaN's set, and what the NaN's has more is a neighbour of weight 0."""
    mine, theirs = s.predicted(case, 0, 3), s.dependence(case, 0, 3, 3)
    for output, rows in mine.items():
        assert rows <= theirs.get(output, set()), (output, rows, theirs.get(output))
    y = s.run(case)[0]
    x = case.inputs[0]
    assert x is not None
    for output, rows in theirs.items():
        for row in rows - mine.get(output, set()):
            moved = x.copy()
            moved[..., row] += 100
            changed = s.Case(case.op, (moved, *case.inputs[1:]), case.attributes, case.constants,
                             case.outputs, case.opset, case.domain)  # fmt: skip
            assert np.allclose(s.run(changed)[0][..., output], y[..., output], atol=1e-3)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [3, 5, 8, 14, 21, 16])
def test_reads_by_size(mode: str, transform: str, size: int) -> None:
    assert_reads(resize(7, size=size, mode=mode, coordinate_transformation_mode=transform))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("transform", ["half_pixel", "asymmetric"])
@pytest.mark.parametrize("scale", [2.0, 3.0, 0.5, 1.5, 0.75])
def test_reads_of_nearest(rounding: str, transform: str, scale: float) -> None:
    assert_reads(
        resize(8, scale=scale, nearest_mode=rounding, coordinate_transformation_mode=transform)
    )


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("size", [3, 4, 5])
def test_antialiasing_reads_more_when_shrinking(mode: str, size: int) -> None:
    assert_reads(resize(16, size=size, mode=mode, antialias=1))


@pytest.mark.parametrize("opset", [9, 10])
@pytest.mark.parametrize("scale", [2.0, 3.0, 1.5])
def test_old_spellings(opset: int, scale: float) -> None:
    op = "Upsample" if opset == 9 else "Resize"
    scales = np.array([1, 1, 1, scale], np.float32)
    assert_reads(s.case(op, (1, 1, 3, 6), scales, const=(1,), opset=opset))


def test_work_is_that_of_the_docstring() -> None:
    case = s.case("Resize", (1, 8, 16, 16), None, np.array([1, 1, 2, 2], np.float32), const=(2,),
                  opset=19, mode="linear")  # fmt: skip
    outputs = 8 * 32 * 32
    assert s.work(case).mul == outputs * 4  # four corners weighted, three times added up
    assert s.work(case).add == outputs * 3
    assert s.work(case).macs == 0


def test_a_free_axis_keeps_its_formula_and_its_reads() -> None:
    height = FreeDim.named("H")
    x = Tensor("float32", (1, 3, height, 8))
    scales = Tensor("float32", (4,), True, np.array([1, 1, 2, 2], np.float32))
    case = s.case("Resize", (1, 3, 4, 8), None, scales.value, const=(2,), opset=19)
    found = s.operator(case)
    output = found.call(found.infer, (x, None, scales), {"node_name": "n"})
    assert isinstance(output, Tensor)
    assert output.shape == (1, 3, height * 2, 16)
    assert found.reads is not None
    reads = found.call(found.reads, ((output,), x, None, scales), {})
    assert isinstance(reads, tuple)
    assert isinstance(reads[0][2], Along)


def test_where_a_grid_samples_is_data() -> None:
    reads = s.reads(s.case("GridSample", (2, 3, 5, 7), (2, 4, 6, 2), opset=20))
    assert isinstance(reads, tuple)
    assert isinstance(reads[0], tuple)
    assert reads[0][2] == Whole(spatial=True)


@pytest.mark.parametrize("version", [10, 11, 13, 18, 19])
def test_every_attribute_is_known(version: int) -> None:
    ignored = {"cubic_coeff_a", "exclude_outside", "extrapolation_value"}  # values, not places
    found = s.lookup("", "Resize", version)
    assert found is not None
    assert found.keywords is not None
    named = set().union(*(names or () for names in found.keywords.values()))
    schema = defs.get_schema("Resize", version)
    assert set(schema.attributes) - ignored <= named
