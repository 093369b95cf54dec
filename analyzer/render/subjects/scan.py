"""What is shown of a scan: how many models there are, their sums, and the first of them, a row each?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

from cnnscope.analyzer.fleet.scan_table import Scan
from cnnscope.analyzer.render.columns import Column, Exact
from cnnscope.analyzer.render.document import Document, Note, Pair
from cnnscope.analyzer.render.subjects.answer import answer
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.values.notation import count, many, name, nbytes

_Row = Mapping[str, object]
#: models that are shown; all are gone through by `Scan.rows`
_SHOWN: Final = 100


def _exact(row: _Row, key: str) -> Exact:
    value = row[key]
    return value if value is None or isinstance(value, (int, float, str)) else str(value)


def _number(row: _Row, key: str) -> str:
    value = row[key]
    return count(value) if isinstance(value, int) else "?"


def _bytes(row: _Row, key: str) -> str:
    value = row[key]
    return nbytes(value) if isinstance(value, int) else "?"


_COLUMNS: tuple[Column[_Row], ...] = (
    Column("path", "model", lambda x: name(str(x["path"]), 80), lambda x: _exact(x, "path"),
           importance=100, least=16),
    Column("status", "status", lambda x: str(x["status"]), lambda x: _exact(x, "status"), importance=95),
    Column("params", "params", lambda x: _number(x, "params"), lambda x: _exact(x, "params"), right=True,
           importance=80),
    Column("macs", "MACs", lambda x: _number(x, "macs"), lambda x: _exact(x, "macs"), right=True,
           importance=85),
    Column("peak_activation_bytes", "peak act.", lambda x: _bytes(x, "peak_activation_bytes"),
           lambda x: _exact(x, "peak_activation_bytes"), right=True, importance=60),
    Column("opset", "opset", lambda x: "?" if x["opset"] is None else str(x["opset"]),
           lambda x: _exact(x, "opset"), right=True, importance=40),
    Column("error", "error", lambda x: "" if x["error"] is None else name(str(x["error"]), 80),
           lambda x: _exact(x, "error"), importance=70, least=12),
)  # fmt: skip


def document(found: Scan) -> Document:
    """The scan as a document."""
    told = ", ".join(f"{number} {status}" for status, number in found.statuses.items() if number)
    totals = found.totals
    head = [
        Pair("models", f"{found.count} ({told})" if told else "0"),
        Pair("params", count(totals["params"])),
        Pair("MACs", count(totals["macs"])),
    ]
    rows = list(islice(found.rows([x.name for x in _COLUMNS]), _SHOWN))
    notes = [Note("sums are over the models of which the figure is known")]
    if found.count > len(rows):
        notes.append(Note(f"{many(found.count - len(rows), 'further model')} aren't shown"))
    return answer(name(found.path, 120), head, [table(_COLUMNS, rows)], notes=notes)
