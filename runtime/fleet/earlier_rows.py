"""Which graphs needn't be analysed, as an earlier scan has done so? Those of the table that is written anew.

Its rows become a journal of their own in the scan's folder, where they are found like any other row.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cnnscope.analyzer.fleet.columns import SCHEMA_VERSION
from cnnscope.analyzer.values.diagnostics import ReportFileError, RunError
from cnnscope.analyzer.values.package_version import installed_version
from cnnscope.runtime.fleet.graph_store import EARLIER, GraphStore, Known, forget
from cnnscope.runtime.fleet.journal import DAMAGED, Journal, batch_entries
from cnnscope.runtime.fleet.json_row import json_row
from cnnscope.runtime.fleet.scan_job import ScanJob
from cnnscope.runtime.fleet.table_meta import request_digest


def take_over(job: ScanJob, folder: Path) -> None:
    """Keep what an earlier scan said that would be said again.

    A table that can't be read has nothing to take over.
    """
    if not job.output.is_file():
        return
    from cnnscope.analyzer.fleet.model_row import shareable  # with it, the whole analysis
    from cnnscope.analyzer.fleet.scan_file import is_scan

    if not is_scan(job.output):
        return
    asked = (request_digest(job.request), installed_version(), SCHEMA_VERSION)
    journal = Journal(folder, EARLIER, layers=job.request.layers)
    try:
        with contextlib.suppress(ReportFileError):
            for row, layers in _read(job):
                said = (row["request"], row["cnnscope_version"], row["schema_version"])
                if said == asked and shareable(row):
                    lines = b"".join(json_row(x) + b"\n" for x in layers)
                    status = str(row["status"])
                    journal.add(
                        0, "earlier", json_row(row), status=status, shareable=True, layers=lines
                    )
        journal.finish()
    finally:
        journal.close()
    find_again(folder, 0)


_Row = Mapping[str, object]


def _read(job: ScanJob) -> Iterator[tuple[_Row, Sequence[_Row]]]:
    """The rows of the table, each with its layers' if these are asked for: without a model's, not at all."""
    from cnnscope.analyzer.fleet.scan_table import Scan

    scan = Scan(job.output)
    if not job.request.layers:
        yield from ((row, ()) for row in scan.rows())
        return
    # Both tables are in the order of the places, and a model's layers stand together.
    groups = itertools.groupby(scan.layers(), lambda x: x["path"])
    path, found = next(groups, (None, iter(())))
    for row in scan.rows():
        if row["path"] == path:
            layers = list(found)
            path, found = next(groups, (None, iter(())))
        else:
            layers = []
        if len(layers) == row["layers"]:
            yield row, layers


def find_again(folder: Path, batches: int) -> None:
    """Make the table of graphs anew from the journals."""
    forget(folder)
    with GraphStore(folder) as graphs:
        graphs.know_all(_known(folder, (*range(batches), EARLIER)))


def _known(folder: Path, numbers: tuple[int, ...]) -> Iterator[tuple[str, Known]]:
    for number in numbers:
        for entry, start, _ in batch_entries(folder, number):
            if entry.shareable:
                try:
                    digest = str(json.loads(entry.row)["graph_digest"])
                except (ValueError, LookupError, TypeError, RecursionError):
                    raise RunError(DAMAGED) from None
                yield digest, Known(number, start)
