"""What is the length of an axis, when it may be free?

A dimension (`Dim`) is a plain `int` where it is known and a `FreeDim` where it hangs on something
that isn't: a free dimension of the model's inputs (``H``), or data (how many boxes survive NMS).
A `FreeDim` is a polynomial with integer coefficients over *atoms*, so that ``H + H - H == H`` and
rules written for plain integers (``(n + before + after - extent) // stride + 1``) work unchanged
and yield a formula instead of a number. What can't be decided (``H < 7``?) raises `Undetermined`,
which names what to bind.
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


class Undetermined(Exception):
    """A result hangs on free dimensions (`names`) or on data (`data`), so it is not known.

    A rule lets it pass through; the pass that applies the rule turns it into an unknown with a
    diagnostic naming what to bind.
    """

    def __init__(
        self, reason: str = "", names: Iterable[str] = (), data: Iterable[str] = ()
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.names = frozenset(names)
        self.data = frozenset(data)


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
    top: FreeDim | None = field(default=None, compare=False)
    bottom: int = field(default=0, compare=False)
    parts: tuple[Dim, ...] = field(default=(), compare=False)
    how: str = field(default="", compare=False)


Monomial = tuple[Atom, ...]


class FreeDim:
    """A length that isn't known: an integer polynomial over named unknowns.

    >>> height = FreeDim.named("H")
    >>> print((height + 2 - 3) // 2 + 1)
    floor((H + 1)/2)
    >>> (height * 2) // 2 == height
    True
    >>> height + 1 > 1
    True
    """

    __slots__ = ("_terms",)
    _terms: tuple[tuple[Monomial, int], ...]

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        kept = [(monomial, factor) for monomial, factor in terms.items() if factor]
        if len(kept) > TERMS or any(
            len(monomial) > DEGREE or factor.bit_length() > BITS for monomial, factor in kept
        ):
            kept = [((_opaque(kept),), 1)]
        kept.sort(key=lambda term: (-len(term[0]), [atom.text for atom in term[0]]))
        self._terms = tuple(kept)

    @classmethod
    def named(cls, name: str) -> FreeDim:
        """A free dimension of the model's inputs, to be bound by its name."""
        return cls({(Atom(name, frozenset((name,))),): 1})

    @classmethod
    def from_data(cls, what: str) -> FreeDim:
        """A length that only running the model can tell, e.g. ``"NonZero_3 count"``."""
        return cls({(Atom(what, frozenset(), frozenset((what,)), 0),): 1})

    @classmethod
    def unknown(cls, what: str, names: Iterable[str] = (), data: Iterable[str] = ()) -> FreeDim:
        """A number that hangs on free dimensions and data in a way that isn't followed."""
        return cls({(Atom(what, frozenset(names), frozenset(data), None),): 1})

    @property
    def lost(self) -> Atom | None:
        """The unknown that this is, where nobody has said yet what it is called."""
        if len(self._terms) == 1 and len(self._terms[0][0]) == 1:
            atom = self._terms[0][0][0]
            return None if atom.text.strip() and not atom.text.startswith(" [") else atom
        return None

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

    def bound(self, lengths: Mapping[str, Dim]) -> Dim:
        """The same polynomial with lengths put in for names; what isn't named stays free.

        Raises:
            Undetermined: a name is inside something that isn't followed, or the length has very many
                digits.

        >>> height = FreeDim.named("H")
        >>> ((height + 2 - 3) // 2 + 1).bound({"H": 224})
        112
        """
        return self._bound(lengths, {})

    def _bound(self, lengths: Mapping[str, Dim], known: dict[Atom, Dim]) -> Dim:
        total: Dim = 0
        for monomial, factor in self._terms:
            part: Dim = factor
            for atom in monomial:
                # What stands in a formula many times is worked out once: written out, a length that
                # is multiplied by itself again and again has 2^60 factors.
                if atom not in known:
                    known[atom] = _bound(atom, lengths, known)
                part = part * known[atom]
                if isinstance(part, int) and part.bit_length() > BITS:
                    raise self._undetermined("a length of very many digits")
            total = total + part
        return total

    # -- arithmetic ------------------------------------------------------------------------

    def __add__(self, other: Dim) -> Dim:
        if not isinstance(other, int | FreeDim):
            return NotImplemented
        total = dict(self._terms)
        for monomial, factor in _terms(other):
            total[monomial] = total.get(monomial, 0) + factor
        return _dim(total)

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return _dim({monomial: -factor for monomial, factor in self._terms})

    def __sub__(self, other: Dim) -> Dim:
        return self + (-other)

    def __rsub__(self, other: Dim) -> Dim:
        return (-self) + other

    def __mul__(self, other: Dim) -> Dim:
        if not isinstance(other, int | FreeDim):
            return NotImplemented
        total: dict[Monomial, int] = {}
        others = other._terms if isinstance(other, FreeDim) else (((), other),)
        if len(self._terms) * len(others) > 8 * TERMS:
            return FreeDim({(_opaque(self._terms), _opaque(others)): 1})
        for left, a in self._terms:
            for right, b in others:
                key = tuple(sorted(left + right, key=lambda atom: atom.text))
                total[key] = total.get(key, 0) + a * b
        return _dim(total)

    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        if isinstance(other, FreeDim):
            exact = _exact_quotient(self, other)
            if exact is not None:
                return exact
        elif other == 0:
            raise ZeroDivisionError("a dimension is divided by 0")
        elif other < 0:
            return (-self) // (-other)
        else:
            return self._quotient(other)
        return self._floor(other)

    def _quotient(self, divisor: int) -> Dim:
        """floor(self / divisor), written in one way only.

        Multiples of the divisor come out of the floor, and floor((floor(a/b) + c)/d) is
        floor((a + b*c)/(b*d)): all integers.
        """
        whole = _dim({monomial: factor // divisor for monomial, factor in self._terms})
        rest = _dim({monomial: factor % divisor for monomial, factor in self._terms})
        if isinstance(rest, int):  # less than the divisor
            return whole
        constant = dict(rest._terms).get((), 0)
        varying = [(monomial, factor) for monomial, factor in rest._terms if monomial]
        if len(varying) == 1 and varying[0][1] == 1 and len(varying[0][0]) == 1:
            (atom,) = varying[0][0]
            if atom.top is not None:
                return whole + (atom.top + constant * atom.bottom) // (atom.bottom * divisor)
        return whole + rest._floor(divisor)

    def __rfloordiv__(self, other: int) -> Dim:
        return FreeDim({(): other})._floor(self) if other else 0

    def __mod__(self, other: Dim) -> Dim:
        return self - (self // other) * other

    def __pow__(self, exponent: int) -> Dim:
        return math.prod([self] * exponent)

    def _floor(self, divisor: Dim) -> FreeDim:
        # Atoms are compared by text, so the text must determine the value: it does.
        names, data = self.names, self.data
        bottom = str(divisor)
        if isinstance(divisor, FreeDim):
            names, data = names | divisor.names, data | divisor.data
            bottom = f"({bottom})" if not bottom.isidentifier() else bottom
        top = f"({self})" if len(self._terms) > 1 else str(self)
        least = self.least()
        if least is not None:
            if isinstance(divisor, int):
                least //= divisor
            else:
                least = 0 if least >= 0 and (divisor.least() or 0) > 0 else None
        text = f"floor({top}/{bottom})"
        if len(text) > LETTERS:
            text = _short(text)
        if isinstance(divisor, int):
            return FreeDim({(Atom(text, names, data, least, self, divisor),): 1})
        parts: tuple[Dim, ...] = (self, divisor)
        return FreeDim({(Atom(text, names, data, least, parts=parts, how="quotient"),): 1})

    # -- comparison: an answer only where it is the same for every length >= 1 -------------

    def least(self) -> int | None:
        """A lower bound, or None where a negative coefficient leaves none.

        >>> height = FreeDim.named("H")
        >>> (height - height // 2 * 2).least(), (32 - (height - 1) % 32).least()
        (0, 1)
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
        return isinstance(other, FreeDim) and self._terms == other._terms

    def __hash__(self) -> int:
        return hash(self._terms)

    def __gt__(self, other: Dim) -> bool:
        difference = self - other
        if isinstance(difference, int):
            return difference > 0
        least, most = difference.least(), _least_negated(difference)
        if least is not None and least > 0:
            return True
        if most is not None and most >= 0:
            return False
        raise self._undetermined(f"whether {self} > {other}")

    def __ge__(self, other: Dim) -> bool:
        return self > other - 1

    def __lt__(self, other: Dim) -> bool:
        return not self >= other

    def __le__(self, other: Dim) -> bool:
        return not self > other

    def __bool__(self) -> bool:
        return (self.least() or 0) > 0 or bool(self._raise(f"whether {self} is 0"))

    def __index__(self) -> int:
        return self._raise(f"the value of {self}")

    def __int__(self) -> int:
        return self._raise(f"the value of {self}")

    def __float__(self) -> float:
        return self._raise(f"the value of {self}")

    def _undetermined(self, what: str) -> Undetermined:
        return Undetermined(what, self.names, self.data)

    def _raise(self, what: str) -> int:
        raise self._undetermined(what)

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
        return f"FreeDim({str(self)!r})"


Dim = int | FreeDim


def _terms(value: Dim) -> Iterable[tuple[Monomial, int]]:
    return value._terms if isinstance(value, FreeDim) else (((), int(value)),)


def _dim(terms: Mapping[Monomial, int]) -> Dim:
    """A polynomial, or the plain integer it comes down to."""
    if all(not factor for monomial, factor in terms.items() if monomial):
        return terms.get((), 0)
    return FreeDim(terms)


def _bound(atom: Atom, lengths: Mapping[str, Dim], known: dict[Atom, Dim]) -> Dim:
    if atom.top is not None:
        top = atom.top._bound(lengths, known)
        return top // atom.bottom
    if atom.parts:
        parts = [p._bound(lengths, known) if isinstance(p, FreeDim) else p for p in atom.parts]
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


def _opaque(terms: Iterable[tuple[Monomial, int]]) -> Atom:
    """What is too long to be kept as a formula, as one unknown; equal formulas give equal ones."""
    terms = sorted(terms, key=lambda term: [atom.text for atom in term[0]])
    text = _short(repr([(factor, [atom.text for atom in monomial]) for monomial, factor in terms]))
    atoms = {atom for monomial, _ in terms for atom in monomial}
    names = frozenset(name for atom in atoms for name in atom.names)
    return Atom(text, names, frozenset(what for atom in atoms for what in atom.data), None)


def _short(text: str) -> str:
    """A name for a formula that is too long to be written."""
    from hashlib import sha256

    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"formula {digest}"


def _least_negated(value: FreeDim) -> int | None:
    negated = -value
    return negated.least() if isinstance(negated, FreeDim) else negated


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
        whole = _dim({monomial: int(factor * common) for monomial, factor in left.items()})
        least = whole if isinstance(whole, int) else whole._least_plainly()
        if least is not None:
            bounds.append(-((-least) // common))
    return max(bounds, default=None)


def _exact_quotient(top: FreeDim, bottom: FreeDim) -> Dim | None:
    """``top / bottom`` where bottom is one monomial that divides every term of top."""
    if top == bottom:
        return 1
    if len(bottom._terms) != 1:
        return None
    atoms, divisor = bottom._terms[0]
    quotient: dict[Monomial, int] = {}
    for monomial, factor in top._terms:
        rest = list(monomial)
        for atom in atoms:
            if atom not in rest:
                return None
            rest.remove(atom)
        if factor % divisor:
            return None
        quotient[tuple(rest)] = factor // divisor
    return _dim(quotient)


def greatest(*values: Dim) -> Dim:
    """The largest of some lengths, as a formula where that can't be decided.

    >>> print(greatest(FreeDim.named("H"), 1), greatest(FreeDim.named("H"), 8))
    H max(8, H)
    """
    return _extreme("max", values)


def smallest(*values: Dim) -> Dim:
    """The smallest of some lengths, likewise.

    >>> print(smallest(FreeDim.named("H") + 3, FreeDim.named("H")))
    H
    """
    return _extreme("min", values)


def _extreme(how: str, values: Iterable[Dim]) -> Dim:
    kept: list[Dim] = []
    for value in dict.fromkeys(values):
        if any(_beaten(how, value, other) for other in kept):
            continue
        kept = [other for other in kept if not _beaten(how, other, value)]
        kept.append(value)
    if len(kept) == 1:
        return kept[0]
    kept.sort(key=lambda value: (isinstance(value, FreeDim), str(value)))
    free = [value for value in kept if isinstance(value, FreeDim)]
    text = f"{how}({', '.join(map(str, kept))})"
    bounds = [value if isinstance(value, int) else value.least() for value in kept]
    known = [bound for bound in bounds if bound is not None]
    least: int | None
    if how == "max":
        least = max(known, default=None)
    else:
        least = min(known) if len(known) == len(bounds) else None
    names = frozenset(name for value in free for name in value.names)
    data = frozenset(what for value in free for what in value.data)
    if len(text) > LETTERS:
        text = _short(text)
    return FreeDim({(Atom(text, names, data, least, parts=tuple(kept), how=how),): 1})


def _beaten(how: str, value: Dim, other: Dim) -> bool:
    """The other one is surely at least as large (or as small)."""
    try:
        return bool(other >= value if how == "max" else other <= value)
    except Undetermined:
        return False


def product(dims: Iterable[Dim]) -> Dim:
    """The number of elements of a shape.

    >>> product((2, 3, 4))
    24
    """
    total: Dim = 1
    for dim in dims:
        total = total * dim
    return total


def ceil_div(top: Dim, bottom: int) -> Dim:
    """``top / bottom``, rounded up.

    >>> ceil_div(7, 2)
    4
    """
    return (top + bottom - 1) // bottom
