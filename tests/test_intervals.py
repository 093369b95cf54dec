"""Do costs over a range of sizes lie between the figures that are said, and are these of some size?"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from amounts import amount

import cnnscope
from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.report.gathering import report_of
from cnnscope.analyzer.sizes import costs_over
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.cli import main

RANGES = [
    ("lenet5.onnx", range(30, 40)), ("resnet50.onnx", range(30, 36)), ("unet.onnx", range(570, 576)),
    ("vgg16.onnx", range(220, 227)), ("xception.onnx", range(60, 75)), ("densenet121.onnx", range(60, 66)),
    ("fcn8s.onnx", range(500, 510)),
]  # fmt: skip


@pytest.mark.parametrize(("model", "lengths"), RANGES[: amount(1, len(RANGES))])
def test_against_every_size(samples: Path, model: str, lengths: range) -> None:
    valid = cnnscope.sizes(samples / model, free="HxW")
    found = cnnscope.intervals(samples / model, {"H,W": lengths}, free="HxW")
    reports = [
        report_of(examine(samples / model, free=("HxW",), dims={"H": n, "W": n}))
        for n in lengths
        if valid.admits(H=n, W=n)
    ]
    assert found.valid == len(reports)
    for interval in found.totals:
        values = [getattr(report.totals, interval.name).value for report in reports]
        assert (interval.least, interval.most) == (min(values), max(values)), interval.name
    for interval in found.outputs:
        axis = int(interval.name.rpartition(":")[2])
        told = [report.outputs[0].shape[axis] for report in reports]  # type: ignore[index]
        assert (interval.least, interval.most) == (min(told), max(told))


def test_the_ends_of_what_rises_are_those_of_every_size(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the corners alone, and by looking at each size."""
    dims = {"H": range(225, 240), "W": range(224, 230)}
    each = cnnscope.intervals(samples / "resnet50.onnx", dims, free="HxW")
    monkeypatch.setattr(costs_over, "_EACH", 10)
    corners = cnnscope.intervals(samples / "resnet50.onnx", dims, free="HxW")
    assert (each.valid, corners.valid) == (90, None)
    assert corners["macs"].most_at == {"H": 239, "W": 229}
    for one, other in zip(each.totals, corners.totals, strict=True):
        assert (one.name, one.least, one.most) == (other.name, other.least, other.most)


def test_a_corner_that_is_no_valid_size_leaves_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """H is even: pixels become channels, 2 x 2 of them, 4 products for each of the H/2 x 2 units."""
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18]> g (float[1,1,H,4] x) => (float[1,1,h,2] y)'
        " <float[1,4,1,1] w = {1, 1, 1, 1}> { t = SpaceToDepth<blocksize = 2>(x) y = Conv(t, w) }"
    )
    each = cnnscope.intervals(model, {"H": range(3, 8)})["macs"]
    assert (each.least, each.most) == (4 * 4, 4 * 6)
    assert (each.least_at, each.most_at) == ({"H": 4}, {"H": 6})
    monkeypatch.setattr(costs_over, "_EACH", 2)
    corners = cnnscope.intervals(model, {"H": range(3, 8)})["macs"]
    assert (corners.least_at, corners.most_at, corners.why) == (None, None, "")
    assert (corners.least, corners.most) == (4 * 2, 4 * 6)  # as 3 and 7 are halved, rounded down


def test_a_network_that_may_work_otherwise_has_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A map of H is halved and doubled, and added to itself: H is even, or the addition stretches one."""
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18]> g (float[1,1,H] x) => (float[1,1,H] y)'
        " <float[1,1,2] w = {1, 1}> { t = Conv<strides = [2]>(x, w)"
        " u = ConvTranspose<strides = [2]>(t, w) y = Add(x, u) }"
    )
    found = cnnscope.intervals(model, {"H": range(3, 8)})
    # 2 products for each of H/2 units, and 2 for each that is spread again
    assert (found.valid, found["macs"].least, found["macs"].most) == (2, 8, 12)
    assert found["macs"].least_at == {"H": 4}
    monkeypatch.setattr(costs_over, "_EACH", 2)
    found = cnnscope.intervals(model, {"H": range(3, 8)})
    assert (found["macs"].least, found["macs"].most) == (None, None)
    assert "may work otherwise" in found["macs"].why


def test_what_has_no_formula_has_no_interval() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18, "mine": 1]> g (float[1,3,H,8] x) => (float[1,3,H,8] y)'
        " { y = mine.Strange(x) }"
    )
    found = cnnscope.intervals(model, {"H": range(4, 7)})["flops"]
    assert (found.least, found.most) == (None, None)
    assert "mine::Strange" in found.why


def test_the_command(samples: Path, capfd: pytest.CaptureFixture[str]) -> None:
    resnet = ["analyze", str(samples / "resnet50.onnx"), "--free", "HxW"]
    with pytest.raises(SystemExit, match="0"):
        main([*resnet, "--dim", "H,W=224..256", "--format", "json"])
    told = {x["name"]: x for x in json.loads(capfd.readouterr().out)["totals"]}
    assert (told["macs"]["least"], told["macs"]["most"]) == (4089184256, 5340348416)
    with pytest.raises(SystemExit, match="0"):
        main([*resnet, "--dim", "H=224..4000", "--dim", "W=224..4000"])
    assert "H = 4000, W = 4000" in capfd.readouterr().out
    for words, said in (
        (["--dim", "H,W=9..4"], "give a name and a length"),
        (["--dim", "H,W=1..9999999"], "at most 1048576 lengths"),
        (["--dim", "H,W=8..9", "--layer", "conv1"], "--layer doesn't go with a range"),
        (["--dim", "H=8..9"], "dimension W is free, too"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main([*resnet, *words])
        out, err = capfd.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err
    with pytest.raises(BindingError, match="a dict"):
        cnnscope.intervals(samples / "resnet50.onnx", [3])  # type: ignore[arg-type]
