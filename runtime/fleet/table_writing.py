"""How do the journals of a scan become its table? Batch after batch, in the order of the list of places."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cnnscope.analyzer.fleet.columns import MODEL_COLUMNS
from cnnscope.analyzer.model.whole_file import written_whole
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.runtime.fleet.journal import Entry, batch_entries, is_whole
from cnnscope.runtime.fleet.row_files import row_writer
from cnnscope.runtime.fleet.scan_job import ScanJob
from cnnscope.runtime.fleet.table_meta import table_meta

#: so many rows with an error are told of
_FIRST: Final = 3


class Written:
    """What is in a table.

    Args:
        statuses: how many rows have which status.
        first_errors: the first few that have an error: the place, and what is said.
    """

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.first_errors: list[tuple[str, str]] = []

    def add(self, entries: Sequence[Entry]) -> None:
        self.statuses.update(entry.status for entry in entries)
        for entry in entries:
            if len(self.first_errors) == _FIRST:
                break
            if entry.status == "error":
                row = json.loads(entry.row)
                self.first_errors.append((row["path"], row["error"]))


def write_table(job: ScanJob, folder: Path, batches: int, *, whole: bool) -> Written:
    """Write the table of models, and of layers if they are asked for; what is in it.

    Args:
        job: what was asked for.
        folder: the scan's.
        batches: how many there are.
        whole: all of them have been scanned; else what there is, and the folder stays as it is.

    Raises:
        ArgumentError: it can't be written.
    """
    seen = Written()
    try:
        with written_whole(job.output) as file:
            writer = row_writer(job.table, file, MODEL_COLUMNS, table_meta("models"))
            for number in range(batches):
                found = sorted(entry for entry, _, _ in batch_entries(folder, number))
                seen.add(found)
                writer.write([entry.row for entry in found])
            writer.close()
        if job.request.layers:
            from cnnscope.runtime.fleet.layer_table import publish_parts, write_part

            for number in range(batches if not whole else 0):
                if not is_whole(folder, number):
                    write_part(folder, number, job.table)
            publish_parts(folder, job.output, keep=not whole)
    except OSError as error:
        raise ArgumentError(f"{job.output}: can't be written: {error.strerror or error}") from None
    return seen
