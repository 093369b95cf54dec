"""The command report: one page that shows a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from cnnscope.runtime.commands.sources import Source, name_of, source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of
from cnnscope.runtime.commands.writing import STANDARD_OUTPUT, check_output, save

if TYPE_CHECKING:
    from cnnscope.analyzer.sizes.valid_sizes import ValidSizes


@dataclass(frozen=True)
class Shown:
    """What `cnnscope report` was asked for."""

    model: str
    free: Sequence[str]
    dims: Mapping[str, int]
    shapes: GivenShapes
    output: Path


def write_page(request: Shown) -> int:
    from cnnscope.analyzer.analysis import analyze
    from cnnscope.analyzer.model.binding import named_shapes
    from cnnscope.analyzer.render.page.contents import Contents
    from cnnscope.analyzer.render.page.page import page
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    check_output(request.output, [request.model])
    source = source_of(request.model)
    try:
        with progress(name_of(source)):
            report = analyze(
                source,
                shapes=named_shapes(source, request.shapes, "--shape"),
                dims=request.dims,
                free=request.free,
            )
            text = page(Contents(report, valid=_valid(source, request)))
    except CnnscopeError as error:
        blame(name_of(source), error)
        return BAD
    save(text, request.output)
    if str(request.output) != STANDARD_OUTPUT:
        complain(f"{request.output}: written: open it in a browser")
    return FINE


def _valid(source: Source, request: Shown) -> ValidSizes | None:
    """Which sizes it accepts: where none is asked to be free, its spatial ones are."""
    from cnnscope.analyzer.sizing import sizes
    from cnnscope.analyzer.values.diagnostics import BindingError

    for free in (request.free, ["HxW"]):
        try:
            return sizes(source, free=free)
        except BindingError:
            continue  # no length is free
    return None


EPILOG = """\b
Example: cnnscope report model.onnx
         cnnscope report model.onnx -o model.html"""


def report(
    model: ModelArgument,
    free: FreeOption = None,
    dim: DimOption = None,
    shape: ShapeOption = None,
    output: Annotated[
        Path,
        option("--output", "-o", metavar="FILE", help="The page's file; - is standard output."),
    ] = Path("report.html"),
) -> Callable[[], int]:
    """One page that shows all of it, to open in a browser.

    The page is one file: nothing is loaded from elsewhere. Unknown is said, as everywhere.
    """
    return lambda: write_page(
        Shown(model, free or (), lengths_of(dim), shapes_of(shape), output)
    )  # fmt: skip
