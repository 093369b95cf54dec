"""How do the journals of a scan become its table? Batch after batch, in the order of the list of places."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from cnnscope.analyzer.fleet.columns import MODEL_COLUMNS
from cnnscope.analyzer.model.whole_file import written_whole
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.runtime.fleet.journal import batch_entries, is_whole
from cnnscope.runtime.fleet.row_files import row_writer
from cnnscope.runtime.fleet.scan_job import ScanJob
from cnnscope.runtime.fleet.table_meta import table_meta


def write_table(job: ScanJob, folder: Path, batches: int, *, whole: bool) -> Counter[str]:
    """Write the table of models, and of layers if they are asked for; how many rows have which status.

    Args:
        job: what was asked for.
        folder: the scan's.
        batches: how many there are.
        whole: all of them have been scanned; else what there is, and the folder stays as it is.

    Raises:
        ArgumentError: it can't be written.
    """
    seen: Counter[str] = Counter()
    try:
        with written_whole(job.output) as file:
            writer = row_writer(job.table, file, MODEL_COLUMNS, table_meta("models"))
            for number in range(batches):
                found = sorted(entry for entry, _, _ in batch_entries(folder, number))
                seen.update(entry.status for entry in found)
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
