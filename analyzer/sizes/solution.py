"""Which is the largest size that keeps within limits, or the smallest that reaches something?

The lengths in question move together. From the smallest valid length on, a formula whose coefficients aren't
negative rises, and the last length that keeps a limit is found by halving; of others each valid length is
looked at, up to a bound. The analysis of the size that is found, and of the valid one behind it, has the
last word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import numpy as np

from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.sizes.open_costs import OpenCosts, formulas, many_totals, missing
from cnnscope.analyzer.sizes.rising import FURTHEST, last_kept, rises
from cnnscope.analyzer.sizes.wish import Wish
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.substitution import substituted

#: lengths that are looked at one by one, at once and in all; and sizes that are analysed
_CHUNK, _SCANNED, _ASKED = 1 << 12, 1 << 18, 64
#: what lengths are counted in, from the smallest valid one on
_STEP: Final = "\0t"


@dataclass(frozen=True, slots=True)
class Solution:
    """The size that was asked for.

    Args:
        wishes: what was asked for.
        over: the dimensions that move together.
        end: it is the largest that does, or, where there is none, the smallest.
        lengths: a length for each of them; None: there is no such size.
        figures: its totals, by name.
        beyond: the next valid size, which doesn't; None where there is none, or it wasn't looked at.
        beyond_figures: its totals.
        exact: no other size was overlooked.
        doubts: why not.
    """

    wishes: tuple[Wish, ...]
    over: tuple[str, ...]
    end: Literal["largest", "smallest"]
    lengths: Mapping[str, int] | None
    figures: Mapping[str, int | None]
    beyond: Mapping[str, int] | None
    beyond_figures: Mapping[str, int | None]
    exact: bool
    doubts: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "wishes": [wish.text for wish in self.wishes],
            "over": list(self.over),
            "end": self.end,
            "lengths": None if self.lengths is None else dict(self.lengths),
            "figures": dict(self.figures),
            "beyond": None if self.beyond is None else dict(self.beyond),
            "beyond_figures": dict(self.beyond_figures),
            "exact": self.exact,
            "doubts": list(self.doubts),
        }


def solve(costs: OpenCosts, wishes: Sequence[Wish]) -> Solution:
    """The size at which a model does as is asked, all its open lengths the same.

    Raises:
        BindingError: a figure has no formula, or no size is valid.
    """
    return _Solving(costs, wishes).found()


class _Solving:
    def __init__(self, costs: OpenCosts, wishes: Sequence[Wish]) -> None:
        self.costs, self.wishes = costs, tuple(wishes)
        self.names = costs.names
        self.doubts = [f"not followed: {doubt}" for doubt in costs.doubts]
        self.metrics = costs.report.totals.metrics()
        self.wanted = list(
            dict.fromkeys(x for wish in wishes for x in (wish.left, wish.right) if x is not None)
        )
        for name in self.wanted:
            if why := missing(self.metrics[name]):
                raise BindingError(f"{name} has no formula: {why}")
        self.reports: dict[int, Report | None] = {}

    def found(self) -> Solution:
        least = next(self.valid(range(1, _SCANNED)), None)
        if least is None:
            raise BindingError(
                f"no size is valid at which {' = '.join(self.names)} is up to {_SCANNED}"
            )
        low, high = self.bounds(least)
        end: Literal["largest", "smallest"] = "smallest" if high is None else "largest"
        if high is None:
            there = self.first(range(low, low + _SCANNED))
            if there is None and low > least:
                self.doubts.append(
                    f"no valid size was found among {_SCANNED} lengths from {low} on"
                )
        else:
            there = self.largest(low, high)
        after: int | None = None
        if there is not None:
            before = range(there - 1, max(least, there - _SCANNED) - 1, -1)
            behind = range(there + 1, there + _SCANNED)
            after = next(self.valid(before if end == "smallest" else behind), None)
            if after is not None and self.keeps(after):
                self.doubts.append("the formulas say otherwise than the analysis of the next size")
        return Solution(
            self.wishes, self.names, end, None if there is None else self.size(there),
            {} if there is None else self.figures(there), None if after is None else self.size(after),
            {} if after is None else self.figures(after), not self.doubts, tuple(self.doubts),
        )  # fmt: skip

    def first(self, lengths: range) -> int | None:
        """The first valid one among lengths that does as is asked."""
        return next((n for n in self.valid(lengths) if self.keeps(n)), None)

    def largest(self, low: int, high: int) -> int | None:
        """The largest valid length between two that does as is asked: looked for from either end."""
        split = max(low, high - _SCANNED)
        there = self.first(range(high, split - 1, -1))
        if there is not None or split == low:
            return there
        top = min(split - 1, low + _SCANNED)
        if top < split - 1:
            self.doubts.append(f"lengths from {top + 1} to {split - 1} weren't looked at")
        return self.first(range(top, low - 1, -1))

    def size(self, n: int) -> dict[str, int]:
        return dict.fromkeys(self.names, n)

    def valid(self, lengths: range) -> Iterator[int]:
        """The valid ones among lengths, in their order."""
        for i in range(0, len(lengths), _CHUNK):
            part = lengths[i : i + _CHUNK]
            array = np.asarray(part, np.int64)
            valid, sure = self.costs.standing(dict.fromkeys(self.names, array))
            for k in np.flatnonzero(valid | ~sure).tolist():
                if sure[k] or self.report(part[k]) is not None:
                    yield part[k]

    def report(self, n: int) -> Report | None:
        """The analysis of a size, unless there were too many."""
        if n not in self.reports:
            if len(self.reports) >= _ASKED:
                self.doubts.append(f"more than {_ASKED} sizes have to be analysed one by one")
                raise BindingError(
                    f"{self.doubts[-1]}: {'; '.join(self.doubts[:-1]) or 'formulas do not tell'}"
                )
            self.reports[n] = self.costs.at(self.size(n))
        return self.reports[n]

    def figures(self, n: int) -> dict[str, int | None]:
        report = self.report(n)
        return {
            name: None if report is None else getattr(report.totals, name).value
            for name in self.wanted
        }

    def keeps(self, n: int) -> bool:
        """Does the analysis of a size do as is asked?"""
        figures = self.figures(n)
        for wish in self.wishes:
            left, right = figures[wish.left], 0 if wish.right is None else figures[wish.right]
            if left is None or right is None or not wish.keeps(left, right):
                return False
        return True

    # -- between which lengths ---------------------------------------------------------------------

    def bounds(self, least: int) -> tuple[int, int | None]:
        """From which length to which all is as asked, as far as formulas tell."""
        low, high = least, None
        for wish in self.wishes:
            lows = self.moments(wish.left, least)
            rights = [0] if wish.right is None else self.moments(wish.right, least)
            differences = [
                [left - right - wish.more for left in lows] for right in rights
            ]  # fmt: skip
            # The left one is the largest of some formulas, and so is the right one.
            if all(rises(x, _STEP) for row in differences for x in row) and len(rights) == 1:
                if wish.sign == "<=":
                    last = last_kept(lambda t, row=differences[0]: all(_at(x, t) <= 0 for x in row))  # type: ignore[misc]
                    if last is not None:
                        high = min(last + least - 1, FURTHEST if high is None else high)
                else:
                    last = last_kept(lambda t, row=differences[0]: all(_at(x, t) < 0 for x in row))  # type: ignore[misc]
                    if last is None:
                        return low, least - 1
                    low = max(low, last + least)
                continue
            top = self.scanned(wish, least)
            self.doubts.append(
                f"it isn't shown that {wish.text} holds up to some length: lengths up to {least + _SCANNED}"
                " were looked at"
            )
            if top is None:
                return low, least - 1
            low, high = max(low, top[0]), min(top[1], top[1] if high is None else high)
        self.look_beyond(high)
        return low, high

    def moments(self, name: str, least: int) -> list[Dim]:
        """The formulas of a total in the steps from the smallest valid length on."""
        step = FreeDim.named(_STEP) + (least - 1)
        sizes = dict.fromkeys(self.names, step)
        return [substituted(x, sizes) for x in formulas(self.metrics[name])]

    def scanned(self, wish: Wish, least: int) -> tuple[int, int] | None:
        """The first and the last of many lengths that do as is asked."""
        lengths = np.arange(least, least + _SCANNED, dtype=np.int64)
        sizes = dict.fromkeys(self.names, lengths)
        left = many_totals(self.metrics[wish.left], sizes)
        right = 0 if wish.right is None else many_totals(self.metrics[wish.right], sizes)
        assert left is not None
        assert right is not None
        kept = left <= right + wish.more if wish.sign == "<=" else left >= right + wish.more
        valid, sure = self.costs.standing(sizes)
        found = np.flatnonzero(np.asarray(kept, bool) & valid & sure)
        return None if not len(found) else (int(lengths[found[0]]), int(lengths[found[-1]]))

    def look_beyond(self, high: int | None) -> None:
        """Sizes beyond the last one at which the network works otherwise than the formulas say."""
        if high is None or self.costs.doubts:
            return
        lengths = np.arange(high + 1, high + 1 + _CHUNK, dtype=np.int64)
        _, sure = self.costs.standing(dict.fromkeys(self.names, lengths))
        if not sure.all():
            first = int(lengths[np.flatnonzero(~sure)[0]])
            self.doubts.append(f"at {first} the network works otherwise than its formulas say")


def _at(value: Dim, step: int) -> int:
    found = substituted(value, {_STEP: step})
    assert isinstance(found, int)
    return found
