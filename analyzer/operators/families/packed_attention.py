"""What do attentions over packed sequences put out, what work are they, and what do they read?

The tokens of all sequences lie one behind the other, real ones only; what their scores come to (the
sum of the squared lengths) is data.
"""

from __future__ import annotations

from itertools import pairwise

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.attention_scores import given, scores_work
from cnnscope.analyzer.operators.families.projected_attention import hidden_sizes, projected_output
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    InputRead,
    OutputReads,
    Whole,
    each_whole,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.tensor import Tensor


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
    return (Whole(spatial=True), Whole()), *each_whole(*rest)


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
    return tokens(q, own), tokens(k, seen), tokens(v, seen), *each_whole(*rest)


define("PackedAttention", kind="attention", domain=MICROSOFT,
       infer=packed_output, work=packed_work, reads=packed_reads)  # fmt: skip
define("PackedMultiHeadAttention", kind="attention", domain=MICROSOFT,
       infer=packed_heads_output, work=packed_heads_work, reads=packed_heads_reads)  # fmt: skip
