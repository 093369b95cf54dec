"""The command `cnnscope`: arguments in, text out, an exit code. Nothing is computed here.

Exit codes: 0 fine, 1 a check failed (`--strict`) or the model contradicts itself, 2 what can't be
read, or usage, 130 interrupted. An error is one line on standard error.

A command knows its exit code before it writes, and a reader that leaves doesn't change it. Whatever
is written, on either stream or to a file, goes through `without_commands`: no name in a model becomes
a command of the CI runner that keeps the log.
"""
# Not `from __future__ import annotations`: typer reads the annotations of functions that are
# defined where typer is imported, which is inside a function so that `--version` needs none of it.

import contextlib
import gc
import os
import stat
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TextIO, TypeAlias

from cnnscope.analyzer.render.formats import Result, Setting, styled, written
from cnnscope.analyzer.render.job_log import without_commands

if TYPE_CHECKING:
    import typer
    from rich.console import Console

    from cnnscope.analyzer.lint.linting import Findings, LintSettings
    from cnnscope.analyzer.render.document import Document
    from cnnscope.analyzer.report.groups import By as GroupedBy
    from cnnscope.analyzer.report.report import Report
    from cnnscope.analyzer.values.diagnostics import CnnscopeError
    from cnnscope.runtime.gates.checking import Request as Checks

FINE, FAILED, BAD, INTERRUPTED = 0, 1, 2, 130
#: so many of a model's errors are said on standard error
_ERRORS = 3
#: seconds that a run of a model may take unless told otherwise
_PATIENCE = 600
#: what a child process is to call
_VERIFY = "cnnscope.runtime.verify.verifying:verify_here"
_PROFILE = "cnnscope.runtime.profile.profiling:profile_here"

Shape = list[int | None]
Shapes = dict[str | None, Shape]
Values = dict[str, object]
#: letters that a value on the command line may have
_LONGEST = 100_000


class Format(StrEnum):
    table = "table"
    json = "json"
    csv = "csv"
    markdown = "markdown"


class CiFormat(StrEnum):
    """Of the gates: what people, machines and CI services read."""

    table = "table"
    json = "json"
    markdown = "markdown"
    junit = "junit"
    sarif = "sarif"
    github = "github"
    gitlab = "gitlab"


class Level(StrEnum):
    info = "info"
    warning = "warning"
    error = "error"


class By(StrEnum):
    op = "op"
    kind = "kind"
    module = "module"
    block = "block"


class Misuse(Exception):
    """The command line contradicts itself or the model; one line says how."""


@dataclass(frozen=True)
class Request:
    """What `cnnscope analyze` was asked for."""

    models: list[str]
    shapes: Shapes
    dims: dict[str, int]
    values: Values
    columns: tuple[str, ...] | None
    sort: str | None
    top: int | None
    by: By | None
    depth: int | None
    convention: str | None
    compare: bool
    format: Format
    output: Path | None
    tensors: bool
    strict: bool
    run: bool


@dataclass(frozen=True)
class Differing:
    """What `cnnscope diff` was asked for."""

    before: str
    after: str
    shapes: Shapes
    dims: dict[str, int]
    values: Values
    weights: bool
    everything: bool
    fail_on: tuple[str, ...]
    format: Format
    output: Path | None


@dataclass(frozen=True)
class Running:
    """What the commands that run a model were asked for."""

    model: str
    shapes: Shapes
    dims: dict[str, int]
    values: Values
    provider: str
    inputs: dict[str, str]
    seed: int
    timeout: float | None
    format: Format
    output: Path | None
    verbose: bool


@dataclass(frozen=True)
class Verifying(Running):
    """What `cnnscope verify` was asked for."""

    probes: int


@dataclass(frozen=True)
class Profiling(Running):
    """What `cnnscope profile` was asked for."""

    batches: tuple[int, ...]
    threads: int
    seconds: float
    sort: str | None
    top: int | None
    trace: Path | None


@dataclass(frozen=True)
class Gate:
    """What the commands that let a model pass or not were asked for."""

    models: list[str]
    config: Path | None
    shapes: Shapes
    dims: dict[str, int]
    values: Values
    format: CiFormat
    output: Path | None
    reports: list[tuple[CiFormat, Path]]


@dataclass(frozen=True)
class Checking(Gate):
    """What `cnnscope check` was asked for."""

    limits: list[str]
    baseline: str | None
    update: bool
    allow_unknown: bool
    tolerance: str | None
    anywhere: bool = False


@dataclass(frozen=True)
class Linting(Gate):
    """What `cnnscope lint` was asked for; None: as the configuration says."""

    select: tuple[str, ...] | None
    ignore: tuple[str, ...] | None
    severity: Level | None
    target_opset: int | None
    providers: tuple[str, ...] | None
    weights: bool
    ridge: float | None
    inline: bool


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit. The entry point of the script `cnnscope`.

    Args:
        arguments: what follows the command's name; by default this process's.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    own = arguments is None
    if own:
        # A process of our own loads things, makes a report and ends: next to nothing of it is
        # garbage before that, and looking for some takes a fifth of the whole time.
        gc.disable()
        _occupy_standard_streams()
        warnings.showwarning = _show_warning
    try:
        code = _run(given)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        _complain("interrupted")
        code = INTERRUPTED
    except MemoryError:
        _complain("out of memory")
        code = BAD
    except OSError as error:
        _complain(f"can't write: {error.strerror or error}")
        _silence(sys.stdout)
        code = BAD
    except Exception as error:  # noqa: BLE001  # the last resort: a line, not a traceback
        _complain(_internal(error))
        code = BAD
    if own:
        gc.freeze()  # nor at exit, where Python would search everything once more, enabled or not
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
    except SystemExit:
        # Nothing but a help page has been written, and typer exits when nobody reads it.
        _silence(sys.stdout)
        return FINE
    except Exception as error:
        usage = typer.BadParameter.__bases__[0]  # typer names no public base of its usage errors
        if isinstance(error, usage):
            said = " ".join(error.format_message().split())  # type: ignore[attr-defined]
            said = said.replace("Value error, ", "").rstrip(".") or "a command is needed"
            said = _in_own_words(said)
            context = getattr(error, "ctx", None)
            path = context.command_path if context is not None else "cnnscope"
            _complain(f"{said[0].lower()}{said[1:]} (see {path} --help)")
            return BAD
        raise
    # A command only says what to do: done here, its errors aren't typer's to handle.
    try:
        with _faults_shown():
            return int(done() if callable(done) else done or FINE)
    except Misuse as error:
        _complain(str(error))
        return BAD


def _in_own_words(said: str) -> str:
    """What typer says of a number, as the rest of cnnscope says it.

    >>> _in_own_words("Invalid value for '--top': Input should be greater than or equal to 1")
    "Invalid value for '--top': 1 or more is wanted"
    """
    what, should, wanted = said.partition(": Input should be ")
    if not should:
        return said
    least = wanted.removeprefix("greater than or equal to ")
    if least != wanted:
        return f"{what}: {least} or more is wanted"
    for kind, words in (("integer", "a whole number"), ("number", "a number")):
        if f"valid {kind}" in wanted:
            return f"{what}: {words} is wanted"
    return said


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
    option, argument = typer.Option, typer.Argument

    # What several commands take, said once.
    Model: TypeAlias = Annotated[str, argument(metavar="MODEL", help="An ONNX file.")]
    Models: TypeAlias = Annotated[list[str], argument(metavar="MODEL...", help="ONNX files.")]
    ShapeOption: TypeAlias = Annotated[
        list[str] | None,
        option(
            metavar="[INPUT=]1x3x224x224",
            help="An input's shape; ? leaves a dimension free. Repeatable.",
        ),
    ]
    Dim: TypeAlias = Annotated[
        list[str] | None, option(metavar="NAME=224", help="A free dimension's length. Repeatable.")
    ]
    ValueOption: TypeAlias = Annotated[
        list[str] | None,
        option(
            metavar="INPUT=4",
            help="An input's value, where sizes hang on it: 4, [1,8]. Repeatable.",
        ),
    ]
    Columns: TypeAlias = Annotated[
        str | None, option(metavar="A,B,C", help="The columns to show, e.g. name,output,macs,rf.")
    ]
    Written: TypeAlias = Annotated[Format, option("--format", "-f", help="How to write it.")]
    NoTable: TypeAlias = Annotated[
        Format, option("--format", "-f", help="How to write it: table, json or markdown.")
    ]
    GateWritten: TypeAlias = Annotated[CiFormat, option("--format", "-f", help="How to write it.")]
    Output: TypeAlias = Annotated[
        Path | None, option("--output", "-o", metavar="FILE", help="Write there instead.")
    ]
    ReportOption: TypeAlias = Annotated[
        list[str] | None,
        option(metavar="FORMAT=FILE", help="Also write it so, e.g. sarif=out.sarif. Repeatable."),
    ]
    Config: TypeAlias = Annotated[
        Path | None,
        option(metavar="FILE", help="Instead of the nearest cnnscope.toml or pyproject.toml."),
    ]
    Provider: TypeAlias = Annotated[
        str, option(metavar="NAME", help="auto, cpu, cuda, tensorrt, ...")
    ]
    Input: TypeAlias = Annotated[
        list[str] | None,
        option(
            metavar="NAME=FILE.npy", help="An input's values instead of random ones. Repeatable."
        ),
    ]
    Seed: TypeAlias = Annotated[int, option(min=0, metavar="N", help="Of all that is random.")]
    Timeout: TypeAlias = Annotated[
        float, option(min=0, metavar="SECONDS", help="Give up after that; 0: never.")
    ]
    Verbose: TypeAlias = Annotated[bool, option("--verbose", help="Show ONNX Runtime's own log.")]

    @app.callback()
    def cnnscope(
        version: Annotated[bool, option("--version", help="Print the version.")] = False,
    ) -> None:
        if version:
            raise typer.Exit(_print_version())

    @app.command(
        epilog="Example: cnnscope analyze model.onnx --shape input=1x3x224x224 --sort macs --top 20"
    )
    def analyze(
        models: Models,
        shape: ShapeOption = None,
        dim: Dim = None,
        value: ValueOption = None,
        sort: Annotated[
            str | None,
            option(metavar="COLUMN", help="name, op, params, macs, flops, bytes, rf, index, ..."),
        ] = None,
        top: Annotated[
            int | None, option(min=1, metavar="N", help="Show only the first N rows.")
        ] = None,
        columns: Columns = None,
        by: Annotated[
            By | None, option(help="A row per operator, kind, module or block, not per layer.")
        ] = None,
        depth: Annotated[
            int | None,
            option(min=1, metavar="N", help="With --by module: so many steps of the path."),
        ] = None,
        convention: Annotated[
            str | None,
            option(
                metavar="NAME",
                help="Also count as fvcore, thop, ptflops, ... do (see conventions).",
            ),
        ] = None,
        compare: Annotated[
            bool, option("--compare", help="Several models: only their comparison.")
        ] = False,
        format: Written = Format.table,  # noqa: A002  # the option's name
        output: Output = None,
        tensors: Annotated[bool, option("--tensors", help="JSON: list every tensor, too.")] = False,
        strict: Annotated[
            bool, option("--strict", help="Exit with 1 unless every total is complete.")
        ] = False,
        run: Annotated[
            bool, option("--run", help="Also run it: each layer's time, and whether it's as said.")
        ] = False,
    ) -> Callable[[], int]:
        """Sizes, parameters, work, memory and receptive fields, per layer and in total."""
        return lambda: _analyze(
            Request(
                models, _shapes(shape), _dims(dim), _values(value), _names(columns), sort, top, by, depth,
                convention, compare, format, output, tensors, strict, run,
            )
        )  # fmt: skip

    @app.command(epilog="Example: cnnscope explain model.onnx /layer1/0/conv2/Conv --unit 3,4")
    def explain(
        model: Model,
        layer: Annotated[
            str, argument(metavar="LAYER", help="A layer's name, a tensor's name, or an index.")
        ],
        unit: Annotated[
            str | None,
            option(
                metavar="3,4",
                help="Whose region to show: an index per axis, or per spatial axis; : for all.",
            ),
        ] = None,
        shape: ShapeOption = None,
        dim: Dim = None,
        value: ValueOption = None,
        format: NoTable = Format.table,  # noqa: A002
        output: Output = None,
    ) -> Callable[[], int]:
        """A layer's numbers, line by line: formulas, operands, field, region, alternatives."""
        return lambda: _explain(
            model, layer, _unit(unit), (_shapes(shape), _dims(dim), _values(value)), format, output
        )

    @app.command(epilog="Example: cnnscope conventions model.onnx")
    def conventions(
        model: Annotated[
            str | None,
            argument(metavar="[MODEL]", help="An ONNX file; without one: who counts what."),
        ] = None,
        shape: ShapeOption = None,
        dim: Dim = None,
        value: ValueOption = None,
        format: Written = Format.table,  # noqa: A002
        output: Output = None,
    ) -> Callable[[], int]:
        """What fvcore, thop, ptflops and others would print for a model, and what each counts."""
        return lambda: _conventions(
            model, _shapes(shape), _dims(dim), _values(value), format, output
        )

    @app.command(epilog="Example: cnnscope operators Conv --format json")
    def operators(
        filter: Annotated[  # noqa: A002  # shown as FILTER
            str | None,
            argument(metavar="[FILTER]", help="Only operators whose name contains this."),
        ] = None,
        format: Written = Format.table,  # noqa: A002
        output: Output = None,
    ) -> Callable[[], int]:
        """Which operators are covered, and how: rules, function, schema or none."""
        return lambda: _operators(filter, format, output)

    @app.command(epilog="Example: cnnscope verify model.onnx --shape input=1x3x224x224")
    def verify(
        model: Model,
        shape: ShapeOption = None,
        dim: Dim = None,
        value: ValueOption = None,
        provider: Provider = "auto",
        input: Input = None,  # noqa: A002  # the option's name
        seed: Seed = 0,
        probes: Annotated[
            int, option(min=0, metavar="N", help="Points of each input to probe; 0: none.")
        ] = 4,
        timeout: Timeout = _PATIENCE,
        format: NoTable = Format.table,  # noqa: A002
        output: Output = None,
        verbose: Verbose = False,
    ) -> Callable[[], int]:
        """Run the model and hold shapes, receptive fields and memory against the run."""
        return lambda: _verify(
            Verifying(
                model, _shapes(shape), _dims(dim), _values(value), provider, _files(input), seed,
                timeout or None, format, output, verbose, probes,
            )
        )  # fmt: skip

    @app.command(epilog="Example: cnnscope profile model.onnx --batch 1,8 --top 20")
    def profile(
        model: Model,
        shape: ShapeOption = None,
        dim: Dim = None,
        value: ValueOption = None,
        provider: Provider = "auto",
        batch: Annotated[
            str | None,
            option(metavar="1,8,32", help="Lengths of the batch; kernels are timed at the first."),
        ] = None,
        threads: Annotated[
            int, option(min=0, metavar="N", help="Of one operator; 0: ONNX Runtime's choice.")
        ] = 0,
        input: Input = None,  # noqa: A002  # the option's name
        seed: Seed = 0,
        seconds: Annotated[
            float, option(min=0, metavar="S", help="How long each measurement may take.")
        ] = 3,
        timeout: Timeout = _PATIENCE,
        sort: Annotated[
            str | None, option(metavar="COLUMN", help="time, share, layers, bytes, index, ...")
        ] = None,
        top: Annotated[
            int | None, option(min=1, metavar="N", help="Show only the first N kernels.")
        ] = None,
        format: Written = Format.table,  # noqa: A002
        output: Output = None,
        trace: Annotated[
            Path | None, option(metavar="FILE", help="Also write one run in Chrome's trace format.")
        ] = None,
        verbose: Verbose = False,
    ) -> Callable[[], int]:
        """Run the model: latency, time per layer, share of what the machine can do."""
        return lambda: _profile(
            Profiling(
                model, _shapes(shape), _dims(dim), _values(value), provider, _files(input), seed,
                timeout or None, format, output, verbose, _batches(batch), threads, seconds, sort, top, trace,
            )
        )  # fmt: skip

    @app.command(epilog="Example: cnnscope check model.onnx --limit macs=4.2G --limit params=26M")
    def check(
        models: Annotated[
            list[str] | None,
            argument(metavar="[MODEL...]", help="ONNX files; without one, those in cnnscope.toml."),
        ] = None,
        limit: Annotated[
            list[str] | None,
            option(
                metavar="macs=4.2G",
                help="A limit, in place of the file's: params=26M, receptive_field>=224, "
                "module.layer4.macs=+2%, ... Repeatable.",
            ),
        ] = None,
        config: Config = None,
        baseline: Annotated[
            str | None,
            option(
                metavar="FILE|git:REF[:PATH]",
                help="What limits such as +2% are relative to: a saved JSON, a model, a commit.",
            ),
        ] = None,
        update_baseline: Annotated[
            bool, option("--update-baseline", help="Write the figures as the new baseline.")
        ] = False,
        shape: ShapeOption = None,
        dim: Dim = None,
        value: ValueOption = None,
        allow_unknown: Annotated[
            bool, option("--allow-unknown", help="That a limit can't be judged is no failure.")
        ] = False,
        tolerance: Annotated[
            str | None, option(metavar="5%", help="Of latencies: closer to the limit is unknown.")
        ] = None,
        anywhere: Annotated[
            bool, option("--anywhere", help="Let cnnscope.toml's paths lead out of its folder.")
        ] = False,
        format: GateWritten = CiFormat.table,  # noqa: A002
        output: Output = None,
        report: ReportOption = None,
    ) -> Callable[[], int]:
        """Hold models against limits: 0 all kept, 1 one exceeded or unknown, 2 can't be judged."""
        return lambda: _check_budgets(
            Checking(
                models or [], config, _shapes(shape), _dims(dim), _values(value), format, output,
                _reports(report), limit or [], baseline, update_baseline, allow_unknown, tolerance, anywhere,
            )
        )  # fmt: skip

    @app.command(epilog="Example: cnnscope diff old.onnx new.onnx --fail-on shape,added")
    def diff(
        before: Annotated[str, argument(metavar="BEFORE", help="An ONNX file.")],
        after: Annotated[str, argument(metavar="AFTER", help="The other one.")],
        shape: Annotated[
            list[str] | None,
            option(
                metavar="[INPUT=]1x3x224x224",
                help="An input's shape, of both; ? leaves a dimension free. Repeatable.",
            ),
        ] = None,
        dim: Dim = None,
        value: ValueOption = None,
        weights: Annotated[
            bool, option("--weights/--no-weights", help="Compare the numbers stored, too.")
        ] = True,
        all: Annotated[  # noqa: A002  # the option's name
            bool, option("--all", help="Show every layer, not only what changed.")
        ] = False,
        fail_on: Annotated[
            str | None,
            option(
                metavar="WHAT,...",
                help="Exit 1 where that differs: any, added, removed, changed, moved, renamed,"
                " folded, shape, dtype, params, macs, memory, field, weights, kind, opset.",
            ),
        ] = None,
        format: NoTable = Format.table,  # noqa: A002
        output: Output = None,
    ) -> Callable[[], int]:
        """What differs between two models: layers matched by structure, totals, weights."""
        return lambda: _diff(
            Differing(
                before, after, _shapes(shape), _dims(dim), _values(value), weights, all,
                _names(fail_on) or (), format, output,
            )
        )  # fmt: skip

    @app.command(epilog="Example: cnnscope lint model.onnx --ignore CNS4 --provider cpu")
    def lint(
        models: Models,
        select: Annotated[
            str | None, option(metavar="CNS1,CNS404", help="Only rules whose codes begin so.")
        ] = None,
        ignore: Annotated[
            str | None, option(metavar="CNS4,...", help="Not those; the longer prefix wins.")
        ] = None,
        severity: Annotated[
            Level | None, option(help="Exit with 1 for findings at least that bad; warning.")
        ] = None,
        target_opset: Annotated[
            int | None, option(min=1, metavar="N", help="The opset that the target is built for.")
        ] = None,
        provider: Annotated[
            list[str] | None,
            option(metavar="NAME", help="Every layer needs a kernel there. Repeatable."),
        ] = None,
        weights: Annotated[
            bool, option("--weights", help="Also read the weights' values.")
        ] = False,
        ridge: Annotated[
            float | None, option(min=0, metavar="X", help="FLOPs per byte of the machine; 10.")
        ] = None,
        inline: Annotated[
            bool, option("--inline/--no-inline", help="What the model says to ignore counts.")
        ] = True,
        config: Config = None,
        shape: ShapeOption = None,
        dim: Dim = None,
        value: ValueOption = None,
        format: GateWritten = CiFormat.table,  # noqa: A002
        output: Output = None,
        report: ReportOption = None,
    ) -> Callable[[], int]:
        """Look for what is probably a mistake or a waste: rules with stable codes."""
        return lambda: _lint(
            Linting(
                models, config, _shapes(shape), _dims(dim), _values(value), format, output, _reports(report),
                _names(select), _names(ignore), severity, target_opset,
                tuple(provider) if provider else None, weights, ridge, inline,
            )
        )  # fmt: skip

    @app.command(epilog="Example: cnnscope rule CNS101")
    def rule(
        code: Annotated[
            str | None, argument(metavar="[CODE]", help="A rule's code or name.")
        ] = None,
        all: Annotated[  # noqa: A002  # the option's name
            bool, option("--all", help="List every rule.")
        ] = False,
        format: NoTable = Format.table,  # noqa: A002
        output: Output = None,
    ) -> Callable[[], int]:
        """What a rule of lint does, why, and what to do about it."""
        return lambda: _rule(code, all, format, output)

    return app


def _shapes(texts: Sequence[str] | None) -> Shapes:
    found: Shapes = {}
    for text in texts or ():
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


def _dims(texts: Sequence[str] | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts or ():
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


def _values(texts: Sequence[str] | None) -> Values:
    import json

    found: Values = {}
    for text in texts or ():
        key, equals, body = text.rpartition("=")
        try:
            if not equals or not key or len(body) > _LONGEST:
                raise ValueError
            given = json.loads(body)
        except (ValueError, RecursionError):  # not JSON, or numbers of thousands of digits
            shown = text if len(text) <= 80 else f"{text[:77]}..."
            raise Misuse(
                f"--value {shown}: give an input's name and its value such as k=4 or size=[1,3,8]"
            ) from None
        if key in found:
            raise Misuse(f"--value is given twice for {key}")
        found[key] = given
    return found


def _unit(text: str | None) -> list[int | None] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    try:
        return [None if part == ":" else _index(part) for part in parts]
    except ValueError:
        raise Misuse(f"--unit {text}: give indices such as 3,4, : for all of an axis") from None


def _index(text: str) -> int:
    return -_length(text[1:]) if text.startswith("-") else _length(text)


def _length(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError
    return int(text)


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part for part in text.split(",") if part.strip())


def _batches(text: str | None) -> tuple[int, ...]:
    try:
        found = tuple(_length(part) for part in (text or "").split(",") if text is not None)
        if any(not batch for batch in found):
            raise ValueError
    except ValueError:
        raise Misuse(f"--batch {text}: give lengths such as 1,8,32") from None
    return found


def _files(texts: Sequence[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts or ():
        # A tensor's name may hold an equals sign, a file's path too: the file's is the last.
        key, _, path = text.rpartition("=")
        if not key or not path:
            raise Misuse(f"--input {text}: give an input's name and a file such as x=image.npy")
        if key in found:
            raise Misuse(f"--input is given twice for {key}")
        found[key] = path
    return found


def _reports(texts: Sequence[str] | None) -> list[tuple[CiFormat, Path]]:
    found = []
    for text in texts or ():
        key, _, path = text.partition("=")
        if key not in [x.value for x in CiFormat] or not path:
            known = ", ".join(CiFormat)
            raise Misuse(
                f"--report {text}: give a format and a file such as sarif=out.sarif ({known})"
            )
        found.append((CiFormat(key), Path(path)))
    return found


# -- analyze ----------------------------------------------------------------------------------


def _analyze(request: Request) -> int:
    _check(request)
    reports: list[Report] = []
    code = FINE
    for path in request.models:
        with _progress(path):
            report = _report(path, request.shapes, request.dims, request.values)
        if report is None:
            code = BAD
            continue
        if request.run:
            report, said = _with_run(report, path, request)
            code = max(code, said)
        reports.append(report)
        if report.errors or (request.strict and not report.complete):
            code = max(code, FAILED)
    if reports:
        _emit_reports(request, reports)
    for report in reports:
        _complain_of_errors(report)
    if request.strict:
        for report in reports:
            missing = [k for k, m in report.totals.metrics().items() if m.status != "complete"]
            if missing:
                _complain(f"{report.model.path}: not complete: {', '.join(missing)}")
    return code


def _with_run(report: "Report", path: str, request: Request) -> "tuple[Report, int]":
    """The report with what running the model shows; as it is, and a line, where it can't be run."""
    from cnnscope.analyzer.report.execution import Execution
    from cnnscope.analyzer.report.measurement import Profile
    from cnnscope.analyzer.report.verification import Verification
    from cnnscope.runtime.profile.profiling import Request as Job
    from cnnscope.runtime.verify.verifying import Request as Base

    base = Base(path, request.shapes, request.dims, values=request.values)
    found = _in_child(path, [(_VERIFY, base), (_PROFILE, Job(base))])
    if found is None:
        return report, BAD
    checked, timed = found
    assert isinstance(checked, Verification)
    assert isinstance(timed, Profile)
    return replace(report, execution=Execution(timed, checked)), FINE


def _check(request: Request) -> None:
    """Whatever can be said against the request before any work is done."""
    from cnnscope.analyzer.render.columns import chosen_columns, sorted_rows
    from cnnscope.analyzer.render.subjects.beside import (
        group_with_convention,
        with_convention,
        with_execution,
    )
    from cnnscope.analyzer.render.subjects.groups import GROUP_COLUMNS
    from cnnscope.analyzer.render.subjects.layers import LAYER_COLUMNS

    if request.format is Format.json:
        odd = {
            "--columns": request.columns, "--sort": request.sort, "--top": request.top,
            "--by": request.by,
        }  # fmt: skip
        for option, value in odd.items():
            if value is not None:
                raise Misuse(f"{option} goes with table, csv and markdown: JSON has everything")
    elif request.tensors:
        raise Misuse("--tensors goes with --format json")
    if request.depth is not None and request.by is not By.module:
        raise Misuse("--depth goes with --by module")
    if request.run and (request.compare or request.by is not None):
        raise Misuse("--run is about layers: it goes with neither --compare nor --by")
    if request.compare:
        if len(request.models) < 2:
            raise Misuse("--compare needs more than one model")
        for option, value in {
            "--columns": request.columns, "--sort": request.sort, "--top": request.top,
            "--by": request.by, "--tensors": request.tensors or None,
            "--convention": request.convention,
        }.items():  # fmt: skip
            if value is not None:
                raise Misuse(f"{option} is about layers: --compare shows totals only")
    if request.columns == ():
        raise Misuse("--columns names no column")
    try:
        counted = None
        if request.convention is not None:
            from cnnscope.analyzer.render.subjects.conventions import uncounted

            counted = uncounted(request.convention)
        if request.by is not None:
            columns = group_with_convention(GROUP_COLUMNS[request.by.value], counted)
            chosen_columns(columns, request.columns or ())
            sorted_rows((), columns, request.sort, request.top)
        else:
            per_layer = with_convention(LAYER_COLUMNS, counted)
            if request.run:
                from cnnscope.analyzer.report.execution import Execution

                per_layer = with_execution(per_layer, Execution())
            chosen_columns(per_layer, request.columns or ())
            sorted_rows((), per_layer, request.sort, request.top)
    except ValueError as error:
        raise Misuse(str(error)) from None
    _check_output(request.output, request.models)


def _report(
    path: str, given: Shapes, dims: dict[str, int], values: Values | None = None
) -> "Report | None":
    """The model's report; None, and a line on standard error, where there is none."""
    from cnnscope.analyzer.analysis import analyze
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    try:
        shapes = {key: shape for key, shape in given.items() if key is not None}
        if None in given:
            # Which input is meant, only the model tells.
            inputs = analyze(path).inputs
            if len(inputs) != 1:
                names = ", ".join(x.name for x in inputs)
                raise Misuse(f"--shape needs an input's name: the model has {names or 'no input'}")
            shapes.setdefault(inputs[0].name, given[None])
        return analyze(path, shapes=shapes, dims=dims, values=values)
    except (CnnscopeError, Misuse) as error:
        _blame(path, error)
    except MemoryError:
        _complain(f"{path}: out of memory")
    except RecursionError:
        _debug()
        _complain(f"{path}: nested too deeply to be analysed")
    except Exception as error:  # noqa: BLE001  # one model's fault must not hide the others
        _complain(f"{path}: {_internal(error)}")
    return None


def _emit_reports(request: Request, reports: "list[Report]") -> None:
    from cnnscope.analyzer.render.subjects import comparison as beside
    from cnnscope.analyzer.render.subjects import report as render
    from cnnscope.analyzer.report.comparison import compared

    if request.compare:
        found = compared(reports)
        result = Result(lambda: [beside.document(found)], found.to_dict, rows=True)
        _emit(result, request.format, request.output)
        return
    several = len(request.models) > 1
    by: GroupedBy | None = None if request.by is None else request.by.value
    shown = render.Selection(
        request.columns, request.sort, request.top, by, request.depth, request.convention
    )

    def documents() -> "list[Document]":
        pages = [render.document(report, shown) for report in reports]
        more = [beside.document(compared(reports), rows=False)] if len(reports) > 1 else []
        return pages + more

    def record() -> object:
        found = [
            render.record(report, tensors=request.tensors, convention=request.convention)
            for report in reports
        ]
        return found if several else found[0]

    models = [report.model.path or "" for report in reports] if several else None
    _emit(Result(documents, record, rows=True, models=models), request.format, request.output)


# -- explain ----------------------------------------------------------------------------------


def _explain(
    path: str,
    wanted: str,
    unit: list[int | None] | None,
    sizes: tuple[Shapes, dict[str, int], Values],
    format: Format,  # noqa: A002
    output: Path | None,
) -> int:
    _refuse_csv(format, "explain")
    _check_output(output, [path])
    with _progress(path):
        report = _report(path, *sizes)
    if report is None:
        return BAD
    try:
        explanation = report.layers.find(wanted).explain(unit)
    except KeyError as error:
        last = len(report.layers) - 1
        raise Misuse(f"{path}: {error.args[0]} (or give an index, 0 to {last})") from None
    except ValueError as error:
        raise Misuse(f"{path}: {error}") from None
    from cnnscope.analyzer.render.subjects import explanation as render

    _complain_of_errors(report)
    result = Result(lambda: [render.document(explanation)], explanation.to_dict)
    _emit(result, format, output)
    return FINE


# -- conventions ------------------------------------------------------------------------------


def _conventions(
    model: str | None,
    shapes: Shapes,
    dims: dict[str, int],
    values: Values,
    format: Format,  # noqa: A002
    output: Path | None,
) -> int:
    from cnnscope.analyzer.counters.conventions import all_conventions
    from cnnscope.analyzer.counters.conventions import conventions as every
    from cnnscope.analyzer.render.forms.json import rows_of
    from cnnscope.analyzer.render.subjects import conventions as render

    _check_output(output, [] if model is None else [model])
    if model is None:
        if shapes or dims or values:
            raise Misuse("--shape, --dim and --value go with a model")
        found = render.list_document(every())
        result = Result(lambda: [found], lambda: rows_of(found), rows=True)
        _emit(result, format, output)
        return FINE
    with _progress(model):
        report = _report(model, shapes, dims, values)
    if report is None:
        return BAD
    _complain_of_errors(report)
    rows = all_conventions(report)
    result = Result(
        lambda: [render.document(report, rows)],
        lambda: render.conventions_dict(report.model.path, rows),
        rows=True,
    )
    _emit(result, format, output)
    return FINE


# -- operators --------------------------------------------------------------------------------


def _operators(wanted: str | None, format: Format, output: Path | None) -> int:  # noqa: A002
    from cnnscope.analyzer.operators.coverage import find_coverage
    from cnnscope.analyzer.operators.plugins import load_plugins
    from cnnscope.analyzer.render.forms.json import rows_of
    from cnnscope.analyzer.render.subjects.coverage import document

    rows = find_coverage()
    for note in load_plugins():
        _complain(f"{note.severity}: {note.message} ({note.hint})")
    if wanted is not None:
        found = [x for x in rows if wanted.lower() in f"{x.domain}::{x.op}".lower()]
        if not found:
            import difflib

            close = difflib.get_close_matches(wanted, [x.op for x in rows], 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise Misuse(f"no known operator's name contains {wanted!r}{meant}")
        rows = found
    _check_output(output, [])
    shown = document(rows)
    result = Result(lambda: [shown], lambda: rows_of(shown), rows=True)
    _emit(result, format, output)
    return FINE


# -- verify -----------------------------------------------------------------------------------


def _verify(request: Verifying) -> int:
    _refuse_csv(request.format, "verify")
    _check_output(request.output, [request.model])
    # Nothing heavy is imported here: the child process does the work.
    from cnnscope.analyzer.render.subjects import verification as render
    from cnnscope.analyzer.report.verification import Verification
    from cnnscope.runtime.verify.verifying import Request as Job

    job = Job(
        request.model, request.shapes, request.dims, request.provider, request.inputs,
        request.seed, request.probes, request.verbose, request.values,
    )  # fmt: skip
    done = _in_child(request.model, [(_VERIFY, job)], request.timeout, verbose=request.verbose)
    if done is None:
        return BAD
    (found,) = done
    assert isinstance(found, Verification)
    result = Result(lambda: [render.document(found)], found.to_dict)
    _emit(result, request.format, request.output)
    return FINE if found.ok else FAILED


def _in_child(
    path: str,
    jobs: Sequence[tuple[str, object]],
    timeout: float | None = _PATIENCE,
    *,
    verbose: bool = False,
) -> list[object] | None:
    """What functions make of their jobs in a process each; None, and a line, where one can't."""
    from cnnscope.analyzer.values.diagnostics import CnnscopeError
    from cnnscope.runtime.engine.child import run_in_child

    try:
        with _watched(path) as told:
            return [
                run_in_child(target, job, timeout=timeout, verbose=verbose, progress=told)
                for target, job in jobs
            ]
    except CnnscopeError as error:
        _blame(path, error)
    return None


# -- profile ----------------------------------------------------------------------------------


def _profile(request: Profiling) -> int:
    from cnnscope.analyzer.render.subjects import profile as render
    from cnnscope.analyzer.report.measurement import Profile
    from cnnscope.runtime.profile.profiling import Request as Job
    from cnnscope.runtime.verify.verifying import Request as Base

    sort, top = request.sort, request.top
    if request.format is Format.json and (sort or top):
        raise Misuse("--sort and --top go with table, csv and markdown: JSON has everything")
    try:
        render.check_sort(sort)
    except ValueError as error:
        raise Misuse(str(error)) from None
    for output in (request.output, request.trace):
        _check_output(output, [request.model])
    base = Base(
        request.model, request.shapes, request.dims, request.provider, request.inputs,
        request.seed, verbose=request.verbose, values=request.values,
    )  # fmt: skip
    job = Job(base, request.batches, request.threads, request.seconds)
    done = _in_child(request.model, [(_PROFILE, job)], request.timeout, verbose=request.verbose)
    if done is None:
        return BAD
    (found,) = done
    assert isinstance(found, Profile)
    if request.trace is not None:
        from cnnscope.analyzer.render.subjects.chrome_trace import chrome_trace

        _save(chrome_trace(found), request.trace)
    result = Result(lambda: [render.document(found, sort, top)], found.to_dict, rows=True)
    _emit(result, request.format, request.output)
    return FINE


# -- check ------------------------------------------------------------------------------------


def _check_budgets(request: Checking) -> int:
    from cnnscope.analyzer.budgets.config import ConfigError
    from cnnscope.analyzer.render.subjects import check as render
    from cnnscope.analyzer.values.diagnostics import CnnscopeError
    from cnnscope.runtime.gates import checking

    _check_gate_outputs(request)
    try:
        job = _budget_request(request)
        into = _new_baseline(job, request) if request.update else None
        with _watched("checking") as told:
            found = checking.run_check(job, told)
    except ConfigError as error:
        return _complain_of_each(error.problems)
    except CnnscopeError as error:
        raise Misuse(str(error)) from None
    result = Result(
        lambda: [render.document(found, problems=False)],  # those are said on standard error
        found.to_dict,
        outcome=lambda: render.outcome(found),
    )
    _emit_gate(result, request)
    for problem in found.problems:
        where = f" ({problem.origin})" if problem.origin else ""
        _blame(problem.model, f"{problem.message}{where}")
    if into is not None and found.problems:
        _complain(f"{into}: not written, since not every model could be judged")
    elif into is not None:
        _save(checking.baseline_text(found, into), into)
        several = "" if len(found.models) == 1 else "s"
        _complain(f"{into}: written, with the figures of {len(found.models)} model{several}")
    if found.problems:
        return BAD
    return FINE if found.ok else FAILED


def _budget_request(request: Checking) -> "Checks":
    from cnnscope.analyzer.budgets.config import Settings, find_config, parse_tolerance, read_config
    from cnnscope.analyzer.budgets.judging import parse_limit
    from cnnscope.runtime.gates.checking import Request as Job

    try:
        limits = [parse_limit(text) for text in request.limits]
        tolerance = None if request.tolerance is None else parse_tolerance(request.tolerance)
    except ValueError as error:
        raise Misuse(str(error)) from None
    path = request.config or find_config(Path.cwd())
    settings = Settings() if path is None else read_config(path)
    if tolerance is not None:
        settings = replace(settings, latency=replace(settings.latency, tolerance=tolerance))
    return Job(
        request.models, settings, limits, request.shapes or None, request.dims or None,
        request.baseline, request.allow_unknown, request.update, request.anywhere,
        request.values or None,
    )  # fmt: skip


def _new_baseline(job: "Checks", request: Checking) -> Path:
    """Where a new baseline is to be written."""
    named = request.baseline
    if named is None and job.settings.baseline is not None:
        named = job.settings.baseline
        if not named.startswith("git:"):
            named = str(job.settings.folder / named)
    if named is None or named.startswith("git:") or not named.endswith(".json"):
        raise Misuse("--update-baseline needs a file to write: --baseline FILE.json")
    _check_output(Path(named), request.models)
    return Path(named)


def _check_gate_outputs(request: Gate) -> None:
    for path in (request.output, *(path for _, path in request.reports)):
        _check_output(path, request.models)


def _complain_of_each(problems: Sequence[str]) -> int:
    for said in problems:
        _complain(said)
    return BAD


def _emit_gate(result: Result, request: Gate) -> None:
    for format, path in request.reports:  # noqa: A001
        _save(_written(result, format), path)
    if request.format is CiFormat.github:
        _summarise(lambda: _written(result, CiFormat.markdown))
    _emit(result, request.format, request.output)


def _summarise(markdown: Callable[[], str]) -> None:
    """Onto the summary of a GitHub job, where there is one. A step's is a MiB at most."""
    named = os.environ.get("GITHUB_STEP_SUMMARY")
    if not named:
        return
    data = without_commands(markdown()).encode("utf-8", "backslashreplace")[: 1 << 19]
    try:
        with Path(named).open("ab") as file:
            file.write(data + b"\n")
    except OSError as error:
        raise Misuse(f"{named}: can't be written: {error.strerror or error}") from None


# -- diff -------------------------------------------------------------------------------------


def _diff(request: Differing) -> int:
    _refuse_csv(request.format, "diff")
    _check_output(request.output, [request.before, request.after])
    from cnnscope.analyzer.analysis import diff
    from cnnscope.analyzer.difference.difference import CONDITIONS
    from cnnscope.analyzer.render.subjects import difference as render

    conditions = tuple(text.strip() for text in request.fail_on)
    for condition in conditions:
        if condition not in CONDITIONS:
            raise Misuse(f"--fail-on {condition}: there are {', '.join(CONDITIONS)}")
    if "weights" in conditions and not request.weights:
        raise Misuse("--fail-on weights and --no-weights contradict each other")
    reports = []
    met: set[str] = set()
    for path in (request.before, request.after):
        with _progress(path):
            report = _report(path, {}, {})
            if report is not None and (request.shapes or request.dims or request.values):
                # What only the other model has isn't this one's fault.
                free = {n for x in report.inputs for d in x.declared.shape or () if not isinstance(d, int)
                        for n in d.names}  # fmt: skip
                own = {None, *(x.name for x in report.inputs)}
                met |= free | {name for name in own if name is not None}
                report = _report(
                    path,
                    {key: value for key, value in request.shapes.items() if key in own},
                    {key: value for key, value in request.dims.items() if key in free},
                    {key: value for key, value in request.values.items() if key in own},
                )
        if report is None:
            return BAD
        reports.append(report)
    named = (*request.shapes, *request.dims, *request.values)
    unmet = [key for key in named if key is not None and key not in met]
    if unmet:
        raise Misuse(f"neither model has an input or free dimension {unmet[0]!r}")
    found = diff(reports[0], reports[1], weights=request.weights)
    every = request.everything
    result = Result(lambda: [render.document(found, everything=every)], found.to_dict)
    _emit(result, request.format, request.output)
    for report in reports:
        _complain_of_errors(report)
    failing = found.failing(conditions)
    for condition, why in failing.items():
        _complain(f"--fail-on {condition}: {why}")
    # Nothing is known of what a node gives that can't be: that it didn't change can't be said.
    unsure = conditions and any(report.errors for report in reports)
    return FAILED if failing or unsure else FINE


# -- lint -------------------------------------------------------------------------------------


def _lint(request: Linting) -> int:
    from cnnscope.analyzer.budgets.config import ConfigError
    from cnnscope.analyzer.lint.linting import lint_report, unreadable
    from cnnscope.analyzer.model.file import open_model
    from cnnscope.analyzer.render.subjects import findings as render
    from cnnscope.analyzer.values.diagnostics import CnnscopeError, OutsideFolderError
    from cnnscope.runtime.gates.linting import known_kernels

    _check_gate_outputs(request)
    try:
        settings = _lint_settings(request)
        kernels = known_kernels(settings.options.providers)
    except ConfigError as error:
        return _complain_of_each(error.problems)
    except CnnscopeError as error:
        raise Misuse(str(error)) from None
    results: list[Findings] = []
    for model in request.models:
        try:
            open_model(model)
        except OutsideFolderError as error:
            found = unreadable(model, str(error), settings)
            if found is not None:
                results.append(found)
                continue
        except CnnscopeError:
            pass  # said below
        with _progress(model):
            report = _report(model, request.shapes, request.dims, request.values)
            if report is not None:
                results.append(lint_report(report, settings, kernels))
    if results:
        result = Result(
            lambda: [render.document(x) for x in results],
            lambda: render.record(results),
            outcome=lambda: render.outcome(results, settings.threshold),
        )
        _emit_gate(result, request)
    if len(results) < len(request.models):
        return BAD
    return FAILED if any(x.at_least(settings.threshold) for x in results) else FINE


def _lint_settings(request: Linting) -> "LintSettings":
    """The configuration's, with what the command line says in its place."""
    from cnnscope.analyzer.budgets.config import find_config, read_config
    from cnnscope.analyzer.lint.linting import LintError, LintSettings, selected, settings_from

    path = request.config or find_config(Path.cwd())
    settings = LintSettings()
    if path is not None:
        whole = read_config(path)
        try:
            settings = settings_from(whole.tables.get("lint", {}))
        except LintError as error:
            raise Misuse(f"{whole.where('lint', *error.keys)}: {error}") from None
    options = settings.options
    settings = replace(
        settings,
        select=settings.select if request.select is None else request.select,
        ignore=settings.ignore if request.ignore is None else request.ignore,
        threshold=settings.threshold if request.severity is None else request.severity.value,
        inline=request.inline,
        options=replace(
            options,
            ridge=options.ridge if request.ridge is None else request.ridge,
            target_opset=request.target_opset or options.target_opset,
            providers=request.providers or options.providers,
            weights=request.weights or options.weights,
        ),
    )
    selected(settings)
    return settings


# -- rule -------------------------------------------------------------------------------------


def _rule(code: str | None, every: bool, format: Format, output: Path | None) -> int:  # noqa: A002
    from cnnscope.analyzer.lint.linting import LintError, all_rules, find_rule
    from cnnscope.analyzer.render.subjects import rules as render

    if (code is None) != every:
        raise Misuse("give a rule's code, or --all")
    _refuse_csv(format, "rule")
    _check_output(output, [])
    if code is None:
        rules = all_rules()
        result = Result(
            lambda: [render.list_document(rules)], lambda: [render.rule_dict(x) for x in rules]
        )
    else:
        try:
            found = find_rule(code)
        except LintError as error:
            raise Misuse(str(error)) from None
        result = Result(lambda: [render.document(found)], lambda: render.rule_dict(found))
    _emit(result, format, output)
    return FINE


# -- writing ----------------------------------------------------------------------------------


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _refuse_csv(format: Format, command: str) -> None:  # noqa: A002
    """Of commands whose result is no table of rows."""
    if format is Format.csv:
        raise Misuse(
            f"--format csv doesn't go with {command}: table, json or markdown (json has everything)"
        )


def _emit(result: Result, format: Format | CiFormat, output: Path | None) -> None:  # noqa: A002
    """To where it was asked for: on a terminal with its colours, where it has some."""
    console = _console()
    if output is not None:
        _save(_written(result, format), output)
    elif format == "table" and console.is_terminal and not console.legacy_windows:
        with console.capture() as seen:  # a job's log may ask for colours, too (FORCE_COLOR)
            for part in styled(result):
                console.print(part, soft_wrap=True)
        _write(without_commands(seen.get()))
    else:
        _write(_written(result, format))


def _written(result: Result, format: Format | CiFormat) -> str:  # noqa: A002
    """The result in a format."""
    return written(result, format, Setting(_console().width, installed_version))


def _write(text: str) -> None:
    """To standard output, as UTF-8 whatever the locale says.

    Whoever reads it may leave when they have seen enough: that is no fault, and changes no verdict.
    """
    if sys.stdout is None:
        raise Misuse("standard output is closed")
    data = text.encode("utf-8", "backslashreplace")
    buffer = getattr(sys.stdout, "buffer", None)
    try:
        if buffer is None:  # replaced by something that takes text only
            sys.stdout.write(data.decode("utf-8"))
            return
        sys.stdout.flush()
        buffer.write(data)
        buffer.flush()
    except BrokenPipeError:
        _silence(sys.stdout)


def _check_output(output: Path | None, models: Sequence[str]) -> None:
    """Before any work is done: that it may be written there."""
    if output is None:
        return
    if output.is_dir():
        raise Misuse(f"{output}: this is a folder; give a file")
    if output.is_block_device() or output.is_socket():
        raise Misuse(f"{output}: this is a disk or a socket; give a file")
    if not output.parent.is_dir():
        raise Misuse(f"{output}: can't be written: there is no folder {output.parent}")
    for model in models:
        with contextlib.suppress(OSError):
            if output.samefile(model):
                raise Misuse(f"{output}: this is the model itself; give another file")
    if output.suffix.lower() == ".onnx" and output.exists():
        raise Misuse(f"{output}: this is a model; give another file")


def _save(text: str, output: Path) -> None:
    """To a file, wholly or not at all: beside it first, then in its place."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        if _is_stream(output):
            # Its reader may leave when they have seen enough.
            with contextlib.suppress(BrokenPipeError), output.open("ab") as file:
                file.write(data)
            return
        target = output.resolve()
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
    except OSError as error:
        raise Misuse(f"{output}: can't be written: {error.strerror or error}") from None


def _is_stream(output: Path) -> bool:
    """What can't be replaced: a device, a pipe, or this process's own stream by its name."""
    own = output.is_absolute() and output.parts[1:2] in (("dev",), ("proc",))
    return output.exists() and (own or not output.is_file())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _complain(said: str) -> None:
    """One line on standard error, nothing in it taken for a control character."""
    # Not with render's words for it: this has to work when nothing else can be imported.
    seen = "".join(c if c.isprintable() else _escaped(c) for c in said[:2000])
    _write_aside(f"cnnscope: {seen}\n")


def _write_aside(text: str) -> None:
    """To standard error; that nobody reads it changes nothing."""
    if sys.stderr is None:
        return
    try:
        encoding = sys.stderr.encoding or "utf-8"
        text = without_commands(text).encode(encoding, "backslashreplace").decode(encoding)
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _silence(sys.stderr)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """What other packages warn of: it may quote a name."""
    _write_aside(warnings.formatwarning(message, category, filename, lineno, line))


def _blame(path: str, error: "CnnscopeError | Misuse | str") -> None:
    """What is wrong with a model, its path first."""
    said = str(error)
    _complain(said if said.startswith(path) else f"{path}: {said}")


def _complain_of_errors(report: "Report") -> None:
    """A line for each of the first nodes that can't be, whatever the format."""
    path, errors = report.model.path or "the model", report.errors
    for error in errors[:_ERRORS]:
        _blame(path, error.message)
    if len(errors) > _ERRORS:
        _blame(path, f"{len(errors) - _ERRORS} more nodes contradict the model")


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

        _write_aside(traceback.format_exc())


@contextlib.contextmanager
def _faults_shown() -> Iterator[None]:
    """With CNNSCOPE_DEBUG=1, the tracebacks of rules and plugins that broke, as they come."""
    if os.environ.get("CNNSCOPE_DEBUG") != "1":
        yield
        return
    import logging

    class Aside(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            _write_aside(f"{self.format(record)}\n")

    logger, handler = logging.getLogger("cnnscope"), Aside()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def _silence(stream: TextIO | None) -> None:
    """From now on nothing is written there: what Python still holds would fail again at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


def _occupy_standard_streams() -> None:
    """Where a standard stream is closed, no file that is opened later gets its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one


@contextlib.contextmanager
def _watched(path: str) -> Iterator[Callable[[str], None]]:
    """A function to be told what is being done: shown, only where a person watches."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda said: None
        return
    from rich.console import Console
    from rich.text import Text

    from cnnscope.analyzer.values.notation import name

    def shown(said: str) -> Text:
        return Text(without_commands(said), no_wrap=True, overflow="ellipsis")

    with Console(stderr=True).status(shown(name(path))) as status:
        yield lambda said: status.update(shown(f"{name(path)}: {name(said)}"))


@contextlib.contextmanager
def _progress(path: str) -> Iterator[None]:
    """After a second, and only where a person watches: what is being worked on."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    from cnnscope.analyzer.values.notation import name

    said = Text(without_commands(f"analysing {name(path)}"), no_wrap=True, overflow="ellipsis")
    status = Console(stderr=True).status(said)
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
