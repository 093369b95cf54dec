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

from cnnscope.analyzer.values.polynomial import (
    LETTERS,
    TERMS,
    Atom,
    Monomial,
    Polynomial,
    constant,
    opaque,
    short,
)


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


class FreeDim(Polynomial):
    """A length that isn't known: an integer polynomial over named unknowns.

    >>> height = FreeDim.named("H")
    >>> print((height + 2 - 3) // 2 + 1)
    floor((H + 1)/2)
    >>> (height * 2) // 2 == height
    True
    >>> height + 1 > 1
    True
    >>> (height - height // 2 * 2).least(), (32 - (height - 1) % 32).least()
    (0, 1)
    """

    __slots__ = ()

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
            return FreeDim({(opaque(self._terms), opaque(others)): 1})
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
            if isinstance(atom.top, FreeDim):
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
            text = short(text)
        if isinstance(divisor, int):
            return FreeDim({(Atom(text, names, data, least, self, divisor),): 1})
        parts: tuple[Dim, ...] = (self, divisor)
        return FreeDim({(Atom(text, names, data, least, parts=parts, how="quotient"),): 1})

    # -- comparison: an answer only where it is the same for every length >= 1 -------------

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


Dim = int | FreeDim


def _terms(value: Dim) -> Iterable[tuple[Monomial, int]]:
    return value._terms if isinstance(value, FreeDim) else (((), int(value)),)


def _dim(terms: Mapping[Monomial, int]) -> Dim:
    """A polynomial, or the plain integer it comes down to."""
    whole = constant(terms)
    return FreeDim(terms) if whole is None else whole


def _least_negated(value: FreeDim) -> int | None:
    negated = -value
    return negated.least() if isinstance(negated, FreeDim) else negated


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
