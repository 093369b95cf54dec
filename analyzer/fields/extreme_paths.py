"""Along which path does a layer see the most, along which the least?

What a tensor's units see is a union over paths (`paths`). Walking back from a layer, through what
each node's inputs bring alone (`steps`), here is the path that makes its field the widest or the
smallest (which is what predicts unproductive layers, Richter et al. 2021). Along the widest, sizes
are worked out anew for that path alone; the narrowest is one of the single paths that `following`
keeps. A layer's paths go on from those of the layers before it, which are found once.
"""

from __future__ import annotations

from cnnscope.analyzer.fields.path_choices import Choice, Hop, Way
from cnnscope.analyzer.fields.paths import InputAxis, Paths, State, initial_state
from cnnscope.analyzer.fields.smallest import way_size
from cnnscope.analyzer.fields.steps import Alone, input_length, spatial_keys
from cnnscope.analyzer.fields.terms import Term
from cnnscope.analyzer.model.graph import Node, used_names
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


class ExtremePaths:
    """The largest and the smallest paths to a graph's tensors, each part of them found once.

    Args:
        alone: what the nodes of the main graph bring to their outputs, input by input.
    """

    def __init__(self, alone: Alone) -> None:
        self.alone = alone
        self._choices: dict[tuple[str, InputAxis], Choice] = {}
        self._walks: dict[tuple[object, ...], _Walk] = {}
        self._starts: dict[InputAxis, _Walk] = {}
        self._before: dict[tuple[str, InputAxis, int], tuple[PathStep, str, Term | None]] = {}

    def of(self, tensor: str) -> tuple[FieldPath, ...]:
        """Per network input and axis that a tensor sees, its largest and its smallest path."""
        fields = self.alone.fields
        found = []
        for key in spatial_keys(fields.states.get(tensor, {}), fields):
            for which, steps in (
                ("largest", self._largest(tensor, key)),
                ("smallest", self._smallest(tensor, key)),
            ):
                if steps:
                    found.append(FieldPath(*key, which, steps))
        return tuple(found)

    # -- the largest ---------------------------------------------------------------------------

    def _largest(self, tensor: str, key: InputAxis) -> tuple[PathStep, ...]:
        """Back from a tensor to the network input, each time through the input that decides."""
        hops: list[Hop] = []
        places: list[tuple[object, ...]] = []  # where there are as many hops ahead as can matter
        name = tensor
        while name != key[0]:
            ahead = hops[: -MAX_AHEAD - 1 : -1]
            places.append((name, key, *(hop.place for hop in ahead)))
            if len(ahead) == MAX_AHEAD and places[-1] in self._walks:
                break
            choice = self._choice(name, key)
            for hop in ahead:
                if choice is None or choice.settled:
                    break
                choice = choice.after(self.alone, hop)
            if choice is None:
                return ()
            hops.append(choice.hop(self.alone))
            name = hops[-1].given
        walk = self._start(key) if name == key[0] else self._walks[places[-1]]
        for position in reversed(range(len(hops))):
            walk = walk.through(self.alone, hops[position])
            if position >= MAX_AHEAD:
                self._walks[places[position]] = walk
        return walk.steps()

    def _start(self, key: InputAxis) -> _Walk:
        if key not in self._starts:
            state = {key: initial_state(key[0], self.alone.shapes.tensors[key[0]])[key]}
            self._starts[key] = _Walk(key, None, state, None)
        return self._starts[key]

    def _choice(self, name: str, key: InputAxis) -> Choice | None:
        """By which inputs a tensor sees an axis; None: by none."""
        known = self._choices.get((name, key))
        node = self.alone.graph.producers.get(name)
        if known is not None or node is None:
            return known
        output = node.outputs.index(name)
        ways: list[Way] = []
        for given in dict.fromkeys(used_names(node)):
            state = self.alone.fields.states.get(given, {})
            if key not in state:
                continue
            before = {key: state[key]}
            moved = self.alone.through(node, given, output, key)
            after = before if moved is None else moved
            if key in after:
                ways.append((given, before, after))
        if not ways:
            return None
        found = self._choices[name, key] = Choice(node, output, key, tuple(ways))
        return found

    # -- the smallest --------------------------------------------------------------------------

    def _smallest(self, tensor: str, key: InputAxis) -> tuple[PathStep, ...]:
        """The layers along the path whose size is the smallest, which has to be known."""
        steps: list[PathStep] = []
        name, way = tensor, self._least_way(tensor, key)
        while way is not None and name != key[0]:
            known = self._before.get((name, key, id(way)))
            if known is None:
                node = self.alone.graph.producers.get(name)
                if node is None:
                    return ()
                known = (self._step(node, name, key, way), *self._came_by(node, name, key, way))
                self._before[name, key, id(way)] = known
            step, name, way = known
            steps.append(step)
        return tuple(steps[::-1])

    def _step(self, node: Node, name: str, key: InputAxis, way: Term) -> PathStep:
        length = input_length(self.alone.shapes, key)
        seen = self.alone.figures(self.alone.fields.states[name][key], key)
        sizes = [way_size(way, length), seen.local_size, seen.size]
        return PathStep(node.name, min(size for size in sizes if size is not None))

    def _least_way(self, tensor: str, key: InputAxis) -> Term | None:
        paths, length = self.alone.fields.states[tensor][key], input_length(self.alone.shapes, key)
        if self.alone.figures(paths, key).smallest_size is None:
            return None
        sizes = [(way_size(way, length), way) for way in paths.ways]
        known = [(size, i) for i, (size, _) in enumerate(sizes) if size is not None]
        return sizes[min(known)[1]][1] if known else None

    def _came_by(self, node: Node, name: str, key: InputAxis, way: Term) -> tuple[str, Term | None]:
        """By which input of a node a single path comes, and what it was there."""
        length, output = input_length(self.alone.shapes, key), node.outputs.index(name)
        inside: list[tuple[int, str, Term]] = []
        for given in dict.fromkeys(used_names(node)):
            paths = self.alone.fields.states.get(given, {}).get(key)
            for before in () if paths is None else paths.ways:
                moved = self.alone.moved(node, {key: Paths((before,))}, given, output)
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


class _Walk:
    """The sizes along one path alone, from the network input to where it has come."""

    __slots__ = ("_after", "before", "key", "state", "step")

    def __init__(
        self, key: InputAxis, before: _Walk | None, state: State, step: PathStep | None
    ) -> None:
        self.key, self.before, self.state, self.step = key, before, state, step
        self._after: dict[tuple[int, str, int], _Walk] = {}

    def through(self, alone: Alone, hop: Hop) -> _Walk:
        """The walk, one hop further on."""
        found = self._after.get(hop.place)
        if found is None:
            key, node = self.key, hop.node
            state = alone.moved(node, self.state, hop.given, hop.output)
            if state is None:  # a subgraph: from here on along all of its paths
                inside = alone.fields.states.get(node.outputs[hop.output], {})
                state = {key: inside[key]} if key in inside else {}
            size = None
            if key in state:
                size = alone.figures(state[key], key).size
            found = self._after[hop.place] = _Walk(key, self, state, PathStep(node.name, size))
        return found

    def steps(self) -> tuple[PathStep, ...]:
        """The layers gone through."""
        found: list[PathStep] = []
        walk: _Walk | None = self
        while walk is not None and walk.step is not None:
            found.append(walk.step)
            walk = walk.before
        return tuple(found[::-1])
