"""Layers that join all layers before: are they followed rightly, and without joining all anew each time?

Without strides a unit's field is an interval, that of a join the hull of its inputs', and joined
paths are aligned where the intervals have one middle: all of it is worked out here anew, from the
paddings alone.
"""

from __future__ import annotations

import itertools
from random import Random

import onnx
import pytest
from amounts import amount
from networks import network, node

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.fields.joins import Joining
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.passes.reads import find_reads
from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.report import Report

Interval = tuple[int, int]


def test_a_dense_block_by_hand() -> None:
    """Layer i sees 3 + 2i: through all layers before; and through the first one alone 5."""
    report = analyze(dense(6))
    for i in range(6):
        field = along_height(report, f"x{i}")
        assert (field.size, field.smallest_size, field.aligned) == (
            3 + 2 * i,
            3 + 2 * (i > 0),
            True,
        )


@pytest.mark.parametrize("seed", range(amount(12, 400)))
def test_random_dense_blocks(seed: int) -> None:
    random = Random(seed)
    model, expected = random_block(random, 12)
    report = analyze(model)
    for name, (spans, aligned) in expected.items():
        field = along_height(report, name)
        lo, hi = min(s[0] for s in spans), max(s[1] for s in spans)
        widths = {b - a + 1 for a, b in spans}
        told = (field.start, field.size, field.smallest_size, field.aligned)
        assert told == (lo, hi - lo + 1, min(widths), aligned), name


def along_height(report: Report, name: str) -> ReceptiveField:
    (layer,) = [layer for layer in report.layers if layer.name == name]
    return next(field for field in layer.receptive_field if field.axis == 2)


def random_block(
    random: Random, count: int
) -> tuple[onnx.ModelProto, dict[str, tuple[set[Interval], bool]]]:
    """Convolutions of joins, most of which go on from one before: and each tensor's single paths'
    intervals, and whether all that was joined on the way had one middle."""
    known: dict[str, tuple[set[Interval], bool]] = {"x": ({(0, 0)}, True)}
    widths, nodes, stored = {"x": 2}, [], {}
    joined: list[list[str]] = [["x"]]
    for i in range(count):
        names = list(random.choice(joined[-3:]))
        names += random.choices(list(widths), k=random.choice([0, 1, 1, 2]))
        if random.random() < 0.2:
            random.shuffle(names)
        joined.append(names)
        source = names[0]
        if len(names) > 1:
            source = f"c{i}"
            nodes.append(node("Concat", " ".join(names), source, axis=1))
        k, d = random.choice([1, 3]), random.choice([1, 2])
        before = random.randint(0, (k - 1) * d)
        pads = [before, 0, (k - 1) * d - before, 0]
        convolved = node(
            "Conv", f"{source} w{i}", f"t{i}", kernel_shape=[k, 1], dilations=[d, 1], pads=pads
        )
        nodes.append(convolved)
        stored[f"w{i}"] = (1, sum(widths[name] for name in names), k, 1)
        widths[f"t{i}"] = 1
        hulls = [hull(known[name][0]) for name in names]
        middles = {lo + hi for lo, hi in hulls}
        aligned = all(known[name][1] for name in names) and len(middles) == 1
        paths = {
            (lo - before, hi - before + (k - 1) * d) for name in names for lo, hi in known[name][0]
        }
        known[f"t{i}"] = (paths, aligned)
    del known["x"]
    return network(*nodes, x=(1, 2, 24, 1), **stored), known


def hull(spans: set[Interval]) -> Interval:
    return min(lo for lo, _ in spans), max(hi for _, hi in spans)


def dense(count: int) -> onnx.ModelProto:
    """Each layer a 3x3 convolution of all before."""
    nodes = [node("Conv", "x w0", "x0", pads=[1, 1, 1, 1])]
    stored = {"w0": (1, 1, 3, 3)}
    for i in range(1, count):
        names = [f"x{k}" for k in range(i)]
        nodes.append(node("Concat", " ".join(names), f"c{i}", axis=1))
        nodes.append(node("Conv", f"c{i} w{i}", f"x{i}", pads=[1, 1, 1, 1]))
        stored[f"w{i}"] = (1, i, 3, 3)
    return network(*nodes, x=(1, 1, 9, 9), **stored)


def test_what_was_joined_before_is_not_joined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that twice the layers are twice the work, not four times."""
    counts = []
    for count in (20, 40):
        calls = itertools.count()
        for cls, name in ((Joining, "add"), (KnownFields, "union"), (KnownFields, "narrower")):
            method = getattr(cls, name)

            def counted(*args: object, method=method, calls=calls) -> object:  # type: ignore[no-untyped-def]
                next(calls)
                return method(*args)

            monkeypatch.setattr(cls, name, counted)
        examine(dense(count))
        counts.append(next(calls))
        monkeypatch.undo()
    assert counts[1] < 2.2 * counts[0] < 40 * 20


def test_the_reads_of_a_join_are_made_when_asked_for() -> None:
    analysis = examine(dense(9))
    (last,) = [n for n in analysis.graph.nodes if n.name == "c8"]
    (row,) = find_reads(last, analysis.shapes).outputs
    assert len(row) == 8
    assert [way[1].window.before for way in row] == list(range(8))  # type: ignore[index]
    assert row[-1] == tuple(row)[7]
    assert len(row[2:5]) == 3
