"""The command analyze: sizes, work, memory and receptive fields of each layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.analyze_request import (
    Analyzing,
    check_request,
    selection_of,
    with_usual_columns,
)
from cnnscope.runtime.commands.asked import (
    PROFILE,
    VERIFY,
    By,
    Columns,
    DepthOption,
    FreeOption,
    GivenShapes,
    GivenValues,
    LayerOption,
    ManyDimsOption,
    ModelArguments,
    OnlyOption,
    Output,
    ShapeOption,
    ValueOption,
    Written,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import (
    BAD,
    FAILED,
    FINE,
    blame,
    complain,
    complain_of_errors,
    progress,
)
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import own_sizes, read_report, run_in_children
from cnnscope.runtime.commands.sources import Source, name_of, sources_of
from cnnscope.runtime.commands.sweeping import Sweeping, sweep_model
from cnnscope.runtime.commands.texts import (
    is_swept,
    lengths_of,
    names_of,
    part_of,
    shapes_of,
    values_of,
)
from cnnscope.runtime.commands.usual import sized

if TYPE_CHECKING:
    from cnnscope.analyzer.render.document import Document
    from cnnscope.analyzer.report.report import Report


def analyze_models(request: Analyzing) -> int:
    check_request(request)
    request = with_usual_columns(request)
    reports: list[Report] = []
    code = FINE
    sources = sources_of(request.models)
    sizes = own_sizes(sources, request.shapes, request.dims, request.values)
    for source, own in zip(sources, sizes, strict=True):
        with progress(name_of(source)):
            report = read_report(source, *own, free=request.free)
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
    shown = selection_of(request)

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
         cnnscope model.onnx --free HxW --dim H,W=224..1024:32
         cnnscope *.onnx --compare --format markdown -o table.md"""


def analyze(
    models: ModelArguments,
    shape: ShapeOption = None,
    dim: ManyDimsOption = None,
    free: FreeOption = None,
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
    depth: DepthOption = None,
    layer: LayerOption = None,
    only: OnlyOption = None,
    until: Annotated[
        str | None,
        option(metavar="80%", help="With --sort: rows until they come to that of the total."),
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
    format: Written = "table",  # noqa: A002  # the option's name
    output: Output = None,
    tensors: Annotated[bool, option("--tensors", help="JSON: list every tensor, too.")] = False,
    strict: Annotated[
        bool, option("--strict", help="Exit with 1 unless every total is complete.")
    ] = False,
    run: Annotated[
        bool,
        option("--run", help="Also run it: each layer's time, and whether it's as said."),
    ] = False,
) -> Callable[[], int]:
    """What it costs and sees, per layer and in total.

    Output sizes, parameters, MACs and FLOPs, memory and traffic, exact receptive fields: read from the
    graph, without running it. `cnnscope MODEL` alone means this.
    """
    if is_swept(dim):
        others = {
            "--shape": shape, "--value": value, "--sort": sort, "--top": top, "--columns": columns,
            "--by": by, "--depth": depth, "--only": only, "--until": until, "--convention": convention,
            "--compare": compare, "--tensors": tensors, "--strict": strict, "--run": run,
        }  # fmt: skip
        return lambda: sweep_model(
            Sweeping(models, dim or (), tuple(free or ()), tuple(layer or ()), format, output),
            others,
        )
    return lambda: analyze_models(
        Analyzing(
            models, shapes_of(shape), lengths_of(dim), values_of(value), names_of(columns), sort,
            top, by, depth, convention, compare, format, output, tensors, strict, run,
            tuple(layer or ()), tuple(only or ()), part_of(until), tuple(free or ()),
        )
    )  # fmt: skip
