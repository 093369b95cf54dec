"""What of a model has to be ready before it can be timed at a batch?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    import numpy as np

    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.runtime.engine.flat import FlatModel
    from cnnscope.runtime.engine.weights import WeightValues
from cnnscope.runtime.profile.job import ProfileJob


@dataclass(frozen=True, eq=False)
class Prepared:
    """A model that is ready to be run.

    Args:
        analysis: of the model, with this batch.
        flat: the model as it is run.
        values: its weights.
        feeds: its inputs.
        batch: the length of the batch dimension; None where it isn't known which that is.
        said: what was done to the model before.
    """

    analysis: Analysis
    flat: FlatModel
    values: WeightValues
    feeds: Mapping[str, object]
    batch: int | None
    said: Sequence[str] = ()


def prepare(
    request: ProfileJob, batch: int | None, weights: WeightValues | None = None
) -> Prepared:
    """The model with that batch; with the weights of another batch, which are the same."""
    import os

    from cnnscope.runtime.engine.batches import batch_of
    from cnnscope.runtime.engine.flat import flat_model
    from cnnscope.runtime.engine.inputs import load_inputs, make_inputs
    from cnnscope.runtime.engine.job import analysed
    from cnnscope.runtime.engine.weights import find_values
    from cnnscope.runtime.profile.variants import as_asked

    base = request.base
    files = {n: x for n, x in (base.inputs or {}).items() if isinstance(x, (str, os.PathLike))}
    given = {n: x for n, x in (base.inputs or {}).items() if n not in files}
    arrays: dict[str, np.ndarray] = {**load_inputs(files), **given}  # type: ignore[dict-item]
    if batch is not None and batch < 1:
        raise BindingError(f"--batch {batch}: give a length of at least 1")
    base, said = as_asked(base, batch, request.dtype)
    if request.dtype is not None:
        arrays = {
            n: x.astype(request.dtype) if x.dtype == "float32" else x for n, x in arrays.items()
        }
    analysis = analysed(base, arrays)
    flat = flat_model(analysis)
    known = weights is not None and weights.arrays.keys() == flat.tensors.keys()
    values = weights if known and weights else find_values(analysis.file, flat, base.seed)
    feeds = make_inputs(analysis, base.seed, arrays)
    bound = {name: analysis.shapes.tensors[name] for name in analysis.graph.inputs}
    found = batch or batch_of(analysis.graph.inputs, bound)
    return Prepared(analysis, flat, values, feeds, found, said)
