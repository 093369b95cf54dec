"""What is a worker sent, and what does it say? Small values: neither places nor rows travel."""

from __future__ import annotations

from cnnscope.analyzer.fleet.row_request import RowRequest
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class BatchJob:
    """Some models of a scan, one after the other in its list.

    Args:
        folder: the scan's work folder, as the worker sees it.
        token: what the folder has to say, so that it is the scan's.
        version: of cnnscope, which the worker has to have, too.
        number: of this batch.
        start, count: where in the list its places begin, and how many they are.
        request: what is asked of each model.
        timeout: seconds that one may take; None for as long as it takes.
        memory: bytes that one may take; None for as many as there are.
        table: ``parquet`` or ``jsonl``: how rows of layers are written.
    """

    folder: str
    token: str
    version: str
    number: int
    start: int
    count: int
    request: RowRequest
    timeout: float | None
    memory: int | None
    table: str


@dataclass(frozen=True, slots=True)
class BatchDone:
    """How many models of a batch are done, in all, and how.

    Args:
        number: of the batch.
        ok, partial, error: by the status of their rows.
        analysed: graphs that were, in this batch.
        reused: rows that are those of an equal graph.
        kept: rows that were there before, from a scan that was interrupted.
        whole: nothing of it is left to do.
    """

    number: int
    ok: int
    partial: int
    error: int
    analysed: int
    reused: int
    kept: int
    whole: bool

    @property
    def done(self) -> int:
        """Models that have a row."""
        return self.ok + self.partial + self.error
