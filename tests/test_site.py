"""Does every link between the pages lead somewhere? Is every page found from the first one, and README short?

The site itself is built by `.ci/docs`, where a warning is an error; here is what needs no Sphinx.
"""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from unicodedata import category

import pytest

import cnnscope
from cnnscope.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "sample_models/README.md")),
    *sorted(DOCS.rglob("*.md")),
]


def prose(page: Path) -> str:
    """A page without its code."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"``.+?``|`[^`\n]*`", "", text)


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub names them: small letters, digits, `-` for a blank."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.M):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        kept = [x for x in plain if category(x)[0] in "LN" or x in " -_"]
        found.add("".join(kept).replace(" ", "-"))
    return found


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere in the checkout."""
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page: `x`, 2nd\n[a](#a-page-x-2nd) [b](#b) [c](gone.md) `[d](e)`\n")
    assert broken(page) == ["#b", "gone.md"]


def test_each_page_is_on_the_landing_page() -> None:
    listed = re.findall(r"^- \[[^]]+\]\(([^)]+)\)$", (DOCS / "README.md").read_text("utf-8"), re.M)
    assert len(listed) == len(set(listed))
    own = {page.name for page in DOCS.glob("*.md")} - {"README.md"}
    assert own - set(listed) == set()


def test_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) < 150
    assert sum(line.startswith("![") for line in lines) == 2


def test_pictures_are_light() -> None:
    for picture in (DOCS / "pictures").glob("*.webp"):
        assert picture.stat().st_size < 120_000, picture.name


def test_what_sphinx_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(DOCS / "site")])
    monkeypatch.setenv("COLUMNS", "100")
    runpy.run_path(str(DOCS / "site" / "layout.py"))["lay_out"](tmp_path)
    pages = list(tmp_path.rglob("*.md"))
    # The site's own names differ from the checkout's in what stands around docs/ only.
    assert len(pages) == len(PAGES) + 3
    assert {page.name: broken(page) for page in pages if broken(page)} == {}
    commands = anchors(tmp_path / "commands.md")
    assert {f"cnnscope-{name}" for name in COMMANDS} <= commands
    api = (tmp_path / "api.md").read_text("utf-8")
    assert [name for name in cnnscope.__all__ if f"cnnscope.{name}" not in api] == ["__version__"]
    for name in ("Conv", "Einsum", "Loop"):
        assert f"| {name} " in (tmp_path / "operators.md").read_text("utf-8")
