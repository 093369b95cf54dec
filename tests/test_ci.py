"""Do the GitHub Action, the pre-commit hooks and the examples of docs/ci.md do what they say?

The action's steps are run as a runner does, by bash with the inputs as environment variables, in a
repository with two commits; the step that installs cnnscope is left out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import onnx
import pytest
from ready_command import ReadyCommand

from cnnscope.analyzer.budgets.config import read_config

yaml = pytest.importorskip("yaml", reason="PyYAML isn't installed (it is in the extra `test`)")

ROOT = Path(__file__).resolve().parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"] if "run" in step}
PLACEHOLDER = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")

needs_bash = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None or shutil.which("git") is None,
    reason="needs bash and git",
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


# -- the action, read --------------------------------------------------------------------------


@pytest.mark.parametrize("name", STEPS)
def test_no_input_is_pasted_into_a_script(name: str) -> None:
    """What stands in ${{ }} is put into the script's text: an input there could be commands."""
    assert not PLACEHOLDER.search(STEPS[name]["run"])
    assert STEPS[name]["shell"] == "bash"


def test_every_input_is_used_and_described() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    used = {
        name
        for found in PLACEHOLDER.findall(text)
        for name in re.findall(r"inputs\.([\w-]+)", found)
    }
    used |= set(re.findall(r"^ +if: .*?inputs\.([\w-]+)", text, re.MULTILINE))
    assert used == ACTION["inputs"].keys()
    assert all(given["description"] for given in ACTION["inputs"].values())
    documented = re.findall(r"^\| (`[\w-]+`(?:, `[\w-]+`)*) \|", PAGE, re.MULTILINE)
    assert {name for cell in documented for name in re.findall(r"[\w-]+", cell)} == used


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck isn't installed")
@pytest.mark.parametrize("name", STEPS)
def test_scripts_are_clean(name: str) -> None:
    done = subprocess.run(
        ["shellcheck", "--shell=bash", "-"],
        input=STEPS[name]["run"], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


# -- the action, run ---------------------------------------------------------------------------


@dataclass
class Job:
    """A checkout of a repository with two commits, and the folders a runner provides."""

    folder: Path
    temp: Path
    base: str = ""
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def summary(self) -> str:
        return (self.temp / "step_summary").read_text(encoding="utf-8")

    @property
    def action(self) -> Path:
        """A folder as the action's own is, or a wheel in its place."""
        folder = self.temp / "action"
        return folder if folder.exists() else self.temp / "cnnscope-0-py3-none-any.whl"

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.checkout, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "models")
        return self.git("rev-parse", "HEAD")

    def step(self, name: str, within: str = ".", **given: str) -> subprocess.CompletedProcess[str]:
        """A step, with the inputs and expressions of its `env` filled in, run in a folder."""
        expressions = {
            **{
                f"inputs.{key}": str(one.get("default", ""))
                for key, one in ACTION["inputs"].items()
            },
            **{f"inputs.{key.replace('_', '-')}": value for key, value in given.items()},
            "steps.install.outputs.cnnscope": str(self.temp / "cnnscope"),
            "steps.install.outputs.summary": str(self.temp / "summary.md"),
            "steps.install.outputs.work": str(self.temp),
            "github.action_path": str(self.action),
            "github.event.pull_request.number": "7",
            "github.event.pull_request.base.sha": self.base,
            "github.repository": "owner/repository",
            **{f"steps.{key}.outputs.status": value for key, value in self.outputs.items()},
        }

        def filled(text: str) -> str:
            def value(found: re.Match[str]) -> str:
                parts = (expressions.get(part, "") for part in found[1].split(" || "))
                return next((part for part in parts if part), "")

            return PLACEHOLDER.sub(value, text)

        output = self.temp / "output"
        output.write_text("", encoding="utf-8")
        environment = {
            **os.environ,
            **{key: filled(value) for key, value in STEPS[name]["env"].items()},
            "PATH": os.pathsep.join([str(self.temp / "bin"), os.environ.get("PATH", "")]),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.temp / "step_summary"),
            "RUNNER_TEMP": str(self.temp),
            "COLUMNS": "100",
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]],
            cwd=self.checkout / within, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        for line in output.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition("=")
            assert key in ("status", "work", "cnnscope", "summary")
            if key != "status":
                continue
            self.outputs[STEPS[name]["id"]] = value
        return done


def conv(channels: int) -> onnx.ModelProto:
    """A 1x1 convolution of 3 channels on 4x4, with `channels` filters."""
    text = f"""
    <ir_version: 8, opset_import: ["": 17]>
    g (float[1,3,4,4] x) => (float[1,{channels},4,4] y)
    <float[{channels},3,1,1] w = {{ {", ".join(["1"] * channels * 3)} }}>
    {{ y = Conv(x, w) }}
    """
    return onnx.parser.parse_model(text)


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """models/a.onnx grew from 12 to 15 parameters, b was renamed, c removed, d added; and since when."""
    made = Job(tmp_path_factory.mktemp("committed"), Path())
    (made.checkout / "models").mkdir(parents=True)
    made.git("init", "-q")
    onnx.save(conv(4), made.checkout / "models" / "a.onnx")
    onnx.save(conv(40), made.checkout / "models" / "b.onnx")
    onnx.save(conv(8), made.checkout / "models" / "c.onnx")
    base = made.commit()
    onnx.save(conv(5), made.checkout / "models" / "a.onnx")
    (made.checkout / "models" / "b.onnx").rename(made.checkout / "models" / "b 2.onnx")
    (made.checkout / "models" / "c.onnx").unlink()
    onnx.save(conv(100), made.checkout / "models" / "d.onnx")
    made.commit()
    return made.checkout, base


@pytest.fixture
def job(committed: tuple[Path, str], tmp_path: Path, ready: ReadyCommand) -> Job:
    """A copy of these two commits, with a runner's folders."""
    checkout, base = committed
    made = Job(tmp_path, tmp_path / "runner temp", base)
    (made.temp / "bin").mkdir(parents=True)
    shutil.copytree(checkout, made.checkout)
    (made.temp / "step_summary").touch()
    (made.temp / "summary.md").touch()
    (made.temp / "cnnscope").symlink_to(ready.script)
    return made


@needs_bash
@pytest.mark.parametrize(("limit", "status"), [("params=400", "0"), ("params=200", "1")])
def test_check_judges_what_the_patterns_match(job: Job, limit: str, status: str) -> None:
    done = job.step("cnnscope check", models="models/**/*.onnx\r\n\n", limits=limit)
    assert done.returncode == 0, done.stderr  # the last step fails the job, after the others
    assert job.outputs == {"check": status}
    assert ("::error file=models/d.onnx," in done.stdout) == (status == "1")
    for text in (job.summary, (job.temp / "summary.md").read_text()):
        assert text.count("###") == 3
        assert "models/b 2.onnx" in text
    assert job.step("Result").returncode == int(status)


@needs_bash
def test_check_takes_the_configuration_and_a_commit(job: Job) -> None:
    config = job.checkout / "cnnscope.toml"
    config.write_text('[[model]]\npath = "models/a.onnx"\n[model.limits]\nparams = "+20 %"\n')
    done = job.step("cnnscope check", baseline=f"git:{job.base}")
    assert job.outputs == {"check": "1"}, done.stderr  # 12 + 20 % is 14.4
    job.step("cnnscope check", baseline=f"git:{job.base}", args="--limit\nparams=+25%\n")
    assert job.outputs == {"check": "0"}


@needs_bash
@pytest.mark.parametrize(
    "models", ["none/*.onnx", "$(touch broken)", "`touch broken`; touch broken", "--help", "a b"]
)
def test_what_is_no_model_fails_and_runs_nothing(job: Job, models: str) -> None:
    done = job.step("cnnscope check", models=models, limits="params=1 G")
    assert done.returncode == 0
    assert job.outputs == {"check": "2"}, done.stdout
    assert not (job.checkout / "broken").exists()
    assert job.step("Result").returncode == 2


@needs_bash
@pytest.mark.parametrize(
    "name",
    ["$(touch broken).onnx", "a\n::error::b.onnx", "**[x](y)**`;@all.onnx", "-o.onnx", "a[b].onnx"],
)
def test_names_are_data(job: Job, name: str) -> None:
    onnx.save(conv(4), job.checkout / name)
    job.base = job.commit()
    onnx.save(conv(5), job.checkout / name)
    done = job.step("cnnscope diff")
    assert (done.returncode, job.outputs) == (0, {"diff": "0"}), done.stderr
    assert not (job.checkout / "broken").exists()
    assert not any(line.startswith("::") for line in done.stdout.splitlines())
    assert "@all" not in job.summary.split("###")[0]
    assert "\n::" not in job.summary
    assert "12 | 15 | +3" in job.summary
    if "\n" not in name:
        job.step("cnnscope check", models=name, limits="params=20")
        assert job.outputs["check"] == "0"


@needs_bash
def test_diff_shows_each_model_that_changed(job: Job) -> None:
    done = job.step("cnnscope diff")
    assert (done.returncode, job.outputs) == (0, {"diff": "0"}), done.stderr
    summary = job.summary
    assert "**models/a.onnx**\n" in summary
    assert "| parameters | 12 | 15 | +3 |" in summary
    assert "**models/b 2.onnx**\n" in summary
    assert "**models/c.onnx** is gone." in summary
    assert "**models/d.onnx** is new." in summary
    assert summary == (job.temp / "summary.md").read_text()


@needs_bash
def test_diff_fails_on_what_it_is_told_to(job: Job) -> None:
    job.step("cnnscope diff", fail_on="params")
    assert job.outputs == {"diff": "1"}
    assert job.step("Result").returncode == 1
    job.step("cnnscope diff", fail_on="dtype")
    assert job.outputs == {"diff": "0"}


@needs_bash
def test_diff_fetches_the_base_into_a_shallow_checkout(job: Job) -> None:
    whole = job.folder / "whole"
    job.checkout.rename(whole)
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", f"file://{whole}", str(job.checkout)], check=True
    )
    subprocess.run(["git", "-C", str(whole), "branch", "release/1", job.base], check=True)
    job.step("cnnscope check", models="models/*.onnx", limits="params=400", base="release/1")
    assert "parameters 12 → 15" in job.summary.replace("\N{NO-BREAK SPACE}", " ")
    job.step("cnnscope diff", base="release/1")
    assert job.outputs == {"check": "0", "diff": "0"}
    assert "| parameters | 12 | 15 | +3 |" in job.summary


@needs_bash
@pytest.mark.parametrize(
    ("base", "status"), [("0" * 40, "0"), ("--upload-pack=touch broken", "2"), ("unheard-of", "2")]
)
def test_diff_without_a_base(job: Job, base: str, status: str) -> None:
    done = job.step("cnnscope diff", base=base)
    assert (done.returncode, job.outputs) == (0, {"diff": status})
    assert not (job.checkout / "broken").exists()


@needs_bash
def test_diff_says_what_it_cannot_compare(job: Job) -> None:
    (job.checkout / "models" / "a.onnx").write_bytes(b"\xff\xff no model")
    done = job.step("cnnscope diff")
    assert job.outputs == {"diff": "0"}
    assert "**models/a.onnx** could not be compared." in job.summary
    assert "::warning::" in done.stdout
    job.step("cnnscope diff", fail_on="params")
    assert job.outputs == {"diff": "2"}


GH = """#!/bin/sh
printf '%s\\n' "$*" >>"$WORK/calls"
case "$*" in *--paginate*) cat "$WORK/comments" ;; esac
for last; do :; done
case "$last" in body=@*) cp "${last#body=@}" "$WORK/posted" ;; esac
exit "${GH_EXIT:-0}"
"""


@needs_bash
@pytest.mark.parametrize(
    ("comments", "call"), [("", "issues/7/comments"), ("42\n", "--method PATCH")]
)
def test_the_comment_is_written_once(job: Job, comments: str, call: str) -> None:
    gh = job.temp / "bin" / "gh"
    gh.write_text(GH)
    gh.chmod(0o755)
    (job.temp / "comments").write_text(comments)
    (job.temp / "summary.md").write_text("a row | of $(text)\n" * 10_000)
    done = job.step("Comment on the pull request")
    assert done.returncode == 0, done.stderr
    assert call in (job.temp / "calls").read_text().splitlines()[-1]
    posted = (job.temp / "posted").read_text()
    assert posted.startswith("<!-- cnnscope -->\na row | of $(text)\n")
    assert len(posted) < 65_536
    assert posted.endswith("Cut off: the rest is in the summary of the job.\n")


@needs_bash
def test_a_comment_that_may_not_be_written_is_a_warning(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    gh = job.temp / "bin" / "gh"
    gh.write_text(GH)
    gh.chmod(0o755)
    (job.temp / "comments").touch()
    monkeypatch.setenv("GH_EXIT", "1")
    done = job.step("Comment on the pull request")
    assert done.returncode == 0
    assert "::warning::cnnscope: no comment" in done.stdout


@needs_bash
def test_a_pull_request_gets_one_comment_with_one_table(tmp_path: Path, job: Job) -> None:
    """One model changed within its limits, one is new and within the absolute ones: it passes.

    a has 12 parameters, and 13.2 are allowed: another weight is all that changed; d has 300 of 400.
    """
    config = job.checkout / "cnnscope.toml"
    job.git("checkout", "-q", job.base)
    config.write_text('[[model]]\npath = "models/*.onnx"\n[model.limits]\nparams = "400, +10 %"\n')
    job.base = job.commit()
    changed = conv(4)
    changed.graph.initializer[0].float_data[0] = 5
    onnx.save(changed, job.checkout / "models" / "a.onnx")
    onnx.save(conv(100), job.checkout / "models" / "d.onnx")
    job.commit()
    gh = job.temp / "bin" / "gh"
    gh.write_text(GH)
    gh.chmod(0o755)
    (job.temp / "comments").touch()
    done = job.step("cnnscope check", baseline=f"git:{job.base}")
    assert done.returncode == 0, done.stderr
    job.step("cnnscope diff")
    job.step("Comment on the pull request")
    assert job.outputs == {"check": "0", "diff": "0"}
    assert job.step("Result").returncode == 0
    posted = (job.temp / "posted").read_text()
    assert len((job.temp / "calls").read_text().splitlines()) == 2  # looked for, then written
    assert posted.count("<details") == posted.count("</details>")
    seen = posted
    while "<details" in seen:  # the innermost first
        seen = re.sub(r"<details(?:(?!<details).)*?</details>", "", seen, flags=re.DOTALL)
    rows = [x for x in seen.splitlines() if x.startswith("|")]
    assert [x.split("|")[2].strip() for x in rows] == [
        "model",
        "---",
        "models/a.onnx",
        "models/d.onnx",
    ]
    assert "Conv changed: other weights" in rows[2]
    assert "🆕" in rows[3]
    assert "new, no baseline" in rows[3]
    assert "2 models unchanged, within their limits." in seen
    assert "What changed, layer by layer" in posted


@needs_bash
def test_what_may_not_change_is_unfolded(job: Job) -> None:
    job.step("cnnscope check", models="models/*.onnx", limits="params=400")
    job.step("cnnscope diff", fail_on="params")
    assert job.outputs == {"check": "0", "diff": "1"}
    assert (
        "<details open><summary>What changed, layer by layer (not allowed: params)" in job.summary
    )


@needs_bash
def test_a_check_that_judges_nothing_says_so(job: Job) -> None:
    job.step("cnnscope check", models="models/*.onnx", limits="parms=400")
    job.step("cnnscope diff")
    assert job.outputs == {"check": "2", "diff": "0"}
    assert job.summary.startswith(
        "**cnnscope check** could judge nothing: the log of the job says why."
    )
    assert "\n**models/a.onnx**\n" in job.summary
    assert "<details><summary>What changed" not in job.summary, "there is no table above it"
    assert job.summary == (job.temp / "summary.md").read_text()


@needs_bash
def test_a_check_alone_needs_no_base(job: Job) -> None:
    job.step("cnnscope check", models="models/*.onnx", limits="params=400", base="unheard-of")
    assert job.outputs == {"check": "0"}
    job.step("cnnscope check", models="models/*.onnx", limits="params=400", diff="false")
    assert job.outputs == {"check": "0"}


# -- the checkout is data ----------------------------------------------------------------------

# What Python looks for by itself, what the steps' tools import, and what they are themselves.
MODULES = [
    "logging.py", "venv.py", "pip.py", "re.py", "os.py", "json.py", "sitecustomize.py", "site.py",
    "usercustomize.py", "ensurepip/__init__.py", "cnnscope/__init__.py", "cnnscope/cli.py",
    "onnx/__init__.py", "numpy/__init__.py", "rich/__init__.py", "typer/__init__.py", "yaml.py",
    "contextlib.py", "subprocess.py", "encodings/__init__.py", "importlib/__init__.py",
]  # fmt: skip
PROGRAMS = ["python", "python3", "git", "gh", "pip", "mktemp", "git-lfs", "sh", "cat"]
#: a folder that Git would take for a repository, and the commands that its configuration names
BARE = {
    "HEAD": "ref: refs/heads/main\n",
    "objects/.keep": "",
    "refs/.keep": "",
    "config": """
        [core]
            repositoryformatversion = 1
            bare = false
            worktree = .
            fsmonitor = MARK
            hooksPath = .
            sshCommand = MARK
            pager = MARK
        [diff]
            external = MARK
        [extensions]
            partialClone = origin
        [remote "origin"]
            url = .
            uploadpack = MARK
            promisor = true
        [filter "lfs"]
            clean = MARK
            smudge = MARK
    """,
}


@pytest.fixture
def trapped(job: Job) -> Job:
    """A pull request with modules, programs and configurations that leave a mark when they are run."""
    mark = job.folder / "marked"
    lines = f"open({str(mark)!r}, 'a').write(__file__ + chr(10))\n"
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folders = ["", "site-packages", f"lib/{here}/site-packages", f".local/lib/{here}/site-packages"]
    for folder in folders:
        for name in MODULES:
            path = job.checkout / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(lines)
        path = job.checkout / folder / "evil.pth"
        path.write_text(f"import sys; {lines}")
        about = job.checkout / folder / "evil-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("[cnnscope.operators]\nx = logging\n")
    script = f"#!/bin/sh\necho \"$0\" >>'{mark}'\n"
    for name in [*PROGRAMS, "post-checkout", "reference-transaction", ".bashrc", ".profile"]:
        path = job.checkout / name
        path.write_text(script)
        path.chmod(0o755)
    job.checkout.joinpath(".gitattributes").write_text(
        "*.onnx diff=evil filter=evil textconv=evil\n"
    )
    job.checkout.joinpath(".lfsconfig").write_text('[filter "evil"]\nclean = ./git\n')
    job.checkout.joinpath("setup.py").write_text(lines)
    job.checkout.joinpath("pip.conf").write_text("[global]\nprefix = .\n")
    job.commit()
    return job


def marks(job: Job) -> list[str]:
    mark = job.folder / "marked"
    return mark.read_text().splitlines() if mark.exists() else []


@needs_bash
@pytest.mark.parametrize("hostile", [False, True], ids=["started there", "PYTHONPATH=."])
def test_no_step_runs_what_is_in_the_checkout(
    trapped: Job, hostile: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gh = trapped.temp / "bin" / "gh"
    gh.write_text('#!/bin/sh\npwd >"$WORK/where"\n')
    gh.chmod(0o755)
    # As an entry point is: Python starts it with the script's folder before all others.
    entry = trapped.temp / "cnnscope"
    entry.unlink()
    body = "import sys\nfrom cnnscope.cli import main\nsys.exit(main())\n"
    entry.write_text(f"#!{sys.executable}\n{body}")
    entry.chmod(0o755)
    with monkeypatch.context() as patch:
        if hostile:
            patch.setenv("PYTHONPATH", f".{os.pathsep}{trapped.checkout}")
            patch.setenv("PYTHONUSERBASE", str(trapped.checkout / ".local"))
            patch.setenv("PYTHONSTARTUP", str(trapped.checkout / "pip.py"))
        checked = trapped.step(
            "cnnscope check", models="models/**/*.onnx", limits="params=400",
            baseline=f"git:{trapped.base}",
        )  # fmt: skip
        compared = trapped.step("cnnscope diff")
        trapped.step("Comment on the pull request")
        assert trapped.step("Result").returncode == 0
    assert trapped.outputs == {"check": "0", "diff": "0"}, checked.stderr + compared.stderr
    assert "| parameters | 12 | 15 | +3 |" in trapped.summary
    assert (trapped.temp / "where").read_text().strip() == str(trapped.temp)
    assert marks(trapped) == []


#: a project that builds without anything, and what it is installed as
BACKEND = """
import pathlib, shutil
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "cnnscope-0-py3-none-any.whl"
    shutil.copy(pathlib.Path(__file__).with_name("it.whl"), pathlib.Path(folder, name))
    return name
"""
PYPROJECT = """
[build-system]
requires = ["absent>=1"]
build-backend = "backend"
backend-path = ["."]
[project]
name = "cnnscope"
version = "0"
dependencies = ["absent>=1"]
"""


@needs_bash
@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["true", "false"])
def test_the_installation_runs_nothing_of_the_checkout(
    trapped: Job, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a wheel, or a folder that holds one, in place of cnnscope, so that no network is needed."""
    wheel = trapped.temp / "cnnscope-0-py3-none-any.whl"
    about = "cnnscope-0.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("cnnscope/__init__.py", "")
        file.writestr("cnnscope/cli.py", "import logging\ndef main(): print('installed')\n")
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: cnnscope\nVersion: 0\n")
        file.writestr(
            f"{about}/entry_points.txt", "[console_scripts]\ncnnscope=cnnscope.cli:main\n"
        )
        file.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: a\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr(f"{about}/RECORD", "")
    python = trapped.temp / "bin" / "python"
    python.symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PYTHONPATH", f".{os.pathsep}{trapped.checkout}")
    monkeypatch.setenv("PYTHONUSERBASE", str(trapped.checkout / ".local"))
    if runtime == "false":
        action = trapped.temp / "action"
        action.mkdir()
        (action / "static.txt").write_text("--only-binary :all:\n")
        (action / "pyproject.toml").write_text(PYPROJECT)
        (action / "backend.py").write_text(BACKEND)
        wheel.rename(action / "it.whl")
    done = trapped.step("Install cnnscope", runtime=runtime)
    assert (done.returncode, done.stdout.strip()) == (0, "installed"), done.stderr
    assert marks(trapped) == []


PYTHON = """#!/bin/sh
# In place of Python: makes what would be installed, and notes what pip is asked for.
for last; do :; done
case "$*" in
    *" venv "*) mkdir -p "$last/bin" && cp /bin/true "$last/bin/cnnscope" ;;
    *) printf '%s\\n' "$*" >>"$RUNNER_TEMP/asked" ;;
esac
"""


@needs_bash
@pytest.mark.parametrize(
    ("given", "files", "full"),
    [
        ({}, {}, False),
        ({"limits": "macs=4G\nparams=1M"}, {"cnnscope.toml": "[limits]\nmacs = '1 G'\n"}, False),
        ({"limits": "macs=4G\nlatency_p50=5ms"}, {}, True),
        ({"args": "--limit\nlatency_p99<1s"}, {}, True),
        ({}, {"cnnscope.toml": "[limits]\nlatency_p50 = '5 ms'\n"}, True),
        ({}, {"pyproject.toml": "[tool.cnnscope.limits]\nlatency_p50 = '5 ms'\n"}, True),
        (
            {"working_directory": "models"},
            {"cnnscope.toml": "[limits]\nlatency_p50 = '1 s'\n"},
            True,
        ),
        ({"config": "-a.toml"}, {"-a.toml": "[limits]\nlatency_p50 = '5 ms'\n"}, True),
        ({"config": "a.toml"}, {"a.toml": "", "cnnscope.toml": "# latency_p50"}, False),
        ({"config": "no.toml"}, {}, False),
        ({"config": "$(touch broken)"}, {}, False),
        ({"runtime": "true"}, {}, True),
        ({"runtime": "false", "limits": "latency_p50=5ms"}, {}, False),
    ],
)
def test_onnx_runtime_is_installed_where_a_latency_is_limited(
    job: Job, given: dict[str, str], files: dict[str, str], full: bool
) -> None:
    python = job.temp / "bin" / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    for name, text in files.items():
        (job.checkout / name).write_text(text)
    done = job.step("Install cnnscope", given.get("working_directory", "."), **given)
    assert done.returncode == 0, done.stderr
    asked = (job.temp / "asked").read_text().splitlines()
    static = ["--no-deps --require-hashes -r", "--no-deps --no-build-isolation"]
    if full:
        assert len(asked) == 1
        assert "--no-deps" not in asked[0]
    else:
        assert all(words in line for words, line in zip(static, asked, strict=True))
    assert not (job.checkout / "broken").exists()


@needs_bash
def test_a_folder_that_looks_like_a_repository_is_none(trapped: Job) -> None:
    """`working-directory` is one that a pull request filled, with commands in its `config`."""
    folder = trapped.checkout / "models"
    for name, text in BARE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("MARK", str(trapped.checkout / "git")))
    trapped.git("add", "-A")
    trapped.git("commit", "-q", "-m", "bare")
    for name in ("cnnscope check", "cnnscope diff"):
        trapped.step(name, within="models", models="a.onnx", baseline=f"git:{'1' * 40}",
                     limits="params=+1%", base="2" * 40)  # fmt: skip
    assert trapped.outputs == {"check": "2", "diff": "2"}
    assert marks(trapped) == []


@needs_bash
def test_a_name_in_the_summary_is_no_link(job: Job) -> None:
    for name in ("www.evil.example.onnx", "GH-12.onnx", "see deadbeef1.onnx"):
        onnx.save(conv(4), job.checkout / name)
    job.step("cnnscope diff", base=job.commit())
    for name in ("www.evil.example.onnx", "GH-12.onnx", "see deadbeef1.onnx"):
        (job.checkout / name).unlink()
    job.step("cnnscope diff", base=job.git("rev-parse", "HEAD"))
    for name in ("www.evil.example.onnx", "GH-12.onnx", "see deadbeef1.onnx"):
        assert f"**`{name}`** is gone." in job.summary


# -- pre-commit --------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_hooks_name_a_command_and_its_files(hook: dict[str, object], ready: ReadyCommand) -> None:
    entry = str(hook["entry"]).split()
    done = subprocess.run(
        [ready.script, *entry[1:], "--help"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert entry[0] == "cnnscope"
    assert done.returncode == 0, done.stderr
    assert hook["args"] == ["--"]
    assert re.search(str(hook["files"]), "models/a.onnx")
    assert not re.search(str(hook["files"]), "models/a.onnx.data")


def test_hooks_run_on_what_they_are_given(
    samples: Path, tmp_path: Path, ready: ReadyCommand
) -> None:
    shutil.copy(samples / "lenet5.onnx", tmp_path / "-o.onnx")
    (tmp_path / "cnnscope.toml").write_text('[limits]\nparams = "62 k"\n')
    for hook in HOOKS:
        done = subprocess.run(
            [ready.script, *hook["entry"].split()[1:], *hook["args"], "-o.onnx"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


# -- the examples of docs/ci.md ----------------------------------------------------------------


def test_its_configuration_is_one(samples: Path, tmp_path: Path) -> None:
    (config,) = [text for text in blocks("toml") if text.startswith("# cnnscope.toml")]
    (tmp_path / "cnnscope.toml").write_text(config)
    assert read_config(tmp_path / "cnnscope.toml").models
    assert tomllib.loads(config)


def test_its_workflows_use_the_action_as_it_is() -> None:
    used = []
    for text in blocks("yaml"):
        found = yaml.safe_load(text)
        steps = found if isinstance(found, list) else [
            step for work in found.get("jobs", {}).values() for step in work["steps"]
        ]  # fmt: skip
        used += [step for step in steps if "OWNER/cnnscope" in step.get("uses", "")]
    assert len(used) == 3
    for step in used:
        given = step.get("with", {})
        assert given.keys() <= ACTION["inputs"].keys()
        assert all(isinstance(value, str) for value in given.values()), "YAML has true for a text"


def test_its_hooks_are_there() -> None:
    named, own = set(), []
    for text in blocks("yaml"):
        found = yaml.safe_load(text)
        repos = found if isinstance(found, list) else found.get("repos", [])
        for repo in repos:
            hooks = repo.get("hooks", ())
            if repo.get("repo") == "local":
                own += hooks
            else:
                named |= {hook["id"] for hook in hooks}
    assert named == {hook["id"] for hook in HOOKS}
    # One that calls what is installed says itself what the repository's says.
    (hook,) = own
    (same,) = [one for one in HOOKS if one["id"] == hook["id"]]
    assert hook["language"] == "system"
    for key in ("entry", "args", "files", "require_serial"):
        assert hook[key] == same[key]


def test_its_gitlab_job_writes_what_it_hands_over(
    samples: Path, tmp_path: Path, ready: ReadyCommand
) -> None:
    (text,) = [text for text in blocks("yaml") if text.startswith("# .gitlab-ci.yml")]
    work = yaml.safe_load(text)["cnnscope"]
    (config,) = [text for text in blocks("toml") if text.startswith("# cnnscope.toml")]
    (tmp_path / "cnnscope.toml").write_text(config)
    (tmp_path / "models").mkdir()
    shutil.copy(samples / "lenet5.onnx", tmp_path / "models")
    for command in work["script"]:
        program, *arguments = command.split()
        assert program == "cnnscope"
        done = subprocess.run(
            [ready.script, *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    reports = work["artifacts"]["reports"]
    assert reports.keys() == {"codequality", "junit"}
    assert all((tmp_path / name).stat().st_size for name in reports.values())


def test_its_tests_pass(samples: Path, tmp_path: Path, ready: ReadyCommand) -> None:
    (code,) = blocks("python")
    (tmp_path / "test_models.py").write_text(code)
    (tmp_path / "models").mkdir()
    shutil.copy(samples / "lenet5.onnx", tmp_path / "models")
    check = [str(ready.script), "check", "models/lenet5.onnx", "--limit=params=+0%"]
    update = [*check, "--baseline=baseline.json", "--update-baseline"]
    subprocess.run(update, cwd=tmp_path, check=True, capture_output=True)
    plugin = ["-p", "cnnscope.pytest_plugin", "-p", "no:cacheprovider", "--strict-markers"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugin],
        cwd=tmp_path, env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
