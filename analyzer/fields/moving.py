"""What does a unit see through one input of a node, behind how the node reads it?"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.fields.digits import EVERYTHING, Digit, Digits, apply_read, narrowest
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.passages import Passage, Piece
from cnnscope.analyzer.fields.paths import InputAxis, Paths
from cnnscope.analyzer.fields.reshapes import reshape
from cnnscope.analyzer.fields.smallest import single_paths, smallest_ways
from cnnscope.analyzer.fields.stretches import piece_of, stretch_behind
from cnnscope.analyzer.fields.terms import Term, gathered, least_seen
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.reading import Along, Coupled, Flat, Only, Upto, Whole
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.field import MAX_PERIOD, Field
from cnnscope.analyzer.values.tensor import Shape


class Moving:
    """One node, through whose reads what is seen is moved on.

    Args:
        found: where diagnostics, and which axes are looked along, are noted.
    """

    def __init__(self, node: Node, found: Fields) -> None:
        self.node, self.found, self.known = node, found, found.room.known

    def moved(self, key: InputAxis, paths: Paths, passage: Passage) -> tuple[Paths, Piece | None]:
        """The paths behind a read, and where it lays the input beside others."""
        terms, single, read = paths.terms, paths.single, passage.read
        if passage.unmoved or (
            len(terms) == 1 and single is None and read is not None and not terms[0].digits
        ):
            return paths, None
        if read is None or (isinstance(read, tuple) and _outside(terms, len(read))):
            some = least_seen(terms)
            unknown = Term((), EVERYTHING, self.node.name, at_least=some, least=1)
            return Paths((unknown,), paths.aligned, False), None
        if self.kept(terms, single, passage):
            return paths, None
        self.noticed(key, terms, passage)
        moved = self.moved_terms(terms, passage)
        piece = piece_of(terms, passage.pieces) if passage.pieces else None
        ways = moved if single is None else self.moved_terms(single, passage)
        if moved is terms and (single is None or ways is single):
            return paths, piece
        found = gathered(moved)
        if len(ways) > 1:
            ways = smallest_ways(ways, self.found.room.lengths.get(key), passage.after, self.known)
        elif single is None:
            return Paths(found, paths.aligned, paths.known), piece
        return Paths(found, paths.aligned, paths.known, single_paths(found, ways)), piece

    def kept(
        self, terms: tuple[Term, ...], single: tuple[Term, ...] | None, passage: Passage
    ) -> bool:
        """Are the paths behind the read what they were, at a glance?"""
        if single is None and len(terms) == 1:
            digits = terms[0].digits
            if len(digits) == 1:  # a batch or channel axis, read index by index
                axis, stays = digits[0].axis, passage.stays
                return 0 <= axis < len(stays) and stays[axis]
        if type(passage.read) is not tuple:
            return False
        keeps = passage.keeps
        return all(map(keeps, terms)) and (single is None or all(map(keeps, single)))

    def moved_terms(self, terms: tuple[Term, ...], passage: Passage) -> tuple[Term, ...]:
        """The terms behind a read; those that it leaves out are gone."""
        read = passage.read
        found: list[Term] = []
        same = True
        for term in terms:
            if not term.digits:
                new: Term | None = term
            elif isinstance(read, Flat):
                new = self.reshaped(term, passage)
            elif isinstance(read, Coupled) and read.steps:
                new = self.stepped(term, passage, read)
            else:
                new = passage.known.get(term)
                if new is None:
                    new = self.read_term(term, passage)
                    if new is not None and new.digits:
                        passage.known[term] = new
            same = same and new is term
            if new is not None:
                found.append(new)
        return terms if same else tuple(found)

    def noticed(self, key: InputAxis, terms: Sequence[Term], passage: Passage) -> None:
        """Is the input's axis one that is looked along? Is it one that can't be followed further?"""
        before, read = passage.before, passage.read
        for term in terms:
            digits = term.digits
            if not digits:
                continue
            if isinstance(read, Flat):
                found, _, lost = passage.reshape(digits)
                measured = before is not None and all(isinstance(d, int) for d in before)
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
            for digit in digits:
                if digit.axis >= 0 and passage.looks[digit.axis]:
                    self.found.spatial.add(key)

    def stepped(self, term: Term, passage: Passage, read: Coupled) -> Term | None:
        """Through what lies between; where that isn't followed, axis by axis."""
        digits: Digits | None = term.digits
        shape: Shape | None = passage.before
        lost = term.stretch is not None or shape is None
        for step, behind in read.steps:
            if lost or not digits or shape is None:
                break
            if isinstance(step, Flat):
                digits, _, lost = reshape(digits, shape, behind)
            else:
                digits, _ = apply_read(digits, shape, behind, step, self.known)
            shape = behind
        if lost or not digits or any(d.field.blind for d in digits):
            return self.read_term(term, passage)
        return Term(digits)

    def read_term(self, term: Term, passage: Passage) -> Term | None:
        """A term behind a read axis by axis; None: nothing is seen."""
        before, after, read = passage.before, passage.after, passage.read
        plain = self.behind_window(term, passage)
        if plain is not None:
            return plain
        assert before is not None and isinstance(read, tuple)
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
        digits, rest = apply_read(term.digits, before, after, read, self.known)
        if digits is None or (digits and any(d.field.blind for d in digits)):
            return None
        if digits is term.digits and stretch == term.stretch:
            return term
        if digits:
            return Term(digits, stretch=stretch)
        whole = any(
            isinstance(read[d.axis], Whole | Upto) and before[d.axis] != 1
            for d in term.digits
            if d.axis >= 0
        )
        if any(isinstance(read[d.axis], Whole | Upto | Only) for d in term.digits):
            return Term((), rest, self.node.name, whole)
        least = narrowest(term.digits)
        if not any(isinstance(n, int) and n > MAX_PERIOD for n in after or ()):
            return Term((), rest, self.node.name, whole, least)
        # Between them the units see `rest`; a list of what each of them sees would be too long.
        self._unfollowed(
            f"{self.node.title} reads an axis without a period that is short enough: too many units "
            "to say what each of them sees"
        )
        return Term((), rest, self.node.name, whole, least, at_least=least)

    def behind_window(self, term: Term, passage: Passage) -> Term | None:
        """A term that moves along one axis, behind a window along it: as most do in most nets."""
        read = passage.read
        if len(term.digits) != 1 or term.stretch is not None or type(read) is not tuple:
            return None
        axis, div, mod, field = term.digits[0]
        way = read[axis] if axis >= 0 else None
        if div != 1 or mod is not None or not isinstance(way, Along):
            return None
        window = way.window
        if window.is_identity:
            if field.bounded or window.outside == "wrap":
                return None
            found: Field | None = field
        else:
            size = passage.after[way.axis] if passage.after is not None else None
            found = self.known.behind(field, window, size if isinstance(size, int) else None)
        if found is None or found.blind:
            return None
        if found is field and way.axis == axis:
            return term
        return Term((Digit(way.axis, 1, None, found),))

    def _unfollowed(self, said: str) -> None:
        """Say once why what is seen isn't followed further here."""
        told = Diagnostic("axis-not-followed", "info", self.node.name, said, "")
        if told not in self.found.diagnostics:
            self.found.diagnostics.append(told)

    def reshaped(self, term: Term, passage: Passage) -> Term | None:
        """A term behind a change of shape; None: nothing is seen."""
        digits, rest, lost = passage.reshape(term.digits)
        if digits is None:
            return None
        if digits:
            kept = [(d.div, d.mod) for d in digits] == [(d.div, d.mod) for d in term.digits]
            return Term(digits, stretch=term.stretch if kept else None)
        if lost:
            least = narrowest(term.digits)
            return Term((), rest, self.node.name, least=least, at_least=least)
        return Term((), rest, self.node.name)


def _outside(terms: Sequence[Term], rank: int) -> bool:
    """It moves along an axis that the tensor hasn't: a body's declares another rank than it gets."""
    for term in terms:
        for digit in term.digits:
            if digit.axis >= rank:
                return True
    return False
