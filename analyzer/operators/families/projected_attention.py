"""What do ONNX Runtime's attentions that project put out, what work are they, and what do they read?

com.microsoft's Attention takes the tokens and the weights of Q, K and V side by side; QAttention the
same with 8-bit operands. The projection is ``tokens * I * columns`` MACs with a bias addition per
column, the scores are those of `attention_scores`.

Reads: the queries' own axis goes along with the output, keys are read whole, or up to the query's
position where it's causal.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.attention_scores import (
    ROTATED,
    by_output,
    divided,
    given,
    known_length,
    scores_work,
    sequence,
)
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    OutputReads,
    Reads,
    Upto,
    Whole,
    each_whole,
    everything,
)
from cnnscope.analyzer.operators.rules import demand, demand_rank
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


def hidden_sizes(weights: Tensor, qkv_hidden_sizes: tuple[int, ...] | None) -> tuple[Dim, Dim, Dim]:
    if qkv_hidden_sizes:
        q, k, v = qkv_hidden_sizes
        return q, k, v
    third = weights.dims[1] // 3
    return third, third, third


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
    parameters = each_whole(weights, bias, mask)
    cached = None
    if past is not None:
        cached = (Whole(), Along(0), Whole(), Whole(spatial=True), Whole())
    y = (tokens, *parameters, cached, *each_whole(attention_bias, *rest))
    # the present ones, (2, batch, heads, positions, elements): past and new, side by side
    present: OutputReads = (
        (Along(1), Whole(spatial=True), Whole()), *each_whole(weights, bias), NOTHING,
        None if past is None else everything(past), *(NOTHING for _ in (attention_bias, *rest)),
    )  # fmt: skip
    return by_output(len(outputs), y, present)


# -- the same with 8-bit operands ---------------------------------------------------------------


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
    scales = each_whole(x_scale, w_scale)
    zeros = each_whole(x_zero, w_zero)
    return {
        place: (*reads[:3], *scales, reads[3], *zeros, reads[4]) for place, reads in plain.items()
    }


define("Attention", kind="attention", domain=MICROSOFT,
       infer=projected_output, work=projected_work, reads=projected_reads)  # fmt: skip
define("QAttention", scheme="qoperator", kind="attention", domain=MICROSOFT,
       infer=quantized_output, work=quantized_work, reads=quantized_reads)  # fmt: skip
