"""Effective fields by the weights, on networks whose gradients are worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from commanded import run as command
from networks import network, node

import cnnscope

FIRST = np.array([[1, 2, -1], [0, 3, 1], [2, 0, 1]], np.float32)
SECOND = np.array([[1, 0, 1], [-2, 1, 0], [0, 1, 3]], np.float32)
Measure = Callable[..., cnnscope.EffectiveField]


@pytest.fixture
def measure() -> Measure:
    return lambda *given, **more: cnnscope.measured_effective_field(*given, provider="cpu", **more)


def two_convolutions(**more: Any) -> onnx.ModelProto:
    return network(
        node("Conv", "x w", "a", pads=[1, 1, 1, 1]), node("Conv", "a v", "y", pads=[1, 1, 1, 1]),
        x=(1, 1, 11, 11), w=FIRST[None, None], v=SECOND[None, None], outputs="y", **more,
    )  # fmt: skip


def placed(kernel: np.ndarray, center: int, length: int) -> np.ndarray:
    """A kernel's squares in sum 1 about a position of a square map."""
    found = np.zeros((length, length))
    first = center - len(kernel) // 2
    found[first : first + len(kernel), first : first + len(kernel)] = kernel**2
    return found / found.sum()


def convolved(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Every position's weight through both, tap by tap."""
    found = np.zeros((5, 5))
    for i in range(3):
        for j in range(3):
            found[i : i + 3, j : j + 3] += one[i, j] * other
    return found


def test_convolutions_multiply(measure: Measure) -> None:
    found = measure(two_convolutions(), "y", draws=1)
    np.testing.assert_allclose(found.map, placed(convolved(FIRST, SECOND), 5, 11), atol=1e-7)
    assert (found.counting, found.draws, found.unit) == ("gradient", 1, (None, None, 5, 5))
    assert found.region == (((3, 7),), ((3, 7),))
    assert found.to_dict()["draws"] == 1
    assert "the mean squared gradient of 1 draw" in str(found)
    corner = measure(two_convolutions(), "a", unit=(0, 0), draws=1)
    np.testing.assert_allclose(corner.map[:2, :2], FIRST[1:, 1:] ** 2 / 11)


def test_channels_are_summed_in_squares_or_taken_alone(measure: Measure) -> None:
    weights = np.stack([FIRST, SECOND])[:, None]
    model = network(node("Conv", "x w", "y", pads=[1, 1, 1, 1]), x=(1, 1, 11, 11), w=weights)
    both = (FIRST**2 + SECOND**2) / (FIRST**2 + SECOND**2).sum()
    found = measure(model, "y", draws=2000)
    np.testing.assert_allclose(found.map[4:7, 4:7], both, atol=6e-3)  # signs are drawn
    alone = measure(model, "y", unit=(0, 1, 5, 5), draws=1)
    np.testing.assert_allclose(alone.map, placed(SECOND, 5, 11), atol=1e-7)


def test_the_mean_is_over_the_examples(measure: Measure, tmp_path: Path) -> None:
    """A rectifier lets the left half of one example through, and all of the other."""
    model = network(
        node("Relu", "x", "a"), node("Conv", "a w", "y", pads=[1, 1]), x=(1, 1, 5),
        w=np.array([[[1, 2, 3]]], np.float32),
    )  # fmt: skip
    examples = np.ones((2, 1, 5), np.float32)
    examples[0, 0, 2:] = -1
    found = measure(model, "y", inputs={"x": examples}, draws=2)
    np.testing.assert_allclose(found.map, np.array([0, 2, 4, 9, 0]) / 15)
    np.save(tmp_path / "two.npy", examples.astype(np.int64))
    again = measure(model, "y", inputs={"x": tmp_path / "two.npy"}, draws=4)
    np.testing.assert_allclose(again.map, found.map)
    with pytest.raises(cnnscope.ArgumentError, match="draws"):
        measure(model, "y", draws=0)
    assert measure(model, "y", inputs={"x": np.ones((40, 1, 5), np.float32)}).draws == 40
    with pytest.raises(cnnscope.RunError, match="0 at every position"):
        measure(model, "y", inputs={"x": -examples[1:]})
    with pytest.raises(cnnscope.RunError, match="its shape is 1x1x4, the model takes 1x1x5"):
        measure(model, "y", inputs={"x": examples[:1, :, :4]})
    with pytest.raises(cnnscope.RunError, match="--input z: the model's inputs are x"):
        measure(model, "y", inputs={"z": examples})


def test_what_gradients_do_not_go_through_is_named(measure: Measure) -> None:
    model = network(
        node("Floor", "x", "a", name="down"), node("Conv", "a w", "b"), node("Round", "b", "y"),
        x=(1, 1, 5), w=(1, 1, 3),
    )  # fmt: skip
    with pytest.raises(cnnscope.RunError) as error:
        measure(model, "y")
    assert "Round (y: its derivative is 0 wherever it has one)" in str(error.value)
    assert "Floor (down: " in str(error.value)
    computed = network(node("Conv", "x xw", "y"), x=(1, 1, 5), xw=(1, 1, 3))
    assert measure(computed, "y", input="x").map.shape == (5,)
    dynamic = network(
        node("Slice", "x s e a", "w"), node("Conv", "x w", "y"), x=(1, 1, 5),
        s=np.array([0]), e=np.array([3]), a=np.array([2]),
    )  # fmt: skip
    with pytest.raises(cnnscope.RunError, match="Conv \\(y: its operand w hangs on the input\\)"):
        measure(dynamic, "y")
    half = network(
        node("Cast", "x", "a", to=10), node("MaxPool", "a", "y", kernel_shape=[3]), x=(1, 1, 5)
    )
    with pytest.raises(cnnscope.RunError, match="float16"):
        measure(half, "y")


def test_only_what_lies_between_is_asked_for_a_gradient(measure: Measure) -> None:
    model = network(
        node("Conv", "x w", "a"), node("Floor", "a", "y"), x=(1, 1, 5), w=(1, 1, 3), outputs="y"
    )
    np.testing.assert_allclose(measure(model, "a").map.sum(), 1)


def test_selections_and_ties_have_one_sided_derivatives(measure: Measure) -> None:
    """The greatest that comes first, where several are."""
    model = network(node("MaxPool", "x", "y", kernel_shape=[5]), x=(1, 1, 5))
    found = measure(model, "y", inputs={"x": np.array([[[0, 1, 1, 0, 1]]], np.float32)})
    assert found.map.tolist() == [0, 1, 0, 0, 0]


def test_weights_that_are_missing_are_an_error(measure: Measure, samples: Path) -> None:
    with pytest.raises(cnnscope.ModelFileError, match=r"conv1\.weight.*missing"):
        measure(samples / "lenet5.onnx", "/conv2/Conv")


@pytest.mark.usefixtures("without_children")
def test_the_command(tmp_path: Path, samples: Path, measure: Measure) -> None:
    path = str(tmp_path / "m.onnx")
    onnx.save(two_convolutions(), path)
    run = ("--run", "--provider", "cpu", "--draws", "3", "--format", "json")
    code, out, _ = command("effective", path, "y", *run)
    found = json.loads(out)
    assert (code, found["counting"], found["draws"]) == (0, "gradient", 3)
    expected = measure(path, "y", draws=3).to_dict()
    assert json.loads(json.dumps(expected)) == found
    np.save(tmp_path / "x.npy", np.ones((2, 1, 11, 11), np.float32))
    code, out, _ = command("effective", path, "y", "--run", "--input", f"x={tmp_path}/x.npy")
    assert code == 0
    assert "mean squared gradient of 32 draws" in out
    for wrong, said in (
        ((path, "--run"), "--run goes with a LAYER"),
        ((path, "y", "--draws", "3"), "--draws and --input go with --run"),
        ((path, "y", "--run", "--input", f"z={tmp_path}/x.npy"), "the model's inputs are x"),
        ((str(samples / "lenet5.onnx"), "/conv2/Conv", "--run"), "is missing"),
    ):
        code, out, err = command("effective", *wrong)
        assert (code, out) == (2, "")
        assert said in err
        assert err.count("\n") == 1
