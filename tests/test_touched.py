"""Touched units against execution, and against the regions whose transpose they are.

The nets are those of `test_regions`: positive weights, no operator that stops a NaN. A NaN in one
input row, or at one point, has to turn NaN exactly the units said, element by element.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from amounts import amount
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from test_regions import MOVES, PLAIN, Net, nans, random_net, session, text

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.fields.boxes import (
    MAX_BOXES,
    Box,
    add_box,
    box_hull,
    positions,
    ranges,
    reshaped,
)
from cnnscope.analyzer.fields.touched import Touched, find_touched
from cnnscope.analyzer.report.examination import Analysis, examine
from cnnscope.analyzer.values.window import Window

FLOAT = TensorProto.FLOAT


def box_of(shape: tuple[int, ...], rows: dict[int, int | list[int]]) -> Box:
    """All of a tensor, but along some axes only these rows."""
    box = [np.ones(length, bool) for length in shape]
    for axis, row in rows.items():
        box[axis][:] = False
        box[axis][row] = True
    return tuple(box)


def touched_by(found: Analysis, name: str, rows: dict[int, int | list[int]]) -> Touched:
    shape = tuple(int(d) for d in found.shapes.tensors[name].dims)  # type: ignore[arg-type]
    return find_touched(found.graph, found.shapes, {name: [box_of(shape, rows)]})


def mask(touched: Touched, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The touched units of a tensor, one by one."""
    result = np.zeros(shape, bool)
    for box in touched.boxes.get(name, ()):
        result[np.ix_(*box)] = True
    return result


def disagreements(net: Net) -> Iterator[str]:
    model = net.model()
    found = examine(model.SerializeToString())
    for (axis, row), seen in nans(model).items():
        touched = touched_by(found, "x", {axis: row})
        for name, actual in seen.items():
            if not np.array_equal(mask(touched, name, actual.shape), actual):
                yield f"{name}: row {row} of axis {axis}"
    ran = session(model)
    names = [output.name for output in ran.get_outputs()]
    random = np.random.default_rng(0)
    for _ in range(3):
        point = {axis: int(random.integers(net.shape[axis])) for axis in range(2, len(net.shape))}
        x = np.ones(net.shape, np.float32)
        x[(..., *point.values())] = np.nan
        touched = touched_by(found, "x", dict(point))
        for name, value in zip(names, ran.run(None, {"x": x}), strict=True):
            if not np.array_equal(mask(touched, name, value.shape), np.isnan(value)):
                yield f"{name}: point {point}"


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("seed", range(amount(6, 20)))
def test_a_nan_goes_where_it_is_said_to(seed: int, rank: int) -> None:
    net = random_net(1000 + seed * 2 + rank, rank, length=3 + seed % 4, among=PLAIN + MOVES)
    assert not list(disagreements(net)), text(net)


@pytest.mark.parametrize("seed", range(amount(2, 8)))
def test_touched_units_are_those_whose_region_holds_the_row(seed: int) -> None:
    net = random_net(500 + seed, 1, length=4)
    model = net.model().SerializeToString()
    report, found = analyze(model), examine(model)
    for row in range(net.shape[2]):
        touched = touched_by(found, "x", {2: row})
        for node in net.nodes:
            (name,) = node.output
            shape = tuple(int(d) for d in found.shapes.tensors[name].dims)  # type: ignore[arg-type]
            mine = mask(touched, name, shape)
            for axis in range(len(shape)):
                for unit in range(shape[axis]):
                    one = tuple(unit if a == axis else None for a in range(len(shape)))
                    spans = report[name].region(one).get("x")
                    holds = bool(spans) and any(lo <= row <= hi for lo, hi in spans[2])
                    assert mine.take(unit, axis).any() == holds, (name, one, row, text(net))


# -- windows and shapes, as arithmetic -------------------------------------------------------------

windows = st.builds(
    Window,
    size=st.integers(1, 4),
    stride=st.sampled_from([1, 2, 3, -1]),
    dilation=st.integers(1, 3),
    before=st.integers(-2, 4),
    outside=st.sampled_from(["nothing", "edge", "reflect", "wrap"]),
)


@given(windows, st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_positions_are_what_numpy_pads(window: Window, length: int, count: int) -> None:
    around = 40
    modes: dict[str, Any] = {
        "nothing": "constant",
        "edge": "edge",
        "reflect": "reflect",
        "wrap": "wrap",
    }
    how: dict[str, Any] = {"mode": modes[window.outside]}
    if window.outside == "nothing":
        how["constant_values"] = length
    padded = np.pad(np.arange(length), around, **how)
    expected = [[int(padded[p + around]) for p in window.at(i)] for i in range(count)]
    assert positions(window, range(count), length).tolist() == expected


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_reshaped_box_holds_the_same_elements(data: st.DataObject) -> None:
    before = data.draw(st.sampled_from([(2, 6), (12,), (3, 4), (2, 2, 3), (1, 12, 1), (4, 3, 1)]))
    after = data.draw(st.sampled_from([(12,), (6, 2), (2, 3, 2), (4, 3), (1, 2, 6), (3, 1, 4)]))
    box = tuple(
        np.array(data.draw(st.lists(st.booleans(), min_size=d, max_size=d).filter(any)))
        for d in before
    )
    elements = np.zeros(before, bool)
    elements[np.ix_(*box)] = True
    boxes, exact = reshaped(box, before, after)
    found = np.zeros(after, bool)
    for one in boxes:
        found[np.ix_(*one)] = True
    assert exact
    assert np.array_equal(found, elements.reshape(after))


def test_too_many_boxes_become_their_hull_and_say_so() -> None:
    boxes: list[Box] = []
    kept = [
        add_box(boxes, (np.arange(100) == i, np.arange(100) == i)) for i in range(MAX_BOXES + 1)
    ]
    assert kept == [True] * MAX_BOXES + [False]
    assert len(boxes) == 1
    assert ranges(box_hull(boxes)[0]) == ((0, MAX_BOXES),)


# -- subgraphs -------------------------------------------------------------------------------------


def typed(name: str, *shape: int, dtype: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def const(name: str, value: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def model_of(nodes: list[onnx.NodeProto], shape: tuple[int, ...], out: str, *stored: Any) -> bytes:
    graph = helper.make_graph(
        nodes, "net", [typed("x", *shape)], [onnx.ValueInfoProto(name=out)], list(stored)
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()  # type: ignore[no-any-return]


def branch(op: str, **attributes: Any) -> onnx.GraphProto:
    node = helper.make_node(op, ["x"], ["b"], **attributes)
    return helper.make_graph([node], "branch", [], [onnx.ValueInfoProto(name="b")])


def test_the_branch_that_runs_is_gone_through() -> None:
    node = helper.make_node(
        "If", ["c"], ["y"],
        then_branch=branch("AveragePool", kernel_shape=[3]),
        else_branch=branch("GlobalAveragePool"),
    )  # fmt: skip
    found = examine(model_of([node], (1, 1, 6), "y", const("c", True)))
    touched = touched_by(found, "x", {2: 2})
    assert mask(touched, "y", (1, 1, 4)).ravel().tolist() == [True, True, True, False]
    assert not touched.rough


def test_iterations_are_gone_through_one_by_one() -> None:
    """Three times a window of 3: one row touches seven; each iteration is stacked."""
    body = helper.make_graph(
        [
            helper.make_node("AveragePool", ["s"], ["t"], kernel_shape=[3], pads=[1, 1]),
            helper.make_node("Identity", ["t"], ["u"]),
            helper.make_node("Identity", ["go"], ["on"]),
        ],
        "body",
        [typed("i", dtype=TensorProto.INT64), typed("go", dtype=TensorProto.BOOL), typed("s", 1, 1, 11)],
        [typed("on", dtype=TensorProto.BOOL), typed("t", 1, 1, 11), typed("u", 1, 1, 11)],
    )  # fmt: skip
    node = helper.make_node("Loop", ["n", "c", "x"], ["y", "all"], body=body)
    found = examine(model_of([node], (1, 1, 11), "y", const("n", np.int64(3)), const("c", True)))
    touched = touched_by(found, "x", {2: 5})
    last = mask(touched, "y", (1, 1, 11)).ravel()
    assert ranges(last) == ((2, 8),)
    stacked = mask(touched, "all", (3, 1, 1, 11))[:, 0, 0]
    assert [ranges(row) for row in stacked] == [((4, 6),), ((3, 7),), ((2, 8),)]


def test_a_scan_takes_its_rows_in_turn() -> None:
    body = helper.make_graph(
        [helper.make_node("Add", ["s", "r"], ["t"]), helper.make_node("Identity", ["t"], ["u"])],
        "body", [typed("s", 2), typed("r", 2)], [typed("t", 2), typed("u", 2)],
    )  # fmt: skip
    node = helper.make_node("Scan", ["z", "x"], ["last", "y"], body=body, num_scan_inputs=1)
    found = examine(model_of([node], (5, 2), "y", const("z", np.zeros(2, np.float32))))
    touched = touched_by(found, "x", {0: 3, 1: 1})
    expected = np.zeros((5, 2), bool)
    expected[3:, 1] = True
    assert np.array_equal(mask(touched, "y", (5, 2)), expected)
    assert mask(touched, "last", (2,)).tolist() == [False, True]


def test_an_unknown_operator_makes_it_rough() -> None:
    nodes = [
        helper.make_node("Odd", ["x"], ["t"], "odd", domain="elsewhere"),
        helper.make_node("Relu", ["t"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "net", [typed("x", 1, 1, 4)], [typed("y", 1, 1, 4)], value_info=[typed("t", 1, 1, 4)]
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("elsewhere", 1)]
    found = examine(helper.make_model(graph, opset_imports=opsets, ir_version=8))
    touched = touched_by(found, "x", {2: 1})
    assert mask(touched, "y", (1, 1, 4)).all()
    assert touched.rough == dict.fromkeys(["t", "y"], "what odd reads isn't known")


def test_places_dealt_out_to_channels_are_exact() -> None:
    """A block is all channels at one place, one place of a block is one channel's."""
    node = helper.make_node("SpaceToDepth", ["x"], ["y"], "s", blocksize=2)
    found = examine(model_of([node], (1, 1, 4, 4), "y"))
    block = touched_by(found, "x", {2: [0, 1], 3: [2, 3]})
    assert mask(block, "y", (1, 4, 2, 2))[0, :, 0, 1].all()
    assert not block.rough
    place = touched_by(found, "x", {2: 0, 3: 2})
    assert np.argwhere(mask(place, "y", (1, 4, 2, 2))).tolist() == [[0, 0, 0, 1]]
    assert not place.rough


def test_what_has_no_known_size_is_unknown_and_so_is_what_follows() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["n"], "n_"), helper.make_node("Relu", ["x"], ["y"]),
        helper.make_node("Transpose", ["n"], ["t"], "t_"),
    ]  # fmt: skip
    found = examine(model_of(nodes, (1, 1, 4), "y"))
    touched = touched_by(found, "x", {2: 1})
    assert set(touched.unknown) == {"n", "t"}
    assert mask(touched, "y", (1, 1, 4)).ravel().tolist() == [False, True, False, False]
