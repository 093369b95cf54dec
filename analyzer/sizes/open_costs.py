"""What does a model cost at any size of its inputs? It is analysed once, with their lengths free.

Its figures are formulas then, which are evaluated for many sizes at once. They hold where everything holds
that rules took for granted, and nothing was worked out otherwise there (`values.conditions`). Of a size for
which that can't be told, or isn't so, the analysis is asked itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from cnnscope.analyzer.model.file import ModelFile, open_model
from cnnscope.analyzer.passes.costs import count_costs
from cnnscope.analyzer.report.examination import Source, examine
from cnnscope.analyzer.report.gathering import report_of
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.sizes.network_lengths import NetworkLengths
from cnnscope.analyzer.values.conditions import Claim, noting
from cnnscope.analyzer.values.diagnostics import BindingError, GraphError
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.many_lengths import Booleans, Numbers, evaluated, where_holds
from cnnscope.analyzer.values.tensor import lengths_to_be_given


class OpenCosts:
    """A model analysed with some of its lengths free.

    Args:
        model: what `analyze` takes.
        free: what the file fixes and is to be opened.
        bound: free dimensions that have one length.
        names: those that get many.

    Raises:
        BindingError: there is no such dimension, or a further one is free.
    """

    def __init__(
        self, model: Source | ModelFile, free: Sequence[str], bound: Mapping[str, int],
        names: Collection[str],
    ) -> None:  # fmt: skip
        self.file = model if isinstance(model, ModelFile) else open_model(model)
        self.free, self.bound, self.names = tuple(free), dict(bound), tuple(names)
        found = examine(self.file, free=free, dims=bound, to_be_given=names)
        self.report: Report = report_of(found)
        inputs = {name: found.shapes.tensors[name] for name in found.graph.inputs}
        self.network = NetworkLengths.of(found.graph, inputs, {})
        there = self.network.places
        for name in names:
            if name not in there:
                known = f"; free are: {', '.join(there)}" if there else "; --free HxW opens axes"
                raise BindingError(f"no input has a free dimension {name!r}{known}")
        left = [name for name in there if name not in self.names]
        if left:
            raise BindingError(
                f"dimension {left[0]} is free, too: give its lengths (--dim {left[0]}=224; together with"
                f" another one, --dim {self.names[0]},{left[0]}=224,256; in Python dims)"
            )
        with noting() as noted:
            token = lengths_to_be_given.set(True)
            try:
                count_costs(found.graph, found.shapes)
            finally:
                lengths_to_be_given.reset(token)
        #: where one of these holds, some node costs otherwise than the formulas say
        self.otherwise = {c: None for x in noted.conditions for c in x.otherwise}

    @property
    def batch(self) -> dict[str, int]:
        """Free dimensions that were taken for the batch, and for 1."""
        return dict.fromkeys(self.report.batch, 1)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What wasn't followed: of every size the analysis is asked then."""
        return self.network.doubts

    def standing(self, lengths: Mapping[str, Numbers]) -> tuple[Booleans, Booleans]:
        """Of each of many sizes: is it valid, and is that, and what the formulas say, sure?"""
        shape = np.broadcast_shapes(*(array.shape for array in lengths.values()))
        valid, sure = np.ones(shape, bool), np.ones(shape, bool)
        if self.network.doubts:
            return valid, np.zeros(shape, bool)
        for array in lengths.values():
            valid &= array >= 1
        for condition in self.network.conditions:
            # Whoever works otherwise comes to it only where everything holds that was asked before.
            for claim in condition.otherwise:
                sure &= ~(self._holds(claim, lengths, sure) & valid)
            held = np.zeros(shape, bool)
            for claim in condition.either:
                held |= self._holds(claim, lengths, sure)
            valid &= held
        for claim in self.otherwise:
            sure &= ~(self._holds(claim, lengths, sure) & valid)
        return valid, sure

    @staticmethod
    def _holds(claim: Claim, lengths: Mapping[str, Numbers], sure: Booleans) -> Booleans:
        held, known = where_holds(claim, lengths)
        sure &= known
        return held

    def at(self, lengths: Mapping[str, int]) -> Report | None:
        """The analysis of one size; None where the model doesn't accept it."""
        try:
            dims = {**self.bound, **self.batch, **lengths}
            found = report_of(examine(self.file, free=self.free, dims=dims))
        except GraphError:
            return None
        return None if found.errors else found


def missing(metric: Metric) -> str:
    """Why a total has no formula; empty where it has one, or a number."""
    if metric.value is not None:
        return ""
    if metric.lacking:
        return "lacks " + ", ".join(f"{n} x {what}" for what, n in metric.lacking.items())
    return "" if metric.moments else "no formula was found"


def formulas(metric: Metric) -> tuple[Dim, ...]:
    """What a total is the largest of: formulas, or its number; none where it has no formula."""
    if metric.value is not None:
        return (metric.value,)
    return () if missing(metric) else metric.moments


def many_totals(metric: Metric, lengths: Mapping[str, Numbers]) -> Numbers | None:
    """A total in each of many sizes: the largest of its moments; None where it has no formula."""
    found: Numbers | None = None
    for moment in formulas(metric):
        part = many_lengths(moment, lengths)
        if part is None:
            return None
        found = part if found is None else np.maximum(found, part)
    return found


def many_lengths(value: Dim | None, lengths: Mapping[str, Numbers]) -> Numbers | None:
    """A length in each of many sizes; None where that can't be told."""
    if value is None or (isinstance(value, FreeDim) and value.data):
        return None
    try:
        return evaluated(value, lengths)
    except Undetermined:
        return None
