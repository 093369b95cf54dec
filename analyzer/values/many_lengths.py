"""What does a length come to for many lengths of what it hangs on at once?

A formula is worked out on arrays, one element for each case: in 64 bits where no number on the way can
leave them, with Python's numbers where one could.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.polynomial import Atom, Polynomial

#: numbers of one case each: int64, or Python's
Numbers = npt.NDArray[Any]
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
    shape = np.broadcast_shapes(*(array.shape for array in lengths.values()))
    if isinstance(value, int):
        dtype: type = np.int64 if abs(value) < _ROOM else object
        return np.full(shape, value, dtype)
    highest = {name: float(array.max(initial=0)) for name, array in lengths.items()}
    if _bound(value, highest) >= _ROOM:
        lengths = {name: array.astype(object) for name, array in lengths.items()}
    found = _polynomial(value, lengths, {})
    return np.broadcast_to(np.asarray(found), shape).copy()


def _polynomial(
    value: int | Polynomial, lengths: Mapping[str, Numbers], known: dict[Atom, Numbers]
) -> Numbers | int:
    if isinstance(value, int):
        return value
    total: Numbers | int = 0
    for monomial, factor in value.terms:
        part: Numbers | int = factor
        for atom in monomial:
            if atom not in known:
                known[atom] = np.asarray(_atom(atom, lengths, known))
            part = part * known[atom]
        total = total + part
    return total


def _atom(atom: Atom, lengths: Mapping[str, Numbers], known: dict[Atom, Numbers]) -> Numbers | int:
    if atom.top is not None:
        return _polynomial(atom.top, lengths, known) // atom.bottom
    if atom.parts:
        parts = [_polynomial(part, lengths, known) for part in atom.parts]
        if atom.how == "quotient":
            if np.any(np.equal(parts[1], 0)):
                raise Undetermined("a length divided by another that is 0", atom.names, atom.data)
            return parts[0] // parts[1]
        found = np.asarray(parts[0])
        for part in parts[1:]:
            found = np.maximum(found, part) if atom.how == "max" else np.minimum(found, part)
        return found
    if atom.text in lengths:
        return lengths[atom.text]
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
