"""Does what is known of a row fulfil a condition: ``kind=depthwise``, ``macs>1M``, ``params>=5%``?

A condition is ``COLUMN OP VALUE``. Of text ``=`` and ``!=`` ask for any of ``a,b``, in which ``*``
stands for anything; of numbers there are ``<``, ``<=``, ``>`` and ``>=``, too, and a value is an amount
with its unit, or a share of the model's total. The answer is None where what is asked for isn't known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Generic, Literal, TypeVar

from cnnscope.analyzer.report.column_names import resolved
from cnnscope.analyzer.values.amounts import Measure, parse_amount
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.plain_class import dataclass

Row = TypeVar("Row")
Operator = Literal["=", "!=", "<", "<=", ">", ">="]
Number = int | float | Fraction

_WRITTEN = re.compile(
    r"\s*(?P<column>[^<>=!]+?)\s*(?P<how><=|>=|==|!=|=|<|>)(?P<value>.*)", re.DOTALL
)
_LONGEST = 2000
EXAMPLES = "write one such as 'macs>1M', 'params>=5%' or kind=depthwise"


@dataclass(frozen=True, slots=True)
class Range:
    """A number of which more than a lower bound may be unknown; None of both: there is none.

    Args:
        least: what it is at least.
        exact: it is that.
    """

    least: Dim | Number | None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Text(Generic[Row]):
    """A fact that is words.

    Args:
        words: of a row, any of which may be asked for; None: not known.
        fits: does one of them fit what was asked for?
        check: raises ValueError where nothing can fit that.
    """

    words: Callable[[Row], Sequence[str] | None]
    fits: Callable[[str, str], bool]
    check: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Amount(Generic[Row]):
    """A fact that is a number.

    Args:
        number: of a row; None: not known.
        measure: what it is measured in; ``"share"``: from 0 to 1, asked for in per cent.
        total: what all rows come to; raises ValueError where that isn't known. None: they don't add up.
    """

    number: Callable[[Row], Range | None]
    measure: Measure | Literal["share"]
    total: Callable[[Sequence[Row]], Number] | None = None


Fact = Text[Row] | Amount[Row]


@dataclass(frozen=True, slots=True)
class Condition:
    """What is asked of each row.

    Args:
        text: as it was written.
        column: the fact that it asks for.
        operator: how that has to stand to the values.
        values: any of these: amounts, or words.
        share: the amounts are shares: of what all rows come to, or of what the fact is a share of.
    """

    text: str
    column: str
    operator: Operator
    values: tuple[Fraction, ...] | tuple[str, ...]
    share: bool = False

    def among(
        self, rows: Sequence[Row], facts: Mapping[str, Fact[Row]]
    ) -> Callable[[Row], bool | None]:
        """The answer for each row of these; None: what is asked for isn't known of it.

        Args:
            rows: all there are: shares are of what they come to.
            facts: as it was parsed with.

        Raises:
            ValueError: a share is asked for, of a total that isn't known.
        """
        fact = facts[self.column]
        if isinstance(fact, Text):
            return self._said(fact)
        whole: Number = 1
        if self.share and fact.total is not None:
            try:
                whole = fact.total(rows)
            except ValueError as error:
                raise ValueError(f"{quoted(self.text)}: {error}") from None
        return self._counted(fact, whole)

    def _said(self, fact: Text[Row]) -> Callable[[Row], bool | None]:
        wanted = self.operator != "!="
        texts = [x for x in self.values if isinstance(x, str)]

        def fits(row: Row) -> bool | None:
            found = fact.words(row)
            if found is None:
                return None
            return any(fact.fits(word, text) for word in found for text in texts) is wanted

        return fits

    def _counted(self, fact: Amount[Row], whole: Number) -> Callable[[Row], bool | None]:
        amounts = [x * whole for x in self.values if isinstance(x, Fraction)]
        joined = _all if self.operator == "!=" else _any

        def holds(row: Row) -> bool | None:
            found = fact.number(row)
            if found is None:
                return None
            if found.least is None and found.exact:  # there is no such thing
                return False
            return joined([_compared(found, self.operator, amount) for amount in amounts])

        return holds


def _any(answers: Iterable[bool | None]) -> bool | None:
    answers = list(answers)
    return True if True in answers else None if None in answers else False


def _all(answers: Iterable[bool | None]) -> bool | None:
    answers = list(answers)
    return False if False in answers else None if None in answers else True


def _compared(found: Range, how: Operator, amount: Number) -> bool | None:
    """How a number stands to an amount; None where that can't be told."""
    above, below = _is_above(found.least, amount), _is_below(found.least, amount)
    if not found.exact:  # it is no less than that, and may be more
        below = False if below is False else None
        above = above or None
    equal = False if above or below else True if above is False and below is False else None
    answer = {
        ">": above, "<": below, "=": equal, "!=": equal,
        ">=": _negated(below), "<=": _negated(above),
    }[how]  # fmt: skip
    return _negated(answer) if how == "!=" else answer


def _negated(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _is_above(value: Dim | Number | None, amount: Number) -> bool | None:
    if value is None:
        return None
    if isinstance(value, int | float | Fraction):
        return value > _like(amount, value)
    try:
        return value > math.floor(
            amount
        )  # a whole number is above an amount where it is above its floor
    except Undetermined:
        return None


def _is_below(value: Dim | Number | None, amount: Number) -> bool | None:
    if value is None:
        return None
    if isinstance(value, int | float | Fraction):
        return value < _like(amount, value)
    try:
        return value < math.ceil(amount)
    except Undetermined:
        return None


def _like(amount: Number, value: Number) -> Number:
    """The amount as the float it would be: 5 % is more than the fraction 1/20 there."""
    return float(amount) if isinstance(value, float) else amount


def parse_condition(text: str, facts: Mapping[str, Fact[Row]]) -> Condition:
    """A condition as somebody wrote it.

    Args:
        text: ``"macs>1M"``, ``"kind=depthwise,grouped"``, ``"op!=Relu"``.
        facts: what may be asked for, by its column.

    Raises:
        ValueError: it is no condition, there is no such column, or that can't be asked of it.
    """
    found = _WRITTEN.fullmatch(text) if len(text) <= _LONGEST else None
    value = "" if found is None else found["value"].strip()
    if found is None or not value:
        raise ValueError(f"{quoted(text)} is no condition: {EXAMPLES}")
    try:
        column = resolved(found["column"], facts)
    except ValueError as error:
        raise ValueError(f"{quoted(text)}: {error}") from None
    how: Operator = "=" if found["how"] == "==" else found["how"]  # type: ignore[assignment]  # as matched
    fact = facts[column]
    try:
        if isinstance(fact, Text):
            return Condition(text, column, how, _words(value, how, fact, column))
        amounts, share = _amounts(value, how, fact, column)
    except ValueError as error:
        raise ValueError(f"{quoted(text)}: {error}") from None
    return Condition(text, column, how, amounts, share)


def _words(value: str, how: Operator, fact: Text[Row], column: str) -> tuple[str, ...]:
    if how not in ("=", "!="):
        raise ValueError(f"{column} is text, of which there are = and !=")
    words = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    if not words:
        raise ValueError(f"which {column}?")
    for word in words if fact.check is not None else ():
        assert fact.check is not None
        fact.check(word)
    return words


def _amounts(
    value: str, how: Operator, fact: Amount[Row], column: str
) -> tuple[tuple[Fraction, ...], bool]:
    several = [part.strip() for part in value.split(",") if part.strip()]
    if len(several) > 1 and how not in ("=", "!="):
        raise ValueError(f"{how} takes one amount")
    found, shares = [], set()
    for part in several:
        share = part.endswith("%")
        shares.add(share)
        if not share:
            found.append(_amount(part, "count" if fact.measure == "share" else fact.measure))
            continue
        if fact.measure != "share" and fact.total is None:
            raise ValueError(f"of what? A share is of the model's total, and {column} has none")
        found.append(_amount(part[:-1].strip(), "count") / 100)
    if len(shares) != 1:
        raise ValueError(
            "either amounts or shares of the total" if shares else f"how much {column}?"
        )
    return tuple(found), shares.pop()


def _amount(text: str, measure: Measure) -> Fraction:
    """An amount; a first row's start may be below 0."""
    sign = -1 if text.startswith("-") else 1
    # Averages over units of an axis aren't whole.
    return sign * parse_amount(text.removeprefix("-"), "count" if measure == "length" else measure)


def quoted(text: str) -> str:
    """What somebody wrote, no longer than a line takes."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


# -- how words fit -------------------------------------------------------------------------------------


def fits_text(word: str, wanted: str) -> bool:
    """It is that, whatever its capitals; ``*`` stands for anything.

    >>> fits_text("MaxPool", "*pool"), fits_text("Relu", "LeakyRelu")
    (True, False)
    """
    word, wanted = word.lower(), wanted.lower()
    return word == wanted or fnmatchcase(word, wanted)
