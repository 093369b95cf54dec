"""What does a warm child do with a model? It opens it, analyses it, and gives its rows as JSON.

In two steps, as a graph that has been analysed elsewhere isn't analysed again: ``open`` gives the graph's
digest, then ``analyse`` its rows, or ``reuse`` those of an equal graph as this file's. Whatever goes wrong is
a row, too. Nothing is written anywhere: rows leave as the child's answers.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.model.remote import remote_of
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.fleet.json_row import json_row
from cnnscope.runtime.fleet.memory_limit import limit_memory, resident_bytes
from cnnscope.runtime.fleet.table_meta import request_digest

if TYPE_CHECKING:
    from cnnscope.analyzer.fleet.row_request import RowRequest
    from cnnscope.analyzer.model.file import ModelFile

#: what a warm child is told to begin with
TARGET: Final = "cnnscope.runtime.fleet.model_reader:begin"
#: bytes by which a child may grow, and models that it may read, before another takes its place
_GROWTH: Final = 512 << 20
_MOST_MODELS: Final = 20_000
#: models after which garbage is looked for, and bytes by which a child has grown when it is at once
_MODELS: Final = 32
#: what Python, and what it calls, says where no memory is to be had; and what is said of a model then
_SHORT: Final = (SystemError, ImportError)
NO_MEMORY: Final = "out of memory: it takes more than one model may (see --memory)"
_GARBAGE: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """What a child is started for.

    Args:
        request: what is asked of each model.
        memory: bytes that one model may take; None: as many as there are.
    """

    request: RowRequest
    memory: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A model whose graph can be compared: its digest."""

    digest: str


@dataclass(frozen=True, slots=True)
class Read:
    """A model's rows.

    Args:
        row: of the table of models, a JSON object.
        layers: of the table of layers, each a JSON object and a line.
        status: the row's.
        shareable: they hold for every file with that graph.
        worn: the child has grown, and had better be followed by another.
    """

    row: bytes
    layers: bytes
    status: str
    shareable: bool = False
    worn: bool = False


def begin(settings: ReaderSettings) -> Callable[[tuple[str, object]], object]:
    """What answers for each step, with all that it needs loaded."""
    from cnnscope.analyzer.values.own_process import load_libraries

    load_libraries()
    reader = _Reader(settings.request, limited=settings.memory is not None)
    gc.collect()
    gc.freeze()
    gc.disable()  # what a model leaves is looked for between models, by `_Reader.worn`
    if settings.memory is not None:
        limit_memory(settings.memory)
    return reader.step


class _Reader:
    """Reads one model after the other."""

    def __init__(self, request: RowRequest, *, limited: bool = False) -> None:
        import cnnscope.analyzer.fleet.model_row  # noqa: F401  # and with it, the whole analysis

        self.request = request
        self.asked, self.limited = request_digest(request), limited
        self.place = ""
        self.file: ModelFile | None = None
        self.count = 0
        self.first = self.last = resident_bytes()

    def step(self, asked: tuple[str, object]) -> object:
        kind, given = asked
        if kind == "open":
            self.place = str(given)
        try:
            if kind == "open":
                return self.opened()
            file = self.file
            assert file is not None
            self.file = None
            return self.analysed(file) if kind == "analyse" else self.reused(file, given)
        except Exception as error:  # noqa: BLE001  # every one is a row
            self.file = None
            return self.failed(error)

    def opened(self) -> object:
        from cnnscope.analyzer.fleet.graph_digest import graph_digest
        from cnnscope.analyzer.model.file import open_model

        self.file = open_model(remote_of(self.place) or self.place)
        return Opened(graph_digest(self.file))

    def analysed(self, file: ModelFile) -> Read:
        from cnnscope.analyzer.fleet.model_row import scanned_model, shareable

        row, layers = scanned_model(file, self.place, self.request)
        lines = b"".join(json_row(x) + b"\n" for x in layers)
        return self.read(row, lines, shared=shareable(row))

    def reused(self, file: ModelFile, row: object) -> Read:
        from cnnscope.analyzer.fleet.model_row import row_for

        assert isinstance(row, bytes)
        return self.read(row_for(json.loads(row), file, self.place))

    def failed(self, error: Exception) -> Read:
        kind, said = told_failure(error, limited=self.limited)
        return self.read(failed(self.place, kind, said, self.request))

    def read(self, row: dict[str, object], layers: bytes = b"", *, shared: bool = False) -> Read:
        row["request"] = self.asked
        return Read(json_row(row), layers, str(row["status"]), shared, self.worn())

    def worn(self) -> bool:
        """Whether another child had better go on. Garbage goes first."""
        self.count += 1
        now = resident_bytes()
        if self.count % _MODELS == 0 or _more(now, self.last, _GARBAGE):
            gc.collect()
            self.last = now = resident_bytes()
        return _more(now, self.first, _GROWTH) or self.count >= _MOST_MODELS


def _more(now: int | None, before: int | None, by: int) -> bool:
    return now is not None and before is not None and now - before > by


def failed(place: str, kind: str, said: str, request: RowRequest) -> dict[str, object]:
    """The row of a model of which there is none.

    Args:
        place: its place; what is secret in it is left out, in `said` too.
        kind: a word of the column ``error_kind``.
        said: why, in a line.
        request: what was asked of it.
    """
    from cnnscope.analyzer.fleet.model_row import failed_row

    return failed_row(place, kind, said) | {"request": request_digest(request)}


def told_failure(error: Exception, *, limited: bool) -> tuple[str, str]:
    """Of which kind an error is, and what is said of it.

    Args:
        error: what was raised.
        limited: memory is, so that whatever asks for some may fail in its own way.
    """
    from cnnscope.analyzer.values import diagnostics

    short = limited and (isinstance(error, _SHORT) or type(error).__name__ == "EncodeError")
    if isinstance(error, MemoryError) or short:
        return "memory", NO_MEMORY
    if isinstance(error, RecursionError):
        return "limit", "nested too deeply to be analysed; flatten it"
    if isinstance(error, diagnostics.LimitError):
        return "limit", str(error)
    if isinstance(error, diagnostics.ModelFileError):
        return "unreadable", str(error)
    if isinstance(error, diagnostics.CnnscopeError):
        return "invalid", str(error)
    said = diagnostics.one_line(f"{type(error).__name__}: {error}", 300)
    return "internal", f"internal error: {said}; please report it"
