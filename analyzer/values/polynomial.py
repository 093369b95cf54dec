"""What is an integer polynomial over unknowns, and how small can it get?

Its *atoms* are what isn't known: a dimension's name, the floor of a quotient, the larger of two
lengths. Two polynomials are equal exactly where their terms are. Lengths that hang on something are
such polynomials (`dimension`).

Equal atoms are one object, so that finding a term is a look at an address; and terms are put in
order when somebody reads them, not at every sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import count
from operator import attrgetter
from threading import Lock
from weakref import WeakValueDictionary

#: what a formula is kept up to: terms, atoms in a term, bits of a coefficient, letters of a quotient.
#: A shape's product stays far below; what a graph multiplies by itself again and again would double
#: with every node.
TERMS, DEGREE, BITS, LETTERS = 256, 128, 2048, 2000
_LARGE, _SMALL = 1 << BITS, -(1 << BITS)
_SHORT = "formula "


class Atom:
    """An unknown that a polynomial is made of: a dimension's name, or the floor of a quotient.

    Args:
        text: what it is called; with its names and data it says which unknown it is.
        names: the free dimensions it hangs on.
        data: the data-dependent quantities it hangs on.
        least: its lower bound; None where there is none.
        top, bottom: of a floor, what is divided by which number.
        parts: of what else is worked out of other lengths, those.
        how: and in which way: ``"max"``, ``"min"``, or ``"quotient"``, rounded down.

    >>> Atom("H", frozenset("H")) is Atom("H", frozenset("H"))
    True
    """

    __slots__ = (
        "__weakref__", "bottom", "data", "how", "least", "names", "order", "parts", "text", "top",
    )  # fmt: skip
    #: in products: by text, and of those called alike the one first that was made first
    order: tuple[str, int]
    text: str
    names: frozenset[str]
    data: frozenset[str]
    least: int | None
    top: Polynomial | None
    bottom: int
    parts: tuple[int | Polynomial, ...]
    how: str

    def __new__(
        cls,
        text: str,
        names: frozenset[str],
        data: frozenset[str] = frozenset(),
        least: int | None = 1,
        top: Polynomial | None = None,
        bottom: int = 0,
        parts: tuple[int | Polynomial, ...] = (),
        how: str = "",
    ) -> Atom:
        key = (text, names, data, least, top, bottom, parts, how)
        atom = _ATOMS.get(key)
        if atom is None:
            atom = object.__new__(cls)
            atom.text, atom.names, atom.data, atom.least = text, names, data, least
            atom.top, atom.bottom, atom.parts, atom.how = top, bottom, parts, how
            atom.order = text, next(_MADE)
            with _ONE_AT_A_TIME:
                atom = _ATOMS.setdefault(key, atom)
        return atom

    @property
    def is_short(self) -> bool:
        """It stands for a formula that is too long to be written, and doesn't show what is in it."""
        return self.text.startswith(_SHORT)

    def __reduce__(self) -> tuple[type[Atom], tuple[object, ...]]:
        return Atom, (
            self.text, self.names, self.data, self.least, self.top, self.bottom, self.parts,
            self.how,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Atom({self.text!r})"


#: the atoms that some polynomial is made of; who else forgets one leaves it out of here as well
_ATOMS: WeakValueDictionary[tuple[object, ...], Atom] = WeakValueDictionary()
_ONE_AT_A_TIME = Lock()
_MADE = count()

Monomial = tuple[Atom, ...]
_text, _order = attrgetter("text"), attrgetter("order")


class Polynomial:
    """A sum of products of atoms, each with its integer coefficient."""

    __slots__ = ("_bound", "_data", "_hash", "_names", "_terms", "factors")
    #: products of atoms and their coefficients, none of them 0, in any order; never changed
    factors: dict[Monomial, int]

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        self._take({_in_order(monomial): factor for monomial, factor in terms.items() if factor})

    def _take(self, factors: dict[Monomial, int]) -> None:
        """Be made of these, none of which is 0; as one unknown where they are too long."""
        large = len(factors) > TERMS
        for monomial, factor in factors.items():
            if not _SMALL < factor < _LARGE or len(monomial) > DEGREE:
                large = True
        self.factors = {(opaque(factors.items()),): 1} if large else factors
        # What is worked out when first asked for.
        self._terms: tuple[tuple[Monomial, int], ...] | None = None
        self._bound: int | str | None = "not asked"
        self._hash: int | None = None
        self._names: frozenset[str] | None = None
        self._data: frozenset[str] | None = None

    def __reduce__(self) -> tuple[type[Polynomial], tuple[dict[Monomial, int]]]:
        return type(self), (self.factors,)

    @property
    def names(self) -> frozenset[str]:
        """The free dimensions this hangs on."""
        if self._names is None:
            self._names = frozenset().union(*[atom.names for m in self.factors for atom in m])
        return self._names

    @property
    def data(self) -> frozenset[str]:
        """The data-dependent quantities this hangs on."""
        if self._data is None:
            self._data = frozenset().union(*[atom.data for m in self.factors for atom in m])
        return self._data

    @property
    def terms(self) -> tuple[tuple[Monomial, int], ...]:
        """`factors` in the order in which they are written; no atoms: the constant."""
        if self._terms is None:
            self._terms = tuple(
                sorted(
                    self.factors.items(),
                    key=lambda term: (-len(term[0]), list(map(_text, term[0]))),
                )
            )
        return self._terms

    # -- bounds ------------------------------------------------------------------------------

    def least(self) -> int | None:
        """A lower bound, or None where a negative coefficient leaves none.

        >>> height, width = (Atom(name, frozenset((name,))) for name in "HW")
        >>> Polynomial({(height,): 2, (width,): 1, (): 3}).least()
        6
        """
        found = self._bound
        if isinstance(found, str):
            found = _least_plainly(self.factors)
            if found is None and any(atom.top is not None for m in self.factors for atom in m):
                found = _least_without_floors(self.factors)
            self._bound = found
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.factors == other.factors

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.factors.items()))
        return self._hash

    # -- text --------------------------------------------------------------------------------

    def __str__(self) -> str:
        text = ""
        for monomial, factor in self.terms:
            body = "*".join(atom.text for atom in monomial)
            size = abs(factor)
            part = str(size) if not body else body if size == 1 else f"{size}*{body}"
            sign = ("-" if factor < 0 else "") if not text else " - " if factor < 0 else " + "
            text += sign + part
        return text or "0"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


def _in_order(monomial: Monomial) -> Monomial:
    """A product as this process has it: what was written by another may have its twins in another order."""
    return tuple(sorted(monomial, key=_order)) if len(monomial) > 1 else monomial


def multiplied(left: Monomial, right: Monomial) -> Monomial:
    """The product of two products, its atoms in order."""
    if not left or not right:
        return left or right
    return _in_order(left + right)


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
    return f"{_SHORT}{digest}"


def _least_plainly(factors: Mapping[Monomial, int]) -> int | None:
    """A lower bound by the atoms' own."""
    total = 0
    for monomial, factor in factors.items():
        if monomial:
            if factor < 0:
                return None
            for atom in monomial:
                # What may be negative bounds no product with something that may grow.
                if atom.least is None or (atom.least < 0 and len(monomial) > 1):
                    return None
                factor *= atom.least
        total += factor
    return total


def _least_without_floors(factors: Mapping[Monomial, int]) -> int | None:
    """A lower bound of a polynomial, by what is known of a floor from both sides::

        (t - b + 1)/b <= floor(t/b) <= t/b

    First only where a floor is taken away, then everywhere: one or the other may cancel.
    """
    bounds = []
    for everywhere in (False, True):
        left, scale = dict(factors), 1  # the polynomial, times scale
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
                times = atom.bottom // math.gcd(factor, atom.bottom)
                if times > 1:
                    left = {other: times * known for other, known in left.items()}
                    factor, scale = factor * times, scale * times
                factor //= atom.bottom
                assert atom.top is not None
                for inner, known in atom.top.factors.items():
                    left[inner] = left.get(inner, 0) + factor * known
                if factor > 0:
                    left[()] = left.get((), 0) - factor * (atom.bottom - 1)
        least = _least_plainly({monomial: factor for monomial, factor in left.items() if factor})
        if least is not None:
            bounds.append(-((-least) // scale))
    return max(bounds, default=None)
