"""What following fields costs, in calls: it goes with the layers, not with the units of their axes."""

from __future__ import annotations

import gc
import sys
from collections import Counter

import numpy as np
import onnx
import pytest
from networks import network, node

from cnnscope.analyzer.fields import passages
from cnnscope.analyzer.fields.following import find_fields
from cnnscope.analyzer.report.examination import Analysis, examine


def calls(analysis: Analysis) -> int:
    """The calls of Python functions, a generator's every step included, in following the fields."""
    found: Counter[str] = Counter()

    def count(frame: object, event: str, arg: object) -> None:
        found[event] += 1

    gc.disable()  # what other tests hung on it would be counted
    sys.setprofile(count)
    try:
        find_fields(analysis.graph, analysis.shapes)
    finally:
        sys.setprofile(None)
        gc.enable()
    return found["call"]


def upsampled(size: int) -> onnx.ModelProto:
    """A feature pyramid's step: downwards, up again, added, and all of it a list of anchors."""
    return network(
        node("Conv", "x w1", "a", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Conv", "a w2", "b", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Resize", "b roi scales", "up", mode="nearest"),
        node("Add", "a up", "c"),
        node("Conv", "c w3", "d", pads=[1, 1, 1, 1]),
        node("Reshape", "d cut", "e"),
        node("Transpose", "e", "f", perm=[0, 3, 4, 1, 2]),
        node("Reshape", "f flat", "g"),
        node("Slice", "g one end axis", "h"),
        x=(1, 3, size, size),
        w1=(4, 3, 3, 3),
        w2=(4, 4, 3, 3),
        w3=(18, 4, 3, 3),
        roi=[],
        scales=np.array([1, 1, 2, 2], np.float32),
        cut=[1, 9, 2, size // 2, size // 2],
        flat=[1, -1, 2],
        one=[1],
        end=[1 << 30],
        axis=[1],
    )


def test_longer_axes_cost_no_more_calls() -> None:
    few, many = (calls(examine(upsampled(size))) for size in (32, 64))
    assert many < 1.02 * few


def test_nodes_alike_are_understood_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    find = passages.find_reads
    monkeypatch.setattr(passages, "find_reads", lambda *a: asked.append(a[0].op) or find(*a))
    examine(residual(10))
    assert Counter(asked) == {"Conv": 2, "Relu": 1, "Add": 1}


def test_blocks_alike_cost_the_same_each() -> None:
    ten, twenty, thirty = (calls(examine(residual(n))) for n in (10, 20, 30))
    assert abs((thirty - twenty) - (twenty - ten)) < 0.02 * (twenty - ten)
    assert (twenty - ten) / 10 < 250  # four layers


def residual(count: int) -> onnx.ModelProto:
    """Two convolutions, added to what goes in, again and again."""
    nodes = [node("Conv", "x w0", "b0", pads=[1, 1, 1, 1])]
    for i in range(count):
        nodes.append(node("Conv", f"b{i} w", f"c{i}", pads=[1, 1, 1, 1]))
        nodes.append(node("Relu", f"c{i}", f"r{i}"))
        nodes.append(node("Conv", f"r{i} w", f"d{i}", pads=[1, 1, 1, 1]))
        nodes.append(node("Add", f"b{i} d{i}", f"b{i + 1}"))
    return network(*nodes, x=(1, 3, 16, 16), w0=(4, 3, 3, 3), w=(4, 4, 3, 3))
