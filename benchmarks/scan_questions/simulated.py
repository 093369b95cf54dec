"""A scan whose workers make their rows up: list, journals, counting and table are the real ones.

python benchmarks/scan_questions/simulated.py ROWS OUT.parquet
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from zoo.models import made, place

SORTS = 50


class Simulated(Executor):
    """Which does each batch at once, by writing rows that were made before into its journal."""

    def __init__(self, rows: list[bytes]) -> None:
        self.rows = rows

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        from cnnscope.runtime.fleet.journal import Journal
        from cnnscope.runtime.fleet.worker import tally

        job = args[0]
        journal = Journal(Path(job.folder), job.number, layers=False)
        for at in range(job.count):
            head, tail = self.rows[at % SORTS].split(b"?", 1)
            row = b"%s%06d.%d%s" % (head, job.number, at, tail)
            journal.add(at, "analysis", row, status="ok", shareable=False, layers=b"")
        journal.finish()
        journal.close()
        done: Future[Any] = Future()
        done.set_result(tally(Path(job.folder), job.number))
        return done


def real_rows(folder: Path) -> list[bytes]:
    """Rows of models of the fleet, with a mark in their path."""
    from cnnscope.analyzer.fleet.model_row import scanned_model
    from cnnscope.analyzer.fleet.row_request import RowRequest
    from cnnscope.analyzer.model.file import open_model

    found = []
    for i in range(10 * SORTS):
        model = made(1, i)
        if model.broken:
            continue
        path = folder / "simulated.onnx"
        path.write_bytes(model.data)
        row, _ = scanned_model(
            open_model(str(path)), "https://zoo.example/models/m?.onnx", RowRequest()
        )
        row["path"] = "https://zoo.example/models/m?.onnx"
        found.append(json.dumps(row, separators=(",", ":")).encode("ascii"))
        path.unlink()
        if len(found) == SORTS:
            break
    return found


def main() -> None:
    from cnnscope.analyzer.fleet.row_request import RowRequest
    from cnnscope.runtime.fleet.scan_job import ScanJob
    from cnnscope.runtime.fleet.scanning import run_scan

    count, output = int(sys.argv[1]), Path(sys.argv[2])
    rows = real_rows(output.parent)
    where = (f"https://zoo.example/models/{place(i)}" for i in range(count))
    found = run_scan(ScanJob(where, output, RowRequest()), executor=Simulated(rows))
    assert found.done == count, found


if __name__ == "__main__":
    main()
