"""What is said of a table as a whole, in its own file?"""

from __future__ import annotations

import hashlib

from cnnscope.analyzer.fleet.columns import SCHEMA_VERSION
from cnnscope.analyzer.fleet.row_request import RowRequest
from cnnscope.analyzer.values.package_version import installed_version


def table_meta(table: str, request: RowRequest | None = None) -> dict[str, object]:
    """Under ``cnnscope`` in Parquet's metadata.

    Args:
        table: ``models`` or ``layers``.
        request: what was asked of each model.
    """
    meta = {
        "table": table,
        "schema_version": SCHEMA_VERSION,
        "cnnscope_version": installed_version(),
    }
    return meta if request is None else {**meta, "request": request_digest(request)}


def request_digest(request: RowRequest) -> str:
    """A word that two requests have in common if their rows say the same of the same model."""
    asked = (request.limits, request.lint, request.batch, sorted(request.dims.items()))
    return hashlib.sha256(repr(asked).encode("utf-8", "backslashreplace")).hexdigest()[:32]
