"""The command plot: a figure for a paper or a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    By,
    DimOption,
    GivenShapes,
    GivenValues,
    ModelArgument,
    ShapeOption,
    ValueOption,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import (
    BAD,
    FINE,
    Misuse,
    blame,
    complain_of_errors,
    progress,
)
from cnnscope.runtime.commands.reading import read_report
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of, unit_of, values_of
from cnnscope.runtime.commands.writing import STANDARD_OUTPUT, check_output, save

if TYPE_CHECKING:
    from cnnscope.analyzer.charts.chart import Chart

#: by kind, which options it takes, each with the word that it has in Python
TAKES: Final = {
    "cost": ("metric", "by"),
    "field": (),
    "memory": (),
    "roofline": ("ceilings",),
    "sizes": ("metric",),
    "region": ("layer", "unit", "image"),
    "effective": ("layer", "unit"),
    "filters": ("layer", "channel"),
}
FORMS: Final = ("svg", "png", "pdf")


@dataclass(frozen=True)
class Figure:
    """What `cnnscope plot` was asked for; `asked` has the options that were given."""

    model: str
    kind: str
    asked: dict[str, object]
    output: Path
    shapes: GivenShapes
    dims: dict[str, int]
    values: GivenValues


def write_figure(request: Figure) -> int:
    from cnnscope.analyzer.plotting import ask_for_matplotlib, picture
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    form = _check(request)
    try:
        ask_for_matplotlib()
    except ImportError as error:
        raise Misuse(str(error)) from None
    measured = _profile(request)
    path = name_of(source_of(request.model)) if measured is None else request.model
    try:
        chart = _of_model(request) if measured is None else measured
        if chart is None:
            return BAD
        data = picture(request.kind, chart, form)
    except CnnscopeError as error:
        blame(path, error)
        return BAD
    except (KeyError, ValueError) as error:
        raise Misuse(f"{path}: {error.args[0]}") from None
    save(data, request.output)
    return FINE


def _check(request: Figure) -> str:
    """Before any work is done: that it is a figure, takes these options, and can be written there.

    Returns:
        The form that the file's suffix says.

    Raises:
        Misuse: it isn't, doesn't, or can't.
    """
    from cnnscope.analyzer.plotting import KINDS
    from cnnscope.analyzer.values.near_names import what_there_is

    if request.kind not in KINDS:
        raise Misuse(f"there is no figure {request.kind!r}{what_there_is(request.kind, KINDS)}")
    own = str(request.output) == STANDARD_OUTPUT
    form = "svg" if own else request.output.suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise Misuse(f"{request.output}: a figure is written as .svg, .png or .pdf")
    takes: Sequence[str] = TAKES[request.kind]
    for word in request.asked:
        if word not in takes:
            able = [kind for kind, words in TAKES.items() if word in words]
            raise Misuse(f"--{word} goes with --kind {', '.join(able)}")
    if "layer" in takes and "layer" not in request.asked:
        raise Misuse(f"--kind {request.kind} needs --layer: a name, a path or an index")
    check_output(request.output, [request.model])
    return form


def _profile(request: Figure) -> Chart | None:
    """A saved profile's roofline; None where it is a model that is given."""
    from cnnscope.runtime.commands.profile_runs import saved_profile

    saved = saved_profile(request.model)
    if saved is None:
        return None
    from cnnscope.analyzer.charts import roofline

    if request.kind != "roofline":
        raise Misuse(f"{request.model}: a saved profile has a roofline alone: give the model")
    try:
        return roofline.chart(None, profile=saved, **request.asked)  # type: ignore[arg-type]
    except ValueError as error:
        raise Misuse(f"{request.model}: {error}") from None


def _of_model(request: Figure) -> Chart | None:
    source = source_of(request.model)
    with progress(name_of(source)):
        report = read_report(source, request.shapes, request.dims, request.values)
        if report is None:
            return None
        complain_of_errors(report)
        return report.plot.chart(request.kind, **request.asked)


EPILOG = """\b
Example: cnnscope plot model.onnx --kind field -o field.svg
         cnnscope plot model.onnx --kind region --layer 7 --unit 3,3 -o a.pdf
         cnnscope plot model.onnx --kind filters --layer conv1 -o b.png
         cnnscope plot profile.json --kind roofline -o c.svg"""


def plot(
    model: ModelArgument,
    kind: Annotated[
        str,
        option(
            metavar="KIND",
            help="cost, field, memory, roofline, sizes, region, effective or filters.",
        ),
    ] = "cost",
    output: Annotated[
        Path,
        option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .svg, .png or .pdf file; -: SVG on standard output.",
        ),
    ] = Path("figure.svg"),
    layer: Annotated[
        str | None,
        option(metavar="LAYER", help="Of region, effective, filters: a name, path or index."),
    ] = None,
    unit: Annotated[
        str | None,
        option(metavar="3,4", help="Of region, effective: the unit; else the central one."),
    ] = None,
    metric: Annotated[
        str | None,
        option(metavar="METRIC", help="Of cost, sizes: macs, flops, params, traffic_bytes, ..."),
    ] = None,
    by: Annotated[By | None, option(help="Of cost: a bar per group, not per layer.")] = None,
    image: Annotated[
        Path | None, option(metavar="FILE", help="Of region: shown in the input's place.")
    ] = None,
    channel: Annotated[
        int | None, option(min=0, metavar="N", help="Of filters: which input channel.")
    ] = None,
    ceilings: Annotated[
        str | None,
        option(metavar="10TFLOPS,900GB/s", help="Of roofline: what the machine can do."),
    ] = None,
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
) -> Callable[[], int]:
    """A figure for a paper: costs, fields, memory, filters, ...

    Drawn with matplotlib (pip install 'cnnscope[plot]'). The same model gives the same file, byte for byte.
    A word that fits several layers, such as a module's name, means the last of them.
    """
    given: dict[str, object] = {
        "layer": layer, "unit": unit_of(unit), "metric": metric,
        "by": None if by is None else By(by).value, "image": image, "channel": channel,
        "ceilings": ceilings,
    }  # fmt: skip
    asked = {word: value for word, value in given.items() if value is not None}
    return lambda: write_figure(
        Figure(model, kind, asked, output, shapes_of(shape), lengths_of(dim), values_of(value))
    )  # fmt: skip
