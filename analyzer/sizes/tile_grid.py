"""On which grid may tiles of a network start, and how far beyond its own pixels does each see?

Moved by a multiple of what every map on the way moves on by (``step``), an input gives every map moved by
whole units: so a tile that starts there is computed as the whole is, wherever no padding comes in. What a
tile's own units see of the input is the hull of their fields, before anything is clipped; a field that lies
in what was cut out is computed of the same numbers as in the whole::

    (1)   before = max(0, -min lo_u),   after = max(0, max hi_u - (block - 1))

over the units u of a block, for tiles made of blocks. For tiles that start anywhere, over all units::

    (2)   before = max(floor(u*s) - lo_u),   after = max(hi_u - ceil((u+1)*s) + 1)     (s < 1)

where s is the pixels per unit and unit u belongs to the tile that has the pixel ``floor(u*s)``; with
s >= 1 the second is ``hi_u - floor(u*s)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.fields.paths import InputAxis, Paths
from cnnscope.analyzer.sizes.cutting import OutputAxis, Sides
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.spans import Span

#: the longest step that tiles may have
LONGEST_STEP: Final = 1 << 16


def moved_together(
    start: InputAxis, looks: Mapping[OutputAxis, Mapping[InputAxis, Field]]
) -> tuple[set[InputAxis], dict[object, Fraction] | None]:
    """The input axes that outputs move along together with one, and how fast each thing goes.

    Returns:
        Pixels, or units, per pixel of the first; None where that isn't one figure each.
    """
    rates: dict[object, Fraction] = {start: Fraction(1)}
    members, queue, agree = {start}, [start], True
    while queue:
        key = queue.pop()
        for output, seen in looks.items():
            if key not in seen:
                continue
            rate = rates[key] / Fraction(seen[key].step)
            agree = agree and rates.setdefault(output, rate) == rate
            for other, field in seen.items():
                pace = rates[output] * Fraction(field.step)
                if other not in members:
                    members.add(other)
                    queue.append(other)
                agree = agree and rates.setdefault(other, pace) == pace
    return members, rates if agree else None


def block_of(
    members: Sequence[InputAxis],
    rates: Mapping[object, Fraction],
    looks: Mapping[OutputAxis, Mapping[InputAxis, Field]],
    strides: Mapping[InputAxis, int],
) -> int | None:
    """The fewest pixels of the first axis that are whole steps of everything; None: too many."""
    asked = [strides[key] / rates[key] for key in members]
    for output, seen in looks.items():
        for key, field in seen.items():
            if key in members:
                asked.append(len(field.spans) / rates[output])
    top = math.lcm(*[x.numerator for x in asked])
    # A multiple of the first axis's own stride, so a whole number.
    whole = int(Fraction(top, math.gcd(*[x.denominator for x in asked])))
    return whole if max(rates[key] * whole for key in members) <= LONGEST_STEP else None


def common_step(states: Iterable[Paths]) -> int:
    """What maps move on by, together: the least common multiple."""
    return math.lcm(*[
        abs(digit.field.advance)
        for paths in states
        for term in paths.terms
        for digit in term.digits
        if not digit.field.bounded and digit.field.advance and digit.mod is None
    ])  # fmt: skip


def halo_of(seen: Sequence[tuple[int, Field]], step: int, below: int) -> Sides:
    """What the units of a step see beside it, (1).

    Args:
        seen: for each output how many units belong to a step, and what they see.
        step: its pixels.
        below: where the last unit before some map's first one begins, -1 at least: units that begin
            later don't see it.
    """
    spans = [span for _, _, span in _of_step(seen, step)]
    before = max([0, *[below + 1 - lo for lo, _ in spans]])
    return before, max([0, *[hi - step + 1 for _, hi in spans]])


def halo_anywhere_of(seen: Sequence[tuple[int, Field]], step: int, below: int) -> Sides:
    """The most that any unit sees beside the pixels that are its own, (2)."""
    before = after = 0
    for own, end, (lo, hi) in _of_step(seen, step):
        before, after = max(before, own + below + 1 - lo), max(after, hi - end)
    return before, after


def impulse_of(seen: Sequence[tuple[int, Field]], step: int) -> Sides:
    """How far from a pixel on the grid the units lie that see it."""
    before = after = 0
    for own, _, (lo, hi) in _of_step(seen, step):
        # Moved by whole steps, the span has pixel 0 in it from -hi to -lo.
        first, last = -(hi // step), -lo // step
        if first <= last:
            before, after = max(before, -(first * step + own)), max(after, last * step + own)
    return before, after


def _of_step(seen: Sequence[tuple[int, Field]], step: int) -> Iterator[tuple[int, int, Span]]:
    """Of each unit of a step that sees something its first and last own pixel, and the span that it sees."""
    for units, field in seen:
        for unit in range(units):
            span = field.span(unit)
            if span is not None:
                own = unit * step // units
                end = max(-(-(unit + 1) * step // units) - 1, own) if units >= step else own
                yield own, end, span
