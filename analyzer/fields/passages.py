"""How does a node hand on what its inputs' units see: what holds of a read, whatever is seen?

Nodes alike read alike, so all of it is found once per class (`likeness`), not once per node.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.fields.digits import Digits
from cnnscope.analyzer.fields.reshapes import Reshaped, reshape
from cnnscope.analyzer.fields.terms import Term
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.reading import (
    Along,
    Listed,
    Nothing,
    Upto,
    Whole,
    straight,
)
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads, find_reads
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Shape
from cnnscope.analyzer.values.window import POINT


@dataclass(frozen=True, slots=True)
class Piece:
    """The stretch of an output axis that one input is laid onto (Concat)."""

    axis: int
    lo: int
    hi: int
    length: int


class Passage:
    """One input as one output reads it.

    Args:
        before, after: the input's and the output's shape.
        read: how.

    Attributes:
        unmoved: every axis is read index by index, so that each unit sees what the one before it saw.
        stays: per axis of the input, whether that is so of it.
        looks: whether neighbours or the whole of it are looked at, or its grid is changed.
        pieces: where a mere shift lays it beside others; empty where that's so of no axis.
        known: terms that have been read before, and what they became. Where an axis was collapsed a
            node's name is in it, so that isn't kept.
    """

    __slots__ = (
        "after", "before", "known", "looks", "pieces", "read", "reshaped", "stays", "unmoved",
    )  # fmt: skip

    def __init__(self, before: Shape | None, after: Shape | None, read: KnownRead) -> None:
        self.before, self.after, self.read = before, after, read
        self.stays: tuple[bool, ...] = ()
        self.looks: tuple[bool, ...] = ()
        self.pieces: tuple[Piece | None, ...] = ()
        self.unmoved = False
        self.known: dict[Term, Term] = {}
        self.reshaped: dict[Digits, Reshaped] = {}
        if before is None or not isinstance(read, tuple):
            return
        if before == after and read == straight(len(read)):
            self.unmoved, self.stays = True, (True,) * len(read)
            return
        stays, looks, pieces = [], [], []
        for axis, (way, length) in enumerate(zip(read, before, strict=False)):
            kept, piece = False, None
            if isinstance(way, Along) and after is not None and way.axis < len(after):
                point, total = way.window is POINT, after[way.axis]
                kept = point and way.axis == axis and length == total
                piece = None if kept else _piece(way, length, total)
                looks.append(not point and way.window.moves)
            else:
                looks.append(_looks_along(way, length))
            stays.append(kept)
            pieces.append(piece)
        self.looks, self.stays = tuple(looks), tuple(stays)
        if any(pieces):
            self.pieces = tuple(pieces)

    def reshape(self, digits: Digits) -> Reshaped:
        """Digits behind a read that keeps the row-major order, see `reshapes`."""
        found = self.reshaped.get(digits)
        if found is None:
            found = self.reshaped[digits] = reshape(digits, self.before, self.after)
        return found

    def keeps(self, term: Term) -> bool:
        """Is a term behind the read what it was, at a glance?"""
        stays = self.stays
        for axis, _, _, field in term.digits:
            if not 0 <= axis < len(stays) or not stays[axis] or field.bounded:
                return False
        return True


def _looks_along(read: object, length: Dim) -> bool:
    """Does this read look at neighbours or the whole of the axis, or change its grid?"""
    if isinstance(read, Along):
        return read.window is not POINT and read.window.moves
    if isinstance(read, Listed):
        return read.spatial
    if isinstance(read, Whole):
        return read.spatial and length != 1
    return isinstance(read, Upto)


def _piece(way: Along, length: Dim, total: Dim) -> Piece | None:
    """Where along the output's axis a mere shift lays an input's."""
    window = way.window
    if window.size != 1 or length == total or window.stride != 1:
        return None
    first = window.before
    if not (isinstance(length, int) and isinstance(total, int) and isinstance(first, int)):
        return None
    return Piece(way.axis, first, first + length, total) if first >= 0 else None


class OutputPassages:
    """How one output of a node reads its inputs.

    Args:
        befores, after: the inputs' and the output's shape.
        reads: per input.

    Attributes:
        longer: there are rows beside an input's own along an axis that keeps its order.
    """

    __slots__ = ("_passages", "after", "befores", "longer", "reads")

    def __init__(
        self, befores: Sequence[Shape | None], after: Shape | None, reads: Sequence[KnownRead]
    ) -> None:
        self.befores, self.after, self.reads = befores, after, reads
        self.longer = after is not None and _longer(befores, after, reads)
        self._passages: dict[int, Passage] = {}

    def passage(self, i: int) -> Passage | None:
        """Of input `i`; None: nothing is read of it."""
        found = self._passages.get(i)
        if found is None:
            if isinstance(self.reads[i], Nothing):
                return None
            found = self._passages[i] = Passage(self.befores[i], self.after, self.reads[i])
        return found


def _longer(befores: Sequence[Shape | None], after: Shape, reads: Sequence[KnownRead]) -> bool:
    """Are there rows beside an input's own along an axis that keeps its order?"""
    for before, read in zip(befores, reads, strict=True):
        if before is None or before == after or not isinstance(read, tuple):
            continue
        for length, way in zip(before, read, strict=False):
            if isinstance(way, Along):
                if way.window.size != 1 or way.window.outside != "nothing":
                    continue
            elif not isinstance(way, Listed) or not way.spatial or way.table is not None:
                continue
            count = after[way.axis] if way.axis < len(after) else None
            if isinstance(length, int) and isinstance(count, int) and length < count:
                return True
    return False


@dataclass(frozen=True, slots=True)
class NodePassages:
    """How the outputs of a node read its inputs; `reads` is that as the passes have it."""

    reads: NodeReads
    outputs: tuple[OutputPassages, ...]


def find_passages(node: Node, shapes: Shapes) -> NodePassages:
    """What holds of a node's reads, and of those of every node like it."""
    reads, tensors = find_reads(node, shapes), shapes.tensors
    befores = input_shapes(node, shapes)
    outputs = [
        OutputPassages(befores, tensors[name].shape if name else None, per_input)
        for name, per_input in zip(node.outputs, reads.outputs, strict=False)
    ]
    return NodePassages(reads, tuple(outputs))


def input_shapes(node: Node, shapes: Shapes) -> tuple[Shape | None, ...]:
    """Those of a node's inputs; None where one is omitted, too."""
    return tuple([shapes.tensors[name].shape if name else None for name in node.inputs])
