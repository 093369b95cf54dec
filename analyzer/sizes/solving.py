"""For which lengths does a condition hold?

A claim about one free length is a formula with floors, compared with 0. With the length written as
``P*k + r``, P the least common multiple of what is divided by, every floor comes down to a polynomial in k,
for each remainder r: an equation holds of it always or for the few k that are its roots, an inequality from
its last root on one way or the other. Roots are bounded by 1 + the largest ratio of a coefficient to the
leading one (Cauchy, 1829), so the set is exact: below the bound length by length, from there on by
remainders. The polynomials of all remainders are found at once, from the formula's values at the first few
k; only where the largest of several lengths is asked for are they looked at one by one.
"""

from __future__ import annotations

import math
from typing import Final, cast

import numpy as np

from cnnscope.analyzer.sizes.length_set import LIMIT, LengthSet, TooLarge
from cnnscope.analyzer.sizes.rising import last_kept, rises
from cnnscope.analyzer.values.conditions import Claim, Condition
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.extremes import smallest
from cnnscope.analyzer.values.many_lengths import Numbers, evaluated, holding
from cnnscope.analyzer.values.polynomial import Atom, Polynomial
from cnnscope.analyzer.values.substitution import substituted

#: the longest period of a claim
_REMAINDERS: Final = 1 << 12
#: no length is meant that is so large: what is cut there (``min(10**9, L)``) isn't cut
_LONGEST: Final = 1 << 24
#: the highest power of a length
_DEGREE: Final = 12
#: steps of arithmetic on numbers that are put into one network's sets, a few seconds
_EFFORT: Final = 1 << 28
#: as many come to a claim, a claim's remainder looked at as a formula, a number too long for 64 bits
_CLAIM, _FORMULA, _LONG = 1 << 13, 1 << 16, 1 << 5
#: the unknown that a length is counted in
_COUNT: Final = "\0k"


class Unsolved(Exception):
    """A condition whose lengths can't be given in closed form."""


class TooFar(Unsolved):
    """A condition that holds of no length that a set is kept of.

    Args:
        least: the first of which it does; None: none was met.
    """

    def __init__(self, least: int | None) -> None:
        super().__init__(least)
        self.least = least


class Effort:
    """How much work may still go into a network's sets, counted, so that an answer hangs on no clock."""

    def __init__(self) -> None:
        self._left = _EFFORT

    def spend(self, steps: int) -> None:
        """Work that is about to be done.

        Raises:
            TooLarge: it would be too much.
        """
        if steps > self._left:
            raise TooLarge
        self._left -= steps

    def both(self, one: LengthSet, other: LengthSet) -> LengthSet:
        """What is in two sets."""
        period = math.lcm(one.period, other.period)
        self.spend(8 * min(max(one.start, other.start) + period, LIMIT))
        return one & other


def solved(condition: Condition, name: str, effort: Effort | None = None) -> LengthSet:
    """The lengths of one free dimension for which a condition holds that is about no other.

    Raises:
        TooFar: they begin beyond all sets.
        Unsolved: they can't be given.
        TooLarge: with no more effort than is left.

    >>> from cnnscope.analyzer.values.conditions import noting, agree
    >>> height = FreeDim.named("H")
    >>> with noting() as found:
    ...     agree(height, height // 8 * 8)
    True
    >>> solved(next(iter(found.conditions)), "H").runs()
    (Run(step=8, least=8, most=None),)
    """
    found = None
    for claim in condition.either:
        lengths = claimed(claim, name, effort)
        found = lengths if found is None else found | lengths
    assert found is not None
    return found


def claimed(claim: Claim, name: str, effort: Effort | None = None) -> LengthSet:
    """Likewise of one claim."""
    effort = effort or Effort()
    effort.spend(_CLAIM)
    difference = _uncut(claim.difference)
    if isinstance(difference, int):
        return LengthSet.every() if claim.holds_of(difference) else LengthSet.of(())
    if difference.data or difference.names != {name}:
        raise Unsolved
    if claim.kind == "positive" and rises(difference, name):
        return _from_its_first(claim, difference, name)
    period, degree = _period(difference), _degree(difference)
    if degree is None:
        effort.spend(_FORMULA * period)
        start = max(1, *(_settled(difference, name, period, r) for r in range(period)))
    else:
        start = _settled_at_once(difference, name, period, degree, effort)

    def values_of(lengths: Numbers) -> Numbers:
        effort.spend(len(lengths) * _weight(difference))
        values = evaluated(difference, {name: lengths})
        if values.dtype == object:
            effort.spend(len(lengths) * _weight(difference) * _LONG)
        return holding(claim, values)

    try:
        return LengthSet.where(values_of, start, period)
    except (TooLarge, Undetermined):
        raise Unsolved from None


def _from_its_first(claim: Claim, difference: FreeDim, name: str) -> LengthSet:
    """The lengths from the first on of which a claim holds that never ceases to, once it does."""

    def lacks(length: int) -> bool:
        found = substituted(difference, {name: length})
        return isinstance(found, int) and not claim.holds_of(found)

    last = last_kept(lacks)
    if last is None or last >= LIMIT:
        raise TooFar(None if last is None else last + 1)
    return LengthSet.where(lambda n: n > last, last + 1, 1)


def _weight(value: Polynomial) -> int:
    """How many numbers are worked out for one of a formula's."""
    return 8 + sum(
        1 + (_weight(atom.top) if isinstance(atom.top, Polynomial) else 0)
        for monomial, _ in value.terms
        for atom in monomial
    )


def _uncut(value: Dim) -> Dim:
    """The same, without what is cut at a length that isn't met."""
    known: dict[Atom, Dim] = {}
    waiting = [] if isinstance(value, int) else list(_atoms(value))
    found = False
    while waiting:
        atom = waiting.pop()
        waiting += [
            a
            for part in (atom.top, *atom.parts)
            if isinstance(part, Polynomial)
            for a in _atoms(part)
        ]
        if atom.how == "min":
            kept = [part for part in atom.parts if not (isinstance(part, int) and part >= _LONGEST)]
            if len(kept) < len(atom.parts):
                found = True
                known[atom] = smallest(*[_uncut(cast("Dim", part)) for part in kept])
    return substituted(value, {}, known) if found else value


def _period(value: Polynomial) -> int:
    """A number that everything that is divided by divides, floors in floors included."""
    found = 1
    for atom in _atoms(value):
        if atom.how == "quotient" or (
            atom.top is None and not atom.parts and atom.text not in atom.names
        ):
            raise Unsolved
        if atom.top is not None:
            found = math.lcm(found, _period(atom.top) * atom.bottom)
        for part in atom.parts:
            if isinstance(part, Polynomial):
                found = math.lcm(found, _period(part))
    if found > _REMAINDERS:
        raise Unsolved
    return found


def _atoms(value: Polynomial) -> set[Atom]:
    return {atom for monomial, _ in value.terms for atom in monomial}


def _degree(value: int | Polynomial) -> int | None:
    """The power of the length that a formula is at most; None where it takes the largest of some."""
    highest = 0
    for monomial, _ in value.terms if isinstance(value, Polynomial) else ():
        power = 0
        for atom in monomial:
            inside = None if atom.parts else 1 if atom.top is None else _degree(atom.top)
            if inside is None:
                return None
            power += inside
        highest = max(highest, power)
    return highest


def _settled_at_once(value: FreeDim, name: str, period: int, degree: int, effort: Effort) -> int:
    """From which length on a claim holds always or never of each remainder."""
    if degree > _DEGREE:
        raise Unsolved
    effort.spend(period * (degree + 1) * (_weight(value) + 2 * _LONG * (degree + 1)))
    counts = np.arange((degree + 1) * period, dtype=np.int64)
    rows = evaluated(value, {name: counts}).astype(object).reshape(degree + 1, period)
    differences = []
    while len(rows):  # Newton's: the polynomial is the sum of the j-th one times "k over j"
        differences.append(rows[0])
        rows = rows[1:] - rows[:-1]
    # As powers of k, times the factorial of the degree, which moves no root.
    powers = [np.zeros(period, object) for _ in range(degree + 1)]
    falling = [1]  # k (k - 1) ... (k - j + 1)
    for j, difference in enumerate(differences):
        scale = math.factorial(degree) // math.factorial(j)
        for i, factor in enumerate(falling):
            powers[i] = powers[i] + difference * (factor * scale)
        falling = [
            (falling[i - 1] if i else 0) - j * (falling[i] if i < len(falling) else 0)
            for i in range(len(falling) + 1)
        ]
    leading = largest = np.zeros(period, object)
    for power in powers[1:]:
        leading = np.where(power != 0, np.abs(power), leading)
    for power in powers:
        largest = np.maximum(largest, np.abs(power))
    roots = np.where(leading == 0, 0, 1 + largest // np.where(leading == 0, 1, leading))
    return int(max(period * (int(root) + 1) + r for r, root in enumerate(roots)))


def _settled(value: FreeDim, name: str, period: int, remainder: int) -> int:
    """From which length on, of those with a remainder, a claim holds always or never."""
    count = FreeDim.named(_COUNT)
    ahead = 0
    while True:
        # Which of two lengths is larger may be settled further on only.
        left = substituted(value, {name: period * (count + ahead) + remainder})
        if isinstance(left, int):
            return period * (ahead + 1) + remainder
        if not any(atom.parts or atom.top is not None for atom in _atoms(left)):
            break
        ahead = 2 * ahead + 1
        if period * ahead > LIMIT or any(atom.top is not None for atom in _atoms(left)):
            raise Unsolved
    powers = {len(monomial): factor for monomial, factor in left.terms}
    leading = powers[max(powers)]
    root = 1 + max(abs(factor) for factor in powers.values()) // abs(leading)
    return period * (ahead + root + 1) + remainder
