"""The command scan: many models, one row each, in one table."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import DimOption, Written
from cnnscope.runtime.commands.declared import argument, option
from cnnscope.runtime.commands.messages import FAILED, FINE, Misuse, complain, write_aside
from cnnscope.runtime.commands.scan_outcome import blame_first, outcome
from cnnscope.runtime.commands.scan_summary import show_summary
from cnnscope.runtime.commands.texts import lengths_of
from cnnscope.runtime.commands.writing import STANDARD_OUTPUT, write

if TYPE_CHECKING:
    from cnnscope.analyzer.budgets.limit import Limit
    from cnnscope.runtime.fleet.places import Unlisted
    from cnnscope.runtime.fleet.scan_job import ScanJob
    from cnnscope.runtime.fleet.scan_progress import ScanProgress

#: seconds between two lines of how far it is
_OFTEN = 0.2


@dataclass(frozen=True)
class Scanning:
    """What `cnnscope scan` was asked for."""

    where: list[str]
    lists: list[Path]
    output: Path | None
    layers: bool
    lint: bool
    limits: list[str]
    config: Path | None
    batch: int | None
    dims: dict[str, int]
    engine: str
    workers: int | None
    timeout: float
    memory: str
    resume: bool
    summary: bool = False
    format: str = "table"

    @property
    def making(self) -> dict[str, object]:
        """What was asked of the making of a scan, by the option's name."""
        return {
            "--from": self.lists, "--layers": self.layers, "--lint": self.lint, "--limit": self.limits,
            "--config": self.config, "--batch": self.batch, "--dim": self.dims, "--workers": self.workers,
            "--resume": self.resume,
        }  # fmt: skip


def scan_models(request: Scanning) -> int:
    """Scan, and say what came of it."""
    import gc

    from cnnscope.analyzer.values.diagnostics import CnnscopeError
    from cnnscope.analyzer.values.notation import name
    from cnnscope.runtime.fleet.coordinating import run_scan

    if request.summary:
        return show_summary(request.where, request.output, request.format, request.making)
    if request.format != "table":
        raise Misuse("--format goes with --summary: the table is what -o's ending says")
    gc.enable()  # this goes on for long
    if not request.where and not request.lists:
        raise Misuse("nothing to scan: give files, folders or places, or a list of them (--from)")
    try:
        if request.output is not None and str(request.output) != STANDARD_OUTPUT:
            with _shown() as told:
                done = _run(job_of(request, request.output), told)
            write(f"{outcome(done)}: {name(str(request.output), 1000)}\n")
            blame_first(done, request.output)
            return FAILED if done.error else FINE
        if request.layers or request.resume:
            what = "--layers" if request.layers else "--resume"
            raise Misuse(f"{what} needs a file to write: -o out.parquet, or -o out.jsonl")
        with tempfile.TemporaryDirectory(prefix="cnnscope-") as folder, _shown() as told:
            table = Path(folder) / "out.jsonl"
            try:
                done = run_scan(job_of(request, table), told)
            finally:
                if table.exists():  # after Ctrl-C, too
                    with table.open(encoding="ascii") as rows:
                        write(rows)
        write_aside(f"{outcome(done)}\n")
        blame_first(done, None)
    except CnnscopeError as error:
        raise Misuse(str(error)) from None
    return FAILED if done.error else FINE


def _run(job: ScanJob, told: Callable[[ScanProgress], None] | None) -> ScanProgress:
    """Scan; interrupted, say where what has been done is."""
    from cnnscope.runtime.fleet.coordinating import run_scan

    try:
        return run_scan(job, told)
    except KeyboardInterrupt:
        if job.work.exists():
            complain(
                f"{job.output} has what was scanned until now; the same command with --resume goes on"
            )
        raise


def job_of(request: Scanning, output: Path) -> ScanJob:
    """What is to be done, checked as far as it can be before anything is read."""
    from cnnscope.analyzer.fleet.row_request import RowRequest
    from cnnscope.analyzer.values.amounts import parse_amount
    from cnnscope.runtime.fleet.scan_job import ScanJob
    from cnnscope.runtime.fleet.scanning import checked_bytes

    try:
        memory = int(parse_amount(request.memory, "bytes"))
    except ValueError as error:
        raise Misuse(f"--memory {request.memory:.80}: {error}") from None
    return ScanJob(
        _places(request),
        output,
        RowRequest(
            limits=_limits(request), layers=request.layers, lint=request.lint, batch=request.batch,
            dims=request.dims,
        ),
        named=(*request.where, *(f"--from {path}" for path in request.lists)),
        inputs=tuple(path for path in request.lists if str(path) != "-"),
        engine=request.engine,
        workers=request.workers,
        timeout=request.timeout or None,
        memory=checked_bytes(memory) if memory else None,
        resume=request.resume,
    )  # fmt: skip


def _places(request: Scanning) -> Iterator[str | Unlisted]:
    from cnnscope.runtime.fleet.place_lists import places_in

    for word in request.where:
        if word == "-":
            yield from places_in(sys.stdin.buffer, "-")
        else:
            yield word
    for path in request.lists:
        if str(path) == "-":
            yield from places_in(sys.stdin.buffer, "-")
            continue
        try:
            with path.open("rb") as file:
                yield from places_in(file, str(path))
        except OSError as error:
            raise Misuse(f"{path}: can't be read: {error.strerror or error}") from None


def _limits(request: Scanning) -> tuple[Limit, ...]:
    """The configuration's, where one is named, and those of the line in their place."""
    if not request.limits and request.config is None:
        return ()
    from cnnscope.analyzer.budgets.config import read_config
    from cnnscope.analyzer.budgets.limit_text import parse_limit
    from cnnscope.runtime.gates.jobs import is_relative

    found: list[Limit] = []
    if request.config is not None:
        found += read_config(request.config).limits
    for text in request.limits:
        try:
            found.append(parse_limit(text))
        except ValueError as error:
            raise Misuse(f"--limit {text:.80}: {error}") from None
        if is_relative(found[-1]):
            raise Misuse(
                f"--limit {text:.80}: there is nothing earlier at hand: cnnscope check out.parquet --baseline"
                " EARLIER.parquet holds a scan against another"
            )
    return tuple({limit.key: limit for limit in found}.values())


@contextmanager
def _shown() -> Iterator[Callable[[ScanProgress], None] | None]:
    """What shows how far it is, where a person watches: one line, written over."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    last, width = 0.0, 0

    def told(progress: ScanProgress) -> None:
        nonlocal last, width
        if time.monotonic() - last < _OFTEN:
            return
        last, text = time.monotonic(), progress.text()
        write_aside(f"\r{text:{width}}")
        width = len(text)

    try:
        yield told
    finally:
        if width:
            write_aside(f"\r{'':{width}}\r")


EPILOG = """\b
Example: cnnscope scan models/ -o zoo.parquet
         cnnscope scan s3://bucket/zoo/ hf://org/model -o zoo.jsonl --layers
         cnnscope scan --from list.txt -o zoo.parquet --resume
         cnnscope scan models/ --limit macs=4G --lint | jq .path
         cnnscope scan --summary zoo.parquet"""


def scan(
    where: Annotated[
        list[str] | None,
        argument(metavar="WHERE", help="ONNX files, folders, globs, places far away."),
    ] = None,
    list_file: Annotated[
        list[Path] | None,
        option("--from", metavar="FILE", help="A list of them, one a line; - for standard input."),
    ] = None,
    output: Annotated[
        Path | None,
        option(
            "--output",
            "-o",
            metavar="FILE",
            help="The table: .parquet, or .jsonl for JSON Lines, which standard output gets without it.",
        ),
    ] = None,
    layers: Annotated[
        bool, option("--layers", help="A second table, one row a layer: out.layers.parquet/.")
    ] = False,
    lint: Annotated[bool, option("--lint", help="Also ask lint's rules.")] = False,
    limit: Annotated[
        list[str] | None,
        option(metavar="macs=4.2G", help="A limit for each model, as for check. Repeatable."),
    ] = None,
    config: Annotated[
        Path | None, option(metavar="FILE", help="Take the limits of a cnnscope.toml, too.")
    ] = None,
    batch: Annotated[
        int | None, option(min=1, metavar="N", help="The length of free batches; else 1.")
    ] = None,
    dim: DimOption = None,
    engine: Annotated[
        str,
        option(
            metavar="NAME",
            help="By whom: local, dask or ray; dask=ADDRESS, ray=ADDRESS: a cluster.",
        ),
    ] = "local",
    workers: Annotated[
        int | None,
        option(
            min=1, metavar="N", help="Models at a time; else one a core, more where they are far."
        ),
    ] = None,
    timeout: Annotated[
        float, option(min=0, metavar="SECONDS", help="For one model; 0: as long as it takes.")
    ] = 60.0,
    memory: Annotated[
        str, option(metavar="2GiB", help="For one model (on Linux); 0: all there is.")
    ] = "2GiB",
    resume: Annotated[
        bool, option("--resume", help="Go on with a scan that was interrupted, if one was.")
    ] = False,
    summary: Annotated[
        bool, option("--summary", help="WHERE is such a table: what its models look like together.")
    ] = False,
    format: Written = "table",  # noqa: A002
) -> Callable[[], int]:
    """Many models at once, one row each in a table.

    Exits with 0: every model has its figures, 1: some have an error in their row, 2: nothing was scanned.
    """  # fmt: skip
    dims = lengths_of(dim)
    return lambda: scan_models(
        Scanning(
            where or [], list_file or [], output, layers, lint, limit or [], config, batch, dims, engine,
            workers, timeout, memory, resume, summary, format,
        )
    )  # fmt: skip
