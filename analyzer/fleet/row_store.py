"""How are a million rows found by their paths, without holding them?

In a private database of SQLite on disk that goes with its connection. What is kept of a row is what two scans
are compared in: its digest, its figures, and what else is said of a model in a word or two.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

from cnnscope.analyzer.fleet.figure_columns import FIGURES

if TYPE_CHECKING:
    import sqlite3

Side = Literal["before", "after"]
#: columns besides figures that two rows of a model are compared in
ASPECTS: Final = (
    "status", "error_kind", "opset", "ir_version", "producer", "quantised", "weights", "inputs", "outputs",
    "free_dims", "lint_codes", "within_limits",
)  # fmt: skip
FIGURE_NAMES: Final = tuple(x.name for x in FIGURES)
_FIGURES: Final = frozenset(FIGURE_NAMES)
_OWN: Final = ("path", "graph_digest", "error")
COLUMNS: Final = (*_OWN, "rf_layer", "batch_proven", *ASPECTS, *FIGURE_NAMES)
#: what has to be read of a scan
READ: Final = (*COLUMNS, "cnnscope_version")
#: rows that are looked at together, column by column
_AT_ONCE: Final = 1000
_JSON: Final = json.JSONEncoder(separators=(",", ":"))
#: KiB of pages that are kept in memory
_CACHE: Final = 32_768


class RowStore:
    """Rows of two scans, by path; one whose path comes again is passed over."""

    def __init__(self) -> None:
        self.database = _database()
        weakref.finalize(self, self.database.close)
        columns = ", ".join(f'"{name}"' for name in COLUMNS[1:])
        for side in ("before", "after"):
            self.database.execute(f"CREATE TABLE {side} (path TEXT PRIMARY KEY, {columns})")
        #: by side: how many rows, each figure's sum, of how many it is known, the versions they are from
        self.counts: dict[Side, int] = {"before": 0, "after": 0}
        self.sums: dict[Side, dict[str, int]] = {"before": {}, "after": {}}
        self.known: dict[Side, dict[str, int]] = {"before": {}, "after": {}}
        self.versions: dict[Side, dict[str, None]] = {"before": {}, "after": {}}

    def __getstate__(self) -> tuple[bytes, dict[str, object]]:
        kept = {key: value for key, value in vars(self).items() if key != "database"}
        return self.database.serialize(), kept

    def __setstate__(self, state: tuple[bytes, dict[str, object]]) -> None:
        self.__dict__.update(state[1])
        self.database = _database()
        weakref.finalize(self, self.database.close)
        self.database.deserialize(state[0])

    def keep(self, side: Side, rows: Iterable[Mapping[str, object]]) -> None:
        """Keep what a scan has to say."""
        marks = ", ".join("?" * len(COLUMNS))
        self.database.execute("BEGIN")
        self.database.executemany(
            f"INSERT OR IGNORE INTO {side} VALUES ({marks})", self._values(side, rows)
        )
        self.database.execute("COMMIT")
        # Digests come in no order: an index of all of them is sorted once, instead of at each.
        self.database.execute(f"CREATE INDEX {side}_digest ON {side} (graph_digest)")
        ((self.counts[side],),) = self.database.execute(f"SELECT count(*) FROM {side}")

    def _values(
        self, side: Side, rows: Iterable[Mapping[str, object]]
    ) -> Iterator[tuple[object, ...]]:
        sums, known, versions = self.sums[side], self.known[side], self.versions[side]
        every = iter(rows)
        while some := list(islice(every, _AT_ONCE)):
            columns: list[list[object]] = []
            for key in COLUMNS:
                values = [row.get(key) for row in some]
                if key in _FIGURES:
                    told = [x for x in values if isinstance(x, int)]
                    sums[key] = sums.get(key, 0) + sum(told)
                    known[key] = known.get(key, 0) + len(told)
                else:
                    values = list(map(_plain, values))
                columns.append(values)
            versions.update(
                dict.fromkeys(str(x) for row in some if (x := row.get("cnnscope_version")))
            )
            yield from zip(*columns, strict=True)

    def find(self, side: Side, path: str) -> dict[str, object] | None:
        """The row of a path; None where there is none."""
        return self._one(f"SELECT * FROM {side} WHERE path = ?", path)

    def find_gone(self, digest: str) -> dict[str, object] | None:
        """An earlier row of the same graph whose path isn't there any more; None where there is none."""
        return self._one(
            "SELECT * FROM before b WHERE graph_digest = ? AND status != 'error'"
            " AND NOT EXISTS (SELECT 1 FROM after a WHERE a.path = b.path) ORDER BY path LIMIT 1",
            digest,
        )

    def _one(self, query: str, key: str) -> dict[str, object] | None:
        found = self.database.execute(query, (_plain(key),)).fetchone()
        return None if found is None else dict(zip(COLUMNS, found, strict=True))


def _plain(value: object) -> object:
    """A value as a column holds it: text and numbers as they are, what is nested as JSON."""
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str):  # no database takes a lone surrogate
        return (
            value
            if value.isascii()
            else value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        )
    return _JSON.encode(value)


def _database() -> sqlite3.Connection:
    """A private one on disk, of which a part is in memory; gone when it is closed."""
    import sqlite3

    made = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE}"):
        made.execute(f"PRAGMA {setting}")
    return made
