"""How is the table that a scan wrote read back, row after row?

Parquet by pyarrow, a thousand rows at a time, and JSON Lines line by line: memory doesn't grow with the
table. What is no such table, damaged, or of a newer version is refused in one line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from cnnscope.analyzer.fleet.columns import LAYER_COLUMNS, MODEL_COLUMNS, SCHEMA_VERSION, Column
from cnnscope.analyzer.fleet.line_table import LineTable
from cnnscope.analyzer.fleet.parquet_table import MAGIC, ParquetTable, said_in_footer
from cnnscope.analyzer.fleet.table_values import DamagedError
from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.analyzer.values.diagnostics import ReportFileError
from cnnscope.analyzer.values.notation import name

#: the tables that a scan writes, by their word in the metadata
TABLES: Final[Mapping[str, tuple[Column, ...]]] = {"models": MODEL_COLUMNS, "layers": LAYER_COLUMNS}
#: bytes of a line; that of a model is a few thousand
_LINE: Final = 1 << 24


class _Table(Protocol):
    @property
    def count(self) -> int: ...
    @property
    def meta(self) -> Mapping[str, object]: ...
    def rows(self, columns: Sequence[Column]) -> Iterator[dict[str, object]]: ...


def is_scan(path: str | os.PathLike[str]) -> bool:
    """Is a file a table that a scan wrote? Told by its content, whatever it is called.

    >>> is_scan("sample_models/lenet5.onnx"), is_scan("no such file")
    (False, False)
    """
    try:
        with open_regular(Path(path)) as file:
            head = file.read(len(MAGIC))
            if head == MAGIC:
                return said_in_footer(file) is not None
            return head[:1] == b"{" and _table_of(_first(head + file.readline(_LINE))) is not None
    except (OSError, ValueError):
        return False


def _first(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _table_of(row: object) -> str | None:
    """Which table a row is of, by the columns it has."""
    if not isinstance(row, dict) or not {"schema_version", "graph_digest", "path"} <= row.keys():
        return None
    return "models" if "status" in row else "layers" if "index" in row else None


class ScanFile:
    """A table that a scan wrote, read as often as it is asked for.

    Args:
        path: the file.

    Raises:
        ReportFileError: it can't be read, is no such table, or of a newer version. While rows are gone
            through, too: where they are damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        try:
            with open_regular(Path(path)) as file:
                head = file.read(len(MAGIC))
                first = head + file.readline(_LINE) if head[:1] == b"{" else b""
        except (OSError, ValueError) as error:  # a path with a zero byte
            raise self._error(getattr(error, "strerror", None) or str(error)) from None
        if not head:
            raise self._error("the file is empty: no table that a scan wrote")
        self._table: _Table = self._parquet() if head == MAGIC else self._lines(first)
        version = self.meta.get("schema_version")
        if not isinstance(version, int) or isinstance(version, bool):
            raise self._error("no table that a scan wrote: it has no schema_version")
        if version > SCHEMA_VERSION:
            raise self._error(
                f"it has schema_version {version}, and this cnnscope reads {SCHEMA_VERSION}: "
                "a newer one wrote it"
            )

    def _error(self, said: str) -> ReportFileError:
        return ReportFileError(f"{name(self.path, 200)}: {said}")

    def _parquet(self) -> _Table:
        try:
            return ParquetTable(self.path)
        except DamagedError as error:
            raise self._error(str(error)) from None

    def _lines(self, first: bytes) -> _Table:
        row = _first(first)
        table = _table_of(row)
        if table is None or not isinstance(row, dict):
            raise self._error("no table that a scan wrote")
        meta = {"table": table} | {x: row.get(x) for x in ("schema_version", "cnnscope_version")}
        return LineTable(self.path, meta)

    @property
    def meta(self) -> Mapping[str, object]:
        """What is said of it: ``table`` (models or layers), ``schema_version``, ``cnnscope_version``."""
        return self._table.meta

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The table's columns."""
        found = TABLES.get(str(self.meta.get("table", "models")))
        if found is None:
            raise self._error("no table of models or layers")
        return found

    @cached_property
    def count(self) -> int:
        """How many rows there are; of JSON Lines, they are counted."""
        try:
            return self._table.count
        except DamagedError as error:
            raise self._error(str(error)) from None

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, object]]:
        """The rows, in the table's order.

        Args:
            columns: those that are asked for; None: all. One that the table lacks, as an earlier version
                wrote it, is None in all rows.

        Raises:
            ReportFileError: a row is damaged.
            KeyError: there is no such column.
        """
        known = {x.name: x for x in self.columns}
        asked = list(known) if columns is None else list(columns)
        for each in asked:
            if each not in known:
                raise KeyError(f"no column {each!r}; there are: {', '.join(known)}")
        try:
            yield from self._table.rows([known[each] for each in asked])
        except DamagedError as error:
            raise self._error(str(error)) from None
