"""Does a model whose first stage is run patch by patch give the same, and is less memory alive?

Both are run on the same inputs and with the same weights, node by node in the order of the file, with a
profile of ONNX Runtime's arena, as `verify` does it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from cnnscope.analyzer.report.verification import MemoryCheck
from cnnscope.analyzer.sizes.proof import PatchProof
from cnnscope.analyzer.values.notation import many
from cnnscope.runtime.engine.flat import flat_model
from cnnscope.runtime.engine.inputs import make_inputs
from cnnscope.runtime.engine.job import analysed, runtime_version, say_nothing
from cnnscope.runtime.engine.library import load_library
from cnnscope.runtime.engine.profiled_run import profiled_run
from cnnscope.runtime.engine.providers import Provider, choose_provider
from cnnscope.runtime.engine.weights import find_values
from cnnscope.runtime.proofs.patch_job import PatchJob
from cnnscope.runtime.proofs.tile_proof import held
from cnnscope.runtime.verify.memory_check import check_memory

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from cnnscope.analyzer.report.examination import Analysis

    Array = npt.NDArray[np.generic]


def prove_patches_here(
    request: PatchJob, progress: Callable[[str], None] | None = None
) -> PatchProof:
    """A model and the one that was written of it, held against each other in this process."""
    load_library()
    say = progress or say_nothing
    say("analysing")
    base = request.base
    before = analysed(base, {})
    after = analysed(replace(base, model=request.rewritten), {})
    provider = choose_provider(base.provider)
    feeds = make_inputs(before, base.seed)
    say("running it")
    given, measured, weights = _run(before, provider, feeds, base.seed, {})
    say("running it patch by patch")
    again, less, _ = _run(after, provider, feeds, base.seed, weights)
    return PatchProof(
        tuple(held(name, given[name], again[name]) for name in given),
        _peaks(measured, less),
        runtime_version(),
        provider.name,
        _reason(less) or _reason(measured),
    )


def _peaks(before: MemoryCheck, after: MemoryCheck) -> tuple[int, int] | None:
    if before.measured_bytes is None or after.measured_bytes is None:
        return None
    return before.measured_bytes, after.measured_bytes


def _reason(check: MemoryCheck) -> str | None:
    """Why an arena's peak isn't that of activations, run in the file's order."""
    constants = (
        f"{many(check.constants, 'constant')} computed in the run" if check.constants else ""
    )
    return "; ".join(filter(None, (check.reason, constants))) or None


def _run(
    analysis: Analysis, provider: Provider, feeds: Mapping[str, object], seed: int,
    weights: Mapping[str, Array],
) -> tuple[dict[str, Array], MemoryCheck, Mapping[str, Array]]:  # fmt: skip
    """What a model gives, its arena's peak, and its weights: those given, where it has them."""
    flat = flat_model(analysis)
    own = find_values(analysis.file, flat, seed).arrays
    taken = {name: weights.get(name, array) for name, array in own.items()}
    names = list(dict.fromkeys(analysis.graph.outputs))
    events, outputs = profiled_run(flat.proto, provider, taken, feeds, names)
    arrays = cast("dict[str, Array]", dict(zip(names, outputs, strict=True)))
    return arrays, check_memory(analysis, events), taken
