"""Every model of the corpus agrees with its oracles: shapes, parameters, work, fields, borders.

The comparison itself, and what each oracle is, stands in `corpus_score`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import corpus_score
import pytest
from amounts import some


def models() -> list[Any]:
    folder = corpus_score.corpus_path()
    if not (folder / "oracle" / "index.json").is_file():
        return [pytest.param(None, id="absent")]
    return [
        pytest.param(row, id=Path(row["file"]).stem) for row in some(corpus_score.rows(folder), 30)
    ]


@pytest.mark.parametrize("row", models())
def test_a_model_agrees_with_its_oracles(corpus: Path, row: dict[str, Any] | None) -> None:
    assert row is not None, "the corpus has no oracle/index.json"
    assert corpus_score.score(corpus, row).misses == []
