"""Where does a layer join what one before it joined, and something more?

A dense block joins all layers before, layer after layer: the n-th join has n inputs, but only its last
one is new (Huang et al., *Densely Connected Convolutional Networks*, CVPR 2017). What the others show
together has been found.
"""

from __future__ import annotations

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.joins import Joining
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.fields.paths import InputAxis, Paths, settled
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.reading import Beside
from cnnscope.analyzer.values.tensor import Shape


class Shown:
    """What the inputs of a join show of one input axis, none of it along the axis they lie along."""

    __slots__ = ("count", "first", "joining")

    def __init__(self, first: Paths) -> None:
        self.first, self.count = first, 1
        self.joining: Joining | None = None  # None: all inputs show the same

    def paths(self, node: Node, found: Fields, key: InputAxis, shape: Shape) -> Paths:
        """All of it together, joined by a node whose output has that shape."""
        if self.joining is not None:
            return self.joining.paths(node, found, key)
        if settled(self.first):
            return self.first
        joining = self.joined(found.room.lengths.get(key), shape, found.room.known)
        return joining.paths(node, found, key)

    def joined(self, length: int | None, shape: Shape, known: KnownFields) -> Joining:
        """What has been shown so far, put together."""
        found = Joining(length, shape, known)
        for _ in range(self.count):
            found.add(self.first)
        return found


class GrownJoin:
    """A join of inputs that lie beside each other, to which more may be added.

    Args:
        sides: the output's shape before and behind the axis along which they lie.
    """

    def __init__(self, sides: tuple[Shape, Shape]) -> None:
        self.sides = sides
        self.names: tuple[str, ...] = ()
        self.count = 0  # of the inputs that see anything
        self.same: dict[InputAxis, Shown] = {}
        #: shown along the axis itself, or not followed at a glance
        self.along: set[InputAxis] = set()

    def add(self, names: tuple[str, ...], shape: Shape, found: Fields) -> None:
        """Put more inputs to them."""
        axis, rank, room = len(self.sides[0]), len(shape), found.room
        self.names += names
        for name in names:
            state = found.states.get(name)
            if not state:
                continue
            self.count += 1
            for key, paths in state.items():
                shown = self.same.get(key)
                if shown is None:
                    self.same[key] = shown = Shown(paths)
                elif paths is shown.first and shown.joining is None:
                    shown.count += 1
                    continue
                elif key not in self.along:
                    if shown.joining is None:
                        shown.joining = shown.joined(room.lengths.get(key), shape, room.known)
                    shown.joining.add(paths)
                if not _beside(paths, axis, rank):
                    self.along.add(key)


def _beside(paths: Paths, axis: int, rank: int) -> bool:
    """Does all of it move along other axes than that, at a glance?"""
    for terms in (paths.terms, paths.single or ()):
        for term in terms:
            for digit in term.digits:
                if not 0 <= digit.axis < rank or digit.axis == axis or digit.field.bounded:
                    return False
    return True


def grown_join(
    names: tuple[str, ...], row: Beside, shape: Shape, found: Fields, grown: dict[str, GrownJoin]
) -> GrownJoin:
    """The join of some tensors: that of the first of them, as far as it is known, and the others.

    Args:
        names: the tensors.
        row: how they are read.
        shape: the output's.
        found: what they see.
        grown: the joins before, by their first tensor.
    """
    sides = shape[: row.axis], shape[row.axis + 1 :]
    join = grown.get(names[0])
    if join is None or join.sides != sides or names[: len(join.names)] != join.names:
        join = grown[names[0]] = GrownJoin(sides)
    join.add(names[len(join.names) :], shape, found)
    return join
