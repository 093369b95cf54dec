"""Where along an axis are parts laid beside each other, and which units see along each?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from cnnscope.analyzer.fields.digits import Digit, as_field
from cnnscope.analyzer.fields.passages import Piece
from cnnscope.analyzer.fields.paths import Paths
from cnnscope.analyzer.fields.terms import Term
from cnnscope.analyzer.operators.reading import Along, Listed, Only, Upto, Whole
from cnnscope.analyzer.passes.reads import KnownRead

#: units times parts of what is concatenated: each part is laid beside the others unit by unit
MAX_LAID_OUT = 1 << 20


def piece_of(terms: Sequence[Term], pieces: Sequence[Piece | None]) -> Piece | None:
    """Where an input is laid beside others along the axis that a term hangs on, by the first that is.

    Args:
        terms: of the input.
        pieces: of the input's axes.
    """
    for term in terms:
        if len(term.digits) == 1:
            axis = term.digits[0].axis
            # What a loop carries may have fewer axes in a later iteration.
            if 0 <= axis < len(pieces) and pieces[axis] is not None:
                return pieces[axis]
    return None


def side_by_side(parts: Sequence[tuple[Paths, Piece | None]]) -> bool:
    """Has each part a stretch of its own along one axis?"""
    if parts[0][1] is None:
        return False
    pieces = [piece for _, piece in parts]
    return (
        all(p is not None for p in pieces)
        and len({(p.lo, p.hi) for p in pieces if p}) == len(pieces)
        and len({p.axis for p in pieces if p}) == 1
    )


def shared(piece: Piece, reads: Sequence[KnownRead]) -> bool:
    """Another input is laid onto the same axis."""
    return any(
        isinstance(along, Along)
        and along.axis == piece.axis
        and along.window.size == 1
        and along.window.before != piece.lo
        for read in reads
        if isinstance(read, tuple)
        for along in read
    )


def cut_to(term: Term, piece: Piece) -> Term:
    """The term for the units of its stretch only."""
    if len(term.digits) != 1 or term.digits[0].axis != piece.axis:
        return term
    (digit,) = term.digits
    whole = as_field([digit], piece.length)
    if whole is None:
        return term
    return Term((Digit(piece.axis, 1, None, whole.piece(piece.lo, piece.hi, piece.length)),))


def beside(way: Term, piece: Piece) -> Term:
    """A single path behind what lays it beside others: the units of its stretch alone see along it."""
    if len(way.digits) != 1 or way.digits[0].place != (piece.axis, 1, None):
        return way
    lo, hi = way.stretch or (piece.lo, piece.hi)
    return way._replace(stretch=(max(lo, piece.lo), min(hi, piece.hi)))


def stretch_behind(stretch: tuple[int, int], read: object) -> tuple[tuple[int, int] | None, object]:
    """Which units read of a stretch of an axis, (0, 0) if none; and how an axis is read of which
    only that is there."""
    lo, hi = stretch
    if isinstance(read, Whole | Upto):
        return None, Only(lo, hi - 1)
    if isinstance(read, Only):
        lo, hi = max(lo, read.lo), min(hi, read.hi + 1)
        return ((0, 0), read) if lo >= hi else (None, Only(lo, hi - 1))
    if isinstance(read, Listed):
        rows = [row for row in read.rows if row is not None and row[0] < hi and row[1] >= lo]
        return (None if rows else (0, 0)), read
    if not isinstance(read, Along) or read.window.stride <= 0 or read.window.outside != "nothing":
        return None, read
    w = read.window
    if w.is_identity:
        return stretch, read
    last = (w.size - 1) * w.dilation
    first = math.ceil(Fraction(lo + w.before - max(last, 0)) / Fraction(w.stride))
    end = math.floor(Fraction(hi - 1 + w.before - min(last, 0)) / Fraction(w.stride)) + 1
    return ((max(first, 0), end) if end > max(first, 0) else (0, 0)), read
