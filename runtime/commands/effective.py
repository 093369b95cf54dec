"""The command effective: how much of what a unit could see it hangs on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    MEASURE_GRADIENT,
    PATIENCE,
    Counting,
    DimOption,
    GivenShapes,
    GivenValues,
    LayerArgument,
    ModelArgument,
    Output,
    ProviderOption,
    Seed,
    ShapeOption,
    Timeout,
    ValueOption,
    Written,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import BAD, FINE, Misuse, complain_of_errors, progress
from cnnscope.runtime.commands.one_layer import one_layer
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import ask_for_runtime, read_report, run_in_own_child
from cnnscope.runtime.commands.sources import Source, name_of, source_of
from cnnscope.runtime.commands.texts import files_of, lengths_of, shapes_of, unit_of, values_of
from cnnscope.runtime.commands.usual import sized
from cnnscope.runtime.commands.writing import check_output

if TYPE_CHECKING:
    from cnnscope.analyzer.report.effective_field import EffectiveField
    from cnnscope.analyzer.report.effective_finding import EffectiveUnit


@dataclass(frozen=True)
class GradientRun:
    """How it is run for its gradients."""

    draws: int | None
    inputs: dict[str, str]
    provider: str
    seed: int
    timeout: float | None


@dataclass(frozen=True)
class Wanted:
    """What `cnnscope effective` was asked for."""

    model: str
    layer: str | None
    unit: list[int | None] | None
    input: str | None
    counting: Counting
    sizes: tuple[GivenShapes, dict[str, int], GivenValues]
    run: GradientRun | None
    format: str
    output: Path | None


def show_effective(request: Wanted) -> int:
    from cnnscope.analyzer.render.subjects import effective_field, effective_fields

    if request.unit is not None and request.layer is None:
        raise Misuse("--unit goes with a LAYER: without one, every layer's central unit is told")
    if request.run is not None and request.layer is None:
        raise Misuse("--run goes with a LAYER: name the one whose unit's gradient is measured")
    check_output(request.output, [request.model])
    if request.run is not None:
        ask_for_runtime()
    source = source_of(request.model)
    path = name_of(source)
    counting: Literal["uniform", "paths"] = request.counting.value
    with progress(path):
        report = read_report(source, *request.sizes)
        if report is None:
            return BAD
        every = None
        if request.layer is None:
            every = report.effective_fields(input=request.input, counting=counting)
    if every is not None:
        result = Result(lambda: [effective_fields.document(every)], every.to_dict, rows=True)
    else:
        layer = one_layer(report, path, request.layer)
        if layer is None:
            return BAD
        try:
            unit = layer.effective_unit(request.unit, request.input)
            one = unit.field(counting) if request.run is None else None
        except ValueError as error:
            raise Misuse(f"{path}: {error}") from None
        if one is None:
            one = _measured(request, source, unit)
        if one is None:
            return BAD
        result = Result(lambda: [effective_field.document(one)], one.to_dict, rows=True)
    complain_of_errors(report)
    emit(result, request.format, request.output)
    return FINE


def _measured(request: Wanted, source: Source, unit: EffectiveUnit) -> EffectiveField | None:
    """What gradients showed; None, and a line on standard error, where they can't be had."""
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.gradients.job import GradientJob, GradientMap

    run = request.run
    assert run is not None
    shapes, dims, values = request.sizes
    base = ModelJob(
        source, *sized(source, shapes, dims), run.provider, run.inputs, run.seed, values=values
    )
    job = GradientJob(base, unit.tensor, unit.unit, unit.input, unit.axes, run.draws)
    found = run_in_own_child(GradientMap, source, MEASURE_GRADIENT, job, run.timeout)
    return None if found is None else unit.measured(found.squares, found.draws)


EPILOG = """\b
Example: cnnscope effective model.onnx
         cnnscope effective model.onnx layer4/2/conv3
         cnnscope effective model.onnx 12 --unit 3,4
         cnnscope effective model.onnx --counting paths --format csv
         cnnscope effective model.onnx 12 --run --input input=photos.npy"""


def effective(
    model: ModelArgument,
    layer: LayerArgument = None,
    unit: Annotated[
        str | None,
        option(
            metavar="3,4",
            help="Which unit: an index per axis, or per spatial axis; : for all. Else the central one.",
        ),
    ] = None,
    input: Annotated[  # noqa: A002
        str | None,
        option("--of", metavar="INPUT", help="Which input; else the first that layers look along."),
    ] = None,
    counting: Annotated[
        Counting,
        option(help="What counts: each operator's taps as 1 together, or every path as 1."),
    ] = Counting.uniform,
    run: Annotated[
        bool, option("--run", help="With the weights: gradients, by running it with ONNX Runtime.")
    ] = False,
    draws: Annotated[
        int | None,
        option(min=1, metavar="N", help="With --run: gradients of so many inputs. Else 32."),
    ] = None,
    given: Annotated[
        list[str] | None,
        option(
            "--input",
            metavar="NAME=FILE.npy",
            help="With --run: examples instead of random inputs. Repeatable.",
        ),
    ] = None,
    provider: ProviderOption = "auto",
    seed: Seed = 0,
    timeout: Timeout = PATIENCE,
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
    format: Written = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """How much of what a unit could see it really hangs on.

    Without weights: each operator's taps sum to 1, and each addend of a join counts 1. For each layer
    the sides of the squares that hold 50, 80 and 95 % of it; with LAYER one unit's map. With --run by the
    weights: the mean squared gradient of the unit over random or given inputs.
    """
    if not run and (draws is not None or given):
        raise Misuse("--draws and --input go with --run")
    how = GradientRun(draws, files_of(given), provider, seed, timeout or None) if run else None
    return lambda: show_effective(
        Wanted(model, layer, unit_of(unit), input, Counting(counting),
               (shapes_of(shape), lengths_of(dim), values_of(value)), how, format, output)
    )  # fmt: skip
