"""Which models are meant by a place far away: one, a folder of them, a pattern?

A pattern is what has a ``*``. Without one, a place whose name ends as a model's does is taken as it is,
and nobody is asked; anything else is looked up as a folder, and is a model if there is nothing in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.model.far_faults import told
from cnnscope.analyzer.model.far_places import demand_reader, local_path, ranges_at
from cnnscope.analyzer.model.path_pattern import ANY_DEPTH
from cnnscope.analyzer.model.remote_names import CHAIN
from cnnscope.analyzer.model.zip_members import member_names
from cnnscope.runtime.fleet.bucket_listing import keys_below
from cnnscope.runtime.fleet.hub_listing import hub_models
from cnnscope.runtime.fleet.local_places import places_here
from cnnscope.runtime.fleet.tree_walk import Entry, Kind, Listing, walked
from cnnscope.runtime.fleet.unlisted import (
    FAR_ENDINGS,
    Found,
    Unlisted,
    Wanted,
    names_a_model,
    or_this,
    placed,
)

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

#: bytes that an archive's list of members may take
DIRECTORY: Final = 1 << 23
_NOTHING: Final = "no model fits this pattern; ** stands for folders in any depth"
_CHAINED: Final = f"its name has {CHAIN} in it, which would lead elsewhere: give it another name"
_WEB: Final = (
    "what a web server has can't be listed: give each model's address, or a list of them (--from)"
)
#: perhaps caches, a scheme, a path there, and what that lies in
_PLACE: Final = re.compile(
    r"(?P<before>(?:[A-Za-z0-9+.-]+::)*(?P<scheme>[A-Za-z0-9+.-]+)://)(?P<path>.*)", re.DOTALL
)


def places_there(word: str) -> Found:
    """The models that a place far away means. Never fails: what can't be listed is said of its place."""
    try:
        yield from _meant(word)
    except Exception as error:  # noqa: BLE001  # whatever a file system raises
        yield Unlisted(word, str(told(error, word)))


def _meant(word: str) -> Found:
    whole = _PLACE.fullmatch(word)
    if whole is None:
        return iter([word])
    before, scheme, path = whole["before"], whole["scheme"].lower(), whole["path"]
    if scheme in ("file", "local") and before.count(CHAIN) == 0:
        return places_here(local_path(word))
    if scheme in ("http", "https"):
        address = re.split(r"[?#]", path, maxsplit=1)[0]
        folder = "*" in address or (address.endswith("/") and path == address)
        return iter([Unlisted(word, _WEB) if folder else word])
    behind = ""
    if scheme == "zip":
        path, chained, archive = path.partition(CHAIN)
        behind = chained + archive
    if "*" not in path and names_a_model(path, FAR_ENDINGS):
        return iter([word])
    if scheme == "hf":
        found = hub_models(path)
    elif scheme == "zip" and behind:
        names = path.split("/") if "*" in path else [*path.split("/"), ANY_DEPTH]
        wanted = Wanted(names, FAR_ENDINGS)
        found = (x for x in member_names(ranges_at(archive), DIRECTORY) if wanted.fits(x))
    else:
        demand_reader(scheme)
        found = _in_system(before, path, lambda error: str(told(error, word)))
    nothing = Unlisted(word, _NOTHING) if "*" in path else word
    return or_this(_as_places(found, before, behind), nothing)


def _as_places(found: Iterable[str | Unlisted], before: str, behind: str) -> Found:
    """Paths as places; but for those that would lead elsewhere, were they read as such."""
    for each in placed(before, found, behind):
        inside = each[len(before) : len(each) - len(behind)] if isinstance(each, str) else ""
        yield Unlisted(str(each), _CHAINED) if CHAIN in inside else each


def _in_system(before: str, path: str, said: Callable[[Exception], str]) -> Found:
    """What one of fsspec's file systems has, as paths."""
    from fsspec.core import url_to_fs

    names = path.rstrip("/").split("/")
    fixed = next((i for i, name in enumerate(names) if "*" in name), len(names))
    root = "/".join(names[:fixed])
    system, folder = url_to_fs(before + root)
    wanted = Wanted(names[fixed:], FAR_ENDINGS)
    if folder.strip("/") and hasattr(system, "call_s3"):
        found = keys_below(system, folder, names[fixed:], wanted)
    else:
        found = walked(_listing(system, folder), wanted, said)
    return placed(f"{root}/" if root else "", found)


def _listing(system: AbstractFileSystem, folder: str) -> Listing:
    """What is in a folder of a file system, asked of it and not remembered."""
    top = folder.rstrip("/")

    def listed(below: str) -> Iterator[Entry]:
        path = f"{top}/{below}" if below else folder
        try:
            entries = system.ls(path, detail=True)
        finally:
            system.invalidate_cache(path)
        for entry in entries:
            where = str(entry["name"]).rstrip("/")
            name = where.rpartition("/")[2]
            # Some list a folder itself, and a file by its own name.
            if name and where.strip("/") != path.strip("/"):
                yield name, Kind.FOLDER if entry.get("type") == "directory" else Kind.FILE

    return listed
