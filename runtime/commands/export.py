"""The command export: a model's figures for the viewers and registries that people have already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
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
    complain,
    complain_of_errors,
    progress,
)
from cnnscope.runtime.commands.reading import read_report
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of, values_of
from cnnscope.runtime.commands.writing import STANDARD_OUTPUT, check_output, save

if TYPE_CHECKING:
    from cnnscope.analyzer.render.viewers.exported import Exported
    from cnnscope.analyzer.report.report import Report


@dataclass(frozen=True)
class Exports:
    """What `cnnscope export` was asked for: files by the view that each is of, and the copy with notes."""

    model: str
    files: Mapping[str, Path]
    copy: Path | None
    color: str | None
    depth: int | None
    shapes: GivenShapes
    dims: dict[str, int]
    values: GivenValues


def write_exports(request: Exports) -> int:
    _check(request)
    source = source_of(request.model)
    path = name_of(source)
    with progress(path):
        report = read_report(source, request.shapes, request.dims, request.values)
    if report is None:
        return BAD
    try:
        made = {form: _view(report, form, request) for form in request.files}
    except ValueError as error:
        raise Misuse(f"{path}: {error}") from None
    complain_of_errors(report)
    if request.copy is not None and not _annotate(report, path, request.copy):
        return BAD
    for form, found in made.items():
        for said in found.notes:
            complain(f"{path}: --{form}: {said}")
        save(found.text, request.files[form])
    return FINE


def _check(request: Exports) -> None:
    """Before any work is done: that what was asked for goes together, and can be written there.

    Raises:
        Misuse: it doesn't, or can't.
    """
    from cnnscope.analyzer.render.viewers.scale import metric_named
    from cnnscope.analyzer.render.viewing import takers

    files = [*request.files.values(), *([] if request.copy is None else [request.copy])]
    if not files:
        raise Misuse("say what to write, such as --netron FILE (see cnnscope export --help)")
    if len({_place(x) for x in files}) < len(files):
        raise Misuse("two exports go to the same place; give each its own file")
    for file in request.files.values():
        check_output(file, [request.model])
    check_output(request.copy, [request.model], replaces=True)
    for wished, value in (("color", request.color), ("depth", request.depth)):
        able = takers(wished)
        if value is not None and not any(form in able for form in request.files):
            raise Misuse(f"--{wished} goes with {', '.join(f'--{form}' for form in able)}")
    try:
        metric_named(request.color or "macs")
    except ValueError as error:
        raise Misuse(f"--color {request.color}: {error}") from None
    if str(request.copy) == STANDARD_OUTPUT:
        raise Misuse("--annotate needs a file: a model isn't text")


def _place(file: Path) -> Path:
    """Where it is written to, however that is spelt."""
    return file if str(file) == STANDARD_OUTPUT else file.resolve()


def _view(report: Report, form: str, request: Exports) -> Exported:
    from cnnscope.analyzer.render.viewers.exported import Wish
    from cnnscope.analyzer.render.viewing import VIEWS, view

    takes = VIEWS[form].takes
    wish = Wish(
        request.color if "color" in takes else None, request.depth if "depth" in takes else None
    )
    return view(report, form, wish)


def _annotate(report: Report, path: str, copy: Path) -> bool:
    """The copy with notes; False, and a line on standard error, where there can't be one."""
    from cnnscope.analyzer.exporting import annotate
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    try:
        annotate(report, copy)
    except CnnscopeError as error:
        blame(path, error)
        return False
    except OSError as error:
        raise Misuse(f"{copy}: can't be written: {error.strerror or error}") from None
    return True


EPILOG = """\b
Example: cnnscope export model.onnx --netron model.netron.json
         cnnscope export model.onnx --annotate noted.onnx
         cnnscope export model.onnx --mermaid - --depth 1 --color macs
         cnnscope export model.onnx --model-card README.md"""


def export(
    model: ModelArgument,
    netron: Annotated[
        Path | None, option(metavar="FILE", help="Figures to drop onto Netron's page.")
    ] = None,
    model_explorer: Annotated[
        Path | None, option(metavar="FILE", help="Node data of Google's Model Explorer.")
    ] = None,
    dot: Annotated[Path | None, option(metavar="FILE", help="A drawing for Graphviz.")] = None,
    graphml: Annotated[
        Path | None, option(metavar="FILE", help="The network for yEd, Gephi, networkx.")
    ] = None,
    mermaid: Annotated[
        Path | None, option(metavar="FILE", help="A drawing for a README: GitHub shows it.")
    ] = None,
    annotate: Annotated[
        Path | None,
        option(metavar="OUT.onnx", help="The model again, its figures noted in it."),
    ] = None,
    model_card: Annotated[
        Path | None, option(metavar="FILE", help="A model card for the Hugging Face hub.")
    ] = None,
    cyclonedx: Annotated[
        Path | None, option(metavar="FILE", help="A bill of materials, CycloneDX 1.6.")
    ] = None,
    color: Annotated[
        str | None,
        option(metavar="METRIC", help="Colour nodes by macs, flops, params, weight_bytes, rf, ..."),
    ] = None,
    depth: Annotated[
        int | None,
        option(min=1, metavar="N", help="In drawings, modules so deep are one node each."),
    ] = None,
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
) -> Callable[[], int]:
    """Its figures for Netron, Graphviz, a README, a model card, ...

    Several files at once; - stands for standard output. --annotate copies the model byte for byte, with its
    figures as metadata_props: every viewer shows those.
    """
    files = {
        "netron": netron, "model-explorer": model_explorer, "dot": dot, "graphml": graphml,
        "mermaid": mermaid, "model-card": model_card, "cyclonedx": cyclonedx,
    }  # fmt: skip
    asked = {form: file for form, file in files.items() if file is not None}
    return lambda: write_exports(
        Exports(
            model,
            asked,
            annotate,
            color,
            depth,
            shapes_of(shape),
            lengths_of(dim),
            values_of(value),
        )
    )
