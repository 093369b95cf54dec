"""Operators that trade channels for space or lay patches out, against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest
import single_node as s

SIZES = [
    s.case("DepthToSpace", (2, 12, 3, 4), blocksize=2),
    s.case("DepthToSpace", (2, 12, 3, 4), blocksize=2, mode="CRD"),
    s.case("SpaceToDepth", (2, 3, 6, 4), blocksize=2),
    s.case("Col2Im", (1, 5, 5), np.array([5, 5]), np.array([1, 5]), const=(1, 2), opset=18),
    s.case("Col2Im", (1, 9, 4), np.array([5, 5]), np.array([3, 3]), const=(1, 2), opset=18,
           strides=[2, 2]),
]  # fmt: skip


@pytest.mark.parametrize("case", SIZES, ids=lambda c: c.op)
def test_sizes(case: s.Case) -> None:
    s.assert_shapes(case)


@pytest.mark.parametrize(("attributes", "said"), [
    # 4 columns are 2 blocks of 3 along each axis of 5, a step of 2 between: (5 - 3)/2 + 1
    ({}, "input is 1x9x4, [?]x[?]x9 is wanted"),
    ({"strides": [2, 1]}, "input is 1x9x4, [?]x[?]x6 is wanted"),
    ({"strides": [2, 2], "pads": [1, 0, 1, 0]}, "input is 1x9x4, [?]x[?]x6 is wanted"),
    ({"strides": [2, 2], "dilations": [3, 1]}, "no block of 3 fits into axis 0"),
    ({"strides": [2]}, "strides has 1 numbers, for 2 axes 2 are wanted"),
    ({"strides": [2, 2], "pads": [0, 0, 0]}, "pads has 3 numbers, for 2 axes 4 are wanted"),
])  # fmt: skip
def test_columns_are_as_many_as_blocks(attributes: dict[str, list[int]], said: str) -> None:
    image, block = np.array([5, 5]), np.array([3, 3])
    s.assert_refused(
        s.case("Col2Im", (1, 9, 4), image, block, const=(1, 2), opset=18, **attributes), said
    )


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("block", [2, 3])
@pytest.mark.parametrize("axis", [2, 3])
def test_depth_to_space_reads_one_position_for_a_block(mode: str, block: int, axis: int) -> None:
    case = s.case("DepthToSpace", (1, block * block, 3, 4), blocksize=block, mode=mode)
    assert s.predicted(case, 0, axis) == s.dependence(case, 0, axis, axis)


@pytest.mark.parametrize("block", [2, 3])
@pytest.mark.parametrize("axis", [2, 3])
def test_space_to_depth_reads_a_block(block: int, axis: int) -> None:
    case = s.case("SpaceToDepth", (1, 2, 6, 12), blocksize=block)
    assert s.predicted(case, 0, axis) == s.dependence(case, 0, axis, axis)


@pytest.mark.parametrize(("size", "wanted"), [(7, 4), (7, 10), (6, 3), (6, 11)])
def test_center_crop_pad(size: int, wanted: int) -> None:
    import onnx
    from onnx.reference import ReferenceEvaluator

    case = s.case("CenterCropPad", (1, 2, size), np.array([wanted]), const=(1,), axes=[2], opset=18)
    actual = ReferenceEvaluator(s.model(case)).run(None, {"x0": case.inputs[0]})[0]
    assert s.infer(case)[0].shape == actual.shape
    rows: dict[int, set[int]] = {}
    for row in range(size):
        x = np.zeros((1, 2, size), np.float32)
        x[..., row] = 1
        for output in np.flatnonzero(
            ReferenceEvaluator(s.model(case)).run(None, {"x0": x})[0][0, 0]
        ):
            rows.setdefault(int(output), set()).add(row)
    assert s.predicted(case, 0, 2) == rows
    assert onnx.__version__
