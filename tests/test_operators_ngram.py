"""Counts of n-grams: shapes and work, against ONNX Runtime and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from single_node import assert_shapes, case, reads, unnamed_attributes, work

from cnnscope.analyzer.operators.reading import Along, Whole
from cnnscope.analyzer.operators.work import Work

POOL: dict[str, Any] = {
    "ngram_counts": [0, 4], "ngram_indexes": [0, 1, 2, 3, 4, 5, 6],
    "pool_int64s": [2, 3, 5, 4, 5, 6, 7, 8, 6, 7],
}  # fmt: skip


def counted(shape: tuple[int, ...], mode: str, longest: int, skip: int) -> Any:
    tokens = np.random.default_rng(0).integers(0, 9, shape)
    return case("TfIdfVectorizer", tokens, mode=mode, min_gram_length=1, max_gram_length=longest,
                max_skip_count=skip, **POOL)  # fmt: skip


@pytest.mark.parametrize(("c", "expected"), [
    (counted((6,), "TF", 1, 0), Work(compare=6, add=6)),
    (counted((2, 6), "TF", 2, 0), Work(compare=1, add=1) * (2 * (6 + 5))),
    (counted((2, 6), "TF", 2, 5), Work(compare=1, add=1) * (2 * (6 + 5 + 4 + 3 + 2 + 1))),
    (counted((2, 6), "IDF", 2, 1), Work(compare=1, add=1) * (2 * (6 + 5 + 4)) + Work(mul=14)),
])  # fmt: skip
def test_shape_and_work(c: Any, expected: Work) -> None:
    assert_shapes(c)
    assert work(c) == expected


def test_reads() -> None:
    assert reads(counted((2, 6), "TF", 2, 0)) == ((Along(0), Whole(spatial=True)),)


IGNORED = {
    ("TfIdfVectorizer", "ngram_counts"): "where the pool's n-grams of a length begin",
    ("TfIdfVectorizer", "pool_int64s"): "the pool",
    ("TfIdfVectorizer", "pool_strings"): "the pool",
    ("TfIdfVectorizer", "weights"): "factors, whatever they are",
}


def test_every_attribute_is_named_or_ignored() -> None:
    assert unnamed_attributes("TfIdfVectorizer") == set(IGNORED)
