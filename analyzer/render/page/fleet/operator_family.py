"""What is a network mostly made of? The kind of operator that most of its multiplying layers have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from cnnscope.analyzer.operators.family_index import FAMILIES

#: what people call it: the families of operators that it is
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "convolutions": (
        "conv", "conv_transpose", "deform_conv", "causal_conv", "qlinear_conv",
    ),
    "attention": (
        "attention", "multi_head_attention", "group_query_attention", "linear_attention",
        "packed_attention", "projected_attention", "relative_position_bias",
    ),
    "recurrence": ("lstm", "gru", "rnn"),
    "matrix products": ("gemm", "matmul", "matmul_nbits", "qlinear_matmul", "einsum"),
    "trees and other models": (
        "tree_ensembles", "linear_models", "support_vector_machines", "ngram", "text",
    ),
}  # fmt: skip
#: what makes a network one of a kind, however few layers of it there are among others
_TELLING: Final = ("attention", "recurrence")


@cache
def _kinds() -> dict[str, str]:
    return {
        operator: kind
        for kind, families in _KINDS.items()
        for family in families
        for (what, _), names in FAMILIES[family].items()
        if what == "define"
        for operator in names.split()
    }


def operator_family(operators: Mapping[str, int]) -> str:
    """In a few words, of the layers that each operator has.

    >>> operator_family({"Conv": 53, "Gemm": 1, "Relu": 49})
    'convolutions'
    >>> operator_family({"Conv": 1, "MatMul": 96, "Softmax": 12}), operator_family({"Relu": 1})
    ('matrix products', 'neither')
    """
    found: dict[str, int] = {}
    kinds = _kinds()
    for operator, layers in operators.items():
        kind = kinds.get(re.split("[.:]", operator)[-1])  # without its domain
        if kind is not None:
            found[kind] = found.get(kind, 0) + layers
    for kind in _TELLING:
        if kind in found:
            return kind
    return max(found, key=lambda kind: found[kind]) if found else "neither"
