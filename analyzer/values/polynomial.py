"""What is an integer polynomial over unknowns, and how small can it get?

Its *atoms* are what isn't known: a dimension's name, the floor of a quotient, the larger of two
lengths. Two polynomials are equal exactly where their terms are. Lengths that hang on something are
such polynomials (`dimension`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

#: what a formula is kept up to: terms, atoms in a term, bits of a coefficient, letters of a quotient.
#: A shape's product stays far below; what a graph multiplies by itself again and again would double
#: with every node.
TERMS, DEGREE, BITS, LETTERS = 256, 128, 2048, 2000


@dataclass(frozen=True, slots=True)
class Atom:
    """An unknown that a polynomial is made of: a dimension's name, or the floor of a quotient.

    `least` is its lower bound; None where there is none. Of a floor, `top` and `bottom` are what is
    divided by which number; of what else is worked out of other lengths, `parts` are those, and `how`
    says what: ``"max"``, ``"min"``, or ``"quotient"``, rounded down.
    """

    text: str
    names: frozenset[str]
    data: frozenset[str] = frozenset()
    least: int | None = 1
    top: Polynomial | None = field(default=None, compare=False)
    bottom: int = field(default=0, compare=False)
    parts: tuple[int | Polynomial, ...] = field(default=(), compare=False)
    how: str = field(default="", compare=False)


Monomial = tuple[Atom, ...]


class Polynomial:
    """A sum of products of atoms, each with its integer coefficient."""

    __slots__ = ("_terms",)
    _terms: tuple[tuple[Monomial, int], ...]

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        kept = [(monomial, factor) for monomial, factor in terms.items() if factor]
        if len(kept) > TERMS or any(
            len(monomial) > DEGREE or factor.bit_length() > BITS for monomial, factor in kept
        ):
            kept = [((opaque(kept),), 1)]
        kept.sort(key=lambda term: (-len(term[0]), [atom.text for atom in term[0]]))
        self._terms = tuple(kept)

    @property
    def names(self) -> frozenset[str]:
        """The free dimensions this hangs on."""
        return frozenset(name for m, _ in self._terms for atom in m for name in atom.names)

    @property
    def data(self) -> frozenset[str]:
        """The data-dependent quantities this hangs on."""
        return frozenset(what for m, _ in self._terms for atom in m for what in atom.data)

    @property
    def terms(self) -> tuple[tuple[Monomial, int], ...]:
        """The polynomial: products of atoms, each with its coefficient; no atoms: the constant."""
        return self._terms

    # -- bounds ------------------------------------------------------------------------------

    def least(self) -> int | None:
        """A lower bound, or None where a negative coefficient leaves none.

        >>> height, width = (Atom(name, frozenset((name,))) for name in "HW")
        >>> Polynomial({(height,): 2, (width,): 1, (): 3}).least()
        6
        """
        found = self._least_plainly()
        if found is None and any(atom.top is not None for m, _ in self._terms for atom in m):
            return _least_without_floors(self._terms)
        return found

    def _least_plainly(self) -> int | None:
        total = 0
        for monomial, factor in self._terms:
            bounds = [atom.least for atom in monomial]
            known = [bound for bound in bounds if bound is not None]
            # What may be negative bounds no product with something that may grow.
            signed = len(monomial) > 1 and any(bound < 0 for bound in known)
            if monomial and (factor < 0 or len(known) < len(bounds) or signed):
                return None
            total += factor * math.prod(known)
        return total

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self._terms == other._terms

    def __hash__(self) -> int:
        return hash(self._terms)

    # -- text --------------------------------------------------------------------------------

    def __str__(self) -> str:
        text = ""
        for monomial, factor in self._terms:
            body = "*".join(atom.text for atom in monomial)
            size = abs(factor)
            part = str(size) if not body else body if size == 1 else f"{size}*{body}"
            sign = ("-" if factor < 0 else "") if not text else " - " if factor < 0 else " + "
            text += sign + part
        return text or "0"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


def constant(terms: Mapping[Monomial, int]) -> int | None:
    """The plain integer that terms come down to; None where they hang on something."""
    if all(not factor for monomial, factor in terms.items() if monomial):
        return terms.get((), 0)
    return None


def opaque(terms: Iterable[tuple[Monomial, int]]) -> Atom:
    """What is too long to be kept as a formula, as one unknown; equal formulas give equal ones."""
    terms = sorted(terms, key=lambda term: [atom.text for atom in term[0]])
    text = short(repr([(factor, [atom.text for atom in monomial]) for monomial, factor in terms]))
    atoms = {atom for monomial, _ in terms for atom in monomial}
    names = frozenset(name for atom in atoms for name in atom.names)
    return Atom(text, names, frozenset(what for atom in atoms for what in atom.data), None)


def short(text: str) -> str:
    """A name for a formula that is too long to be written."""
    from hashlib import sha256

    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"formula {digest}"


def _least_without_floors(terms: Iterable[tuple[Monomial, int]]) -> int | None:
    """A lower bound of a polynomial, by what is known of a floor from both sides::

        (t - b + 1)/b <= floor(t/b) <= t/b

    First only where a floor is taken away, then everywhere: one or the other may cancel.
    """
    bounds = []
    for everywhere in (False, True):
        left = {monomial: Fraction(factor) for monomial, factor in terms}
        for _ in range(8):
            floors = [
                (monomial, monomial[0])
                for monomial, factor in left.items()
                if len(monomial) == 1 and monomial[0].top is not None and (everywhere or factor < 0)
            ]
            if not floors:
                break
            for monomial, atom in floors:
                factor = left.pop(monomial)
                assert atom.top is not None
                for inner, times in atom.top.terms:
                    left[inner] = left.get(inner, Fraction(0)) + factor * times / atom.bottom
                if factor > 0:
                    lost = factor * Fraction(atom.bottom - 1, atom.bottom)
                    left[()] = left.get((), Fraction(0)) - lost
        # In whole parts of the common denominator it is a polynomial again.
        common = math.lcm(*[factor.denominator for factor in left.values()])
        whole = {monomial: int(factor * common) for monomial, factor in left.items()}
        least = constant(whole)
        if least is None:
            least = Polynomial(whole)._least_plainly()
        if least is not None:
            bounds.append(-((-least) // common))
    return max(bounds, default=None)
