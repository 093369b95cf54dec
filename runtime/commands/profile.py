"""The command profile: where the time goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.asked import (
    PATIENCE,
    By,
    DepthOption,
    DimOption,
    InputOption,
    LayerOption,
    ModelArgument,
    OnlyOption,
    Output,
    ProviderOption,
    Seed,
    ShapeOption,
    Timeout,
    ValueOption,
    Verbose,
    Written,
    check_rows_asked,
)
from cnnscope.runtime.commands.declared import argument, option
from cnnscope.runtime.commands.messages import BAD, FINE, Misuse
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.profile_runs import (
    Profiling,
    check_nothing_is_run,
    profiled,
    saved_profile,
    side_by_side,
)
from cnnscope.runtime.commands.reading import ask_for_runtime, read_report
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import (
    batches_of,
    choice_of,
    files_of,
    lengths_of,
    part_of,
    shapes_of,
    values_of,
)
from cnnscope.runtime.commands.writing import check_output, save

if TYPE_CHECKING:
    from cnnscope.analyzer.render.subjects.profile_rows import ProfileSelection
    from cnnscope.analyzer.report.group import By as GroupedBy


def profile_model(request: Profiling) -> int:
    from cnnscope.analyzer.render.subjects import profile as render
    from cnnscope.analyzer.values.diagnostics import ArgumentError
    from cnnscope.runtime.profile.profiling import checked_dtype

    shown = _selection(request)
    try:
        checked_dtype(request.dtype)
    except ArgumentError as error:
        raise Misuse(f"--{error}") from None
    if request.recording is not None:
        check_nothing_is_run(request, "--from-recording: what ran is in the recording")
    for output in (request.output, request.trace, request.record):
        check_output(output, [request.model])
    if request.other is not None:
        return side_by_side(request, request.other)
    saved = saved_profile(request.model)
    if saved is not None:
        check_nothing_is_run(request, "a saved profile: nothing is run")
    if request.recording is None and saved is None:
        ask_for_runtime()
    source = source_of(request.model)
    if shown.by is not None or shown.choice:
        report = read_report(source, request.shapes, request.dims, request.values)
        if report is None:
            return BAD
        shown = replace(shown, report=report)
        from cnnscope.analyzer.report.choosing import fitting

        try:  # before anything is run
            fitting(report.layers, shown.choice.layers)
        except ValueError as error:
            raise Misuse(f"{name_of(source)}: {error}") from None
    found = saved or profiled(request, source)
    if found is None:
        return BAD
    if request.trace is not None:
        from cnnscope.analyzer.render.subjects.chrome_trace import chrome_trace

        save(chrome_trace(found), request.trace)
    try:
        pages = [render.document(found, shown)] if request.format != "json" else []
    except ValueError as error:
        raise Misuse(f"{name_of(source)}: {error}") from None
    emit(Result(lambda: pages, found.to_dict, rows=True), request.format, request.output)
    return FINE


def _selection(request: Profiling) -> ProfileSelection:
    """Which rows are asked for, as far as that can be told before anything is run."""
    from cnnscope.analyzer.render.subjects.profile_rows import ProfileSelection, check_rows

    options = {
        "--sort": request.sort, "--top": request.top, "--until": request.until, "--by": request.by,
        "--layer": request.layers or None, "--only": request.only or None,
    }  # fmt: skip
    check_rows_asked(request.format, request.by, request.depth, options)
    choice = choice_of(request.layers, request.only, run=True)
    by: GroupedBy | None = None if request.by is None else request.by.value
    shown = ProfileSelection(request.sort, request.top, request.until, by, request.depth, choice)
    try:
        check_rows(shown)
    except ValueError as error:
        raise Misuse(str(error)) from None
    return shown


EPILOG = """\b
Example: cnnscope profile model.onnx --batch 1,8 --top 20
         cnnscope profile model.onnx --provider cuda --trace trace.json
         cnnscope profile model.onnx --from-recording model.json.gz
         cnnscope profile before.json after.json --top 20"""


def profile(
    model: ModelArgument,
    other: Annotated[
        str | None,
        argument(metavar="[OTHER]", help="Another model, side by side; both may be saved JSON."),
    ] = None,
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
    provider: ProviderOption = "auto",
    batch: Annotated[
        str | None,
        option(metavar="1,8,32", help="Lengths of the batch; kernels are timed at the first."),
    ] = None,
    threads: Annotated[
        int, option(min=0, metavar="N", help="Of one operator; 0: ONNX Runtime's choice.")
    ] = 0,
    input: InputOption = None,  # noqa: A002  # the option's name
    seed: Seed = 0,
    seconds: Annotated[
        float,
        option(min=0, metavar="S", help="How long whole runs may take; all else, as long again."),
    ] = 3,
    timeout: Timeout = PATIENCE,
    sort: Annotated[
        str | None, option(metavar="COLUMN", help="time, share, layers, bytes, index, ...")
    ] = None,
    top: Annotated[
        int | None, option(min=1, metavar="N", help="Show only the first N kernels.")
    ] = None,
    until: Annotated[
        str | None,
        option(metavar="80%", help="Rows until they come to that of the time, or of --sort's."),
    ] = None,
    by: Annotated[
        By | None, option(help="A row per operator, kind, module or block, not per kernel.")
    ] = None,
    depth: DepthOption = None,
    layer: LayerOption = None,
    only: OnlyOption = None,
    format: Written = "table",  # noqa: A002
    output: Output = None,
    trace: Annotated[
        Path | None,
        option(metavar="FILE", help="Also write one run in Chrome's trace format."),
    ] = None,
    from_recording: Annotated[
        Path | None,
        option(metavar="FILE", help="Run nothing: make the profile from a GPU's records."),
    ] = None,
    dtype: Annotated[
        str | None,
        option(metavar="float16", help="Run a copy converted from float32 to this."),
    ] = None,
    tf32: Annotated[
        bool, option("--tf32", help="Let float32 products be rounded to TF32; with CUDA.")
    ] = False,
    record: Annotated[
        Path | None,
        option(metavar="FILE", help="Also write what a GPU did; with CUDA."),
    ] = None,
    verbose: Verbose = False,
) -> Callable[[], int]:
    """Where the time goes, and what the machine could do.

    The model is run with ONNX Runtime: latency, time per layer, share of what the machine can do.
    """
    return lambda: profile_model(
        Profiling(
            model, shapes_of(shape), lengths_of(dim), values_of(value), provider, files_of(input), seed,
            timeout or None, format, output, verbose, batches_of(batch), threads, seconds, sort, top, trace,
            from_recording, record, dtype, tf32, by, depth, tuple(layer or ()), tuple(only or ()),
            part_of(until), other,
        )
    )  # fmt: skip
