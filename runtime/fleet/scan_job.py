"""What is a scan asked for, and is another the same?"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cnnscope.analyzer.fleet.columns import SCHEMA_VERSION
from cnnscope.analyzer.fleet.row_request import RowRequest
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.analyzer.values.package_version import installed_version
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.fleet.row_files import ENDINGS
from cnnscope.runtime.fleet.table_meta import request_digest
from cnnscope.runtime.fleet.unlisted import Unlisted

#: bytes that one model may take, and seconds
MEMORY: Final = 2 << 30
TIMEOUT: Final = 60.0
#: bytes that Python itself may want meanwhile
LEAST_MEMORY: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class ScanJob:
    """What a scan is asked for.

    Args:
        where: files, folders, globs, lists, places far away.
        output: the table's file.
        request: what is asked of each model.
        named: `where` in words that are the same when the same is asked for again.
        inputs: files that are read besides models, such as a list.
        engine, workers: by whom, and how many models at the same time; None: as suits where they lie.
        timeout: seconds that one may take; None for as long as it takes.
        memory: bytes that one may take; None for as many as there are.
        resume: go on with a scan that was interrupted.
    """

    where: Iterable[str | Unlisted]
    output: Path
    request: RowRequest
    named: tuple[str, ...] = ()
    inputs: tuple[Path, ...] = ()
    engine: str = "local"
    workers: int | None = None
    timeout: float | None = TIMEOUT
    memory: int | None = MEMORY
    resume: bool = False

    @property
    def table(self) -> str:
        """How the table is written, by its name.

        Raises:
            ArgumentError: the name doesn't say.
        """
        found = ENDINGS.get(self.output.suffix.lower())
        if found is None:
            raise ArgumentError(
                f"{self.output}: how it is written is said by its ending: .parquet, or .jsonl for JSON Lines"
            )
        return found

    @property
    def work(self) -> Path:
        """The folder of the scan's work."""
        return self.output.with_name(self.output.name + ".scan")

    def asked(self) -> dict[str, object]:
        """What has to be the same when it is gone on with."""
        return {
            "version": installed_version(),
            "schema_version": SCHEMA_VERSION,
            "request": request_digest(self.request),
            "layers": self.request.layers,
            "table": self.table,
            "where": _digest(self.named),
        }


#: what is said where that is another than before
DIFFERENCES: Final = {
    "version": "by another version of cnnscope",
    "schema_version": "by another version of cnnscope",
    "request": "with other limits, sizes or rules",
    "layers": "with layers where there were none, or the other way round",
    "table": "in another format",
    "where": "of other places",
}


def default_workers(far: bool) -> int:
    """How many models are read at the same time.

    Args:
        far: they are waited for, too.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    return min(32, 4 * cores) if far else cores


def _digest(words: tuple[str, ...]) -> str:
    import hashlib

    # Places may hold credentials, and the folder's file is no place for them twice.
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()
