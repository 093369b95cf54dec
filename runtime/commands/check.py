"""The command check: models held against limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.diagnostics import one_line
from cnnscope.analyzer.values.notation import many
from cnnscope.runtime.commands.asked import (
    Anywhere,
    Config,
    FreeOption,
    GateWritten,
    LayerOption,
    ManyDimsOption,
    OnlyOption,
    Output,
    ReportOption,
    ShapeOption,
    ValueOption,
)
from cnnscope.runtime.commands.check_request import Checking
from cnnscope.runtime.commands.check_scan import check_scan_file
from cnnscope.runtime.commands.declared import argument, option
from cnnscope.runtime.commands.given_scans import given_scans
from cnnscope.runtime.commands.messages import (
    BAD,
    FAILED,
    FINE,
    Misuse,
    blame,
    complain,
    complain_of_each,
    watched,
)
from cnnscope.runtime.commands.new_baseline import new_baseline, save_baseline, saved_baseline
from cnnscope.runtime.commands.output import check_gate_outputs, emit_gate
from cnnscope.runtime.commands.sources import sources_of
from cnnscope.runtime.commands.texts import choice_of, reports_of, shapes_of, sized_of, values_of

if TYPE_CHECKING:
    from cnnscope.runtime.gates.jobs import CheckRequest


def check_models(request: Checking) -> int:
    from cnnscope.analyzer.budgets.settings import ConfigError
    from cnnscope.analyzer.render.subjects import check as render
    from cnnscope.analyzer.render.subjects.verdicts import standing_text
    from cnnscope.analyzer.values.diagnostics import CnnscopeError
    from cnnscope.runtime.gates import checking

    check_gate_outputs(request)
    try:
        if given_scans(request.models):
            return check_scan_file(request)
        job = budget_request(request)
        into = earlier = None
        if request.update:
            needed = "--update-baseline needs a file to write: --baseline FILE.json"
            into = new_baseline(job, request.models, needed)
            earlier = saved_baseline(into)
        with watched("checking") as told:
            found = checking.run_check(job, told)
    except ConfigError as error:
        return complain_of_each(error.problems)
    except CnnscopeError as error:
        raise Misuse(str(error)) from None
    result = Result(
        lambda: [render.document(found, problems=False)],  # those are said on standard error
        found.to_dict,
        outcome=lambda: render.outcome(found),
    )
    emit_gate(result, request)
    for problem in found.problems:
        blame(problem.model, problem.said)
    for model in found.models:
        if any(verdict.state == "new" and not verdict.ok for verdict in model.verdicts):
            blame(model.model, standing_text(model))
    if into is not None and found.problems:
        complain(f"{into}: not written, since not every model could be judged")
    elif into is not None and earlier is not None:
        save_baseline(earlier, found, into, whole=not request.models)
        complain(f"{into}: written, with the figures of {many(len(found.models), 'model')}")
    if found.problems:
        return BAD
    return FINE if found.ok else FAILED


def budget_request(request: Checking) -> CheckRequest:
    """The request, with what the configuration says.

    Raises:
        ConfigError: it can't be read.
        Misuse: a limit or the tolerance is none.
    """
    from cnnscope.analyzer.budgets.config import find_config, read_config
    from cnnscope.analyzer.budgets.limit_text import limit_among, parse_limit
    from cnnscope.analyzer.budgets.settings import Settings, parse_tolerance
    from cnnscope.runtime.gates.jobs import CheckRequest

    choice = choice_of(request.layers, request.only) or None
    if choice is not None and not request.limits:
        raise Misuse("--layer and --only choose the layers of --limit: give one, such as macs=1G")
    limits = []
    for text in request.limits:
        try:
            limit = parse_limit(text)
            limits.append(limit if choice is None else limit_among(limit, choice))
        except ValueError as error:
            raise Misuse(f"--limit {one_line(text, 80)}: {error}") from None
    try:
        tolerance = None if request.tolerance is None else parse_tolerance(request.tolerance)
    except ValueError as error:
        raise Misuse(str(error)) from None
    path = request.config or find_config(Path.cwd())
    settings = Settings() if path is None else read_config(path)
    if tolerance is not None:
        settings = replace(settings, latency=replace(settings.latency, tolerance=tolerance))
    return CheckRequest(
        sources_of(request.models), settings, limits, request.shapes or None, request.dims or None,
        request.baseline, request.allow_unknown, request.update, request.anywhere,
        request.values or None, request.require_baseline, request.since, choice,
        request.ranges or None, request.free,
    )  # fmt: skip


EPILOG = """\b
Example: cnnscope check model.onnx --limit macs=4.2G --limit params=26M
         cnnscope check                       # as cnnscope.toml says
         cnnscope check model.onnx --limit macs=+2% --baseline git:main
         cnnscope check model.onnx --layer 'detect/**' --limit macs=1G
         cnnscope check model.onnx --dim H=224..640 --limit macs=40G
         cnnscope check zoo.parquet --limit macs=4G  # a scan"""


def check(
    models: Annotated[
        list[str] | None,
        argument(
            metavar="MODEL", help="ONNX files, or a scan; without one, those in cnnscope.toml."
        ),
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
    require_baseline: Annotated[
        bool,
        option("--require-baseline", help="A model that the baseline doesn't know fails."),
    ] = False,
    since: Annotated[
        str | None,
        option(metavar="REF", help="Tell what became of each model since that commit."),
    ] = None,
    layer: LayerOption = None,
    only: OnlyOption = None,
    shape: ShapeOption = None,
    dim: ManyDimsOption = None,
    free: FreeOption = None,
    value: ValueOption = None,
    allow_unknown: Annotated[
        bool, option("--allow-unknown", help="That a limit can't be judged is no failure.")
    ] = False,
    tolerance: Annotated[
        str | None, option(metavar="5%", help="Of latencies: closer to the limit is unknown.")
    ] = None,
    anywhere: Anywhere = False,
    format: GateWritten = "table",  # noqa: A002
    output: Output = None,
    report: ReportOption = None,
) -> Callable[[], int]:
    """Hold models against limits, for CI.

    Exits with 0: all kept, 1: one exceeded or unknown, 2: can't be judged.
    """
    dims, ranges = sized_of(dim)
    return lambda: check_models(
        Checking(
            models or [], config, shapes_of(shape), dims, values_of(value), format, output,
            reports_of(report), limit or [], baseline, update_baseline, allow_unknown, tolerance, anywhere,
            require_baseline, since, tuple(layer or ()), tuple(only or ()), tuple(free or ()), ranges,
        )
    )  # fmt: skip
