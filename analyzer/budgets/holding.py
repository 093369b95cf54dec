"""Does one figure keep one bound of a limit, the baseline's figure counted in?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from cnnscope.analyzer.budgets.bounds import Bound
from cnnscope.analyzer.budgets.figure import Figure, plain_number
from cnnscope.analyzer.budgets.limit import Limit
from cnnscope.analyzer.budgets.verdicts import Verdict, VerdictState, judge


def held(limit: Limit, bound: Bound, figure: Figure, base: Figure | None = None) -> Verdict:
    """What is to be said of a figure and one bound of a limit.

    Args:
        limit: what was asked.
        bound: one of its bounds.
        figure: what is known.
        base: the baseline's figure, for a relative bound.
    """
    held_to = None if base is None else _end(base, bound)
    if base is None or held_to is not None:
        amount = bound.against(held_to)
        assert amount is not None
        state = judge(figure, bound, amount)
        if base is not None and base.spread:
            base = replace(base, value=held_to)
    else:
        # The bound moves with a baseline of which only an interval is known: it is kept or crossed
        # where both ends say so.
        amount = bound.against(base.value)
        ends = [bound.against(end) for end in (base.low, base.high)]
        states: set[VerdictState] = {
            "unknown" if end is None else judge(figure, bound, end) for end in ends
        }
        # Between two ends that an equal bound crosses on either side may be where it is kept.
        sure = len(states) == 1 and (bound.comparison != "==" or states == {"within"})
        state = states.pop() if sure else "unknown"
    reason = figure.reason if state == "unknown" else ""
    if state == "unknown" and not reason:
        reason = f"of the baseline, {base.reason}" if base is not None and base.reason else ""
    if figure.spread:
        figure = replace(figure, value=_told(figure, bound, amount))
        if state == "unknown" and not reason:
            reason = (
                f"{plain_number(figure.low)} and {plain_number(figure.high)} are bounds: the range's ends are"
                " no valid sizes"
            )
    return Verdict(limit, state, figure, bound, amount, base, reason)


def _end(base: Figure, bound: Bound) -> Fraction | None:
    """What a relative bound is relative to: over a range the end on its side, if some size has it."""
    if base.exact is not None or not base.spread or bound.comparison == "==":
        return base.exact
    if bound.upper:
        return None if base.most_at is None else base.high
    return None if base.least_at is None else base.low


def _told(figure: Figure, bound: Bound, amount: Fraction | None) -> Fraction | None:
    """Of all sizes' figures the one that is the nearest to crossing a bound, or crosses it furthest."""
    low, high = figure.low, figure.high
    if bound.comparison == "==" and amount is not None and low is not None and high is not None:
        return max(low, high, key=lambda x: abs(x - amount))
    return high if bound.upper else low


def worst(found: Sequence[Verdict]) -> Verdict:
    """Of one bound's verdicts along several axes the one to worry about."""
    order: dict[VerdictState, int] = {"exceeds": 2, "unknown": 1, "within": 0, "new": 0}

    def badness(verdict: Verdict) -> tuple[int, Fraction]:
        beyond = verdict.beyond
        return order[verdict.state], Fraction(-(10**60)) if beyond is None else beyond

    return max(found, key=badness)
