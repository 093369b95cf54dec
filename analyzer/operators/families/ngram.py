"""What does counting n-grams put out, and what work is it?

A row of C tokens has, for each n from `min_gram_length` to `max_gram_length` and each skip s up to
`max_skip_count` (single tokens have none), the n-grams ::

    (1)   C - (n-1)*(s+1)     where there are any

of which each is looked up (a comparison) and counted (an addition). With weights there is a
multiplication per output.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import Along, OutputReads, Whole
from cnnscope.analyzer.operators.rules import counted
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor


def counts_output(
    x: Tensor,
    *,
    ngram_indexes: tuple[int, ...],
    min_gram_length: int,
    max_gram_length: int,
    max_skip_count: int,
) -> Tensor:
    if min_gram_length < 1 or max_gram_length < min_gram_length or max_skip_count < 0:
        raise ValueError(
            f"n-grams of {min_gram_length} to {max_gram_length} words with {max_skip_count} left out"
        )
    counted((max_gram_length - min_gram_length + 1) * (max_skip_count + 1), "the sorts of n-grams")
    if not ngram_indexes or min(ngram_indexes) < 0:
        raise ValueError("ngram_indexes is empty or holds an index below 0")
    shape = None if x.shape is None else (*x.shape[:-1], max(ngram_indexes) + 1)
    return Tensor("float32", shape)


def counts_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    *,
    min_gram_length: int,
    max_gram_length: int,
    max_skip_count: int,
    mode: str,
) -> Work:
    rows = x.dims[0] if x.rank == 2 else 1
    grams: Dim = 0
    for n in range(min_gram_length, max_gram_length + 1):
        for skip in range(max_skip_count + 1 if n > 1 else 1):
            found = x.dims[-1] - (n - 1) * (skip + 1)
            grams = grams + (max(found, 0) if isinstance(found, int) else found)
    weighted = Work(mul=0 if mode == "TF" else outputs[0].size)
    return Work(compare=1, add=1) * (rows * grams) + weighted


def counts_reads(outputs: tuple[Tensor, ...], x: Tensor) -> OutputReads:
    return ((*(Along(i) for i in range(x.rank - 1)), Whole(spatial=True)),)


define("TfIdfVectorizer", kind="text", infer=counts_output, work=counts_work, reads=counts_reads)
