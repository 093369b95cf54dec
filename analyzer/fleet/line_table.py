"""How is a scan's table read that is written as JSON Lines: a JSON object a line?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from cnnscope.analyzer.fleet.columns import Column
from cnnscope.analyzer.fleet.table_values import DamagedError, check_value
from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.analyzer.values.plain_class import dataclass

#: bytes of a line; that of a model is a few thousand
LONGEST: Final = 1 << 24
_STRETCH: Final = 1 << 20


@dataclass(frozen=True)
class LineTable:
    """A table as JSON Lines.

    Args:
        path: the file.
        meta: what its first row says of it.
    """

    path: str
    meta: Mapping[str, object]

    @property
    def count(self) -> int:
        """How many lines there are."""
        lines, last = 0, b"\n"
        try:
            with open_regular(Path(self.path)) as file:
                while part := file.read(_STRETCH):
                    lines += part.count(b"\n")
                    last = part[-1:]
        except OSError as error:
            raise DamagedError(error.strerror or str(error)) from None
        return lines + (last != b"\n")

    def rows(self, columns: Sequence[Column]) -> Iterator[dict[str, object]]:
        """The rows, these columns of them."""
        try:
            with open_regular(Path(self.path)) as file:
                number = 0
                while line := file.readline(LONGEST + 1):
                    number += 1
                    if line.isspace():
                        continue
                    yield _row(line, number, columns)
        except OSError as error:
            raise DamagedError(error.strerror or str(error)) from None


def _row(line: bytes, number: int, columns: Sequence[Column]) -> dict[str, object]:
    try:
        if len(line) > LONGEST:
            raise DamagedError("longer than any row")
        found = json.loads(line, parse_constant=_no_number)
        if not isinstance(found, dict) or "schema_version" not in found:
            raise DamagedError("no row of a scan")
        row = {column.name: found.get(column.name) for column in columns}
        for column in columns:
            check_value(column, row[column.name])
    except (ValueError, RecursionError):
        end = "" if line.endswith(b"\n") else ": the file is cut short"
        raise DamagedError(f"line {number} is no JSON that can be read{end}") from None
    except DamagedError as error:
        raise DamagedError(f"line {number}: {error}") from None
    return row


def _no_number(word: str) -> float:
    raise ValueError(word)
