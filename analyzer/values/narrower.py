"""Do some units of one field see as little as those of another, whatever is read of them next?"""

from __future__ import annotations

import math
from fractions import Fraction

from cnnscope.analyzer.values.field import MAX_PERIOD, Field


def narrower(field: Field, other: Field, length: int | None = None) -> bool:
    """Do some of the units see as little as those of `other`, whichever units are taken?

    Enough for that: the spans, all moved alike, lie within the other's; or the units lie as
    close together and every span is as narrow, where those of a period lie about a line.
    False: not that one could say.

    >>> narrower(Field(((0, 2),), 1), Field(((5, 7),), 2))
    True
    >>> narrower(Field(((0, 0),), 3), Field(((0, 0),), 1))
    False
    """
    mine, theirs = field.only, other.only
    if not (field.bounded or other.bounded):
        if mine is not None and theirs is not None:
            return (
                abs(field.advance) <= abs(other.advance)
                and mine[1] - mine[0] <= theirs[1] - theirs[0]
            )
        a, b = _about(field), _about(other)
        if a is None or b is None:
            return False
        slope = abs(Fraction(field.advance, len(field.spans)))
        near = slope <= abs(Fraction(other.advance, len(other.spans)))
        if near and a[1] - a[0] <= b[3] - b[2]:
            return True
    count = math.lcm(len(field.spans), len(other.spans))
    if (
        field.bounded
        or other.bounded
        or field.advance * len(other.spans) != (other.advance * len(field.spans))
    ):
        if length is None:
            return False
        count = length
    if count > MAX_PERIOD:
        return False
    lead = trail = None
    for i in range(count):
        inner, outer = field.span(i), other.span(i)
        if inner is None or outer is None:
            if (inner is None) != (outer is None):
                return False
            continue
        lead = inner[0] - outer[0] if lead is None else min(lead, inner[0] - outer[0])
        trail = inner[1] - outer[1] if trail is None else max(trail, inner[1] - outer[1])
    return lead is None or trail is None or trail <= lead


def moves_like(field: Field, other: Field) -> bool:
    """Do the units of both move on by the same, where they move on evenly?"""
    if field.bounded != other.bounded:
        return False
    return field.advance * len(other.spans) == other.advance * len(field.spans)


def _about(field: Field) -> tuple[Fraction, Fraction, Fraction, Fraction] | None:
    """About the line ``u*step``: the first start and the last end of a unit's span, then the
    last start and the first end."""
    step = Fraction(field.advance, len(field.spans))
    starts, ends = [], []
    for unit, span in enumerate(field.spans):
        if span is None:
            return None
        starts.append(span[0] - unit * step)
        ends.append(span[1] - unit * step)
    return min(starts), max(ends), max(starts), min(ends)
