"""The command sizes: which sizes of its inputs a model accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    PATIENCE,
    PROVE_SIZES,
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
from cnnscope.runtime.commands.reading import (
    NamedShapes,
    ask_for_runtime,
    find_in,
    run_in_own_child,
)
from cnnscope.runtime.commands.sources import Source, source_of
from cnnscope.runtime.commands.texts import ranges_of, shapes_of
from cnnscope.runtime.commands.writing import check_output

if TYPE_CHECKING:
    from cnnscope.analyzer.sizes.proof import SizeProof
    from cnnscope.analyzer.sizes.valid_sizes import ValidSizes

RangeOption: TypeAlias = Annotated[
    list[str] | None,
    option(
        metavar="NAME=1..64",
        help="List its valid lengths in a range, ends included; or bind it: NAME=4. Repeatable.",
    ),
]

#: sizes that are run at the user's wish
_MOST_PROVED = 1 << 16


@dataclass(frozen=True)
class Sizing:
    """What `cnnscope sizes` was asked for."""

    model: str
    free: Sequence[str]
    dims: Mapping[str, int | range]
    shapes: GivenShapes
    solve: Sequence[str]
    over: Sequence[str]
    prove: int | None
    provider: str
    seed: int
    timeout: float | None
    format: str
    output: Path | None


def show_sizes(request: Sizing) -> int:
    from cnnscope.analyzer.render.subjects.valid_sizes import document
    from cnnscope.analyzer.sizing import sizes as find_sizes

    check_output(request.output, [request.model])
    if request.prove is not None:
        if request.prove > _MOST_PROVED:
            raise Misuse(f"--prove {request.prove}: at most {_MOST_PROVED} sizes are run")
        ask_for_runtime()
    if request.over and not request.solve:
        raise Misuse("--over goes with --solve: --solve 'activations>=weights' --over N")
    if request.solve and any(isinstance(x, range) for x in request.dims.values()):
        raise Misuse(
            "--solve takes no ranges: bind a dimension with --dim NAME=4, or leave it free"
        )
    source = source_of(request.model)

    def find(shapes: NamedShapes) -> ValidSizes:
        found = find_sizes(source, free=request.free, dims=request.dims)
        if shapes:
            found = found.at(shapes)
        return found.solve(*request.solve, over=request.over) if request.solve else found

    found = find_in(source, request.shapes, find)
    if found is None:
        return BAD
    if request.prove is not None:
        proof = _proof(request, source)
        if proof is None:
            return BAD
        found = replace(found, proof=proof)
    emit(
        Result(lambda: [document(found)], found.to_dict, rows=True), request.format, request.output
    )
    refused = found.asked is not None and not found.admits(**found.asked)
    disproved = found.proof is not None and not found.proof.ok
    unsolved = found.solution is not None and found.solution.lengths is None
    return FAILED if refused or disproved or unsolved else FINE


def _proof(request: Sizing, source: Source) -> SizeProof | None:
    """Sizes that were run; None, and a line on standard error, where that can't be."""
    from cnnscope.analyzer.sizes.proof import SizeProof
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.proofs.size_job import SizeJob

    base = ModelJob(source, {}, {}, request.provider, seed=request.seed)
    job = SizeJob(base, request.free, request.dims, request.prove or 0)
    return run_in_own_child(SizeProof, source, PROVE_SIZES, job, request.timeout)


EPILOG = """\b
Example: cnnscope sizes model.onnx
         cnnscope sizes model.onnx --free HxW
         cnnscope sizes model.onnx --free HxW --shape 1x3x641x641
         cnnscope sizes model.onnx --dim L=1..64
         cnnscope sizes model.onnx --free HxW --solve 'macs<=4G'
         cnnscope sizes model.onnx --free HxW --prove 40"""


def sizes(
    model: ModelArgument,
    free: FreeOption = None,
    dim: RangeOption = None,
    shape: ShapeOption = None,
    solve: Annotated[
        list[str] | None,
        option(
            metavar="'macs<=4G'",
            help="The largest size that does: QUANTITY, <= or >=, an amount or a quantity. Repeatable.",
        ),
    ] = None,
    over: Annotated[
        list[str] | None,
        option(
            metavar="NAME", help="With --solve: what moves; else all but the batch. Repeatable."
        ),
    ] = None,
    prove: Annotated[
        int | None,
        option(
            min=1,
            metavar="N",
            help="Run N sizes with ONNX Runtime, boundaries first.",
        ),
    ] = None,
    provider: ProviderOption = "auto",
    seed: Seed = 0,
    timeout: Timeout = PATIENCE,
    format: Written = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """Which sizes of its inputs it accepts, and why no others.

    With --shape, whether that size is one of them, and what is nearest; exit 1 where it isn't, or where
    --prove finds a size that does otherwise than was said, or --solve none.
    """
    return lambda: show_sizes(
        Sizing(model, free or (), ranges_of(dim), shapes_of(shape), tuple(solve or ()), tuple(over or ()),
               prove, provider, seed, timeout or None, format, output)
    )  # fmt: skip
