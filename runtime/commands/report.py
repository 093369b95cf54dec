"""The command report: one page that shows a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    PATIENCE,
    Config,
    DimOption,
    FreeOption,
    GivenShapes,
    ProviderOption,
    Seed,
    ShapeOption,
    Timeout,
)
from cnnscope.runtime.commands.check import budget_request
from cnnscope.runtime.commands.check_request import Checking
from cnnscope.runtime.commands.declared import argument, option
from cnnscope.runtime.commands.fleet_report import FleetShown, write_fleet_page
from cnnscope.runtime.commands.messages import (
    BAD,
    FAILED,
    FINE,
    Misuse,
    blame,
    complain,
    complain_of_each,
    complain_of_errors,
    progress,
)
from cnnscope.runtime.commands.page_extras import Extras, with_extras
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of, tiles_of
from cnnscope.runtime.commands.writing import STANDARD_OUTPUT, check_output, save

if TYPE_CHECKING:
    from cnnscope.analyzer.render.page.contents import Contents
    from cnnscope.runtime.gates.jobs import CheckRequest


@dataclass(frozen=True)
class Shown:
    """What `cnnscope report` was asked for."""

    model: str
    before: str | None
    free: Sequence[str]
    dims: Mapping[str, int]
    shapes: GivenShapes
    image: Path | None
    tiles: Sequence[int]
    output: Path
    extras: Extras = Extras()

    def limits(self) -> CheckRequest | None:
        """What to hold it against; None for nothing.

        Raises:
            ConfigError: the configuration can't be read.
            Misuse: a limit is none.
        """
        asked = self.extras
        if not asked.limits and asked.config is None:
            return None
        return budget_request(
            Checking(
                [self.model], asked.config, {}, {}, {}, "table", None, [], list(asked.limits), None,
                False, False, None,
            )
        )  # fmt: skip


def write_page(request: Shown) -> int:
    from cnnscope.analyzer.budgets.settings import ConfigError
    from cnnscope.analyzer.model.binding import named_shapes
    from cnnscope.analyzer.paging import contents_of, page_of
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    extras = request.extras
    check_output(
        request.output,
        [request.model, *([request.before] if request.before else [])],
        inputs=(request.image, extras.config, extras.recording),
    )
    extras.check()
    try:
        limits = request.limits()
    except ConfigError as error:
        return complain_of_each(error.problems)
    source = source_of(request.model)
    try:
        with progress(name_of(source)):
            contents = contents_of(
                source,
                shapes=named_shapes(source, request.shapes, "--shape"),
                dims=request.dims,
                free=request.free,
                image=request.image,
                tiles=request.tiles,
            )
        compared = _beside(contents, request.before)
        found = compared and with_extras(compared, extras, source, limits)
        if found is None:
            return BAD
        text = page_of(found)
    except ConfigError as error:
        return complain_of_each(error.problems)
    except CnnscopeError as error:
        blame(name_of(source), error)
        return BAD
    save(text, request.output)
    if str(request.output) != STANDARD_OUTPUT:
        complain(f"{request.output}: written: open it in a browser")
    complain_of_errors(found.report)
    return FAILED if found.report.errors else FINE


def _beside(contents: Contents, before: str | None) -> Contents | None:
    """With what differs from an earlier model; None, and a line of that one, where it can't be read."""
    from cnnscope.analyzer.paging import beside
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    if before is None:
        return contents
    source = source_of(before)
    try:
        return beside(contents, source)
    except CnnscopeError as error:
        blame(name_of(source), error)
        return None


def _fleet(models: Sequence[str], shown: Shown, pages: Path | None) -> FleetShown | None:
    """A scan, and what is asked of it; None: these are models."""
    from cnnscope.analyzer.fleet.scan_file import is_scan

    if not any(is_scan(path) for path in models):
        if pages is not None:
            raise Misuse("--pages: of a scan, whose models then have pages of their own")
        return None
    if len(models) > 1:
        raise Misuse("report takes one scan; cnnscope diff tells what changed from one to another")
    if shown != Shown(shown.model, None, (), {}, {}, None, (), shown.output):
        raise Misuse(f"{shown.model}: a scan: only --output and --pages are for its page")
    return FleetShown(shown.model, shown.output, pages)


def _chosen(models: Sequence[str]) -> tuple[str, str | None]:
    """The model that is shown, and the one before it, if there is one."""
    if len(models) > 2:
        raise Misuse("report takes one model, or two: what came before, and what is shown")
    return models[-1], models[0] if len(models) == 2 else None


EPILOG = """\b
Example: cnnscope report model.onnx
         cnnscope report old.onnx new.onnx -o change.html
         cnnscope report model.onnx --image cat.png -o model.html
         cnnscope report model.onnx --run --limit macs=4.2G
         cnnscope report model.onnx --ceilings 10TFLOPS,900GB/s
         cnnscope report zoo.parquet --pages pages -o zoo.html"""


def report(
    models: Annotated[
        list[str],
        argument(
            metavar="MODEL", help="An ONNX file; of two, the second, beside the first. Or a scan."
        ),
    ],
    free: FreeOption = None,
    dim: DimOption = None,
    shape: ShapeOption = None,
    image: Annotated[
        Path | None, option(metavar="FILE", help="Shown as the input: a PNG, JPEG, GIF or WebP.")
    ] = None,
    tile: Annotated[
        str | None,
        option(metavar="256", help="Also how it is run tile by tile, as for tile: 64,128."),
    ] = None,
    run: Annotated[
        bool, option("--run", help="Also run it: each layer's time, and whether it's as said.")
    ] = False,
    provider: ProviderOption = "auto",
    seed: Seed = 0,
    timeout: Timeout = PATIENCE,
    from_recording: Annotated[
        Path | None,
        option(metavar="FILE", help="Run nothing: take the times from a GPU's records."),
    ] = None,
    ceilings: Annotated[
        str | None,
        option(metavar="10TFLOPS,900GB/s", help="What the machine can do: a least time per layer."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        option(metavar="macs=4.2G", help="A limit to hold it against, as for check. Repeatable."),
    ] = None,
    config: Config = None,
    pages: Annotated[
        Path | None,
        option(metavar="FOLDER", help="Of a scan: also a page of each model, in this folder."),
    ] = None,
    output: Annotated[
        Path,
        option("--output", "-o", metavar="FILE", help="The page's file; - is standard output."),
    ] = Path("report.html"),
) -> Callable[[], int]:
    """One page that shows all of it, to open in a browser.

    The page is one file: nothing is loaded from elsewhere. Unknown is said, as everywhere.
    """
    extras = Extras(
        run, from_recording, provider, seed, timeout or None, ceilings, tuple(limit or ()), config
    )
    tiles = tiles_of(tile) if tile else ()

    def act() -> int:
        shown = Shown(
            *_chosen(models),
            free or (),
            lengths_of(dim),
            shapes_of(shape),
            image,
            tiles,
            output,
            extras,
        )
        fleet = _fleet(models, shown, pages)
        return write_page(shown) if fleet is None else write_fleet_page(fleet)

    return act
