"""Do the examples run: those in docstrings, and the commands in README.md and docs/?

A command is a line `$ cnnscope ...` in a fenced block marked `console`; a line that ends in a
backslash goes on. The commands of one block share a folder in which `sample_models` and `tests` are the
checkout's, and each has to exit with 0. What a block shows as output is compared only if the line
`<!-- ci:output -->` stands before it; a line `...` there is any number of lines. A command on another
model than a sample or the tests' isn't run.
"""

from __future__ import annotations

import doctest
import importlib
import linecache
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ready_command import ReadyCommand

import cnnscope
from cnnscope.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def stop(package: str) -> None:
    """An unimportable package fails the run; pkgutil alone would pass over it."""
    raise ImportError(f"{package} can't be imported, so its examples can't be found")


def module_names() -> list[str]:
    found = pkgutil.walk_packages(cnnscope.__path__, "cnnscope.", onerror=stop)
    return ["cnnscope", *(module.name for module in found)]


def by_room() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in module_names():
        found.setdefault(".".join(name.split(".")[:3]), []).append(name)
    return found


@pytest.mark.parametrize("names", by_room().values(), ids=by_room())
def test_docstrings(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # an example may name a sample model
    # Each example's debugger would look whether any of the thousands of source files has changed.
    monkeypatch.setattr(linecache, "checkcache", lambda filename=None: None)
    failed = [
        name
        for name in names
        if doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed
    ]
    assert not failed


#: what `cnnscope export` writes its files by
EXPORTED = ("--netron", "--annotate", "--model-explorer", "--cyclonedx")


@dataclass(frozen=True)
class Example:
    """One console block: its commands, each with the output shown below it."""

    where: str
    commands: tuple[tuple[str, str], ...]
    compared: bool

    def writes(self, command: str) -> bool:
        """Whether a command leaves a file that a later one may read."""
        return bool(
            {"-o", "--output", "--report", "--rewrite", "--trace", "--update-baseline", *EXPORTED}
            & set(command.split())
        )


#: what a command that leaves nothing behind said in this process
RAN: dict[str, tuple[int, str, str]] = {}

BLOCK = re.compile(
    r"^(?P<mark><!-- ci:output -->\n+)?^```console\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL
)


def examples(page: Path) -> Iterator[Example]:
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    for block in BLOCK.finditer(text):
        body = block["body"].replace("\\\n", "")
        # Whatever follows a prompt, up to the next one, is its output.
        turns = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", body, re.MULTILINE)
        commands = tuple((command, output) for command, output in turns if is_run(command))
        if commands:
            line = text.count("\n", 0, block.start("body"))
            where = page.relative_to(ROOT).as_posix()
            yield Example(f"{where}:{line}", commands, block["mark"] is not None)


def is_run(command: str) -> bool:
    written = re.sub(r"--rewrite \S+", "", command)
    models = [word for word in written.split() if word.endswith(".onnx")]
    return command.startswith("cnnscope ") and all(
        model.startswith(("sample_models/", "tests/data/")) for model in models
    )


EXAMPLES = [example for page in PAGES for example in examples(page)]


def test_readme_has_examples() -> None:
    if not any(example.where.startswith("README.md:") for example in EXAMPLES):
        pytest.skip("README.md has no `console` block with a command on a sample model")


def here(command: str, capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """A command's exit code and what it wrote, run in this process: a start of Python saved."""
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(command)[1:])
    out, err = capfd.readouterr()
    return int(stop.value.code or 0), out, err


def elsewhere(command: str, folder: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    """Likewise by a shell: an example may hold a pipe or a redirection."""
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout, done.stderr


def scripts_folder(request: pytest.FixtureRequest) -> str:
    """Where a shell finds `cnnscope`: ready to run where processes can fork."""
    if hasattr(os, "fork"):
        ready: ReadyCommand = request.getfixturevalue("ready")
        return str(ready.script.parent)
    return str(Path(sys.executable).parent)


@pytest.mark.usefixtures("without_children")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.where)
def test_commands(
    example: Example,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    for name in ("sample_models", "tests"):
        (tmp_path / name).symlink_to(ROOT / name, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    scripts = scripts_folder(request)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")]),
        "COLUMNS": "100",  # what rich would otherwise ask the terminal
        "NO_COLOR": "1",
    }
    for place, (command, shown) in enumerate(example.commands, 1):
        kept = not example.writes(command) or place == len(example.commands)  # nobody reads a file
        if set(command) & set("|<>&;$`*"):
            code, out, err = elsewhere(command, tmp_path, environment)
        elif kept and command in RAN:  # pages share commands
            code, out, err = RAN[command]
        else:
            code, out, err = here(command, capfd)
            if kept:
                RAN[command] = code, out, err
        assert code == 0, f"$ {command}\n{out}{err}"
        if example.compared:
            assert re.fullmatch(pattern(shown), lines(out)), f"$ {command}\n{out}"


def lines(output: str) -> str:
    """The lines without trailing blanks, which editors and tables treat differently."""
    return "".join(f"{line.rstrip()}\n" for line in output.strip().splitlines())


def pattern(shown: str) -> str:
    """What an output has to match of which this is shown."""
    return "".join(
        "(?:.*\n)*?" if line == "..." else f"{re.escape(line)}\n"
        for line in lines(shown).splitlines()
    )


def test_a_wrong_output_is_seen() -> None:
    assert re.fullmatch(pattern("a \n...\nd\n"), lines("a\nb\nc\nd\n\n"))
    for wrong in ("a\nc", "a\n...\nc", "...\nb\nd", "a\nb\nc"):
        assert not re.fullmatch(pattern(wrong), lines("a\nb\nc\nd\n")), wrong
