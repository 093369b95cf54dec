"""What does a free length come to when lengths are put in for the names it hangs on?"""

from __future__ import annotations

from collections.abc import Mapping

from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.extremes import greatest, smallest
from cnnscope.analyzer.values.polynomial import BITS, Atom, Polynomial


def substituted(
    value: Dim, lengths: Mapping[str, Dim], known: dict[Atom, Dim] | None = None
) -> Dim:
    """The same polynomial with lengths put in for names; what isn't named stays free.

    Args:
        value: the polynomial.
        lengths: by name.
        known: what atoms came to, kept for the next polynomial; names met before keep their lengths.

    Raises:
        Undetermined: a name is inside something that isn't followed, or the length has very many
            digits.

    >>> height = FreeDim.named("H")
    >>> substituted((height + 2 - 3) // 2 + 1, {"H": 224})
    112
    """
    return _polynomial(value, lengths, {} if known is None else known)


def _polynomial(value: int | Polynomial, lengths: Mapping[str, Dim], known: dict[Atom, Dim]) -> Dim:
    if isinstance(value, int):
        return value
    total: Dim = 0
    for monomial, factor in value.factors.items():
        part: Dim = factor
        for atom in monomial:
            # What stands in a formula many times is worked out once: written out, a length that
            # is multiplied by itself again and again has 2^60 factors.
            if atom not in known:
                known[atom] = _atom(atom, lengths, known)
            part = part * known[atom]
            if isinstance(part, int) and part.bit_length() > BITS:
                raise Undetermined("a length of very many digits", value.names, value.data)
        total = total + part
    return total


def _atom(atom: Atom, lengths: Mapping[str, Dim], known: dict[Atom, Dim]) -> Dim:
    if atom.top is not None:
        return _polynomial(atom.top, lengths, known) // atom.bottom
    if atom.parts:
        parts = [_polynomial(part, lengths, known) for part in atom.parts]
        if atom.how == "quotient":
            if parts[1] == 0:
                raise Undetermined("a length divided by another that is 0", atom.names, atom.data)
            return parts[0] // parts[1]
        return (greatest if atom.how == "max" else smallest)(*parts)
    if atom.text in lengths:
        return lengths[atom.text]
    if atom.names & lengths.keys():
        raise Undetermined(f"the value of {atom.text}", atom.names, atom.data)
    return FreeDim({(atom,): 1})
