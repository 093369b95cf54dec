"""Do layers come together as the field groups them, and does nothing get lost or counted twice?"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laid_out import report_csv, report_markdown, report_text
from networks import network, node

import cnnscope
from cnnscope.analyzer.layers.blocks import Step, find_blocks
from cnnscope.analyzer.render.subjects.groups import GROUP_COLUMNS
from cnnscope.analyzer.render.subjects.selection import Selection
from cnnscope.analyzer.report.group import By
from cnnscope.analyzer.report.groups import grouped

IMAGE = (1, 8, 16, 16)
WEIGHTS: dict[str, Any] = {"w": (8, 8, 3, 3), "s": (8,), "half": (1,), "m": (16, 16), "b": (16,)}
CONV = node("Conv", "x w", "c", pads=[1] * 4)
NORM = node("BatchNormalization", "c s s s s", "n")


def blocks(*nodes: onnx.NodeProto, outputs: str = "") -> list[tuple[str, str, int]]:
    report = cnnscope.analyze(network(*nodes, outputs=outputs, x=IMAGE, x2=IMAGE, **WEIGHTS))
    return [(row.name, row.consists or "", row.layers) for row in report.by_block()]


@pytest.mark.parametrize(
    ("nodes", "outputs", "expected"),
    [
        ([CONV, NORM, node("Relu", "n", "y")], "",
         [("c", "convolution + normalization + activation", 3)]),
        # SiLU: two readers, both inside
        ([CONV, node("Sigmoid", "c", "g"), node("Mul", "c g", "y")], "",
         [("c", "convolution + activation + arithmetic", 3)]),
        # GELU written out
        ([node("MatMul", "x m", "c"), node("Add", "c b", "t"), node("Div", "t half", "d"),
          node("Erf", "d", "e"), node("Add", "e half", "f"), node("Mul", "t f", "g"),
          node("Mul", "g half", "y")], "", [("c", "fully connected + arithmetic", 7)]),
        # a residual addition isn't the convolution's, nor is what follows it
        ([CONV, NORM, node("Add", "n x2", "a"), node("Relu", "a", "y")], "",
         [("c", "convolution + normalization", 2), ("a", "arithmetic", 1), ("y", "activation", 1)]),
        # what others read ends the block
        ([CONV, NORM, node("Relu", "n", "r"), node("Add", "n r", "y")], "n y",
         [("c", "convolution + normalization", 2), ("r", "activation", 1), ("y", "arithmetic", 1)]),
        # ... but when all of it is inside
        ([CONV, NORM, node("Relu", "n", "r"), node("Add", "n r", "y")], "",
         [("c", "convolution + normalization + activation + arithmetic", 4)]),
        # pre-activation, as in DenseNet
        ([node("BatchNormalization", "x s s s s", "n"), node("Relu", "n", "r"),
          node("Conv", "r w", "y")], "", [("y", "normalization + activation + convolution", 3)]),
        ([node("Relu", "x", "r"), node("Conv", "r w", "a"), node("Conv", "r w", "b2")], "a b2",
         [("r", "activation", 1), ("a", "convolution", 1), ("b2", "convolution", 1)]),
        # two blocks in a row, pooling between
        ([CONV, node("MaxPool", "c", "p", kernel_shape=[2, 2]), node("Conv", "p w", "y")], "",
         [("c", "convolution", 1), ("p", "max pooling", 1), ("y", "convolution", 1)]),
    ],
)  # fmt: skip
def test_blocks(
    nodes: Sequence[onnx.NodeProto], outputs: str, expected: list[tuple[str, str, int]]
) -> None:
    assert blocks(*nodes, outputs=outputs) == expected


def test_what_a_block_comes_to() -> None:
    """Work and traffic as if nothing were fused; the output and the field of its end."""
    relu = node("Relu", "n", "y")
    norm = node("BatchNormalization", "c scale shift mean var", "n")
    stored = {"w": (8, 8, 3, 3), **dict.fromkeys(("scale", "shift", "mean", "var"), (8,))}
    report = cnnscope.analyze(network(CONV, norm, relu, x=IMAGE, fill=0.5, **stored))
    (row,) = report.by_block()
    assert row.params == 8 * 8 * 9 + 2 * 8
    assert row.macs.value == 8 * 8 * 9 * 16 * 16
    size = 8 * 16 * 16 * 4
    assert row.traffic_bytes.value == 6 * size + 8 * 8 * 9 * 4 + 4 * 8 * 4
    assert row.output_shape == IMAGE
    assert [f.size for f in row.receptive_field] == [3, 3]
    assert row.to_dict()["members"] == ["c", "n", "y"]


@st.composite
def graphs(draw: st.DrawFn) -> list[Step]:
    """Layers that read any earlier tensors."""
    families = st.sampled_from(["convolution", "activation", "elementwise arithmetic", "resize"])
    steps = []
    for i in range(draw(st.integers(1, 12))):
        inputs = draw(st.lists(st.integers(-1, i - 1), min_size=1, max_size=3))
        family = draw(families)
        names = tuple(f"t{k}" for k in inputs)
        steps.append(Step(names, (f"t{i}",), family, family == "convolution"))
    return steps


@given(graphs(), st.sets(st.integers(0, 11)))
def test_any_graph_falls_into_blocks_with_one_way_out(steps: list[Step], ends: set[int]) -> None:
    outputs = {f"t{i}" for i in ends}
    found = find_blocks(steps, outputs)
    assert sorted(i for block in found for i in block.members) == list(range(len(steps)))
    for block in found:
        inside = set(block.members)
        assert block.main in inside
        assert sum(steps[i].weighted for i in inside) == (steps[block.main].weighted)
        for i in block.members[:-1]:
            readers = {k for k, step in enumerate(steps) if f"t{i}" in step.inputs}
            assert readers <= inside
            assert f"t{i}" not in outputs


# -- modules ---------------------------------------------------------------------------------------


def chain(names: Sequence[str], **more: Any) -> cnnscope.Report:
    """Layers one after another, of these names."""
    nodes = [
        node("Relu", "x" if i == 0 else f"t{i - 1}", f"t{i}", name=name)
        for i, name in enumerate(names)
    ]
    return cnnscope.analyze(network(*nodes, x=(2, 2), **more))


@pytest.mark.parametrize(
    ("names", "depth", "expected"),
    [
        # torch.onnx
        (["/a/a.0/Relu", "/a/a.1/Relu", "/b/Relu"], 1, {"a": 2, "b": 1}),
        (["/a/a.0/Relu", "/a/a.1/Relu", "/b/Relu"], 2, {"a/a.0": 1, "a/a.1": 1, "b": 1}),
        # what all have in common isn't counted
        (["/net/a/Relu", "/net/a/Relu", "/net/b/c/Relu"], 1, {"net/a": 2, "net/b": 1}),
        (["/net/a/Relu", "/Relu"], 1, {"net/a": 1, "": 1}),
        # TensorFlow
        (["block1_conv1/BiasAdd", "block1_conv1/Relu"], 1, {"block1_conv1": 2}),
        (["model/block/conv", "model/block/relu", "model/head/fc"], 1,
         {"model/block": 2, "model/head": 1}),
        # no path at all
        (["Relu_0", "Relu_1"], 1, {"": 2}),
        # hostile ones
        (["//", "/../../etc/passwd", "a" * 100_000 + "/x"], 1,
         {"": 1, "..": 1, "a" * 100_000: 1}),
    ],
)  # fmt: skip
def test_modules_by_name(names: Sequence[str], depth: int, expected: dict[str, int]) -> None:
    rows = chain(names).by_module(depth)
    assert {row.name: row.layers for row in rows} == expected


def test_modules_by_the_weights_names_where_layers_have_none() -> None:
    names = {"net.conv.weight": (8, 8, 3, 3), "net.head.0.weight": (8, 8, 1, 1)}
    nodes = [
        node("Conv", "x net.conv.weight", "a", name="Conv_0"), node("Relu", "a", "b", name="Relu_1"),
        node("Conv", "b net.head.0.weight", "y", name="Conv_2"),
    ]  # fmt: skip
    report = cnnscope.analyze(network(*nodes, x=IMAGE, **names))
    assert {row.name: row.layers for row in report.by_module()} == {"net/conv": 2, "net/head": 1}


def noted(scopes: str, classes: str) -> onnx.NodeProto:
    relu = node("Relu", "x", "y", name="node_relu")
    for key, value in (("name_scopes", scopes), ("class_hierarchy", classes)):
        relu.metadata_props.add(key=f"pkg.torch.onnx.{key}", value=value)
    return relu


@pytest.mark.parametrize(
    ("scopes", "classes", "name", "module_class"),
    [
        ("['', 's', 's.1', 'relu']", "['Net', 'Sequential', 'ReLU', 'aten.relu']", "s/1", "ReLU"),
        ("['', 'relu']", "['Net', 'aten.relu']", "", "Net"),
        ("['', 's', 'relu']", "['Net']", "s", None),
        ("['', 's', 'relu']", "not a list", "s", None),
        ("__import__('os')", "[]", "", None),
        ("[" * 5000, "]", "", None),
        ("{[]: 1}", "[]", "", None),
    ],
)
def test_modules_as_the_exporter_noted_them(
    scopes: str, classes: str, name: str, module_class: str | None
) -> None:
    report = cnnscope.analyze(network(noted(scopes, classes), x=(2, 2)))
    (row,) = report.by_module(9)
    assert (row.name, row.module_class) == (name, module_class)


def test_modules_of_the_exporters(corpus: Path) -> None:
    """The same network from torch's two exporters; and from the newer one its classes."""
    both = [
        {row.name: row.macs.value for row in cnnscope.analyze(corpus / "models" / name).by_module()}
        for name in ("tv_resnet18.onnx", "tv_resnet18.dynamo.onnx")
    ]
    # (The newer one files a convolution that it merged with its normalisation under the latter.)
    shared = {"layer1", "layer2", "layer3", "layer4", "fc"}
    assert {k: both[0][k] for k in shared} == {k: both[1][k] for k in shared}
    rows = cnnscope.analyze(corpus / "models" / "tv_resnet18.dynamo.onnx").by_module()
    classes = {row.name: row.module_class for row in rows}
    assert classes["layer1"] == "torch.nn.modules.container.Sequential"
    assert classes["fc"] == "torch.nn.modules.linear.Linear"


# -- all groupings ---------------------------------------------------------------------------------

GROUPINGS: list[By] = ["op", "kind", "module", "block"]


@pytest.mark.parametrize("by", GROUPINGS)
@pytest.mark.parametrize("name", ["resnet50", "vit_b_16", "unet"])
def test_groups_add_up_to_the_totals(by: By, name: str, samples: Path) -> None:
    report = cnnscope.analyze(samples / f"{name}.onnx")
    rows = grouped(report, by)
    assert sum(row.layers for row in rows) == len(report.layers)
    assert sum(row.params for row in rows) == report.totals.params.value
    for key in ("macs", "flops", "traffic_bytes"):
        assert sum(getattr(row, key).value for row in rows) == getattr(report.totals, key).value


def test_the_order_of_groups(samples: Path) -> None:
    report = cnnscope.analyze(samples / "resnet50.onnx")
    for rows in (report.by_op(), report.by_kind()):
        flops = [row.flops.known or 0 for row in rows]
        assert flops == sorted(flops, reverse=True)
    for rows in (report.by_module(), report.by_block()):
        first = [row.members[0].index for row in rows]
        assert first == sorted(first)


@pytest.mark.parametrize("by", GROUPINGS)
def test_groups_are_shown(by: By, samples: Path) -> None:
    report = cnnscope.analyze(samples / "mobilenet_v2.onnx")
    rows = grouped(report, by)
    lines = list(csv.DictReader(io.StringIO(report_csv([report], by=by))))
    assert [line[by] for line in lines] == [row.name for row in rows]
    assert [int(line["params"]) for line in lines] == [row.params for row in rows]
    names = [name for name in lines[0] if name not in ("level", "leaf")]
    assert names == [column.name for column in GROUP_COLUMNS[by]]
    assert f"\n| {by} |" in report_markdown(report, by=by)
    text = report_text(report, 100, Selection(by=by, sort="params", top=1))
    largest = max(rows, key=lambda row: row.params)
    lines_shown = text.splitlines()
    rule = next(i for i, line in enumerate(lines_shown) if line.startswith("--"))
    assert lines_shown[rule + 1].split()[0][-8:] == largest.name.split()[0][-8:]


def test_a_depth_of_what_has_none(samples: Path) -> None:
    report = cnnscope.analyze(samples / "lenet5.onnx")
    with pytest.raises(ValueError, match="depth"):
        report.by_module(0)
    with pytest.raises(ValueError, match="goes with modules"):
        grouped(report, "op", 2)
    with pytest.raises(ValueError, match="there are op, kind, module, block"):
        grouped(report, "colour")  # type: ignore[arg-type]
