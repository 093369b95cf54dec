"""The commands `lint` and `rule`: formats, exit codes, configuration, misuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import onnx
import pytest
from lint_models import beside, single
from networks import network, node

from cnnscope.cli import main


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run the command in this process."""

    def call(*arguments: object) -> Done:
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        out, err = capfdbinary.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Done(code, out.decode(), err.decode())

    return call


@pytest.fixture
def dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model with a warning (a dead layer), in a folder without a configuration."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "dead.onnx"
    onnx.save(beside("y")(), path)
    return path


def test_exit_codes(run: Run, dead: Path) -> None:
    done = run("lint", dead)
    assert done.code == 1
    assert "CNS503 warning: z" in done.out
    assert done.err == ""
    assert run("lint", dead, "--severity", "error").code == 0
    assert run("lint", dead, "--ignore", "CNS503").code == 0
    assert run("lint", dead, "--ignore", "CNS503", "--severity", "info").code == 1
    assert run("lint", dead, "--select", "CNS3,CNS6").code == 0
    missing = run("lint", dead, "nothing.onnx")
    assert missing.code == 2
    assert "CNS503" in missing.out
    assert len(missing.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--select", "CNS9"], "no rule's code begins with 'CNS9'"),
        (["--ignore", "dead-layer"], "did you mean dead-layers"),
        (["--provider", "openvino"], "kernels"),
        (["--report", "sarif"], "give a format and a file"),
        (["--output", "."], "this is a folder"),
    ],
)
def test_misuse_is_one_line(run: Run, dead: Path, options: list[str], said: str) -> None:
    done = run("lint", dead, *options)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_formats(run: Run, dead: Path, tmp_path: Path) -> None:
    reports = [f"--report={name}={tmp_path / name}" for name in ("sarif", "junit", "gitlab")]
    done = run("lint", dead, "-f", "json", *reports)
    plain = json.loads(done.out)
    assert plain["schema_version"] == 1
    assert plain["summary"]["warning"] == 1
    sarif = json.loads((tmp_path / "sarif").read_text())
    (ran,) = sarif["runs"]
    assert {x["ruleId"] for x in ran["results"]} == {x["code"] for x in plain["findings"]}
    junit = ElementTree.fromstring((tmp_path / "junit").read_text())
    assert junit.attrib["failures"] == "1"
    (failed,) = (case for case in junit.iter("testcase") if case.find("failure") is not None)
    assert failed.attrib["name"] == "CNS503 dead-layers"
    quality = json.loads((tmp_path / "gitlab").read_text())
    assert {x["check_name"] for x in quality} == {x["code"] for x in plain["findings"]}
    assert isinstance(json.loads(run("lint", dead, dead, "-f", "json").out), list)


def test_on_github(run: Run, dead: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = run("lint", dead, "-f", "github")
    assert "::warning file=" in done.out
    assert "CNS503" in summary.read_text()


def test_hostile_names(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evil = "\x1b[31m\n::error::x|<b>"
    model = network(
        node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], name=evil), x=(1, 1, 7, 7)
    )
    onnx.save(model, "m.onnx")
    for name in ("table", "markdown", "github"):
        out = run("lint", "m.onnx", "-f", name).out
        assert "\x1b" not in out
        assert not any(line.startswith("::error::x") for line in out.splitlines())
        assert "<b>" not in out or name != "markdown"
    assert json.loads(run("lint", "m.onnx", "-f", "json").out)["findings"][0]["layer"] == evil
    ElementTree.fromstring(run("lint", "m.onnx", "-f", "junit").out)


def test_the_configuration(run: Run, dead: Path, tmp_path: Path) -> None:
    config = tmp_path / "cnnscope.toml"
    config.write_text('[lint]\nignore = ["CNS503"]\n')
    assert run("lint", dead).code == 0
    assert run("lint", dead, "--ignore", "CNS4").code == 1  # in place of the file's
    config.write_text('[lint]\nseverity = "error"\n')
    assert run("lint", dead).code == 0
    assert run("lint", dead, "--severity", "warning").code == 1
    config.write_text('[lint.severities]\nCNS503 = "info"\n')
    assert run("lint", dead).code == 0
    config.write_text('[lint]\n[lint.per-layer-ignores]\n"z" = ["CNS5"]\n')
    done = run("lint", dead)
    assert done.code == 0
    assert "1 suppressed" in " ".join(done.out.split())
    config.write_text('\n[lint]\nignor = ["CNS503"]\n')
    done = run("lint", dead)
    assert done.code == 2
    assert "cnnscope.toml:3" in done.err
    assert "did you mean ignore" in done.err
    config.unlink()
    (tmp_path / "pyproject.toml").write_text('[tool.cnnscope.lint]\nignore = ["CNS503"]\n')
    assert run("lint", dead).code == 0


def test_what_the_model_says(run: Run, dead: Path) -> None:
    model = beside("y")()
    model.metadata_props.add(key="cnnscope.lint.ignore", value="CNS503:z")
    onnx.save(model, dead)
    assert run("lint", dead).code == 0
    assert run("lint", dead, "--no-inline").code == 1


def test_data_outside_the_folder(run: Run, tmp_path: Path) -> None:
    model = single(8, 3)()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    done = run("lint", path)
    assert done.code == 1
    assert "CNS606 error" in done.out
    ignoring = run("lint", path, "--ignore", "CNS606")
    assert ignoring.code == 2
    assert len(ignoring.err.splitlines()) == 1


def test_rule(run: Run, tmp_path: Path) -> None:
    shown = run("rule", "CNS104").out
    assert shown.startswith("CNS104 dilation-gridding (warning; receptive field)")
    assert "Why it matters" in shown
    assert run("rule", "dilation-gridding").out == shown
    assert run("rule", "cns104", "-f", "markdown").out.startswith("# CNS104")
    assert json.loads(run("rule", "CNS104", "-f", "json").out)["severity"] == "warning"
    listed = run("rule", "--all").out.splitlines()
    assert len(listed) == len(json.loads(run("rule", "--all", "-f", "json").out))
    assert run("rule", "--all", "-o", tmp_path / "all.txt").out == ""
    for wrong in ([], ["CNS104", "--all"], ["CNS999"], ["CNS104", "-f", "csv"]):
        done = run("rule", *wrong)
        assert done.code == 2
        assert len(done.err.splitlines()) == 1
