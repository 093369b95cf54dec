"""What is known of a quantity: exactly, from a lower bound on, or nothing?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from fractions import Fraction

from cnnscope.analyzer.budgets.limit import Scope
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What is known of a quantity: it lies from `low` to `high`, both included.

    Args:
        low: None: nothing is known, not even that.
        high: None: there may be any amount more.
        reason: why it isn't known exactly, or ``""``.
        value: the one to show where the two differ, e.g. a measured median.
        uncounted: what is missing from a partial total: operator to how many times.
        spread: it is of all valid sizes in a range: each has a figure of its own between the two.
        least_at, most_at: of such a one a size that has `low`, and one that has `high`; None: a bound, which
            no size need have.
    """

    low: Fraction | None
    high: Fraction | None
    reason: str = ""
    value: Fraction | None = None
    uncounted: Mapping[str, int] = field(default_factory=dict)
    spread: bool = False
    least_at: Mapping[str, int] | None = None
    most_at: Mapping[str, int] | None = None

    @classmethod
    def exactly(cls, value: int | Fraction) -> Figure:
        """A figure that is known.

        >>> Figure.exactly(3).exact
        Fraction(3, 1)
        """
        return cls(Fraction(value), Fraction(value), value=Fraction(value))

    @classmethod
    def unknown(cls, reason: str) -> Figure:
        """A figure of which nothing is known."""
        return cls(None, None, reason)

    @property
    def exact(self) -> Fraction | None:
        """The figure, where it is known exactly."""
        return self.low if self.low == self.high else None

    @property
    def shown(self) -> Fraction | None:
        """The figure to show: the value, or a lower bound; None where nothing is known."""
        return self.low if self.value is None else self.value

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "value": plain_number(self.exact if self.value is None else self.value),
            "low": plain_number(self.low),
            "high": plain_number(self.high),
            "reason": self.reason,
        }
        if self.uncounted:
            found["uncounted"] = dict(self.uncounted)
        if self.spread:
            found["least_at"] = None if self.least_at is None else dict(self.least_at)
            found["most_at"] = None if self.most_at is None else dict(self.most_at)
        return found


def plain_number(value: Fraction | None) -> int | str | None:
    """A number as JSON has it exactly: an integer, else a decimal or a fraction as text.

    >>> plain_number(Fraction(3)), plain_number(Fraction(5, 2)), plain_number(Fraction(1, 3))
    (3, '2.5', '1/3')
    """
    if value is None or value.denominator == 1:
        return None if value is None else value.numerator
    digits = 0
    scaled = value
    while scaled.denominator != 1:
        scaled, digits = scaled * 10, digits + 1
        if digits > 40:  # a decimal without an end, or too long to be read
            return str(value)
    text = str(abs(scaled.numerator)).rjust(digits + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{text[:-digits]}.{text[-digits:]}"


#: a model's figures: by quantity, and by quantity within a scope; several where there are axes
Figures = Mapping[tuple[Scope, str], Sequence[Figure]]


def figures_list(figures: Figures) -> list[dict[str, object]]:
    """Figures as JSON has them."""
    return [
        {
            "quantity": quantity,
            "scope": scope.to_dict(),
            "values": [figure.to_dict() for figure in values],
        }
        for (scope, quantity), values in figures.items()
    ]
