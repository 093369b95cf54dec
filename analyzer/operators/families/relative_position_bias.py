"""What do biases by relative position put out, what work are they, and what do they read?"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.attention_scores import known_length
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    OutputReads,
    Whole,
    each_whole,
    everything,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Shape, Tensor


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
    return (
        own,
        *each_whole(query_bias),
        None,
        *each_whole(weight, bias),
        None,
        *each_whole(token_offset),
    )


define(
    "RelativePositionBias",
    kind="position encoding",
    domain=MICROSOFT,
    infer=relative_output,
    reads=relative_reads,
)
define("GatedRelativePositionBias", kind="position encoding", domain=MICROSOFT,
       infer=gated_output, work=gated_work, reads=gated_reads)  # fmt: skip
