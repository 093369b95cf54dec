"""Modules as a tree: every layer in one leaf, subtotals that add up, what is alike told once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from amounts import some
from test_cli import Run, run

import cnnscope
from cnnscope.analyzer.report.group import Group
from cnnscope.analyzer.report.module_groups import leaves, module_tree
from cnnscope.analyzer.report.report import Report

__all__ = ["run"]  # the fixture


def models(corpus: Path) -> Iterator[Path]:
    yield from some(sorted((corpus / "models").glob("*.onnx")), 6)


def every(groups: tuple[Group, ...]) -> Iterator[Group]:
    for group in groups:
        yield group
        yield from every(group.children)


def check_tree(report: Report, depth: int) -> None:
    """All that makes it a tree with subtotals, by arithmetic on the layers alone."""
    tree = module_tree(report, depth)
    held = [layer.index for group in leaves(tree) for layer in group.members]
    assert sorted(held) == [layer.index for layer in report.layers]
    assert max((group.level for group in every(tree)), default=0) <= depth
    for group in every(tree):
        assert group.params == sum(x.params for x in group.members)
        if group.macs.status == "complete":
            assert group.macs.value == sum(x.macs or 0 for x in group.members)
        if group.children:
            inside = sorted(x.index for child in group.children for x in child.members)
            assert inside == sorted(x.index for x in group.members)
            assert group.params == sum(child.params for child in group.children)
            assert {child.level for child in group.children} == {group.level + 1}
            assert len(group.children) > 1
            assert all(x.name.startswith(group.name) for x in group.children)
    # A level, with the leaves above it, comes to the whole.
    for level in range(1, depth + 1):
        cut = [x for x in every(tree) if x.level == level or (x.level < level and not x.children)]
        assert sum(x.layers for x in cut) == len(report.layers)
        assert sum(x.params for x in cut) == report.totals.params.value
        if report.totals.macs.value is not None:
            assert sum(x.macs.value or 0 for x in cut) == report.totals.macs.value
        if report.totals.traffic_bytes.value is not None:
            total = report.totals.traffic_bytes.value
            assert sum(x.traffic_bytes.value or 0 for x in cut) == total
    # The leaves are the modules that are told side by side.
    flat = {(x.name, x.layers, x.params) for x in report.by_module(depth)}
    assert {(x.name, x.layers, x.params) for x in leaves(tree)} == flat


def test_subtotals_add_up(corpus: Path) -> None:
    for path in models(corpus):
        report = cnnscope.analyze(path)
        for depth in (1, 2, 4):
            check_tree(report, depth)


def test_only_chosen_layers(samples: Path) -> None:
    report = cnnscope.analyze(samples / "resnet50.onnx")
    chosen = report.layers.select("layer3", only="op=Conv")
    (stage,) = module_tree(report, 2, chosen)
    assert (stage.name, stage.layers) == ("layer3", len(chosen))
    assert [x.name for x in stage.children] == [f"layer3/{i}" for i in range(6)]


def table(out: str) -> list[tuple[str, list[str]]]:
    """The lines of the first table: what stands in the first column, and the other cells."""
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("module"))
    width = lines[start + 1].index(" ")
    end = next(i for i in range(start, len(lines)) if not lines[i])
    return [(line[:width].rstrip(), line[width:].split("  ")) for line in lines[start + 2 : end]]


def test_what_each_stage_costs(samples: Path, run: Run) -> None:
    """The second of the tasks of every day, literally."""
    done = run(samples / "resnet50.onnx", "--by", "module", "--depth", "2")
    rows = table(done.out)
    names = [name for name, _ in rows]
    at = names.index("layer3")
    assert names[at : at + 5] == ["layer3", "  0", "  1 … 5 (x5 alike)", "    each", "layer4"]
    cells = {name: " ".join(cells).split() for name, cells in rows[at : at + 4]}
    # He et al. 2015, table 1: 6 blocks of 1x1, 256; 3x3, 256; 1x1, 1024, at 14x14. A block but the first has
    # 1024*256 + 9*256*256 + 256*1024 weights, and 2*(256 + 256 + 1024) of normalisation.
    each = 1024 * 256 + 9 * 256 * 256 + 256 * 1024 + 2 * (256 + 256 + 1024)
    assert each == 1_117_184
    assert cells["    each"][:3] == ["10", "1.12", "M"]
    assert cells["  1 … 5 (x5 alike)"][:3] == ["50", "5.59", "M"]  # 5585920
    assert cells["layer3"][:3] == ["62", "7.10", "M"]


def test_machines_get_every_module(samples: Path, run: Run) -> None:
    done = run(samples / "resnet50.onnx", "--by", "module", "--depth", "2", "-f", "csv")
    found = list(csv.DictReader(io.StringIO(done.out)))
    names = [x["module"] for x in found]
    assert names[names.index("layer3") :][:7] == ["layer3", *(f"layer3/{i}" for i in range(6))]
    report = cnnscope.analyze(samples / "resnet50.onnx")
    for wanted in (
        [x for x in found if x["leaf"] == "true"],
        [x for x in found if x["level"] == "1"],
    ):
        assert sum(int(x["macs"]) for x in wanted) == report.totals.macs.value
        assert sum(int(x["params"]) for x in wanted) == report.totals.params.value


@pytest.mark.parametrize(
    ("form", "indent"), [("markdown", "| &nbsp;&nbsp;0 |"), ("html", ">&nbsp;&nbsp;0</td>")]
)
def test_pages_stand_in_too(samples: Path, run: Run, form: str, indent: str) -> None:
    done = run(samples / "resnet50.onnx", "--by", "module", "--depth", "2", "-f", form)
    assert indent in done.out


def test_sorted_within_a_module_and_side_by_side(samples: Path, run: Run) -> None:
    given = [samples / "resnet50.onnx", "--by", "module", "--depth", "2", "--sort", "macs"]
    names = [name for name, _ in table(run(*given).out)]
    # 1464 M, 1028 M, 809 M, 668 M, 118 M
    assert [x for x in names if not x.startswith(" ")][:5] == [
        "layer3", "layer2", "layer4", "layer1", "conv1",
    ]  # fmt: skip
    # The largest of all, wherever they are, have their whole path.
    some_ = [name for name, _ in table(run(*given, "--top", "2").out)]
    assert some_[:2] == ["layer2/0", "layer3/0"]


def test_alike_but_not_beside_each_other(tmp_path: Path, run: Run) -> None:
    ops = ["Relu", "Relu", "Tanh", "Relu", "Relu", "Relu"]
    nodes = [
        onnx.helper.make_node(what, [f"t{2 * i + j}"], [f"t{2 * i + j + 1}"], f"/net/{i}/{what}")
        for i, op in enumerate(ops) for j, what in enumerate((op, "Neg"))
    ]  # fmt: skip
    ends = [onnx.helper.make_tensor_value_info(x, 1, [8]) for x in ("t0", "t12")]
    graph = onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:])
    path = tmp_path / "alike.onnx"
    onnx.save(onnx.helper.make_model(graph), path)
    names = [name for name, _ in table(run(path, "--by", "module").out)]
    assert names == ["net/0", "net/1", "net/2", "net/3 … net/5 (x3 alike)", "  each"]
