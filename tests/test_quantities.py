"""Limits as people write them: every unit, exactly; what is ambiguous is refused with a hint."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnscope.analyzer.budgets.bounds import parse_bounds
from cnnscope.analyzer.values.amounts import Measure, parse_amount


@pytest.mark.parametrize(
    ("text", "measure", "expected"),
    [
        ("26 M", "count", 26_000_000),
        ("4.2 G", "count", 4_200_000_000),
        ("4.2G", "count", 4_200_000_000),
        ("25_557_032", "count", 25_557_032),
        ("1e3", "count", 1000),
        ("1.5 k", "count", 1500),
        (61706, "count", 61706),
        (4.2e9, "count", 4_200_000_000),
        (0.1, "count", Fraction(1, 10)),
        (Decimal("0.1"), "count", Fraction(1, 10)),
        ("32 MiB", "bytes", 32 * 1024**2),
        ("100 MB", "bytes", 100 * 1000**2),
        ("1 kB", "bytes", 1000),
        ("1 KiB", "bytes", 1024),
        ("512 B", "bytes", 512),
        ("512", "bytes", 512),
        ("12 ms", "seconds", Fraction(12, 1000)),
        ("300 us", "seconds", Fraction(3, 10_000)),
        ("300 µs", "seconds", Fraction(3, 10_000)),
        ("0.5 min", "seconds", 30),
        ("224 px", "length", 224),
        ("17", "version", 17),
    ],
)
def test_amounts(text: object, measure: Measure, expected: int | Fraction) -> None:
    assert parse_amount(text, measure) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4.2 GMACs", 4_200_000_000), ("4.2 G MACs", 4_200_000_000), ("7 macs", 7), ("7mac", 7)],
)
def test_the_thing_counted_may_follow(text: str, expected: int) -> None:
    assert parse_amount(text, "count", ("macs", "mac")) == expected


@pytest.mark.parametrize(
    ("given", "measure", "hint"),
    [
        ("1 KB", "bytes", "kB for 1000 bytes or KiB for 1024"),
        ("32 M", "bytes", "MB"),
        ("32 mib", "bytes", "did you mean MiB"),
        ("12", "seconds", "a unit is missing"),
        (12, "seconds", "no unit"),
        ("26 X", "count", "isn't known"),
        ("26 m", "count", "did you mean M"),
        ("26 B", "count", "write G"),
        ("32 MiB", "count", "bytes"),
        ("26,5 M", "count", "no amount"),
        ("", "count", "no amount"),
        ("M", "count", "no amount"),
        ("1" * 500, "count", "no amount"),
        (True, "count", '^"true" is no amount'),  # as TOML and JSON write it
        (None, "count", "no amount"),
        ([], "count", "no amount"),
        (-1, "count", "negative, as no figure is"),
        (float("nan"), "count", "no amount"),
        (float("inf"), "count", "no amount"),
        (10**80, "count", "beyond"),
        ("2.5", "version", "whole"),
        ("4 GFLOPs", "count", "isn't known"),
    ],
)
def test_what_is_refused(given: object, measure: Measure, hint: str) -> None:
    with pytest.raises(ValueError, match="(?s)" + hint.replace("(", "\\(")):
        parse_amount(given, measure, ("macs",))


@pytest.mark.parametrize(
    ("text", "measure", "expected"),
    [
        ("4 G", "count", [("<=", 4_000_000_000, "absolute")]),
        (">= 224", "length", [(">=", 224, "absolute")]),
        (">= 13, < 18", "version", [(">=", 13, "absolute"), ("<", 18, "absolute")]),
        ("=17", "version", [("==", 17, "absolute")]),
        ("+2%", "count", [("<=", Fraction(2, 100), "share")]),
        ("+ 2.5 %", "count", [("<=", Fraction(25, 1000), "share")]),
        ("-5 %", "count", [("<=", Fraction(-5, 100), "share")]),
        ("+100 k", "count", [("<=", 100_000, "added")]),
        ("+0", "seconds", [("<=", 0, "added")]),
        (">= -0", "length", [(">=", 0, "added")]),
        ("< +1 ms", "seconds", [("<", Fraction(1, 1000), "added")]),
        ("4 G, +2 %", "count",
         [("<=", 4_000_000_000, "absolute"), ("<=", Fraction(1, 50), "share")]),
    ],
)  # fmt: skip
def test_bounds(text: str, measure: Measure, expected: list[tuple[object, ...]]) -> None:
    found = parse_bounds(text, measure, None if measure in ("length", "version") else "<=")
    assert [(b.comparison, b.amount, b.relation) for b in found] == expected


@pytest.mark.parametrize(
    ("text", "measure", "hint"),
    [
        ("224", "length", "at most or at least"),
        ("2 %", "count", "of what"),
        (">=", "count", "no limit"),
        ("4 G,", "count", "no limit"),
        ("=> 3", "count", "no amount"),
        ("+2 %%", "count", "."),
        ("4 G; rm", "count", "."),
    ],
)
def test_bounds_that_are_refused(text: str, measure: Measure, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_bounds(text, measure, None if measure == "length" else "<=")


@given(st.integers(0, 10**12), st.sampled_from([("k", 3), ("M", 6), ("G", 9), ("T", 12)]))
def test_prefixes_are_exact(number: int, prefix: tuple[str, int]) -> None:
    letter, power = prefix
    text = f"{number // 1000}.{number % 1000:03d} {letter}"
    assert parse_amount(text, "count") == Fraction(number * 10**power, 1000)


@given(st.text(max_size=30), st.sampled_from(["count", "bytes", "seconds", "length", "version"]))
def test_any_text_is_a_limit_or_a_value_error(text: str, measure: Measure) -> None:
    try:
        found = parse_bounds(text, measure, None)
    except ValueError:
        return
    assert found
