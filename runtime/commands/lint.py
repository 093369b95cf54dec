"""The command lint: what looks wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    Config,
    DimOption,
    GateWritten,
    ModelArguments,
    Output,
    ReportOption,
    SeverityLevel,
    ShapeOption,
    ValueOption,
)
from cnnscope.runtime.commands.sources import name_of, sources_of
from cnnscope.runtime.commands.texts import lengths_of, names_of, reports_of, shapes_of, values_of

if TYPE_CHECKING:
    from cnnscope.analyzer.lint.linting import Findings
    from cnnscope.analyzer.lint.settings import LintSettings
from cnnscope.runtime.commands.asked import Gate
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import BAD, FAILED, FINE, Misuse, complain_of_each, progress
from cnnscope.runtime.commands.output import check_gate_outputs, emit_gate
from cnnscope.runtime.commands.reading import own_sizes, read_report


@dataclass(frozen=True)
class Linting(Gate):
    """What `cnnscope lint` was asked for; None: as the configuration says."""

    select: tuple[str, ...] | None
    ignore: tuple[str, ...] | None
    severity: SeverityLevel | None
    target_opset: int | None
    providers: tuple[str, ...] | None
    weights: bool
    ridge: float | None
    inline: bool


def lint_models(request: Linting) -> int:
    from cnnscope.analyzer.budgets.settings import ConfigError
    from cnnscope.analyzer.lint.linting import lint_report, unreadable
    from cnnscope.analyzer.model.file import open_model
    from cnnscope.analyzer.render.subjects import findings as render
    from cnnscope.analyzer.values.diagnostics import CnnscopeError, OutsideFolderError
    from cnnscope.runtime.gates.linting import known_kernels

    check_gate_outputs(request)
    try:
        settings = _lint_settings(request)
        kernels = known_kernels(settings.options.providers)
    except ConfigError as error:
        return complain_of_each(error.problems)
    except CnnscopeError as error:
        raise Misuse(str(error)) from None
    results: list[Findings] = []
    sources = sources_of(request.models)
    sizes = own_sizes(sources, request.shapes, request.dims, request.values)
    for source, own in zip(sources, sizes, strict=True):
        model = name_of(source)
        try:
            open_model(source)
        except OutsideFolderError as error:
            found = unreadable(model, str(error), settings)
            if found is not None:
                results.append(found)
                continue
        except CnnscopeError:
            pass  # said below
        with progress(model):
            report = read_report(source, *own, request.config)
            if report is not None:
                results.append(lint_report(report, settings, kernels))
    if results:
        result = Result(
            lambda: [render.document(x) for x in results],
            lambda: render.record(results),
            outcome=lambda: render.outcome(results, settings.threshold),
        )
        emit_gate(result, request)
    if len(results) < len(request.models):
        return BAD
    return FAILED if any(x.at_least(settings.threshold) for x in results) else FINE


def _lint_settings(request: Linting) -> LintSettings:
    """The configuration's, with what the command line says in its place."""
    from cnnscope.analyzer.budgets.config import find_config, read_config
    from cnnscope.analyzer.lint.selection import selected
    from cnnscope.analyzer.lint.settings import LintError, LintSettings
    from cnnscope.analyzer.lint.table import settings_from

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


EPILOG = """\b
Example: cnnscope lint model.onnx --ignore CNS4 --provider cpu
         cnnscope lint model.onnx --report sarif=lint.sarif"""


def lint(
    models: ModelArguments,
    select: Annotated[
        str | None, option(metavar="CNS1,CNS404", help="Only rules whose codes begin so.")
    ] = None,
    ignore: Annotated[
        str | None, option(metavar="CNS4,...", help="Not those; the longer prefix wins.")
    ] = None,
    severity: Annotated[
        SeverityLevel | None,
        option(help="Exit with 1 for findings at least that bad; warning."),
    ] = None,
    target_opset: Annotated[
        int | None, option(min=1, metavar="N", help="The opset that the target is built for.")
    ] = None,
    provider: Annotated[
        list[str] | None,
        option(metavar="NAME", help="Every layer needs a kernel there. Repeatable."),
    ] = None,
    weights: Annotated[bool, option("--weights", help="Also read the weights' values.")] = False,
    ridge: Annotated[
        float | None, option(min=0, metavar="X", help="FLOPs per byte of the machine; 10.")
    ] = None,
    inline: Annotated[
        bool, option("--inline/--no-inline", help="What the model says to ignore counts.")
    ] = True,
    config: Config = None,
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
    format: GateWritten = "table",  # noqa: A002
    output: Output = None,
    report: ReportOption = None,
) -> Callable[[], int]:
    """Look for what is probably a mistake or a waste.

    Rules with stable codes; `cnnscope rule CODE` explains one.
    """
    return lambda: lint_models(
        Linting(
            models, config, shapes_of(shape), lengths_of(dim), values_of(value), format, output,
            reports_of(report),
            names_of(select), names_of(ignore), severity, target_opset,
            tuple(provider) if provider else None, weights, ridge, inline,
        )
    )  # fmt: skip
