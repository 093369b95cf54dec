"""Does a model keep its limits? What can be said: *within*, *exceeds*, *unknown*, or *new*.

A figure is known as an interval: a complete total is one number, a partial one a lower bound, a
measured time as far as the measurement goes. A bound is kept where the whole interval keeps it,
crossed where all of it crosses, and nothing is known of it otherwise. What is relative to a baseline that
never heard of the model is *new*: there is nothing to hold it against::

    figure <= bound   within: high <= bound   exceeds: low > bound   else unknown
    figure >= bound   within: low >= bound    exceeds: high < bound  else unknown

Over a range of sizes each has a figure, which lies between the two, and one of them that crosses is enough:
it is crossed, too, where an end that some size has doesn't keep it.

Nothing here computes a figure or reads a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Literal

from cnnscope.analyzer.budgets.bounds import Bound
from cnnscope.analyzer.budgets.figure import Figure, plain_number
from cnnscope.analyzer.budgets.limit import Limit
from cnnscope.analyzer.values.notation import name, named_size
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

VerdictState = Literal["within", "exceeds", "unknown", "new"]


def judge(figure: Figure, bound: Bound, amount: Fraction) -> VerdictState:
    """Whether a figure keeps a bound, as far as can be said.

    Args:
        figure: what is known.
        bound: whose comparison counts.
        amount: the bound's amount, the baseline counted in.

    >>> partial = Figure(Fraction(5), None)
    >>> three = Fraction(3)
    >>> judge(partial, Bound("<=", three), three), judge(partial, Bound(">=", three), three)
    ('exceeds', 'within')
    >>> judge(partial, Bound("<=", Fraction(9)), Fraction(9))
    'unknown'
    >>> spread = Figure(Fraction(2), Fraction(5), spread=True, most_at={"H": 640})
    >>> judge(spread, Bound("<=", three), three), judge(spread, Bound(">=", three), three)
    ('exceeds', 'unknown')
    """
    low, high = figure.low, figure.high
    if figure.least_at is not None or figure.most_at is not None:
        ends = ((low, figure.least_at), (high, figure.most_at))
        had = [Figure(x, x) for x, at in ends if at is not None]
        if any(judge(end, bound, amount) == "exceeds" for end in had):
            return "exceeds"
    kept, crossed = {
        "<=": (high is not None and high <= amount, low is not None and low > amount),
        "<": (high is not None and high < amount, low is not None and low >= amount),
        ">=": (low is not None and low >= amount, high is not None and high < amount),
        ">": (low is not None and low > amount, high is not None and high <= amount),
        "==": (
            low == high == amount,
            (low is not None and low > amount) or (high is not None and high < amount),
        ),
    }[bound.comparison]
    return "within" if kept else "exceeds" if crossed else "unknown"


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one layer contributes to a figure."""

    layer: str
    amount: int

    def to_dict(self) -> dict[str, object]:
        return {"layer": self.layer, "amount": self.amount}


@dataclass(frozen=True, slots=True, repr=False)
class Verdict(Answer):
    """What is to be said of one bound.

    Args:
        limit: what was asked.
        state: ``"within"``, ``"exceeds"``, ``"unknown"``, or ``"new"``: relative, and the model is new.
        figure: what is known.
        bound: the bound; None for a list of operators.
        amount: the bound's amount, the baseline counted in; None where that isn't known.
        baseline: the baseline's figure, for a relative bound.
        reason: why it is unknown or new, or ``""``.
        tolerated: it is unknown or new, and that is allowed.
        parts: the layers that contribute most, the largest first.
    """

    limit: Limit
    state: VerdictState
    figure: Figure
    bound: Bound | None = None
    amount: Fraction | None = None
    baseline: Figure | None = None
    reason: str = ""
    tolerated: bool = False
    parts: tuple[Contribution, ...] = ()

    @property
    def ok(self) -> bool:
        """It is within, or unknown or new and that's allowed."""
        return self.state == "within" or (self.state in ("unknown", "new") and self.tolerated)

    @property
    def written(self) -> str:
        """The bound as it was written, of several in one limit this one: ``"+2 %"``."""
        parts = self.limit.text.split(",")
        if self.bound in self.limit.bounds and len(parts) == len(self.limit.bounds):
            return parts[self.limit.bounds.index(self.bound)].strip()
        return self.limit.text

    @property
    def asked(self) -> str:
        """The same with its comparison: ``"<= +2 %"``."""
        text = self.written
        if self.bound is None or text[:1] in "<>=":
            return text
        return f"{self.bound.comparison} {text}"

    @property
    def at(self) -> Mapping[str, int] | None:
        """Of many sizes the one whose figure is shown; None: it is a bound, or there is one size."""
        figure = self.figure
        return figure.most_at if figure.value == figure.high else figure.least_at

    @property
    def beyond(self) -> Fraction | None:
        """How far the figure is beyond the bound; negative: how far it keeps away from it."""
        figure = self.figure.shown
        if self.amount is None or figure is None or self.bound is None:
            return None
        if self.bound.comparison == "==":
            return abs(figure - self.amount)
        return figure - self.amount if self.bound.upper else self.amount - figure

    @property
    def slack(self) -> Fraction | None:
        """How far below an upper bound a figure that keeps it is, as a share of the bound."""
        beyond = self.beyond
        if self.state != "within" or beyond is None or not self.amount or self.bound is None:
            return None
        return -beyond / self.amount if self.bound.upper else None

    def to_dict(self) -> dict[str, object]:
        limit, bound = self.limit, self.bound
        return {
            "quantity": limit.quantity,
            "scope": limit.scope.to_dict(),
            "state": self.state,
            "ok": self.ok,
            "figure": self.figure.to_dict(),
            "limit": {
                "text": limit.text,
                "origin": limit.origin,
                "comparison": None if bound is None else bound.comparison,
                "relation": None if bound is None else bound.relation,
                "amount": plain_number(self.amount),
                "operators": list(limit.patterns),
            },
            "beyond": plain_number(self.beyond),
            "at": None if self.at is None else dict(self.at),
            "baseline": None if self.baseline is None else self.baseline.to_dict(),
            "reason": self.reason,
            "worst": [part.to_dict() for part in self.parts],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One: the figure, what it may be, and how far the two are apart."""
        yield {
            "limit": self.limit.name,
            "quantity": self.limit.quantity,
            "state": self.state,
            "ok": self.ok,
            "figure": self.figure.exact,
            "at_least": self.figure.low,
            "at_most": self.figure.high,
            "may_be": self.asked,
            "amount": self.amount,
            "beyond": self.beyond,
            "at": None if self.at is None else named_size(self.at),
            "baseline": None if self.baseline is None else self.baseline.exact,
            "reason": self.reason,
        }

    def summary(self) -> str:
        return f"on {name(self.limit.name, 120)}: {self.state}"
