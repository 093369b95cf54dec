"""Is a tensor NaN where the reads, run forwards, say so, and within the field that is reported?

What one probe gives are *maps*: of every tensor, which units are NaN, over the axes that move with
the input's. Two things are held against each: the units touched by the point, exactly; and the spans
of the units' fields (equation (1) of `analyzer.fields.following`), which have to hold it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.fields.boxes import Box, ranges
from cnnscope.analyzer.fields.digits import Everything
from cnnscope.analyzer.fields.touched import Touched, find_touched
from cnnscope.analyzer.model.graph import used_names
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.report.field_figures import receptive_field
from cnnscope.analyzer.report.verification import FieldCheck, Mismatch, Probe, Unchecked
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.probe.copy import ProbeCopy

if TYPE_CHECKING:
    from cnnscope.analyzer.fields.paths import InputAxis, Paths
    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.analyzer.report.receptive_field import ReceptiveField

Map = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TensorMap:
    """What leaves ONNX Runtime of one tensor: its sum over all axes but these."""

    name: str
    axes: tuple[int, ...]
    lengths: tuple[int, ...]


def known_shape(analysis: Analysis, name: str) -> tuple[int, ...]:
    shape = analysis.shapes.tensors[name].shape
    assert shape is not None
    return tuple(d for d in shape if isinstance(d, int))


def _start(analysis: Analysis, point: Probe) -> Box:
    box = [np.ones(length, bool) for length in known_shape(analysis, point.input)]
    for axis, index in zip(point.axes, point.index, strict=True):
        box[axis][:] = False
        box[axis][index] = True
    return tuple(box)


@dataclass(eq=False)
class ProbeComparison:
    """What all probes found."""

    analysis: Analysis
    written: ProbeCopy
    maps: Mapping[str, TensorMap]
    compared: set[str] = field(default_factory=set)
    wrong: dict[str, Mismatch] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    rough: dict[str, str] = field(default_factory=dict)
    shown: dict[tuple[str, InputAxis], ReceptiveField] = field(default_factory=dict)

    def add(self, point: Probe, found: Iterator[tuple[str, Map]]) -> None:
        """One probe's maps."""
        analysis = self.analysis
        touched = find_touched(
            analysis.graph, analysis.shapes, {point.input: [_start(analysis, point)]},
            analysis.fields.reads,
        )  # fmt: skip
        direct = self.without_echoes(point, touched)
        for tensor, actual in found:
            if tensor in self.refused:
                continue
            if tensor in touched.unknown:
                self.rough[tensor] = touched.unknown[tensor]
                continue
            predicted = _predicted(touched, tensor, self.maps[tensor])
            if tensor in touched.rough and self.within(actual, predicted):
                self.rough[tensor] = touched.rough[tensor]
                continue
            self.compared.add(tensor)
            if tensor in self.wrong:
                continue
            if actual.shape != predicted.shape:
                self.wrong[tensor] = self.misshapen(tensor, predicted, actual)
                continue
            if not np.array_equal(predicted, actual):
                self.wrong[tensor] = self.mismatch(tensor, "field", predicted, actual, point)
                continue
            held = actual
            if direct is not touched:
                held = actual & _predicted(direct, tensor, self.maps[tensor])
            seen = self.within_span(tensor, held, point)
            if (held & ~seen).any():
                self.wrong[tensor] = self.mismatch(tensor, "span", seen, held, point)

    @staticmethod
    def within(actual: Map, predicted: Map) -> bool:
        """Less than an upper bound allows: nothing can be said."""
        if actual.shape != predicted.shape or np.array_equal(actual, predicted):
            return False
        return not (actual & ~predicted).any()

    def without_echoes(self, point: Probe, touched: Touched) -> Touched:
        """The same without what borders mirror, repeat or wrap around: a span leaves that out."""
        if not self.echoing:
            return touched
        analysis = self.analysis
        return find_touched(
            analysis.graph, analysis.shapes, {point.input: [_start(analysis, point)]},
            analysis.fields.reads, echoes=False,
        )  # fmt: skip

    @cached_property
    def echoing(self) -> bool:
        """Does anything read beyond a border? (Subgraphs aren't looked into: they may.)"""
        return any(
            reads.through
            or any(
                isinstance(way, Along) and way.window.outside != "nothing"
                for per_input in reads.outputs
                for read in per_input
                if isinstance(read, tuple)
                for way in read
            )
            for reads in self.analysis.fields.reads.values()
        ) or bool(self.analysis.fields.bordered or self.analysis.shapes.functions)

    def within_span(self, tensor: str, actual: Map, point: Probe) -> Map:
        """The units whose field, as reported, holds the point."""
        state = self.analysis.fields.states.get(tensor, {})
        seen = np.ones(actual.shape, bool)
        for axis, index in zip(point.axes, point.index, strict=True):
            paths = state.get((point.input, axis))
            if paths is None:
                if not actual.any():
                    continue
                return np.zeros(actual.shape, bool)
            seen &= _spans(paths, self.maps[tensor], index)
            seen &= _reported(self.reported(tensor, (point.input, axis)), self.maps[tensor], index)
        return seen

    def reported(self, tensor: str, key: InputAxis) -> ReceptiveField:
        """What a report shows of a tensor along an axis of a network input."""
        if (tensor, key) not in self.shown:
            tensors = self.analysis.shapes.tensors
            self.shown[tensor, key] = receptive_field(
                key, self.analysis.fields.states[tensor][key], tensors[key[0]],
                tensors[tensor].shape,
            )  # fmt: skip
        return self.shown[tensor, key]

    def mismatch(self, tensor: str, what: str, mine: Map, actual: Map, point: Probe) -> Mismatch:
        node = self.analysis.graph.producers.get(tensor)
        return Mismatch(
            tensor,
            "" if node is None else node.name,
            "" if node is None else node.title,
            what,
            self.told(tensor, mine, point),
            self.told(tensor, actual, point),
        )

    def misshapen(self, tensor: str, mine: Map, actual: Map) -> Mismatch:
        node = self.analysis.graph.producers.get(tensor)
        name, op = ("", "") if node is None else (node.name, node.title)
        return Mismatch(tensor, name, op, "length", list(mine.shape), list(actual.shape))

    def told(self, tensor: str, which: Map, point: Probe) -> dict[str, object]:
        """Which units hang on the point, along each axis that moves with the input's."""
        found: dict[str, object] = {"probe": point.to_dict(), "units": int(which.sum())}
        for k, axis in enumerate(self.maps[tensor].axes):
            others = tuple(i for i in range(which.ndim) if i != k)
            found[f"axis {axis}"] = ranges(np.asarray(which.any(axis=others), bool))
        return found

    def result(self, points: Sequence[Probe], failed: str | None = None) -> FieldCheck:
        """All of it, in running order; `failed`: why there is no more."""
        graph = self.analysis.graph
        order = [*graph.inputs, *(o for node in graph.nodes for o in node.outputs if o)]
        mismatches = []
        for tensor in order:
            if tensor in self.wrong:
                node = graph.producers.get(tensor)
                earlier = used_names(node) if node is not None else []
                cause = not any(name in self.wrong for name in earlier)
                mismatches.append(replace(self.wrong[tensor], cause=cause))
        unchecked = [
            Unchecked(tensor, self.reason(tensor, failed))
            for tensor in order
            if tensor not in self.compared and self.hangs(tensor)
        ]
        count = len(self.compared)
        reason = failed if failed or count else "no tensor could be probed"
        return FieldCheck(
            count,
            count - len(self.wrong),
            tuple(mismatches),
            tuple(unchecked),
            reason,
            tuple(points),
        )

    def hangs(self, tensor: str) -> bool:
        """Does it hang on the network's inputs, by what was rewritten or by what was said?"""
        return (
            tensor in self.written.names
            or tensor in self.written.missing
            or bool(self.analysis.fields.states.get(tensor))
        )

    def reason(self, tensor: str, failed: str | None) -> str:
        """Why a tensor wasn't compared."""
        for reasons in (self.written.missing, self.refused, self.rough):
            if tensor in reasons:
                return reasons[tensor]
        if failed is not None:
            return failed
        if tensor not in self.written.names:
            return "known beforehand, or hangs on shapes alone"
        return "its shape isn't known, or it has no elements"


def _predicted(touched: Touched, tensor: str, told: TensorMap) -> Map:
    found = np.zeros(told.lengths, bool)
    for box in touched.boxes.get(tensor, ()):
        if all(mask.any() for mask in box):
            found[np.ix_(*(box[axis] for axis in told.axes))] = True
    return found


def _spans(paths: Paths, told: TensorMap, index: int) -> Map:
    """The units that see an input index, by the field's spans (equation (1) of `terms`)."""
    seen = np.zeros(told.lengths, bool)
    if not paths.known:
        return ~seen
    for term in paths.terms:
        if not term.digits:
            fixed = term.fixed
            if isinstance(fixed, Everything) or (
                fixed is not None and fixed[0] <= index <= fixed[1]
            ):
                return np.ones(told.lengths, bool)
            continue
        lo, hi = np.zeros(told.lengths, np.int64), np.zeros(told.lengths, np.int64)
        some = np.ones(told.lengths, bool)
        for digit in term.digits:
            if digit.axis not in told.axes:
                return np.ones(told.lengths, bool)
            k = told.axes.index(digit.axis)
            units = np.arange(told.lengths[k]) // digit.div
            units = units if digit.mod is None else units % digit.mod
            low, high, there = _ends(digit.field.spans, digit.field.advance, units)
            wide = [1] * len(told.lengths)
            wide[k] = -1
            lo, hi = lo + low.reshape(wide), hi + high.reshape(wide)
            some &= there.reshape(wide)
        seen |= some & (lo <= index) & (index <= hi)
    return seen


def _reported(field: ReceptiveField, told: TensorMap, index: int) -> Map:
    """The units that see an input index, by what a report shows: its global mark and its spans."""
    seen = np.ones(told.lengths, bool)
    phases = field.phases
    if field.global_ or phases is None or field.output_axis not in told.axes:
        return seen
    k = told.axes.index(field.output_axis)
    length = told.lengths[k]
    # `Phases.span` of all units at once: where units keep to no period, each is listed, or sees nothing.
    period = phases.period or max(length, 1)
    spans = (*phases.spans[:period], *[None] * (period - len(phases.spans)))
    low, high, there = _ends(spans, phases.advance or 0, np.arange(length))
    wide = [1] * len(told.lengths)
    wide[k] = -1
    seen &= (there & (low <= index) & (index <= high)).reshape(wide)
    return seen


def _ends(
    spans: Sequence[tuple[int, int] | None], advance: int, units: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Map]:
    """First and last position that some units see, and whether they see any."""
    table = np.array([(0, 0) if span is None else span for span in spans], np.int64)
    there = np.array([span is not None for span in spans])
    turns, phases = np.divmod(units, len(spans))
    shift = turns * advance
    return table[phases, 0] + shift, table[phases, 1] + shift, there[phases]
