"""What is said of a table as a whole, in its own file? And which rows were asked the same?"""

from __future__ import annotations

import hashlib

from cnnscope.analyzer.fleet.columns import SCHEMA_VERSION
from cnnscope.analyzer.fleet.row_request import RowRequest
from cnnscope.analyzer.values.package_version import installed_version


def table_meta(table: str) -> dict[str, object]:
    """Under ``cnnscope`` in Parquet's metadata.

    Args:
        table: ``models`` or ``layers``.
    """
    version = installed_version()
    return {"table": table, "schema_version": SCHEMA_VERSION, "cnnscope_version": version}


def request_digest(request: RowRequest) -> str:
    """A word that two requests have in common if their rows say the same of the same model."""
    asked = (request.limits, request.lint, request.batch, sorted(request.dims.items()))
    return hashlib.sha256(repr(asked).encode("utf-8", "backslashreplace")).hexdigest()[:32]
