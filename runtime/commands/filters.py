"""The command filters: what the stored weights look like, and how few would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.asked import (
    DimOption,
    GivenShapes,
    ModelArgument,
    Output,
    ShapeOption,
    Written,
)
from cnnscope.runtime.commands.declared import argument
from cnnscope.runtime.commands.messages import BAD, FINE, Misuse, blame, progress
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import list_candidates, read_report
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of
from cnnscope.runtime.commands.writing import check_output

if TYPE_CHECKING:
    from cnnscope.analyzer.report.report import Report


def show_filters(
    model: str,
    wanted: str | None,
    sizes: tuple[GivenShapes, dict[str, int]],
    format: str,  # noqa: A002
    output: Path | None,
) -> int:
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    check_output(output, [model])
    source = source_of(model)
    path = name_of(source)
    try:
        with progress(path):
            report = read_report(source, *sizes)
            if report is None:
                return BAD
            found = _found(report, path, wanted)
    except CnnscopeError as error:
        blame(path, error)
        return BAD
    if isinstance(found, int):
        return found
    emit(found, format, output)
    return FINE


def _found(report: Report, path: str, wanted: str | None) -> Result | int:
    """What there is to show; an exit code where the word fits several layers."""
    from cnnscope.analyzer.report.stored_filters import filtering_layers

    if wanted is None:
        from cnnscope.analyzer.render.subjects import filters as all_of_them

        every = report.filters()
        _ = (
            every.items
        )  # read now, one after another: what can't be read is said before anything is written
        return Result(lambda: [all_of_them.document(every)], every.to_dict, rows=True)
    try:
        layers = filtering_layers(report.layers, wanted)
    except KeyError as error:
        raise Misuse(f"{path}: {error.args[0]}") from None
    except ValueError as error:
        raise Misuse(f"{path}: {error}") from None
    if len(layers) > 1:
        return list_candidates(layers, report, path, repr(wanted))
    from cnnscope.analyzer.render.subjects import layer_filters as one_of_them

    one = report.filters(layers[0])
    return Result(lambda: [one_of_them.document(one)], one.to_dict, rows=True)


EPILOG = """\b
Example: cnnscope filters model.onnx
         cnnscope filters model.onnx conv1
         cnnscope filters model.onnx 'layer1/*/conv2' --format json"""


def filters(
    model: ModelArgument,
    layer: Annotated[
        str | None,
        argument(
            metavar="LAYER",
            help="A layer's name or path, a tensor's name, an index; or a part of one.",
        ),
    ] = None,
    shape: ShapeOption = None,
    dim: DimOption = None,
    format: Written = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """What its weights look like, and how few would do.

    Range, zeros, dead and equal filters, which kernels are separable, how much of the spectrum random weights
    would have, and the ranks at which smaller layers would do. Reads the weights; one layer in detail.
    """
    return lambda: show_filters(model, layer, (shapes_of(shape), lengths_of(dim)), format, output)
