"""What do ONNX Runtime's multi-head attentions put out, what work are they, and what do they read?

Q, K and V are projected already, each a tensor of its own or packed into one, with heads on an axis of
their own or not. MultiHeadAttention and the same for decoding, whose inputs have another order.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.attention_scores import (
    divided,
    given,
    known_length,
    scores_work,
    sequence,
)
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    InputRead,
    Reads,
    Upto,
    Whole,
    each_whole,
)
from cnnscope.analyzer.operators.rules import demand, demand_onto, demand_rank
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor


@dataclass(frozen=True)
class Layout:
    """Where Q, K and V are, whichever way they are packed."""

    batch: Dim
    queries: Dim
    head: Dim
    keys: Dim
    value: Dim
    cross: bool  # K and V have heads of their own axis, (batch, heads, positions, elements)


def layout(q: Tensor, k: Tensor | None, v: Tensor | None, heads: int) -> Layout:
    batch, queries = q.dims[:2]
    if q.rank == 5:  # Q, K, V packed: (batch, positions, heads, 3, elements)
        return Layout(batch, queries, q.dims[4], queries, q.dims[4], False)
    head = q.dims[2] // heads
    if k is None:  # the same, flat
        third = q.dims[2] // (3 * heads)
        return Layout(batch, queries, third, queries, third, False)
    if k.rank == 5:  # K, V packed: (batch, positions, heads, 2, elements)
        return Layout(batch, queries, head, k.dims[1], k.dims[4], False)
    cross = k.rank == 4
    value = head
    if v is not None:
        value = v.dims[3] if v.rank == 4 else v.dims[2] // heads
    return Layout(batch, queries, head, k.dims[2 if cross else 1], value, cross)


def fitting_heads(q: Tensor, k: Tensor | None, v: Tensor | None, heads: int) -> None:
    """Raises ValueError where query, key and value don't fit each other."""
    if k is None:
        if v is not None:
            raise ValueError("a value goes with a key")
        if q.rank == 3:
            divided(q.dims[2], 3 * heads)
        return
    demand_rank(q, "query", 3)
    divided(q.dims[2], heads)
    if k.rank == 5:
        demand(k, "key", q.dims[0], None, heads, 2, q.dims[2] // heads)
        return
    if v is None:
        raise ValueError("a key of 3 or 4 axes goes with a value")
    demand_rank(k, "key", 3, 4, 5)
    demand_rank(v, "value", k.rank)
    if k.rank == 4:
        demand(k, "key", q.dims[0], heads, None, q.dims[2] // heads)
        demand(v, "value", q.dims[0], heads, k.dims[2], None)
    else:
        demand(k, "key", q.dims[0], None, q.dims[2])
        demand(v, "value", q.dims[0], k.dims[1], None)
        divided(v.dims[2], heads)


def multi_head_output(
    q: Tensor,
    k: Tensor | None = None,
    v: Tensor | None = None,
    bias: Tensor | None = None,
    key_padding_mask: Tensor | None = None,
    attention_bias: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    past_sequence_length: Tensor | None = None,
    *_: Tensor | None,
    num_heads: int,
    output_count: int = 1,
    node_name: str = "",
) -> tuple[Tensor, ...]:
    if q.shape is None or any(t is not None and t.shape is None for t in (k, v, past_key)):
        return tuple(q.of(None) for _ in range(output_count))
    demand_rank(q, "query", 3, 5)
    at = layout(q, k, v, num_heads)
    fitting_heads(q, k, v, num_heads)
    if (past_key is None) != (past_value is None):
        raise ValueError("past_key and past_value belong together")
    demand(past_key, "past_key", at.batch, num_heads, None, at.head)
    demand(past_value, "past_value", at.batch, num_heads, None, at.value)
    demand_rank(attention_bias, "attention_bias", 4)
    if attention_bias is not None and attention_bias.shape is not None:
        ahead = attention_bias.of((*attention_bias.shape[:-1], 1))
        demand_onto(ahead, "attention_bias", (at.batch, num_heads, at.queries, 1))
    demand_rank(bias, "bias", 1)
    keys = at.keys if past_key is None else at.keys + past_key.dims[2]
    stored = keys
    if past_key is not None and past_sequence_length is not None:  # one buffer, as long as can be
        stored = past_key.dims[2]
        keys = at.keys + known_length(past_sequence_length, f"{node_name} past length")
    return (
        q.of((at.batch, at.queries, num_heads * at.value)),
        q.of((at.batch, num_heads, stored, at.head)),
        q.of((at.batch, num_heads, stored, at.value)),
        q.of((at.batch, num_heads, at.queries, keys)),
    )[:output_count]


def multi_head_work(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor | None = None,
    v: Tensor | None = None,
    bias: Tensor | None = None,
    key_padding_mask: Tensor | None = None,
    attention_bias: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    past_sequence_length: Tensor | None = None,
    *_: Tensor | None,
    num_heads: int,
    node_name: str = "",
) -> Work:
    at = layout(q, k, v, num_heads)
    keys = at.keys
    if past_key is not None and past_sequence_length is not None:
        keys = keys + known_length(past_sequence_length, f"{node_name} past length")
    elif past_key is not None:
        keys = keys + past_key.dims[2]
    rows = at.batch * num_heads * at.queries
    work = scores_work(
        rows, rows * keys, at.head, at.value, biases=given(key_padding_mask, attention_bias)
    )
    if bias is None:
        return work
    # a cross attention's keys and values have theirs already
    biased = q.size if at.cross else sum((t.size for t in (q, k, v) if t is not None), 0)
    return work + Work(bias=biased)


def multi_head_reads(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor | None = None,
    v: Tensor | None = None,
    bias: Tensor | None = None,
    key_padding_mask: Tensor | None = None,
    attention_bias: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    *rest: Tensor | None,
    unidirectional: int = 0,
) -> Reads:
    causal = unidirectional and past_key is None
    seen: AxisRead = Upto(1) if causal else Whole(spatial=True)

    def keys(t: Tensor | None) -> InputRead:
        return sequence(t, seen, 2 if t is not None and t.rank == 4 else 1)

    past = tuple(sequence(t, Whole(spatial=True), 2) for t in (past_key, past_value))
    queries = sequence(q, Along(1) if k is not None else seen)
    plain = each_whole(bias, key_padding_mask, attention_bias)
    return {0: (queries, keys(k), keys(v), *plain, *past, *each_whole(*rest))}


# -- the same inputs in the order of the operator for decoding ----------------------------------


def decoder_output(
    q: Tensor,
    k: Tensor | None = None,
    v: Tensor | None = None,
    mask: Tensor | None = None,
    attention_bias: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    past_sequence_length: Tensor | None = None,
    beam_width: Tensor | None = None,
    cache_indirection: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    num_heads: int,
    past_present_share_buffer: int = 0,
    output_count: int = 1,
    node_name: str = "",
) -> tuple[Tensor, ...]:
    return multi_head_output(
        q, k, v, bias, mask, attention_bias, past_key, past_value,
        past_sequence_length if past_present_share_buffer else None, num_heads=num_heads,
        output_count=output_count, node_name=node_name,
    )  # fmt: skip


def decoder_work(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor | None = None,
    v: Tensor | None = None,
    mask: Tensor | None = None,
    attention_bias: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    past_sequence_length: Tensor | None = None,
    beam_width: Tensor | None = None,
    cache_indirection: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    num_heads: int,
    past_present_share_buffer: int = 0,
    node_name: str = "",
) -> Work:
    return multi_head_work(
        outputs, q, k, v, bias, mask, attention_bias, past_key, past_value,
        past_sequence_length if past_present_share_buffer else None, num_heads=num_heads,
        node_name=node_name,
    )  # fmt: skip


def decoder_reads(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor | None = None,
    v: Tensor | None = None,
    mask: Tensor | None = None,
    attention_bias: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    *rest: Tensor | None,
) -> Reads:
    plain = multi_head_reads(outputs, q, k, v, None, mask, attention_bias, past_key, past_value)
    assert isinstance(plain, dict)
    queries, keys, values, _, *others = plain[0]
    return {0: (queries, keys, values, *others, *each_whole(*rest))}


define("MultiHeadAttention", kind="attention", domain=MICROSOFT,
       infer=multi_head_output, work=multi_head_work, reads=multi_head_reads)  # fmt: skip
define("DecoderMaskedMultiHeadAttention", kind="attention", domain=MICROSOFT,
       infer=decoder_output, work=decoder_work, reads=decoder_reads)  # fmt: skip
