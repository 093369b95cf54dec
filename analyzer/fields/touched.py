"""Which units of every tensor does a set of input positions reach?

The nodes' reads run forwards, as the same sets of indices that `regions` runs backwards: unit `u` of
a tensor is touched by position `r` exactly when `r` is in the region of `u`. What a fault in one
input row turns wrong is this set, which is how receptive fields are held against an execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

import numpy as np

from cnnscope.analyzer.fields.boxes import Box, add_box, known_lengths, whole
from cnnscope.analyzer.fields.fields import MAX_TRIPS
from cnnscope.analyzer.fields.forwards import readers
from cnnscope.analyzer.fields.spelt_padding import Border, spelt_border
from cnnscope.analyzer.model.graph import Graph, Node, captures, used_names
from cnnscope.analyzer.operators.reading import Nothing, Through
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads, find_reads
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, eq=False)
class Touched:
    """What some positions of the network inputs reach.

    Args:
        boxes: by tensor, the touched units; tensors that aren't here aren't touched.
        rough: tensors whose boxes hold all that is touched and may hold more, with the reason.
        unknown: tensors of which not even that is known, with the reason.
    """

    boxes: dict[str, list[Box]] = field(default_factory=dict)
    rough: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)


def find_touched(
    graph: Graph,
    shapes: Shapes,
    given: Mapping[str, Sequence[Box]],
    reads: Mapping[int, NodeReads] | None = None,
    rough: Mapping[str, str] | None = None,
    *,
    echoes: bool = True,
) -> Touched:
    """The units of every tensor that depend on some elements of the graph's inputs.

    Args:
        graph: main graph or body.
        shapes: its shapes, without free dimensions.
        given: the touched elements by tensor: network inputs; of a body, also what it captures.
        reads: by node index, what its outputs read, where that has been found already.
        rough: which of the given sets aren't exact, with the reason.
        echoes: count what a border reads mirrored, repeated or wrapped around.
    """
    found = Touched(
        {name: list(boxes) for name, boxes in given.items() if boxes}, dict(rough or {})
    )
    for node in graph.nodes:
        if shapes.folded(node):
            continue
        _forwards(node, graph, shapes, found, reads or {}, echoes)
    return found


def _forwards(
    node: Node, graph: Graph, shapes: Shapes, found: Touched, all_reads: Mapping[int, NodeReads],
    echoes: bool,
) -> None:  # fmt: skip
    if node.index in shapes.functions:
        body, inner = shapes.functions[node.index]
        rough = {name: found.rough[name] for name in body.inputs if name in found.rough}
        result = find_touched(body, inner, _known(body.inputs, found), None, rough, echoes=echoes)
        reason = _first(found.unknown, body.inputs)
        for name in filter(None, node.outputs):
            _set(found, name, result.boxes.get(name, []), result.rough.get(name))
            _set_unknown(found, name, reason or result.unknown.get(name))
        return
    reads = all_reads.get(node.index) or find_reads(node, shapes)
    if reads.through:
        _bodies(node, shapes, found, reads.through, echoes)
        return
    for output, per_input in zip(node.outputs, reads.outputs, strict=True):
        if not output:
            continue
        inputs = node.inputs
        if border := None if echoes else _border(node, output, per_input, graph, shapes, all_reads):
            inputs, per_input = (border.source,), (border.read,)
        boxes: list[Box] = []
        reason = unknown = None
        for name, read in zip(inputs, per_input, strict=True):
            if not name or isinstance(read, Nothing):
                continue
            reason = reason or found.rough.get(name)
            unknown = unknown or found.unknown.get(name)
            if name not in found.boxes:
                continue
            try:
                before = known_lengths(shapes.tensors[name], name)
                after = known_lengths(shapes.tensors[output], output)
            except ValueError as error:
                unknown = unknown or str(error)
                continue
            if read is None:
                reason = reason or f"what {node.path} reads isn't known"
            for box in found.boxes[name]:
                ahead, exact = readers(box, read, before, after, echoes)
                for one in ahead:
                    exact = add_box(boxes, one) and exact
                if not exact:
                    reason = reason or f"what {node.path} gives is no few products of axes"
        _set(found, output, boxes, reason)
        _set_unknown(found, output, unknown)


def _border(
    node: Node, output: str, per_input: Sequence[KnownRead], graph: Graph, shapes: Shapes,
    reads: Mapping[int, NodeReads],
) -> Border | None:  # fmt: skip
    """The border that an output spells out; without what it mirrors, repeats or wraps around."""
    return spelt_border(node, shapes.tensors[output], per_input, graph, shapes, reads)


def _known(names: Sequence[str] | Mapping[str, object], found: Touched) -> dict[str, list[Box]]:
    return {name: found.boxes[name] for name in names if name in found.boxes}


def _set(found: Touched, name: str, boxes: list[Box], reason: str | None) -> None:
    if boxes:
        found.boxes[name] = boxes
    if reason is not None:
        found.rough[name] = reason


def _set_unknown(found: Touched, name: str, reason: str | None) -> None:
    if reason is not None:
        found.unknown[name] = reason


def _first(reasons: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((reasons[name] for name in names if name in reasons), None)


# -- subgraphs ---------------------------------------------------------------------------------


def _bodies(
    node: Node, shapes: Shapes, found: Touched, bodies: Sequence[Through], echoes: bool
) -> None:
    lengths = [_plain_shape(shapes, name) if name else None for name in node.outputs]
    outputs: list[list[Box]] = [[] for _ in node.outputs]
    reason = "either branch may run" if len(bodies) > 1 else None
    unknown = _first(found.unknown, used_names(node))
    for through in bodies:
        inner = shapes.bodies.get((node.index, through.attribute))
        if inner is None:
            unknown = unknown or f"the body of {node.path} isn't known"
            continue
        run = _Run(node, through, shapes, inner, found, echoes)
        reason = run.rough_ends() or reason
        given: list[list[Box]] = [[] for _ in node.outputs]
        reason = run.all(given) or reason
        unknown = unknown or run.unknown
        for out, boxes, known in zip(outputs, given, lengths, strict=True):
            # What one branch gives may be of another shape than what the other does: then what
            # the node gives has none that is known, and nothing can be said of its units.
            for box in boxes:
                if tuple(map(len, box)) == known:
                    add_box(out, box)
    for name, boxes, known in zip(node.outputs, outputs, lengths, strict=True):
        if name:
            _set(found, name, boxes, reason)
            other = None if known is not None else f"the shape of {name!r} hangs on data"
            _set_unknown(found, name, unknown or other)


def _plain_shape(shapes: Shapes, name: str) -> tuple[int, ...] | None:
    try:
        return known_lengths(shapes.tensors[name], name)
    except ValueError:
        return None


class _Run:
    """A subgraph, run as often as the node runs it."""

    def __init__(
        self, node: Node, through: Through, outer: Shapes, inner: Shapes,
        found: Touched, echoes: bool,
    ) -> None:  # fmt: skip
        self.node, self.through, self.found = node, through, found
        self.outer, self.inner, self.echoes = outer, inner, echoes
        self.body = node.bodies[through.attribute]
        self.names = list(self.body.inputs)
        self.unknown: str | None = None
        self.captured = _known(captures(self.body), found)

    def rough_ends(self) -> str | None:
        """Why what goes in is rough already."""
        return _first(self.found.rough, used_names(self.node))

    def all(self, outputs: list[list[Box]]) -> str | None:
        """Add what the node's outputs have; why that is rough, if it is."""
        ends = self.through.outputs
        once = not self.through.carried and all(end is None or end[1] is None for end in ends)
        trips = 1 if once else self.through.trips
        if trips is None or trips > MAX_TRIPS:
            return self._any_number(outputs)
        state = self._entering()
        reason = None
        result = Touched()
        for k in range(trips):
            result = find_touched(self.body, self.inner, self._given(state, k), echoes=self.echoes)
            reason = reason or next(iter(result.rough.values()), None)
            self.unknown = self.unknown or next(iter(result.unknown.values()), None)
            for place, (out, target) in enumerate(zip(outputs, ends, strict=False)):
                if target is not None and target[1] is not None:
                    at = self.through.filled(place, k)
                    self._stack(out, result.boxes.get(self.body.outputs[target[0]], []), target, at)
            state = {
                into: result.boxes.get(self.body.outputs[out], [])
                for out, into in self.through.carried
            }
        back = dict(self.through.carried)
        for out, target in zip(outputs, self.through.outputs, strict=False):
            if target is None or target[1] is not None:
                continue
            if target[0] in back:
                boxes = state.get(back[target[0]], [])
            else:
                boxes = result.boxes.get(self.body.outputs[target[0]], [])
            for box in boxes:
                add_box(out, box)
        return reason

    def _entering(self) -> dict[int, list[Box]]:
        """What is carried into the first iteration, by the body's input."""
        state = {}
        for _, into in self.through.carried:
            source = self.through.inputs[into]
            if source is not None:
                state[into] = self._boxes_of(source[0])
        return state

    def _boxes_of(self, which: int) -> list[Box]:
        name = self.node.inputs[which] if which < len(self.node.inputs) else ""
        return self.found.boxes.get(name, [])

    def _given(self, state: Mapping[int, list[Box]], k: int) -> dict[str, list[Box]]:
        given = dict(self.captured)
        carried = {into for _, into in self.through.carried}
        for i, source in enumerate(self.through.inputs):
            if source is None or i >= len(self.names):
                continue
            which, axis = source
            if i in carried:
                boxes = state.get(i, [])
            elif axis is None:
                boxes = self._boxes_of(which)
            else:
                at = self.through.taken(i, k)
                boxes = [
                    (*box[:axis], *box[axis + 1 :])
                    for box in self._boxes_of(which)
                    if box[axis][at]
                ]
            given[self.names[i]] = boxes
        return given

    def _stack(
        self, out: list[Box], boxes: list[Box], target: tuple[int, int | None], k: int
    ) -> None:
        axis, trips = target[1], self.through.trips
        assert axis is not None and trips is not None
        mask = np.zeros(trips, bool)
        mask[k] = True
        for box in boxes:
            add_box(out, (*box[:axis], mask, *box[axis:]))

    def _any_number(self, outputs: list[list[Box]]) -> str:
        """How often it runs isn't known: everything that anything touched goes into."""
        ends = [*self.node.inputs, *captures(self.body)]
        if any(name in self.found.boxes for name in ends):
            for out, name in zip(outputs, self.node.outputs, strict=True):
                lengths = self.outer.tensors[name].shape if name else None
                if lengths is not None and all(isinstance(d, int) for d in lengths):
                    add_box(out, whole(known_lengths(self.outer.tensors[name], name)))
        return f"how often the body of {self.node.path} runs isn't known"
