"""Between which figures do a model's costs lie, over all valid sizes in a range, as an answer?

`costs_over` finds each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.sizes.costs_over import CostsOver, Interval, Metrics
from cnnscope.analyzer.values.notation import many, named_size
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Intervals(Answer):
    """Between which figures a model's costs lie; what `cnnscope.intervals` gives.

    Args:
        model: its path; None for one in memory.
        ranges: name of a dimension to its least and greatest length.
        bound: dimensions that have one length: given, or a batch taken for 1.
        totals: an interval for each total.
        outputs: and for each axis of each output, named ``output:axis``.
        sizes: how many sizes there are.
        valid: how many of them are valid; None: they weren't counted.
    """

    model: str | None
    ranges: Mapping[str, tuple[int, int]]
    bound: Mapping[str, int]
    totals: tuple[Interval, ...]
    outputs: tuple[Interval, ...]
    sizes: int
    valid: int | None

    def __getitem__(self, name: str) -> Interval:
        """That of a total, or of an output's axis."""
        for interval in (*self.totals, *self.outputs):
            if interval.name == name:
                return interval
        raise KeyError(name)

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope analyze MODEL --dim H=224..640``."""
        return {
            "schema_version": 1,
            "model": self.model,
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "bound": dict(self.bound),
            "sizes": self.sizes,
            "valid": self.valid,
            "totals": [interval.to_dict() for interval in self.totals],
            "outputs": [interval.to_dict() for interval in self.outputs],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each interval."""
        for interval in (*self.totals, *self.outputs):
            ends = {"least_at": interval.least_at, "most_at": interval.most_at}
            yield interval.to_dict() | {
                key: None if at is None else named_size(at) for key, at in ends.items()
            }

    def summary(self) -> str:
        return f"over {many(self.sizes, 'size')}"


def find_intervals(finding: CostsOver) -> Intervals:
    """The intervals of all totals and output lengths over ranges of lengths."""
    costs = finding.costs
    outputs = [
        finding.of_length(f"{output.name}:{axis}", length)
        for output in costs.report.outputs
        for axis, length in enumerate(output.shape or ())
    ]
    return Intervals(
        costs.file.path,
        finding.ranges,
        {**costs.bound, **costs.batch},
        tuple(finding.of(name, _total(name)) for name in costs.report.totals.metrics()),
        tuple(outputs), finding.sizes, finding.valid,
    )  # fmt: skip


def _total(name: str) -> Metrics:
    def of(report: Report) -> Metric:
        found: Metric = getattr(report.totals, name)
        return found

    return of
