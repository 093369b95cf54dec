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
from collections.abc import Iterable

from cnnscope.analyzer.values.polynomial import (
    LETTERS,
    TERMS,
    Atom,
    Monomial,
    Polynomial,
    multiplied,
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
        if len(self.factors) == 1:
            (monomial,) = self.factors
            if len(monomial) == 1:
                (atom,) = monomial
                return None if atom.text.strip() and not atom.text.startswith(" [") else atom
        return None

    # -- arithmetic ------------------------------------------------------------------------

    def __add__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return self._plus((((), other),), 1) if other else self
        if isinstance(other, FreeDim):
            return self._plus(other.factors.items(), 1)
        return NotImplemented

    __radd__ = __add__

    def _plus(self, others: Iterable[tuple[Monomial, int]], sign: int) -> Dim:
        factors = self.factors.copy()
        for monomial, factor in others:
            factor = factors.get(monomial, 0) + sign * factor
            if factor:
                factors[monomial] = factor
            else:
                del factors[monomial]
        return _dim(factors)

    def __neg__(self) -> Dim:
        return _dim({monomial: -factor for monomial, factor in self.factors.items()})

    def __sub__(self, other: Dim) -> Dim:
        if isinstance(other, FreeDim):
            return self._plus(other.factors.items(), -1)
        return self + (-other)

    def __rsub__(self, other: Dim) -> Dim:
        return (-self) + other

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            if other == 1:
                return self
            scaled = {monomial: factor * other for monomial, factor in self.factors.items()}
            return _dim(scaled) if other else 0
        if not isinstance(other, FreeDim):
            return NotImplemented
        if len(self.factors) * len(other.factors) > 8 * TERMS:
            parts = opaque(self.factors.items()), opaque(other.factors.items())
            return FreeDim({parts: 1})
        factors: dict[Monomial, int] = {}
        for left, a in self.factors.items():
            for right, b in other.factors.items():
                product = multiplied(left, right)
                factors[product] = factors.get(product, 0) + a * b
        return _dim({monomial: factor for monomial, factor in factors.items() if factor})

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
        if divisor == 1:
            return self
        whole: dict[Monomial, int] = {}
        rest: dict[Monomial, int] = {}
        for monomial, factor in self.factors.items():
            times, left = divmod(factor, divisor)
            if times:
                whole[monomial] = times
            if left:
                rest[monomial] = left
        constant = rest.get((), 0)
        varying = len(rest) - (() in rest)
        if not varying:  # less than the divisor
            return _dim(whole)
        if varying == 1:
            ((monomial, factor),) = ((m, f) for m, f in rest.items() if m)
            if factor == len(monomial) == 1 and isinstance(top := monomial[0].top, FreeDim):
                bottom = monomial[0].bottom
                return _dim(whole) + (top + constant * bottom) // (bottom * divisor)
        return _dim(whole) + FreeDim(rest)._floor(divisor)

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
        top = f"({self})" if len(self.factors) > 1 else str(self)
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


def _dim(factors: dict[Monomial, int]) -> Dim:
    """A polynomial of factors without zeros, or the plain integer it comes down to."""
    if len(factors) < 2:
        if not factors:
            return 0
        if () in factors:
            return factors[()]
    made = FreeDim.__new__(FreeDim)
    made._take(factors)
    return made


def _least_negated(value: FreeDim) -> int | None:
    negated = -value
    return negated.least() if isinstance(negated, FreeDim) else negated


def _exact_quotient(top: FreeDim, bottom: FreeDim) -> Dim | None:
    """``top / bottom`` where bottom is one monomial that divides every term of top."""
    if top == bottom:
        return 1
    if len(bottom.factors) != 1:
        return None
    ((atoms, divisor),) = bottom.factors.items()
    quotient: dict[Monomial, int] = {}
    for monomial, factor in top.factors.items():
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
    whole = 1
    total: Dim = 1
    for dim in dims:
        if isinstance(dim, int):
            whole *= dim
        else:
            total = total * dim
    return total * whole


def ceil_div(top: Dim, bottom: int) -> Dim:
    """``top / bottom``, rounded up.

    >>> ceil_div(7, 2)
    4
    """
    return (top + bottom - 1) // bottom
