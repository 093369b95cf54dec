"""Does all that is static work where cnnscope was installed from static.txt, without ONNX Runtime?

static.txt is held against pyproject.toml. What it gives is asked only where CNNSCOPE_STATIC names the
folder with such an installation's commands: .ci/run makes one, in an environment of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from static_commands import CODES, EXTRA, SAYS, STATIC

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "static.txt").read_text(encoding="utf-8")
DECLARED = [
    Requirement(text)
    for text in (*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"])
]
PLATFORMS = [
    ("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64"),
]  # fmt: skip


# -- what is listed ----------------------------------------------------------------------------


def listed() -> list[tuple[Requirement, set[str]]]:
    """What static.txt asks for, with the hashes of its files."""
    text = re.sub(r"\\\n", " ", re.sub(r"^ *#.*\n", "", LOCK, flags=re.MULTILINE))
    found = []
    for line in text.splitlines():
        if line and not line.startswith("--"):
            asked, *hashes = re.split(r" +--hash=", line.strip())
            found.append((Requirement(asked.strip()), set(hashes)))
    return found


def pinned(environment: dict[str, str]) -> dict[str, Version]:
    """The version of each package, in an environment."""
    return {
        wanted.name: Version(str(wanted.specifier).removeprefix("=="))
        for wanted, _ in listed()
        if wanted.marker is None or wanted.marker.evaluate(environment)
    }


def test_every_file_is_pinned_and_has_hashes() -> None:
    for wanted, hashes in listed():
        assert re.fullmatch(r"==[\w.]+", str(wanted.specifier)), wanted
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), wanted
    assert "--only-binary :all:" in LOCK, "nothing is built but cnnscope itself"


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize(("platform", "machine"), PLATFORMS)
def test_what_is_declared_is_listed_within_its_bounds(
    platform: str, machine: str, python: str
) -> None:
    here = {
        "sys_platform": platform, "platform_machine": machine, "python_version": python,
        "python_full_version": f"{python}.0",
    }  # fmt: skip
    found = pinned(here)
    for wanted in DECLARED:
        if wanted.name.startswith("onnxruntime"):
            assert wanted.name not in found
        elif wanted.marker is None or wanted.marker.evaluate(here):
            assert wanted.specifier.contains(found[wanted.name]), wanted
    assert not any(name.startswith("onnxruntime") for name in found)


# -- what it gives -----------------------------------------------------------------------------

TOOLS = Path(os.environ.get("CNNSCOPE_STATIC", "/nowhere"))
needs_installation = pytest.mark.skipif(
    "CNNSCOPE_STATIC" not in os.environ, reason="CNNSCOPE_STATIC names no static installation"
)


def run(program: str, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A program of the installation, far from the checkout and from this process's modules."""
    path = shutil.which(program, path=str(TOOLS))
    assert path is not None, f"no {program} in {TOOLS}"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        [path, *map(str, words)], cwd=cwd, env=kept, capture_output=True, text=True, check=False
    )


@needs_installation
def test_there_is_no_onnx_runtime(tmp_path: Path) -> None:
    done = run("python", "-I", "-c", "import onnxruntime", cwd=tmp_path)
    assert "No module named 'onnxruntime'" in done.stderr
    where = run("python", "-I", "-c", "import cnnscope; print(cnnscope.__file__)", cwd=tmp_path)
    assert Path(where.stdout).is_relative_to(TOOLS.parent), "it is this installation that is asked"


@needs_installation
@pytest.mark.parametrize("command", STATIC)
@pytest.mark.parametrize("model", ["lenet5", "mobilenet_v2"])
def test_static_commands(command: str, model: str, samples: Path, tmp_path: Path) -> None:
    path = samples / f"{model}.onnx"
    words = [path if word == "MODEL" else word for word in STATIC[command]]
    done = run("cnnscope", command, *words, cwd=tmp_path)
    if command in EXTRA:
        assert (done.returncode, done.stderr) == (2, f"cnnscope: {EXTRA[command]}\n")
        return
    assert (done.returncode, done.stderr) == (CODES.get(command, 0), SAYS.get(command, ""))
    assert done.stdout


@needs_installation
@pytest.mark.parametrize("command", ["analyze", "check", "lint"])
def test_all_samples(command: str, samples: Path, tmp_path: Path) -> None:
    options = [word for word in STATIC[command] if word != "MODEL"]
    models = sorted(samples.glob("*.onnx"))
    done = run("cnnscope", command, *models, *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(model.name in done.stdout for model in models)


@needs_installation
def test_completion(tmp_path: Path) -> None:
    """Of a command that can't run here, too. Of a layer's name it takes an analysis, as above."""
    done = run("cnnscope", "--complete", "bash", "cnnscope verify --prob", " \t\n", cwd=tmp_path)
    assert done.returncode == 0
    assert "=--probes" in done.stdout


@needs_installation
@pytest.mark.parametrize("command", ["verify", "profile"])
def test_what_runs_models_says_what_to_install(command: str, samples: Path, tmp_path: Path) -> None:
    done = run("cnnscope", command, samples / "lenet5.onnx", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "cnnscope: ONNX Runtime is needed and isn't installed: pip install "
    )
    assert done.stderr.count("\n") == 1


@needs_installation
def test_from_python(samples: Path, tmp_path: Path) -> None:
    code = (
        "import cnnscope\n"
        f"report = cnnscope.analyze({str(samples / 'lenet5.onnx')!r})\n"
        "assert report.totals.params.value == 61706\n"
        "assert cnnscope.check(report, {'params': '62 k'}).ok\n"
        "try:\n    cnnscope.verify(report)\n"
        "except cnnscope.RunError as error:\n    print(error)\n"
    )
    done = run("python", "-I", "-c", code, cwd=tmp_path)
    assert "isn't installed" in done.stdout, done.stderr
    assert sys.executable not in done.stdout
