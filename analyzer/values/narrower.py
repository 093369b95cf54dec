"""Do some units of one field see as little as those of another, whatever is read of them next?"""

from __future__ import annotations

import math

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
        mine_in, theirs_in = len(field.spans), len(other.spans)
        near = abs(field.advance) * theirs_in <= abs(other.advance) * mine_in
        if near and (a[1] - a[0]) * theirs_in <= (b[3] - b[2]) * mine_in:
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
    for inner, outer in zip(field.listing(count), other.listing(count), strict=True):
        if inner is None or outer is None:
            if inner is not outer:
                return False
            continue
        lead = inner[0] - outer[0] if lead is None else min(lead, inner[0] - outer[0])
        trail = inner[1] - outer[1] if trail is None else max(trail, inner[1] - outer[1])
        if trail > lead:
            return False
    return True


def moves_like(field: Field, other: Field) -> bool:
    """Do the units of both move on by the same, where they move on evenly?"""
    if field.bounded != other.bounded:
        return False
    return field.advance * len(other.spans) == other.advance * len(field.spans)


def _about(field: Field) -> tuple[int, int, int, int] | None:
    """About the line ``u*step``, times the period so that all are whole: the first start and the last
    end of a unit's span, then the last start and the first end."""
    period, advance = len(field.spans), field.advance
    starts, ends = [], []
    for unit, span in enumerate(field.spans):
        if span is None:
            return None
        starts.append(span[0] * period - unit * advance)
        ends.append(span[1] * period - unit * advance)
    return min(starts), max(ends), max(starts), min(ends)
