"""What work is an RNN of one gate?

(1) and (2) of `recurrent`, and its activation per cell.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.recurrent import (
    STATES,
    activated,
    cells,
    directions,
    products,
    sequence_reads,
    with_gates,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor


def rnn_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    *,
    direction: str = "forward",
    layout: int = 0,
    activations: tuple[str, ...] | None = None,
    clip: float | None = None,
) -> Work:
    count = directions(direction)
    work = activated(activations, ("Tanh",), (1,), count)
    work = work + Work(bias=0 if b is None else 1, compare=0 if clip is None else 2) * count
    return products(x, w, r, layout) + work * cells(x, r, layout)


define(
    "RNN",
    kind="recurrent",
    infer=with_gates(1),
    work=rnn_work,
    reads=sequence_reads,
    roles=STATES,
)
