"""What isn't followed is unknown, with a lower bound: never global, and never the bound for a value."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import pytest
from networks import network, node

import cnnscope
from cnnscope.cli import main


def detector(height: int | str, width: int | str) -> onnx.ModelProto:
    """Three scales of a backbone, each made a list of places and laid end to end, as in YOLO: fields of
    7, 15 and 31 (r' = r + 2*S), whatever the size."""
    nodes: list[onnx.NodeProto] = []
    stored: dict[str, Any] = {"flat": np.array([1, 2, -1], np.int64)}
    last = "x"
    for k in range(1, 5):
        nodes.append(node("Conv", f"{last} w{k}", f"c{k}", strides=[2, 2], pads=[1] * 4))
        stored[f"w{k}"] = (2, 2, 3, 3)
        last = f"c{k}"
    for k in (2, 3, 4):
        nodes.append(node("Reshape", f"c{k} flat", f"r{k}"))
    nodes.append(node("Concat", "r2 r3 r4", "y", axis=2))
    return network(*nodes, x=(1, 2, height, width), **stored)


def size(k: int) -> int:
    """After k convolutions of 3 taps and stride 2."""
    return 1 + sum(2 * 2**i for i in range(k))


@pytest.mark.parametrize(("height", "width"), [("H", 64), ("H", "W")])
def test_behind_a_reshape_that_is_not_followed(height: str, width: int | str) -> None:
    report = cnnscope.analyze(detector(height, width))
    bound = cnnscope.analyze(detector(64, 64))
    for k in (2, 3, 4):
        for field in report.layers[f"r{k}"].receptive_field:
            assert (field.size, field.global_, field.local_size) == (None, False, None)
            assert field.at_least == size(k)
            assert field.phases is None
        assert [f.size for f in bound.layers[f"r{k}"].receptive_field] == [size(k)] * 2
    for field in report.layers["y"].receptive_field:
        assert (field.size, field.global_, field.at_least) == (None, False, size(4))
    assert "y sees >= 31 of x" in str(report)
    assert (
        json.loads(json.dumps(report.to_dict()))["layers"][-1]["receptive_field"][0]["size"] is None
    )


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [(">= 64", "unknown"), (">= 31", "within"), ("<= 31", "unknown"), ("<= 30", "exceeds")],
)
def test_a_limit_hangs_on_what_is_proved(limit: str, verdict: str) -> None:
    (result,) = cnnscope.check(
        cnnscope.analyze(detector("H", 64)), {"receptive_field": limit}
    ).models
    assert [x.state for x in result.verdicts] == [verdict]


def test_a_comparison_marks_a_bound() -> None:
    row = cnnscope.compare(
        [cnnscope.analyze(detector("H", 64)), cnnscope.analyze(detector(64, 64))]
    )["receptive_field"]
    assert [(x.known, x.status) for x in row.figures] == [(31, "partial"), (31, "complete")]


def test_no_rule_takes_a_bound_for_a_value() -> None:
    # 31 of 128 positions: with the sizes bound the rule about small fields speaks, else it can't know.
    small = {"select": ["CNS103"]}
    assert cnnscope.lint(detector(128, 128), **small).codes == {"CNS103"}
    assert not cnnscope.lint(detector("H", 128), **small).codes


def test_the_command_says_unknown(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "free.onnx"
    onnx.save(detector("H", "W"), path)
    with pytest.raises(SystemExit) as end:
        main(["check", str(path), "--limit", "receptive_field>=64"])
    assert end.value.code == 1
    out = capsys.readouterr().out
    assert "unknown  receptive_field" in out
    assert "EXCEEDS" not in out


def test_more_phases_than_are_listed() -> None:
    """A linear resize reads two pixels; 16,381 to 16,411 repeats itself nowhere on the axis."""
    resize = node("Resize", "x", "y", mode="linear")
    resize.input.extend(["", "", "lengths"])
    report = cnnscope.analyze(
        network(resize, x=(1, 1, 16_381), lengths=np.array([1, 1, 16_411], np.int64))
    )
    field = next(f for f in report.layers["y"].receptive_field if f.axis == 2)
    assert (field.size, field.global_, field.at_least) == (None, False, 1)
    assert [d.code for d in report.diagnostics] == ["axis-not-followed"]
    assert report.layers["y"].region((0, 0, 5))["x"][2] == ((4, 5),)
