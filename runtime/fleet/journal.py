"""How does a row outlive whatever happens after it was made? It is a line of its batch's journal at once.

A line has which place of the batch it is of, how it came about, where its layers' rows lie, and the row. A
line without its end was being written when its writer was killed, and doesn't count. The journal of a batch
that is whole has another name, so that nobody opens it to write again. One worker at a time has a journal:
a batch may have been given out again while whoever had it first is still at it, unheard.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

from cnnscope.analyzer.values.diagnostics import RunError

#: in front of the row in a line; nothing of what stands before it is anybody's name
_ROW: Final = b',"row":'


#: seconds that a worker waits for one that has its batch, and between two looks
PATIENCE: Final = 600.0
_LOOK: Final = 0.05
DAMAGED: Final = "the scan's folder is damaged: remove it, and begin anew"


class BusyError(RunError):
    """Another worker has the journal."""


class Entry(NamedTuple):
    """A line of a journal.

    Args:
        at: which place of the batch it is of, from 0.
        by: ``analysis``, ``reuse`` of an equal graph's row, or ``failure``.
        status: the row's.
        shareable: the row holds for every file with that graph.
        layers: where the rows of its layers begin in the batch's file of these, and how many bytes they are.
        row: as JSON.
    """

    at: int
    by: str
    status: str
    shareable: bool
    layers: tuple[int, int]
    row: bytes


class Journal:
    """A batch's journal, open to be gone on with.

    Args:
        folder: the scan's folder.
        number: the batch's.
        layers: whether there are rows of layers.
        patience: seconds to wait for another worker that has it.

    Raises:
        BusyError: it still has it.
    """

    def __init__(
        self, folder: Path, number: int, *, layers: bool, patience: float = PATIENCE
    ) -> None:
        self._path = journal_path(folder, number, whole=False)
        self._whole = journal_path(folder, number, whole=True)
        self._rows = _opened(self._path)
        self._layers = None
        try:
            _have(self._rows, number, patience)
            whole, layer_end = 0, 0
            self.done: set[int] = set()
            for entry, _, end in entries(self._path):
                whole, layer_end = end, max(layer_end, sum(entry.layers))
                self.done.add(entry.at)
            _cut(self._rows, whole)
            if layers:
                self._layers = _opened(layers_path(folder, number))
                _cut(self._layers, layer_end)
        except BaseException:
            self.close()
            raise

    def add(
        self, at: int, by: str, row: bytes, *, status: str, shareable: bool, layers: bytes
    ) -> int:
        """Keep a row, and tell where its line begins."""
        place = (0, 0)
        if self._layers is not None:
            place = (self._layers.tell(), len(layers))
            self._layers.write(layers)
            self._layers.flush()
        start = self._rows.tell()
        head = {"at": at, "by": by, "status": status, "shareable": shareable, "layers": place}
        line = json.dumps(head, separators=(",", ":")).encode("ascii")[:-1] + _ROW + row + b"}\n"
        self._rows.write(line)
        self._rows.flush()
        self.done.add(at)
        return start

    def finish(self) -> None:
        """All of the batch is there."""
        with contextlib.suppress(FileNotFoundError):  # another worker said so
            self._path.replace(self._whole)

    def close(self) -> None:
        self._rows.close()
        if self._layers is not None:
            self._layers.close()


def journal_path(folder: Path, number: int, *, whole: bool) -> Path:
    return folder / f"{number:06d}.jsonl{'' if whole else '.part'}"


def layers_path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.layers.jsonl"


def is_whole(folder: Path, number: int) -> bool:
    return journal_path(folder, number, whole=True).exists()


def batch_entries(folder: Path, number: int) -> Iterator[tuple[Entry, int, int]]:
    """The lines of a batch's journal, whole or not, in their order, each with where it begins and ends."""
    if is_whole(folder, number):
        return entries(journal_path(folder, number, whole=True))
    return entries(journal_path(folder, number, whole=False))


def entries(path: Path) -> Iterator[tuple[Entry, int, int]]:
    """The lines of a journal, each with where it begins and ends; none where there is no file."""
    start = 0
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if not line.endswith(b"}\n"):
                return
            yield _entry(line), start, start + len(line)
            start += len(line)


def entry_at(folder: Path, number: int, start: int) -> Entry | None:
    """The line that begins there; None where it is gone."""
    for whole in (False, True, False):  # it may get its other name just now
        try:
            with journal_path(folder, number, whole=whole).open("rb") as file:
                file.seek(start)
                line = file.readline()
        except FileNotFoundError:
            continue
        return _entry(line) if line.endswith(b"}\n") else None
    return None


def layer_lines(folder: Path, number: int, place: tuple[int, int]) -> bytes:
    """The rows of one model's layers."""
    if not place[1]:
        return b""
    with layers_path(folder, number).open("rb") as file:
        file.seek(place[0])
        return file.read(place[1])


def _entry(line: bytes) -> Entry:
    head, _, row = line.partition(_ROW)
    try:
        told = json.loads(head + b"}")
        start, length = told["layers"]
        place = (int(start), int(length))
        return Entry(told["at"], told["by"], told["status"], told["shareable"], place, row[:-2])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise RunError(DAMAGED) from None


def _opened(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb")


def _cut(file: IO[bytes], end: int) -> None:
    """Have a file written on behind what is whole of it."""
    file.truncate(end)
    file.seek(end)


def _have(file: IO[bytes], number: int, patience: float) -> None:
    """Have a journal for one worker, until it is closed or its process ends."""
    try:
        import fcntl
    except ImportError:  # Windows, where what is locked can't be read
        return None
    until = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                said = (
                    f"another worker is still at batch {number}: wait for it, and --resume goes on"
                )
                raise BusyError(said) from None
            time.sleep(_LOOK)
        except OSError:  # a file system without locks
            return None
