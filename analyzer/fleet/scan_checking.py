"""Do the models of a scan keep their limits? Each row is held against them as a model would be.

Of the models that don't, the worst are kept to be told one by one; the others are counted.
"""

from __future__ import annotations

import heapq
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.budgets.bounds import Bound
from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.holding import held, worst
from cnnscope.analyzer.budgets.limit import Limit
from cnnscope.analyzer.budgets.limit_text import make_limit, split_key
from cnnscope.analyzer.budgets.quantity import LISTS
from cnnscope.analyzer.budgets.verdicts import Verdict, VerdictState
from cnnscope.analyzer.fleet.failures import Failing
from cnnscope.analyzer.fleet.row_quantities import (
    columns_for,
    odd_operators,
    odd_text,
    plain_value,
    refusal,
    row_figures,
)
from cnnscope.analyzer.fleet.row_store import READ as STORED
from cnnscope.analyzer.fleet.row_store import RowStore
from cnnscope.analyzer.fleet.scan_check import CheckedRow, LimitTally, ScanCheck
from cnnscope.analyzer.fleet.summary import Rows
from cnnscope.analyzer.values.plain_class import dataclass

#: models that are told one by one unless asked otherwise: of those that fail, and of those without report
MOST: Final = 10_000
_KEPT: Final[Mapping[str, Callable[[int, Fraction], bool]]] = {
    "<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt, "==": operator.eq,
}  # fmt: skip
_NO_BASELINE: Final = "it is relative to a baseline, and none is given"


def limits_of(wishes: Mapping[str, object]) -> tuple[Limit, ...]:
    """Limits as Python has them, ``{"macs": "4 G"}``.

    Raises:
        ValueError: one is none, or a scan has nothing that it is on.
    """
    found = []
    for key, text in wishes.items():
        quantity, scope = split_key(key)
        found.append(make_limit(quantity, text, scope))
    check_limits(found)
    return tuple(found)


def check_limits(limits: Sequence[Limit]) -> None:
    """Raises ValueError where a scan has nothing that a limit is on, or there is no limit."""
    if not limits:
        raise ValueError('no limits: give some, such as {"macs": "4.2 G"}')
    for limit in limits:
        refused = refusal(limit)
        if refused is not None:
            raise ValueError(refused)


@dataclass(frozen=True, slots=True)
class CheckedAgainst:
    """What the rows of a scan are held against.

    Args:
        limits: those that `check_limits` lets pass.
        baseline: an earlier scan's rows and its name, for limits such as ``"+2 %"``.
        allow_unknown: that a limit can't be judged is no failure.
        require_baseline: a model that the baseline doesn't know keeps no relative limit.
        most: models that are told one by one.
    """

    limits: tuple[Limit, ...]
    baseline: tuple[Rows, str] | None = None
    allow_unknown: bool = False
    require_baseline: bool = False
    most: int = MOST

    @property
    def relative(self) -> bool:
        """Some limit is relative to the baseline."""
        return any(b.relation != "absolute" for limit in self.limits for b in limit.bounds)


def check_scan(scan: Rows, source: str, against: CheckedAgainst) -> ScanCheck:
    """Hold the rows of a scan against limits.

    Args:
        scan: its rows; gone through once, and twice where limits are relative to a baseline.
        source: what the scan is called.
        against: the limits, and what they are relative to.
    """
    earlier = None
    if against.relative and against.baseline is not None:
        earlier = RowStore()
        earlier.keep("before", against.baseline[0].rows(STORED))
        earlier.keep("after", scan.rows(("path",)))
    judged = _Judged(against, earlier)
    judged.take(scan.rows(columns_for(against.limits)))
    named = None if against.baseline is None else against.baseline[1]
    return judged.check(source, named)


class _Judged:
    """All that is kept of the rows while they are gone through."""

    def __init__(self, against: CheckedAgainst, earlier: RowStore | None) -> None:
        self._against, self._earlier = against, earlier
        self._asked: list[tuple[Limit, Bound | None]] = [
            (limit, bound)
            for limit in against.limits
            for bound in (limit.bounds if limit.quantity not in LISTS else (None,))
        ]
        self._states: list[dict[VerdictState, int]] = [{} for _ in self._asked]
        self._worst: list[tuple[tuple[int, Fraction], int, CheckedRow]] = []
        self._failing, self._broken = Failing(), list[tuple[str, str]]()
        self._models = self._bad = self._unread = 0

    def take(self, rows: Iterable[Mapping[str, object]]) -> None:
        for row in rows:
            self._models += 1
            path = str(row.get("path"))
            if (
                row.get("error") is not None
            ):  # what contradicts itself runs nowhere, however small it is
                self._unread += 1
                said = str(row["error"])
                self._failing.add(str(row.get("error_kind") or ""), said, path)
                if len(self._broken) < self._against.most:
                    self._broken.append((path, said))
                continue
            told = tuple(self._verdicts(row))
            if told:
                self._keep(CheckedRow(path, told))

    def _keep(self, row: CheckedRow) -> None:
        self._bad += not row.ok
        # Of equally bad ones the first: the number of the row, negative, is the smaller the later it comes.
        entry = (_badness(row), -self._models, row)
        if len(self._worst) < self._against.most:
            heapq.heappush(self._worst, entry)
        else:
            heapq.heappushpop(self._worst, entry)

    def _verdicts(self, row: Mapping[str, object]) -> Iterator[Verdict]:
        """What is to be said of the limits that a row isn't within."""
        base: Mapping[str, object] | str | None = None
        if self._earlier is not None:
            base = _earlier_row(self._earlier, row)
        for (limit, bound), states in zip(self._asked, self._states, strict=True):
            if bound is not None and bound.relation == "absolute":
                value = plain_value(row, limit.quantity)
                if value is not None and _KEPT[bound.comparison](value, bound.amount):
                    states["within"] = states.get("within", 0) + 1
                    continue  # of most rows that is all there is to say
            verdict = _verdict(row, limit, bound, base)
            states[verdict.state] = states.get(verdict.state, 0) + 1
            if verdict.state == "unknown":
                allowed = self._against.allow_unknown or limit.allow_unknown
                yield replace(verdict, tolerated=allowed)
            elif verdict.state == "new":
                yield replace(verdict, tolerated=not self._against.require_baseline)
            elif verdict.state == "exceeds":
                yield verdict

    def check(self, source: str, baseline: str | None) -> ScanCheck:
        tallies = tuple(
            LimitTally(
                limit, bound, Verdict(limit, "within", Figure.unknown(""), bound).asked,
                states.get("within", 0), states.get("exceeds", 0), states.get("unknown", 0),
                states.get("new", 0),
            )
            for (limit, bound), states in zip(self._asked, self._states, strict=True)
        )  # fmt: skip
        rows = tuple(row for _, _, row in sorted(self._worst, key=lambda x: x[:2], reverse=True))
        return ScanCheck(
            source, baseline, self._models, tallies, self._bad, self._unread, rows, self._failing.failures(),
            tuple(self._broken), self._against.most,
        )  # fmt: skip


def _earlier_row(store: RowStore, row: Mapping[str, object]) -> Mapping[str, object] | str:
    """The baseline's row of a model, by its path, else by its graph where that path is gone; or why not."""
    found = store.find("before", str(row.get("path")))
    if found is None and row.get("graph_digest") is not None:
        found = store.find_gone(str(row["graph_digest"]))
    if found is None:
        return ""
    if found["status"] == "error":
        return "the baseline has no report of it"
    return found


def _verdict(
    row: Mapping[str, object],
    limit: Limit,
    bound: Bound | None,
    base: Mapping[str, object] | str | None,
) -> Verdict:
    if bound is None:
        return _judge_operators(row, limit)
    own = row_figures(row, limit.quantity)
    if bound.relation == "absolute":
        return worst([held(limit, bound, figure) for figure in own])
    if base is None or isinstance(base, str):
        state: VerdictState = "new" if base == "" else "unknown"
        reason = _NO_BASELINE if base is None else base or "the baseline has no such model"
        return Verdict(limit, state, own[0], bound, reason=reason)
    old = row_figures(base, limit.quantity)
    if len(old) != len(own):
        why = f"the baseline has {limit.name} along {len(old)} axes, not {len(own)}"
        return Verdict(limit, "unknown", own[0], bound, reason=why)
    return worst([held(limit, bound, *pair) for pair in zip(own, old, strict=True)])


def _judge_operators(row: Mapping[str, object], limit: Limit) -> Verdict:
    odd = odd_operators(row, limit)
    if odd is None:
        why = "which operators it has isn't known"
        return Verdict(limit, "unknown", Figure.unknown(why), reason=why)
    state: VerdictState = "exceeds" if odd else "within"
    return Verdict(limit, state, Figure.exactly(sum(odd.values())), reason=odd_text(odd))


def _badness(row: CheckedRow) -> tuple[int, Fraction]:
    """How bad it is: what fails before what is allowed, what exceeds before what is unknown, by how much."""
    order: dict[VerdictState, int] = {"exceeds": 3, "unknown": 2, "new": 1, "within": 0}
    found = []
    for verdict in row.verdicts:
        beyond, amount = verdict.beyond, verdict.amount
        share = Fraction(0) if beyond is None else beyond / amount if amount else beyond
        found.append((order[verdict.state] + (0 if verdict.ok else 3), share))
    return max(found)
