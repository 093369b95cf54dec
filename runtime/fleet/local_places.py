"""Which models lie here, in a folder or under a pattern?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cnnscope.analyzer.model.path_pattern import MAGIC
from cnnscope.analyzer.model.unreadable import error_line
from cnnscope.runtime.fleet.tree_walk import Entry, Kind, walked
from cnnscope.runtime.fleet.unlisted import ENDINGS, Found, Unlisted, Wanted, or_this, placed


def places_here(word: str) -> Found:
    """The files that a word means: itself, a folder's, a pattern's. None is a place far away.

    Links to folders are followed where a name of the pattern means them, and not in any depth; hidden
    files and folders are left out unless their dot is in the pattern.
    """
    if not word:
        return iter([word])
    word = str(Path(word))  # no `//` is left: a folder that is called `s3:` is none far away
    if os.path.isdir(word):  # noqa: PTH112  # whatever keeps it from being looked at
        endings = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        said = f"there is no model in this folder: no file's name ends in {endings}"
        return or_this(_below(word, []), Unlisted(word, said))
    if not MAGIC & set(word) or os.path.lexists(word):
        return iter([word])
    parts = Path(word).parts
    fixed = next(i for i, part in enumerate(parts) if MAGIC & set(part))
    root = str(Path(*parts[:fixed])) if fixed else ""
    said = "no file fits this pattern; ** stands for folders in any depth"
    return or_this(_below(root, list(parts[fixed:])), Unlisted(word, said))


def _below(root: str, parts: list[str]) -> Found:
    def listing(folder: str) -> Iterator[Entry]:
        with os.scandir(os.path.join(root, folder) or ".") as entries:  # noqa: PTH118  # names, as they are
            for entry in entries:
                yield entry.name, _kind(entry)

    if root == ".":
        root = ""
    before = root if not root or root.endswith(os.sep) else root + os.sep
    return placed(before, walked(listing, Wanted(parts), _told))


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_dir(follow_symlinks=False):
        return Kind.FOLDER
    linked = entry.is_symlink() and os.path.isdir(entry)  # noqa: PTH112
    return Kind.LINKED_FOLDER if linked else Kind.FILE


def _told(error: Exception) -> str:
    why = error.strerror if isinstance(error, OSError) and error.strerror else error_line(error)
    return f"this folder can't be read: {why}"
