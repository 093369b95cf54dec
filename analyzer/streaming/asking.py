"""From an analysis to what its model needs along a time axis.

Fields are followed a second time, with one thing otherwise: of a scan (a forward recurrence, a running sum,
causal attention) only how far ahead its units see. Where a unit sees all of the axis as fields are and a
short stretch of it then, it sees all the past, and its look-ahead is exact nevertheless.
"""

from __future__ import annotations

from collections.abc import Mapping

from cnnscope.analyzer.fields.fields import MAX_SPANS, NODE_SPANS, Fields, Room
from cnnscope.analyzer.fields.following import find_fields
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.fields.paths import InputAxis, Paths, Unfollowed
from cnnscope.analyzer.fields.regions import RegionLookup
from cnnscope.analyzer.model.graph import Node, nodes_behind, used_names
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.streaming.contexts import Context, find_context
from cnnscope.analyzer.streaming.ends import (
    EndsUnknown,
    goes_round,
    repeats_signal,
    shows_what_is_ahead,
    with_ends,
)
from cnnscope.analyzer.streaming.streaming import (
    LookingLayer,
    StreamedOutput,
    Streaming,
    common_chunk,
    streamed,
    unknown_ends,
)
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.notation import name as shown


def streaming_of(analysis: Analysis, axis: str | None, rate: int | None) -> Streaming:
    """What a model needs along a time axis.

    Args:
        axis: of which input, in the form ``input:2``; None: the only one that is looked along.
        rate: samples a second.

    Raises:
        BindingError: there is no such axis, or which one is meant isn't clear.
    """
    key = read_axis(analysis, axis)
    return _Stream(analysis, key).told(rate)


def read_axis(analysis: Analysis, given: str | None) -> InputAxis:
    """The time axis.

    Raises:
        BindingError: there is none, or which one is meant isn't clear.
    """
    inputs, tensors = list(analysis.graph.inputs), analysis.shapes.tensors
    if given is None:
        spatial = sorted(analysis.fields.spatial, key=lambda key: (inputs.index(key[0]), key[1]))
        if len(spatial) == 1:
            return spatial[0]
        if not spatial:
            raise BindingError(
                "no layer looks along an axis of an input: say which is the time axis, such as"
                f" --axis {shown(inputs[0]) if inputs else 'input'}:1"
            )
        there = ", ".join(f"{shown(name)}:{axis}" for name, axis in spatial)
        raise BindingError(
            f"layers look along several axes ({there}): say which is the time axis, such as"
            f" --axis {shown(spatial[-1][0])}:{spatial[-1][1]}"
        )
    name, colon, number = given.rpartition(":")
    if not colon and len(inputs) == 1:
        name = inputs[0]
    if name not in inputs or not number.removeprefix("-").isdecimal() or len(number) > 4:
        raise BindingError(
            f"--axis {shown(given)}: write an input and its axis, such as"
            f" {shown(inputs[0]) if inputs else 'input'}:2; inputs are: {', '.join(map(shown, inputs))}"
        )
    rank = len(tensors[name].shape or ())
    if not -rank <= int(number) < rank:
        raise BindingError(f"--axis {shown(given)}: input {shown(name)} has {rank} axes")
    return name, int(number) % rank


class _Stream:
    """An analysis along one axis."""

    def __init__(self, analysis: Analysis, key: InputAxis) -> None:
        self.analysis, self.key = analysis, key
        graph = analysis.graph
        room = Room(MAX_SPANS + NODE_SPANS * len(graph.nodes), Unfollowed())
        room.known = KnownFields(latest=True)
        self.latest = find_fields(graph, analysis.shapes, room=room)
        self._lookup = RegionLookup(graph, analysis.shapes, dict(analysis.fields.reads))
        self._contexts: dict[str, Context | None] = {}

    def told(self, rate: int | None) -> Streaming:
        graph = self.analysis.graph
        outputs = [
            self._output(name) for name in graph.outputs if _paths(self.latest, name, self.key)
        ]
        behind = nodes_behind(graph, [x.output for x in outputs])
        chunk = window = None
        if outputs and all(x.streamable for x in outputs):
            names = [name for node in behind for name in node.outputs if name]
            every = [found for name in names if (found := self._context(name)) is not None]
            chunk = common_chunk(every) if every else 1
            window = self._context_window(outputs, chunk)
        name, axis = self.key
        return Streaming(
            self.analysis.file.path, name, axis, rate, tuple(outputs), tuple(self._looking(behind)),
            chunk, window,
        )  # fmt: skip

    def _context(self, tensor: str) -> Context | None:
        if tensor not in self._contexts:
            paths = _paths(self.latest, tensor, self.key)
            shape = self.analysis.shapes.tensors[tensor].shape
            self._contexts[tensor] = None if paths is None else find_context(paths, shape)
        return self._contexts[tensor]

    def _time_axis(self, tensor: str) -> int | None:
        context = self._context(tensor) if tensor else None
        return None if context is None else context.axis

    def _output(self, name: str) -> StreamedOutput:
        context = self._context(name)
        if context is not None:
            unbounded, nodes = self._unbounded_by(name), nodes_behind(self.analysis.graph, [name])
            round_ = goes_round(nodes, self.latest, self._time_axis)
            if round_ is not None:
                said = "padding shows its first units the end of the signal"
                return StreamedOutput(name, blocked_by=round_.name, reason=said, causal=False)
            if not repeats_signal(nodes, self.latest, self._time_axis):
                return streamed(name, context, unbounded)
            try:
                context = with_ends(name, context, self.key, self.analysis, self._lookup)
            except EndsUnknown as error:
                if not shows_what_is_ahead(nodes, self.latest, self._time_axis):
                    return streamed(name, context, unbounded)
                return unknown_ends(streamed(name, context, unbounded), str(error))
            return streamed(name, context, unbounded)
        paths = _paths(self.latest, name, self.key)
        assert paths is not None
        blocking = self._blocking(name)
        by = None if blocking is None else blocking.name
        fixed = [term for term in paths.terms if not term.digits]
        whole = next((term for term in fixed if term.whole), None)
        if whole is not None:
            reason = "each of its units sees the whole signal"
            return StreamedOutput(name, blocked_by=whole.by or by, reason=reason, causal=False)
        if not paths.known or any(term.at_least is not None for term in fixed) or not fixed:
            by = next((term.by for term in fixed if term.by), by)
            reason = (
                "what its units see isn't followed through this layer, or they don't move on evenly"
            )
            return StreamedOutput(name, blocked_by=by, reason=reason)
        by = next((term.by for term in fixed if term.by), by)
        return StreamedOutput(
            name, blocked_by=by, reason="its units see the same samples, wherever they are"
        )

    def _unbounded_by(self, name: str) -> str | None:
        """The layer because of which its units see all the past; None where they don't."""
        paths = _paths(self.analysis.fields, name, self.key)
        fixed = [term for term in paths.terms if not term.digits] if paths is not None else []
        return next((term.by for term in fixed if term.by), None)

    def _blocking(self, output: str) -> Node | None:
        """The first layer on the way to an output whose units no longer move on along the axis."""
        for node in nodes_behind(self.analysis.graph, [output]):
            seen = [x for x in used_names(node) if _paths(self.latest, x, self.key)]
            if seen and all(self._context(x) is not None for x in seen):
                for name in node.outputs:
                    if name and _paths(self.latest, name, self.key) and not self._context(name):
                        return node
        return None

    def _looking(self, nodes: list[Node]) -> list[LookingLayer]:
        """The layers at which the look-ahead changes."""
        found = []
        for node in nodes:
            before = [x for name in used_names(node) if (x := self._context(name)) is not None]
            behind = [x for name in node.outputs if name and (x := self._context(name)) is not None]
            if not before or not behind:
                continue
            now = max(x.look_ahead for x in behind)
            added = now - max(x.look_ahead for x in before)
            if added:
                found.append(LookingLayer(node.name, node.op, added, now))
        return found

    def _context_window(self, outputs: list[StreamedOutput], chunk: int) -> int | None:
        """Samples that give all the units of a chunk."""
        if any(x.unbounded_by is not None for x in outputs):
            return None
        spans = []
        for output in outputs:
            context = self._context(output.output)
            if context is not None:
                first, last = context.reach
                spans.append((first, last + chunk - context.advance))
        return max(last for _, last in spans) - min(first for first, _ in spans) + 1


def _paths(fields: Fields, tensor: str, key: InputAxis) -> Paths | None:
    """What the units of a tensor see of the axis; None where they see nothing of it."""
    state: Mapping[InputAxis, Paths] = fields.states.get(tensor, {})
    paths = state.get(key)
    return paths if paths is not None and (paths.terms or not paths.known) else None
