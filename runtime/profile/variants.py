"""Which model is run where another batch or dtype was asked for than its file fixes?

A copy: with the batch opened, where every operator takes the examples of a batch one by one (`reopening`
shows it, or names the operator that doesn't), and with float32 replaced by another dtype (`retyping`).
What was done is said with the profile, for it isn't the model of the file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cnnscope.analyzer.model.binding import batch_labels
from cnnscope.runtime.engine.batches import bind_batch
from cnnscope.runtime.engine.job import ModelJob, analysed
from cnnscope.runtime.engine.reopening import BATCH, batch_reopened
from cnnscope.runtime.engine.retyping import retyped_file

if TYPE_CHECKING:
    from cnnscope.analyzer.report.examination import Analysis


def as_asked(base: ModelJob, batch: int | None, dtype: str | None) -> tuple[ModelJob, list[str]]:
    """The job with the model that is run, and what was done to it.

    Args:
        base: the model as it is.
        batch: the length of its batch; None for that of the file.
        dtype: what float32 is replaced by; None for nothing.

    Raises:
        ModelFileError, GraphError: as `analyze`.
        BindingError: the batch was given another length, or can't be opened.
    """
    if batch is None and dtype is None:
        return base, []
    file = _analysis(base).file
    said = []
    if batch is not None:
        declared = _analysis(base).graph.inputs
        if not batch_labels(declared) and any(
            x.shape and x.shape[0] != batch for x in declared.values()
        ):
            file = replace(file, model=batch_reopened(file.model))
            base = replace(base, model=file, dims={**base.dims, BATCH: batch})
            said.append(
                f"the file fixes the batch: a copy with a batch of {batch} was run, as every operator "
                "takes its examples one by one"
            )
        else:
            base = replace(base, dims=bind_batch(declared, batch, base.dims))
    if dtype is not None:
        base = replace(base, model=retyped_file(file, dtype))
        said.append(
            f"a copy of the model in {dtype} was run: inputs, outputs and weights converted, and casts put "
            "where an operator takes float32 alone"
        )
    return base, said


def _analysis(base: ModelJob) -> Analysis:
    """Of the model as its file has it."""
    return analysed(replace(base, shapes={}, dims={}, values=None), {})
