"""The command report: one page that shows a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    DimOption,
    FreeOption,
    GivenShapes,
    ModelArgument,
    ShapeOption,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import BAD, FINE, blame, complain, progress
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of
from cnnscope.runtime.commands.writing import STANDARD_OUTPUT, check_output, save


@dataclass(frozen=True)
class Shown:
    """What `cnnscope report` was asked for."""

    model: str
    free: Sequence[str]
    dims: Mapping[str, int]
    shapes: GivenShapes
    image: Path | None
    output: Path


def write_page(request: Shown) -> int:
    from cnnscope.analyzer.model.binding import named_shapes
    from cnnscope.analyzer.paging import contents_of, page_of
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    check_output(request.output, [request.model])
    source = source_of(request.model)
    try:
        with progress(name_of(source)):
            contents = contents_of(
                source,
                shapes=named_shapes(source, request.shapes, "--shape"),
                dims=request.dims,
                free=request.free,
                image=request.image,
            )
            text = page_of(contents)
    except CnnscopeError as error:
        blame(name_of(source), error)
        return BAD
    save(text, request.output)
    if str(request.output) != STANDARD_OUTPUT:
        complain(f"{request.output}: written: open it in a browser")
    return FINE


EPILOG = """\b
Example: cnnscope report model.onnx
         cnnscope report model.onnx --image cat.png -o model.html"""


def report(
    model: ModelArgument,
    free: FreeOption = None,
    dim: DimOption = None,
    shape: ShapeOption = None,
    image: Annotated[
        Path | None, option(metavar="FILE", help="Shown as the input: a PNG, JPEG, GIF or WebP.")
    ] = None,
    output: Annotated[
        Path,
        option("--output", "-o", metavar="FILE", help="The page's file; - is standard output."),
    ] = Path("report.html"),
) -> Callable[[], int]:
    """One page that shows all of it, to open in a browser.

    The page is one file: nothing is loaded from elsewhere. Unknown is said, as everywhere.
    """
    return lambda: write_page(
        Shown(model, free or (), lengths_of(dim), shapes_of(shape), image, output)
    )  # fmt: skip
