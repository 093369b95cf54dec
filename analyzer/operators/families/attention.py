"""What does attention put out, what work is it, and which positions of its sequences does it read?

This is ai.onnx's Attention; ONNX Runtime's are in files of their own (`projected_attention`,
`multi_head_attention`, `group_query_attention`, `packed_attention`). With B sequences, h query heads,
q queries and t keys (past ones included) there are ``B*h*q*t`` scores, whose work `attention_scores` has.

Reads: queries go along with the output; keys and values are read whole, up to the query's own
position where attention is causal, or through the window where it is local on both sides.
"""

from __future__ import annotations

from fractions import Fraction

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.attention_scores import scores_work, uneven
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    Only,
    OutputReads,
    Reads,
    Upto,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import demand, demand_onto
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Shape, Tensor
from cnnscope.analyzer.values.window import Window


def over_keys(t: Tensor, axis: int, read: AxisRead | None = None) -> tuple[AxisRead, ...]:
    """A batch first, the keys' axis read whole for looking along it, all other axes contracted."""
    reads: list[AxisRead] = [Along(0), *(Whole() for _ in t.dims[1:])]
    reads[axis] = read or Whole(spatial=True)
    return tuple(reads)


class Sizes:
    """What the shapes of Q, K, V and the past say, whether heads have their own axis or not."""

    def __init__(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        past_key: Tensor | None,
        q_num_heads: int | None,
        kv_num_heads: int | None,
    ) -> None:
        for tensor in (q, k, v):
            if tensor.rank not in (3, 4):
                raise ValueError(f"attention takes tensors of 3 or 4 axes, not {tensor.rank}")
        if not q.rank == k.rank == v.rank:
            raise ValueError(f"Q, K and V have {q.rank}, {k.rank} and {v.rank} axes")
        self.has_heads = q.rank == 4
        self.batch = q.dims[0]
        self.heads, self.queries, self.head = _heads(q, q_num_heads)
        self.kv_heads, self.new_keys, _ = _heads(k, kv_num_heads)
        _, _, self.value = _heads(v, kv_num_heads)
        heads = (self.kv_heads, self.new_keys) if self.has_heads else (self.new_keys,)
        demand(
            k, "K", self.batch, *heads, self.head if self.has_heads else self.head * self.kv_heads
        )
        demand(v, "V", self.batch, *heads, None)
        if uneven(self.heads, self.kv_heads):
            raise ValueError(f"{self.heads} query heads are no multiple of {self.kv_heads} of keys")
        demand(past_key, "past_key", self.batch, self.kv_heads, None, self.head)
        self.past = 0 if past_key is None else past_key.dims[2]
        self.keys = self.past + self.new_keys


def _heads(t: Tensor, count: int | None) -> tuple[Dim, Dim, Dim]:
    """Heads, positions, elements per head."""
    if t.rank == 4:
        return t.dims[1], t.dims[2], t.dims[3]
    if not count or count < 0:
        raise ValueError("inputs of 3 axes need q_num_heads and kv_num_heads")
    if uneven(t.dims[2], count):
        raise ValueError(f"{t.dims[2]} elements are no multiple of {count} heads")
    return count, t.dims[1], t.dims[2] // count


def attention_output(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    nonpad: Tensor | None = None,
    *,
    q_num_heads: int | None = None,
    kv_num_heads: int | None = None,
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    if any(t is not None and t.shape is None for t in (q, k, v, past_key)):
        return (q.of(None), k.of(None), v.of(None), q.of(None))[:output_count]
    s = Sizes(q, k, v, past_key, q_num_heads, kv_num_heads)
    if (past_key is None) != (past_value is None):
        raise ValueError("past_key and past_value belong together")
    demand(past_value, "past_value", s.batch, s.kv_heads, s.past, s.value)
    # A mask may end before the keys do.
    if mask is not None and mask.shape:
        seen = mask.shape[-1]
        if nonpad is None and not reaches(s.keys, seen):
            raise ValueError(f"attn_mask is for {seen} keys, there are {s.keys}")
        ahead = mask.of((*mask.shape[:-1], 1))
        demand_onto(ahead, "attn_mask", (s.batch, s.heads, s.queries, 1))
    y: Shape = (s.batch, s.queries, s.heads * s.value)
    if s.has_heads:
        y = (s.batch, s.heads, s.queries, s.value)
    return (
        q.of(y),
        k.of((s.batch, s.kv_heads, s.keys, s.head)),
        v.of((s.batch, s.kv_heads, s.keys, s.value)),
        q.of((s.batch, s.heads, s.queries, s.keys)),
    )[:output_count]


def attention_work(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    nonpad: Tensor | None = None,
    *,
    q_num_heads: int | None = None,
    kv_num_heads: int | None = None,
    softcap: float = 0.0,
) -> Work:
    s = Sizes(q, k, v, past_key, q_num_heads, kv_num_heads)
    rows = s.batch * s.heads * s.queries
    return scores_work(
        rows, rows * s.keys, s.head, s.value, biases=int(mask is not None), softcap=softcap
    )


def attention_reads(
    outputs: tuple[Tensor, ...],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    past_key: Tensor | None = None,
    past_value: Tensor | None = None,
    nonpad: Tensor | None = None,
    *,
    q_num_heads: int | None = None,
    kv_num_heads: int | None = None,
    is_causal: int = 0,
    left_window_size: int = -1,
    right_window_size: int = -1,
) -> Reads:
    s = Sizes(q, k, v, past_key, q_num_heads, kv_num_heads)
    window = (left_window_size, 0 if is_causal else right_window_size)
    # With an outer cache (nonpad) the queries' places among the keys are data.
    fresh = seen_keys(s, 0, window if nonpad is None else (-1, -1))
    cached = seen_keys(s, s.past, window)
    head = heads_read(s)
    own: AxisRead = Along(2 if s.has_heads else 1)

    def query(features: AxisRead) -> InputRead:
        return (Along(0), Along(1), own, features) if q.rank == 4 else (Along(0), own, Whole())

    def cache(t: Tensor | None, positions: AxisRead, features: AxisRead) -> InputRead:
        if t is None:
            return None
        return (Along(0), head, positions, features) if t.rank == 4 else over_keys(t, 1, positions)

    last: AxisRead = Along(3) if s.has_heads else Whole()
    length = None if nonpad is None else (Along(0),)
    result: dict[int, OutputReads] = {
        0: (
            query(Whole()), cache(k, fresh, Whole()), cache(v, fresh, last),
            _mask_read(s, mask, own), cache(past_key, cached, Whole()),
            cache(past_value, cached, last), length,
        ),
        1: (NOTHING, _present(k, s.past), NOTHING, NOTHING, _past(past_key), NOTHING, NOTHING),
        2: (NOTHING, NOTHING, _present(v, s.past), NOTHING, NOTHING, _past(past_value), NOTHING),
    }  # fmt: skip
    return {place: reads for place, reads in result.items() if place < len(outputs)}


def seen_keys(s: Sizes, shift: Dim, window: tuple[int, int]) -> AxisRead:
    """Query i stands at ``i + shift`` of this tensor's positions (new keys: 0; cached: the past's
    length) and sees `window` of them to the left and to the right, -1 all."""
    left, right = window
    axis = 2 if s.has_heads else 1
    if left >= 0 and right >= 0 and isinstance(shift, int):
        return Along(axis, Window(left + right + 1, before=left - shift))
    if left < 0 and right == 0 and shift == 0:
        return Upto(axis)
    return Whole(spatial=True)


def heads_read(s: Sizes) -> AxisRead:
    """The head of a key or value that a query head reads: ``h // group``."""
    if not s.has_heads:
        return Whole()
    if s.heads == s.kv_heads:
        return Along(1)
    if s.kv_heads == 1:
        return Only(0, 0)
    if not (isinstance(s.heads, int) and isinstance(s.kv_heads, int)):
        return Whole()
    if s.heads % s.kv_heads:
        raise ValueError(f"{s.heads} query heads are no multiple of {s.kv_heads} key heads")
    step = Fraction(s.kv_heads, s.heads)
    return Along(1, Window(s.heads // s.kv_heads, stride=step, dilation=step, before=1 - step))


def _mask_read(s: Sizes, mask: Tensor | None, own: AxisRead) -> InputRead:
    """It broadcasts to batch, heads, queries, keys."""
    if mask is None:
        return None
    axes: tuple[AxisRead, ...] = (Along(0), Along(1) if s.has_heads else Whole(), own, Whole())
    full = (s.batch, s.heads, s.queries, s.keys)
    shift = 4 - mask.rank
    return tuple(
        Only(0, 0) if dim == 1 and full[i + shift] != 1 else axes[i + shift]
        for i, dim in enumerate(mask.dims)
    )


def _present(t: Tensor, past: Dim) -> InputRead:
    """New keys or values go behind the past ones."""
    axis = 2 if t.rank == 4 else 1
    if not isinstance(past, int):
        return everything(t)
    place = Along(2, Window(before=past))
    if t.rank == 4:
        return (Along(0), Along(1), place, Along(3))
    return over_keys(t, axis, place)


def _past(t: Tensor | None) -> InputRead:
    return None if t is None else tuple(Along(i) for i in range(t.rank))


define(
    "Attention",
    kind="attention",
    infer=attention_output,
    work=attention_work,
    reads=attention_reads,
)
