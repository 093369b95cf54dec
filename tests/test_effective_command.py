"""What `cnnscope effective` says, on which lines it refuses, and what limits on effective fields do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from networks import network, node

import cnnscope
from cnnscope.cli import main

FREE = network(node("Conv", "x w", "y"), x=(1, 1, "H", 8), w=(1, 1, 3, 3), outputs="y")
STRANGE = network(
    node("Conv", "x w", "a"), node("Huh", "a", "y", domain="com.example"), x=(1, 1, 8), w=(1, 1, 3)
)


def test_what_cant_be_told_says_why() -> None:
    (row,) = cnnscope.analyze(FREE).effective_fields()
    assert row.sides == ()
    assert "free dimension H" in row.why
    rows = {row.layer: row for row in cnnscope.analyze(STRANGE).effective_fields()}
    assert rows["a"].sides == (3, 3, 3)
    assert "the shape of 'y' isn't known" in rows["y"].why


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lenet5.onnx", "nope"], "no layer or tensor 'nope'"),
        (["lenet5.onnx", "0", "--unit", "28,0"], "index 28 is outside axis 2"),
        (["lenet5.onnx", "--unit", "0,0"], "--unit goes with a LAYER"),
        (["lenet5.onnx", "0", "--of", "image"], "there is no input image: inputs are input"),
        (["lenet5.onnx", "0", "--counting", "all"], "all"),
    ],
)
def test_a_wrong_line_is_told_in_one(
    words: list[str], said: str, samples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["effective", f"{samples}/{words[0]}", *words[1:]])
    out, err = capfd.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert said in err


def test_the_command_says_what_the_report_does(
    samples: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = cnnscope.analyze(f"{samples}/lenet5.onnx")
    with pytest.raises(SystemExit, match="0"):
        main(["effective", f"{samples}/lenet5.onnx", "-f", "json"])
    found = json.loads(capfd.readouterr().out)
    assert found["layers"] == [x.to_dict() for x in report.effective_fields()]
    with pytest.raises(SystemExit, match="0"):
        main(["effective", f"{samples}/lenet5.onnx", "conv2", "--unit", "0,9", "-f", "json"])
    found = json.loads(capfd.readouterr().out)
    field = report.effective_field("/conv2/Conv", (0, 9))
    assert found["shares"] == [*field.records()]
    start, values = found["map"]["start"], np.array(found["map"]["values"])
    assert (start, values.shape) == ([0, 18], (14, 14))
    assert np.allclose(values, field.map[:14, 18:], rtol=1e-5)


@pytest.mark.parametrize(("share", "side"), [(None, 14), ("80 %", 12), ("50%", 8)])
def test_a_limit_on_a_share(share: str | None, side: int, tmp_path: Path, samples: Path) -> None:
    config = tmp_path / "cnnscope.toml"
    line = "" if share is None else f'share = "{share}"'
    for limit, state in ((side, "within"), (side + 1, "exceeds")):
        config.write_text(
            f'[limits]\n{line}\nlayer."/conv2/Conv".effective_field = ">= {limit}"\n', "utf-8"
        )
        found = cnnscope.check(f"{samples}/lenet5.onnx", config=config)
        assert [x.state for x in found.verdicts] == [state]
