"""The columns of a scan's tables: their page, their types in Parquet, and that every row has them.

With CNNSCOPE_WRITE_PAGES=1 in the environment the tables on the page are written anew.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from cnnscope.analyzer.fleet.columns import LAYER_COLUMNS, MODEL_COLUMNS, Column

PAGE = Path(__file__).resolve().parent.parent / "docs" / "scan-columns.md"


def rows(columns: Sequence[Column]) -> str:
    told = "".join(f"| `{x.name}` | `{x.kind}` | {x.meaning} |\n" for x in columns)
    return f"| column | type | what it is |\n|---|---|---|\n{told}"


def tables() -> str:
    return f"## Models\n\n{rows(MODEL_COLUMNS)}\n## Layers\n\n{rows(LAYER_COLUMNS)}"


def test_the_page_says_what_there_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    head = text[: text.index("## Models\n")]
    if os.environ.get("CNNSCOPE_WRITE_PAGES") == "1":
        PAGE.write_text(head + tables(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == head + tables()
    kinds = {x.kind for x in (*MODEL_COLUMNS, *LAYER_COLUMNS)}
    assert all(f"| `{kind}` |" in head for kind in kinds)


@pytest.mark.parametrize("columns", [MODEL_COLUMNS, LAYER_COLUMNS])
def test_columns_are_told_apart(columns: Sequence[Column]) -> None:
    names = [x.name for x in columns]
    assert len(set(names)) == len(names)
    for column in columns:
        assert column.name.isidentifier()
        assert column.meaning
        assert not {"|", "\n"}.intersection(column.meaning)
    status = [x for x in names if x.endswith("_status")]
    assert all(x.removesuffix("_status") in names for x in status)
