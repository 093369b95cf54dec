"""How large an overlap do tiles need? Published overlaps, hand arithmetic, and what can't be cut."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import some
from network_writer import NetworkWriter
from networks import network
from onnx import helper

import cnnscope
from cnnscope.cli import main


def u_net(depth: int, k: int, p: int) -> onnx.ModelProto:
    """CSBDeep's U-Net along one axis, of one channel."""
    w = NetworkWriter()
    add = w.add
    scales = w.keep([1, 1, p], np.float32)
    weights = {n: w.keep(np.ones((1, n, k)), np.float32) for n in (1, 2)}

    def conv(x: str, channels: int = 1) -> str:
        return add("Conv", x, weights[channels], pads=[k // 2] * 2, kernel_shape=[k])

    x, skips = "x", []
    for _ in range(depth):
        x = conv(conv(x))
        skips.append(x)
        x = add("MaxPool", x, kernel_shape=[p], strides=[p])
    x = conv(conv(x))
    for skip in reversed(skips):
        x = add("Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric",
                nearest_mode="floor")  # fmt: skip
        x = conv(conv(add("Concat", x, skip, axis=1), 2))
    y = add("Conv", x, w.keep([[[1]]], np.float32), kernel_shape=[1])
    return w.model([1, 1, "L"], [y], 17)


#: CSBDeep `internals/predict.py`: by depth, of (kernel, pooling) 3,1 5,1 7,1 3,2 5,2 7,2 3,4 5,4 7,4
PUBLISHED = {
    1: (6, 12, 18, 9, 17, 25, 14, 27, 38),
    2: (10, 20, 30, 22, 43, 62, 58, 116, 158),
    3: (14, 28, 42, 46, 92, 138, 234, 468, 638),
    4: (18, 36, 54, 94, 188, 282, 938, 1876, 2558),
    5: (22, 44, 66, 190, 380, 570),
}
KERNELS = [(k, p) for p in (1, 2, 4) for k in (3, 5, 7)]
OVERLAPS = [
    (depth, *kernel, value)
    for depth, row in PUBLISHED.items()
    for kernel, value in zip(KERNELS, row, strict=False)
]


@pytest.mark.parametrize(("depth", "k", "p", "overlap"), some(OVERLAPS, 21))
def test_published_overlaps(depth: int, k: int, p: int, overlap: int) -> None:
    found = cnnscope.tile(u_net(depth, k, p), 1)
    (axis,) = found.axes
    assert max(axis.impulse) == overlap  # as CSBDeep measures it: units beyond a pixel on the grid
    assert overlap - 3 <= max(axis.halo) <= overlap  # tiles on the grid need that, or a little less
    assert (max(axis.halo) < overlap) == ((depth, k, p) in LESS)
    assert axis.step == p**depth
    assert max(axis.halo_anywhere) <= overlap + p**depth - 1


#: where the farthest unit that sees the pixel isn't the first one of its block
LESS = {(1, 3, 2), (1, 5, 2), (1, 7, 2), (1, 5, 4), (2, 5, 2)}


def test_all_of_them() -> None:
    assert len(OVERLAPS) == 42


def conv(x: str, y: str, w: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node("Conv", [x, w], [y], f"conv_{y}", **attributes)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


HAND = {
    # k3 with padding 1: unit u sees u-1 .. u+1.
    "conv": ([conv("x", "y", "w", pads=[1, 1])], {"w": ones(1, 1, 3)}, 1, (1, 1), (1, 1)),
    # Without padding: unit u sees u .. u+2, and its own pixel is u.
    "valid": ([conv("x", "y", "w")], {"w": ones(1, 1, 3)}, 1, (0, 2), (0, 2)),
    # Stride 2, k3, padding 1: unit u sees 2u-1 .. 2u+1; its own pixels are 2u, 2u+1.
    "strided": ([conv("x", "y", "w", pads=[1, 1], strides=[2])], {"w": ones(1, 1, 3)}, 2, (1, 0), (1, 1)),
    # Causal, dilation 4: u-8 .. u.
    "causal": ([conv("x", "y", "w", pads=[8, 0], dilations=[4])], {"w": ones(1, 1, 3)}, 1, (8, 0), (8, 0)),
    # Transposed, k4 s2 p1: units 2i, 2i+1 see i-1..i and i..i+1; a pixel owns both.
    "up": (
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"], "up", strides=[2], pads=[1, 1])],
        {"w": ones(1, 1, 4)}, 1, (1, 1), (1, 1),
    ),
    # A wide convolution beside a pool and its upsampling: by fields alone unit u sees u-8 .. u+8, but
    # the grid is the pool's.
    "hidden step": (
        [
            conv("x", "a", "w", pads=[8, 8]),
            helper.make_node("MaxPool", ["x"], ["b"], "pool", kernel_shape=[2], strides=[2]),
            helper.make_node("Resize", ["b", "", "s"], ["c"], "up", mode="nearest",
                             coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
            helper.make_node("Add", ["a", "c"], ["y"], "add"),
        ],
        {"w": ones(1, 1, 17), "s": np.array([1, 1, 2], np.float32)}, 2, (8, 8), (8, 8),
    ),
    # The first pixel is cut off, then padding: unit u sees u .. u+2, but what a part's first unit sees of
    # its first pixel is padding instead.
    "cropped, then padded": (
        [
            helper.make_node("Slice", ["x", "one", "end", "two"], ["a"], "crop"),
            conv("a", "y", "w", pads=[1, 1]),
        ],
        {"w": ones(1, 1, 3), "one": np.array([1]), "end": np.array([2**62]), "two": np.array([2])},
        1, (1, 2), (1, 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HAND)
def test_by_hand(case: str) -> None:
    nodes, stored, step, halo, anywhere = HAND[case]
    found = cnnscope.tile(network(*nodes, opset=17, x=[1, 1, "L"], **stored), 16)
    (axis,) = found.axes
    assert (axis.step, axis.halo, axis.halo_anywhere) == (step, halo, anywhere)


GLOBAL = {
    "pool": ([helper.make_node("GlobalAveragePool", ["x"], ["y"], "culprit")], {}),
    "instance norm": (
        [helper.make_node("InstanceNormalization", ["x", "s", "s"], ["y"], "culprit")],
        {"s": ones(2)},
    ),
    "softmax over space": ([helper.make_node("Softmax", ["x"], ["y"], "culprit", axis=2)], {}),
    "attention": (
        [
            helper.make_node("Transpose", ["x"], ["t"], "transpose", perm=[0, 2, 1]),
            helper.make_node("MatMul", ["t", "x"], ["a"], "scores"),
            helper.make_node("MatMul", ["a", "t"], ["y"], "culprit"),
        ],
        {},
    ),
    "fully connected": (
        [
            conv("x", "a", "c", pads=[1, 1]),
            helper.make_node("Flatten", ["a"], ["f"], "culprit"),
            helper.make_node("MatMul", ["f", "w"], ["y"], "fc"),
        ],
        {"c": ones(2, 2, 3), "w": ones(64, 3)},
    ),
    "recurrence both ways": (
        [
            helper.make_node("Transpose", ["x"], ["t"], "transpose", perm=[2, 0, 1]),
            helper.make_node("LSTM", ["t", "w", "r"], ["y"], "culprit", hidden_size=1,
                             direction="bidirectional"),
        ],
        {"w": ones(2, 4, 2), "r": ones(2, 4, 1)},
    ),
    "circular padding": (
        [
            helper.make_node("Pad", ["x", "p"], ["a"], "culprit", mode="wrap"),
            conv("a", "y", "c"),
        ],
        {"p": np.array([0, 0, 1, 0, 0, 1]), "c": ones(2, 2, 3)},
    ),
    "positions": (
        [
            conv("x", "a", "c", pads=[1, 1]),
            helper.make_node("Add", ["a", "p"], ["y"], "culprit"),
        ],
        {"c": ones(2, 2, 3), "p": ones(1, 2, 32)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GLOBAL)
def test_what_cant_be_cut_is_named(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    nodes, stored = GLOBAL[case]
    opset = 19 if case == "circular padding" else 17
    onnx.save(network(*nodes, opset=opset, x=[1, 2, 32], **stored), tmp_path / "m.onnx")
    found = cnnscope.tile(tmp_path / "m.onnx", 8)
    assert not found.ok
    assert {x.layer for x in found.obstacles} == {"culprit"}
    with pytest.raises(SystemExit) as left:
        main(["tile", str(tmp_path / "m.onnx"), "--tile", "8"])
    assert left.value.code == 1
    assert "culprit" in capfd.readouterr().out


def test_json(tmp_path: Path, capfd: pytest.CaptureFixture[str], samples: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["tile", str(samples / "fcn8s.onnx"), "--tile", "64,128", "--format", "json"])
    assert left.value.code == 0
    told = json.loads(capfd.readouterr().out)
    assert told["schema_version"] == 1
    assert told["halo"] == {"input": {"2": [221, 215], "3": [221, 215]}}
    assert told["step"] == {"input": {"2": 32, "3": 32}}
    assert [plan["tile"] for plan in told["plans"]] == [64, 128]


def test_several_outputs_and_ratios() -> None:
    """A map at half the input's size and one at twice it: a step of 2 pixels is 1 unit and 4 units."""
    model = network(
        conv("x", "half", "w", pads=[1, 1], strides=[2]),
        helper.make_node("ConvTranspose", ["x", "v"], ["twice"], "up", strides=[2]),
        outputs="half twice", x=[1, 1, "L"], w=(1, 1, 3), v=(1, 1, 2),
    )  # fmt: skip
    found = cnnscope.tile(model, 4, shapes={"x": [1, 1, 16]})
    assert {x.output: x.units for x in found.outputs} == {"half": 1, "twice": 4}
    (plan,) = found.plans
    # Parts: 0..4, 3 to 3: [0,4) reads 0..4+0; the others begin a step earlier: 2 more pixels each.
    assert plan.tiles == 4
    assert plan.reading == (4 + 6 + 6 + 6) / 16


def test_inputs_that_are_cut_together_are_in_order() -> None:
    """Eight images, each pooled from half as many pixels as the one before, are added up: a tile's size is
    in pixels of the first one, whatever order a set of them has."""
    w = NetworkWriter()
    names = [f"x{i}" for i in range(8)]
    y = w.add("MaxPool", names[0], kernel_shape=[256], strides=[256])
    for i, name in enumerate(names[1:], 1):
        pooled = w.add("MaxPool", name, kernel_shape=[256 >> i], strides=[256 >> i])
        y = w.add("Add", y, pooled)
    shapes = {name: [1, 1, 2048 >> i] for i, name in enumerate(names)}
    found = cnnscope.tile(w.model(shapes, [y]), 512)
    assert [(x.input, x.step) for x in found.axes] == [(x, 256 >> i) for i, x in enumerate(names)]
    (plan,) = found.plans
    assert plan.own == {name: (512 >> i,) for i, name in enumerate(names)}


def test_work_and_memory_are_the_parts() -> None:
    """One convolution, k3, padding 1, of 1 channel: 3 products a unit; the parts of 8 of 32 pixels are
    9, 10, 10 and 9 long, and the largest has an input and an output of 10 floats."""
    model = network(conv("x", "y", "w", pads=[1, 1]), x=[1, 1, 32], w=(1, 1, 3))
    found = cnnscope.tile(model, [8, 16])
    eight, sixteen = found.plans
    assert (eight.macs, eight.peak, eight.reading) == (3 * 38, 2 * 10 * 4, 38 / 32)
    assert (sixteen.macs, sixteen.peak) == (3 * 34, 2 * 17 * 4)
    assert (found.whole_macs, found.whole_peak) == (96, 256)
    assert all(plan.best for plan in found.plans)  # the one takes less memory, the other less work


def test_a_tile_without_the_whole() -> None:
    model = network(conv("x", "y", "w", pads=[1, 1]), x=[1, 1, "L"], w=(1, 1, 3))
    (plan,) = cnnscope.tile(model, 8).plans
    assert (plan.tiles, plan.reading, plan.macs) == (None, 10 / 8, 30)


@pytest.mark.parametrize("words", [["--tile", "0"], ["--tile", "a"], ["--tile", "8,,9"]])
def test_wrong_words(words: list[str], samples: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["tile", str(samples / "fcn8s.onnx"), *words])
    assert left.value.code == 2
    assert "--tile" in capfd.readouterr().err


def test_no_more_units_see_padding_than_there_are() -> None:
    """Five 3-wide convolutions: 5 units from either end see padding, and of 4 units all do."""
    names = ["x", *"abcde"]
    layers = [conv(x, y, "w", pads=[1, 1]) for x, y in itertools.pairwise(names)]
    model = network(*layers, x=[1, 1, "L"], w=(1, 1, 3))
    for length, units in ((4, (4, 4)), (16, (5, 5))):
        (margin,) = cnnscope.tile(model, 1, shapes={"x": [1, 1, length]}).margins
        assert margin.units == units
