"""How much is "26 M", "32 MiB", "12 ms", ">= 224" or "+2 %"? Limits as people write them, exactly.

A *bound* is a comparison and an amount. An amount with a sign is relative to a baseline: ``+2 %`` is
a share of it, ``+100 k`` comes on top of it.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, Literal

from cnnscope.analyzer.values.amounts import EXAMPLES, LONGEST, Measure, parse_amount, quoted
from cnnscope.analyzer.values.plain_class import dataclass

Sign = Literal["<=", "<", ">=", ">", "=="]
#: what an amount is relative to: nothing, or the baseline as a share of it or on top of it
Relation = Literal["absolute", "share", "added"]

_BOUND: Final = re.compile(r"(<=|>=|==|<|>|=)?\s*([+-])?\s*(.*)", re.DOTALL)
_WRITTEN: Final[dict[str | None, Sign]] = {
    "<=": "<=", "<": "<", ">=": ">=", ">": ">", "==": "==", "=": "==",
}  # fmt: skip


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
            _at_least_none(given, measure, words)
            raise ValueError(f"{quoted(given)}: at most or at least? Write {EXAMPLES[measure]}")
        return (Bound(default, _at_least_none(given, measure, words)),)
    if len(given) > LONGEST * 4:
        raise ValueError(f"{quoted(given)} is no limit: write {EXAMPLES[measure]}")
    parts = given.split(",")
    return tuple(_bound(part.strip(), given, measure, default, words) for part in parts)


def _at_least_none(given: object, measure: Measure, words: tuple[str, ...]) -> Fraction:
    """The amount of what isn't text; a negative one is meant as relative, and that is written as text."""
    try:
        return parse_amount(given, measure, words)
    except ValueError as error:
        if isinstance(given, (int, float)) and given < 0 and measure != "seconds":
            less = f"; so much less than the baseline is text, '{given}'"
            raise ValueError(f"{error}{less}") from None
        raise


def _bound(
    text: str, whole: str, measure: Measure, default: Sign | None, words: tuple[str, ...]
) -> Bound:
    found = _BOUND.fullmatch(text)
    if found is None or not found[3]:
        raise ValueError(f"{quoted(whole)} is no limit: write {EXAMPLES[measure]}")
    written, sign, rest = found.groups()
    comparison = _WRITTEN.get(written, default)
    if comparison is None:
        raise ValueError(f"{quoted(whole)}: at most or at least? Write {EXAMPLES[measure]}")
    if sign is None:
        if rest.endswith("%") and measure != "part":
            raise ValueError(
                f"{quoted(whole)}: of what? A share of the baseline is {_signed(rest)}"
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
