"""Is exactly the package installed, and is the source distribution the whole checkout?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["setuptools"]["packages"]
DATA = {
    "cnnscope/analyzer/cnnscope.schema.json",
    "cnnscope/py.typed",
    "cnnscope/testing.pyi",
    "cnnscope/analyzer/render/report.schema.json",
    *(
        f"cnnscope/analyzer/render/page/built/{name}"
        for name in ("page.js", "page.css", "licenses.txt", "fleet.js", "fleet.css")
    ),
    "cnnscope/analyzer/render/page/template/page.html",
}
# Folders of code at the root; what isn't among them is never part of the package.
PACKAGE_FOLDERS = ["analyzer", "runtime"]


def folder(package: str) -> Path:
    """Where a package's modules are: the root is `cnnscope`."""
    return ROOT.joinpath(*package.split(".")[1:])


def tracked() -> list[str] | None:
    """The files git tracks or would track, as posix paths; None outside a checkout."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"]
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        return None
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    return [name for name in listed if name and (ROOT / name).is_file()]


def expected_modules() -> set[str]:
    return {
        f"{package.replace('.', '/')}/{file.name}"
        for package in PACKAGES
        for file in folder(package).glob("*.py")
    }


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist, and a wheel built from it: CNNSCOPE_DIST's, or new ones.

    They are built from a copy, because setuptools puts into a wheel whatever an earlier build left
    in the tree.
    """
    given = os.environ.get("CNNSCOPE_DIST")
    if given:
        return Path(given)
    pytest.importorskip("build", reason="`build` isn't installed (it is in the extra `test`)")
    copy = tmp_path_factory.mktemp("source") / "checkout"
    names = tracked()
    if names is None:
        junk = shutil.ignore_patterns(".?*_cache", ".venv", ".hypothesis", "build", "*.egg-info")
        shutil.copytree(ROOT, copy, ignore=junk)
    else:
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    out = tmp_path_factory.mktemp("dist")
    # Without isolation, so without the network; from another folder, where no `build/` can shadow
    # the module `build`.
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(copy)],
        cwd=out,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> set[str]:
    """The names in the wheel, without its metadata."""
    (file,) = dist.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return {n for n in archive.namelist() if ".dist-info/" not in n}


@pytest.fixture(scope="module")
def sdist(dist: Path) -> set[str]:
    """The files in the sdist, below its one folder."""
    (file,) = dist.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        return {m.name.split("/", 1)[1] for m in archive.getmembers() if m.isfile()}


def test_the_listed_packages_are_the_tree() -> None:
    below = (f.parent for name in PACKAGE_FOLDERS for f in (ROOT / name).rglob("*.py"))
    found = {".".join(["cnnscope", *f.relative_to(ROOT).parts]) for f in [ROOT, *below]}
    assert sorted(PACKAGES) == sorted(found)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_an_init(package: str) -> None:
    assert (folder(package) / "__init__.py").is_file()


def test_the_root_holds_two_modules() -> None:
    """Any other would be installed with the package."""
    assert {file.name for file in ROOT.glob("*.py")} == {"__init__.py", "cli.py"}


def test_the_wheel_is_the_package(wheel: set[str]) -> None:
    assert sorted(wheel) == sorted(expected_modules() | DATA)


def test_the_wheel_carries_the_licence(dist: Path) -> None:
    (file,) = dist.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in archive.namelist())


def test_the_wheel_registers_its_command_and_its_pytest_plugin(dist: Path) -> None:
    (file,) = dist.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        (name,) = [x for x in archive.namelist() if x.endswith(".dist-info/entry_points.txt")]
        lines = archive.read(name).decode().split("\n")
    assert "cnnscope = cnnscope.cli:main" in lines
    assert "cnnscope = cnnscope.pytest_plugin" in lines


def test_the_sdist_holds_what_it_takes(sdist: set[str]) -> None:
    needed = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".ci/run", "py.typed"}
    assert needed <= sdist
    for name in ("analyzer", "docs", "runtime", "sample_models", "tests"):
        assert any(file.startswith(f"{name}/") for file in sdist), name


def test_the_sdist_is_whole(sdist: set[str]) -> None:
    names = tracked()
    if names is None:
        pytest.skip("not a git checkout, so no list of files to compare the sdist with")
    assert not set(names) - sdist


def test_each_platform_gets_one_onnxruntime() -> None:
    """Both wheels own one import name: where both or none are installed, nothing works."""
    from packaging.requirements import Requirement  # pytest and build depend on it

    wanted = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    wanted = [one for one in wanted if one.name.startswith("onnxruntime")]
    for platform in ("linux", "win32", "darwin"):
        for machine in ("x86_64", "AMD64", "aarch64", "arm64", "ARM64"):
            here = {"sys_platform": platform, "platform_machine": machine}
            names = [one.name for one in wanted if one.marker is None or one.marker.evaluate(here)]
            gpu = platform in ("linux", "win32") and machine in ("x86_64", "AMD64")
            assert names == ["onnxruntime-gpu" if gpu else "onnxruntime"], here
