"""What does linear attention put out, what work is it, and what do its output and its state read?

It is a recurrence over the state S of shape (d, v).
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    Reads,
    Upto,
    Whole,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor


def linear_output(
    q: Tensor, k: Tensor, v: Tensor, *_: Tensor | None, q_num_heads: int, kv_num_heads: int
) -> tuple[Tensor, ...]:
    if q.shape is None or v.shape is None:
        return q.of(None), q.of(None)
    batch, steps, width = q.dims
    head, value = width // q_num_heads, v.dims[2] // kv_num_heads
    return q.of((batch, steps, q_num_heads * value)), q.of((batch, kv_num_heads, head, value))


def linear_work(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    past: Tensor | None = None,
    decay: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    q_num_heads: int,
    kv_num_heads: int,
    update_rule: str = "gated_delta",
) -> Work:
    """Per step: S += k v' per key head, q' S per query head, scaled; a gate multiplies S with
    exp(g); a delta takes S' k from v and multiplies by beta."""
    batch, steps, width = q.dims
    head, value = width // q_num_heads, v.dims[2] // kv_num_heads
    states = batch * steps * kv_num_heads * head * value
    work = Work(float_macs=states + batch * steps * q_num_heads * head * value)
    work = work + Work(mul=outputs[0].size)
    if "gated" in update_rule:
        work = work + Work(mul=states, exp=0 if decay is None else decay.size)
    if "delta" in update_rule:
        work = work + Work(float_macs=states, add=v.size, mul=v.size)
    return work


def linear_reads(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    past: Tensor | None = None,
    decay: Tensor | None = None,
    beta: Tensor | None = None,
) -> Reads:
    def at(t: Tensor | None, time: AxisRead) -> InputRead:
        return None if t is None else (Along(0), time, Whole())

    state: InputRead = None if past is None else (Along(0), *(Whole() for _ in past.dims[1:]))
    kept = None if past is None else (Along(0), Along(1), Whole(), Along(3))
    upto, whole = Upto(1), Whole(spatial=True)
    return {
        0: (at(q, Along(1)), at(k, upto), at(v, upto), state, at(decay, upto), at(beta, upto)),
        1: (NOTHING, at(k, whole), at(v, whole), kept, at(decay, whole), at(beta, whole)),
    }


define(
    "LinearAttention", kind="attention", infer=linear_output, work=linear_work, reads=linear_reads
)
