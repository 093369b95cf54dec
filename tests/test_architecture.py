"""Does docs/architecture.md's way of adding things lead to where it says?

Each section under "Adding to it" shows one new file and its test, and perhaps a line for a table. Here
they are put, to the letter, into a copy of the checkout, and the tests are run there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LONGEST = 14  # lines of what is shown for a file

BLOCK = re.compile(
    r"^```python\n# (?P<file>\S+\.py)(?P<where>, after `[^`\n]*`)?\n(?P<body>.*?)^```", re.M | re.S
)


@dataclass(frozen=True)
class Step:
    """A file to write, or lines that follow another in a file that is there."""

    file: str
    after: str | None
    body: str


def recipes() -> dict[str, list[Step]]:
    """The page's sections that add something, each with its steps."""
    chapter = PAGE.partition("\n## Adding to it\n")[2].partition("\n## ")[0]
    found = {}
    for section in re.split(r"^### ", chapter, flags=re.M)[1:]:
        title, _, text = section.partition("\n")
        found[title] = [
            Step(m["file"], m["where"] and m["where"][len(", after `") : -1], m["body"])
            for m in BLOCK.finditer(text)
        ]
    return found


RECIPES = recipes()


def test_the_page_shows_what_is_added_often() -> None:
    assert list(RECIPES) == [
        "An operator or a family of them", "A lint rule",
        "A quantity that `check` can limit", "A command", "A subject", "A format",
    ]  # fmt: skip


@pytest.mark.parametrize("title", RECIPES)
def test_each_is_one_file_and_its_test(title: str) -> None:
    steps = RECIPES[title]
    made = [step.file for step in steps if step.after is None]
    module, test = made
    assert module.startswith(("analyzer/", "runtime/"))
    assert test.startswith("tests/test_")
    assert len(steps) - len(made) <= 1, "a row in one table at most"
    assert all(step.body.count("\n") <= LONGEST for step in steps)


def test_following_the_page_works(tmp_path: Path) -> None:
    copy = tmp_path / "cnnscope"
    shutil.copytree(
        ROOT,
        copy,
        ignore=shutil.ignore_patterns(".*", "benchmarks", "docs", "sample_models", "data"),
    )
    tests = []
    for steps in RECIPES.values():
        for step in steps:
            file = copy / step.file
            if step.after is None:
                assert not file.exists()
                file.write_text(step.body, encoding="utf-8")
                tests += [step.file] * step.file.startswith("tests/")
            else:
                text = file.read_text(encoding="utf-8")
                assert text.count(f"{step.after}\n") == 1, step
                file.write_text(text.replace(f"{step.after}\n", f"{step.after}\n{step.body}"))
    # The copy stands before whatever is installed; its tests need none of this suite's settings.
    (copy / "pyproject.toml").unlink()
    # First of all the copy, whatever is installed.
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import pytest; "
        "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--import-mode=importlib', '-o', "
        "'pythonpath=tests', *sys.argv[1:]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *tests],
        cwd=copy, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(tests)} passed" in done.stdout
