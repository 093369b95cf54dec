"""A border spelt out as slices and a Concat is the padding that it spells: the same fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from networks import network, node

import cnnscope
from cnnscope.analyzer.report.examination import examine
from cnnscope.runtime.probe.probe import check_fields

N = 11
CONV = node("Conv", "p w", "y", kernel_shape=[3], pads=[0, 0])


def sliced(name: str, first: int, end: int, step: int = 1) -> tuple[onnx.NodeProto, dict[str, Any]]:
    ends = {
        f"{name}_{k}": np.array([v]) for k, v in zip("seat", (first, end, 2, step), strict=True)
    }
    return node("Slice", f"x {' '.join(ends)}", name), ends


def spelt(how: str, before: int, after: int) -> onnx.ModelProto:
    """x with rows before and after along its last axis, then a convolution and a residual."""
    nodes, stored = [], {}
    ends = {
        "wrap": ((N - before, N, 1), (0, after, 1)),
        "reflect": ((before, 0, -1), (N - 2, N - 2 - after, -1)),
        "edge": ((0, 1, 1), (N - 1, N, 1)),
    }[how]
    parts = ["x"]
    for name, count, (first, end, step) in zip("lr", (before, after), ends, strict=True):
        if not count:
            continue
        cut, values = sliced(name, first, end, step)
        nodes.append(cut)
        stored |= values
        if how == "edge":
            op, shape = ("Expand", [1, 2, count]) if name == "l" else ("Tile", [1, 1, count])
            nodes.append(node(op, f"{name} {name}_n", f"{name}{name}"))
            stored[f"{name}_n"] = np.array(shape)
            name += name
        parts = [name, *parts] if name[0] == "l" else [*parts, name]
    nodes.append(node("Concat", " ".join(parts), "p", axis=2))
    return network(*nodes, CONV, x=(1, 2, N), w=(2, 2, 3), **stored)


def padded(how: str, before: int, after: int) -> onnx.ModelProto:
    pads = np.array([0, 0, before, 0, 0, after])
    return network(node("Pad", "x pads", "p", mode=how), CONV, x=(1, 2, N), w=(2, 2, 3), pads=pads)


def gathered(how: str, before: int, after: int) -> onnx.ModelProto:
    rows = np.pad(np.arange(N), (before, after), how)  # type: ignore[call-overload]
    return network(node("Gather", "x rows", "p", axis=2), CONV, x=(1, 2, N), w=(2, 2, 3), rows=rows)


@pytest.mark.parametrize("ends", [(1, 1), (2, 0), (0, 3), (3, 4)])
@pytest.mark.parametrize("how", ["wrap", "reflect", "edge"])
@pytest.mark.parametrize("write", [spelt, gathered])
def test_fields_are_those_of_the_padding(write: Any, how: str, ends: tuple[int, int]) -> None:
    mine, theirs = (cnnscope.analyze(m(how, *ends)) for m in (write, padded))
    assert mine["y"].receptive_field == theirs["y"].receptive_field
    assert not mine.diagnostics
    for u in range(N + sum(ends) - 2):
        assert mine["y"].region((0, 0, u)) == theirs["y"].region((0, 0, u))
    checked = check_fields(examine(write(how, *ends)))
    assert checked.compared
    assert not checked.mismatches


@pytest.mark.parametrize(
    ("circular", "wrapped"), [("circular_16000", "wrap_pad_16000"), ("circular_even", "wrap_even")]
)
def test_circular_cases(circular: str, wrapped: str, cases: Path) -> None:
    mine, theirs = (cnnscope.analyze(cases / f"{name}.onnx") for name in (circular, wrapped))
    sizes = [
        [layer.receptive_field for layer in report.layers if layer.op == "Conv"]
        for report in (mine, theirs)
    ]
    assert sizes[0] == sizes[1]
    assert not mine.diagnostics
    # even dilations do leave holes, however the border is written
    holes = [[f.message for f in cnnscope.lint(r, select=["CNS104"])] for r in (mine, theirs)]
    assert holes[0] == holes[1]
    assert bool(holes[0]) == (circular == "circular_even")


def test_a_long_circular_axis(cases: Path) -> None:
    report = cnnscope.analyze(cases / "circular_70000.onnx")
    convs = [layer for layer in report.layers if layer.op == "Conv"]
    assert [layer.receptive_field[-1].size for layer in convs] == [3, 7, 15]


@pytest.mark.parametrize("rows", [[1, 2, 3, 0], [2, 0, 1, 2, 3, 0], [3, 3, 0, 1, 2]])
def test_what_is_no_border_stays_a_table(rows: list[int]) -> None:
    model = network(node("Gather", "x rows", "y", axis=2), x=(1, 1, 4), rows=np.array(rows))
    field = cnnscope.analyze(model)["y"].receptive_field[-1]
    assert [field.span(u) for u in range(len(rows))] == [(row, row) for row in rows]


def test_channels_of_groups_are_no_border() -> None:
    """Four channels in two groups read rows 0, 0, 1, 1 of two: that isn't a repeated edge."""
    model = network(node("Conv", "x w", "y", group=2), x=(1, 2, 5), w=(4, 1, 1))
    assert not examine(model).fields.bordered
