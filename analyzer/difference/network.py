"""What is a network, as far as matching is concerned?

`Network` is what is matched and `Matching` what comes of it; `Arrays` is a network while it is matched:
what reads what, passing layers stepped over.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import field

from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class LayerPart:
    """A layer as far as matching is concerned.

    Args:
        name, op, family: its name, operator, and what the operator is.
        likeness: what it is exactly: layers with equal ones may stand for each other.
        inputs, outputs: tensors; stored ones are left out of the inputs.
        passing: it may be left out or folded into a neighbour.
        weighted: it multiplies stored weights.
        weights: what identifies the numbers stored for it; None where that isn't known.
        slots: for each of the inputs, which operand it is; "" for what a subgraph captures.
        commutes: the order of its inputs is nothing.
        numbers: asked only where all else fails: what identifies the largest of its weights,
            whatever their order; None where that isn't known.
    """

    name: str
    op: str
    family: str
    likeness: Hashable
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    passing: bool = False
    weighted: bool = False
    weights: Hashable = None
    slots: tuple[str, ...] = ()
    commutes: bool = False
    numbers: Callable[[], Hashable] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in running order, and the tensors that come in and go out."""

    parts: tuple[LayerPart, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """Which layers belong together.

    Args:
        pairs: indices in the first and in the second network, in the order of the first.
        moved: those pairs whose place among the others has changed.
        rewired: those pairs that read something else than each other.
        before, after: for each layer of the first and the second network, what it reads once
            passing layers are stepped over: indices of layers, those of inputs being negative.
        tapped: pairs of the networks' outputs, by position, that are given by other layers.
    """

    pairs: tuple[tuple[int, int], ...]
    moved: frozenset[tuple[int, int]]
    rewired: frozenset[tuple[int, int]]
    before: tuple[tuple[int, ...], ...]
    after: tuple[tuple[int, ...], ...]
    tapped: frozenset[tuple[int, int]] = frozenset()

    def mirrored(self) -> Matching:
        """The same, seen from the second network."""
        return Matching(
            tuple(sorted((j, i) for i, j in self.pairs)),
            frozenset((j, i) for i, j in self.moved),
            frozenset((j, i) for i, j in self.rewired),
            self.after,
            self.before,
            frozenset((j, i) for i, j in self.tapped),
        )


class Arrays:
    """One network as arrays. After its n layers come its inputs, then its outputs."""

    def __init__(self, network: Network, number: Callable[[Hashable], int]) -> None:
        parts = self.parts = network.parts
        n = self.count = len(parts)
        self.inputs = range(n, n + len(network.inputs))
        self.outputs = range(self.inputs.stop, self.inputs.stop + len(network.outputs))
        giver: dict[str, tuple[int, int]] = {
            name: (n + k, 0) for k, name in enumerate(network.inputs)
        }
        # What a tensor is once passing layers are stepped over; and who truly gives it.
        home = dict(giver)
        self.reads: list[list[tuple[int, int]]] = []
        self.direct: list[list[int]] = []
        for i, part in enumerate(parts):
            self.reads.append([home[name] for name in part.inputs if name in home])
            self.direct.append([giver[name][0] for name in part.inputs if name in giver])
            for k, name in enumerate(part.outputs):
                giver[name] = (i, k)
                through = part.passing and len(self.reads[i]) == 1 and k == 0
                home[name] = self.reads[i][0] if through else (i, k)
        self.giver = giver
        self.ends = network.outputs
        self.reads += [[] for _ in network.inputs]
        self.reads += [[home[name]] if name in home else [] for name in network.outputs]
        self.core = [not part.passing or len(self.reads[i]) != 1 for i, part in enumerate(parts)]
        self.core += [True] * (len(network.inputs) + len(network.outputs))
        self.readers: list[list[tuple[int, int]]] = [[] for _ in self.reads]
        for i, sources in enumerate(self.reads):
            if self.core[i]:
                commutes = i < n and parts[i].commutes
                for slot, (source, _) in enumerate(sources):
                    self.readers[source].append((i, 0 if commutes else slot))
        self.like = [number(part.likeness) for part in parts]
        self.like += [number(("end", side)) for side in ("input",) for _ in network.inputs]
        self.like += [number(("end", side)) for side in ("output",) for _ in network.outputs]
        #: the other side's counterpart, or -1
        self.mate = [-1] * len(self.reads)

    def origin(self, name: str) -> tuple[int, int] | None:
        """What gives a tensor, unmatched passing layers stepped over; None for what nothing gives."""
        at = self.giver.get(name)
        while at is not None and at[0] < self.count and self.mate[at[0]] < 0:
            i, k = at
            if self.core[i] or k:
                break
            at = next(self.giver[x] for x in self.parts[i].inputs if x in self.giver)
        return at

    def free(self) -> list[int]:
        """Layers that aren't matched yet, passing ones apart."""
        return [i for i in range(self.count) if self.mate[i] < 0 and self.core[i]]
