"""The command sizes: which sizes of its inputs a model accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.asked import (
    GivenShapes,
    ModelArgument,
    Output,
    ShapeOption,
    Written,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import BAD, FAILED, FINE, blame, progress
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import ranges_of, shapes_of
from cnnscope.runtime.commands.writing import check_output

FreeOption: TypeAlias = Annotated[
    list[str] | None,
    option(
        metavar="HxW",
        help="Open axes that the file fixes: HxW the spatial ones, N the batch, INPUT:2=H one. Repeatable.",
    ),
]
RangeOption: TypeAlias = Annotated[
    list[str] | None,
    option(
        metavar="NAME=1..64",
        help="List its valid lengths in a range, ends included; or bind it: NAME=4. Repeatable.",
    ),
]


def show_sizes(
    model: str,
    free: Sequence[str],
    dims: Mapping[str, int | range],
    shapes: GivenShapes,
    format: str,  # noqa: A002
    output: Path | None,
) -> int:
    from cnnscope.analyzer.analysis import sizes as find_sizes
    from cnnscope.analyzer.model.binding import named_shapes
    from cnnscope.analyzer.render.subjects.valid_sizes import document
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    check_output(output, [model])
    source = source_of(model)
    try:
        with progress(name_of(source)):
            found = find_sizes(source, free=free, dims=dims)
            if shapes:
                found = found.at(named_shapes(source, shapes, "--shape"))
    except CnnscopeError as error:
        blame(name_of(source), error)
        return BAD
    emit(Result(lambda: [document(found)], found.to_dict, rows=True), format, output)
    return FAILED if found.asked is not None and not found.admits(**found.asked) else FINE


EPILOG = """\b
Example: cnnscope sizes model.onnx
         cnnscope sizes model.onnx --free HxW
         cnnscope sizes model.onnx --free HxW --shape 1x3x641x641
         cnnscope sizes model.onnx --dim L=1..64"""


def sizes(
    model: ModelArgument,
    free: FreeOption = None,
    dim: RangeOption = None,
    shape: ShapeOption = None,
    format: Written = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """Which sizes of its inputs it accepts, and why no others.

    With --shape, whether that size is one of them, and what is nearest; exit 1 where it isn't.
    """
    return lambda: show_sizes(model, free or (), ranges_of(dim), shapes_of(shape), format, output)
