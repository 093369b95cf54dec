"""What does a length come to for many lengths of what it hangs on at once?

A formula is worked out on arrays, one element for each case: in 64 bits where no number on the way can
leave them, with Python's numbers where one could.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.values.conditions import Claim
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.polynomial import Atom, Polynomial

#: numbers of one case each: int64, or Python's
Numbers = npt.NDArray[Any]
Booleans = npt.NDArray[np.bool_]
_ROOM = 2.0**62


def evaluated(value: Dim, lengths: Mapping[str, Numbers]) -> Numbers:
    """A length in each of many cases.

    Args:
        value: a number or a formula.
        lengths: for each name an array of lengths, all of one shape.

    Returns:
        An array of that shape, of int64 or of Python's numbers.

    Raises:
        Undetermined: the formula hangs on something else, or divides by 0.

    >>> from cnnscope.analyzer.values.dimension import FreeDim
    >>> evaluated((FreeDim.named("H") + 1) // 2, {"H": np.array([7, 8, 9])})
    array([4, 4, 5])
    """
    found, defined = _where_defined(value, lengths)
    if not defined.all():
        raise Undetermined("a length divided by another that is 0")
    return found


def holding(claim: Claim, differences: Numbers) -> Booleans:
    """Whether a claim holds of the differences that it comes to in many cases."""
    return np.asarray(differences == 0 if claim.kind == "zero" else differences >= 0, bool)


def where_holds(claim: Claim, lengths: Mapping[str, Numbers]) -> tuple[Booleans, Booleans]:
    """In which of many cases does a claim hold, and of which can that be told at all?

    >>> from cnnscope.analyzer.values.dimension import FreeDim
    >>> height = FreeDim.named("H")
    >>> where_holds(Claim(height // (height - 2), 3, "positive"), {"H": np.array([1, 2, 3, 5])})
    (array([False, False,  True, False]), array([ True, False,  True,  True]))
    """
    try:
        differences, defined = _where_defined(claim.difference, lengths)
    except Undetermined:
        shape = np.broadcast_shapes(*(array.shape for array in lengths.values()))
        return np.zeros(shape, bool), np.zeros(shape, bool)
    return holding(claim, differences) & defined, defined


def _where_defined(value: Dim, lengths: Mapping[str, Numbers]) -> tuple[Numbers, Booleans]:
    """A length in each of many cases, and in which of them nothing is divided by 0."""
    shape = np.broadcast_shapes(*(array.shape for array in lengths.values()))
    if isinstance(value, int):
        dtype: type = np.int64 if abs(value) < _ROOM else object
        return np.full(shape, value, dtype), np.ones(shape, bool)
    highest = {name: float(array.max(initial=0)) for name, array in lengths.items()}
    if _bound(value, highest) >= _ROOM:
        lengths = {name: array.astype(object) for name, array in lengths.items()}
    cases = _Cases(lengths, np.ones(shape, bool))
    found = cases.polynomial(value)
    return np.broadcast_to(np.asarray(found), shape).copy(), cases.defined


class _Cases:
    """Formulas in many cases at once.

    Args:
        lengths: for each name an array of lengths.
        defined: the cases in which nothing was divided by 0 so far.
    """

    def __init__(self, lengths: Mapping[str, Numbers], defined: Booleans) -> None:
        self.lengths, self.defined = lengths, defined
        self._known: dict[Atom, Numbers] = {}

    def polynomial(self, value: int | Polynomial) -> Numbers | int:
        if isinstance(value, int):
            return value
        total: Numbers | int = 0
        for monomial, factor in value.terms:
            part: Numbers | int = factor
            for atom in monomial:
                if atom not in self._known:
                    self._known[atom] = np.asarray(self._atom(atom))
                part = part * self._known[atom]
            total = total + part
        return total

    def _atom(self, atom: Atom) -> Numbers | int:
        if atom.top is not None:
            return self.polynomial(atom.top) // atom.bottom
        if atom.parts:
            parts = [self.polynomial(part) for part in atom.parts]
            if atom.how == "quotient":
                by = np.asarray(parts[1])
                self.defined = self.defined & (by != 0)
                return np.asarray(parts[0] // np.where(by == 0, 1, by))
            found = np.asarray(parts[0])
            for part in parts[1:]:
                found = np.maximum(found, part) if atom.how == "max" else np.minimum(found, part)
            return found
        if atom.text in self.lengths:
            return self.lengths[atom.text]
        raise Undetermined(f"the value of {atom.text}", atom.names, atom.data)


def _bound(value: int | Polynomial, highest: Mapping[str, float]) -> float:
    """A number that nothing on the way exceeds."""
    if isinstance(value, int):
        return abs(float(value)) if value.bit_length() < 1000 else _ROOM
    total = 0.0
    for monomial, factor in value.terms:
        part = abs(float(factor)) if factor.bit_length() < 1000 else _ROOM
        for atom in monomial:
            part *= max(_atom_bound(atom, highest), 1.0)
        total += part
    return total


def _atom_bound(atom: Atom, highest: Mapping[str, float]) -> float:
    # What is divided is bounded, not the quotient: the sum is made before it is divided.
    if atom.top is not None:
        return _bound(atom.top, highest)
    if atom.parts:
        return max(_bound(part, highest) for part in atom.parts)
    return highest.get(atom.text, 0.0)
