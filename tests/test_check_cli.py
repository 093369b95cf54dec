"""`cnnscope check`, as it is used: configuration, exit codes, baselines in files and in Git, reports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commanded import git, run

WITHIN = '[limits]\nmacs = "500 k"\n[[model]]\npath = "models/*.onnx"\n'


@pytest.fixture
def project(tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "models").mkdir()
    data = (samples / "lenet5.onnx").read_bytes()  # 61,706 parameters, 416,520 MACs
    (tmp_path / "models" / "lenet5.onnx").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


LENET = "models/lenet5.onnx"


@pytest.mark.parametrize(
    ("config", "arguments", "code", "said"),
    [
        (WITHIN, [], 0, "within its limit"),
        (WITHIN, [LENET], 0, "within its limit"),
        (WITHIN, ["--limit", "macs=400k"], 1, "1 exceeded of 1 limit"),
        (WITHIN, ["--limit", "params=+2%"], 1, "relative to a baseline"),
        (WITHIN, ["--limit", "params=+2%", "--allow-unknown"], 0, "allowed"),
        (WITHIN.replace("*", "x*"), [], 2, "no file matches"),
        (WITHIN + '[[model]]\npath = "y/*.onnx"\n', [], 2, "within its limit"),
        (WITHIN, ["nothing.onnx"], 2, "nothing.onnx"),
        (WITHIN, ["nothing.onnx", LENET], 2, "within its limit"),
        ("[limits]\nmcas = 3", [LENET], 2, "cnnscope.toml:2: unknown limit 'mcas'; did you mean"),
        ("", [LENET], 2, "has none for it"),
        ("", [], 2, "no model to check"),
        (None, [LENET], 2, "no limits"),
        (None, [], 2, "no model to check"),
        (None, [LENET, "--limit", "macs=500k"], 0, "within its limit"),
        (None, [LENET, "--limit", "mcas=1"], 2, "did you mean macs"),
        (None, [LENET, "--limit", "macs=1", "--tolerance", "5"], 2, "a share"),
        (None, [LENET, "--limit", "macs=1", "--report", "x=y"], 2, "--report"),
        (None, [LENET, "--limit", "macs=1", "--report", f"json={LENET}"], 2, "the model itself"),
        (None, [LENET, "--limit", "macs=1", "--config", "nothing.toml"], 2, "can't be read"),
        (None, [LENET, "--limit", "macs=+1", "--baseline", "no.json"], 2, "--update-baseline"),
        (None, [LENET, "--limit", "macs=+1", "--baseline", "git:x"], 2, "git:x"),
        (None, [LENET, "--limit", "macs=1", "--update-baseline"], 2, "--baseline FILE.json"),
        (None, [LENET, "--limit", "macs=1", "--shape", "9x9"], 2, "input"),
        (WITHIN + "shapes = '2x1x32x32'\n", ["--limit", "macs=900k"], 2, "can't"),
    ],
)
def test_exit_codes(
    project: Path, config: str | None, arguments: list[str], code: int, said: str
) -> None:
    if config is not None:
        (project / "cnnscope.toml").write_text(config)
    found, out, err = run("check", *arguments)
    assert found == code, (out, err)
    assert said in " ".join((out + err).split())
    assert "Traceback" not in err


def test_pyproject_and_folders_below(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.cnnscope]\nlimits.params = "61_706"\nmodel = [{ path = "models/**/*.onnx" }]\n'
    )
    monkeypatch.chdir(project / "models")
    code, out, _ = run("check", "-f", "json")
    assert code == 0
    found = json.loads(out)
    assert [model["model"] for model in found["models"]] == ["lenet5.onnx"]
    assert found["models"][0]["verdicts"][0]["limit"]["origin"] == "pyproject.toml:2"


def test_reports_beside_each_other(project: Path) -> None:
    reports = ["sarif", "junit", "gitlab", "github", "markdown", "json", "table"]
    options = [part for name in reports for part in ("--report", f"{name}=out/{name}")]
    (project / "out").mkdir()
    code, out, _ = run("check", LENET, "--limit", "macs=1", *options)
    assert code == 1
    assert "EXCEEDS" in out
    texts = {name: (project / "out" / name).read_text("utf-8") for name in reports}
    assert json.loads(texts["sarif"])["version"] == "2.1.0"
    assert json.loads(texts["gitlab"])[0]["location"]["path"] == LENET
    assert json.loads(texts["json"])["ok"] is False
    assert texts["junit"].startswith("<?xml")
    assert texts["github"].startswith("::error file=models/lenet5.onnx,line=1,title=")
    assert texts["markdown"].startswith("## cnnscope check: limits not kept")


def test_githubs_summary(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = project / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    code, out, _ = run("check", LENET, "--limit", "macs=500k", "--format", "github")
    assert code == 0
    assert out == "cnnscope check: 1 of 1 passed\n"
    assert summary.read_text().startswith("before\n## cnnscope check: all limits kept")
    run("check", LENET, "--limit", "macs=500k")
    assert summary.read_text().count("##") == 2  # its title and the model's: once


def test_a_baseline_is_written_and_held_against(project: Path, samples: Path) -> None:
    bare = ["check", LENET, "--baseline", "first.json", "--update-baseline"]
    assert run(*bare)[0] == 0  # the figures alone; no limit is needed
    assert json.loads(Path("first.json").read_text())["models"][0]["model"] == LENET
    config = WITHIN.replace("500 k", "+2 %") + 'limits.module."*".params = "+0"\n'
    (project / "cnnscope.toml").write_text('baseline = "ci/base.json"\n' + config)
    (project / "ci").mkdir()
    code, _, err = run("check")
    assert code == 2
    assert "--update-baseline writes it" in err
    code, _, err = run("check", "--update-baseline")
    assert code == 0
    assert "written, with the figures of 1 model\n" in err
    written = json.loads((project / "ci" / "base.json").read_text())
    assert written["models"][0]["model"] == "../models/lenet5.onnx"
    assert run("check")[0] == 0
    (project / LENET).write_bytes((samples / "alexnet.onnx").read_bytes())
    code, out, _ = run("check")
    assert code == 1
    assert "baseline 416.5 k" in " ".join(out.split())
    before = (project / "ci" / "base.json").read_bytes()
    (project / LENET).write_bytes(b"\xff\xff")
    code, _, err = run("check", "--update-baseline")
    assert code == 2
    assert "not written" in err
    assert (project / "ci" / "base.json").read_bytes() == before


def test_baselines_in_git(project: Path, samples: Path) -> None:
    git("init", "-q")
    pointer = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{'ab' * 32}\nsize {len((samples / 'lenet5.onnx').read_bytes())}\n"
    )
    (project / "large.onnx").write_text(pointer)
    run("check", LENET, "--limit", "macs=1 G", "--baseline", "base.json", "--update-baseline")
    git("add", "-A")
    git("commit", "-qm", "first")
    git("tag", "v1")
    (project / LENET).write_bytes((samples / "alexnet.onnx").read_bytes())
    for baseline in ("git:v1", f"git:v1:{LENET}", "git:v1:base.json", "git:HEAD"):
        code, out, err = run("check", LENET, "--limit", "macs=+2 %", "--baseline", baseline)
        assert (code, err) == (1, ""), baseline
        assert "416.5 k" in out
    (project / "new.onnx").write_bytes((samples / "lenet5.onnx").read_bytes())
    code, out, err = run("check", LENET, "new.onnx", "--limit", "macs=+2 %", "--baseline", "git:v1")
    assert (code, err) == (1, ""), "a model that is new doesn't hide the others"
    assert "EXCEEDS" in out
    assert "the baseline git:v1 has no such model" in " ".join(out.split())
    for baseline, said in {
        "git:nothing": "no such commit",
        "git:v1:nothing.onnx": "nothing.onnx",
        "git:v1:../outside.onnx": "repository",
        "git:--output=x:a.onnx": "no branch",
        "git:v1:large.onnx": "git lfs fetch origin v1",
        "large.onnx": "git lfs pull",
    }.items():
        code, _, err = run("check", LENET, "--limit", "macs=+2 %", "--baseline", baseline)
        assert code == 2
        assert said in err, baseline
    store = project / ".git" / "lfs" / "objects" / "ab" / "ab"
    store.mkdir(parents=True)
    (store / ("ab" * 32)).write_bytes((samples / "lenet5.onnx").read_bytes())
    arguments = ["--limit", "macs=+2 %", "--baseline", "git:v1:large.onnx"]
    assert run("check", LENET, *arguments)[0] == 1


def test_a_baseline_in_git_hangs_on_the_configurations_folder(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("check", LENET, "--limit", "macs=1 G", "--baseline", "base.json", "--update-baseline")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    for baseline in ("git:HEAD:base.json", f"git:HEAD:{LENET}", "git:HEAD"):
        (project / "cnnscope.toml").write_text(
            f'baseline = "{baseline}"\n[limits]\nmacs = "+0 %"\n[[model]]\npath = "{LENET}"\n'
        )
        for folder in (".", "a/b"):
            (project / folder).mkdir(parents=True, exist_ok=True)
            with monkeypatch.context() as there:
                there.chdir(project / folder)
                assert run("check")[::2] == (0, ""), (baseline, folder)


def test_a_file_that_fits_two_patterns_is_one_model(project: Path) -> None:
    (project / "cnnscope.toml").write_text(
        f'[limits]\nmacs = "1 G"\n[[model]]\npath = ["{LENET}", "./{LENET}"]\n'
    )
    code, out, _ = run("check", "--format", "json")
    assert code == 0
    assert len(json.loads(out)["models"]) == 1


def test_as_a_command(project: Path) -> None:
    (project / "cnnscope.toml").write_text(WITHIN)
    done = subprocess.run(
        [sys.executable, "-m", "cnnscope.cli", "check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "within its limit" in done.stdout
