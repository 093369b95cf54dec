"""What became of each layer of two graphs, their subgraphs with them?

A layer that is gone was *folded* where it does nothing that a neighbour couldn't take in: it is affine
with stored numbers (a normalisation with stored statistics, a bias of its own), right behind or right
before a layer that multiplies weights and is still there, and whose weights aren't known to be what
they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from cnnscope.analyzer.difference.change import Change
from cnnscope.analyzer.difference.changes import Pair, compare_layers
from cnnscope.analyzer.difference.entries import (
    DifferenceGroup,
    LayerDifference,
    LayerStatus,
)
from cnnscope.analyzer.difference.fingerprints import Fingerprint
from cnnscope.analyzer.difference.lengths import Renaming
from cnnscope.analyzer.difference.matching import match
from cnnscope.analyzer.difference.numbers import same_numbers
from cnnscope.analyzer.difference.parts import is_foldable, is_weighted, network_of
from cnnscope.analyzer.difference.sites import find_groups
from cnnscope.analyzer.difference.stages import Stage
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass
class _Folds:
    """Where layers went: by their index, the counterpart that took them in; and the reverse."""

    into: dict[int, int] = field(default_factory=dict)
    holds: dict[int, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """A layer or a pair of them, what was found of it, and what is stored for either."""

    difference: LayerDifference
    pair: Pair | None
    prints: tuple[list[Fingerprint], list[Fingerprint]]


class Graphs:
    """Two graphs while they are compared, their subgraphs with them."""

    def __init__(
        self, stages: tuple[Stage, Stage], dims: Mapping[str, str],
        known: tuple[Callable[[str], str], Callable[[str], str]] = (str, str),
    ) -> None:  # fmt: skip
        self.stages, self.dims, self.known = stages, dims, known
        self.networks = network_of(stages[0], known[0]), network_of(stages[1], known[1])
        self.matching = match(*self.networks)
        self.mates = dict(self.matching.pairs), {j: i for i, j in self.matching.pairs}
        one, other = self.stages
        self.names = Renaming(
            {one.layers[i].name: other.layers[j].name for i, j in self.matching.pairs}, dims
        )
        self.groups: list[DifferenceGroup] = []
        #: layers in order, those of subgraphs behind the layer that they are in
        self.found: list[Found] = []
        self._run()

    def layers(self) -> list[LayerDifference]:
        return [x.difference for x in self.found]

    def _run(self) -> None:
        one, other = self.stages[0].layers, self.stages[1].layers
        inner = {(i, j): self.inside(i, j) for i, j in self.matching.pairs if one[i].bodies}
        pairs = {
            i: compare_layers(
                self.stages, (i, j), self.names, rewired=(i, j) in self.matching.rewired,
                inside=any(map(_differs, inner.get((i, j), ())))
                or one[i].bodies.keys() != other[j].bodies.keys(),
            )
            for i, j in self.matching.pairs
        }  # fmt: skip
        back = {j: pairs[i] for i, j in self.matching.pairs}
        folded = self.folds(0, pairs)
        unfolded = self.folds(1, back)
        # What comes new stands behind the layer that it follows in the second model.
        behind: dict[int, list[int]] = {}
        last = -1
        for j in range(len(other)):
            last = self.mates[1].get(j, last)
            if j not in self.mates[1]:
                behind.setdefault(last, []).append(j)
        level: list[LayerDifference] = []
        path = self.stages[0].path

        def take(x: LayerDifference, pair: Pair | None, i: int | None, j: int | None) -> None:
            level.append(x)
            prints = [
                [] if place is None else stage.weights(place)
                for stage, place in zip(self.stages, (i, j), strict=True)
            ]
            self.found.append(Found(x, pair, (prints[0], prints[1])))

        def added(i: int) -> None:
            for j in behind.get(i, ()):
                take(_lone(other[j], unfolded.into.get(j), one, path, new=True), None, None, j)

        added(-1)
        for i, layer in enumerate(one):
            if i not in self.mates[0]:
                take(_lone(layer, folded.into.get(i), other, path, new=False), None, i, None)
                continue
            j = self.mates[0][i]
            taken = folded.holds.get(j, []), unfolded.holds.get(i, [])
            holds = [one[k].name for k in taken[0]] + [other[k].name for k in taken[1]]
            moved = (i, j) in self.matching.moved
            take(
                _pair(layer, other[j], pairs[i].changes, moved, tuple(holds), path), pairs[i], i, j
            )
            for graphs in inner.get((i, j), ()):
                self.found += graphs.found
                self.groups += graphs.groups
            added(i)
        self.groups[:0] = find_groups(level, *self.stages, self.matching)

    def inside(self, i: int, j: int) -> list[Graphs]:
        """The subgraphs of a pair, compared."""
        found = []
        for name in self.stages[0].layers[i].bodies:
            if name not in self.stages[1].layers[j].bodies:
                continue
            bodies = self.stages[0].body(i, name), self.stages[1].body(j, name)
            if bodies[0] is not None and bodies[1] is not None:
                formal = self.stages[0].formal(i, name), self.stages[1].formal(j, name)
                known = [self.named(k, bodies[k], formal[k]) for k in (0, 1)]  # type: ignore[arg-type]  # neither is None
                found.append(Graphs((bodies[0], bodies[1]), self.dims, (known[0], known[1])))
        return found

    def named(self, k: int, body: Stage, formal: int) -> Callable[[str], str]:
        """A subgraph's tensors by names of their own, but for what comes in: its inputs by
        position, and what it captures by what gives that."""
        names = {name: f"input {place}" for place, name in enumerate(body.inputs[:formal])}
        givers = {
            value.name: (i, slot)
            for i, layer in enumerate(self.stages[k].layers)
            for slot, value in enumerate(layer.outputs)
        }
        ends = list(self.stages[k].inputs)
        for name in body.inputs[formal:]:
            if name in givers:
                i, slot = givers[name]
                mate = i if k == 0 else self.mates[1].get(i)
                names[name] = f"new {i} {slot}" if mate is None else f"layer {mate} {slot}"
                if k == 0 and i not in self.mates[0]:
                    names[name] = f"gone {i} {slot}"
            else:  # an input of what is around
                names[name] = f"around {self.known[k](name)}"
                if self.known[k] is str and name in ends:
                    names[name] = f"around {ends.index(name)}"
        return lambda name: names.get(name, f"{k} {name}")

    def folds(self, here: int, pairs: Mapping[int, Pair]) -> _Folds:
        """Which layers of a model that the other one lacks are in a neighbour's counterpart."""
        stage, network, mates = self.stages[here], self.networks[here], self.mates[here]
        reads = (self.matching.before, self.matching.after)[here]
        givers = {name: i for i, part in enumerate(network.parts) for name in part.outputs}
        readers: dict[int, set[int]] = {}
        for i, part in enumerate(network.parts):
            for name in part.inputs:
                if name in givers:
                    readers.setdefault(givers[name], set()).add(i)
        outputs = {givers[name] for name in network.outputs if name in givers}

        def takes(i: int) -> int | None:
            """The counterpart of a weight layer, unless its weights are known to be as they were;
            where they aren't known, only if it has an operand that it hadn't."""
            j = mates.get(i)
            if j is None or not is_weighted(stage.layers[i]):
                return None
            pair = pairs[i]
            gained = pair.lost if here else pair.gained
            return j if pair.weights or gained else None

        found = _Folds()
        for i, part in enumerate(network.parts):
            if i in mates or not part.passing or not is_foldable(stage, i):
                continue
            source = reads[i][0] if reads[i] else -1
            j = takes(source) if source >= 0 else None
            if j is None:  # not the layer before it: then the one behind it
                following = readers.get(i, set())
                j = (
                    takes(next(iter(following)))
                    if len(following) == 1 and i not in outputs
                    else None
                )
            if j is not None:
                found.into[i] = j
                found.holds.setdefault(j, []).append(i)
        return found


def _differs(graphs: Graphs) -> bool:
    """Something in a subgraph differs, other than names."""
    if graphs.matching.tapped:
        return True
    return any(
        x.own or x.moved or x.before is None or x.after is None for x in graphs.layers()
    ) or _constant_ends(graphs)


def _constant_ends(graphs: Graphs) -> bool:
    """The outputs that are constants hold other numbers; or there are more or fewer outputs."""
    one, other = graphs.stages
    if len(one.outputs) != len(other.outputs):
        return True
    return any(
        other_constant(graphs.stages, a, b) for a, b in zip(one.outputs, other.outputs, strict=True)
    )


def other_constant(stages: tuple[Stage, Stage], a: str, b: str) -> bool:
    held = stages[0].constant(a), stages[1].constant(b)
    if held[0] is None or held[1] is None:
        return held[0] is not held[1]
    return same_numbers(held[0], held[1]) is False


def _pair(
    before: Layer, after: Layer, changes: tuple[Change, ...], moved: bool, holds: tuple[str, ...],
    path: tuple[str, ...],
) -> LayerDifference:  # fmt: skip
    renamed = before.name != after.name
    status: LayerStatus = "same"
    if changes:
        status = "changed"
    elif moved or renamed:
        status = "moved" if moved else "renamed"
    return LayerDifference(
        before, after, status, changes, renamed, moved, holds=holds, path=path
    )  # fmt: skip


def _lone(
    layer: Layer, into: int | None, others: Sequence[Layer], path: tuple[str, ...], *, new: bool
) -> LayerDifference:
    name = None if into is None else others[into].name
    if new:
        status: LayerStatus = "added" if name is None else "unfolded"
        return LayerDifference(None, layer, status, into=name, path=path)
    return LayerDifference(
        layer, None, "removed" if name is None else "folded", into=name, path=path
    )  # fmt: skip
