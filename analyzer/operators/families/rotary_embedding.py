"""What does a rotary embedding put out, what work is it, and which positions does it read?

Pairs of elements are turned by an angle that hangs on the position.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.attention_scores import ROTATED, uneven
from cnnscope.analyzer.operators.families.index_tables import demand_places
from cnnscope.analyzer.operators.reading import Along, InputRead, OutputReads, Whole, everything
from cnnscope.analyzer.operators.rules import demand, demand_rank, same
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


def rotary_output(
    x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor | None = None, *,
    num_heads: int | None = None, rotary_embedding_dim: int = 0,
) -> Tensor:  # fmt: skip
    """Caches are positions by half of the elements that turn; without positions, one by sample."""
    demand_rank(x, "X", 3, 4)
    demand(sin, "sin_cache", *(cos.shape or sin.shape or ()))
    if x.shape is None:
        return x.of(None)
    batch, steps = x.shape[0], x.shape[2 if x.rank == 4 else 1]
    elements: Dim = x.shape[-1]
    if x.rank == 3:
        if not num_heads or num_heads < 0:
            raise ValueError("an input of 3 axes needs num_heads")
        if uneven(elements, num_heads):
            raise ValueError(f"{elements} elements are no multiple of {num_heads} heads")
        elements = elements // num_heads
    if not reaches(elements, rotary_embedding_dim):
        raise ValueError(f"{rotary_embedding_dim} of a head's {elements} elements turn")
    half = (rotary_embedding_dim or elements) // 2
    if positions is None:
        demand(cos, "cos_cache", batch, steps, half)
    else:
        demand(positions, "position_ids", batch, steps)
        demand(cos, "cos_cache", None, half)
        if cos.shape is not None:
            demand_places(positions, cos.shape[0])
    return x.of(x.shape)


def microsoft_rotary_output(
    x: Tensor, position_ids: Tensor, cos: Tensor, sin: Tensor, **attributes: object
) -> Tensor:
    """The caches have as many positions at least as there are steps, wherever these begin."""
    if x.shape is not None and x.rank in (3, 4) and cos.shape is not None:
        rows, steps = cos.shape[0], x.shape[2 if x.rank == 4 else 1]
        if not reaches(rows, steps):
            raise ValueError(f"caches of {rows} positions for {steps} steps")
        if position_ids.shape is not None and position_ids.rank == 2:
            demand_places(position_ids, rows)
    return same(x)


def rotary_embedding_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    cos: Tensor,
    sin: Tensor,
    *_: Tensor | None,
    num_heads: int | None = None,
    rotary_embedding_dim: int = 0,
) -> Work:
    if not rotary_embedding_dim:
        return ROTATED * x.size
    head = x.dims[-1] if x.rank == 4 or not num_heads else x.dims[-1] // num_heads
    return ROTATED * (x.size // head * rotary_embedding_dim)


def rotary_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    cos: Tensor,
    sin: Tensor,
    position_ids: Tensor | None = None,
) -> OutputReads:
    sequence = 2 if x.rank == 4 else 1
    rotated: InputRead = (*(Along(i) for i in range(x.rank - 1)), Whole())
    if position_ids is not None:
        positions: InputRead = everything(position_ids)
        if position_ids.rank == 2:
            positions = (Along(0), Along(sequence))
        return rotated, everything(cos), everything(sin), positions
    table = (Along(0), Along(sequence), Whole())
    return rotated, table, table


def microsoft_rotary_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    position_ids: Tensor,
    cos: Tensor,
    sin: Tensor,
    *,
    num_heads: int = 0,
    rotary_embedding_dim: int = 0,
) -> Work:
    return rotary_embedding_work(
        outputs, x, cos, sin, num_heads=num_heads, rotary_embedding_dim=rotary_embedding_dim
    )


def microsoft_rotary_reads(
    outputs: tuple[Tensor, ...], x: Tensor, position_ids: Tensor, cos: Tensor, sin: Tensor
) -> OutputReads:
    rotated, *tables, positions = rotary_reads(outputs, x, cos, sin, position_ids)
    return rotated, positions, *tables


define(
    "RotaryEmbedding",
    kind="position encoding",
    infer=rotary_output,
    work=rotary_embedding_work,
    reads=rotary_reads,
)
define("RotaryEmbedding", kind="position encoding", domain=MICROSOFT,
       infer=microsoft_rotary_output, work=microsoft_rotary_work, reads=microsoft_rotary_reads)  # fmt: skip
