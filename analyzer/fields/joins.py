"""What do paths show together where they are added, concatenated, or either of them is taken?"""

from __future__ import annotations

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.misalignment import note_misaligned
from cnnscope.analyzer.fields.passages import Piece
from cnnscope.analyzer.fields.paths import InputAxis, Paths, State
from cnnscope.analyzer.fields.smallest import single_paths, smallest_ways
from cnnscope.analyzer.fields.stretches import beside, cut_to, side_by_side
from cnnscope.analyzer.fields.terms import Term, capped, gathered, regular, union
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.values.tensor import Tensor


def join(
    node: Node,
    found: Fields,
    key: InputAxis,
    parts: list[tuple[Paths, Piece | None]],
    output: Tensor,
) -> Paths:
    """What several inputs, or ways that a tensor may have come about, show of an input's axis."""
    aligned = all(paths.aligned for paths, _ in parts)
    known = all(paths.known for paths, _ in parts)
    known_fields = found.room.known
    laid_out = side_by_side(parts)
    terms: list[Term] = []
    for paths, piece in parts:
        for term in paths.terms:
            if laid_out and piece is not None:
                term = cut_to(term, piece)
            for i, other in enumerate(terms):
                if other.places == term.places:
                    merged, agree = union(other, term, output.shape, known_fields)
                    terms[i] = merged
                    if not agree and not laid_out:
                        if aligned:
                            note_misaligned(node, found, key, other, term)
                        aligned = False
                    break
            else:
                terms.append(term)
    if laid_out:
        terms = [regular(term) for term in terms]
    kept = gathered(capped(terms, output.shape, node.name))
    ways = [
        beside(way, piece) if laid_out and piece is not None else way
        for paths, piece in parts
        for way in paths.ways
    ]
    smallest = smallest_ways(ways, found.room.lengths.get(key), output.shape, known_fields)
    return Paths(kept, aligned, known, single_paths(kept, smallest))


def merged_states(node: Node, found: Fields, a: State, b: State, output: Tensor) -> State:
    """What a tensor shows that may have come about in either of two ways."""
    result = dict(a)
    for key, paths in b.items():
        if key in result and result[key] != paths:
            result[key] = join(node, found, key, [(result[key], None), (paths, None)], output)
        else:
            result[key] = paths
    return result
