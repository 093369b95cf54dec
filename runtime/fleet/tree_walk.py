"""Which files of a tree are meant, in order, without holding them all?

A folder's names are sorted, and those of a large folder laid aside: a walk's memory is that of a few folders.
"""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import IO, Final, TypeAlias

from cnnscope.analyzer.model.path_pattern import Reached
from cnnscope.runtime.fleet.unlisted import Found, Unlisted, Wanted

#: names of a folder that are sorted in memory
AT_ONCE: Final = 1 << 16
#: characters of a path from the folder where the walk began: deeper down somebody leads us round in circles
DEEPEST: Final = 8192
_BLOCK: Final = 1 << 16


class Kind(Enum):
    """What a name in a folder stands for."""

    FILE = "f"
    FOLDER = "d"
    LINKED_FOLDER = "l"


Entry: TypeAlias = tuple[str, Kind]
_Below: TypeAlias = tuple[str, Reached]
#: what is in a folder, by its path from where the walk began, in any order
Listing: TypeAlias = Callable[[str], Iterable[Entry]]


def walked(listing: Listing, wanted: Wanted, told: Callable[[Exception], str]) -> Found:
    """The files that are meant, as paths from where the walk begins, and the folders that can't be read.

    ``**`` doesn't go into linked folders, so there are no circles.

    Args:
        listing: says what is in a folder.
        wanted: which files.
        told: what is said of an error.
    """
    walk = _Walk(listing, wanted, told)
    way = [walk.folder("", wanted.pattern.start)]
    while way:
        each = next(way[-1], None)
        if each is None:
            way.pop()
        elif isinstance(each, tuple):
            way.append(walk.folder(*each))
        else:
            yield each


class _Walk:
    """What `walked` goes by."""

    def __init__(self, listing: Listing, wanted: Wanted, told: Callable[[Exception], str]) -> None:
        self._listing, self._wanted, self._told = listing, wanted, told

    def folder(self, folder: str, reached: Reached) -> Iterator[str | Unlisted | _Below]:
        """What is meant in a folder; a folder in it with how far the pattern has come there."""
        failed: list[Unlisted] = []
        for name, kind in in_order(self._entries(folder, reached, failed)):
            path = f"{folder}/{name}" if folder else name
            if kind is Kind.FILE:
                yield path
            elif len(path) > DEEPEST:
                yield Unlisted(path, "its folders are nested too deeply")
            else:
                yield path, self._on(reached, name, kind)
        yield from failed

    def _entries(self, folder: str, reached: Reached, failed: list[Unlisted]) -> Iterator[Entry]:
        try:
            for name, kind in self._listing(folder):
                if self._on(reached, name, kind):
                    yield name, kind
        except Exception as error:  # noqa: BLE001  # whatever a file system raises
            absent = isinstance(error, (FileNotFoundError, NotADirectoryError))
            if folder or not absent:  # where there is nothing to begin with, nothing is meant
                failed.append(Unlisted(folder, self._told(error)))

    def _on(self, reached: Reached, name: str, kind: Kind) -> Reached:
        """How far the pattern comes with an entry; nowhere if that is of no use."""
        pattern = self._wanted.pattern
        if kind is Kind.FILE:
            further = pattern.step(reached, name) if self._wanted.takes(name) else frozenset()
            return further if pattern.whole(further) else frozenset()
        further = pattern.step(reached, name, deep=kind is Kind.FOLDER)
        return further if pattern.goes_on(further) else frozenset()


def in_order(entries: Iterable[Entry]) -> Iterator[Entry]:
    """A folder's entries by name; of many, all but a few are laid aside in a file that has no name."""
    runs: list[Iterator[bytes]] = []
    held: list[bytes] = []
    for name, kind in entries:
        held.append(b"%b/%b" % (os.fsencode(name), kind.value.encode()))
        if len(held) == AT_ONCE:
            runs.append(_laid_aside(sorted(held)))
            held.clear()
    for each in heapq.merge(*runs, iter(sorted(held))):
        yield os.fsdecode(each[:-2]), Kind(chr(each[-1]))


def _laid_aside(names: list[bytes]) -> Iterator[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  # for as long as it is read
    file.write(b"\0".join(names))
    file.seek(0)
    return _read_back(file)


def _read_back(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        rest = b""
        while block := file.read(_BLOCK):
            *whole, rest = (rest + block).split(b"\0")
            yield from whole
        yield rest
