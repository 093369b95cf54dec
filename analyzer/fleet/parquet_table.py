"""How is a scan's table read that is written as Parquet? By pyarrow, a thousand rows at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, Final

from cnnscope.analyzer.fleet.arrow_types import arrow_schema
from cnnscope.analyzer.fleet.columns import Column
from cnnscope.analyzer.fleet.table_values import DamagedError
from cnnscope.analyzer.values.notation import name

if TYPE_CHECKING:
    pass

#: at both ends of a Parquet file
MAGIC: Final = b"PAR1"
#: under which a table's own metadata stand in the file's
KEY: Final = b"cnnscope"
#: rows that are held at once
_ROWS: Final = 1000
#: bytes of a column in one group of rows, bytes that are held of it at once, and values that a row's lists
#: may have on average
_COLUMN: Final = 1 << 30
_HELD: Final = 1 << 28
_VALUES: Final = 1 << 14
#: bytes of a row on average, and of one
_ROW: Final = 1 << 20
_LARGEST: Final = 1 << 24
#: bytes of a footer that is looked at; it grows with the groups of rows
_FOOTER: Final = 1 << 28


def said_in_footer(file: BinaryIO) -> bytes | None:
    """A Parquet file's footer, where it has our key among its metadata; None: it isn't one of ours.

    Found without pyarrow, which isn't there everywhere.
    """
    size = file.seek(0, os.SEEK_END)
    if size < 12:
        return None
    file.seek(size - 8)
    end = file.read(8)
    length = int.from_bytes(end[:4], "little")
    if end[4:] != MAGIC or length > min(size - 8, _FOOTER):
        return None
    file.seek(size - 8 - length)
    footer = file.read(length)
    # Thrift writes a text as its length, then its bytes.
    return footer if bytes([len(KEY)]) + KEY in footer else None


class ParquetTable:
    """A table as Parquet."""

    def __init__(self, path: str) -> None:
        try:
            import pyarrow.parquet
        except ImportError:
            raise DamagedError(
                "Parquet is read by pyarrow, which isn't installed: pip install 'cnnscope[scan]', or"
                " write JSON Lines: cnnscope scan -o out.jsonl"
            ) from None
        try:
            self._file = pyarrow.parquet.ParquetFile(
                path, memory_map=False, page_checksum_verification=True
            )
            said = (self._file.schema_arrow.metadata or {}).get(KEY)
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise _damaged(error) from None
        if said is None:
            raise DamagedError("a Parquet file, but no table that a scan wrote")
        self.meta = _meta(said)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int(self._file.metadata.num_rows)

    def _at_once(self, names: Sequence[str]) -> int:
        """How many rows can be held, where each value may be as long as its whole column is said to be.

        Raises:
            DamagedError: not one, or lists have more values than any model's.
        """
        told, longest = self._file.metadata, 1
        for group in map(told.row_group, range(told.num_row_groups)):
            for column in map(group.column, range(group.num_columns)):
                if column.path_in_schema.partition(".")[0] in names:
                    longest = max(longest, column.total_uncompressed_size)
                    if column.num_values > _VALUES * (group.num_rows + 64):
                        raise DamagedError(
                            f"lists in column {column.path_in_schema:.60} are too long"
                        )
        if longest > _COLUMN:
            raise DamagedError(
                f"a group of rows has {longest:,} bytes in one column: write smaller ones"
            )
        return max(1, min(_ROWS, _HELD // longest))

    def rows(self, columns: Sequence[Column]) -> Iterator[dict[str, object]]:
        """The rows, these columns of them."""
        import pyarrow

        there = self._file.schema_arrow
        wanted = [x for x in columns if x.name in there.names]
        schema = arrow_schema(wanted)
        for column in wanted:
            found, type_ = there.field(column.name).type, schema.field(column.name).type
            if not (found == type_ or pyarrow.types.is_null(found)):
                raise DamagedError(f"column {column.name} is of {found!s:.60}, not of {type_}")
        lacking: dict[str, object] = {x.name: None for x in columns}
        names = [x.name for x in wanted]
        seen = 0
        try:
            # Asked for no column, pyarrow gives no row.
            names_read = names or there.names[:1]
            for batch in self._file.iter_batches(self._at_once(names_read), columns=names_read):
                seen += batch.num_rows
                if batch.nbytes > _ROW * batch.num_rows + _LARGEST:
                    raise DamagedError("rows are larger than any model's")
                if not names:
                    yield from (dict(lacking) for _ in range(batch.num_rows))
                    continue
                for row in batch.to_pylist():
                    yield lacking | row
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise _damaged(error) from None
        if seen != self.count:
            raise DamagedError(f"damaged: it has {seen} rows, and says that it has {self.count}")


def _damaged(error: Exception) -> DamagedError:
    return DamagedError(f"damaged, or no Parquet: {name(str(error).splitlines()[0], 120)}")


def _meta(said: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DamagedError("what it says of itself can't be read: no table that a scan wrote")
    return found
