"""The command tile: how a model is run tile by tile, with which halo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    PATIENCE,
    PROVE_TILES,
    DimOption,
    FreeOption,
    GivenShapes,
    ModelArgument,
    Output,
    ProviderOption,
    Seed,
    ShapeOption,
    Timeout,
    Written,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import BAD, FAILED, FINE, Misuse
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.patching import Patching, write_patchwise
from cnnscope.runtime.commands.reading import (
    NamedShapes,
    ask_for_runtime,
    find_in,
    run_in_own_child,
)
from cnnscope.runtime.commands.sources import Source, source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of, tiles_of
from cnnscope.runtime.commands.writing import check_output

if TYPE_CHECKING:
    from cnnscope.analyzer.sizes.proof import TileProof


@dataclass(frozen=True)
class Cutting:
    """What `cnnscope tile` was asked for."""

    model: str
    tiles: Sequence[int]
    free: Sequence[str]
    dims: Mapping[str, int]
    shapes: GivenShapes
    margin: bool
    prove: bool
    provider: str
    seed: int
    timeout: float | None
    format: str
    output: Path | None


def show_tiles(request: Cutting) -> int:
    from cnnscope.analyzer.render.subjects.tiling import document
    from cnnscope.analyzer.sizing import tile as find_tiles

    check_output(request.output, [request.model])
    if request.prove:
        ask_for_runtime()
    source = source_of(request.model)
    read = find_in(source, request.shapes, lambda shapes: (shapes, find_tiles(
        source, request.tiles, shapes=shapes, dims=request.dims, free=request.free
    )))  # fmt: skip
    if read is None:
        return BAD
    shapes, found = read
    if request.prove and found.ok:
        proof = _proof(request, source, shapes)
        if proof is None:
            return BAD
        found = replace(found, proof=proof)
    emit(
        Result(lambda: [document(found, margins=request.margin)], found.to_dict, rows=True),
        request.format, request.output,
    )  # fmt: skip
    disproved = found.proof is not None and not found.proof.ok
    return FAILED if disproved or not found.ok else FINE


def _proof(request: Cutting, source: Source, shapes: NamedShapes) -> TileProof | None:
    """Tiles that were run; None, and a line on standard error, where that can't be."""
    from cnnscope.analyzer.sizes.proof import TileProof
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.proofs.tile_job import TileJob

    base = ModelJob(source, {}, {}, request.provider, seed=request.seed)
    job = TileJob(base, request.tiles[0], request.free, request.dims, shapes)
    return run_in_own_child(TileProof, source, PROVE_TILES, job, request.timeout)


def _patches(text: str) -> list[int]:
    parts = text.lower().split("x")
    if not all(x.isascii() and x.isdigit() and 0 < int(x) < 1 << 16 for x in parts):
        raise Misuse(f"--patches {text}: give how many along each axis, such as 4x4")
    return [int(x) for x in parts]


EPILOG = """\b
Example: cnnscope tile model.onnx
         cnnscope tile model.onnx --tile 64,128,256 --shape 1x3x2048x2048
         cnnscope tile model.onnx --margin
         cnnscope tile model.onnx --tile 128 --shape 1x3x512x512 --prove
         cnnscope tile model.onnx --rewrite patchwise.onnx --patches 4x4"""


def tile(
    model: ModelArgument,
    tile: Annotated[
        str,
        option(metavar="256", help="A tile's own pixels along an axis; several: 64,128,256."),
    ] = "256",
    free: FreeOption = None,
    dim: DimOption = None,
    shape: ShapeOption = None,
    margin: Annotated[
        bool, option(help="Say how many output units at either end see padding.")
    ] = False,
    prove: Annotated[
        bool,
        option(help="Run it tile by tile with ONNX Runtime, and hold that against the whole."),
    ] = False,
    rewrite: Annotated[
        Path | None,
        option(
            metavar="OUT.onnx", help="Write a model whose first layers run patch by patch instead."
        ),
    ] = None,
    until: Annotated[
        str | None,
        option(metavar="LAYER", help="With --rewrite: the last of those layers."),
    ] = None,
    patches: Annotated[
        str | None,
        option(metavar="4x4", help="With --rewrite: how many along each axis; 4 without."),
    ] = None,
    provider: ProviderOption = "auto",
    seed: Seed = 0,
    timeout: Timeout = PATIENCE,
    format: Written = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """How large an overlap tiles need, and what they cost.

    Exit 1 where no axis can be cut, with the layer that makes it so, or where --prove finds tiles that
    aren't as the whole. --prove runs the first size of --tile. With --rewrite, exit 1 where no first stage
    lowers the peak of memory by 5 %, and nothing is written; --prove runs both models.
    """
    if rewrite is not None:
        if free or margin:
            raise Misuse("--free and --margin don't go with --rewrite: its patches are of one size")
        asked = Patching(
            model, rewrite, until, _patches(patches or "4"), lengths_of(dim), shapes_of(shape), prove,
            provider, seed, timeout or None, format, output,
        )  # fmt: skip
        return lambda: write_patchwise(asked)
    if until is not None or patches is not None:
        raise Misuse("--until and --patches go with --rewrite")
    return lambda: show_tiles(
        Cutting(model, tiles_of(tile), free or (), lengths_of(dim), shapes_of(shape), margin, prove, provider,
                seed, timeout or None, format, output)
    )  # fmt: skip
