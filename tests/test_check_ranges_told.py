"""What is said of a limit over a range of sizes: by every form, configurations, baselines and assertions?"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import onnx
import pytest
from test_check_ranges import CONV, model

import cnnscope
from cnnscope.analyzer.budgets.config import config_schema, read_settings
from cnnscope.analyzer.budgets.settings import ConfigError
from cnnscope.cli import main
from cnnscope.testing import assert_no_regression, assert_within


@pytest.fixture
def conv(tmp_path: Path) -> Path:
    onnx.save(model(CONV), tmp_path / "conv.onnx")
    return tmp_path / "conv.onnx"


# -- the command, and every form --------------------------------------------------------------------


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*args])
    return int(ended.value.code or 0)


def test_every_form(conv: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    reports = [
        f"--report={form}={tmp_path}/out.{form}" for form in ("json", "markdown", "sarif", "junit")
    ]
    assert (
        run(
            "check",
            str(conv),
            "--dim",
            "H=4..10",
            "--dim",
            "W=20",
            "--limit",
            "macs=1700",
            *reports,
        )
        == 1
    )
    table = capfd.readouterr().out
    assert "720..1.80 k" in table  # 9 * 4 * 20, 9 * 10 * 20
    said = "(1.80 k at H = 10), limit <= 1.70 k"
    assert said in " ".join(table.split())
    (checked,) = json.loads((tmp_path / "out.json").read_text())["models"]
    assert checked["ranges"] == {"dims": {"H": [4, 10]}, "sizes": 7, "valid": 7}
    assert checked["variant"] == "H=4..10, W=20"
    verdict = checked["verdicts"][0]
    assert (verdict["at"], verdict["beyond"]) == ({"H": 10}, 100)
    assert verdict["figure"]["least_at"] == {"H": 4}
    (result,) = json.loads((tmp_path / "out.sarif").read_text())["runs"][0]["results"]
    assert said in result["message"]["text"]
    failed = ET.parse(tmp_path / "out.junit").getroot().findall(".//failure")  # our own
    assert [said in str(x.get("message")) for x in failed] == [True]
    assert "720..1.80" in (tmp_path / "out.markdown").read_text()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--dim", "H=10..4"], "give a name and a length"),
        (["--dim", "H=4..8", "--dim", "H=4..9"], "given twice"),
        (["--dim", "H=1..2000000"], "a range of at most 1048576 lengths"),
        (["--dim", "H=4..8"], "dimension W is free, too"),
        (["--dim", "Z=4..8"], "no input has a free dimension 'Z'"),
        (["--dim", "H,W=4..8", "--shape", "1x1x4x4"], "a shape doesn't go with a range"),
    ],
)
def test_bad_ranges_are_one_line(
    conv: Path, given: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("check", str(conv), "--limit", "macs=1G", *given) == 2
    error = capfd.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_configuration(
    conv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    lenet = (tmp_path / "lenet5.onnx").write_bytes((samples / "lenet5.onnx").read_bytes())
    assert lenet
    (tmp_path / "cnnscope.toml").write_text(
        '[[model]]\npath = "conv.onnx"\ndims = {H = "4..10:2", W = [4, 20]}\nlimits.macs = 1800\n'
        '[[model]]\npath = "lenet5.onnx"\nfree = "HxW"\ndims."H,W" = "32..40"\nlimits.macs = "416520"\n'
    )
    own, other = cnnscope.check().models
    assert own.ok
    assert own.variant == "H=4..10:2, W=4,20"
    assert own.over is not None
    assert own.over.sizes == 8
    assert not other.ok or other.over is None or other.over.valid == 1  # a fully connected layer
    assert own.to_dict()["verdicts"][0]["figure"]["high"] == 1800  # type: ignore[index]
    # what the command line says of a dimension goes before
    (found,) = cnnscope.check("conv.onnx", dims={"H": 4}).models
    assert found.variant == "H=4, W=4,20"


@pytest.mark.parametrize(
    ("dims", "free", "right"),
    [
        ({"H": "224..640"}, "HxW", True), ({"H,W": "224..640:32", "N": 1}, ["NxHxW"], True),
        ({"H": "224,256"}, None, True), ({"H": [224, 256]}, None, True), ({"H": "640..224"}, None, False),
        ({"H": "1..9999999"}, None, False), ({"H": "a..b"}, None, False), ({"H": []}, None, False),
        ({"H": [1.5]}, None, False), ({"H": 2}, 3, False),
    ],
)  # fmt: skip
def test_what_a_configuration_may_say(dims: object, free: object, right: bool) -> None:
    entry = {"path": "m.onnx", "dims": dims} | ({} if free is None else {"free": free})
    asked = f"[[model]]\npath = 'm.onnx'\ndims = {_toml(dims)}\n" + (
        "" if free is None else f"free = {json.dumps(free)}\n"
    )
    errors = list(jsonschema.Draft202012Validator(config_schema()).iter_errors({"model": [entry]}))
    if right:
        assert not errors
        read_settings(asked, Path("cnnscope.toml"))
    else:
        with pytest.raises(ConfigError, match=r"cnnscope\.toml:[0-9]"):
            read_settings(asked, Path("cnnscope.toml"))


def _toml(dims: object) -> str:
    assert isinstance(dims, dict)
    return "{" + ", ".join(f'"{k}" = {json.dumps(x)}' for k, x in dims.items()) + "}"


# -- baselines ---------------------------------------------------------------------------------------


def test_against_a_baseline(conv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The most against the most: 9 * 10 * 20 then, 25 * 10 * 20 now; the least is 25 * 4 * 20."""
    monkeypatch.chdir(tmp_path)
    dims = ["--dim", "H=4..10", "--dim", "W=20"]
    assert run("baseline", "write", "conv.onnx", "-o", "b.json", *dims) == 0
    same = cnnscope.check(
        "conv.onnx", {"macs": "+0 %"}, baseline="b.json", dims={"H": range(4, 11), "W": 20}
    )
    assert same.ok
    assert same["macs"].amount == 1800
    assert same["macs"].to_dict()["baseline"]["value"] == 1800  # type: ignore[index]
    shorter = cnnscope.check(
        "conv.onnx", {"macs": "+0"}, baseline="b.json", dims={"H": range(4, 9), "W": 20}
    )
    assert shorter["macs"].state == "unknown"  # the baseline has it at other sizes
    wide = CONV.replace("3,3] w = {1,1,1,1,1,1,1,1,1", "5,5] w = {" + ",".join("1" * 25))
    onnx.save(model(wide.replace("1,1,1,1]>", "2,2,2,2]>")), "conv.onnx")
    for limit, state in (
        ("+177 %", "exceeds"),
        ("+178 %", "within"),
        (">= -0", "within"),
        (">= +1 k", "within"),  # 720 then, 25 * 4 * 20 now
        (">= +2 k", "exceeds"),
    ):
        found = cnnscope.check(
            "conv.onnx", {"macs": limit}, baseline="b.json", dims={"H": range(4, 11), "W": 20}
        )
        assert (found["macs"].state, found["macs"].figure.high) == (
            state,
            5000 if state else None,
        ), limit
    onnx.save(model(CONV), "old.onnx")
    found = cnnscope.check(
        "conv.onnx", {"macs": "+0 %"}, baseline="old.onnx", dims={"H": range(4, 11), "W": 20}
    )
    assert (found["macs"].state, found["macs"].at, found["macs"].amount) == (
        "exceeds",
        {"H": 10},
        1800,
    )


# -- assertions of tests -----------------------------------------------------------------------------


def test_assertions(conv: Path) -> None:
    dims = {"H": range(4, 11), "W": 20}
    assert_within(conv, macs=1800, dims=dims)
    with pytest.raises(AssertionError, match=r"1,800 at H = 10"):
        assert_within(conv, macs=1799, dims=dims)
    report = cnnscope.analyze(conv)
    assert_within(report, macs=1800, dims=dims)
    with pytest.raises(AssertionError, match="EXCEEDS"):
        assert_within(report, macs=1799, dims=dims)
    with pytest.raises(ValueError, match="still to be analysed"):
        assert_within(report, macs=1799, dims={"H": 4, "W": 20})
    assert_no_regression(conv, report, dims=dims)
    assert_no_regression(conv, conv, dims=dims)
    with pytest.raises(AssertionError, match="macs"):
        assert_no_regression(model(CONV.replace("1,1,1,1]>", "2,2,2,2]>")), report, dims=dims)
