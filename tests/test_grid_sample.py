"""Which pixels a constant grid reads: by brute force through ONNX Runtime, one pixel changed at a time."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from amounts import amount
from networks import network, node
from one_unit import find_region
from random_graphs import session

import cnnscope
from cnnscope.analyzer.report.examination import examine


def model(grid: np.ndarray, shape: tuple[int, ...], **attributes: Any) -> onnx.ModelProto:
    return network(node("GridSample", "x grid", "y", **attributes), x=shape, grid=grid, opset=20)


def holds(net: onnx.ModelProto, shape: tuple[int, ...]) -> None:
    """Every unit's region is what moves it, axis by axis."""
    ran, found = session(net), examine(net.SerializeToString())
    x = np.random.default_rng(0).uniform(1, 2, shape).astype(np.float32)
    (before,) = ran.run(None, {"x": x})
    moved = np.zeros((*before.shape, *shape), bool)
    for element in itertools.product(*map(range, shape)):
        changed = x.copy()
        changed[element] += 1000
        moved[(..., *element)] = ran.run(None, {"x": changed})[0] != before
    for unit in itertools.product(*map(range, before.shape)):
        region = find_region(found.graph, found.shapes, "y", unit).get("x")
        for axis in range(len(shape)):
            others = tuple(a for a in range(len(shape)) if a != axis)
            truth = np.flatnonzero(moved[unit].any(axis=others)).tolist()
            mine = [i for lo, hi in region[axis] for i in range(lo, hi + 1)] if region else []
            assert mine == truth, (unit, axis)


@pytest.mark.parametrize("seed", range(amount(7, 2000)))
def test_random_grids(seed: int) -> None:
    """Places between pixels, on them, at the borders and beyond."""
    random = np.random.default_rng(seed)
    axes = int(random.choice([2, 2, 2, 3]))
    opset = int(random.choice([16, 20, 22])) if axes == 2 else 20
    names = {"linear": "bilinear", "cubic": "bicubic"} if opset == 16 else {}
    mode = str(random.choice(["linear", "nearest", "cubic"][: 3 if axes == 2 else 2]))
    batch, channels = (int(n) for n in random.integers(1, 3, 2))
    shape = (batch, channels, *(int(n) for n in random.integers(1, 6, axes)))
    laid = (batch, *(int(n) for n in random.integers(1, 4, axes)), axes)
    if random.integers(2):
        grid = random.uniform(-1.6, 1.6, laid)
        if mode == "cubic":
            grid = np.round(grid * 64) / 64
    else:
        # Beside a pixel, cubic weights are lost in rounding: there it is exactly on one or isn't near.
        by = [2.0, 4.0] if mode == "cubic" else [2.0, 3.0, 4.0, 5.0]
        grid = random.integers(-8, 9, laid) / random.choice(by)
    if random.integers(3) == 0:
        grid[:] = grid[:1]
    net = model(
        grid.astype(np.float32), shape, mode=names.get(mode, mode),
        padding_mode=str(random.choice(["zeros", "border", "reflection"])),
        align_corners=int(random.integers(2)),
    )  # fmt: skip
    net.opset_import[0].version = opset
    holds(net, shape)


def test_an_affine_grid_of_constants() -> None:
    theta = np.array([[[0.7, 0.23, 0.11], [-0.21, 0.67, 0.03]]], np.float32)
    net = network(
        node("AffineGrid", "theta size", "grid"), node("GridSample", "x grid", "y"),
        x=(1, 1, 5, 6), theta=theta, size=np.array([1, 1, 7, 6], np.int64), opset=20,
    )  # fmt: skip
    holds(net, (1, 1, 5, 6))


def shrinking(n: int) -> np.ndarray:
    """Half the height, the left of the width: rows and columns each by themselves."""
    rows, columns = np.meshgrid(np.linspace(-0.5, 0.5, n), np.linspace(-1, 0, n), indexing="ij")
    return np.stack([columns, rows], -1)[None].astype(np.float32)


@pytest.mark.parametrize("external", [False, True])
def test_a_large_grid_is_read_from_the_file(tmp_path: Path, external: bool) -> None:
    """120x120 places, 115 kB. Row 60 lies at ((60/119 - 0.5 + 1) * 120 - 1) / 2 = 59.75: pixels 59 and
    60; column 30 at (30/119 * 120 - 1) / 2 = 14.63: pixels 14 and 15."""
    path = tmp_path / "grid.onnx"
    onnx.save(
        model(shrinking(120), (1, 1, 120, 120)), path, save_as_external_data=external,
        location="grid.bin", size_threshold=0,
    )  # fmt: skip
    layer = cnnscope.analyze(path).layers[0]
    assert layer.region((0, 0, 60, 30))["x"][2:] == (((59, 60),), ((14, 15),))
    assert [(f.size, f.global_) for f in layer.receptive_field] == [(2, False)] * 2
    if external:
        (tmp_path / "grid.bin").unlink()
        lost = cnnscope.analyze(path)
        assert "axis-not-followed" in [d.code for d in lost.diagnostics]
        for field in lost.layers[0].receptive_field:
            assert (field.size, field.global_, field.at_least) == (None, False, 1)


def test_a_rotation_is_a_lower_bound() -> None:
    """What a unit reads along one axis hangs on both of its indices: regions tell it, a field can't."""
    grid = shrinking(8)
    turned = grid @ np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32)
    report = cnnscope.analyze(model(turned, (1, 1, 8, 8)))
    assert [d.code for d in report.diagnostics] == ["axis-not-followed"]
    for field in report.layers[0].receptive_field:
        assert (field.size, field.global_, field.at_least) == (None, False, 1)


REGIONS: dict[str, Any] = {
    "rois": np.array([[0, 0, 4, 4]], np.float32), "batch": np.array([0], np.int64),
    "five": np.array([[0, 0, 0, 4, 4]], np.float32), "w": (1, 1, 3, 3), "off": (1, 18, 7, 7),
}  # fmt: skip


@pytest.mark.parametrize(
    "sampler",
    [
        node("RoiAlign", "x rois batch", "y", output_height=2, output_width=2, sampling_ratio=1),
        node("MaxRoiPool", "x five", "y", pooled_shape=[2, 2]),
        node("DeformConv", "x w off", "y"),
    ],
    ids=lambda n: n.op_type,
)
def test_other_constant_places_are_not_followed(sampler: onnx.NodeProto) -> None:
    stored = {name: REGIONS[name] for name in sampler.input if name != "x"}
    report = cnnscope.analyze(network(sampler, x=(1, 1, 9, 9), **stored))
    assert "axis-not-followed" in [d.code for d in report.diagnostics]
    assert not any(f.global_ or f.size for f in report.layers[0].receptive_field)
