"""How much is "26 M", "32 MiB" or "12 ms"? Amounts as people write them, exactly.

Everything is a `Fraction`: 4.2 G is 4,200,000,000 and nothing beside it, whatever binary floating point makes
of 4.2.

Units: counts have SI's decimal prefixes (k, M, G, T, P); bytes have either those (kB, MB, ...) or
IEC 80000-13's binary ones (KiB, MiB, ...); times have ns, us, ms, s, min. A unit that means two
things to two people (KB, a bare M of bytes, a time without one) is refused with what to write. A part of a
whole is a percentage or a number below 1.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

Measure = Literal["count", "bytes", "seconds", "length", "samples", "version", "part"]
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
    "samples": {"": Fraction(1), "sample": Fraction(1), "samples": Fraction(1)},
    "version": {"": Fraction(1)},
    "part": {"%": Fraction(1, 100), "": Fraction(1)},
}
EXAMPLES: Final[dict[Measure, str]] = {
    "count": '"4.2 G", "26 M" or 61706',
    "bytes": '"32 MiB", "100 MB" or 33554432',
    "seconds": '"12 ms" or "300 us"',
    "length": '">= 224"',
    "samples": '"<= 640" or "<= 40 ms at 16 kHz"',
    "version": '">= 13"',
    "part": '"40 %" or 0.4',
}
_NUMBER: Final = r"[0-9]{1,40}(?:_[0-9]{1,40})*(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?"
_AMOUNT: Final = re.compile(rf"({_NUMBER})\s*([^\s0-9.,_][^0-9.,_]*)?")
_TIMED: Final = re.compile(r"(.*?)\s+at\s+([0-9][^,]*?)\s*Hz", re.IGNORECASE)
LONGEST: Final = 200


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
        raise ValueError(f"{quoted(given)} is no amount: write {EXAMPLES[measure]}")
    if not isinstance(given, str):
        return _plain_number(given, measure)
    text = given.strip()
    if measure == "samples" and (timed := _TIMED.fullmatch(text[:LONGEST])):
        return _samples(timed[1], timed[2], given)
    found = _AMOUNT.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise ValueError(f"{quoted(given)} is no amount: write {EXAMPLES[measure]}")
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


def _samples(time: str, rate: str, given: str) -> Fraction:
    """So many samples as a time is at a rate, exactly: a limit may lie between two of them."""
    hertz = parse_amount(rate.strip(), "count")
    if not hertz:
        raise ValueError(f"{quoted(given)}: a rate is above 0")
    return parse_amount(time, "seconds") * hertz


def at_rate(given: object, rate: int) -> object:
    """A limit in samples whose times, if any, are at a rate: ``40 ms`` as ``40 ms at 16000 Hz``.

    >>> at_rate("<= 40 ms", 16000), at_rate("<= 640", 16000)
    ('<= 40 ms at 16000 Hz', '<= 640')
    """
    if not isinstance(given, str):
        return given
    units = "|".join(unit for unit in _UNITS["seconds"] if unit)
    times = re.compile(rf"[^,]*[0-9]\s*(?:{units})\s*")
    parts = given.split(",")
    return ",".join(f"{x.rstrip()} at {rate} Hz" if times.fullmatch(x) else x for x in parts)


def _plain_number(given: int | float | Decimal | Fraction, measure: Measure) -> Fraction:
    if measure == "seconds":
        raise ValueError(f"{quoted(given)} has no unit: write {EXAMPLES[measure]}")
    if isinstance(given, Decimal) and given.is_finite() and abs(given.adjusted()) > 100:
        raise ValueError(f"{quoted(given)} is beyond any model")  # before it is written out
    try:
        # A float's shortest text is what was written; its binary value is something else.
        amount = Fraction(str(given)) if isinstance(given, float) else Fraction(given)
    except (ValueError, OverflowError):  # infinite, or no number
        raise ValueError(f"{quoted(given)} is no amount: write {EXAMPLES[measure]}") from None
    if amount < 0:
        raise ValueError(f"{quoted(given)} is negative, as no figure is: write {EXAMPLES[measure]}")
    if amount > 10**60:
        raise ValueError(f"{quoted(given)} is beyond any model")
    return _whole(amount, given, measure)


def _whole(amount: Fraction, given: object, measure: Measure) -> Fraction:
    if measure in ("length", "samples", "version") and amount.denominator != 1:
        raise ValueError(f"{quoted(given)}: a whole number is needed")
    return amount


def _wrong_unit(given: str, unit: str, measure: Measure) -> str:
    said = f"{quoted(given)}: "
    if measure == "bytes" and unit.upper() == "KB":
        return said + "write kB for 1000 bytes or KiB for 1024"
    if measure == "bytes" and unit in _SI:
        return said + f"write {unit}B for {unit} = 10**{_SI[unit]} bytes, or {unit.upper()}iB"
    if measure == "seconds" and not unit:
        return said + f"a unit is missing: write {EXAMPLES[measure]}"
    for near in _UNITS[measure]:
        if near and near.lower() == unit.lower():
            return said + f"the unit {quoted(unit)} isn't known; did you mean {near}?"
    if measure == "count" and unit == "B":
        return said + "write G for 10**9"
    if measure == "count" and unit in _UNITS["bytes"]:
        return said + f"that is bytes, and this is a count: write {EXAMPLES[measure]}"
    if measure == "samples" and unit in _UNITS["seconds"]:
        return (
            said
            + "a time is so many samples at some rate: write <= 40 ms at 16 kHz, or rate = 16000"
        )
    known = ", ".join(x for x in _UNITS[measure] if x)
    there = f" (there are {known})" if known else ""
    return said + f"the unit {quoted(unit)} isn't known{there}: write {EXAMPLES[measure]}"


def quoted(given: object) -> str:
    if isinstance(given, int) and given.bit_length() > 1000:
        return "a number of hundreds of digits"
    # TOML and JSON write true and false.
    text = str(given).lower() if isinstance(given, bool) else str(given)
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"'
