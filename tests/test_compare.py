"""Several models side by side: the right ratios, and none where a figure isn't known."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from laid_out import comparison_csv, comparison_markdown, comparison_text
from networks import network, node

import cnnscope
from cnnscope.analyzer.report.comparison import Ratio, compared
from cnnscope.analyzer.report.metric import Metric

MODELS = ["resnet50", "mobilenet_v2", "vgg16"]


@pytest.fixture(scope="module")
def three(samples: Path) -> cnnscope.Comparison:
    return cnnscope.compare([samples / f"{name}.onnx" for name in MODELS])


def test_ratios(three: cnnscope.Comparison) -> None:
    """Parameters as torchvision counts them, fields as Araujo, Norris & Sim 2019 print them."""
    params = three["params"]
    assert [figure.value for figure in params.figures] == [25_557_032, 3_504_872, 138_357_544]
    assert params.ratios[0] == Ratio(1.0)
    assert params.ratios[1] == Ratio(3_504_872 / 25_557_032)
    field = three["receptive_field"]
    assert [figure.value for figure in field.figures][::2] == [427, 212]
    assert three["layers"].figures[0].value == len(three.reports[0].layers)
    with pytest.raises(KeyError, match="there are: params"):
        three["colour"]


@pytest.mark.parametrize(
    ("figure", "first", "expected"),
    [
        (Metric.of(6), Metric.of(3), Ratio(2.0)),
        (Metric.of(0), Metric.of(3), Ratio(0.0)),
        (Metric.of(6, {"MyOp": 1}), Metric.of(3), Ratio(2.0, "at least")),
        (Metric.of(6), Metric.of(3, {"MyOp": 1}), Ratio(2.0, "at most")),
        (Metric.of(6, {"MyOp": 1}), Metric.of(3, {"MyOp": 1}), None),
        (Metric.of(None), Metric.of(3), None),
        (Metric.of(3), Metric.of(None), None),
        (Metric.of(3), Metric.of(0), None),
    ],
)
def test_a_ratio_is_as_good_as_its_figures(
    figure: Metric, first: Metric, expected: Ratio | None
) -> None:
    assert Ratio.of(figure, first) == expected


def test_figures_that_are_not_complete() -> None:
    relu = network(node("Relu", "x", "y"), x=(1, 8))
    odd = network(node("Relu", "x", "r"), node("MyOp", "r", "y", domain="my.domain"), x=(1, 8))
    free = network(node("Relu", "x", "y"), x=("N", "L"))
    text = str(cnnscope.compare([relu, odd, free]))
    flops = next(line for line in text.splitlines() if line.startswith("FLOPs"))
    assert ">= 8" in flops
    assert ">= x1" in flops
    assert flops.split()[-1] == "L"  # one for each element


def test_the_table(three: cnnscope.Comparison) -> None:
    lines = str(three).splitlines()
    assert lines[0].split() == ["resnet50.onnx", "mobilenet_v2.onnx", "vgg16.onnx"]
    shown = {line.split("  ")[0].strip(): line for line in lines[2:]}
    assert list(shown) == [
        "parameters", "MACs", "FLOPs", "weights", "peak activations", "traffic",
        "receptive field", "layers",
    ]  # fmt: skip
    assert shown["parameters"].split()[1:] == [
        "25.56", "M", "3.50", "M", "x0.137", "138.4", "M", "x5.41",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_no_line_is_wider(three: cnnscope.Comparison, width: int) -> None:
    text = comparison_text(compared([*three.reports, *three.reports]), width)
    assert max(map(len, text.splitlines())) <= width
    if width >= 60:  # each further table has the first model again, and every model is somewhere
        tables = text.split("\n\n")
        assert all(table.split()[0] == "resnet50.onnx" for table in tables)
        assert text.count("vgg16.onnx") == 2


def test_machine_formats(three: cnnscope.Comparison) -> None:
    found = json.loads(json.dumps(three.to_dict()))
    assert found["figures"]["macs"]["ratios"][0] == {"value": 1.0, "bound": "exact"}
    assert len(found["models"]) == len(found["figures"]["layers"]["values"]) == 3
    lines = list(csv.DictReader(io.StringIO(comparison_csv(three))))
    assert [int(line["params"]) for line in lines] == [25_557_032, 3_504_872, 138_357_544]
    assert lines[1]["params_status"] == "complete"
    table = comparison_markdown(three).splitlines()
    assert table[0] == "## Comparison"
    assert table[2].count("|") == table[-1].count("|") == 5
    frame = pytest.importorskip("pandas") and three.to_dataframe()
    assert frame.shape[0] == 3


def test_names_that_are_alike(tmp_path: Path, samples: Path) -> None:
    data = (samples / "lenet5.onnx").read_bytes()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.onnx").write_bytes(data)
    found = cnnscope.compare([tmp_path / "a" / "net.onnx", tmp_path / "b" / "net.onnx"])
    assert found.names == ["a/net.onnx", "b/net.onnx"]
    assert len(compared([*found.reports, found.reports[0]]).names) == 3
    with pytest.raises(ValueError, match="needs a model"):
        cnnscope.compare([])


def test_hostile_names(tmp_path: Path, samples: Path) -> None:
    path = tmp_path / "=cmd|[red]\n\x1b[31m<b>.onnx"
    path.write_bytes((samples / "lenet5.onnx").read_bytes())
    found = cnnscope.compare([path, path])
    for text in (str(found), comparison_markdown(found), comparison_csv(found)):
        assert "\x1b" not in text
    assert "<b>" not in comparison_markdown(found)
    assert all(len(line.split("  ")) >= 3 for line in str(found).splitlines())
