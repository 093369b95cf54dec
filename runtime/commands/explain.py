"""The command explain: how a layer's numbers come about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.asked import (
    DimOption,
    GivenShapes,
    GivenValues,
    LayerArgument,
    ModelArgument,
    NoTable,
    OnlyOption,
    Output,
    ShapeOption,
    ValueOption,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import (
    BAD,
    FINE,
    Misuse,
    complain_of_errors,
    progress,
)
from cnnscope.runtime.commands.one_layer import one_layer
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import read_report
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import choice_of, lengths_of, shapes_of, unit_of, values_of
from cnnscope.runtime.commands.writing import check_output


def explain_layer(
    model: str,
    wanted: str | None,
    only: tuple[str, ...],
    unit: list[int | None] | None,
    sizes: tuple[GivenShapes, dict[str, int], GivenValues],
    format: str,  # noqa: A002
    output: Path | None,
) -> int:
    if wanted is None and not only:
        raise Misuse(
            "which layer? Give a name, a path, an index or --only, such as --only 'macs>1G'"
        )
    choice = choice_of((), only)
    check_output(output, [model])
    source = source_of(model)
    path = name_of(source)
    with progress(path):
        report = read_report(source, *sizes)
    if report is None:
        return BAD
    layer = one_layer(report, path, wanted, choice)
    if layer is None:
        return BAD
    try:
        explanation = layer.explain(unit)
    except ValueError as error:
        raise Misuse(f"{path}: {error}") from None
    from cnnscope.analyzer.render.subjects import explanation as render

    complain_of_errors(report)
    result = Result(lambda: [render.document(explanation)], explanation.to_dict)
    emit(result, format, output)
    return FINE


EPILOG = """\b
Example: cnnscope explain model.onnx /layer1/0/conv2/Conv
         cnnscope explain model.onnx 12 --unit 3,4
         cnnscope explain model.onnx 'layer*/1/conv2'
         cnnscope explain model.onnx --only 'macs>1G'"""


def explain(
    model: ModelArgument,
    layer: LayerArgument = None,
    only: OnlyOption = None,
    unit: Annotated[
        str | None,
        option(
            metavar="3,4",
            help="Whose region to show: an index per axis, or per spatial axis; : for all.",
        ),
    ] = None,
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
    format: NoTable = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """How a layer's numbers come about, line by line.

    Formulas with their operands, receptive field, the region that a unit sees, cheaper alternatives.
    """
    return lambda: explain_layer(
        model,
        layer,
        tuple(only or ()),
        unit_of(unit),
        (shapes_of(shape), lengths_of(dim), values_of(value)),
        format,
        output,
    )
