"""The command stream: how much past and future a model needs along a time axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    DimOption,
    FreeOption,
    GivenShapes,
    ModelArgument,
    Output,
    ShapeOption,
    Written,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import BAD, FAILED, FINE
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import find_in
from cnnscope.runtime.commands.sources import source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of
from cnnscope.runtime.commands.writing import check_output


@dataclass(frozen=True)
class Streams:
    """What `cnnscope stream` was asked for."""

    model: str
    rate: int | None
    axis: str | None
    free: Sequence[str]
    shapes: GivenShapes
    dims: dict[str, int]
    causal: bool
    format: str
    output: Path | None


def show_stream(request: Streams) -> int:
    from cnnscope.analyzer.render.subjects.streaming import document
    from cnnscope.analyzer.sizing import stream as find_streaming

    check_output(request.output, [request.model])
    source = source_of(request.model)
    found = find_in(source, request.shapes, lambda shapes: find_streaming(
        source, rate=request.rate, axis=request.axis, free=request.free, shapes=shapes, dims=request.dims,
    ))  # fmt: skip
    if found is None:
        return BAD
    emit(
        Result(lambda: [document(found)], found.to_dict, rows=True), request.format, request.output
    )
    return FAILED if request.causal and found.causal is not True else FINE


EPILOG = """\b
Example: cnnscope stream model.onnx
         cnnscope stream model.onnx --rate 16000
         cnnscope stream model.onnx --axis spectrogram:3
         cnnscope stream model.onnx --causal"""


def stream(
    model: ModelArgument,
    rate: Annotated[
        int | None,
        option(min=1, metavar="HZ", help="Samples a second, for figures in ms: 16000."),
    ] = None,
    axis: Annotated[
        str | None,
        option(
            metavar="INPUT:2",
            help="The time axis; needed where layers look along several.",
        ),
    ] = None,
    free: FreeOption = None,
    shape: ShapeOption = None,
    dim: DimOption = None,
    causal: Annotated[
        bool, option(help="Exit with 1 unless no output sees what lies ahead of it.")
    ] = False,
    format: Written = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """How much past and future it needs along a time axis.

    For each output: the samples that a unit sees, the hop from unit to unit, the context before and behind
    it, the look-ahead; and the layers that look ahead. A model that can't be streamed is named the layer
    because of which; exit 1 only where --causal asks for a causal one.
    """
    return lambda: show_stream(
        Streams(model, rate, axis, free or (), shapes_of(shape), lengths_of(dim), causal, format, output)
    )  # fmt: skip
