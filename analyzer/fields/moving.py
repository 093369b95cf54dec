"""What does a unit see through one input of a node, behind how the node reads it?"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.fields.digits import EVERYTHING, Digits, apply_read, narrowest
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.paths import InputAxis, Paths
from cnnscope.analyzer.fields.reshapes import reshape
from cnnscope.analyzer.fields.smallest import single_paths, smallest_ways
from cnnscope.analyzer.fields.stretches import Piece, piece_of, stretch_behind
from cnnscope.analyzer.fields.terms import Term, gathered, least_seen
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.reading import Along, Coupled, Flat, Listed, Only, Upto, Whole
from cnnscope.analyzer.passes.reads import KnownRead
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.field import MAX_PERIOD
from cnnscope.analyzer.values.tensor import Shape, Tensor
from cnnscope.analyzer.values.window import POINT


class Moving:
    """One node, through whose reads what is seen is moved on.

    Args:
        found: where diagnostics, and which axes are looked along, are noted.
    """

    def __init__(self, node: Node, found: Fields) -> None:
        self.node, self.found = node, found

    def moved(
        self, key: InputAxis, paths: Paths, x: Tensor, output: Tensor, read: KnownRead
    ) -> tuple[Paths, Piece | None]:
        """The paths behind a read, and where it lays the input beside others."""
        if read is None or (isinstance(read, tuple) and _outside(paths, len(read))):
            some = least_seen(paths.terms)
            unknown = Term((), EVERYTHING, self.node.name, at_least=some, least=1)
            return Paths((unknown,), paths.aligned, False), None
        if len(paths.terms) == 1 and paths.single is None:
            (term,) = paths.terms
            if not term.digits:
                return paths, None
            if isinstance(read, tuple) and len(term.digits) == 1:
                axis = term.digits[0].axis
                along = read[axis] if 0 <= axis < len(read) else None
                if (
                    isinstance(along, Along)
                    and along.window is POINT
                    and along.axis == axis
                    and x.shape is not None
                    and output.shape is not None
                    and x.shape[axis : axis + 1] == output.shape[axis : axis + 1]
                ):
                    return paths, None  # a batch or channel axis, read index by index
        self.noticed(key, paths.terms, x, output, read)
        terms = self.moved_terms(paths.terms, x, output, read)
        if paths.single is None:
            single = terms
        else:
            single = self.moved_terms(paths.single, x, output, read)
        piece = None
        if isinstance(read, tuple):
            pieces = (piece_of(term, x, output, read) for term in paths.terms if term.digits)
            piece = next((piece for piece in pieces if piece is not None), None)
        if terms is paths.terms and single is paths.ways:
            return paths, piece
        found = gathered(terms)
        if len(single) > 1:
            single = smallest_ways(single, self.found.room.lengths.get(key), output.shape)
        return Paths(found, paths.aligned, paths.known, single_paths(found, single)), piece

    def moved_terms(
        self, terms: tuple[Term, ...], x: Tensor, output: Tensor, read: KnownRead
    ) -> tuple[Term, ...]:
        """The terms behind a read; those that it leaves out are gone."""
        found = [
            term if not term.digits
            else self.reshaped(term, x.shape, output.shape) if isinstance(read, Flat)
            else self.stepped(term, x, output, read) if isinstance(read, Coupled) and read.steps
            else self.read_term(term, x, output, read)
            for term in terms
        ]  # fmt: skip
        if all(new is term for new, term in zip(found, terms, strict=True)):
            return terms
        return tuple([term for term in found if term is not None])

    def noticed(
        self, key: InputAxis, terms: Sequence[Term], x: Tensor, output: Tensor, read: KnownRead
    ) -> None:
        """Is the input's axis one that is looked along? Is it one that can't be followed further?"""
        for digits in (term.digits for term in terms if term.digits):
            if isinstance(read, Flat):
                found, _, lost = reshape(digits, x.shape, output.shape)
                measured = x.shape is not None and all(isinstance(d, int) for d in x.shape)
                if (found is not None and len(found) > len(digits)) or (lost and measured):
                    self.found.spatial.add(key)  # cut into patches
                if lost:
                    self.found.diagnostics.append(
                        Diagnostic("axis-not-followed", "info", self.node.name,
                                   f"{self.node.title} rearranges an axis in a way that isn't "
                                   "followed: what is behind it sees at least what one of its units "
                                   "saw, and may see all of the input", "")
                    )  # fmt: skip
                continue
            assert x.shape is not None and isinstance(read, tuple)
            for digit in digits:
                if digit.axis >= 0 and _looks_along(read[digit.axis], x.shape[digit.axis]):
                    self.found.spatial.add(key)

    def stepped(self, term: Term, x: Tensor, output: Tensor, read: Coupled) -> Term | None:
        """Through what lies between; where that isn't followed, axis by axis."""
        digits: Digits | None = term.digits
        shape: Shape | None = x.shape
        lost = term.stretch is not None or shape is None
        for step, behind in read.steps:
            if lost or not digits or shape is None:
                break
            if isinstance(step, Flat):
                digits, _, lost = reshape(digits, shape, behind)
            else:
                digits, _ = apply_read(digits, shape, behind, step)
            shape = behind
        if lost or not digits or not all(d.field.size for d in digits):
            return self.read_term(term, x, output, read)
        return Term(digits)

    def read_term(self, term: Term, x: Tensor, output: Tensor, read: KnownRead) -> Term | None:
        """A term behind a read axis by axis; None: nothing is seen."""
        assert x.shape is not None and isinstance(read, tuple)
        if isinstance(read, Coupled) and not read.vague.isdisjoint(d.axis for d in term.digits):
            # A list of what each unit sees would be as long as all output axes together.
            self._unfollowed(
                f"{self.node.title} reads an axis at places that hang on several output axes: what its "
                "units see isn't followed further"
            )
            least = narrowest(term.digits)
            return Term((), EVERYTHING, self.node.name, False, least, at_least=least)
        stretch = None
        if term.stretch is not None:
            axis = term.digits[0].axis
            stretch, way = stretch_behind(term.stretch, read[axis])
            if stretch == (0, 0):
                return None
            read = (*read[:axis], way, *read[axis + 1 :])
        digits, rest = apply_read(term.digits, x.shape, output.shape, read)
        if digits is None or (digits and not all(d.field.size for d in digits)):
            return None
        if digits is term.digits and stretch == term.stretch:
            return term
        if digits:
            return Term(digits, stretch=stretch)
        whole = any(
            isinstance(read[d.axis], Whole | Upto) and x.shape[d.axis] != 1
            for d in term.digits
            if d.axis >= 0
        )
        if any(isinstance(read[d.axis], Whole | Upto | Only) for d in term.digits):
            return Term((), rest, self.node.name, whole)
        least = narrowest(term.digits)
        if not any(isinstance(n, int) and n > MAX_PERIOD for n in output.shape or ()):
            return Term((), rest, self.node.name, whole, least)
        # Between them the units see `rest`; a list of what each of them sees would be too long.
        self._unfollowed(
            f"{self.node.title} reads an axis without a period that is short enough: too many units "
            "to say what each of them sees"
        )
        return Term((), rest, self.node.name, whole, least, at_least=least)

    def _unfollowed(self, said: str) -> None:
        """Say once why what is seen isn't followed further here."""
        told = Diagnostic("axis-not-followed", "info", self.node.name, said, "")
        if told not in self.found.diagnostics:
            self.found.diagnostics.append(told)

    def reshaped(self, term: Term, before: Shape | None, after: Shape | None) -> Term | None:
        """A term behind a change of shape; None: nothing is seen."""
        digits, rest, lost = reshape(term.digits, before, after)
        if digits is None:
            return None
        if digits:
            kept = [(d.div, d.mod) for d in digits] == [(d.div, d.mod) for d in term.digits]
            return Term(digits, stretch=term.stretch if kept else None)
        if lost:
            least = narrowest(term.digits)
            return Term((), rest, self.node.name, least=least, at_least=least)
        return Term((), rest, self.node.name)


def _outside(paths: Paths, rank: int) -> bool:
    """It moves along an axis that the tensor hasn't: a body's declares another rank than it gets."""
    return any(digit.axis >= rank for term in paths.terms for digit in term.digits)


def _looks_along(read: object, length: Dim) -> bool:
    """Does this read look at neighbours or the whole of the axis, or change its grid?"""
    if isinstance(read, Along):
        return read.window.moves
    if isinstance(read, Listed):
        return read.spatial
    if isinstance(read, Whole):
        return read.spatial and length != 1
    return isinstance(read, Upto)
