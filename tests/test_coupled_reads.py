"""Operators that read an input's axes together: regions, touched units and fields, by brute force.

Each graph is run once per input element (`test_brute_force`); what moves is what has to be said.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from one_unit import find_region
from random_graphs import Drawn, piece
from test_brute_force import disagreements

from cnnscope import analyze
from cnnscope.analyzer.report.examination import examine


def drawn(*shape: int) -> Drawn:
    return Drawn(np.random.default_rng(0), shape, shapes={"x": shape})


def shuffle(g: Drawn, op: str, block: int, **given: str) -> str:
    return g.add(op, "x", blocksize=block, **given)


SHUFFLES = [
    ((2, 8, 2, 2), "DepthToSpace", 2, {"mode": "DCR"}),
    ((2, 8, 2, 2), "DepthToSpace", 2, {"mode": "CRD"}),
    ((1, 9, 1, 3), "DepthToSpace", 3, {"mode": "CRD"}),
    ((1, 2, 4, 6), "SpaceToDepth", 2, {}),
    ((1, 1, 3, 6), "SpaceToDepth", 3, {}),
]


@pytest.mark.parametrize(("shape", "op", "block", "given"), SHUFFLES)
def test_shuffles(shape: tuple[int, ...], op: str, block: int, given: dict[str, str]) -> None:
    """One unit each; and what a convolution behind it sees."""
    g = drawn(*shape)
    y = shuffle(g, op, block, **given)
    g.add("Conv", y, g.weight(1, g.shapes[y][1], 1, 2))
    assert not list(disagreements(g))


@pytest.mark.parametrize(
    ("shape", "op", "back"),
    [
        ((1, 8, 4, 4), "DepthToSpace", "SpaceToDepth"),
        ((1, 2, 4, 6), "SpaceToDepth", "DepthToSpace"),
    ],
)
def test_a_shuffle_back_is_the_input(shape: tuple[int, ...], op: str, back: str) -> None:
    g = drawn(*shape)
    y = g.add(back, shuffle(g, op, 2), blocksize=2)
    fields = analyze(g.model().SerializeToString())[y].receptive_field
    assert [(f.size, f.step) for f in fields if f.axis > 1] == [(1, 1), (1, 1)]


def test_an_atrous_convolution_written_with_space_to_depth(cases: Path) -> None:
    """3 taps, 2 apart: 5, behind the way back too."""
    found = analyze(cases / "tf2onnx1046_atrous.onnx")
    for name in ("conv", "d2s", "out"):
        assert [f.size for f in found[name].receptive_field if f.axis in (1, 2)] == [5, 5], name


@pytest.mark.parametrize("reduction", ["none", "add"])
@pytest.mark.parametrize("axis", [1, 2])
def test_scattered_elements(reduction: str, axis: int) -> None:
    """By rows of an axis and each apart; where they add up, two of them at one place."""
    g = drawn(1, 3, 4)
    updates = piece(g, "x", axis, 0, 2)
    if axis == 1:
        places = np.array([[[2, 0, 1, 2], [1, 2, 2, 0]]])
    else:
        places = np.broadcast_to([3, -4], (1, 3, 2))
    if reduction == "add":
        places = np.zeros_like(places)
    g.add("ScatterElements", "x", g.constant(places), updates, axis=axis, reduction=reduction)
    assert not list(disagreements(g))


@pytest.mark.parametrize("reduction", ["none", "add"])
@pytest.mark.parametrize(
    "places",
    [[[2], [0]], [[[2, 1]], [[0, 3]]], [[[2, 3, 1], [0, 0, 0]]], [[0], [1], [2]]],
    ids=["slices", "grid", "elements", "all"],
)
def test_scattered_slices(reduction: str, places: list[list[int]]) -> None:
    g = drawn(3, 4, 2)
    where = np.array(places)
    shape = (*where.shape[:-1], *g.shape[where.shape[-1] :])
    flat = g.add("Reshape", "x", g.constant([-1]))
    some = g.add(
        "Slice", flat, *map(g.constant, ([5], [5 + int(np.prod(shape))], [0], [1]))
    ) if np.prod(shape) < 19 else flat  # fmt: skip
    updates = g.add("Reshape", some, g.constant(list(shape)))
    g.add("ScatterND", "x", g.constant(where), updates, reduction=reduction)
    assert not list(disagreements(g))


def test_two_updates_of_one_place_add_up() -> None:
    g = drawn(2, 3)
    updates = g.add("Reshape", "x", g.constant([2, 3, 1]))
    flat = g.add("Reshape", updates, g.constant([2, 3]))
    g.add("ScatterND", "x", g.constant([[[1, 0], [0, 2], [1, 1]], [[1, 1], [0, 0], [1, 1]]]), flat,
          reduction="add")  # fmt: skip
    (*_, told) = g.shapes
    found = examine(g.model().SerializeToString())
    # (1, 1) is written by updates (0, 2), (1, 0) and (1, 2), beside what it was
    assert find_region(found.graph, found.shapes, told, (1, 1))["x"] == (((0, 1),), ((0, 2),))
    assert not [w for w in disagreements(g) if not w.startswith("field")]


@pytest.mark.parametrize(("op", "gates"), [("RNN", 1), ("GRU", 3), ("LSTM", 4)])
def test_directions_stay_apart(op: str, gates: int) -> None:
    """And so do the final states'; each step's, and of each sample."""
    g = drawn(4, 2, 1)  # steps, batch, features
    small = lambda *s: g.constant(g.random.uniform(0.1, 0.5, s))  # noqa: E731
    g.add(op, "x", small(2, gates * 2, 1), small(2, gates * 2, 2), direction="bidirectional",
          hidden_size=2, outputs=3 if op == "LSTM" else 2)  # fmt: skip
    assert not list(disagreements(g))


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("op", ["RNN", "GRU", "LSTM"])
def test_directions_with_either_layout(op: str, layout: int) -> None:
    """ONNX Runtime runs layout 0 only: of a step's two directions, by hand."""
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[op]
    text = (
        f'<ir_version: 8, opset_import: ["": 14]> g (float[{"2,5,3" if layout else "5,2,3"}] x, '
        f"float[2,{4 * gates},3] w, float[2,{4 * gates},4] r) => (y, h) {{ y, h = {op} "
        f'<direction="bidirectional", hidden_size=4, layout={layout}> (x, w, r) }}'
    )
    found = examine(onnx.parser.parse_model(text).SerializeToString())
    for direction, steps in ((0, (0, 3)), (1, (3, 4))):
        unit = (1, 3, direction, 0) if layout else (3, direction, 1, 0)
        seen = find_region(found.graph, found.shapes, "y", unit)["x"]
        assert seen[layout] == (steps,)
        assert seen[1 - layout] == ((1, 1),)
        last = (1, direction, 0) if layout else (direction, 1, 0)
        assert find_region(found.graph, found.shapes, "h", last)["x"][layout] == ((0, 4),)


@pytest.mark.parametrize(
    ("image", "block", "given"),
    [
        ([5], [2], {"strides": [2], "pads": [1, 0]}),
        ([4, 3], [2, 2], {}),
        ([5, 4], [2, 3], {"strides": [2, 1], "dilations": [2, 1], "pads": [1, 0, 0, 1]}),
    ],
)
def test_columns(image: list[int], block: list[int], given: dict[str, list[int]]) -> None:
    axes = range(len(image))
    pads = given.get("pads", [0] * (2 * len(image)))
    counts = [
        (image[i] + pads[i] + pads[i + len(image)]
         - given.get("dilations", [1] * len(image))[i] * (block[i] - 1) - 1)
        // given.get("strides", [1] * len(image))[i] + 1
        for i in axes
    ]  # fmt: skip
    g = drawn(1, 2 * int(np.prod(block)), int(np.prod(counts)))
    g.add("Col2Im", "x", g.constant(image), g.constant(block), **given)
    assert not list(disagreements(g))


def test_directions_of_a_lone_recurrence(cases: Path) -> None:
    found = examine(cases / "min_228.onnx")
    for step in range(5):
        for direction, steps in ((0, (0, step)), (1, (step, 4))):
            seen = find_region(found.graph, found.shapes, "t11", (step, direction, 0, 0))["x"]
            assert seen == ((steps,), ((0, 0),), ((0, 3),))
