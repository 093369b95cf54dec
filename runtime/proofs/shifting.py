"""Does a network shift with its input: ``shift()``, predicted, and measured where that is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cnnscope.analyzer.values.arguments import (
    checked_count,
    checked_progress,
    checked_seconds,
    checked_shapes,
    checked_texts,
    checked_values,
)
from cnnscope.runtime.engine.job import checked_job, sendable
from cnnscope.runtime.proofs.shift_job import ShiftJob

if TYPE_CHECKING:
    import numpy as np

    from cnnscope.analyzer.report.examination import Source
    from cnnscope.analyzer.sizes.shifts import Shifts


def shift(
    model: Source,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    free: str | Sequence[str] = (),
    layers: str | Sequence[str] = (),
    measure: bool = False,
    images: Mapping[str, np.ndarray | str | os.PathLike[str]] | None = None,
    circular: bool = False,
    pairs: int = 64,
    provider: str = "auto",
    seed: int = 0,
    child: bool = False,
    timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> Shifts:
    """How a network's maps move when its input is shifted, and what keeps them from it.

    Args:
        model, shapes, dims, values, free: as for `analyze`.
        layers: which layers are wanted: names, paths or patterns; none: all.
        measure: run it on shifted inputs, too; then all lengths have to be known.
        images: arrays, or paths of ``.npy`` files, by input name, to be measured with instead of random
            ones: crops of them are what is run.
        circular: shift the images round, instead of taking crops.
        pairs: of random shifts, for how often the class stays the same.
        provider, seed, child, timeout, progress: as for `verify`.

    Returns:
        The `Shifts`: for each layer the shifts by which its map moves, by how many units, and where.

    Raises:
        ModelFileError, GraphError, BindingError: as `analyze`.
        KeyError: there is no such layer.
        RunError: it was to be measured and can't be run.

    >>> import cnnscope
    >>> found = cnnscope.shift("sample_models/fcn8s.onnx")
    >>> found.layer("/pool3/MaxPool").axes[0].advance, found[-1].axes[0].interior
    (8, (217, 256))
    """
    from cnnscope.analyzer.report.examination import examine, examining
    from cnnscope.analyzer.sizes.shifts import find_shifts

    checked_progress(progress)
    timeout = checked_seconds(timeout, "timeout")
    opened, wanted = checked_texts(free, "free"), checked_texts(layers, "layers")
    bound, told = checked_shapes(shapes), checked_values(values)
    base = checked_job(
        model, shapes=bound, dims=dims, values=told, provider=provider, inputs=images, seed=seed
    )
    job = ShiftJob(base, opened, wanted, circular, checked_count(pairs, "pairs"))
    with examining():
        analysis = examine(model, shapes=bound, dims=base.dims, values=told, free=opened)
        found = find_shifts(analysis, wanted)
    if not measure:
        return found
    from cnnscope.runtime.engine.child import call_in_child
    from cnnscope.runtime.engine.library import ask_for_library
    from cnnscope.runtime.proofs.shift_measurement import measure_here

    ask_for_library()
    if not child:
        return replace(found, proof=measure_here(job, progress))
    sent = replace(job, base=sendable(base))
    proof = call_in_child(measure_here, sent, timeout=timeout, progress=progress)
    return replace(found, proof=proof)
