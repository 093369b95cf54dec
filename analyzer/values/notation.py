"""How are a count, a length and a name written, so that people read them and nothing can hide?

Numbers for people have four digits and a unit; machine formats have the exact integer. Names come
from the model's file, which anybody may have written: whatever isn't a visible character is shown
as an escape, so that no name can start a line, colour a terminal or turn the reading order around.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from cnnscope.analyzer.values.node_name import shown_name

_THOUSANDS = ("", " k", " M", " G", " T", " P", " E")
_BINARY = (" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB")
LONGEST = 200
"""Characters of a name that are shown outside machine formats."""


def count(value: int) -> str:
    """A count with a decimal unit.

    >>> count(999), count(25_557_032), count(999_999), count(0)
    ('999', '25.56 M', '1.00 M', '0')
    """
    return _scaled(value, 1000, _THOUSANDS)


def nbytes(value: int) -> str:
    """A number of bytes with a binary unit.

    >>> nbytes(102_228_128), nbytes(100)
    ('97.49 MiB', '100 B')
    """
    return _scaled(value, 1024, _BINARY)


def _scaled(value: int, base: int, units: Sequence[str]) -> str:
    if abs(value) < base:
        return f"{value}{units[0]}"
    power = 1
    while power < len(units) - 1 and _hundredths(value, base**power) >= 100 * base:
        power += 1
    unit = base**power
    if abs(value) >= 10**6 * unit:  # beyond the last unit
        return f"{with_exponent(Fraction(value, unit))}{units[power]}"
    digits = 2 if _hundredths(abs(value), unit) < 100 * 100 else 1
    return f"{value / unit:.{digits}f}{units[power]}"


def _hundredths(value: int, unit: int) -> int:
    """Hundredths of a unit, a half of one to the even, as `round` has it."""
    whole, rest = divmod(100 * value, unit)
    return whole + (2 * rest > unit or (2 * rest == unit and whole % 2 == 1))


def with_exponent(value: Fraction) -> str:
    """Three digits and an exponent, of numbers that no float holds, too.

    >>> with_exponent(Fraction(10**400))
    '1.00e+400'
    """
    from decimal import Context, Decimal

    wide = Context(prec=20, Emax=10**9)
    return f"{wide.divide(Decimal(value.numerator), Decimal(value.denominator)):.2e}"


def decimal(value: Fraction) -> str:
    """A length or a place that may lie between two positions: six digits where it does.

    >>> decimal(Fraction(7, 2)), decimal(Fraction(1234567)), decimal(Fraction(1, 3))
    ('3.5', '1234567', '0.333333')
    """
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"


def ratio(value: float | None) -> str:
    """A ratio such as FLOPs per byte.

    >>> ratio(43.512), ratio(0.12345), ratio(None)
    ('43.5', '0.123', '?')
    """
    if value is None:
        return "?"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """A time with the unit that fits it.

    >>> duration(0.0123456), duration(3e-6), duration(75.0), duration(0.0), duration(None)
    ('12.3 ms', '3.00 us', '75.0 s', '0 s', '?')
    """
    if seconds is None:
        return "?"
    if not seconds:
        return "0 s"
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        value = seconds * factor
        if abs(value) >= 0.9995 or unit == "us":
            digits = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
            return f"{value:.{digits}f} {unit}"
    raise AssertionError  # the last unit takes everything


def rate(value: float | None, unit: str) -> str:
    """A rate per second, three digits and a decimal prefix.

    >>> rate(2.3e11, "FLOP/s"), rate(9.7e9, "B/s"), rate(12.0, "/s"), rate(None, "B/s")
    ('230 GFLOP/s', '9.70 GB/s', '12.0 /s', '?')
    """
    if value is None:
        return "?"
    power = 0
    while abs(value) >= 999.5 and power < len(_THOUSANDS) - 1:
        value, power = value / 1000, power + 1
    digits = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:.{digits}f} {_THOUSANDS[power].strip()}{unit}"


def percent(share: float) -> str:
    """
    >>> percent(0.4235), percent(1.0)
    ('42.4 %', '100 %')
    """
    text = f"{100 * share:.1f}"
    return f"{text.removesuffix('.0')} %"


def many(number: int, what: str, plural: str = "") -> str:
    """A number of things.

    >>> many(1, "layer"), many(2, "layer"), many(0, "more", "more"), many(2, "branch", "branches")
    ('1 layer', '2 layers', '0 more', '2 branches')
    """
    return f"{number} {what if number == 1 else plural or what + 's'}"


def escape(text: str) -> str:
    r"""The text with every character that can't be seen written as an escape.

    >>> print(escape("a\nb\x1b[31m\u202e"))
    a\nb\x1b[31m\u202e
    """
    # Python's notion of printable leaves out exactly what isn't seen: controls, formats (bidi, zero
    # width), surrogates, private and unassigned characters, separators other than the blank.
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def name(text: str, longest: int = LONGEST) -> str:
    """A name from the model as people see it: escaped, and shortened in the middle; of a node, what
    people know it by.

    >>> name("a" * 300, 9)
    'aaaa…aaaa'
    """
    text = shown_name(text)
    text = text if len(text) <= 8 * longest else text[: 4 * longest] + text[-4 * longest :]
    return middle(escape(text), longest)


def middle(text: str, longest: int) -> str:
    """The text, its middle left out where it has more characters than fit.

    >>> middle("/layer1/0/conv1/Conv", 11)
    '/laye…/Conv'
    """
    if len(text) <= longest:
        return text
    if longest <= 1:
        return "…"[:longest]
    tail = (longest - 1) // 2
    return text[: longest - 1 - tail] + "…" + (text[-tail:] if tail else "")


def shape(dims: Sequence[int | str] | None) -> str:
    """A shape as people write it.

    >>> shape([1, 3, "H", "H - 1"]), shape([]), shape(None)
    ('1x3xHx(H - 1)', 'scalar', '?')
    """
    if dims is None:
        return "?"
    texts = [d if isinstance(d, str) else str(d) for d in dims]
    return "x".join(f"({name(t)})" if " " in t else name(t) for t in texts) or "scalar"


def alike(texts: Sequence[str]) -> str:
    """One text per axis as one text: once where all are equal.

    >>> alike(["427", "427"]), alike(["1", "427"]), alike([])
    ('427', '1x427', '-')
    """
    if not texts:
        return "-"
    return texts[0] if len(set(texts)) == 1 else "x".join(texts)


def named_size(size: Mapping[str, int]) -> str:
    """A size in words, its names as the model has them.

    >>> named_size({"H": 224, "W": 256})
    'H = 224, W = 256'
    """
    return ", ".join(f"{name} = {n}" for name, n in size.items())
