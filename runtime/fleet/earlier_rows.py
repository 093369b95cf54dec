"""Which graphs needn't be analysed, as an earlier scan has done so? Those of the table that is written anew.

Its rows become a journal of their own in the scan's folder, where they are found like any other row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cnnscope.runtime.fleet.graph_store import EARLIER, GraphStore, Known, forget
from cnnscope.runtime.fleet.journal import batch_entries


def find_again(folder: Path, batches: int) -> None:
    """Make the table of graphs anew from the journals."""
    forget(folder)
    with GraphStore(folder) as graphs:
        graphs.know_all(_known(folder, (*range(batches), EARLIER)))


def _known(folder: Path, numbers: tuple[int, ...]) -> Iterator[tuple[str, Known]]:
    for number in numbers:
        for entry, start, _ in batch_entries(folder, number):
            if entry.shareable:
                yield json.loads(entry.row)["graph_digest"], Known(number, start)
