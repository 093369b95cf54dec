"""Which models of two scans are which, and what became of each? Asked of the rows in a database."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Final, cast

from cnnscope.analyzer.fleet.model_change import STATUSES, ChangeStatus, FigureChange, ModelChange
from cnnscope.analyzer.fleet.row_store import ASPECTS, COLUMNS, FIGURE_NAMES, RowStore

#: whose ratios say how large a change is
_WEIGHED: Final = (
    "macs", "flops", "params", "weight_bytes", "peak_activation_bytes", "traffic_bytes", "file_bytes",
)  # fmt: skip
#: stands for the logarithm of 0 (and of less, which no figure is): what there was nothing of changed most
_FROM_NONE: Final = -30.0
_NESTED: Final = {"inputs", "outputs", "free_dims", "lint_codes"}
_DIFFERS: Final = " OR ".join(
    f'b."{key}" IS NOT a."{key}"' for key in ("graph_digest", *ASPECTS, *FIGURE_NAMES)
)
_ALIKE: Final = "b.graph_digest IS NOT NULL AND b.graph_digest = a.graph_digest"


class ChangeTable:
    """What became of each model; made once the rows of both scans are in the store."""

    def __init__(self, store: RowStore) -> None:
        self._store = store
        store.database.create_function(
            "ratio_of", 2 * len(_WEIGHED), _largest_ratio, deterministic=True
        )
        self._ask("CREATE TABLE became (status TEXT, old TEXT, new TEXT, size REAL)")
        self._find_moved()
        weighed = ", ".join(f'b."{key}", a."{key}"' for key in _WEIGHED)
        for status, which in (
            ("failing", "b.status != 'error' AND a.status = 'error'"),
            ("mended", "b.status = 'error' AND a.status != 'error'"),
            ("changed", f"b.status != 'error' AND a.status != 'error' AND ({_DIFFERS})"),
        ):
            size = f"ratio_of({weighed})" if status == "changed" else "0"
            self._ask(
                f"INSERT INTO became SELECT '{status}', b.path, a.path, {size}"
                f" FROM before b JOIN after a ON a.path = b.path WHERE {which}"
            )
        for status, side, other, pair in (
            ("gone", "before", "after", "x.path, NULL"),
            ("new", "after", "before", "NULL, x.path"),
        ):
            own = "old" if status == "gone" else "new"
            self._ask(
                f"INSERT INTO became SELECT '{status}', {pair}, coalesce(x.params, 0) FROM {side} x"
                f" WHERE NOT EXISTS (SELECT 1 FROM {other} y WHERE y.path = x.path)"
                f" AND NOT EXISTS (SELECT 1 FROM moved m WHERE m.{own} = x.path)"
            )
        self._ask("INSERT INTO became SELECT 'moved', old, new, 0 FROM moved")
        self._ask("CREATE INDEX became_order ON became (status, size DESC, new, old)")

    def _ask(self, query: str) -> Iterator[tuple[object, ...]]:
        return self._store.database.execute(query)

    def _find_moved(self) -> None:
        """Of paths that are in one scan only those of the same graph, in the order of files and paths."""

        def alone(side: str, other: str) -> str:
            return (
                "SELECT path, graph_digest, row_number() OVER (PARTITION BY graph_digest"
                f" ORDER BY file_bytes, path) AS nth FROM {side} x WHERE graph_digest IS NOT NULL"
                f" AND status != 'error' AND NOT EXISTS (SELECT 1 FROM {other} y WHERE y.path = x.path)"
            )

        self._ask(
            f"CREATE TABLE moved AS SELECT b.path AS old, a.path AS new FROM ({alone('before', 'after')}) b"
            f" JOIN ({alone('after', 'before')}) a USING (graph_digest, nth)"
        )
        for column in ("old", "new"):
            self._ask(f"CREATE INDEX moved_{column} ON moved ({column})")

    def _number(self, query: str) -> int:
        ((found,),) = self._ask(query)
        return int(str(found))

    def counts(self) -> dict[str, int]:
        """How many models became what, and how many are as they were."""
        found = dict.fromkeys((*STATUSES, "still_failing", "same"), 0)
        for status, count in self._ask("SELECT status, count(*) FROM became GROUP BY status"):
            found[str(status)] = int(str(count))
        both = "FROM before b JOIN after a ON a.path = b.path"
        found["still_failing"] = self._number(
            f"SELECT count(*) {both} WHERE b.status = 'error' AND a.status = 'error'"
        )
        told = sum(found[x] for x in ("failing", "mended", "changed", "still_failing"))
        found["same"] = self._number(f"SELECT count(*) {both}") - told
        return found

    def graphs(self) -> int:
        """How many models at the same path have another graph."""
        return self.differing(("graph_digest",))

    def differing(self, columns: Collection[str]) -> int:
        """How many of the models that changed differ in one of these."""
        differs = " OR ".join(f'b."{key}" IS NOT a."{key}"' for key in columns)
        return self._number(
            f"SELECT count(*) {_CHANGED} WHERE c.status = 'changed' AND ({differs})"
        )

    def reanalysed(self) -> int:
        """How many have the same graph, and yet other figures than their file's size."""
        differs = " OR ".join(f'b."{x}" IS NOT a."{x}"' for x in FIGURE_NAMES if x != "file_bytes")
        return self._number(
            f"SELECT count(*) {_CHANGED} WHERE c.status = 'changed' AND {_ALIKE} AND ({differs})"
        )

    def changes(self, status: ChangeStatus) -> Iterator[ModelChange]:
        """What became of the models of a status, the largest changes first."""
        one, other = (", ".join(f'{side}."{key}"' for key in COLUMNS) for side in "ba")
        rows = self._store.database.cursor().execute(
            f"SELECT {one}, {other} {_CHANGED} WHERE c.status = ? ORDER BY c.size DESC, c.new, c.old",
            (status,),
        )
        for row in rows:
            before = dict(zip(COLUMNS, row[: len(COLUMNS)], strict=True))
            after = dict(zip(COLUMNS, row[len(COLUMNS) :], strict=True))
            yield _change(status, before, after)


_CHANGED: Final = (
    "FROM became c LEFT JOIN before b ON b.path = c.old LEFT JOIN after a ON a.path = c.new"
)


def _change(
    status: ChangeStatus, before: Mapping[str, object], after: Mapping[str, object]
) -> ModelChange:
    path = after["path"] or before["path"]
    figures = tuple(
        FigureChange(key, cast("int | None", before[key]), cast("int | None", after[key]))
        for key in FIGURE_NAMES
        if before[key] != after[key]
    )
    both = before["path"] is not None and after["path"] is not None
    aspects = {
        key: (_value(key, before[key]), _value(key, after[key]))
        for key in ASPECTS
        if both and before[key] != after[key]
    }
    graph = both and before["graph_digest"] != after["graph_digest"]
    if "error" in (before["status"], after["status"]):
        figures, aspects, graph = (), {}, False  # of one of the two nothing is known
    error = after["error"] if status != "mended" else before["error"]
    return ModelChange(
        status, str(path), str(before["path"]) if status == "moved" else None, graph, figures, aspects,
        None if error is None else str(error),
    )  # fmt: skip


def _value(key: str, value: object) -> object:
    if key in _NESTED and isinstance(value, str):
        return json.loads(value)
    return bool(value) if key == "within_limits" and value is not None else value


def _largest_ratio(*pairs: int | None) -> float:
    """How large a change is: the largest factor between two figures, as a logarithm.

    >>> round(_largest_ratio(1, 4, 8, 4), 2), _largest_ratio(None, 3), _largest_ratio(0, 5) > 20
    (1.39, 0.0, True)
    """
    found = 0.0
    for one, other in zip(pairs[::2], pairs[1::2], strict=True):
        if one is not None and other is not None and one != other:
            less, more = sorted((one, other))
            found = max(found, _logarithm(more) - _logarithm(less))
    return found


def _logarithm(figure: int) -> float:
    return math.log(figure) if figure > 0 else _FROM_NONE
