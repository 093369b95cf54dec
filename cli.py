"""The command `cnnscope`: arguments in, text out, an exit code. Nothing is computed here.

Exit codes: 0 fine, 1 a check failed (`--strict`), 2 bad input or usage, 130 interrupted. An error
is one line on standard error.
"""
# Not `from __future__ import annotations`: typer reads the annotations of functions that are
# defined where typer is imported, which is inside a function so that `--version` needs none of it.

import contextlib
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

if TYPE_CHECKING:
    import typer
    from rich.console import Console

    from cnnscope.analyzer.report import Report

FINE, FAILED, BAD, INTERRUPTED = 0, 1, 2, 130

Shape = list[int | None]


class Format(StrEnum):
    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


class By(StrEnum):
    op = "op"


class Misuse(Exception):
    """The command line contradicts itself or the model; one line says how."""


@dataclass(frozen=True)
class Request:
    """What `cnnscope analyze` was asked for."""

    models: list[str]
    shapes: dict[str | None, Shape]
    dims: dict[str, int]
    columns: tuple[str, ...] | None
    sort: str | None
    top: int | None
    by_op: bool
    format: Format
    output: Path | None
    tensors: bool
    strict: bool


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit. The entry point of the script `cnnscope`.

    Args:
        arguments: what follows the command's name; by default this process's.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(given)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        _complain("interrupted")
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever reads us has seen enough. Python would complain again when it flushes at exit.
        _silence_stdout()
        code = FINE
    except MemoryError:
        _complain("out of memory")
        code = BAD
    except OSError as error:
        _complain(f"can't write: {error.strerror or error}")
        _silence_stdout()
        code = BAD
    except Exception as error:  # noqa: BLE001  # the last resort: a line, not a traceback
        _complain(_internal(error))
        code = BAD
    sys.exit(code)


def _run(given: list[str]) -> int:
    if given == ["--version"]:
        return _print_version()
    import typer

    commands = build_commands()
    try:
        done = commands(given, prog_name="cnnscope", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        usage = typer.BadParameter.__bases__[0]  # typer names no public base of its usage errors
        if isinstance(error, usage):
            said = " ".join(error.format_message().split())  # type: ignore[attr-defined]
            context = getattr(error, "ctx", None)
            path = context.command_path if context is not None else "cnnscope"
            _complain(f"{said or 'a command is needed'} (see {path} --help)")
            return BAD
        raise
    # A command only says what to do: done here, its errors aren't typer's to handle.
    try:
        return int(done() if callable(done) else done or FINE)
    except Misuse as error:
        _complain(str(error))
        return BAD


def installed_version() -> str:
    """The version of the package as installed: here, because it needs nothing else to be loaded."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cnnscope")
    except PackageNotFoundError:  # run from a checkout that isn't installed
        return "0+unknown"


def _print_version() -> int:
    _write(f"cnnscope {installed_version()}\n")
    return FINE


# -- the commands -----------------------------------------------------------------------------


def build_commands() -> "typer.Typer":
    """The commands, as typer has them: each returns what is to be done."""
    import typer

    app = typer.Typer(
        name="cnnscope",
        help="What does an ONNX model cost and see? Sizes, work, memory, receptive fields.",
        epilog="Example: cnnscope analyze model.onnx",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def cnnscope(
        version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    ) -> None:
        if version:
            raise typer.Exit(_print_version())

    @app.command(
        epilog="Example: cnnscope analyze model.onnx --shape input=1x3x224x224 --sort macs --top 20"
    )
    def analyze(
        models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="ONNX files.")],
        shape: Annotated[
            Optional[list[str]],  # noqa: UP045  # read by typer
            typer.Option(
                metavar="[INPUT=]1x3x224x224",
                help="An input's shape; ? leaves a dimension free. Repeatable.",
            ),
        ] = None,
        dim: Annotated[
            Optional[list[str]],  # noqa: UP045
            typer.Option(metavar="NAME=224", help="A free dimension's length. Repeatable."),
        ] = None,
        sort: Annotated[
            Optional[str],  # noqa: UP045
            typer.Option(
                metavar="COLUMN", help="name, op, params, macs, flops, bytes, rf, index, ..."
            ),
        ] = None,
        top: Annotated[
            Optional[int],  # noqa: UP045
            typer.Option(min=1, metavar="N", help="Show only the first N rows."),
        ] = None,
        columns: Annotated[
            Optional[str],  # noqa: UP045
            typer.Option(metavar="A,B,C", help="The columns to show, e.g. name,output,macs,rf."),
        ] = None,
        by: Annotated[
            Optional[By],  # noqa: UP045
            typer.Option(help="A row per operator instead of one per layer."),
        ] = None,
        format: Annotated[  # noqa: A002  # the option's name
            Format, typer.Option("--format", "-f", help="How to write it.")
        ] = Format.table,
        output: Annotated[
            Optional[Path],  # noqa: UP045
            typer.Option("--output", "-o", metavar="FILE", help="Write there instead."),
        ] = None,
        tensors: Annotated[
            bool, typer.Option("--tensors", help="JSON: list every tensor, too.")
        ] = False,
        strict: Annotated[
            bool, typer.Option("--strict", help="Exit with 1 unless every total is complete.")
        ] = False,
    ) -> Callable[[], int]:
        """Sizes, parameters, work, memory and receptive fields, per layer and in total."""
        return lambda: _analyze(
            Request(
                models,
                _shapes(shape or []),
                _dims(dim or []),
                _names(columns),
                sort,
                top,
                by is not None,
                format,
                output,
                tensors,
                strict,
            )
        )

    @app.command(epilog="Example: cnnscope operators Conv --format json")
    def operators(
        filter: Annotated[  # noqa: A002  # shown as FILTER
            Optional[str],  # noqa: UP045
            typer.Argument(metavar="[FILTER]", help="Only operators whose name contains this."),
        ] = None,
        format: Annotated[  # noqa: A002
            Format, typer.Option("--format", "-f", help="How to write it.")
        ] = Format.table,
        output: Annotated[
            Optional[Path],  # noqa: UP045
            typer.Option("--output", "-o", metavar="FILE", help="Write there instead."),
        ] = None,
    ) -> Callable[[], int]:
        """Which operators are covered, and how: rules, function, schema or none."""
        return lambda: _operators(filter, format, output)

    return app


def _shapes(texts: Sequence[str]) -> dict[str | None, Shape]:
    found: dict[str | None, Shape] = {}
    for text in texts:
        head, equals, body = text.rpartition("=")
        key = head if equals else None
        if key in found:
            raise Misuse(f"--shape is given twice for {key or 'the input'}")
        if body.strip() in ("", "scalar"):
            found[key] = []
            continue
        try:
            found[key] = [
                None if part.strip() == "?" else _length(part)
                for part in body.lower().replace(",", "x").split("x")
            ]
        except ValueError:
            raise Misuse(
                f"--shape {text}: give lengths such as input=1x3x224x224, ? for one left free"
            ) from None
    return found


def _dims(texts: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts:
        key, equals, body = text.rpartition("=")
        try:
            if not equals or not key:
                raise ValueError
            length = _length(body)
        except ValueError:
            raise Misuse(f"--dim {text}: give a name and a length such as H=224") from None
        if found.setdefault(key, length) != length:
            raise Misuse(f"--dim {key} is given as {found[key]} and as {length}")
    return found


def _length(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError
    return int(text)


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part for part in text.split(",") if part.strip())


# -- analyze ----------------------------------------------------------------------------------


def _analyze(request: Request) -> int:
    _check(request)
    reports: list[Report] = []
    code = FINE
    for path in request.models:
        with _progress(path):
            report = _report(path, request)
        if report is None:
            code = BAD
            continue
        reports.append(report)
        if request.strict and not report.complete:
            code = max(code, FAILED)
    if reports:
        _emit(request, reports)
    if request.strict:
        for report in reports:
            missing = [k for k, m in report.totals.metrics().items() if m.status != "complete"]
            if missing:
                _complain(f"{report.model.path}: not complete: {', '.join(missing)}")
    return code


def _check(request: Request) -> None:
    """Whatever can be said against the request before any work is done."""
    from cnnscope.analyzer.render.columns import (
        LAYER_COLUMNS,
        OPERATOR_COLUMNS,
        chosen_columns,
        sorted_rows,
    )

    if request.format is Format.json:
        odd = {
            "--columns": request.columns, "--sort": request.sort, "--top": request.top,
            "--by": request.by_op or None,
        }  # fmt: skip
        for option, value in odd.items():
            if value is not None:
                raise Misuse(f"{option} goes with table, csv and markdown: JSON has everything")
    elif request.tensors:
        raise Misuse("--tensors goes with --format json")
    if request.columns == ():
        raise Misuse("--columns names no column")
    try:
        if request.by_op:
            chosen_columns(OPERATOR_COLUMNS, request.columns or ())
            sorted_rows((), OPERATOR_COLUMNS, request.sort, request.top)
        else:
            chosen_columns(LAYER_COLUMNS, request.columns or ())
            sorted_rows((), LAYER_COLUMNS, request.sort, request.top)
    except ValueError as error:
        raise Misuse(str(error)) from None
    if request.output is not None:
        _check_output(request.output, request.models)


def _report(path: str, request: Request) -> "Report | None":
    """The model's report; None, and a line on standard error, where there is none."""
    from cnnscope.analyzer.analysis import analyze
    from cnnscope.analyzer.diagnostics import CnnscopeError

    try:
        shapes = {key: shape for key, shape in request.shapes.items() if key is not None}
        if None in request.shapes:
            # Which input is meant, only the model tells.
            inputs = analyze(path).inputs
            if len(inputs) != 1:
                names = ", ".join(x.name for x in inputs)
                raise Misuse(f"--shape needs an input's name: the model has {names or 'no input'}")
            shapes.setdefault(inputs[0].name, request.shapes[None])
        return analyze(path, shapes=shapes, dims=request.dims)
    except (CnnscopeError, Misuse) as error:
        said = str(error)
        _complain(said if said.startswith(path) else f"{path}: {said}")
    except MemoryError:
        _complain(f"{path}: out of memory")
    except RecursionError:
        _debug()
        _complain(f"{path}: nested too deeply to be analysed")
    except Exception as error:  # noqa: BLE001  # one model's fault must not hide the others
        _complain(f"{path}: {_internal(error)}")
    return None


def _emit(request: Request, reports: "list[Report]") -> None:
    from cnnscope.analyzer.render.delimited import report_csv
    from cnnscope.analyzer.render.machine import report_json
    from cnnscope.analyzer.render.markdown import report_markdown
    from cnnscope.analyzer.render.terminal import Shown, report_table, report_text

    several = len(request.models) > 1
    if request.format is Format.json:
        text = report_json(reports, tensors=request.tensors, as_list=several)
    elif request.format is Format.csv:
        text = report_csv(
            reports, columns=request.columns, sort=request.sort, top=request.top,
            by_op=request.by_op, with_model=several,
        )  # fmt: skip
    elif request.format is Format.markdown:
        text = "\n".join(
            report_markdown(
                report, columns=request.columns, sort=request.sort, top=request.top,
                by_op=request.by_op,
            )
            for report in reports
        )  # fmt: skip
    else:
        shown = Shown(request.columns, request.sort, request.top, request.by_op)
        console = _console()
        if request.output is None and console.is_terminal:
            with contextlib.suppress(AttributeError):  # a terminal that can't show every letter
                sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
            for position, report in enumerate(reports):
                if position:
                    console.print()
                console.print(report_table(report, shown), soft_wrap=True)
            return
        text = "\n".join(f"{report_text(r, console.width, shown)}\n" for r in reports)
    _deliver(text, request.output)


# -- operators --------------------------------------------------------------------------------


def _operators(wanted: str | None, format: Format, output: Path | None) -> int:  # noqa: A002
    from cnnscope.analyzer.coverage import find_coverage
    from cnnscope.analyzer.render.columns import COVERAGE_COLUMNS, default_columns
    from cnnscope.analyzer.render.delimited import csv_table
    from cnnscope.analyzer.render.machine import json_table
    from cnnscope.analyzer.render.markdown import markdown_table
    from cnnscope.analyzer.render.terminal import table_lines, text_of

    rows = find_coverage()
    if wanted is not None:
        found = [x for x in rows if wanted.lower() in f"{x.domain}::{x.op}".lower()]
        if not found:
            import difflib

            close = difflib.get_close_matches(wanted, [x.op for x in rows], 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise Misuse(f"no known operator's name contains {wanted!r}{meant}")
        rows = found
    if output is not None:
        _check_output(output, [])
    if format is Format.json:
        text = json_table(rows, COVERAGE_COLUMNS)
    elif format is Format.csv:
        text = csv_table(rows, COVERAGE_COLUMNS)
    elif format is Format.markdown:
        text = markdown_table(rows, default_columns(COVERAGE_COLUMNS)) + "\n"
    else:
        usual = default_columns(COVERAGE_COLUMNS)
        text = text_of(table_lines(rows, usual, _console().width)) + "\n"
    _deliver(text, output)
    return FINE


# -- writing ----------------------------------------------------------------------------------


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _deliver(text: str, output: Path | None) -> None:
    if output is None:
        _write(text)
    else:
        _save(text, output)


def _write(text: str) -> None:
    """To standard output, as UTF-8 whatever the locale says."""
    if sys.stdout is None:
        raise Misuse("standard output is closed")
    data = text.encode("utf-8", "backslashreplace")
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # replaced by something that takes text only
        sys.stdout.write(data.decode("utf-8"))
        return
    sys.stdout.flush()
    buffer.write(data)
    buffer.flush()


def _check_output(output: Path, models: Sequence[str]) -> None:
    if output.is_dir():
        raise Misuse(f"{output}: this is a folder; give a file")
    for model in models:
        with contextlib.suppress(OSError):
            if output.samefile(model):
                raise Misuse(f"{output}: this is the model itself; give another file")


def _save(text: str, output: Path) -> None:
    """To a file, wholly or not at all: beside it first, then in its place."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        target = output.resolve()
        if target.exists() and not target.is_file():  # a device or a pipe can't be replaced
            target.write_bytes(data)
            return
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        descriptor, beside = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(beside).chmod(mode)
            Path(beside).replace(target)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Misuse(f"{output}: can't be written: {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _complain(said: str) -> None:
    """One line on standard error, nothing in it taken for a control character."""
    if sys.stderr is None:
        return
    # Not with render's words for it: this has to work when nothing else can be imported.
    seen = "".join(c if c.isprintable() else _escaped(c) for c in said[:2000])
    line = f"cnnscope: {seen}\n"
    with contextlib.suppress(OSError):
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _internal(error: Exception) -> str:
    _debug()
    said = " ".join(str(error).split())
    return (
        f"internal error: {type(error).__name__}: {_shortened(said)}; please report it "
        "(CNNSCOPE_DEBUG=1 shows where)"
    )


def _shortened(said: str) -> str:
    """An error's own words, no longer than a line takes."""
    return said if len(said) <= 300 else said[:297] + "..."


def _debug() -> None:
    if os.environ.get("CNNSCOPE_DEBUG") == "1":
        import traceback

        traceback.print_exc()


def _silence_stdout() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def _progress(path: str) -> Iterator[None]:
    """After a second, and only where a person watches: what is being worked on."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    from cnnscope.analyzer.render.numbers import name

    status = Console(stderr=True).status(Text(f"analysing {name(path)}"))
    timer = threading.Timer(1.0, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


if __name__ == "__main__":
    main()
