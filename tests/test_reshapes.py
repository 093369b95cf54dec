"""Reshapes of three axes to three others: exactly what each unit sees, or unknown; never something else.

An index array goes through numpy's own reshape, transpose and slices beside the model, so that the truth
shares no code with the analysis. A digit of an index may carry from one new axis into the next (2x3x4 to
4x3x2: the last axis starts anew every 4 elements, the middle one every 6): then no axis tells where a
unit looks, and the field has to say so.
"""

from __future__ import annotations

import itertools
import random

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from amounts import amount
from one_unit import find_region
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.fields.seen import find_seen, unclipped
from cnnscope.analyzer.report.examination import Analysis, examine
from cnnscope.runtime.verify.verifying import verify

Shape = tuple[int, int, int]
#: units by inputs: which input elements a unit reads
Reads = npt.NDArray[np.bool_]

SEQUENCES = (
    "r", "wr", "rw", "wrr", "rwr", "wrwrw", "wtr", "rtr", "wrtr", "rtwrw",
)  # fmt: skip


def factorizations(count: int) -> list[Shape]:
    return [
        (a, b, count // (a * b))
        for a in range(1, count + 1) if count % a == 0
        for b in range(1, count // a + 1) if count // a % b == 0
    ]  # fmt: skip


class Drawn:
    """A model of reshapes (r), windows along an axis (w) and transposes (t), and what its units read."""

    def __init__(self, shape: Shape) -> None:
        size = int(np.prod(shape))
        self.shape, self.name = shape, "x"
        self.reads: Reads = np.eye(size, dtype=bool).reshape(*shape, *shape)
        self.nodes: list[onnx.NodeProto] = []
        self.stored: list[onnx.TensorProto] = []

    @property
    def units(self) -> tuple[int, ...]:
        return self.reads.shape[:3]

    def add(self, op: str, *more: str, **attributes: object) -> None:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.name, *more], [name], name, **attributes))
        self.name = name

    def reshape(self, new: Shape) -> None:
        target = f"s{len(self.nodes)}"
        self.stored.append(numpy_helper.from_array(np.array(new, np.int64), target))
        self.add("Reshape", target)
        self.reads = self.reads.reshape(*new, *self.shape)

    def transpose(self, order: tuple[int, ...]) -> None:
        self.add("Transpose", perm=list(order))
        self.reads = self.reads.transpose(*order, 3, 4, 5)

    def window(self, axis: int, kernel: int, stride: int, dilation: int) -> None:
        order = (*(i for i in range(3) if i != axis), axis)
        self.transpose(order)
        self.add("MaxPool", kernel_shape=[kernel], strides=[stride], dilations=[dilation])
        count = (self.units[2] - ((kernel - 1) * dilation + 1)) // stride + 1
        taps = [
            self.reads[:, :, j * dilation :][:, :, : (count - 1) * stride + 1 : stride]
            for j in range(kernel)
        ]
        self.reads = np.logical_or.reduce(taps)
        self.transpose(tuple(order.index(i) for i in range(3)))

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [onnx.ValueInfoProto(name=self.name)], self.stored,
        )  # fmt: skip
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def drawn(seed: int) -> Drawn:
    rnd = random.Random(seed)
    shape = rnd.choice([s for n in range(1, 37) for s in factorizations(n) if max(s) < 10])
    found = Drawn(shape)
    for step in rnd.choice(SEQUENCES):
        if step == "r":
            found.reshape(rnd.choice(factorizations(int(np.prod(found.units)))))
        elif step == "t":
            found.transpose(rnd.choice(list(itertools.permutations(range(3)))))
        else:
            axis = rnd.randrange(3)
            length = found.units[axis]
            kernel, dilation = rnd.randint(1, min(length, 3)), rnd.randint(1, 2)
            if (kernel - 1) * dilation >= length:
                dilation = 1
            found.window(axis, kernel, rnd.randint(1, 3), dilation)
    return found


def wrong(drawn: Drawn, analysis: Analysis) -> list[str]:
    """What the analysis says of the last tensor that isn't so; and "unknown" for each axis."""
    found: list[str] = []
    name = drawn.name
    spans: dict[tuple[tuple[int, ...], int], tuple[int, int]] = {}
    for unit in np.ndindex(*drawn.units):
        region = find_region(analysis.graph, analysis.shapes, name, unit)["x"]
        for axis in range(3):
            others = tuple(i for i in range(3) if i != axis)
            seen = np.flatnonzero(drawn.reads[unit].any(axis=others)).tolist()
            spans[unit, axis] = seen[0], seen[-1]
            if seen != [i for lo, hi in region[axis] for i in range(lo, hi + 1)]:
                found.append(f"region of {unit} along {axis}: {region[axis]}, not {seen}")
    for axis in range(3):
        paths = analysis.fields.states[name]["x", axis]
        seen_by = find_seen(paths, drawn.shape[axis], drawn.units)
        mine = {unit: span for (unit, along), span in spans.items() if along == axis}
        size = max(hi - lo + 1 for lo, hi in mine.values())
        if seen_by.size is None:
            found.append("unknown")
            if seen_by.at_least is None or not 1 <= seen_by.at_least <= size:
                found.append(f"at least {seen_by.at_least} along {axis}, size {size}")
            if seen_by.phases is not None or any(term.digits for term in paths.terms):
                found.append(f"unknown, but with places along {axis}")
            continue
        if seen_by.size != size:
            found.append(f"size {seen_by.size} along {axis}, not {size}")
        for unit, span in mine.items():
            told = unclipped(paths, unit)
            if told is None:
                (term,) = paths.terms
                told = term.fixed  # type: ignore[assignment]
            if told != span:
                found.append(f"unit {unit} along {axis}: {told}, not {span}")
            if seen_by.phases is not None and seen_by.output_axis is not None:
                shown = seen_by.phases.span(unit[seen_by.output_axis])
                if shown != span:
                    found.append(f"unit {unit} along {axis}: shown as {shown}, not {span}")
    return found


def test_random_reshapes_are_exact_or_unknown() -> None:
    unknown = axes = 0
    for seed in range(amount(40, 20_000)):
        some = drawn(seed)
        found = wrong(some, examine(some.model()))
        assert set(found) <= {"unknown"}, (seed, found)
        unknown, axes = unknown + len(found), axes + 3
    assert 0 < unknown < axes / 3  # not by knowing nothing


@pytest.mark.parametrize("seed", range(amount(7, 400)))
def test_verify_agrees(seed: int) -> None:
    found = verify(drawn(seed).model(), provider="cpu", probes=6)
    assert found.ok, str(found)


def reshaped(*shapes: Shape) -> Drawn:
    found = Drawn(shapes[0])
    for shape in shapes[1:]:
        found.reshape(shape)
    return found


def test_where_a_digit_carries_the_field_isnt_known() -> None:
    report = analyze(reshaped((2, 3, 4), (4, 3, 2)).model())
    (layer,) = report.layers
    (last,) = [field for field in layer.receptive_field if field.axis == 2]
    assert (last.size, last.at_least, last.phases, last.step) == (None, 1, None, None)
    assert [d.code for d in report.diagnostics] == ["axis-not-followed"]


@pytest.mark.parametrize(
    "shapes",
    [
        ((1, 1, 6), (1, 2, 3), (1, 3, 2)),  # cut in one way and then in another
        ((1, 2, 12), (1, 4, 6), (1, 8, 3), (1, 2, 12)),
        ((2, 3, 4), (24, 1, 1), (2, 3, 4)),
    ],
)
def test_what_is_cut_twice_is_put_together_first(shapes: tuple[Shape, ...]) -> None:
    some = reshaped(*shapes)
    assert not wrong(some, examine(some.model()))
