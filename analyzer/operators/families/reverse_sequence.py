"""Sequences turned round, each as far as it goes: which step does an output read?"""

from __future__ import annotations

import numpy as np

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.index_tables import demand_steps
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    InputRead,
    Listed,
    OutputReads,
    Whole,
)
from cnnscope.analyzer.operators.rules import Outputs, demand, demand_least_rank, in_range
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Tensor


def reverse_output(
    x: Tensor, lengths: Tensor, *, batch_axis: int = 1, time_axis: int = 0
) -> Tensor:
    demand_least_rank(x, "input", 2)
    if x.shape is not None:
        demand_steps(lengths, x.shape[in_range(time_axis, x.rank)])
        demand(lengths, "sequence_lens", x.shape[in_range(batch_axis, x.rank)])
    return x.of(x.shape)


def reverse_reads(
    outputs: Outputs, x: Tensor, lengths: Tensor, *, batch_axis: int = 1, time_axis: int = 0
) -> OutputReads:
    """Step i of a sequence of length l reads step l - 1 - i; the hull of that over the batch."""
    batch, time = in_range(batch_axis, x.rank), in_range(time_axis, x.rank)
    steps: AxisRead = Whole()
    n = x.dims[time]
    if lengths.value is not None and isinstance(n, int) and n <= MAX_PERIOD:
        ends = np.array(lengths.numbers)
        step = np.arange(n)[:, None]
        found = np.where(step < ends, ends - 1 - step, step)  # by step and member of the batch
        rows: list[Span | None] = [
            (int(row.min()), int(row.max())) if len(ends) else None for row in found
        ]
        exact = None
        if abs(batch - time) == 1:
            exact = min(batch, time), found if time < batch else found.T
        steps = Listed(time, tuple(rows), table=exact)
    data: InputRead = tuple(steps if i == time else Along(i) for i in range(x.rank))
    return data, (Along(batch),)


define("ReverseSequence", kind="data movement", infer=reverse_output, reads=reverse_reads)
