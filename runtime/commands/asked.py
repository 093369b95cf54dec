"""What can the commands be asked for: formats, levels, and what several of them take?"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

from cnnscope.analyzer.render.formats import FORMATS, Need, formats_for, refusal
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.declared import Declared, argument, option
from cnnscope.runtime.commands.messages import Misuse

#: seconds that a run of a model may take unless told otherwise
PATIENCE = 600


#: what a child process is to call
VERIFY = "cnnscope.runtime.verify.verifying:verify_here"


PROFILE = "cnnscope.runtime.profile.profiling:profile_here"


PROVE_SIZES = "cnnscope.runtime.proofs.size_proof:prove_sizes_here"
PROVE_TILES = "cnnscope.runtime.proofs.tile_proof:prove_tiles_here"
PROVE_PATCHES = "cnnscope.runtime.proofs.patch_proof:prove_patches_here"


MEASURE_SHIFTS = "cnnscope.runtime.proofs.shift_measurement:measure_here"
MEASURE_GRADIENT = "cnnscope.runtime.gradients.measuring:measure_here"


GivenShape = list[int | None]


GivenShapes = dict[str | None, GivenShape]


GivenValues = dict[str, object]


class SeverityLevel(StrEnum):
    info = "info"
    warning = "warning"
    error = "error"


class Counting(StrEnum):
    uniform = "uniform"
    paths = "paths"


class By(StrEnum):
    op = "op"
    kind = "kind"
    module = "module"
    block = "block"


@dataclass(frozen=True)
class Running:
    """What the commands that run a model were asked for."""

    model: str
    shapes: GivenShapes
    dims: dict[str, int]
    values: GivenValues
    provider: str
    inputs: dict[str, str]
    seed: int
    timeout: float | None
    format: str
    output: Path | None
    verbose: bool


@dataclass(frozen=True)
class Gate:
    """What the commands that let a model pass or not were asked for."""

    models: list[str]
    config: Path | None
    shapes: GivenShapes
    dims: dict[str, int]
    values: GivenValues
    format: str
    output: Path | None
    reports: list[tuple[str, Path]]


def check_rows_asked(
    format: str,  # noqa: A002  # the option's name
    by: By | None,
    depth: int | None,
    options: Mapping[str, object],
) -> None:
    """Refuse what is about a table's rows where there are none, or none of that sort.

    Args:
        format, by, depth: as they were asked for.
        options: what else was asked of the rows, by the option's name; None: it wasn't given.
    """
    for name, value in options.items() if format == "json" else ():
        if value is not None:
            raise Misuse(f"{name} goes with table, csv, markdown and html: JSON has everything")
    if depth is not None and by is not By.module:
        raise Misuse("--depth goes with --by module")


# -- options that several commands take --------------------------------------------------------------

ModelArgument: TypeAlias = Annotated[
    str, argument(metavar="MODEL", help="An ONNX file; - for standard input.")
]
ModelArguments: TypeAlias = Annotated[
    list[str], argument(metavar="MODEL", help="ONNX files; - for standard input.")
]
ShapeOption: TypeAlias = Annotated[
    list[str] | None,
    option(
        metavar="[INPUT=]1x3x224x224",
        help="An input's shape; ? leaves a dimension free. Repeatable.",
    ),
]
DimOption: TypeAlias = Annotated[
    list[str] | None,
    option(metavar="NAME=224", help="A free dimension's length. Repeatable."),
]
ManyDimsOption: TypeAlias = Annotated[
    list[str] | None,
    option(
        metavar="NAME=224",
        help="A free dimension's length; several: H=224,256 or H,W=224..1024:32. Repeatable.",
    ),
]
FreeOption: TypeAlias = Annotated[
    list[str] | None,
    option(
        metavar="HxW",
        help="Open axes that the file fixes: HxW the spatial ones, N the batch, INPUT:2=H one. Repeatable.",
    ),
]
ValueOption: TypeAlias = Annotated[
    list[str] | None,
    option(
        metavar="INPUT=4",
        help="An input's value, where sizes hang on it: 4, [1,8]. Repeatable.",
    ),
]
Columns: TypeAlias = Annotated[
    str | None, option(metavar="A,B,C", help="The columns to show, e.g. name,output,macs,rf.")
]
DepthOption: TypeAlias = Annotated[
    int | None,
    option(min=1, metavar="N", help="With --by module: so many steps of the path."),
]
LayerArgument: TypeAlias = Annotated[
    str | None,
    argument(
        metavar="LAYER",
        help="A layer's name or path, a tensor's name, an index; or a part of one.",
    ),
]
LayerOption: TypeAlias = Annotated[
    list[str] | None,
    option(
        "--layer", metavar="PATH", help="Only layers below it: layer3, 'detect/**'. Repeatable."
    ),
]
OnlyOption: TypeAlias = Annotated[
    list[str] | None,
    option(
        metavar="CONDITION",
        help="Only layers that fulfil it: kind=depthwise, 'macs>1M', 'params>=5%'. Repeatable.",
    ),
]


def _format(*has: Need) -> Declared:
    """The option for the formats of whatever has this; another is refused before any work is done."""
    allowed = formats_for(*has)

    def known(command: str, value: str) -> None:
        refused = refusal(value, command, allowed)
        if refused is not None:
            raise Misuse(refused) if value in FORMATS else ValueError(refused)

    return option(
        "--format", "-f", metavar=f"<{'|'.join(allowed)}>", help="How to write it.", check=known
    )


Written: TypeAlias = Annotated[str, _format("rows")]
NoTable: TypeAlias = Annotated[str, _format()]
GateWritten: TypeAlias = Annotated[str, _format("outcome")]
Output: TypeAlias = Annotated[
    Path | None, option("--output", "-o", metavar="FILE", help="Write there instead.")
]
ReportOption: TypeAlias = Annotated[
    list[str] | None,
    option(metavar="FORMAT=FILE", help="Also write it so, e.g. sarif=out.sarif. Repeatable."),
]
Config: TypeAlias = Annotated[
    Path | None,
    option(metavar="FILE", help="Instead of the nearest cnnscope.toml or pyproject.toml."),
]
Anywhere: TypeAlias = Annotated[
    bool, option("--anywhere", help="Let cnnscope.toml's paths lead out of its folder.")
]
ProviderOption: TypeAlias = Annotated[
    str, option(metavar="NAME", help="auto, cpu, cuda, tensorrt, ...")
]
InputOption: TypeAlias = Annotated[
    list[str] | None,
    option(metavar="NAME=FILE.npy", help="An input's values instead of random ones. Repeatable."),
]
Seed: TypeAlias = Annotated[int, option(min=0, metavar="N", help="Of all that is random.")]
Timeout: TypeAlias = Annotated[
    float, option(min=0, metavar="SECONDS", help="Give up after that; 0: never.")
]
Verbose: TypeAlias = Annotated[bool, option("--verbose", help="Show ONNX Runtime's own log.")]
