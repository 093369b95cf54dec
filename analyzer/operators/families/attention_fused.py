"""What do ONNX Runtime's own attention operators put out, and what work are they?

com.microsoft has one per way to lay the same thing out: with the projection inside or not, queries,
keys and values packed into one tensor or not, sequences padded or packed. The counts are
attention's::

    (1)   MACs = rows * keys * (d + v), rows = batch * heads * queries; d, v: elements per head
    (2)   per score: a multiplication (scale), an addition per mask or bias
    (3)   per row of t scores: softmax, with t-1 comparisons, t subtractions, t exponentials,
          t-1 additions and t divisions

and a projection's ``tokens * I * columns`` MACs with a bias addition per column. Nothing is
discounted for causal masks, local windows or padding. Packed sequences have only real tokens; what
their scores come to (the sum of the squared lengths) is data.

Reads: the queries' own axis goes along with the output, keys are read whole, or up to the query's
position where it's causal.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    OutputReads,
    Reads,
    Upto,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import demand, demand_onto, demand_rank
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.tensor import Shape, Tensor

#: per query or key element turned by a rotary embedding: 4 multiplications, 2 additions a pair
ROTATED = Work(mul=2, add=1)


def scores_work(rows: Dim, scores: Dim, head: Dim, value: Dim, *, biases: int = 0) -> Work:
    """(1) to (3); `scores` is the sum of the rows' lengths."""
    softmax = Work(compare=scores - rows, add=2 * scores - rows, exp=scores, div=scores)
    return Work(float_macs=scores * (head + value)) + Work(mul=1, add=biases) * scores + softmax


def given(*tensors: Tensor | None) -> int:
    return sum(t is not None for t in tensors)


def whole(*tensors: Tensor | None) -> tuple[InputRead, ...]:
    return tuple(None if t is None else everything(t) for t in tensors)


def sequence(t: Tensor | None, read: AxisRead, axis: int = 1) -> InputRead:
    """A batch first, this read along the sequence, every other axis contracted."""
    if t is None:
        return None
    reads: list[AxisRead] = [Along(0), *(Whole() for _ in t.dims[1:])]
    reads[axis] = read
    return tuple(reads)


def by_output(count: int, y: OutputReads, *others: OutputReads) -> Reads:
    return dict(enumerate((y, *others)[:count]))


# -- Attention: x times the weights of Q, K and V side by side ----------------------------------


def hidden_sizes(weights: Tensor, qkv_hidden_sizes: tuple[int, ...] | None) -> tuple[Dim, Dim, Dim]:
    if qkv_hidden_sizes:
        q, k, v = qkv_hidden_sizes
        return q, k, v
    third = weights.dims[1] // 3
    return third, third, third


def divided(elements: Dim, heads: int) -> None:
    """Raises ValueError where so many elements can't be dealt to so many heads."""
    if heads < 1 or (isinstance(elements, int) and elements % heads):
        raise ValueError(f"{elements} elements are no multiple of {heads} heads")


def projected_output(
    x: Tensor,
    weights: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    past: Tensor | None = None,
    *_: Tensor | None,
    num_heads: int,
    qkv_hidden_sizes: tuple[int, ...] | None = None,
    past_present_share_buffer: int = 0,
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    if x.shape is None or weights.shape is None:
        return (x.of(None), x.of(None))[:output_count]
    demand_rank(x, "input", 2, 3)
    demand(weights, "weights", x.dims[-1], None)
    demand(bias, "bias", weights.dims[1])
    query, key, value = hidden_sizes(weights, qkv_hidden_sizes)
    for size in (query, key, value):
        divided(size, num_heads)
    demand(past, "past", 2, x.dims[0], num_heads, None, key // num_heads)
    y = x.of((*x.dims[:-1], value))
    if output_count == 1:
        return (y,)
    if past is not None and past_present_share_buffer:
        return y, x.of(past.shape)
    keys = x.dims[1] + (0 if past is None else past.dims[3])
    return y, x.of((2, x.dims[0], num_heads, keys, key // num_heads))


def packed_output(
    x: Tensor,
    weights: Tensor,
    bias: Tensor | None = None,
    *_: Tensor | None,
    num_heads: int,
    qkv_hidden_sizes: tuple[int, ...] | None = None,
) -> tuple[Tensor, ...]:
    return projected_output(
        x, weights, bias, num_heads=num_heads, qkv_hidden_sizes=qkv_hidden_sizes
    )


def projected_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    weights: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    past: Tensor | None = None,
    attention_bias: Tensor | None = None,
    past_sequence_length: Tensor | None = None,
    *,
    num_heads: int,
    qkv_hidden_sizes: tuple[int, ...] | None = None,
    past_present_share_buffer: int = 0,
    do_rotary: int = 0,
    node_name: str = "",
) -> Work:
    batch, queries, width = x.dims
    q, k, v = hidden_sizes(weights, qkv_hidden_sizes)
    tokens = batch * queries
    keys: Dim = queries
    if past is not None:
        keys = keys + past.dims[3]
        if past_present_share_buffer:
            keys = queries + known_length(past_sequence_length, f"{node_name} past length")
    projection = Work(float_macs=tokens * width * (q + k + v))
    if bias is not None:
        projection = projection + Work(bias=tokens * (q + k + v))
    if do_rotary:
        projection = projection + ROTATED * (tokens * (q + k))
    rows = tokens * num_heads
    biases = given(mask, attention_bias)
    return projection + scores_work(
        rows, rows * keys, q // num_heads, v // num_heads, biases=biases
    )


def known_length(t: Tensor | None, what: str) -> Dim:
    """A length held by a scalar, or one that's named after what it is."""
    if t is not None and t.value is not None:
        return t.only_length
    return FreeDim.from_data(what)


def projected_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    weights: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    past: Tensor | None = None,
    attention_bias: Tensor | None = None,
    *rest: Tensor | None,
    unidirectional: int = 0,
) -> Reads:
    tokens = sequence(x, Upto(1) if unidirectional else Whole(spatial=True))
    parameters = whole(weights, bias, mask)
    cached = None
    if past is not None:
        cached = (Whole(), Along(0), Whole(), Whole(spatial=True), Whole())
    y = (tokens, *parameters, cached, *whole(attention_bias, *rest))
    # the present ones, (2, batch, heads, positions, elements): past and new, side by side
    present: OutputReads = (
        (Along(1), Whole(spatial=True), Whole()), *whole(weights, bias), NOTHING,
        None if past is None else everything(past), *(NOTHING for _ in (attention_bias, *rest)),
    )  # fmt: skip
    return by_output(len(outputs), y, present)


# the same with 8-bit operands


def quantized_output(
    x: Tensor,
    weights: Tensor,
    bias: Tensor,
    x_scale: Tensor,
    w_scale: Tensor,
    mask: Tensor | None = None,
    x_zero: Tensor | None = None,
    w_zero: Tensor | None = None,
    past: Tensor | None = None,
    *,
    num_heads: int,
    past_present_share_buffer: int = 0,
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    found = projected_output(
        x, weights, bias, mask, past, num_heads=num_heads, output_count=output_count,
        past_present_share_buffer=past_present_share_buffer,
    )  # fmt: skip
    return tuple(Tensor(x_scale.dtype, t.shape) for t in found)


def quantized_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    weights: Tensor,
    bias: Tensor,
    x_scale: Tensor,
    w_scale: Tensor,
    mask: Tensor | None = None,
    x_zero: Tensor | None = None,
    w_zero: Tensor | None = None,
    past: Tensor | None = None,
    *,
    num_heads: int,
    do_rotary: int = 0,
) -> Work:
    """The projection's MACs are integer and its outputs scaled; the scores are floats."""
    work = projected_work(
        outputs, x, weights, bias, mask, past, num_heads=num_heads, do_rotary=do_rotary
    )
    macs = x.size * weights.dims[1]
    pairs = ((x, x_zero), (weights, w_zero))
    zeros = sum((t.size for t, zero in pairs if zero is not None and not t.constant), 0)
    back = x.dims[0] * x.dims[1] * weights.dims[1]
    return work + Work(float_macs=-macs, int_macs=macs, add=zeros, mul=back)


def quantized_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    weights: Tensor,
    bias: Tensor,
    x_scale: Tensor,
    w_scale: Tensor,
    mask: Tensor | None = None,
    x_zero: Tensor | None = None,
    w_zero: Tensor | None = None,
    past: Tensor | None = None,
    *,
    unidirectional: int = 0,
) -> Reads:
    plain = projected_reads(outputs, x, weights, bias, mask, past, unidirectional=unidirectional)
    assert isinstance(plain, dict)
    scales = whole(x_scale, w_scale)
    zeros = whole(x_zero, w_zero)
    return {
        place: (*reads[:3], *scales, reads[3], *zeros, reads[4]) for place, reads in plain.items()
    }


# -- MultiHeadAttention and those for decoding: already projected --------------------------------


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
    plain = whole(bias, key_padding_mask, attention_bias)
    return {0: (queries, keys(k), keys(v), *plain, *past, *whole(*rest))}


# the same inputs in the order of the operator for decoding


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
    return {0: (queries, keys, values, *others, *whole(*rest))}


# -- GroupQueryAttention --------------------------------------------------------------------------


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
    work = scores_work(rows, scores, head, head, biases=given(attention_bias))
    if softcap:
        work = work + Work(div=1, exp=1, mul=1) * scores
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
    return {0: (queries, sequence(k, seen), sequence(v, seen), *past, *whole(*rest))}


# -- packed sequences: tokens of all sequences one behind the other --------------------------------


def packed_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    weights: Tensor,
    bias: Tensor,
    token_offset: Tensor,
    cumulative: Tensor,
    attention_bias: Tensor | None = None,
    *,
    num_heads: int,
    qkv_hidden_sizes: tuple[int, ...] | None = None,
    node_name: str = "",
) -> Work:
    q, k, v = hidden_sizes(weights, qkv_hidden_sizes)
    tokens = x.dims[0]
    projection = Work(float_macs=x.size * (q + k + v), bias=tokens * (q + k + v))
    rows = tokens * num_heads
    scores = num_heads * squared_lengths(cumulative, node_name)
    return projection + scores_work(
        rows, scores, q // num_heads, v // num_heads, biases=given(attention_bias)
    )


def squared_lengths(cumulative: Tensor, node_name: str) -> Dim:
    """The sum of the squared lengths of the sequences: how many scores a head has."""
    try:
        ends = cumulative.numbers
    except Undetermined:
        return FreeDim.from_data(f"{node_name} sum of squared lengths")
    return sum((b - a) ** 2 for a, b in pairwise(ends))


def packed_reads(outputs: tuple[Tensor, ...], x: Tensor, *rest: Tensor | None) -> OutputReads:
    # Which tokens share a sequence is data.
    return (Whole(spatial=True), Whole()), *whole(*rest)


def packed_heads_output(
    q: Tensor, k: Tensor | None, v: Tensor | None, *_: Tensor | None, num_heads: int
) -> Tensor:
    if q.shape is None:
        return q.of(None)
    _head, value = packed_heads(q, v, num_heads)
    return q.of((q.dims[0], num_heads * value))


def packed_heads(q: Tensor, v: Tensor | None, num_heads: int) -> tuple[Dim, Dim]:
    """Elements per head of queries and of values."""
    if q.rank == 4:  # (tokens, heads, 3, elements)
        return q.dims[3], q.dims[3]
    head = q.dims[1] // num_heads
    return head, head if v is None else v.dims[1] // num_heads


def packed_heads_work(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor | None,
    v: Tensor | None,
    bias: Tensor | None,
    token_offset: Tensor,
    cumulative: Tensor,
    attention_bias: Tensor | None = None,
    *,
    num_heads: int,
    node_name: str = "",
) -> Work:
    head, value = packed_heads(q, v, num_heads)
    scores = num_heads * squared_lengths(cumulative, node_name)
    work = scores_work(q.dims[0] * num_heads, scores, head, value, biases=given(attention_bias))
    if bias is None:
        return work
    return work + Work(bias=sum((t.size for t in (q, k, v) if t is not None), 0))


def packed_heads_reads(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor | None,
    v: Tensor | None,
    *rest: Tensor | None,
) -> OutputReads:
    def tokens(t: Tensor | None, read: AxisRead) -> InputRead:
        return None if t is None else (read, *(Whole() for _ in t.dims[1:]))

    seen = Whole(spatial=True)
    own = seen if k is None else Along(0)
    return tokens(q, own), tokens(k, seen), tokens(v, seen), *whole(*rest)


# -- relative positions ------------------------------------------------------------------------


def relative_output(
    table: Tensor, query_length: Tensor, key_length: Tensor, *, node_name: str = ""
) -> Tensor:
    heads: Dim = FreeDim.from_data(f"{node_name} heads") if table.shape is None else table.dims[1]
    queries = known_length(query_length, f"{node_name} query length")
    keys = known_length(key_length, f"{node_name} key length")
    return table.of((1, heads, queries, keys))


def relative_reads(
    outputs: tuple[Tensor, ...], table: Tensor, query_length: Tensor, key_length: Tensor
) -> OutputReads:
    return (Whole(), Along(1)), NOTHING, NOTHING


def gated_output(
    query: Tensor,
    query_bias: Tensor,
    rel_pos: Tensor,
    weight: Tensor,
    bias: Tensor,
    eco_a: Tensor,
    token_offset: Tensor | None = None,
    *,
    num_heads: int,
) -> Tensor:
    if rel_pos.shape is None:
        return query.of(None)
    offsets = query if token_offset is None else token_offset
    shape: Shape = (offsets.dims[0], num_heads, *rel_pos.dims[2:])
    return query.of(shape)


def gated_work(
    outputs: tuple[Tensor, ...],
    query: Tensor,
    query_bias: Tensor,
    rel_pos: Tensor,
    weight: Tensor,
    bias: Tensor,
    eco_a: Tensor,
    token_offset: Tensor | None = None,
    *,
    num_heads: int,
) -> Work:
    """Per position and head: a product with the weights, two halves summed to two numbers, their
    sigmoids u and r, ``u*(r*a - 1) + 2``; then one multiplication per output."""
    head, width = weight.dims
    rows = query.size // head
    product = Work(float_macs=head * width, bias=head + width, add=width - 2)
    return (product + Work(exp=2, mul=2, add=2)) * rows + Work(mul=outputs[0].size)


def gated_reads(
    outputs: tuple[Tensor, ...],
    query: Tensor,
    query_bias: Tensor,
    rel_pos: Tensor,
    weight: Tensor,
    bias: Tensor,
    eco_a: Tensor,
    token_offset: Tensor | None = None,
) -> OutputReads:
    packed = query.rank == 2
    own = everything(query) if packed else (Along(0), Along(2), Whole())
    return own, *whole(query_bias), None, *whole(weight, bias), None, *whole(token_offset)


define("Attention", kind="attention", domain=MICROSOFT,
       infer=projected_output, work=projected_work, reads=projected_reads)  # fmt: skip
define("QAttention", kind="attention", domain=MICROSOFT,
       infer=quantized_output, work=quantized_work, reads=quantized_reads)  # fmt: skip
define("MultiHeadAttention", kind="attention", domain=MICROSOFT,
       infer=multi_head_output, work=multi_head_work, reads=multi_head_reads)  # fmt: skip
define("DecoderMaskedMultiHeadAttention", kind="attention", domain=MICROSOFT,
       infer=decoder_output, work=decoder_work, reads=decoder_reads)  # fmt: skip
define("GroupQueryAttention", kind="attention", domain=MICROSOFT,
       infer=grouped_output, work=grouped_work, reads=grouped_reads)  # fmt: skip
define("PackedAttention", kind="attention", domain=MICROSOFT,
       infer=packed_output, work=packed_work, reads=packed_reads)  # fmt: skip
define("PackedMultiHeadAttention", kind="attention", domain=MICROSOFT,
       infer=packed_heads_output, work=packed_heads_work, reads=packed_heads_reads)  # fmt: skip
define(
    "RelativePositionBias",
    kind="position encoding",
    domain=MICROSOFT,
    infer=relative_output,
    reads=relative_reads,
)
define("GatedRelativePositionBias", kind="position encoding", domain=MICROSOFT,
       infer=gated_output, work=gated_work, reads=gated_reads)  # fmt: skip
