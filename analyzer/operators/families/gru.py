"""What work is a GRU?

Beside (1) and (2) of `recurrent`, per cell the gates' activations and products. With
`linear_before_reset` it has one bias more apart: (g+1)*H.
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


def gru_work(
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
    linear_before_reset: int = 0,
) -> Work:
    count = directions(direction)
    work = activated(activations, ("Sigmoid", "Tanh"), (2, 1), count)
    # r*H (or r*(H*R')), then H = (1 - z)*h + z*H; with the reset behind the product the two sums
    # of products have to be added up
    work = work + Work(mul=3, add=3 if linear_before_reset else 2) * count
    if b is not None:
        work = work + Work(bias=4 if linear_before_reset else 3) * count
    if clip is not None:
        work = work + Work(compare=2 * 3) * count
    return products(x, w, r, layout) + work * cells(x, r, layout)


define(
    "GRU",
    kind="recurrent",
    infer=with_gates(3),
    work=gru_work,
    reads=sequence_reads,
    roles=STATES,
)
