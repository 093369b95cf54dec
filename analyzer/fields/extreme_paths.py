"""Along which path does a layer see the most, along which the least?

What a tensor's units see is a union over paths (`paths`). Walking back from a layer, through what
each node's inputs bring alone (`steps`), here is the path that makes its field the widest or the
smallest (which is what predicts unproductive layers, Richter et al. 2021). Along the widest, sizes
are worked out anew for that path alone; the narrowest is one of the single paths that `following`
keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.one_node import moved_through
from cnnscope.analyzer.fields.paths import InputAxis, Paths, State, initial_state
from cnnscope.analyzer.fields.seen import Seen, figures
from cnnscope.analyzer.fields.smallest import way_size
from cnnscope.analyzer.fields.steps import input_length, node_reads, spatial_keys
from cnnscope.analyzer.fields.terms import Term
from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.plain_class import dataclass

#: so many layers ahead a choice between inputs is followed, until it shows in the size
MAX_AHEAD = 32


@dataclass(frozen=True, slots=True)
class PathStep:
    """A layer on a path, and the size of its field along this path alone."""

    layer: str
    size: int | None


@dataclass(frozen=True, slots=True)
class FieldPath:
    """The way from a network input to a layer that makes its field the largest or the smallest.

    Args:
        input, axis: the network input's.
        which: ``"largest"`` or ``"smallest"``.
        steps: the layers on it, the explained one last.
    """

    input: str
    axis: int
    which: str
    steps: tuple[PathStep, ...]

    @property
    def size(self) -> int | None:
        """The size at the end."""
        return self.steps[-1].size if self.steps else None

    def to_dict(self) -> dict[str, object]:
        return {
            "input": self.input,
            "axis": self.axis,
            "which": self.which,
            "size": self.size,
            "steps": [{"layer": step.layer, "size": step.size} for step in self.steps],
        }


def find_paths(graph: Graph, shapes: Shapes, fields: Fields, tensor: str) -> tuple[FieldPath, ...]:
    """Per network input and axis that a tensor sees, its largest and its smallest path."""
    state = fields.states.get(tensor, {})
    found = []
    for key in spatial_keys(state, fields):
        hops = _hops(graph, shapes, fields, tensor, key)
        if hops:
            steps = tuple(_along_path(graph, shapes, fields, key, hops))
            found.append(FieldPath(*key, "largest", steps))
        steps = _smallest_path(graph, shapes, fields, tensor, key)
        if steps:
            found.append(FieldPath(*key, "smallest", steps))
    return tuple(found)


def _smallest_path(
    graph: Graph, shapes: Shapes, fields: Fields, tensor: str, key: InputAxis
) -> tuple[PathStep, ...]:
    """The layers along the path whose size is the smallest, which has to be known."""
    length = input_length(shapes, key)
    steps: list[PathStep] = []
    name, way = tensor, _least_way(fields.states[tensor][key], length)
    while way is not None and name != key[0]:
        node = graph.producers.get(name)
        if node is None:
            return ()
        seen = figures(fields.states[name][key], length)
        sizes = [way_size(way, length), seen.local_size, seen.size]
        steps.append(PathStep(node.name, min(size for size in sizes if size is not None)))
        name, way = _before(graph, shapes, fields, node, key, way, node.outputs.index(name))
    return tuple(steps[::-1])


def _least_way(paths: Paths, length: int | None) -> Term | None:
    if figures(paths, length).smallest_size is None:
        return None
    sizes = [(way_size(way, length), way) for way in paths.ways]
    known = [(size, i) for i, (size, _) in enumerate(sizes) if size is not None]
    return sizes[min(known)[1]][1] if known else None


def _before(
    graph: Graph, shapes: Shapes, fields: Fields, node: Node, key: InputAxis, way: Term, output: int
) -> tuple[str, Term | None]:
    """By which input of a node a single path comes, and what it was there."""
    reads, length = node_reads(node, shapes, fields), input_length(shapes, key)
    inside: list[tuple[int, str, Term]] = []
    for given in dict.fromkeys(used_names(node)):
        paths = fields.states.get(given, {}).get(key)
        if paths is None:
            continue
        for before in paths.ways:
            moved = moved_through(
                node, reads, graph, shapes, {key: Paths((before,))}, given, output
            )
            if moved is None:  # through a subgraph: by the input that sees the least
                size = way_size(before, length)
                inside += [] if size is None else [(size, given, before)]
            elif key in moved and any(_alike(way, after) for after in moved[key].ways):
                return given, before
    if not inside:
        return "", None
    _, given, before = min(inside, key=lambda found: found[0])
    return given, before


def _alike(a: Term, b: Term) -> bool:
    return a.digits == b.digits and a.fixed == b.fixed


_Hop = tuple[Node, str, int]  # the node, the tensor it is entered by, the output it is left by


def _hops(graph: Graph, shapes: Shapes, fields: Fields, tensor: str, key: InputAxis) -> list[_Hop]:
    """Back from a tensor to the network input, each time through the input that decides."""
    length = input_length(shapes, key)
    hops: list[_Hop] = []
    name = tensor
    while name != key[0]:
        node = graph.producers.get(name)
        if node is None:
            return []
        output = node.outputs.index(name)
        reads = node_reads(node, shapes, fields)
        ways: list[tuple[str, State, State]] = []
        for given in dict.fromkeys(used_names(node)):
            state = fields.states.get(given, {})
            if key not in state:
                continue
            before = {key: state[key]}
            moved = moved_through(node, reads, graph, shapes, before, given, output)
            after = before if moved is None else moved
            if key in after:
                ways.append((given, before, after))
        if not ways:
            return []
        # Where inputs move along different axes (queries and keys), what follows tells them apart.
        for ahead in hops[: -MAX_AHEAD - 1 : -1]:
            if len({_places(after.get(key)) for _, _, after in ways}) < 2:
                break
            ways = [
                (given, before, _followed(graph, shapes, fields, after, ahead))
                for given, before, after in ways
            ]
        best = max(
            (way for way in ways if key in way[2]),
            key=lambda way: _rank(
                figures(way[2][key], length), figures(way[1][key], length), length
            ),
            default=ways[0],
        )
        hops.append((node, best[0], output))
        name = best[0]
    return hops[::-1]


def _places(paths: Paths | None) -> frozenset[tuple[tuple[int, int, int | None], ...]]:
    """Along what the paths move."""
    terms = () if paths is None else paths.terms
    return frozenset(term.places for term in terms)


def _followed(graph: Graph, shapes: Shapes, fields: Fields, state: State, hop: _Hop) -> State:
    """What becomes of a state on the next hop."""
    node, given, output = hop
    moved = moved_through(
        node, node_reads(node, shapes, fields), graph, shapes, state, given, output
    )
    return state if moved is None else moved


def _rank(after: Seen, before: Seen, length: int | None) -> tuple[int, int, int]:
    """Which input decides: by what is seen through it, then by what it sees itself."""
    # Who sees everything sees the most, however far another path's window sticks out.
    size = after.size if after.size is not None else length or 0
    return int(after.global_), size, max(before.local_size or 0, before.size or 0)


def _along_path(
    graph: Graph, shapes: Shapes, fields: Fields, key: InputAxis, hops: Sequence[_Hop]
) -> Iterator[PathStep]:
    """The sizes along one path alone, from the input to the layer."""
    first = initial_state(key[0], shapes.tensors[key[0]])
    state: State = {key: first[key]}
    length = input_length(shapes, key)
    for node, given, output in hops:
        moved = moved_through(
            node, node_reads(node, shapes, fields), graph, shapes, state, given, output
        )
        if moved is None:  # a subgraph: from here on along all of its paths
            inside = fields.states.get(node.outputs[output], {})
            moved = {key: inside[key]} if key in inside else {}
        state = moved
        if key not in state:
            yield PathStep(node.name, None)
            continue
        yield PathStep(node.name, figures(state[key], length).size)
