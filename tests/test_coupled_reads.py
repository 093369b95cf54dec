"""Operators that read an input's axes together: regions, touched units and fields, by brute force.

Each graph is run once per input element (`test_brute_force`); what moves is what has to be said.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from random_graphs import Drawn
from test_brute_force import disagreements

from cnnscope import analyze


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
