"""Sizes for several models at once: each takes those of what it has; what none has is a slip.

A 1x1 convolution from 3 to 4 channels is 12 MACs a pixel.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from commanded import run
from networks import network, node

HIGH, WIDE, FIXED = "models/high.onnx", "models/wide.onnx", "models/fixed.onnx"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three models: height free and called H; width free and called W; nothing free."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    for path, shape in {HIGH: (1, 3, "H", 8), WIDE: (1, 3, 8, "W"), FIXED: (1, 3, 8, 8)}.items():
        model = network(node("Conv", "x w", "y"), x=shape, w=(4, 3, 1, 1))
        onnx.save(model, path)
    return tmp_path


MACS = {HIGH: 12 * 16 * 8, WIDE: 12 * 8 * 8, FIXED: 12 * 8 * 8}
BOTH = ["--dim", "H=16", "--dim", "W=8"]


def figures(text: str) -> dict[str, tuple[str, int]]:
    found = json.loads(text)["models"]
    return {x["model"]: (x["variant"], x["verdicts"][0]["figure"]["value"]) for x in found}


def test_options_of_check(project: Path) -> None:
    """The sizes that a baseline tells models apart by are each one's own, too."""
    code, out, err = run("check", *MACS, "--limit", "macs=1M", *BOTH, "-f", "json")
    assert (code, err) == (0, "")
    variants = {HIGH: "H=16", WIDE: "W=8", FIXED: ""}
    assert figures(out) == {path: (variants[path], macs) for path, macs in MACS.items()}


@pytest.mark.parametrize(
    "line", ["dims = {H = 16, W = 8}", 'shapes = {x = "1x3x8x8"}', 'path = "models/*.onnx"']
)
def test_the_configuration(project: Path, line: str) -> None:
    config = '[limits]\nmacs = "1 M"\n[[model]]\n'
    own = line if line.startswith("path") else f'path = "models/*.onnx"\n{line}'
    (project / "cnnscope.toml").write_text(config + own)
    code, out, _ = run("check", "-f", "json", *(BOTH if line == own else ()))
    assert code == 0
    if line.startswith("shapes"):
        assert {macs for _, macs in figures(out).values()} == {768}
    else:
        assert {path: macs for path, (_, macs) in figures(out).items()} == MACS


def test_a_name_that_no_model_has(project: Path) -> None:
    code, out, err = run("check", *MACS, "--limit", "macs=1M", "--dim", "Hight=16")
    assert (code, out.count("within")) == (2, 0)
    assert err == (
        "cnnscope: the sizes given: no model has a free dimension 'Hight'; free are: H, W\n"
    )
    (project / "cnnscope.toml").write_text(
        '[limits]\nmacs = "1 M"\n[[model]]\npath = "models/*.onnx"\ndims.Hight = 3\n'
        f'[[model]]\npath = "{FIXED}"\n'
    )
    code, out, err = run("check")
    assert code == 2
    assert (
        "models/*.onnx: no model has a free dimension 'Hight'; free are: H, W (cnnscope.toml:4)"
        in err
    )
    assert "within its limit" in out  # the other entry's model is judged
    # Where models are named, an entry's others aren't looked at: nothing is known of what they have.
    assert run("check", FIXED)[0] == 0


def test_one_model_alone_is_told_what_it_lacks(project: Path) -> None:
    code, _, err = run("check", FIXED, "--limit", "macs=1M", "--dim", "H=3")
    assert code == 2
    assert f"{FIXED}: no input has a free dimension 'H'; none is free" in err


@pytest.mark.parametrize("command", ["analyze", "lint"])
def test_other_commands_of_several_models(project: Path, command: str) -> None:
    code, out, err = run(command, *MACS, *BOTH, "-f", "json")
    assert (code, err) == (0, "")
    if command == "analyze":
        found = {x["model"]["path"]: x["totals"]["macs"]["value"] for x in json.loads(out)}
        assert found == MACS
    code, _, err = run(command, *MACS, "--dim", "Hight=3")
    assert (code, err) == (2, "cnnscope: no model has a free dimension 'Hight'; free are: H, W\n")


def test_the_earlier_model_takes_its_own_as_well(project: Path) -> None:
    """It was fixed to 8 rows: now 16 are judged beside them, twice the MACs."""
    code, out, _ = run(
        "check", HIGH, "--dim", "H=16", "--limit", "macs=+50 %", "--baseline", FIXED, "-f", "json"
    )
    assert code == 1
    (verdict,) = json.loads(out)["models"][0]["verdicts"]
    assert verdict["state"] == "exceeds"
    assert verdict["baseline"]["value"] == 768
