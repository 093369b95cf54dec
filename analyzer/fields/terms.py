"""In which ways does a unit hang on an input axis, and what is the union of two of them?

A term says where the seen positions lie as a function of the unit's indices::

    (1)   { p_1 + ... + p_n : p_i in field_i(digit_i(u)) },
          digit(u) = (u[axis] // div) % mod

A plain convolutional net has one digit per axis (div 1, no mod) and one `Field`: equation (1) of
`field`. Splitting an axis (patches, window attention, pixel shuffle by Reshape) makes digits of one
axis into digits of several, merging makes them digits of one, so that what Reshape takes apart and
puts together again is exact. A term without digits is the same for every unit: the axis has been
*collapsed*, by a named node.

Union: of the spans where two terms have the same digits; not *aligned* where step or centre differ
(Araujo, Norris & Sim, Distill 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cnnscope.analyzer.fields.digits import (
    EVERYTHING,
    Digit,
    Digits,
    Everything,
    Reach,
    narrowest,
    reach_sum,
)
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.values.spans import hull
from cnnscope.analyzer.values.tensor import Shape

#: more different ways to hang on the unit than this are given as their common hull
MAX_TERMS = 4


class Term(NamedTuple):
    """One way a unit depends on an input axis, equation (1).

    Args:
        digits: none: every unit sees the same, `fixed`.
        fixed: of a collapsed term: what is seen.
        by: the node that collapsed the axis.
        whole: it did so by reading all of it.
        least: of a single path that couldn't be followed further: what its units see at least.
        at_least: of a term that couldn't be followed further: what some unit sees at least. What it
            sees besides isn't known; it lies within `fixed`.
        stretch: of a single path: the only units, from and to before, that see anything along it.
    """

    digits: Digits
    fixed: Reach = None
    by: str | None = None
    whole: bool = False
    least: int | None = None
    stretch: tuple[int, int] | None = None
    at_least: int | None = None

    @property
    def places(self) -> tuple[tuple[int, int, int | None], ...]:
        return tuple([d[:3] for d in self.digits])


def regular(term: Term) -> Term:
    """The same term, lists of spans that march in step written as such."""
    return term._replace(digits=tuple(d._replace(field=d.field.regular()) for d in term.digits))


def union(a: Term, b: Term, shape: Shape | None, known: KnownFields) -> tuple[Term, bool]:
    """Both terms' spans, unit by unit; False where they aren't aligned."""
    if a is b:
        return a, True
    if not a.digits:
        return fixed_union(a, b), True
    differing = [i for i, (p, q) in enumerate(zip(a.digits, b.digits, strict=True)) if p != q]
    if not differing:
        return a, True
    if len(differing) == 1:
        (i,) = differing
        axis, div, mod, mine = a.digits[i]
        joined, aligned = known.union(mine, b.digits[i].field, digit_count(a.digits[i], shape))
        if joined is not None:
            if joined is mine and a.stretch is None:
                return a, aligned
            return Term((*a.digits[:i], Digit(axis, div, mod, joined), *a.digits[i + 1 :])), aligned
    return collapsed(a, b, shape), False


def fixed_union(a: Term, b: Term) -> Term:
    """What either of two collapsed terms has."""
    if a == b:
        return a
    whole = a if a.whole or not b.whole else b
    some = [t.at_least for t in (a, b) if t.at_least is not None]
    at_least = max(some, default=None)
    return Term((), reach_hull(a.fixed, b.fixed), whole.by, whole.whole, at_least=at_least)


def digit_count(digit: Digit, shape: Shape | None) -> int | None:
    """How many values a digit has; None: that isn't known."""
    if digit.mod is not None:
        return digit.mod
    length = shape[digit.axis] if shape is not None and 0 <= digit.axis < len(shape) else None
    return -(-length // digit.div) if isinstance(length, int) else None


def reach_hull(a: Reach, b: Reach) -> Reach:
    """The smallest reach that holds both."""
    if isinstance(a, Everything) or isinstance(b, Everything):
        return EVERYTHING
    return hull(a, b)


def reach_of(term: Term, shape: Shape | None) -> Reach:
    """What all units together see."""
    if not term.digits:
        return term.fixed
    reach: Reach = (0, 0)
    for digit in term.digits:
        count = digit_count(digit, shape)
        reach = reach_sum(reach, EVERYTHING if count is None else digit.field.spread(count))
    return reach


def collapsed(a: Term, b: Term, shape: Shape | None, by: str | None = None) -> Term:
    """Two terms whose union can't be told unit by unit, as one that isn't followed."""
    reach = reach_hull(reach_of(a, shape), reach_of(b, shape))
    return Term((), reach, by or a.by or b.by, at_least=least_seen((a, b)))


def least_seen(terms: Sequence[Term]) -> int:
    """What a unit sees at least along the widest of several ways; not what the widest unit does, as
    a window may leave that one out."""
    sizes = [
        narrowest(t.digits) if t.digits else t.at_least or covered(t.fixed, None) or 0
        for t in terms
    ]
    return max(sizes, default=0)


def gathered(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Collapsed terms put together."""
    if len(terms) < 2:
        return tuple(terms)
    fixed = [t for t in terms if not t.digits]
    if len(fixed) < 2:
        return tuple(terms)
    whole = fixed[0]
    for other in fixed[1:]:
        whole = fixed_union(whole, other)
    return (*(t for t in terms if t.digits), whole)


def capped(terms: list[Term], shape: Shape | None, by: str) -> list[Term]:
    """At most `MAX_TERMS` terms, those beyond as one that isn't followed; by: the node that does so."""
    while len(terms) > MAX_TERMS:
        terms = [*terms[:-2], collapsed(terms[-2], terms[-1], shape, by)]
    return terms


def covered(reach: Reach, length: int | None) -> int | None:
    """How much of an input axis a fixed reach covers."""
    if reach is None:
        return 0
    if isinstance(reach, Everything):
        return length
    if length is None:
        return reach[1] - reach[0] + 1
    return max(min(reach[1], length - 1) - max(reach[0], 0) + 1, 0)
