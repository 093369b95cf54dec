"""What does a normalised sum of embeddings put out, what work is it, and what does it read?

EmbedLayerNormalization: a token's, its position's and its segment's embedding added up, then
`layer_normalization`.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.families.index_tables import demand_places
from cnnscope.analyzer.operators.families.layer_normalization import layer_work
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    OutputReads,
    Reads,
    Whole,
)
from cnnscope.analyzer.operators.rules import demand, demand_rank
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.tensor import Tensor

#: the inputs of EmbedLayerNormalization from the fourth on
EMBEDDED = ("position_embedding", "segment_embedding", "gamma", "beta", "mask", "position_ids")


def embed_output(
    input_ids: Tensor,
    segment_ids: Tensor | None,
    word: Tensor,
    *_: Tensor | None,
    output_count: int = 1,
) -> tuple[Tensor, ...]:
    if input_ids.shape is None or word.shape is None:
        return (word.of(None), Tensor("int32"), word.of(None))[:output_count]
    demand_rank(input_ids, "input_ids", 2)
    demand_rank(word, "word_embedding", 2)
    hidden = word.shape[1]
    named = dict(zip(EMBEDDED, _, strict=False))
    for name in ("position_embedding", "segment_embedding"):
        demand(named.get(name), name, None, hidden)
    demand(named.get("gamma"), "gamma", hidden)
    demand(named.get("beta"), "beta", hidden)
    demand(segment_ids, "segment_ids", *input_ids.shape)
    demand(named.get("mask"), "mask", *input_ids.shape)
    places = named.get("position_embedding")
    if places is not None and places.shape is not None:
        ids, rows, steps = named.get("position_ids"), places.shape[0], input_ids.shape[1]
        if ids is not None:
            demand_places(ids, rows)
        elif not reaches(rows, steps):
            raise ValueError(f"{rows} stored positions for {steps} steps")
    y = word.of((*input_ids.shape, word.shape[1]))
    return (y, Tensor("int32", input_ids.shape[:1]), y)[:output_count]


def embed_work(
    outputs: tuple[Tensor, ...],
    input_ids: Tensor,
    segment_ids: Tensor | None,
    word: Tensor,
    position: Tensor,
    segment: Tensor | None,
    gamma: Tensor,
    beta: Tensor,
    mask: Tensor | None = None,
    position_ids: Tensor | None = None,
) -> Work:
    y = outputs[0]
    added = Work(add=y.size * (1 if segment is None else 2))
    # the mask's index: how many of a row's are set
    counted = Work(add=0 if mask is None else mask.size)
    return layer_work(outputs, y, gamma, beta) + added + counted


def embed_reads(
    outputs: tuple[Tensor, ...],
    input_ids: Tensor,
    segment_ids: Tensor | None,
    word: Tensor,
    position: Tensor,
    segment: Tensor | None,
    gamma: Tensor,
    beta: Tensor,
    mask: Tensor | None = None,
    position_ids: Tensor | None = None,
) -> Reads:
    tokens = (Along(0), Along(1))
    given = (gamma, beta, mask, position_ids)

    def embedded(hidden: AxisRead, *parameters: InputRead) -> OutputReads:
        place: AxisRead = Along(1) if position_ids is None else Whole()
        return (
            tokens, None if segment_ids is None else tokens, (Whole(), hidden), (place, hidden),
            None if segment is None else (Whole(), hidden), *parameters,
            None if mask is None else NOTHING, None if position_ids is None else tokens,
        )  # fmt: skip

    index = (*(NOTHING for _ in range(7)), None if mask is None else (Along(0), Whole()))
    every = {
        0: embedded(Whole(), (Along(2),), (Along(2),)),
        1: (*index, *(NOTHING for p in given[3:] if p is not None)),
        2: embedded(Along(2), NOTHING, NOTHING),
    }
    return {place: every[place] for place in range(len(outputs))}


define("EmbedLayerNormalization", kind="normalization", domain=MICROSOFT,
       infer=embed_output, work=embed_work, reads=embed_reads)  # fmt: skip
