"""What does a node's output see, given what each of its inputs sees?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.grown_joins import GrownJoin, grown_join
from cnnscope.analyzer.fields.joins import join
from cnnscope.analyzer.fields.moving import Moving
from cnnscope.analyzer.fields.passages import OutputPassages, Passage, Piece, input_shapes
from cnnscope.analyzer.fields.paths import NONE, InputAxis, Paths, State, all_settled, settled
from cnnscope.analyzer.fields.spelt_padding import spelt_border
from cnnscope.analyzer.fields.stretches import MAX_LAID_OUT, shared, side_by_side
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.operators.reading import Beside, Nothing
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.tensor import Tensor

Parts = list[tuple[Paths, Piece | None]]


class OneNode:
    """One node: the states of its outputs from those of its inputs.

    Args:
        grown: joins that later ones may go on from, by their first input.
    """

    def __init__(
        self,
        node: Node,
        graph: Graph,
        shapes: Shapes,
        found: Fields,
        grown: dict[str, GrownJoin],
    ) -> None:
        self.node, self.graph, self.shapes, self.found = node, graph, shapes, found
        self.grown = grown
        self.moving = Moving(node, found)

    def output(self, output: Tensor, read: OutputPassages) -> State:
        """What an output sees, given what it reads of every input."""
        row = read.reads
        if isinstance(row, Beside) and row.even and len(row) > 2:
            return self.beside(output, read, row)
        states = self.found.states
        given: list[tuple[State, Passage]] = []
        alike = True  # is all of it what one state says?
        for i, name in enumerate(self.node.inputs):
            state = states.get(name)
            if state and (passage := read.passage(i)) is not None:
                given.append((state, passage))
                alike = alike and passage.unmoved and state is given[0][0]
        # Most nodes hand on what they see, or add up what is seen alike: states are values, so
        # that of the input serves.
        if alike and given and all_settled(given[0][0]):
            return given[0][0]
        if len(given) == 1 and not given[0][1].pieces:
            return self.through_one(*given[0], output)
        joined: dict[InputAxis, Parts] = {}
        laid = False
        move = self.moving.moved
        for state, passage in given:
            for key, paths in state.items():
                part = (paths, None) if passage.unmoved else move(key, paths, passage)
                if part[0].terms or not part[0].known:
                    if key in joined:
                        joined[key].append(part)
                    else:
                        joined[key] = [part]
                    laid = laid or part[1] is not None
        crowded = laid and self.crowded(joined.values(), len(given))
        return {
            key: self.together(key, parts, output, read, crowded) for key, parts in joined.items()
        }

    def through_one(self, state: State, passage: Passage, output: Tensor) -> State:
        """What an output sees of which one input alone, not laid beside others, sees anything."""
        result: State = {}
        same = True
        for key, paths in state.items():
            moved, _ = self.moving.moved(key, paths, passage)
            if moved.terms or not moved.known:
                if len(moved.terms) > 1 and not settled(moved):
                    moved = join(self.node, self.found, key, [(moved, None)], output)
                result[key] = moved
            same = same and moved is paths
        return state if same else result

    def together(
        self, key: InputAxis, parts: Parts, output: Tensor, read: OutputPassages, crowded: bool
    ) -> Paths:
        """What an output sees of one input axis, given what each of its inputs shows of it."""
        seen, piece = parts[0]
        if len(parts) == 1:
            # Beside what doesn't depend on the input (a class token) stands only a stretch.
            same = piece is None or not shared(piece, read.reads)
        else:
            same = not [p for p, piece in parts if p is not seen or piece is not None]
        if same and settled(seen):
            return seen
        if crowded and side_by_side(parts):
            return Paths((), all(paths.aligned for paths, _ in parts), False)
        return join(self.node, self.found, key, parts, output)

    def crowded(self, joined: Iterable[Parts], count: int) -> bool:
        """Are too many parts of too many units laid beside each other? Said, where it is so."""
        stretches = [parts for parts in joined if side_by_side(parts)]
        length = max((p.length for parts in stretches for _, p in parts if p), default=0)
        if length <= MAX_PERIOD and length * sum(map(len, stretches)) <= MAX_LAID_OUT:
            return False
        self.found.diagnostics.append(
            Diagnostic("axis-not-followed", "info", self.node.name,
                       f"{self.node.title} joins {count} parts along an axis: too many units to "
                       "say what each of them sees", "")
        )  # fmt: skip
        return True

    def beside(self, output: Tensor, read: OutputPassages, row: Beside) -> State:
        """What a join of many inputs sees, that may be those of a join before and some more."""
        states, names = self.found.states, self.node.inputs
        grown = grown_join(names, row, output.dims, self.found, self.grown)
        move = self.moving.moved
        moving: dict[InputAxis, Parts] = {key: [] for key in grown.along}
        for i, name in enumerate(names):
            state = states.get(name)
            if not state or (passage := read.passage(i)) is None:
                continue
            # Whichever are fewer: each of many inputs may see an axis that no other one sees.
            for key in state if len(state) < len(moving) else moving:
                if key in state and key in moving:
                    part = move(key, state[key], passage)
                    if part[0].terms or not part[0].known:
                        moving[key].append(part)
        crowded = bool(moving) and self.crowded(moving.values(), grown.count)
        result: State = {}
        for key, same in grown.same.items():
            if key not in moving:
                result[key] = same.paths(self.node, self.found, key, output.dims)
            elif moving[key]:
                result[key] = self.together(key, moving[key], output, read, crowded)
        return result

    def bordered(self, name: str, output: Tensor, per_input: Sequence[KnownRead]) -> State | None:
        """What an output sees that is another tensor with its border spelt out: as behind a padding."""
        border = spelt_border(
            self.node, output, per_input, self.graph, self.shapes, self.found.reads
        )
        if border is None:
            return None
        self.found.bordered[name] = border.source
        state = self.found.states.get(border.source, NONE)
        passage = Passage(self.shapes.tensors[border.source].shape, output.shape, border.read)
        return self.through_one(state, passage, output)


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
    seen = OneNode(node, graph, shapes, Fields({name: state}), {})
    if node.inputs.count(name) != 1:
        return seen.output(given, OutputPassages(input_shapes(node, shapes), given.shape, row))
    read = row[node.inputs.index(name)]
    if isinstance(read, Nothing):
        return {}
    return seen.through_one(state, Passage(shapes.tensors[name].shape, given.shape, read), given)
