"""Which files does a path of the configuration mean?

A configuration is read before anybody has looked at it: of a pull request, say. So its patterns stay
inside its own folder, links followed to where they lead, and the search is given up when it has seen
`MOST_ENTRIES` entries or taken `PATIENCE` seconds. Where models are named on the command line nothing
is searched: each is held against the pattern by its path.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from cnnscope.analyzer.model.path_pattern import ANY_DEPTH, MAGIC, PathPattern
from cnnscope.analyzer.values.diagnostics import CnnscopeError

#: files and folders that the search for one configuration may look at
MOST_ENTRIES: Final = 200_000
#: seconds that it may take
PATIENCE: Final = 10.0


class PathError(CnnscopeError):
    """A path of the configuration that isn't followed."""


class Search:
    """The files that patterns mean, for one configuration.

    Args:
        folder: the configuration's.
        anywhere: patterns may lead out of it.
    """

    def __init__(self, folder: Path, *, anywhere: bool = False) -> None:
        self.folder = Path(os.path.normpath(folder.absolute()))
        self.shown = folder
        self.real = Path(os.path.realpath(folder))
        self.anywhere = anywhere
        self.seen = 0
        self.until = time.monotonic() + PATIENCE

    def files(self, pattern: str) -> list[Path]:
        """The files that a pattern means, sorted, as seen from the working directory.

        A name that has a pattern's characters in it is found as it is, too.

        Raises:
            PathError: it leads out of the folder, or there is too much to be searched.
        """
        whole = self._whole(pattern)
        if _is_file(whole):
            return [self._within(whole)]
        if not MAGIC & set(pattern):
            return []
        found = {self._within(path) for path in self._expanded(whole)}
        return sorted(found)

    def fits(self, pattern: str, path: Path) -> bool:
        """Whether a pattern means a file, whose place needn't be searched for."""
        whole = Path(os.path.normpath(self.folder / pattern)) if _plain(pattern) else None
        if whole is None:
            return False
        own = Path(os.path.normpath(path.absolute()))
        if own == whole or os.path.realpath(own) == os.path.realpath(whole):
            return True
        real = Path(os.path.realpath(own))
        wanted = PathPattern(whole.parts)
        return any(wanted.fits(candidate.parts) for candidate in {own, real})

    def _whole(self, pattern: str) -> Path:
        """The pattern from the root, if it may be followed."""
        if not _plain(pattern):
            raise PathError("a path holds a character that no file's name can have")
        whole = Path(os.path.normpath(self.folder / pattern))
        if not self.anywhere and not whole.is_relative_to(self.folder):
            raise PathError(
                "leads out of the configuration's folder: name the model on the command line, or"
                " allow it with --anywhere"
            )
        return whole

    def _within(self, path: Path) -> Path:
        """A file that was found, if its real place may be read."""
        if not self.anywhere and not _inside(path, self.real):
            raise PathError(
                f"{_name(path, self.folder)} is a link out of the configuration's folder: name the"
                " model on the command line, or allow it with --anywhere"
            )
        try:
            return self.shown / path.relative_to(self.folder)
        except ValueError:
            return path

    def _expanded(self, whole: Path) -> Iterator[Path]:
        parts = whole.parts
        fixed = next(i for i, part in enumerate(parts) if MAGIC & set(part))
        yield from self._below(Path(*parts[:fixed]), parts[fixed:], frozenset())

    def _below(self, folder: Path, wanted: Sequence[str], around: frozenset[str]) -> Iterator[Path]:
        """The files below a folder that the rest of a pattern means.

        Args:
            folder: where to look.
            wanted: the rest.
            around: the real places of the folders that the search went through: links make circles.
        """
        first, rest = wanted[0], wanted[1:]
        if first == ANY_DEPTH:
            while rest and rest[0] == ANY_DEPTH:  # two say no more than one
                rest = rest[1:]
            if rest:
                yield from self._below(folder, rest, around)
        elif not MAGIC & set(first):
            path = folder / first
            if rest and path.is_dir():
                yield from self._below(path, rest, around)
            elif not rest and _is_file(path):
                yield path
            return
        place = os.path.realpath(folder)
        if place in around or not (self.anywhere or _inside(folder, self.real)):
            return
        around |= {place}
        for entry in self._entries(folder):
            hidden = entry.name.startswith(".")
            path = folder / entry.name
            if first == ANY_DEPTH:
                if hidden:
                    continue
                if _is_folder(entry):
                    yield from self._below(path, wanted, around)
                elif not rest and _is_file(path):
                    yield path
                continue
            if (hidden and not first.startswith(".")) or not fnmatchcase(entry.name, first):
                continue
            if rest and _is_folder(entry):
                yield from self._below(path, rest, around)
            elif not rest and _is_file(path):
                yield path

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        found = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self.seen += 1
                    if self.seen > MOST_ENTRIES or time.monotonic() > self.until:
                        raise PathError(
                            f"more files than can be searched ({self.seen - 1} seen): write a path"
                            " that says more of where the models are"
                        )
                    found.append(entry)
        except OSError:  # may not be read, or has gone
            return []
        return found


def _plain(pattern: str) -> bool:
    return "\0" not in pattern


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(folder)


def _name(path: Path, folder: Path) -> str:
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
