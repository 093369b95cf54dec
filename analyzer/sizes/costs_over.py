"""Between which figures does a cost lie, over all valid sizes in ranges of lengths, and at which is it so?

Where there are few enough sizes, each is looked at, and both ends of an interval are figures of a valid one.
Where there are more, formulas that are shown to rise in every length lie between those of the range's two
corners: a corner that isn't valid itself leaves a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.sizes.grid import Axis, count_of, grid
from cnnscope.analyzer.sizes.open_costs import (
    OpenCosts,
    formulas,
    many_lengths,
    many_totals,
    missing,
)
from cnnscope.analyzer.sizes.rising import rises
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.many_lengths import Booleans, Numbers
from cnnscope.analyzer.values.notation import many, named_size
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.substitution import substituted

#: sizes each of which is looked at, and those that are analysed one by one
_EACH: Final = 1 << 18
_ASKED: Final = 64

#: what is asked of a report
Metrics = Callable[[Report], Metric]


@dataclass(frozen=True, slots=True)
class Interval:
    """Between which figures something lies.

    Args:
        name: a total's, or an output's with an axis.
        least, most: the ends, both included; None: not known.
        least_at, most_at: a valid size that has it; None: it is a bound, which none need have.
        why: why it isn't known.
    """

    name: str
    least: int | None
    most: int | None
    least_at: Mapping[str, int] | None
    most_at: Mapping[str, int] | None
    why: str = ""

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "name": self.name,
            "least": self.least,
            "most": self.most,
            "least_at": None if self.least_at is None else dict(self.least_at),
            "most_at": None if self.most_at is None else dict(self.most_at),
            "why": self.why,
        }


class CostsOver:
    """A model's costs over all valid sizes in ranges of lengths.

    Args:
        costs: the model, analysed with these lengths free.
        axes: which lengths there are of each.
    """

    def __init__(self, costs: OpenCosts, axes: Sequence[Axis]) -> None:
        self.costs = costs
        self.ranges = {name: (min(x.lengths), max(x.lengths)) for x in axes for name in x.names}
        self.sizes = count_of(axes)
        self._finding = (_Each if self.sizes <= _EACH else _Corners)(costs, axes)
        self._at: dict[tuple[int, ...], Report | None] = {}

    @property
    def report(self) -> Report:
        """The analysis, its figures formulas of the lengths."""
        return self.costs.report

    @property
    def valid(self) -> int | None:
        """How many sizes are valid; None: they weren't counted."""
        return self._finding.valid

    def of(self, name: str, ask: Metrics) -> Interval:
        """Between which figures something that a report says lies.

        Args:
            name: what to call it.
            ask: what it is of a report: of the analysis with free lengths, and of one of a size.
        """
        return self._finding.of_metric(name, ask)

    def of_length(self, name: str, length: Dim) -> Interval:
        """Between which lengths an axis of an output lies: ``output:axis``."""
        return self._finding.of_length(name, length)

    def at(self, size: Mapping[str, int]) -> Report | None:
        """The analysis of one size; None where the model doesn't accept it."""
        key = tuple(size.values())
        if key not in self._at:
            self._at[key] = self.costs.at(size)
        return self._at[key]


class _Each:
    """Every size is looked at."""

    def __init__(self, costs: OpenCosts, axes: Sequence[Axis]) -> None:
        self.costs, self.lengths = costs, grid(axes, _EACH)
        valid, sure = costs.standing(self.lengths)
        self.known: Booleans = valid & sure
        unsure = np.flatnonzero(~sure).tolist()
        self.why = ""
        if len(unsure) > _ASKED:
            self.why = f"at {many(len(unsure), 'size')} formulas don't tell, and only {_ASKED} are analysed"
            unsure = []
        asked = {i: costs.at(self.size(i)) for i in unsure}
        self.asked = {i: report for i, report in asked.items() if report is not None}
        self.valid: int | None = None if self.why else int(self.known.sum()) + len(self.asked)
        if not self.why and not self.valid:
            self.why = "no size in the range is valid"
        places = np.flatnonzero(self.known)
        #: the analyses of the first and the last size have to say what the formulas do
        ends: list[int] = places[[0, -1]].tolist() if len(places) else []
        self.ends = {i: costs.at(self.size(i)) for i in dict.fromkeys(ends)}
        if None in self.ends.values():
            self.why = "the analysis refuses a size that formulas take for valid"

    def size(self, i: int) -> dict[str, int]:
        return {name: int(array[i]) for name, array in self.lengths.items()}

    def of_metric(self, name: str, ask: Metrics) -> Interval:
        metric = ask(self.costs.report)
        why = self.why or missing(metric)
        array = None if why else many_totals(metric, self.lengths)
        for i, report in self.ends.items() if array is not None else ():
            if report is not None and ask(report).value != int(array[i]):  # type: ignore[index]
                why = f"the analysis of {named_size(self.size(i))} says otherwise than the formula"
        others = {i: ask(report).value for i, report in self.asked.items()}
        return self.interval(name, array, others, why)

    def of_length(self, name: str, length: Dim) -> Interval:
        output, _, axis = name.rpartition(":")
        others = {}
        for i, report in self.asked.items():
            shape = next(x.shape for x in report.outputs if x.name == output)
            found = None if shape is None else shape[int(axis)]
            others[i] = found if isinstance(found, int) else None
        array = None if self.why else many_lengths(length, self.lengths)
        return self.interval(name, array, others, self.why)

    def interval(
        self, name: str, array: Numbers | None, others: Mapping[int, int | None], why: str
    ) -> Interval:
        if why or array is None or None in others.values():
            return Interval(name, None, None, None, None, why or "it hangs on more than lengths")
        values = {i: n for i, n in others.items() if n is not None}
        places = np.flatnonzero(self.known)
        if len(places):
            for k in (int(np.argmin(array[places])), int(np.argmax(array[places]))):
                values[int(places[k])] = int(array[places[k]])
        low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
        return Interval(name, values[low], values[high], self.size(low), self.size(high))


class _Corners:
    """The ends of formulas that rise."""

    valid: int | None = None

    def __init__(self, costs: OpenCosts, axes: Sequence[Axis]) -> None:
        self.costs = costs
        self.low = {name: min(axis.lengths) for axis in axes for name in axis.names}
        self.high = {name: max(axis.lengths) for axis in axes for name in axis.names}
        otherwise = any(condition.otherwise for condition in costs.network.conditions)
        self.why = ""
        if costs.doubts or otherwise or costs.otherwise:
            self.why = f"the network may work otherwise at some sizes, and more than {_EACH} aren't looked at"

    def of_metric(self, name: str, ask: Metrics) -> Interval:
        metric = ask(self.costs.report)
        why = self.why or missing(metric)
        if why:
            return Interval(name, None, None, None, None, why)
        return self.interval(name, formulas(metric))

    def of_length(self, name: str, length: Dim) -> Interval:
        if self.why:
            return Interval(name, None, None, None, None, self.why)
        return self.interval(name, (length,))

    def interval(self, name: str, moments: Sequence[Dim]) -> Interval:
        names = tuple(self.low)
        from_low = {label: FreeDim.named(label) + (n - 1) for label, n in self.low.items()}
        if not all(rises(substituted(x, from_low), *names) for x in moments):
            why = f"its formula isn't shown to rise, and more than {_EACH} sizes aren't looked at"
            return Interval(name, None, None, None, None, why)
        ends = [max(_number(x, size) for x in moments) for size in (self.low, self.high)]
        at: list[Mapping[str, int] | None] = [
            size if self._is_valid(size) else None for size in (self.low, self.high)
        ]
        return Interval(name, ends[0], ends[1], at[0], at[1])

    def _is_valid(self, size: Mapping[str, int]) -> bool:
        valid, sure = self.costs.standing({name: np.array([n]) for name, n in size.items()})
        return bool(valid[0] and sure[0])


def _number(value: Dim, size: Mapping[str, int]) -> int:
    found = substituted(value, size)
    assert isinstance(found, int)
    return found
