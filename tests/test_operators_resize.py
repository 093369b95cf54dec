"""Resize and its like: sizes, and exactly which inputs each output blends, against ONNX Runtime.

A NaN travels along dependencies: `dependence` finds by brute force which rows each output reads.
Where a coordinate falls on an input exactly, or beyond an end, ONNX Runtime multiplies a neighbour by
a weight of 0, which a NaN passes: that neighbour may be in its set and not in ours. An impulse tells
the weights themselves apart, for every setting.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import single_node as s
from amounts import amount
from one_unit import find_region
from onnx import defs

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.fields.boxes import positions
from cnnscope.analyzer.operators.reading import Along, Whole
from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.runtime.probe.probe import check_fields

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
    ignored = {"exclude_outside", "extrapolation_value"}  # values, not places
    found = s.lookup("", "Resize", version)
    assert found is not None
    assert found.keywords is not None
    named = set().union(*(names or () for names in found.keywords.values()))
    schema = defs.get_schema("Resize", version)
    assert set(schema.attributes) - ignored <= named


# -- every setting, weight by weight ---------------------------------------------------------------

ANY_TRANSFORM = [
    *TRANSFORMS, "half_pixel_symmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize",
]  # fmt: skip
LENGTHS = [1, 2, 5, 6, 9]
TO = [*((m, None) for m in (1, 2, 3, 4, 5, 7, 9, 11, 18)),
      *((None, f) for f in (1 / 3, 0.5, 2 / 3, 0.6, 1.0, 1.5, 2.0, 3.0, 4.0, 2.5, 1.2))]  # fmt: skip
ROIS = [(0.2, 0.8), (0.0, 1.0), (0.25, 0.5)]
HOW = [
    *({"mode": "nearest", "nearest_mode": rounding} for rounding in ROUNDINGS),
    *({"mode": "linear", "antialias": a} for a in (0, 1)),
    *({"mode": "cubic", "antialias": a, "exclude_outside": e, "cubic_coeff_a": c}
      for a, e, c in ((0, 0, -0.75), (0, 1, -0.75), (1, 0, -0.75), (1, 1, -0.5), (0, 0, 0.0),
                      (0, 0, 4.0), (0, 0, -0.5))),
]  # fmt: skip


def settings() -> list[tuple[dict[str, Any], int, int | None, float | None, Any]]:
    """Manner, length, size or scale, and which part of the input; a crop takes every part."""
    return [
        (how | {"coordinate_transformation_mode": transform}, n, size, scale, roi)
        for how, transform, n, (size, scale) in itertools.product(HOW, ANY_TRANSFORM, LENGTHS, TO)
        for roi in (ROIS if transform == "tf_crop_and_resize" else [None])
        if scale is None or int(np.float32(n) * np.float32(scale)) > 0
    ]


def weighed(case: s.Case) -> np.ndarray:
    """[output, input]: an impulse there shows here, beyond float32's rounding of a 0."""
    return np.asarray(abs(s.run(case)[0][0, :, 0, :].T) > 1e-5)


def told(case: s.Case, n: int, m: int) -> np.ndarray:
    """[output, input] by the rule, the border's way with what lies beyond included."""
    per_output = s.reads(case)
    assert isinstance(per_output, tuple)
    read = per_output[0][3]
    found = np.zeros((m, n + 1), bool)
    for o in range(m):
        if isinstance(read, Along):
            found[o, positions(read.window, [o], n)[0]] = True
        elif (row := read.rows[o]) is not None:
            found[o, max(row[0], 0) : row[1] + 1] = True
    return found[:, :n]


def test_every_neighbour_with_a_weight_and_no_other_is_read() -> None:
    """Impulses side by side, each in a channel of its own: 11,115 settings in full."""
    among = settings()
    random = np.random.default_rng(3)
    count = amount(150, len(among))
    for k in random.permutation(len(among))[:count]:
        how, n, size, scale, roi = among[k]
        x = np.eye(n, dtype=np.float32).reshape(1, n, 1, n)
        part = None if roi is None else np.array([0, 0, 0, roi[0], 1, 1, 1, roi[1]], np.float32)
        scales = None if scale is None else np.array([1, 1, 1, scale], np.float32)
        sizes = None if size is None else np.array([1, n, 1, size])
        const = tuple(i for i, v in ((1, part), (2, scales), (3, sizes)) if v is not None)
        given = (x, part, scales, sizes) if sizes is not None else (x, part, scales)
        case = s.case("Resize", *given, const=const, opset=19, **how)
        truth = weighed(case)
        assert np.array_equal(told(case, n, len(truth)), truth), among[k]


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("sizes", [(4, 4), (3, 9), (12, 10), (5, 2)])
def test_one_scale_for_all_axes(policy: str, mode: str, sizes: tuple[int, int]) -> None:
    """Axes named backwards, and an aspect ratio kept: what the last axis reads."""
    x = np.eye(8, dtype=np.float32).reshape(1, 8, 1, 8).repeat(6, axis=2)
    case = s.case("Resize", x, None, None, np.array(sizes), const=(3,), opset=19, axes=[3, 2],
                  keep_aspect_ratio_policy=policy, mode=mode)  # fmt: skip
    truth = weighed(case)
    assert np.array_equal(told(case, 8, len(truth)), truth)


@pytest.mark.parametrize(
    ("scale", "mode", "transform", "antialias", "size"),
    [
        (2.0, "linear", "asymmetric", 0, 2),  # odd outputs lie between two inputs, even ones on one
        (
            0.5,
            "linear",
            "asymmetric",
            0,
            1,
        ),  # each on an input: every other pixel is read by nothing
        (3.0, "linear", "half_pixel", 0, 2),
        (1 / 3, "linear", "half_pixel", 1, 5),  # the triangle is 0 at a distance of 3: -2..2
        (2.0, "cubic", "half_pixel", 0, 4),
        (0.5, "cubic", "asymmetric", 0, 1),
    ],
)
def test_the_size_of_a_field(
    scale: float, mode: str, transform: str, antialias: int, size: int
) -> None:
    case = resize(18, scale=scale, mode=mode, coordinate_transformation_mode=transform,
                  antialias=antialias)  # fmt: skip
    per_output = s.reads(case)
    assert isinstance(per_output, tuple)
    field = Field().through(per_output[0][3].window)
    assert field is not None
    assert field.size == size


def test_a_sum_in_double_precision_decides_nearest_neighbours(cases: Path) -> None:
    """half_pixel_symmetric, floor, 5 to 3: unit 1 lies at 2 exactly, ONNX Runtime reads index 1."""
    found = examine(cases / "rs_sym.onnx")
    output = found.graph.outputs[0]
    assert [find_region(found.graph, found.shapes, output, (0, 0, 0, u))["x"][3] for u in range(3)] == [
        ((0, 0),), ((1, 1),), ((3, 3),),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["t_up9", "rz_halfpixel_x3", "t_aligncorners", "resize_crop"])
def test_a_neighbour_of_weight_zero_is_not_read(name: str, cases: Path) -> None:
    checked = check_fields(examine(cases / f"{name}.onnx"))
    assert checked.compared
    assert not checked.mismatches


def test_antialiasing_by_a_third_sees_five(cases: Path) -> None:
    report = analyze(cases / "rs_aa3.onnx")
    assert report.layers[-1].receptive_field[-1].size == 5
