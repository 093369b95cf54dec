"""What does `cnnscope tile --rewrite` write and show?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import PROVE_PATCHES, GivenShapes
from cnnscope.runtime.commands.messages import BAD, FAILED, FINE, Misuse
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import ask_for_runtime, find_in, run_in_own_child
from cnnscope.runtime.commands.sources import Source, source_of
from cnnscope.runtime.commands.writing import STANDARD_OUTPUT, check_output

if TYPE_CHECKING:
    from cnnscope.analyzer.sizes.patchwise import Patchwise
    from cnnscope.analyzer.sizes.proof import PatchProof


@dataclass(frozen=True)
class Patching:
    """What `cnnscope tile --rewrite` was asked for."""

    model: str
    rewritten: Path
    until: str | None
    patches: Sequence[int]
    dims: dict[str, int]
    shapes: GivenShapes
    prove: bool
    provider: str
    seed: int
    timeout: float | None
    format: str
    output: Path | None


def write_patchwise(request: Patching) -> int:
    from cnnscope.analyzer.render.subjects.patchwise import document
    from cnnscope.analyzer.sizing import patchwise

    if str(request.rewritten) == STANDARD_OUTPUT:
        raise Misuse("--rewrite -: a model isn't written to standard output; give a file")
    check_output(request.rewritten, [request.model], replaces=True)
    check_output(request.output, [request.model, str(request.rewritten)])
    if request.output is not None and request.output.resolve() == request.rewritten.resolve():
        raise Misuse(f"{request.output}: this is where the model is written; give another file")
    if request.prove:
        ask_for_runtime()
    source = source_of(request.model)
    try:
        found = find_in(source, request.shapes, lambda shapes: patchwise(
            source, request.rewritten, until=request.until, patches=request.patches, shapes=shapes,
            dims=request.dims,
        ))  # fmt: skip
    except OSError as error:
        why = error.strerror or error
        raise Misuse(f"{request.rewritten}: can't be written: {why}") from None
    if found is None:
        return BAD
    if request.prove and found.ok:
        proof = _proof(request, source, found)
        if proof is None:
            return BAD
        found = replace(found, proof=proof)
    emit(
        Result(lambda: [document(found)], found.to_dict, rows=True), request.format, request.output
    )
    disproved = found.proof is not None and not found.proof.ok
    return FAILED if disproved or not found.ok else FINE


def _proof(request: Patching, source: Source, found: Patchwise) -> PatchProof | None:
    """What running both showed; None, and a line on standard error, where that can't be."""
    from cnnscope.analyzer.sizes.proof import PatchProof
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.proofs.patch_job import PatchJob

    shapes: GivenShapes = {name: list(shape) for name, shape in found.inputs.items()}
    base = ModelJob(source, shapes, {}, request.provider, seed=request.seed)
    job = PatchJob(base, str(request.rewritten))
    return run_in_own_child(PatchProof, source, PROVE_PATCHES, job, request.timeout)
