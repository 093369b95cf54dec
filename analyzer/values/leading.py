"""What does a formula come to where lengths are large: its leading term?

``2352*floor((H + 1)/2)*floor((W + 1)/2) + 9*H`` grows as ``588*H*W`` does: of a sum count the products
of most lengths, and of a floor its quotient. The leading term is no bound and no estimate for a given
size; it says what a figure hangs on, and how.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.polynomial import Atom

#: what is known by name, as often as it is a factor
Factors = tuple[str, ...]
_Terms = dict[Factors, Fraction]
#: how deep floors of floors are followed, and how many terms are kept
_DEEPEST, _MOST = 20, 64


@dataclass(frozen=True, slots=True)
class Leading:
    """The leading term of a formula; a sum where several products are of the same degree.

    Args:
        terms: products of lengths with their coefficients, the largest coefficient first.
        exact: it is all of the formula.
    """

    terms: tuple[tuple[Fraction, Factors], ...]
    exact: bool


def leading(*moments: Dim) -> Leading | None:
    """The leading term of a formula, or of the largest of several; None where none can be told.

    >>> height = FreeDim.named("H")
    >>> leading(588 * (height // 2) + 7).terms, leading(3 * height).exact
    (((Fraction(294, 1), ('H',)),), True)
    """
    try:
        found = [_expanded(moment, 0) for moment in moments]
        terms, exact = found[0]
        if len(found) > 1:
            terms, exact = _largest([terms for terms, _ in found]), False
    except _TooMuch:
        return None
    if not terms or () in terms:
        return None
    ordered = sorted(terms.items(), key=lambda item: (-abs(item[1]), item[0]))
    return Leading(tuple((factor, names) for names, factor in ordered), exact)


class _TooMuch(Exception):
    """A formula that isn't followed."""


def _expanded(value: Dim, depth: int) -> tuple[_Terms, bool]:
    """The terms of the highest degree, and whether they are all there is."""
    if not isinstance(value, FreeDim):
        return {(): Fraction(value)} if value else {}, True
    if depth > _DEEPEST:
        raise _TooMuch
    total: _Terms = {}
    exact = True
    for monomial, factor in value.terms:
        product: _Terms = {(): Fraction(factor)}
        for atom in monomial:
            inside, whole = _of_atom(atom, depth)
            exact = exact and whole
            product = _multiplied(product, inside)
        for names, part in product.items():
            total[names] = total.get(names, Fraction(0)) + part
        if len(total) > _MOST:
            raise _TooMuch
    left = {names: factor for names, factor in total.items() if factor}
    if value.terms and not left:  # what led cancels, and of the rest nothing is known
        raise _TooMuch
    degree = max(map(len, left), default=0)
    highest = {names: factor for names, factor in left.items() if len(names) == degree}
    return highest, exact and len(highest) == len(left)


def _multiplied(left: _Terms, right: _Terms) -> _Terms:
    found: _Terms = {}
    for a, x in left.items():
        for b, y in right.items():
            names = tuple(sorted(a + b))
            found[names] = found.get(names, Fraction(0)) + x * y
    if len(found) > _MOST:
        raise _TooMuch
    return found


def _of_atom(atom: Atom, depth: int) -> tuple[_Terms, bool]:
    if isinstance(atom.top, FreeDim):
        terms, _ = _expanded(atom.top, depth + 1)
        return {names: factor / atom.bottom for names, factor in terms.items()}, False
    if atom.how == "max":
        return _largest([_expanded(_dim(part), depth + 1)[0] for part in atom.parts]), False
    if atom.how or atom.is_short:
        raise _TooMuch
    return {(atom.text,): Fraction(1)}, True


def _dim(part: object) -> Dim:
    if isinstance(part, int | FreeDim):
        return part
    raise _TooMuch


def _largest(found: Sequence[_Terms]) -> _Terms:
    """Of several leading terms the largest, where one is so in each of its products."""
    degree = max((len(names) for terms in found for names in terms), default=0)
    highest = [terms for terms in found if any(len(names) == degree for names in terms)]
    for terms in highest:
        others = [(names, factor) for other in highest for names, factor in other.items()]
        if all(terms.get(names, Fraction(0)) >= factor for names, factor in others):
            return terms
    raise _TooMuch
