"""Counts of n-grams: shapes and work, against ONNX Runtime and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from single_node import assert_refused, assert_shapes, case, reads, unnamed_attributes, work

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


@pytest.mark.parametrize(("changed", "said"), [
    ({"mode": "nonsense"}, "mode is 'nonsense'"),
    ({"max_gram_length": 3}, "n-grams of 3 words are counted"),
    ({"ngram_counts": [0, 3]}, "no multiple of 2"),
    ({"ngram_counts": [0, 11]}, "items 0 to 11 of a pool of 10"),
    ({"ngram_counts": [4, 0]}, "items 4 to 0"),
    ({"pool_int64s": [2, 5, 5, 4, 5, 6, 7, 8, 6, 7]}, "one 1-gram at items 1 and 2"),
    ({"pool_int64s": [2, 3, 5, 4, 6, 7, 7, 8, 6, 7]}, "one 2-gram at items 4 and 8"),
    ({"pool_int64s": []}, "there is no pool"),
    ({"weights": [1.0] * 6}, "6 weights for 7 n-grams"),
])  # fmt: skip
def test_pools_that_cannot_be(changed: dict[str, Any], said: str) -> None:
    given = {"mode": "TF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 0, **POOL}
    tokens = np.zeros((2, 6), np.int64)
    attributes = {k: v for k, v in {**given, **changed}.items() if v != []}
    assert_refused(case("TfIdfVectorizer", tokens, **attributes), said)
    assert_shapes(case("TfIdfVectorizer", tokens, **given))


def test_a_pool_of_words_is_cut_as_one_of_numbers() -> None:
    given = {"mode": "TF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 0, **POOL}
    given["pool_strings"] = [f"w{n}" for n in given.pop("pool_int64s")]
    tokens = np.array([["w2", "w3"]], object)
    assert_shapes(case("TfIdfVectorizer", tokens, **given))
    assert_refused(
        case("TfIdfVectorizer", tokens, **{**given, "ngram_counts": [0, 3]}), "no multiple of 2"
    )


def test_every_attribute_is_named() -> None:
    assert unnamed_attributes("TfIdfVectorizer") == set()
