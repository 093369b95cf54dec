"""How do rows become a file? As Parquet by pyarrow, or as JSON Lines by nothing but Python.

Both take rows as JSON, as they come: their texts and numbers are such that either holds them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from cnnscope.analyzer.fleet.arrow_types import arrow_schema
from cnnscope.analyzer.fleet.columns import Column
from cnnscope.analyzer.values.diagnostics import ArgumentError

if TYPE_CHECKING:
    import pyarrow as pa

#: the endings that say how a table is written
ENDINGS: Final = {".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
#: rows of a group in a Parquet file: what a reader takes at once, and what is held here
GROUP: Final = 1000


class RowWriter(Protocol):
    """Where rows go."""

    def write(self, rows: Sequence[bytes]) -> None:
        """Rows as JSON objects."""

    def close(self) -> None:
        """No more of them."""


def check_parquet() -> None:
    """Whether Parquet can be written here.

    Raises:
        ArgumentError: pyarrow isn't there.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ArgumentError(
            "Parquet is written by pyarrow, which isn't installed: pip install 'cnnscope[scan]',"
            " or write JSON Lines: -o out.jsonl"
        ) from None


def row_writer(table: str, file: BinaryIO, columns: Sequence[Column], meta: object) -> RowWriter:
    """What writes a table.

    Args:
        table: ``parquet`` or ``jsonl``.
        file: where to.
        columns: the table's.
        meta: said of it in Parquet's own metadata, as JSON; JSON Lines have no place for it.
    """
    return _Parquet(file, columns, meta) if table == "parquet" else _Lines(file)


class _Lines:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, rows: Sequence[bytes]) -> None:
        self._file.writelines(row + b"\n" for row in rows)

    def close(self) -> None:
        """Nothing is held back."""


class _Parquet:
    def __init__(self, file: BinaryIO, columns: Sequence[Column], meta: object) -> None:
        import pyarrow.parquet as pq

        schema = arrow_schema(columns).with_metadata({"cnnscope": json.dumps(meta)})
        self._schema = schema
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")
        self._held: list[bytes] = []

    def write(self, rows: Sequence[bytes]) -> None:
        self._held += rows
        while len(self._held) >= GROUP:
            self._flush(self._held[:GROUP])
            del self._held[:GROUP]

    def _flush(self, rows: Sequence[bytes]) -> None:
        if rows:
            self._writer.write_table(arrow_table(rows, self._schema))

    def close(self) -> None:
        self._flush(self._held)
        self._held.clear()
        self._writer.close()


def arrow_table(rows: Sequence[bytes], schema: pa.Schema) -> pa.Table:
    """Rows as a table of Arrow's.

    Nearly all are read by Arrow itself; what it refuses (a number that isn't finite) one by one here.
    """
    import pyarrow as pa
    import pyarrow.json

    options = pyarrow.json.ParseOptions(
        explicit_schema=schema.remove_metadata(), unexpected_field_behavior="ignore"
    )
    block = pyarrow.json.ReadOptions(use_threads=False, block_size=1 << 24)
    try:
        found = pyarrow.json.read_json(pa.BufferReader(b"\n".join(rows)), block, options)
    except pa.ArrowInvalid:
        return pa.Table.from_pylist([json.loads(x) for x in rows], schema)
    return found.select(schema.names).replace_schema_metadata(schema.metadata)
