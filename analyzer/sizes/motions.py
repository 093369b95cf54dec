"""How does every tensor of a graph move when some of its inputs are shifted along an axis?

One walk through the graph for each axis along which inputs are shifted: each node's reads move what is known
of its inputs on (`motion`). What is stored, or computed from no shifted input, stays where it is: where it is
laid along the axis that moves, the map isn't the same function at every place any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

import numpy as np

from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    Beside,
    Coupled,
    Flat,
    Listed,
    Nothing,
    Only,
    Upto,
    Whole,
)
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads, reads_of
from cnnscope.analyzer.sizes.motion import (
    Cause,
    Lost,
    Motion,
    Moves,
    NotMoving,
    joined,
    reshaped,
    through_places,
    through_window,
)
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Limit:
    """What a layer takes of a map's moving along.

    Args:
        cause: why.
        layer: its name.
        why: in a sentence's part.
        advance: the shift of the input that moves the map by whole periods from there on.
    """

    cause: Cause
    layer: str
    why: str
    advance: int | None = None


@dataclass(frozen=True, eq=False)
class Motions:
    """How a graph's tensors move.

    Args:
        of: by tensor.
        limits: what layers take of it, in running order.
    """

    of: dict[str, Motion]
    limits: list[Limit] = field(default_factory=list)


def find_motions(
    graph: Graph, shapes: Shapes, reads: dict[int, NodeReads], shifted: Mapping[str, int]
) -> Motions:
    """How every tensor moves where some inputs are shifted, each along one axis.

    Args:
        reads: by node index, what its outputs read; what is found now is added.
        shifted: input name to the axis.
    """
    found = Motions(dict.fromkeys(graph.inputs))
    for name, axis in shifted.items():
        length = shapes.tensors[name].dims[axis]
        found.of[name] = Moves(axis, 1, length, 1, 1, 0, length - 1)
    _Walk(found, None).graph(graph, shapes, reads)
    return found


class _Walk:
    def __init__(self, found: Motions, layer: str | None) -> None:
        self.found, self.layer = found, layer

    def graph(self, graph: Graph, shapes: Shapes, reads: dict[int, NodeReads]) -> None:
        for node in graph.nodes:
            self.node(node, shapes, reads)

    def node(self, node: Node, shapes: Shapes, reads: dict[int, NodeReads]) -> None:
        of, names = self.found.of, [name for name in node.outputs if name]
        layer = self.layer or node.name
        used = [of.get(name) for name in used_names(node) if name]
        if shapes.folded(node) or not any(used):
            of.update(dict.fromkeys(names))
            return
        if node.index in shapes.functions:
            body, inner = shapes.functions[node.index]
            within = Motions({name: of.get(name) for name in body.inputs}, self.found.limits)
            _Walk(within, layer).graph(body, inner, {})
            of.update({name: within.of.get(name) for name in names})
            return
        if node.bodies:
            lost = next((x for x in used if isinstance(x, Lost)), None)
            why = "what a subgraph does isn't followed"
            of.update(dict.fromkeys(names, lost or self._lose(layer, "unfollowed", why)))
            return
        told = reads_of(node, shapes, reads)
        for at, (name, per_input) in enumerate(zip(node.outputs, told.outputs, strict=False)):
            if name:
                try:
                    of[name] = self._output(node, layer, at, per_input, shapes)
                except (NotMoving, Undetermined) as error:
                    of[name] = self._lose(layer, *_told(error, node))
        for name in names:
            if name not in of:
                of[name] = self._lose(layer, "unfollowed", "what it reads isn't known")

    def _lose(self, layer: str, cause: Cause, why: str) -> Lost:
        self.found.limits.append(Limit(cause, layer, why))
        return Lost(cause, layer, why)

    def _output(
        self, node: Node, layer: str, at: int, per_input: Sequence[KnownRead], shapes: Shapes
    ) -> Motion:
        output, of = shapes.tensors[node.outputs[at]], self.found.of
        parts: list[_Part] = []
        still: list[tuple[Tensor, KnownRead]] = []
        for name, read in zip(node.inputs, per_input, strict=True):
            if not name or isinstance(read, Nothing):
                continue
            state, x = of.get(name), shapes.tensors[name]
            if isinstance(state, Lost):
                return state
            if state is None:
                still.append((x, read))
            else:
                if x.shape is None or output.shape is None:
                    raise NotMoving("unfollowed", "its shape isn't known")
                parts.append(_Part(state, _behind(state, read, x.dims, output.dims), x, read))
        if not parts:
            return None
        other = at and output.dtype != shapes.tensors[node.outputs[0]].dtype
        if other and any(part.looks for part in parts):
            raise NotMoving("position", "it gives places as numbers")
        axis = parts[0].after.axis
        if isinstance(per_input, Beside) and per_input.axis == axis:
            # One after another along what moves: the longest is the map, the others its border.
            parts = [max(parts, key=_longest)]
        else:
            for x, read in still:
                _ask_alike(x, read, axis)
        moved = joined([part.after for part in parts])
        self._note(node, layer, parts, moved, output)
        return moved

    def _note(
        self, node: Node, layer: str, parts: Sequence[_Part], moved: Moves, output: Tensor
    ) -> None:
        """What of the moving the layer takes."""
        limits = self.found.limits
        advance = abs(moved.advance)
        if advance > max(abs(part.before.advance) for part in parts):
            limits.append(Limit("stride", layer, f"moves on by {advance} at a time", advance))
        for part in parts:
            if not part.looks:
                continue
            whole = replace(part.before, first=0, last=part.before.length - 1)
            alone = _behind(whole, part.read, part.x.dims, output.dims)
            if alone.first == 0 and (alone.last is None or alone.last == alone.length - 1):
                continue
            ceil = bool(node.attributes.get("ceil_mode")) and alone.first == 0
            cause: Cause = "ceil_mode" if ceil else "padding"
            said = "its last window leaves the map" if ceil else "its windows leave the map"
            limits.append(Limit(cause, layer, said))
            return


@dataclass(frozen=True, slots=True)
class _Part:
    """A map that a node reads, and what becomes of its motion."""

    before: Moves
    after: Moves
    x: Tensor
    read: KnownRead

    @property
    def looks(self) -> bool:
        """It isn't read unit by unit."""
        return replace(self.after, axis=self.before.axis) != self.before


def _longest(part: _Part) -> int:
    return part.before.length if isinstance(part.before.length, int) else 0


def _behind(x: Moves, read: KnownRead, before: Sequence[Dim], after: Sequence[Dim]) -> Moves:
    """A map's motion behind a read of it.

    Raises:
        NotMoving: it doesn't simply move there.
    """
    if isinstance(read, Flat):
        return reshaped(x, before, after)
    if isinstance(read, Coupled):
        if read.parts is None:
            for step, shape in read.steps:
                x = _behind(x, step, before, shape)
                before = shape
            return x
        ways: list[AxisRead] = [part.reads[x.axis] for part in read.parts]
        if any(way != ways[0] for way in ways[1:]) or not ways:
            raise NotMoving("unfollowed", "its units read in several ways")
        return _along(x, ways[0], before[x.axis], after)
    if not isinstance(read, tuple):
        raise NotMoving("unfollowed", "what it reads isn't known")
    way = read[x.axis]
    assert isinstance(way, Along | Listed | Whole | Upto | Only)
    return _along(x, way, before[x.axis], after)


def _along(x: Moves, way: AxisRead, length: Dim, after: Sequence[Dim]) -> Moves:
    if isinstance(way, Along):
        units = after[way.axis]
        if way.window.is_identity and length == units:
            return replace(x, axis=way.axis)
        return through_window(x, way.window, length, way.axis, units)
    if isinstance(way, Listed):
        axis, rows = way.axis, way.rows
        if way.table is not None:
            axis, table = way.table
            if table.ndim != 1:
                raise NotMoving("unfollowed", "its units read listed places")
            rows = tuple([(int(i), int(i)) for i in table])
        return through_places(x, rows, length, axis, after[axis])
    if isinstance(way, Only):
        raise NotMoving("position", "it reads fixed places")
    if isinstance(way, Upto):
        raise NotMoving("whole", "it reads all before a unit, or all behind it")
    raise NotMoving("whole", "each of its units sees the whole axis")


def _ask_alike(x: Tensor, read: KnownRead, axis: int) -> None:
    """Is what stays in its place the same along the axis that moves?

    Raises:
        NotMoving: it differs from place to place, or that isn't known.
    """
    if not isinstance(read, tuple) or isinstance(read, Coupled):
        if x.shape is not None and all(n == 1 for n in x.shape):
            return
        raise NotMoving("unfollowed", "how it reads what doesn't move isn't known")
    for at, way in enumerate(read):
        if not isinstance(way, Along | Listed | Upto) or way.axis != axis or x.dims[at] == 1:
            continue
        value = x.value
        known = value is not None and value.dtype != object and value.ndim == len(read)
        if known and np.all(value == np.take(value, [0], axis=at)):  # type: ignore[arg-type]  # an array
            continue
        what = "a stored map" if x.constant else "a map that doesn't come from the input"
        raise NotMoving("position", f"it joins {what} with one that moves")


def _told(error: NotMoving | Undetermined, node: Node) -> tuple[Cause, str]:
    """Why a node's output doesn't move, in its own words where it weighs places."""
    if not isinstance(error, NotMoving):
        return "unfollowed", str(error)
    operator = lookup(node.domain, node.op, node.version)
    if error.cause == "whole" and operator is not None and operator.kind == "matrix product":
        return "dense", "it weighs each place by itself"
    return error.cause, error.why
