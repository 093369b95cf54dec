"""Regions of many units at once: the same as one by one, and the same as backwards from each unit.

What a unit sees is looked up in what all units see, found forwards (`every_unit`); the walk backwards from a
single unit (`wanted`) shares no code with that but for the positions of a window. `test_regions` and
`test_brute_force` hold both against execution. How much is done is counted, not timed.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from amounts import amount
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import network, node
from random_graphs import random_graph
from test_regions import random_net

import cnnscope
from cnnscope.analyzer.fields import every_unit
from cnnscope.analyzer.fields.every_unit import EveryUnit
from cnnscope.analyzer.fields.regions import RegionLookup
from cnnscope.analyzer.report.examination import examine

Unit = tuple[int | None, ...]


def model_of(seed: int) -> onnx.ModelProto:
    """A random net of one kind or another."""
    if seed % 2:
        return random_net(seed, 1 + seed % 4 // 2).model()
    return random_graph(seed).model()


def disagreements(seed: int, units: Callable[[tuple[int, ...]], list[Unit]]) -> list[str]:
    analysis = examine(model_of(seed).SerializeToString())
    graph, shapes = analysis.graph, analysis.shapes
    at_once = RegionLookup(graph, shapes, {})
    backwards = RegionLookup(graph, shapes, {})
    backwards._every._told = {  # of nothing but the inputs it is told what units see
        name: found if name in graph.inputs else None
        for name in shapes.tensors
        for found in (backwards._every._told.get(name),)
    }
    wrong = []
    for one in graph.nodes:
        for name in one.outputs:
            shape = tuple(int(d) for d in shapes.tensors[name].shape or ())
            if not all(shape):
                continue
            asked = units(shape)
            found = at_once.of(name, asked)
            single = [RegionLookup(graph, shapes, {}).of(name, [unit])[0] for unit in asked[:2]]
            if found[:2] != single or found != backwards.of(name, asked):
                wrong.append(f"{name} {asked}: {found}")
    return wrong


@settings(max_examples=amount(25, 3000), deadline=None, derandomize=True)
@given(st.integers(0, 1 << 20), st.data())
def test_a_batch_is_what_its_units_see_one_by_one_and_backwards(seed: int, data: Any) -> None:
    def units(shape: tuple[int, ...]) -> list[Unit]:
        unit = st.tuples(*(st.one_of(st.none(), st.integers(-n, n - 1)) for n in shape))
        return data.draw(st.lists(unit, min_size=1, max_size=6))

    assert disagreements(seed, units) == []


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[int, int]]:
    """How often the reads of each node are found, by its graph's shapes and its index."""
    found: Counter[tuple[int, int]] = Counter()
    real = sys.modules["cnnscope.analyzer.passes.reads"].find_reads

    def counting(node: Any, shapes: Any) -> Any:
        found[id(shapes), node.index] += 1
        return real(node, shapes)

    for name, module in list(sys.modules.items()):
        if name.startswith("cnnscope.analyzer.") and getattr(module, "find_reads", None) is real:
            monkeypatch.setattr(module, "find_reads", counting)
    return found


@pytest.mark.parametrize("sample", ["resnet50", "googlenet"])
def test_what_a_node_reads_is_found_once_for_a_report(
    sample: str, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = cnnscope.analyze(samples / f"{sample}.onnx")
    report.layers[0].explain()  # loads what explains
    found = counted(monkeypatch)
    report = cnnscope.analyze(samples / f"{sample}.onnx")
    for layer in (report.layers[-1], report.layers[20]):
        report.regions(layer, [(0,) * len(layer.output_shape or ())] * 3)
    for layer in report.layers:
        layer.explain()
    str(report)
    assert set(found.values()) == {1}


@pytest.mark.parametrize("count", [1, 300])
def test_a_batch_goes_through_the_layers_once(
    count: int, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits: Counter[str] = Counter()
    real = EveryUnit._node

    def counting(self: EveryUnit, node: Any, *rest: Any) -> None:
        visits[node.name] += 1
        real(self, node, *rest)

    monkeypatch.setattr(EveryUnit, "_node", counting)
    report = cnnscope.analyze(samples / "resnet50.onnx")
    units = list(itertools.islice(itertools.product(range(14), range(14)), count))
    layer = [x for x in report.layers if (x.output_shape or (0,))[-1] == 14][-1]
    regions = report.regions(layer, units)
    behind = len(visits)
    assert set(visits.values()) == {1}
    assert regions[-1] == layer.region(units[-1])
    assert report.regions(layer.name, units[:5]).items == regions[:5]
    layer.explain()
    assert sum(visits.values()) == behind < len(report.layers)


def test_sets_too_many_to_keep_are_found_backwards(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = [(0, 0), (3, 5), (6, 6), (None, 2)]
    report = cnnscope.analyze(samples / "googlenet.onnx")
    layer = next(x.name for x in report.layers if x.output_shape and x.output_shape[-1] == 7)
    kept = report.regions(layer, units)
    for most in (0, 3000, 8000):
        monkeypatch.setattr(every_unit, "MAX_KEPT", most)
        again = cnnscope.analyze(samples / "googlenet.onnx").regions(layer, units)
        assert again.items == kept.items


# -- asked for ---------------------------------------------------------------------------------------


def test_units_are_rows_of_indices_or_an_array(samples: Path) -> None:
    report = cnnscope.analyze(samples / "lenet5.onnx")
    layer = report["/conv2/Conv"]
    rows = [(0, 0), (9, -1), (None, 4)]
    found = report.regions(layer, rows)
    assert found.items == tuple(layer.region(unit) for unit in rows)
    assert found.units == tuple(rows)
    for key in (layer.name, layer.outputs[0].name, layer.index, str(layer.index)):
        assert report.regions(key, iter(rows)).items == found.items
    whole = report.regions(layer, np.array([[0, 0, 0, 0], [0, 1, 9, 9]], np.int32))
    assert whole[1] == layer.region((0, 1, 9, 9))
    assert report.regions(layer, np.zeros((0, 2), np.int64)).items == ()


@pytest.mark.parametrize(
    ("units", "said"),
    [
        ([(0, 10)], "index 10 is outside axis 3 of 'conv2', length 10"),
        ([(0, 0), (1,)], "a unit of 1 indices fits neither"),
        ([(0, 0.5)], "whole numbers"),
        (np.zeros((2, 2)), "whole numbers"),
        ([3, 4], "whole numbers"),
    ],
)
def test_what_is_no_unit_is_refused_in_a_line(units: Any, said: str, samples: Path) -> None:
    report = cnnscope.analyze(samples / "lenet5.onnx")
    layer = report.layers["/conv2/Conv"]
    asks: list[Callable[[], object]] = [
        lambda: report.regions("/conv2/Conv", units),
        lambda: layer.regions(units),
        lambda: layer.region(units[-1]),
        lambda: layer.explain(units[-1]),
    ]
    for ask in asks:
        with pytest.raises(ValueError, match=r"^[^\n]*$") as refused:
            ask()
        assert said in str(refused.value)


def test_a_report_read_back_needs_the_model(samples: Path) -> None:
    report = cnnscope.analyze(samples / "lenet5.onnx")
    loaded = cnnscope.load(json.dumps(report.to_dict()).encode())
    with pytest.raises(ValueError, match="needs the model"):
        loaded.regions(0, [(0, 0)])


def test_inputs_without_axes_and_units_of_none() -> None:
    model = network(
        node("Mul", "x x_scale", "m"),
        node("Reshape", "m shape", "y"),
        x=(1, 2, 4),
        x_scale=(),
        shape=np.array([2, 2, 2]),
    )
    report = cnnscope.analyze(model)
    assert report.regions(1, [(1, 0, 1)])[0] == {
        "x": (((0, 0),), ((1, 1),), ((1, 1),)),
        "x_scale": (),
    }
