"""The command analyze: sizes, work, memory and receptive fields of each layer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.asked import (
    By,
    Columns,
    DimOption,
    LayerOption,
    ModelArguments,
    OnlyOption,
    Output,
    ShapeOption,
    ValueOption,
    Written,
)
from cnnscope.runtime.commands.texts import (
    choice_of,
    lengths_of,
    names_of,
    part_of,
    shapes_of,
    values_of,
)

if TYPE_CHECKING:
    from cnnscope.analyzer.render.document import Document
    from cnnscope.analyzer.render.subjects.selection import Selection
    from cnnscope.analyzer.report.group import By as GroupedBy
    from cnnscope.analyzer.report.report import Report
from cnnscope.runtime.commands.asked import PROFILE, VERIFY, GivenShapes, GivenValues
from cnnscope.runtime.commands.messages import (
    BAD,
    FAILED,
    FINE,
    Misuse,
    blame,
    complain,
    complain_of_errors,
    progress,
)
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import (
    ask_for_runtime,
    own_sizes,
    read_report,
    run_in_children,
)
from cnnscope.runtime.commands.sources import Source, name_of, sources_of
from cnnscope.runtime.commands.usual import sized, usual_settings
from cnnscope.runtime.commands.writing import check_output


@dataclass(frozen=True)
class Analyzing:
    """What `cnnscope analyze` was asked for."""

    models: list[str]
    shapes: GivenShapes
    dims: dict[str, int]
    values: GivenValues
    columns: tuple[str, ...] | None
    sort: str | None
    top: int | None
    by: By | None
    depth: int | None
    convention: str | None
    compare: bool
    format: str
    output: Path | None
    tensors: bool
    strict: bool
    run: bool
    layers: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    until: Fraction | None = None


def analyze_models(request: Analyzing) -> int:
    _check(request)
    request = _with_usual_columns(request)
    reports: list[Report] = []
    code = FINE
    sources = sources_of(request.models)
    sizes = own_sizes(sources, request.shapes, request.dims, request.values)
    for source, own in zip(sources, sizes, strict=True):
        with progress(name_of(source)):
            report = read_report(source, *own)
        if report is None:
            code = BAD
            continue
        if request.run:
            report, said = _with_run(report, source, *own)
            code = max(code, said)
        reports.append(report)
        if report.errors or (request.strict and not report.complete):
            code = max(code, FAILED)
    if reports:
        code = max(code, _emit_reports(request, reports))
    for report in reports:
        complain_of_errors(report)
    if request.strict:
        for report in reports:
            missing = [k for k, m in report.totals.metrics().items() if m.status != "complete"]
            if missing:
                complain(f"{report.model.path}: not complete: {', '.join(missing)}")
    return code


def _with_run(
    report: Report, source: Source, shapes: GivenShapes, dims: dict[str, int], values: GivenValues
) -> tuple[Report, int]:
    """The report with what running the model shows; as it is, and a line, where it can't be run."""
    from cnnscope.analyzer.report.execution import Execution
    from cnnscope.analyzer.report.measurement import Profile
    from cnnscope.analyzer.report.verification import Verification
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.profile.job import ProfileJob

    base = ModelJob(source, *sized(source, shapes, dims), values=values)
    found = run_in_children(source, [(VERIFY, base), (PROFILE, ProfileJob(base))])
    if found is None:
        return report, BAD
    checked, timed = found
    assert isinstance(checked, Verification)
    assert isinstance(timed, Profile)
    return replace(report, execution=Execution(timed, checked)), FINE


def _check(request: Analyzing) -> None:
    """Whatever can be said against the request before any work is done."""
    from cnnscope.analyzer.render.subjects.selection import check_selection

    if request.format == "json":
        odd = {
            "--columns": request.columns, "--sort": request.sort, "--top": request.top,
            "--by": request.by, "--until": request.until, "--layer": request.layers or None,
            "--only": request.only or None,
        }  # fmt: skip
        for option, value in odd.items():
            if value is not None:
                raise Misuse(
                    f"{option} goes with table, csv, markdown and html: JSON has everything"
                )
    elif request.tensors:
        raise Misuse("--tensors goes with --format json")
    if request.depth is not None and request.by is not By.module:
        raise Misuse("--depth goes with --by module")
    if request.run and request.compare:
        raise Misuse("--run is about layers: it doesn't go with --compare")
    if request.compare:
        if len(request.models) < 2:
            raise Misuse("--compare needs more than one model")
        for option, value in {
            "--columns": request.columns, "--sort": request.sort, "--top": request.top,
            "--by": request.by, "--tensors": request.tensors or None,
            "--convention": request.convention, "--until": request.until,
            "--layer": request.layers or None, "--only": request.only or None,
        }.items():  # fmt: skip
            if value is not None:
                raise Misuse(f"{option} is about layers: --compare shows totals only")
    if request.columns == ():
        raise Misuse("--columns names no column")
    try:
        if request.until is not None and request.sort is None:
            raise ValueError("--until goes with --sort: --sort macs --until 80%")
        check_selection(_selection(request), run=request.run)
    except ValueError as error:
        raise Misuse(str(error)) from None
    check_output(request.output, request.models)
    if request.run:
        ask_for_runtime()


def _with_usual_columns(request: Analyzing) -> Analyzing:
    """With the columns that the configuration names, where none are given and layers are shown."""
    if request.columns is not None or request.by is not None:
        return request
    settings = None if request.compare or request.format == "json" else usual_settings()
    if settings is None or not settings.defaults.columns:
        return request
    from cnnscope.analyzer.render.subjects.selection import Selection, check_selection
    from cnnscope.analyzer.render.subjects.shares import SHARES

    def check(*columns: str) -> None:
        shown = Selection(columns, request.sort, convention=request.convention)
        check_selection(shown, run=request.run)

    kept = []
    for i, column in enumerate(settings.defaults.columns):
        try:
            check(column)
        except ValueError as error:
            try:  # there may be one with another option
                check_selection(Selection((column,), "macs", convention="core"), run=True)
            except ValueError:
                where = settings.where("defaults", "columns", i)
                raise Misuse(f"{where}: {error}") from None
        else:
            kept.append(column)
    with contextlib.suppress(ValueError):  # whoever sorts by what adds up is shown the shares
        check(*kept, *SHARES)
        wanted = [*([request.sort] if request.sort else ()), *SHARES]
        kept += [column for column in wanted if column not in kept]
    return replace(request, columns=tuple(kept) or None)


def _selection(request: Analyzing) -> Selection:
    from cnnscope.analyzer.render.subjects.selection import Selection

    by: GroupedBy | None = None if request.by is None else request.by.value
    choice = choice_of(request.layers, request.only, run=request.run)
    return Selection(
        request.columns, request.sort, request.top, by, request.depth, request.convention,
        choice, request.until,
    )  # fmt: skip


def _emit_reports(request: Analyzing, reports: list[Report]) -> int:
    from cnnscope.analyzer.render.subjects import report as render

    if request.compare:
        from cnnscope.analyzer.render.subjects import comparison as beside
        from cnnscope.analyzer.report.comparison import compared

        found = compared(reports)
        result = Result(lambda: [beside.document(found)], found.to_dict, rows=True)
        emit(result, request.format, request.output)
        return FINE
    several = len(request.models) > 1
    shown = _selection(request)

    code = FINE
    pages: list[Document] = []
    written: list[Report] = []
    for report in reports if request.format != "json" else ():
        try:
            pages.append(render.document(report, shown))
            written.append(report)
        except ValueError as error:  # no such layers, or no such total, in this model
            blame(report.model.path or "the model", str(error))
            code = BAD
    if len(reports) > 1 and written:
        from cnnscope.analyzer.render.subjects import comparison as beside
        from cnnscope.analyzer.report.comparison import compared

        pages.append(beside.document(compared(reports), rows=False))

    def record() -> object:
        found = [
            render.record(report, tensors=request.tensors, convention=request.convention)
            for report in reports
        ]
        return found if several else found[0]

    if not written and request.format != "json":
        return code
    models = [report.model.path or "" for report in written] if several else None
    result = Result(lambda: pages, record, rows=True, models=models)
    emit(result, request.format, request.output)
    return code


EPILOG = """\b
Example: cnnscope analyze model.onnx --shape input=1x3x224x224
         cnnscope model.onnx --sort macs --until 80%
         cnnscope model.onnx --by module --depth 2
         cnnscope *.onnx --compare --format markdown -o table.md"""


def analyze(
    models: ModelArguments,
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="name, op, params, macs, flops, bytes, rf, index, ..."),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Show only the first N rows.")
    ] = None,
    columns: Columns = None,
    by: Annotated[
        By | None, typer.Option(help="A row per operator, kind, module or block, not per layer.")
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="With --by module: so many steps of the path."),
    ] = None,
    layer: LayerOption = None,
    only: OnlyOption = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="80%", help="With --sort: rows until they come to that of the total."),
    ] = None,
    convention: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Also count as fvcore, thop, ptflops, ... do (see conventions).",
        ),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Several models: only their comparison.")
    ] = False,
    format: Written = "table",  # noqa: A002  # the option's name
    output: Output = None,
    tensors: Annotated[
        bool, typer.Option("--tensors", help="JSON: list every tensor, too.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 unless every total is complete.")
    ] = False,
    run: Annotated[
        bool,
        typer.Option("--run", help="Also run it: each layer's time, and whether it's as said."),
    ] = False,
) -> Callable[[], int]:
    """What it costs and sees, per layer and in total.

    Output sizes, parameters, MACs and FLOPs, memory and traffic, exact receptive fields: read from the
    graph, without running it. `cnnscope MODEL` alone means this.
    """
    return lambda: analyze_models(
        Analyzing(
            models, shapes_of(shape), lengths_of(dim), values_of(value), names_of(columns), sort,
            top, by, depth, convention, compare, format, output, tensors, strict, run,
            tuple(layer or ()), tuple(only or ()), part_of(until),
        )
    )  # fmt: skip
