"""How much is "26 M", "32 MiB", "12 ms", ">= 224" or "+2 %"? Limits as people write them, exactly.

A *bound* is a comparison and an amount. An amount with a sign is relative to a baseline: ``+2 %`` is
a share of it, ``+100 k`` comes on top of it. Everything is a `Fraction`: 4.2 G is 4,200,000,000 and
nothing beside it, whatever binary floating point makes of 4.2.

Units: counts have SI's decimal prefixes (k, M, G, T, P); bytes have either those (kB, MB, ...) or
IEC 80000-13's binary ones (KiB, MiB, ...); times have ns, us, ms, s, min. A unit that means two
things to two people (KB, a bare M of bytes, a time without one) is refused with what to write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

Measure = Literal["count", "bytes", "seconds", "length", "version"]
Sign = Literal["<=", "<", ">=", ">", "=="]
#: what an amount is relative to: nothing, or the baseline as a share of it or on top of it
Relation = Literal["absolute", "share", "added"]

_SI: Final = {"k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_UNITS: Final[dict[Measure, dict[str, Fraction]]] = {
    "count": {"": Fraction(1), **{p: Fraction(10**n) for p, n in _SI.items()}},
    "bytes": {
        "": Fraction(1),
        "B": Fraction(1),
        **{f"{p}B": Fraction(10**n) for p, n in _SI.items()},
        **{f"{p}iB": Fraction(1024 ** (i + 1)) for i, p in enumerate("KMGTPE")},
    },
    "seconds": {
        "ns": Fraction(1, 10**9),
        "us": Fraction(1, 10**6),
        "µs": Fraction(1, 10**6),
        "ms": Fraction(1, 1000),
        "s": Fraction(1),
        "min": Fraction(60),
    },
    "length": {"": Fraction(1), "px": Fraction(1)},
    "version": {"": Fraction(1)},
}
_EXAMPLES: Final[dict[Measure, str]] = {
    "count": '"4.2 G", "26 M" or 61706',
    "bytes": '"32 MiB", "100 MB" or 33554432',
    "seconds": '"12 ms" or "300 us"',
    "length": '">= 224"',
    "version": '">= 13"',
}
_NUMBER: Final = r"[0-9]{1,40}(?:_[0-9]{1,40})*(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?"
_AMOUNT: Final = re.compile(rf"({_NUMBER})\s*([^\s0-9.,_][^0-9.,_]*)?")
_BOUND: Final = re.compile(r"(<=|>=|==|<|>|=)?\s*([+-])?\s*(.*)", re.DOTALL)
_WRITTEN: Final[dict[str | None, Sign]] = {
    "<=": "<=", "<": "<", ">=": ">=", ">": ">", "==": "==", "=": "==",
}  # fmt: skip
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Bound:
    """One side that a figure may not cross.

    Args:
        comparison: what has to hold between the figure and the amount.
        amount: how much, in elements, bytes, seconds, ...; of a share, 0.02 stands for 2 %.
        relation: ``"absolute"``; or relative to the baseline's figure, as a ``"share"`` of it or
            ``"added"`` to it.

    >>> Bound("<=", Fraction(1, 50), "share").against(Fraction(100))
    Fraction(102, 1)
    """

    comparison: Sign
    amount: Fraction
    relation: Relation = "absolute"

    @property
    def upper(self) -> bool:
        """It is crossed by what is too large."""
        return self.comparison in ("<=", "<")

    def against(self, base: Fraction | None) -> Fraction | None:
        """The amount itself; of a relative one with the baseline's figure, None without it."""
        if self.relation == "absolute":
            return self.amount
        if base is None:
            return None
        return base * (1 + self.amount) if self.relation == "share" else base + self.amount


def parse_amount(given: object, measure: Measure, words: tuple[str, ...] = ()) -> Fraction:
    """An amount as somebody wrote it.

    Args:
        given: text with a unit, or a number.
        measure: what it measures.
        words: names of the thing counted, which may follow a count's prefix: ``4.2 GMACs``.

    Raises:
        ValueError: it is no such amount, with what to write instead.

    >>> parse_amount("4.2 G", "count"), parse_amount("32 MiB", "bytes"), parse_amount(7, "count")
    (Fraction(4200000000, 1), Fraction(33554432, 1), Fraction(7, 1))
    """
    if isinstance(given, bool) or not isinstance(given, (str, int, float, Decimal, Fraction)):
        raise ValueError(f"{_quoted(given)} is no amount: write {_EXAMPLES[measure]}")
    if not isinstance(given, str):
        return _plain_number(given, measure)
    text = given.strip()
    found = _AMOUNT.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError(f"{_quoted(given)} is no amount: write {_EXAMPLES[measure]}")
    number = Fraction(Decimal(found[1].replace("_", "")))
    unit = (found[2] or "").strip()
    units = _UNITS[measure]
    if unit in units:
        return _whole(number * units[unit], given, measure)
    for word in words:  # 4.2 GMACs
        prefix = unit.lower().removesuffix(word)
        if prefix != unit.lower() and unit[: len(prefix)].strip() in units:
            return _whole(number * units[unit[: len(prefix)].strip()], given, measure)
    raise ValueError(_wrong_unit(given, unit, measure))


def _plain_number(given: int | float | Decimal | Fraction, measure: Measure) -> Fraction:
    if measure == "seconds":
        raise ValueError(f"{_quoted(given)} has no unit: write {_EXAMPLES[measure]}")
    if isinstance(given, Decimal) and given.is_finite() and abs(given.adjusted()) > 100:
        raise ValueError(f"{_quoted(given)} is beyond any model")  # before it is written out
    try:
        # A float's shortest text is what was written; its binary value is something else.
        amount = Fraction(str(given)) if isinstance(given, float) else Fraction(given)
    except (ValueError, OverflowError):  # infinite, or no number
        raise ValueError(f"{_quoted(given)} is no amount: write {_EXAMPLES[measure]}") from None
    if amount < 0:
        raise ValueError(
            f"{_quoted(given)} is negative, as no figure is: write {_EXAMPLES[measure]}; so much less "
            f"than the baseline is text, '{given}'"
        )
    if amount > 10**60:
        raise ValueError(f"{_quoted(given)} is beyond any model")
    return _whole(amount, given, measure)


def _whole(amount: Fraction, given: object, measure: Measure) -> Fraction:
    if measure in ("length", "version") and amount.denominator != 1:
        raise ValueError(f"{_quoted(given)}: a whole number is needed")
    return amount


def _wrong_unit(given: str, unit: str, measure: Measure) -> str:
    said = f"{_quoted(given)}: "
    if measure == "bytes" and unit.upper() == "KB":
        return said + "write kB for 1000 bytes or KiB for 1024"
    if measure == "bytes" and unit in _SI:
        return said + f"write {unit}B for {unit} = 10**{_SI[unit]} bytes, or {unit.upper()}iB"
    if measure == "seconds" and not unit:
        return said + f"a unit is missing: write {_EXAMPLES[measure]}"
    for known in _UNITS[measure]:
        if known and known.lower() == unit.lower():
            return said + f"the unit {_quoted(unit)} isn't known; did you mean {known}?"
    if measure == "count" and unit == "B":
        return said + "write G for 10**9"
    if measure == "count" and unit in _UNITS["bytes"]:
        return said + f"that is bytes, and this is a count: write {_EXAMPLES[measure]}"
    return said + f"the unit {_quoted(unit)} isn't known: write {_EXAMPLES[measure]}"


def parse_bounds(
    given: object,
    measure: Measure,
    default: Sign | None = "<=",
    words: tuple[str, ...] = (),
) -> tuple[Bound, ...]:
    """A limit as somebody wrote it: one bound, or several with commas between them.

    Args:
        given: text such as ``">= 13, < 18"`` or ``"+2 %"``, or a number.
        measure: what it measures.
        default: the comparison where none is written; None: one has to be.
        words: as `parse_amount`'s.

    Raises:
        ValueError: it is no limit, with what to write instead.

    >>> [str(b.amount) + " " + b.relation for b in parse_bounds("<= 4.2 G, +2 %", "count")]
    ['4200000000 absolute', '1/50 share']
    """
    if not isinstance(given, str):
        if default is None:
            parse_amount(given, measure, words)
            raise ValueError(f"{_quoted(given)}: at most or at least? Write {_EXAMPLES[measure]}")
        return (Bound(default, parse_amount(given, measure, words)),)
    if len(given) > _LONGEST * 4:
        raise ValueError(f"{_quoted(given)} is no limit: write {_EXAMPLES[measure]}")
    parts = given.split(",")
    return tuple(_bound(part.strip(), given, measure, default, words) for part in parts)


def _bound(
    text: str, whole: str, measure: Measure, default: Sign | None, words: tuple[str, ...]
) -> Bound:
    found = _BOUND.fullmatch(text)
    if found is None or not found[3]:
        raise ValueError(f"{_quoted(whole)} is no limit: write {_EXAMPLES[measure]}")
    written, sign, rest = found.groups()
    comparison = _WRITTEN.get(written, default)
    if comparison is None:
        raise ValueError(f"{_quoted(whole)}: at most or at least? Write {_EXAMPLES[measure]}")
    if sign is None:
        if rest.endswith("%"):
            raise ValueError(
                f"{_quoted(whole)}: of what? A share of the baseline is {_signed(rest)}"
            )
        return Bound(comparison, parse_amount(rest, measure, words))
    factor = -1 if sign == "-" else 1
    if rest.endswith("%"):
        share = parse_amount(rest[:-1].strip(), "count") / 100
        return Bound(comparison, factor * share, "share")
    if measure == "seconds" and rest.strip("0.") == "":  # no time is the same in every unit
        return Bound(comparison, Fraction(0), "added")
    return Bound(comparison, factor * parse_amount(rest, measure, words), "added")


def _signed(text: str) -> str:
    return f'"+{text}"'


def _quoted(given: object) -> str:
    if isinstance(given, int) and given.bit_length() > 1000:
        return "a number of hundreds of digits"
    # TOML and JSON write true and false.
    text = str(given).lower() if isinstance(given, bool) else str(given)
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"'
