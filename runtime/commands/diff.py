"""The command diff: what changed between two models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.asked import (
    DimOption,
    NoTable,
    Output,
    ValueOption,
)
from cnnscope.runtime.commands.declared import argument, option
from cnnscope.runtime.commands.diff_request import Differing
from cnnscope.runtime.commands.diff_scans import diff_scan_files
from cnnscope.runtime.commands.given_scans import given_scans
from cnnscope.runtime.commands.messages import (
    BAD,
    FAILED,
    FINE,
    Misuse,
    complain,
    complain_of_errors,
    progress,
)
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import read_report
from cnnscope.runtime.commands.sources import name_of, sources_of
from cnnscope.runtime.commands.texts import lengths_of, names_of, shapes_of, values_of
from cnnscope.runtime.commands.writing import check_output


def diff_models(request: Differing) -> int:
    check_output(request.output, [request.before, request.after])
    if given_scans([request.before, request.after]):
        return diff_scan_files(request)
    from cnnscope.analyzer.analysis import diff
    from cnnscope.analyzer.difference.difference import CONDITIONS
    from cnnscope.analyzer.render.subjects import difference as render
    from cnnscope.analyzer.values.near_names import near_names

    conditions = tuple(text.strip() for text in request.fail_on)
    for condition in conditions:
        if condition not in CONDITIONS:
            close = near_names(condition, CONDITIONS)
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            raise Misuse(f"--fail-on {condition}: there are {', '.join(CONDITIONS)}{meant}")
    if "weights" in conditions and not request.weights:
        raise Misuse("--fail-on weights and --no-weights contradict each other")
    reports = []
    met: set[str] = set()
    for source in sources_of([request.before, request.after]):
        with progress(name_of(source)):
            report = read_report(source, {}, {})
            if report is not None and (request.shapes or request.dims or request.values):
                # What only the other model has isn't this one's fault.
                free = {n for x in report.inputs for d in x.declared.shape or () if not isinstance(d, int)
                        for n in d.names}  # fmt: skip
                own = {None, *(x.name for x in report.inputs)}
                met |= free | {name for name in own if name is not None}
                report = read_report(
                    source,
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
    emit(result, request.format, request.output)
    for report in reports:
        complain_of_errors(report)
    failing = found.failing(conditions)
    for condition, why in failing.items():
        complain(f"--fail-on {condition}: {why}")
    # Nothing is known of what a node gives that can't be: that it didn't change can't be said.
    unsure = conditions and any(report.errors for report in reports)
    return FAILED if failing or unsure else FINE


EPILOG = """\b
Example: cnnscope diff old.onnx new.onnx
         cnnscope diff old.onnx new.onnx --fail-on shape,added
         cnnscope diff old.parquet new.parquet --fail-on failing  # scans"""


def diff(
    before: Annotated[str, argument(metavar="BEFORE", help="An ONNX file, or a scan.")],
    after: Annotated[str, argument(metavar="AFTER", help="The other one.")],
    shape: Annotated[
        list[str] | None,
        option(
            metavar="[INPUT=]1x3x224x224",
            help="An input's shape, of both; ? leaves a dimension free. Repeatable.",
        ),
    ] = None,
    dim: DimOption = None,
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
            " folded, shape, dtype, params, macs, memory, field, weights, kind, opset; of scans also"
            " failing, mended, graph.",
        ),
    ] = None,
    format: NoTable = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """What differs between two models, layer by layer.

    Layers are matched by structure, not by name; totals and weights are compared, too.
    """
    return lambda: diff_models(
        Differing(
            before, after, shapes_of(shape), lengths_of(dim), values_of(value), weights, all,
            names_of(fail_on) or (), format, output,
        )
    )  # fmt: skip
