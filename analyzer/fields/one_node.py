"""What does a node's output see, given what each of its inputs sees?"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.joins import join
from cnnscope.analyzer.fields.moving import Moving
from cnnscope.analyzer.fields.paths import NONE, InputAxis, Paths, State, settled
from cnnscope.analyzer.fields.spelt_padding import spelt_border
from cnnscope.analyzer.fields.stretches import MAX_LAID_OUT, Piece, shared, side_by_side
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.operators.reading import Along, Listed, Nothing, straight
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.tensor import Tensor


class OneNode:
    """One node: the states of its outputs from those of its inputs."""

    def __init__(self, node: Node, graph: Graph, shapes: Shapes, found: Fields) -> None:
        self.node, self.graph, self.shapes, self.found = node, graph, shapes, found
        self.moving = Moving(node, found)

    def output(self, output: Tensor, per_input: Sequence[KnownRead]) -> State:
        """What an output sees, given what it reads of every input."""
        states, tensors = self.found.states, self.shapes.tensors
        given = []
        first, alike = None, True  # is all of it what one state says?
        for name, read in zip(self.node.inputs, per_input, strict=True):
            state = states.get(name) if name else None
            if not state or isinstance(read, Nothing):
                continue
            x = tensors[name]
            unmoved = _unmoved(x, output, read)
            given.append((state, x, read, unmoved))
            first = first or state
            alike = alike and unmoved and state is first
        # Most nodes hand on what they see, or add up what is seen alike: states are values, so
        # that of the input serves.
        if first is not None and alike and all(map(settled, first.values())):
            return first
        joined: dict[InputAxis, list[tuple[Paths, Piece | None]]] = {}
        pieces = False
        for state, x, read, unmoved in given:
            for key, paths in state.items():
                moved, piece = (
                    (paths, None) if unmoved else self.moving.moved(key, paths, x, output, read)
                )
                if moved.terms or not moved.known:
                    joined.setdefault(key, []).append((moved, piece))
                    pieces = pieces or piece is not None
        stretches = [parts for parts in joined.values() if side_by_side(parts)] if pieces else []
        length = max((p.length for parts in stretches for _, p in parts if p), default=0)
        crowded = length > MAX_PERIOD or length * sum(map(len, stretches)) > MAX_LAID_OUT
        if crowded:
            self.found.diagnostics.append(
                Diagnostic("axis-not-followed", "info", self.node.name,
                           f"{self.node.title} joins {len(given)} parts along an axis: too many units to "
                           "say what each of them sees", "")
            )  # fmt: skip
        result: State = {}
        for key, parts in joined.items():
            seen, piece = parts[0]
            if len(parts) == 1:
                # Beside what doesn't depend on the input (a class token) stands only a stretch.
                same = piece is None or not shared(piece, per_input)
            else:
                same = all(paths is seen and piece is None for paths, piece in parts)
            if same and settled(seen):
                result[key] = seen
            elif crowded and side_by_side(parts):
                result[key] = Paths((), all(paths.aligned for paths, _ in parts), False)
            else:
                result[key] = join(self.node, self.found, key, parts, output)
        return result

    def bordered(self, name: str, output: Tensor, per_input: Sequence[KnownRead]) -> State | None:
        """What an output sees that is another tensor with its border spelt out: as behind a padding."""
        if not _longer(self.node, self.shapes, output, per_input):
            return None
        border = spelt_border(
            self.node, output, per_input, self.graph, self.shapes, self.found.reads
        )
        if border is None:
            return None
        self.found.bordered[name] = border.source
        x = self.shapes.tensors[border.source]
        result: State = {}
        for key, paths in self.found.states.get(border.source, NONE).items():
            moved, _ = self.moving.moved(key, paths, x, output, border.read)
            if moved.terms or not moved.known:
                result[key] = moved
        return result


def moved_through(
    node: Node,
    reads: NodeReads,
    graph: Graph,
    shapes: Shapes,
    state: State,
    name: str,
    output: int = 0,
) -> State | None:
    """What a node's output sees through one of its inputs alone.

    Args:
        reads: the node's.
        state: what the units of that input see; not necessarily along all paths.
        name: the input, which the node may take several times.
        output: which of the node's outputs.

    Returns:
        None where a subgraph or a function's body lies between them, or one captures the input.
    """
    if name not in node.inputs or node.index in shapes.functions or reads.through:
        return None
    given, row = shapes.tensors[node.outputs[output]], reads.outputs[output]
    seen = OneNode(node, graph, shapes, Fields({name: state}))
    if node.inputs.count(name) != 1:
        return seen.output(given, row)
    read = row[node.inputs.index(name)]
    if isinstance(read, Nothing):
        return {}
    moved = {}
    for key, paths in state.items():
        found, _ = seen.moving.moved(key, paths, shapes.tensors[name], given, read)
        if found.terms or not found.known:
            moved[key] = found
    return moved


def _longer(node: Node, shapes: Shapes, output: Tensor, per_input: Sequence[KnownRead]) -> bool:
    """Are there rows beside an input's own along an axis that keeps its order?"""
    if output.shape is None:
        return False
    for name, read in zip(node.inputs, per_input, strict=True):
        if not name or not isinstance(read, tuple):
            continue
        shape = shapes.tensors[name].shape
        for length, way in zip(shape or (), read, strict=False):
            if (isinstance(way, Listed) and way.spatial and way.table is None) or (
                isinstance(way, Along) and way.window.size == 1 and way.window.outside == "nothing"
            ):
                count = output.shape[way.axis] if way.axis < len(output.shape) else None
                if isinstance(length, int) and isinstance(count, int) and length < count:
                    return True
    return False


def _unmoved(x: Tensor, output: Tensor, read: KnownRead) -> bool:
    """Is every axis read index by index, so that each unit sees what the one before it saw?"""
    return (
        x.shape is not None
        and x.shape == output.shape
        and isinstance(read, tuple)
        and read == straight(len(read))
    )
