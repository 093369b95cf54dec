"""What does ONNX Runtime's grouped-query attention put out, what work is it, and what does it read?"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.attention_scores import (
    ROTATED,
    divided,
    given,
    known_length,
    scores_work,
    sequence,
)
from cnnscope.analyzer.operators.reading import Along, AxisRead, Reads, Upto, Whole, each_whole
from cnnscope.analyzer.operators.rules import demand, demand_rank
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


def grouped_sizes(q: Tensor, k: Tensor | None, num_heads: int, kv_num_heads: int) -> Dim:
    """Elements per head."""
    return q.dims[2] // (num_heads if k is not None else num_heads + 2 * kv_num_heads)


def grouped_output(
    q: Tensor,
    k: Tensor | None,
    v: Tensor | None,
    past_key: Tensor | None,
    past_value: Tensor | None,
    seqlens_k: Tensor,
    total: Tensor,
    *_: Tensor | None,
    num_heads: int,
    kv_num_heads: int,
    sliding_window_cache: int = 0,
    output_count: int = 1,
    node_name: str = "",
) -> tuple[Tensor, ...]:
    stored_dtype = q.dtype if past_key is None else past_key.dtype
    if q.shape is None:
        return (q.of(None), *(Tensor(stored_dtype),) * 2, q.of(None))[:output_count]
    demand_rank(q, "query", 3)
    if kv_num_heads < 1 or num_heads % kv_num_heads:
        raise ValueError(f"{num_heads} query heads are no multiple of {kv_num_heads} of keys")
    divided(q.dims[2], num_heads if k is not None else num_heads + 2 * kv_num_heads)
    for name, given_ in (("key", k), ("value", v)):
        head_ = q.dims[2] // num_heads
        demand(given_, name, q.dims[0], q.dims[1], kv_num_heads * head_)
    for name, given_ in (("past_key", past_key), ("past_value", past_value)):
        demand(given_, name, q.dims[0], kv_num_heads, None, None)
    batch, queries, _width = q.dims
    head = grouped_sizes(q, k, num_heads, kv_num_heads)
    keys = total_keys(q, past_key, total, node_name)
    stored = keys
    if past_key is not None:  # a buffer that is shared is longer than what is in it
        room = past_key.dims[2]
        known = isinstance(room, int) and isinstance(keys, int)
        if sliding_window_cache or (known and room > keys):
            stored = room
    elements = head if past_key is None else past_key.dims[3]
    cache = Tensor(stored_dtype, (batch, kv_num_heads, stored, elements))
    y = q.of((batch, queries, num_heads * head))
    return (y, cache, cache, q.of((batch, num_heads, queries, keys)))[:output_count]


def total_keys(q: Tensor, past_key: Tensor | None, total: Tensor, node_name: str) -> Dim:
    """The longest sequence, past and new; without a past it's the new one."""
    if total.value is None and past_key is None:
        return q.dims[1]
    return known_length(total, f"{node_name} total length")


def grouped_work(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor | None,
    v: Tensor | None,
    past_key: Tensor | None,
    past_value: Tensor | None,
    seqlens_k: Tensor,
    total: Tensor,
    cos: Tensor | None = None,
    sin: Tensor | None = None,
    position_ids: Tensor | None = None,
    attention_bias: Tensor | None = None,
    head_sink: Tensor | None = None,
    k_scale: Tensor | None = None,
    v_scale: Tensor | None = None,
    q_norm: Tensor | None = None,
    k_norm: Tensor | None = None,
    *,
    num_heads: int,
    kv_num_heads: int,
    do_rotary: int = 0,
    softcap: float = 0.0,
    node_name: str = "",
) -> Work:
    batch, queries, _ = q.dims
    head = grouped_sizes(q, k, num_heads, kv_num_heads)
    rows = batch * num_heads * queries
    scores = rows * total_keys(q, past_key, total, node_name)
    work = scores_work(rows, scores, head, head, biases=given(attention_bias), softcap=softcap)
    if head_sink is not None:  # one more term in the denominator
        work = work + Work(exp=1, add=1) * rows
    heads = batch * queries * (num_heads + kv_num_heads)  # of queries and new keys
    if do_rotary:
        work = work + ROTATED * (heads * head)
    if q_norm is not None:  # root mean square per head: squares, their mean, scaled
        work = work + Work(mul=3, add=1) * (heads * head) + Work(div=2, sqrt=1) * heads
    return work


def grouped_reads(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor | None,
    v: Tensor | None,
    past_key: Tensor | None,
    past_value: Tensor | None,
    *rest: Tensor | None,
    causal: int = 1,
) -> Reads:
    seen: AxisRead = Upto(1) if causal else Whole(spatial=True)
    past = tuple(sequence(t, Whole(spatial=True), 2) for t in (past_key, past_value))
    queries = sequence(q, Along(1) if k is not None else seen)
    return {0: (queries, sequence(k, seen), sequence(v, seen), *past, *each_whole(*rest))}


define("GroupQueryAttention", kind="attention", domain=MICROSOFT,
       infer=grouped_output, work=grouped_work, reads=grouped_reads)  # fmt: skip
