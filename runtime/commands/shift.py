"""The command shift: whether a network shifts with its input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    MEASURE_SHIFTS,
    PATIENCE,
    DimOption,
    FreeOption,
    GivenShapes,
    GivenValues,
    LayerOption,
    ModelArgument,
    Output,
    ProviderOption,
    Seed,
    ShapeOption,
    Timeout,
    ValueOption,
    Written,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import BAD, FAILED, FINE, Misuse, complain
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import ask_for_runtime, find_in, run_in_own_child
from cnnscope.runtime.commands.sources import Source, name_of, source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of, values_of
from cnnscope.runtime.commands.writing import check_output

if TYPE_CHECKING:
    from cnnscope.analyzer.sizes.shift_proof import ShiftProof


@dataclass(frozen=True)
class Shifting:
    """What `cnnscope shift` was asked for."""

    model: str
    shapes: GivenShapes
    dims: dict[str, int]
    values: GivenValues
    free: Sequence[str]
    layers: Sequence[str]
    measure: bool
    image: Path | None
    circular: bool
    pairs: int
    provider: str
    seed: int
    timeout: float | None
    format: str
    output: Path | None


def show_shifts(request: Shifting) -> int:
    from dataclasses import replace

    from cnnscope.analyzer.render.subjects.shifts import document
    from cnnscope.runtime.proofs.shifting import shift as find

    check_output(request.output, [request.model], inputs=[request.image])
    if not request.measure and (request.image is not None or request.circular):
        raise Misuse("--image and --circular go with --measure")
    if request.measure:
        ask_for_runtime()
    source = source_of(request.model)
    try:
        found = find_in(source, request.shapes, lambda shapes: find(
            source, shapes=shapes, dims=request.dims, values=request.values, free=request.free,
            layers=request.layers,
        ))  # fmt: skip
    except KeyError as error:
        complain(f"{name_of(source)}: --layer: {error.args[0]}")
        return BAD
    if found is None:
        return BAD
    if request.measure:
        names = list(dict.fromkeys(name for axis in found.axes for name in axis.inputs))
        if request.image is not None and len(names) != 1:
            raise Misuse(f"--image is of one input that is shifted, here are {len(names)}")
        images: dict[str, object] = {}
        if request.image is not None:
            images[names[0]] = str(request.image)
        proof = _proof(request, source, images)
        if proof is None:
            return BAD
        found = replace(found, proof=proof)
    emit(
        Result(lambda: [document(found)], found.to_dict, rows=True), request.format, request.output
    )
    return FAILED if found.proof is not None and not found.proof.ok else FINE


def _proof(request: Shifting, source: Source, images: dict[str, object]) -> ShiftProof | None:
    """What runs showed; None, and a line on standard error, where they can't be."""
    from cnnscope.analyzer.sizes.shift_proof import ShiftProof
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.proofs.shift_job import ShiftJob

    base = ModelJob(
        source, request.shapes, request.dims, request.provider, images, request.seed,
        values=request.values,
    )  # fmt: skip
    job = ShiftJob(base, request.free, request.layers, request.circular, request.pairs)
    return run_in_own_child(ShiftProof, source, MEASURE_SHIFTS, job, request.timeout)


EPILOG = """\b
Example: cnnscope shift model.onnx
         cnnscope shift model.onnx --layer layer3
         cnnscope shift model.onnx --free HxW --shape 1x3x256x256
         cnnscope shift model.onnx --measure --image photographs.npy"""


def shift(
    model: ModelArgument,
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
    free: FreeOption = None,
    layer: LayerOption = None,
    measure: Annotated[
        bool, option("--measure", help="Run it on shifted inputs with ONNX Runtime.")
    ] = False,
    image: Annotated[
        Path | None,
        option(metavar="FILE.npy", help="With --measure: images instead of random ones."),
    ] = None,
    circular: Annotated[
        bool, option("--circular", help="With --measure: shift images round, instead of crops.")
    ] = False,
    pairs: Annotated[
        int,
        option(
            min=0,
            metavar="N",
            help="With --measure: pairs of shifts of which the class is compared.",
        ),
    ] = 64,
    provider: ProviderOption = "auto",
    seed: Seed = 0,
    timeout: Timeout = PATIENCE,
    format: Written = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """By which shifts of its input its maps move, exactly.

    For each layer the units for which that holds, how far the map of a mirrored image is off, and what
    keeps maps from moving: padding, strides, stored positions. Exit 1 where --measure finds a
    map that moves otherwise than is said.
    """
    return lambda: show_shifts(
        Shifting(model, shapes_of(shape), lengths_of(dim), values_of(value), free or (), layer or (),
                 measure, image, circular, pairs, provider, seed, timeout or None, format, output)
    )  # fmt: skip
