"""The command effective: how much of what a unit could see it hangs on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    Counting,
    DimOption,
    GivenShapes,
    GivenValues,
    LayerArgument,
    ModelArgument,
    Output,
    ShapeOption,
    ValueOption,
    Written,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import BAD, FINE, Misuse, complain_of_errors, progress
from cnnscope.runtime.commands.one_layer import one_layer
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import read_report
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of, unit_of, values_of
from cnnscope.runtime.commands.writing import check_output


@dataclass(frozen=True)
class Wanted:
    """What `cnnscope effective` was asked for."""

    model: str
    layer: str | None
    unit: list[int | None] | None
    input: str | None
    counting: Counting
    sizes: tuple[GivenShapes, dict[str, int], GivenValues]
    format: str
    output: Path | None


def show_effective(request: Wanted) -> int:
    from cnnscope.analyzer.render.subjects import effective_field, effective_fields

    if request.unit is not None and request.layer is None:
        raise Misuse("--unit goes with a LAYER: without one, every layer's central unit is told")
    check_output(request.output, [request.model])
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
            one = layer.effective_field(request.unit, input=request.input, counting=counting)
        except ValueError as error:
            raise Misuse(f"{path}: {error}") from None
        result = Result(lambda: [effective_field.document(one)], one.to_dict, rows=True)
    complain_of_errors(report)
    emit(result, request.format, request.output)
    return FINE


EPILOG = """\b
Example: cnnscope effective model.onnx
         cnnscope effective model.onnx layer4/2/conv3
         cnnscope effective model.onnx 12 --unit 3,4
         cnnscope effective model.onnx --counting paths --format csv"""


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
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
    format: Written = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """How much of what a unit could see it really hangs on.

    Without weights: each operator's taps sum to 1, and each addend of a join counts 1. For each layer
    the sides of the squares that hold 50, 80 and 95 % of it; with LAYER one unit's map.
    """
    return lambda: show_effective(
        Wanted(model, layer, unit_of(unit), input, Counting(counting),
               (shapes_of(shape), lengths_of(dim), values_of(value)), format, output)
    )  # fmt: skip
