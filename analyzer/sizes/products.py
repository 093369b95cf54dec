"""A claim that the product of two lengths is a number: which lengths can each of them have?

A fully connected layer behind a flattened map asks that of height and width. Each length has to give one of
the number's divisors then.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

from cnnscope.analyzer.sizes.length_set import LIMIT, LengthSet
from cnnscope.analyzer.sizes.solving import Effort, Unsolved, claimed
from cnnscope.analyzer.values.conditions import Claim
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.polynomial import Monomial


def product_of(claim: Claim) -> tuple[dict[str, Dim], Fraction]:
    """A claim that the product of two lengths, each hanging on one name, is a number: those, and it.

    Raises:
        Unsolved: it says something else.

    >>> height, width = FreeDim.named("H"), FreeDim.named("W")
    >>> factors, number = product_of(Claim((height - 4) * (width - 4) * 16, 400, "zero"))
    >>> {name: str(length) for name, length in factors.items()}, int(number)
    ({'H': 'H - 4', 'W': 'W - 4'}, 25)
    """
    difference = claim.difference
    if claim.kind != "zero" or isinstance(difference, int) or len(difference.names) != 2:
        raise Unsolved
    one, other = sorted(difference.names)
    table: dict[tuple[Monomial, Monomial], int] = {}
    for monomial, factor in difference.terms:
        mine = tuple(atom for atom in monomial if atom.names == {one})
        theirs = tuple(atom for atom in monomial if atom.names == {other})
        if len(mine) + len(theirs) < len(monomial):
            raise Unsolved
        table[mine, theirs] = factor
    mixed = next((key for key in table if key[0] and key[1]), None)
    if mixed is None:
        raise Unsolved
    # A product's table of coefficients is that of a column and a row, but for the constant.
    corner = table[mixed]
    column = {key: table.get((key, mixed[1]), 0) for key in {mine for mine, _ in table} | {()}}
    row = {key: table.get((mixed[0], key), 0) for key in {theirs for _, theirs in table} | {()}}
    if any(
        (mine or theirs) and a * b != corner * table.get((mine, theirs), 0)
        for mine, a in column.items()
        for theirs, b in row.items()
    ):
        raise Unsolved
    number = Fraction(column[()] * row[()], corner) - table.get(((), ()), 0)
    lengths: dict[str, Dim] = {}
    for name, terms in ((one, column), (other, row)):
        shared = math.gcd(*terms.values())
        lengths[name] = FreeDim({key: factor // shared for key, factor in terms.items()})
        number /= shared
    return lengths, number * corner


def divided_among(
    factors: Mapping[str, Dim], number: Fraction, allowed: Mapping[str, LengthSet],
    effort: Effort | None = None,
) -> dict[str, LengthSet]:  # fmt: skip
    """For each of two names, its lengths for which one of the other's gives the rest of the product."""
    effort = effort or Effort()
    (one, f), (other, g) = factors.items()
    found: dict[str, list[LengthSet]] = {one: [], other: []}
    for part in _divisors_of(int(number)) if number.denominator == 1 else ():
        for sign in (1, -1):
            mine = effort.both(claimed(Claim(f, sign * part, "zero"), one, effort), allowed[one])
            if mine.is_empty:
                continue
            rest = Claim(g, sign * (int(number) // part), "zero")
            theirs = effort.both(claimed(rest, other, effort), allowed[other])
            if not theirs.is_empty:
                found[one].append(mine)
                found[other].append(theirs)
    return {name: LengthSet.union(sets) for name, sets in found.items()}


def _divisors_of(number: int) -> Iterator[int]:
    if not 1 <= abs(number) <= LIMIT * LIMIT:
        raise Unsolved
    for part in range(1, math.isqrt(abs(number)) + 1):
        if number % part == 0:
            yield part
            if part * part != abs(number):
                yield abs(number) // part
