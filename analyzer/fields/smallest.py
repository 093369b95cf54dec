"""Which of several single paths from an input may turn out the smallest?

The single paths are followed each by itself, for the smallest of them says which layers can add
something (Richter et al. 2021). Of two paths that hang on the unit alike, one is left out where the
other stays the smaller whatever is read next (`narrower`); a path with a smaller size and a larger
step is kept, it may win or lose.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.fields.digits import EVERYTHING, narrowest, width
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.fields.terms import Term, covered, digit_count
from cnnscope.analyzer.values.narrower import moves_like
from cnnscope.analyzer.values.tensor import Shape

#: single paths that are followed; a wider one beyond them isn't
MAX_WAYS = 8


def way_size(way: Term, length: int | None) -> int | None:
    """How much the units of a tensor see along one path, at most; None: that isn't known.

    Before clipping; a path on which the axis was collapsed sees what of the input is there.

    Args:
        way: the path.
        length: of the network input's axis, None where it isn't known.
    """
    if way.digits:
        return width(way.digits)
    return None if way.least is not None else covered(way.fixed, length)


def single_paths(terms: tuple[Term, ...], ways: tuple[Term, ...]) -> tuple[Term, ...] | None:
    """The single paths as `Paths.single` has them: None where the terms are those."""
    return None if ways == terms else ways


class Ways:
    """Those of several single paths that may turn out the smallest, taken one after another.

    Args:
        length: of the input's axis, where it is known.
        shape: of the tensor whose units see along them.
    """

    __slots__ = ("kept", "known", "length", "seen", "shape")

    def __init__(self, length: int | None, shape: Shape | None, known: KnownFields) -> None:
        self.length, self.shape, self.known = length, shape, known
        self.kept: list[Term] = []
        self.seen: set[Term] = set()

    def add(self, way: Term) -> None:
        """Keep a path, unless another one is sure to stay as small; leave out those that it outdoes."""
        if way in self.seen:
            return
        self.seen.add(way)
        length, shape, known, kept = self.length, self.shape, self.known, self.kept
        if not kept:
            kept.append(way)
            return
        for other in kept:
            if _outdoes(other, way, length, shape, known):
                return
        kept = [other for other in kept if not _outdoes(way, other, length, shape, known)]
        self.kept = [*kept, way]

    def smallest(self) -> tuple[Term, ...]:
        """The paths; those beyond `MAX_WAYS` as one that isn't followed."""
        kept = self.kept
        if len(kept) <= MAX_WAYS:
            return tuple(kept)
        moving = sorted((w for w in kept if w.digits), key=lambda w: width(w.digits))
        if len(moving) <= MAX_WAYS:
            return tuple(kept)
        least = min(narrowest(w.digits) for w in moving[MAX_WAYS:])
        fixed = [w for w in kept if not w.digits]
        return (*moving[:MAX_WAYS], *fixed, Term((), EVERYTHING, None, False, least))


def smallest_ways(
    ways: Sequence[Term], length: int | None, shape: Shape | None, known: KnownFields
) -> tuple[Term, ...]:
    """Those of several single paths that may turn out the smallest."""
    if len(ways) == 1:
        return tuple(ways)
    found = Ways(length, shape, known)
    for way in ways:
        found.add(way)
    return found.smallest()


def _inside(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _outdoes(a: Term, b: Term, length: int | None, shape: Shape | None, known: KnownFields) -> bool:
    """Is path `a` as small as path `b`, whatever is read next?"""
    if a.stretch is not None and (b.stretch is None or not _inside(b.stretch, a.stretch)):
        return False  # it may end earlier
    if a.digits and b.digits:
        if len(a.digits) == 1 == len(b.digits):
            (p,), (q,) = a.digits, b.digits
            return p[:3] == q[:3] and known.narrower(p.field, q.field, digit_count(p, shape))
        # Parts of a sum must move alike.
        return a.places == b.places and all(
            moves_like(p.field, q.field) and known.narrower(p.field, q.field, digit_count(p, shape))
            for p, q in zip(a.digits, b.digits, strict=True)
        )
    if a.digits:
        return False
    mine = way_size(a, length)
    if b.digits:
        return mine is not None and mine <= narrowest(b.digits)
    if b.least is not None:
        return (a.least is not None and a.least <= b.least) or (
            mine is not None and mine <= b.least
        )
    theirs = way_size(b, length)
    return mine is not None and theirs is not None and mine <= theirs
