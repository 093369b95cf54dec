"""Lays out what the documentation site is made of: `python docs/site/layout.py FOLDER`.

The pages are those in docs/, readable where they are; here they lie as the site has them, with the links
between them rewritten, and beside them stand the references that are made of the program itself.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path, PurePosixPath
from typing import Final

from references import REFERENCES

ROOT: Final = Path(__file__).resolve().parent.parent.parent
#: what isn't in docs/, or has another name on the site
PLACES: Final = {
    "docs/README.md": "index.md",
    "README.md": "install.md",
    "CHANGELOG.md": "changelog.md",
    "sample_models/README.md": "sample_models.md",
    "analyzer/render/report.schema.json": "report.schema.json",
}
_LINK: Final = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)")
_PLAIN: Final = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
_ENTRY: Final = re.compile(r"^- \[(.+)\]\(([^)]+\.md)\)$", re.MULTILINE)


def places() -> dict[str, str]:
    """Each file that the site has, and where it has it; both relative, with slashes."""
    files = (
        x
        for x in (ROOT / "docs").rglob("*")
        if x.suffix in (".md", ".ipynb", ".png", ".svg", ".webp")
    )
    own = {x.relative_to(ROOT).as_posix(): x.relative_to(ROOT / "docs").as_posix() for x in files}
    return own | PLACES


def linked(text: str, old: str, new: str, where: dict[str, str]) -> str:
    """A page with its links as they are from its new place. Those to what the site doesn't have stay."""

    def moved(link: re.Match[str]) -> str:
        target = os.path.normpath(PurePosixPath(old).parent / link[1])
        if target not in where:
            return link[1]
        return Path(os.path.relpath(where[target], PurePosixPath(new).parent)).as_posix()

    parts = _PLAIN.split(text)
    parts[::2] = [_LINK.sub(moved, part) for part in parts[::2]]
    return "".join(parts)


def contents(text: str) -> str:
    """The landing page, each of its lists of pages also a part of the site's contents."""
    head, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    sections[-1] += "".join(f"- [{name}]({page})\n" for page, (name, _) in REFERENCES.items())
    trees = []
    for section in sections:
        entries = [f"{name} <{page}>" for name, page in _ENTRY.findall(section)]
        trees.append(tree(entries, f":caption: {section.partition(chr(10))[0]}"))
    return "\n".join(("## ".join((head, *sections)), *trees))


def tree(entries: list[str], *options: str) -> str:
    """A part of the site's contents, which the page itself doesn't show."""
    return "\n".join(("```{toctree}", ":hidden:", *options, "", *entries, "```\n"))


def lay_out(folder: Path) -> None:
    """Write everything that Sphinx reads, but its configuration."""
    where = places()
    for old, new in where.items():
        target = folder / new
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix != ".md":
            shutil.copyfile(ROOT / old, target)
            continue
        text = linked((ROOT / old).read_text(encoding="utf-8"), old, new, where)
        if new == "index.md":
            text = contents(text)
        elif new == "rules/README.md":
            text += "\n" + tree(["CNS*"], ":glob:")
        target.write_text(text, encoding="utf-8")
    for page, (_, made) in REFERENCES.items():
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        (folder / page).write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
