"""Which graphs has this scan analysed already, and where are their rows?

A table of digests in a file that all workers have open: whoever analyses a graph claims it first, and whoever
meets it meanwhile waits for its row. Rows themselves stay in the journals. The table only saves work: where
it can't be had (a file system without locks), every graph is analysed for itself, and after an interruption
it is made anew from the journals.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, NamedTuple, TypeAlias

#: the number of the journal that holds the rows of an earlier scan
EARLIER: Final = 999_999_999
_CLAIMED, _KNOWN, _NOT_SHARED = 0, 1, 2
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS graphs (digest TEXT PRIMARY KEY, state INT, batch INT, start INT) WITHOUT ROWID
"""


class Known(NamedTuple):
    """Where an analysed graph's row is: in which batch's journal, and where its line begins."""

    batch: int
    start: int


Whose: TypeAlias = Known | Literal["mine", "claimed", "alone"]


class GraphStore:
    """The table, open.

    Args:
        folder: the scan's.
    """

    def __init__(self, folder: Path) -> None:
        self._table: sqlite3.Connection | None = None
        with contextlib.suppress(sqlite3.Error):
            self._table = sqlite3.connect(
                folder / "graphs.sqlite", timeout=60.0, isolation_level=None
            )
            # After a crash of the machine it is made anew, so nothing waits for the disk.
            self._table.execute("PRAGMA synchronous=OFF")
            self._table.execute("PRAGMA journal_mode=PERSIST")
            self._table.execute(_TABLE)

    def claim(self, digest: str) -> Whose:
        """A graph's row; else whose it is to analyse.

        Returns:
            Where its row is; ``"mine"``: whoever asks analyses it, and says so by `know`, `free` or
            `set_apart`; ``"claimed"``: somebody else is analysing it; ``"alone"``: it has to be analysed for
            each file.
        """
        if self._table is None:
            return "alone"
        try:
            found = self._find(digest)
            if found is None:
                asked = "INSERT OR IGNORE INTO graphs VALUES (?, ?, 0, 0)"
                if self._table.execute(asked, (digest, _CLAIMED)).rowcount == 1:
                    return "mine"
                found = self._find(digest)
        except sqlite3.Error:
            return "alone"
        if found is None or found[0] == _NOT_SHARED:
            return "alone"
        return "claimed" if found[0] == _CLAIMED else Known(found[1], found[2])

    def _find(self, digest: str) -> tuple[int, int, int] | None:
        assert self._table is not None
        asked = "SELECT state, batch, start FROM graphs WHERE digest = ?"
        found: tuple[int, int, int] | None = self._table.execute(asked, (digest,)).fetchone()
        return found

    def know(self, digest: str, place: Known) -> None:
        """A graph has been analysed."""
        self._set(digest, _KNOWN, place)

    def set_apart(self, digest: str) -> None:
        """What is said of a graph hangs on the numbers of its weights: no two files share it."""
        self._set(digest, _NOT_SHARED, Known(0, 0))

    def free(self, digest: str) -> None:
        """It couldn't be analysed; whoever meets it next may try."""
        if self._table is not None:
            with contextlib.suppress(sqlite3.Error):
                self._table.execute("DELETE FROM graphs WHERE digest = ?", (digest,))

    def free_all(self) -> None:
        """Whoever claimed a graph may be gone: at worst, one that is being analysed is analysed twice."""
        if self._table is not None:
            with contextlib.suppress(sqlite3.Error):
                self._table.execute("DELETE FROM graphs WHERE state = ?", (_CLAIMED,))

    def know_all(self, graphs: Iterable[tuple[str, Known]]) -> None:
        """Many that have been analysed before anybody asks."""
        if self._table is None:
            return
        rows = ((digest, _KNOWN, *place) for digest, place in graphs)
        with contextlib.suppress(sqlite3.Error), _transaction(self._table):
            self._table.executemany("INSERT OR IGNORE INTO graphs VALUES (?, ?, ?, ?)", rows)

    def _set(self, digest: str, state: int, place: Known) -> None:
        if self._table is not None:
            with contextlib.suppress(sqlite3.Error):
                asked = "INSERT OR REPLACE INTO graphs VALUES (?, ?, ?, ?)"
                self._table.execute(asked, (digest, state, *place))

    def __enter__(self) -> GraphStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._table is not None:
            self._table.close()


def forget(folder: Path) -> None:
    """Remove the table: claims of workers that are gone are in it."""
    for name in ("graphs.sqlite", "graphs.sqlite-journal"):
        (folder / name).unlink(missing_ok=True)


@contextmanager
def _transaction(table: sqlite3.Connection) -> Iterator[None]:
    table.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        table.execute("ROLLBACK")
        raise
    table.execute("COMMIT")
