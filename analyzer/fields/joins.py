"""What do paths show together where they are added, concatenated, or either of them is taken?"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.fields.misalignment import note_misaligned
from cnnscope.analyzer.fields.passages import Piece
from cnnscope.analyzer.fields.paths import InputAxis, Paths, State
from cnnscope.analyzer.fields.smallest import Ways, single_paths
from cnnscope.analyzer.fields.stretches import beside, cut_to, side_by_side
from cnnscope.analyzer.fields.terms import Term, capped, gathered, regular, union
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.values.tensor import Shape, Tensor


class Joining:
    """What several inputs, or ways that a tensor may have come about, show of an input's axis.

    They are put together one after another, so that a layer which joins what one before it joined,
    and something more, goes on from there.

    Args:
        length: of the input's axis, where it is known.
        shape: the output's; of the axes along which terms move.
        laid_out: each part is seen along a stretch of its own.
    """

    __slots__ = ("aligned", "apart", "known", "known_fields", "laid_out", "shape", "terms", "ways")

    def __init__(
        self, length: int | None, shape: Shape | None, known: KnownFields, laid_out: bool = False
    ) -> None:
        self.shape, self.known_fields, self.laid_out = shape, known, laid_out
        self.aligned = self.known = True
        self.apart: tuple[Term, Term] | None = None  # the first two that aren't aligned
        self.terms: list[Term] = []
        self.ways = Ways(length, shape, known)

    def add(self, paths: Paths, piece: Piece | None = None) -> None:
        """Put one more part to them."""
        self.aligned = self.aligned and paths.aligned
        self.known = self.known and paths.known
        laid = piece if self.laid_out else None
        terms = self.terms
        for term in paths.terms:
            if laid is not None:
                term = cut_to(term, laid)
            places = term.places
            for i, other in enumerate(terms):
                if other.places == places:
                    terms[i], agree = union(other, term, self.shape, self.known_fields)
                    if not agree and not self.laid_out and self.apart is None:
                        self.apart = other, term
                    break
            else:
                terms.append(term)
        for way in paths.ways:
            self.ways.add(way if laid is None else beside(way, laid))

    def paths(self, node: Node, found: Fields, key: InputAxis) -> Paths:
        """All of them together, joined by a node."""
        if self.apart is not None and self.aligned:
            note_misaligned(node, found, key, *self.apart)
        terms = [regular(term) for term in self.terms] if self.laid_out else self.terms
        kept = gathered(capped(terms, self.shape, node.name))
        aligned = self.aligned and self.apart is None
        return Paths(kept, aligned, self.known, single_paths(kept, self.ways.smallest()))


def join(
    node: Node,
    found: Fields,
    key: InputAxis,
    parts: Sequence[tuple[Paths, Piece | None]],
    output: Tensor,
) -> Paths:
    """What several parts show together."""
    room = found.room
    joined = Joining(room.lengths.get(key), output.shape, room.known, side_by_side(parts))
    for paths, piece in parts:
        joined.add(paths, piece)
    return joined.paths(node, found, key)


def merged_states(node: Node, found: Fields, a: State, b: State, output: Tensor) -> State:
    """What a tensor shows that may have come about in either of two ways."""
    result = dict(a)
    for key, paths in b.items():
        if key in result and result[key] != paths:
            result[key] = join(node, found, key, [(result[key], None), (paths, None)], output)
        else:
            result[key] = paths
    return result
