"""What does counting n-grams put out, and what work is it?

A row of C tokens has, for each n from `min_gram_length` to `max_gram_length` and each skip s up to
`max_skip_count` (single tokens have none), the n-grams ::

    (1)   C - (n-1)*(s+1)     where there are any

of which each is looked up (a comparison) and counted (an addition). With weights there is a
multiplication per output.
"""

from __future__ import annotations

from itertools import pairwise

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import Along, OutputReads, Whole
from cnnscope.analyzer.operators.rules import counted, one_of
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor

Pool = tuple[int, ...] | tuple[str, ...]


def demand_pool(pool: Pool, starts: tuple[int, ...], shortest: int, longest: int) -> None:
    """Raise ValueError where a pool surely isn't cut into n-grams by where those of each length start.

    Those of n words are n items each; of the lengths that are counted each n-gram stands there once.
    """
    if not pool:
        raise ValueError("there is no pool: pool_int64s or pool_strings has to hold the n-grams")
    if longest > len(starts):
        raise ValueError(
            f"n-grams of {longest} words are counted, ngram_counts says where those of up to"
            f" {len(starts)} begin"
        )
    for n, (start, end) in enumerate(pairwise((*starts, len(pool))), 1):
        if not 0 <= start <= end <= len(pool):
            raise ValueError(f"the {n}-grams are items {start} to {end} of a pool of {len(pool)}")
        if (end - start) % n:
            raise ValueError(f"the pool has {end - start} items for {n}-grams, no multiple of {n}")
        if shortest <= n <= longest:
            seen: dict[Pool, int] = {}
            for i in range(start, end, n):
                if (first := seen.setdefault(pool[i : i + n], i)) != i:
                    raise ValueError(f"the pool holds one {n}-gram at items {first} and {i}")


def counts_output(
    x: Tensor,
    *,
    mode: str,
    ngram_counts: tuple[int, ...],
    ngram_indexes: tuple[int, ...],
    min_gram_length: int,
    max_gram_length: int,
    max_skip_count: int,
    pool_int64s: tuple[int, ...] = (),
    pool_strings: tuple[str, ...] = (),
    weights: tuple[float, ...] | None = None,
) -> Tensor:
    one_of(mode, "mode", "TF", "IDF", "TFIDF")
    if min_gram_length < 1 or max_gram_length < min_gram_length or max_skip_count < 0:
        raise ValueError(
            f"n-grams of {min_gram_length} to {max_gram_length} words with {max_skip_count} left out"
        )
    counted((max_gram_length - min_gram_length + 1) * (max_skip_count + 1), "the sorts of n-grams")
    if not ngram_indexes or min(ngram_indexes) < 0:
        raise ValueError("ngram_indexes is empty or holds an index below 0")
    if weights is not None and len(weights) != len(ngram_indexes):
        raise ValueError(f"there are {len(weights)} weights for {len(ngram_indexes)} n-grams")
    demand_pool(pool_strings or pool_int64s, ngram_counts, min_gram_length, max_gram_length)
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
