"""Formulas in free dimensions against the same arithmetic on numbers."""

from __future__ import annotations

import ast
import copy
import gc
import math
import operator
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnscope.analyzer.values import polynomial
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, ceil_div, product
from cnnscope.analyzer.values.substitution import substituted

H, W = FreeDim.named("H"), FreeDim.named("W")
COUNT = FreeDim.from_data("NonZero count")
POINTS = [(h, w) for h in (1, 2, 3, 4, 5, 7, 8, 13, 224) for w in (1, 2, 3, 6, 11, 64)]

#: an expression twice: in free dimensions, and as a function of their lengths
Pair = tuple[Dim, Callable[[int, int], int]]


def _leaf() -> st.SearchStrategy[Pair]:
    number = st.integers(-9, 9).map(lambda n: (n, lambda h, w: n))
    return st.sampled_from([(H, lambda h, w: h), (W, lambda h, w: w)]) | number


def _node(children: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    def join(op: Any, a: Pair, b: Pair) -> Pair:
        return op(a[0], b[0]), lambda h, w: op(a[1](h, w), b[1](h, w))

    both = st.builds(
        join, st.sampled_from([operator.add, operator.sub, operator.mul]), children, children
    )
    divided = st.builds(
        join, st.sampled_from([operator.floordiv, operator.mod]), children,
        st.integers(-7, 7).filter(bool).map(lambda n: (n, lambda h, w: n)),
    )  # fmt: skip
    return both | divided


PAIRS = st.recursive(_leaf(), _node, max_leaves=7)


def value(dim: Dim, h: int, w: int) -> int:
    """The printed formula, read as mathematics: / is exact, floor rounds down."""

    def run(node: ast.AST) -> Any:
        match node:
            case ast.Expression(body):
                return run(body)
            case ast.Constant(n):
                return Fraction(n)
            case ast.Name(name):
                return Fraction({"H": h, "W": w}[name])
            case ast.UnaryOp(ast.USub(), x):
                return -run(x)
            case ast.Call(ast.Name("floor"), [x]):
                return Fraction(math.floor(run(x)))
            case ast.Call(ast.Name("min" | "max" as name), both):
                return (min if name == "min" else max)(*map(run, both))
            case ast.BinOp(a, op, b):
                table: dict[type, Any] = {
                    ast.Add: operator.add, ast.Sub: operator.sub,
                    ast.Mult: operator.mul, ast.Div: operator.truediv,
                }  # fmt: skip
                return table[type(op)](run(a), run(b))
        raise AssertionError(ast.dump(node))

    found = run(ast.parse(str(dim), mode="eval"))
    assert found.denominator == 1
    return int(found)


@given(PAIRS)
def test_a_formula_has_the_value_of_the_arithmetic(pair: Pair) -> None:
    dim, plain = pair
    for h, w in POINTS:
        assert value(dim, h, w) == plain(h, w), str(dim)


@given(PAIRS, PAIRS, st.sampled_from([operator.lt, operator.le, operator.gt, operator.ge]))
def test_a_comparison_holds_for_every_length_or_is_undetermined(
    a: Pair, b: Pair, compare: Any
) -> None:
    assume(not (isinstance(a[0], int) and isinstance(b[0], int)))
    try:
        answer = compare(a[0], b[0])
    except Undetermined as unknown:
        answer = None
        named = unknown.names
    else:
        named = frozenset("H")
    assert frozenset() < named <= {"H", "W"}
    for h, w in POINTS:
        assert answer in (None, compare(a[1](h, w), b[1](h, w))), (str(a[0]), str(b[0]))


@given(PAIRS, PAIRS)
def test_equal_formulas_are_equal_numbers_and_hash_alike(a: Pair, b: Pair) -> None:
    if a[0] == b[0]:
        assert hash(a[0]) == hash(b[0])
        assert all(a[1](h, w) == b[1](h, w) for h, w in POINTS)


@given(PAIRS)
def test_truth_is_known_or_undetermined(pair: Pair) -> None:
    try:
        answer = bool(pair[0])
    except Undetermined:
        return
    assert all(bool(pair[1](h, w)) == answer for h, w in POINTS)


@given(PAIRS, st.integers(1, 9))
def test_ceil_div_rounds_up(pair: Pair, by: int) -> None:
    found = ceil_div(pair[0], by)
    assert all(value(found, h, w) == math.ceil(pair[1](h, w) / by) for h, w in POINTS)


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (H + W - W, "H"), (H - H, "0"), (2 * H * W // 2, "H*W"), ((H - 1) // 2 + 1, "floor((H - 1)/2) + 1"),
        (H * W // H, "W"), (-H, "-H"), (3 - H, "-H + 3"), (H * H, "H*H"), ((2 * H + 3) // 2, "H + 1"),
        (H % 4, "-4*floor(H/4) + H"), (H // W, "floor(H/W)"), (product([2, H, 3]), "6*H"), (H**2, "H*H"),
    ],
)  # fmt: skip
def test_formulas_as_they_are_printed(dim: Dim, text: str) -> None:
    assert str(dim) == text or value(dim, 6, 2) == value_of(text, 6, 2)


def value_of(text: str, h: int, w: int) -> int:
    class Text(FreeDim):
        def __str__(self) -> str:
            return text

    return value(Text({}), h, w)


@pytest.mark.parametrize("ask", [int, float, range, lambda d: d > 6, lambda d: [0] * d])
def test_what_cant_be_known_names_what_to_bind(ask: Any) -> None:
    with pytest.raises(Undetermined) as caught:
        ask(H * 2)
    assert caught.value.names == {"H"}


def test_data_may_be_none_at_all() -> None:
    assert COUNT >= 0
    assert COUNT.data == {"NonZero count"}
    assert not COUNT.names
    with pytest.raises(Undetermined):
        bool(COUNT)
    with pytest.raises(Undetermined):
        assert COUNT > 0


def test_division_by_zero_is_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        H // 0


@pytest.mark.parametrize("seed", range(60))
def test_a_lower_bound_is_one(seed: int) -> None:
    random = np.random.default_rng(seed)

    def drawn(depth: int) -> Dim:
        if not depth:
            choices: list[Dim] = [
                FreeDim.named("H"),
                FreeDim.named("W"),
                int(random.integers(-9, 9)),
            ]
            return choices[int(random.integers(3))]
        a, b = drawn(depth - 1), drawn(depth - 1)
        by = int(random.choice([2, 3, 4, 8, 32]))
        return [a + b, a - b, a * (by - 3), a // by, a % by][int(random.integers(5))]

    dim = drawn(1 + seed % 4)
    least = dim if isinstance(dim, int) else dim.least()
    for height in (1, 2, 3, 5, 8, 31, 32, 33, 100):
        for width in (1, 2, 7, 64):
            value = substituted(dim, {"H": height, "W": width})
            assert least is None or value >= least


def test_equal_unknowns_are_one_object_while_somebody_has_them() -> None:
    def made() -> tuple[Dim, Dim]:
        return [(FreeDim.named("forgotten") - 3) // 2 for _ in range(2)]  # type: ignore[return-value]

    gc.collect()
    before = len(polynomial._ATOMS)
    one, other = made()
    assert isinstance(one, FreeDim)
    assert isinstance(other, FreeDim)
    assert next(iter(one.factors))[0] is next(iter(other.factors))[0]
    assert len(polynomial._ATOMS) == before + 2  # the name, and the quotient
    for twin in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
        assert (twin, hash(twin), str(twin)) == (one, hash(one), str(one))
    del one, other, twin
    assert len(polynomial._ATOMS) == before


def test_what_is_multiplied_by_itself_again_and_again_stays_short() -> None:
    x: Dim = FreeDim.named("H")
    for _ in range(64):  # written out it would have 2**64 factors
        x = x * x
        assert isinstance(x, FreeDim)
        assert all(len(monomial) <= polynomial.DEGREE for monomial in x.factors)


def test_products_of_unknowns_called_alike_are_equal_both_ways_round() -> None:
    half, named = FreeDim.named("H") // 2, FreeDim.named("floor(H/2)")  # a file may call it so
    assert half != named
    assert half * named - named * half == 0
    ((monomial, factor),) = (half * named).factors.items()
    # As a process has it where the other one was made first.
    assert FreeDim({monomial[::-1]: factor}) == half * named
