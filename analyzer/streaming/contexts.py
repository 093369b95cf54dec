"""How much before and behind its own hop does a unit along a time axis see?

The units of a period of P units move on by A samples together, a hop of A/P on average. Unit u stands for the
samples that its own hop touches::

    (1)   floor(u*A/P) .. ceil((u+1)*A/P) - 1

What it sees before the first is its past context, what it sees behind the last its future context; either is
negative where it doesn't come so far. Both are the same for every turn of a period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from cnnscope.analyzer.fields.digits import Digit, Reach, as_field, reach_sum, spread
from cnnscope.analyzer.fields.paths import Paths
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.phases import common_advance
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Shape
from cnnscope.analyzer.values.window import Number

#: of units that are listed, and don't keep to a period from end to end, the middle may
_LONGEST_PERIOD = 256


@dataclass(frozen=True, slots=True)
class Context:
    """What the units of a tensor see along a time axis.

    Args:
        axis: the tensor's axis that moves along it.
        period, advance: so many units move on by so many samples.
        past, future: of each unit of a period, in samples, counted from its own hop (1); None: it
            sees nothing.
        most_past, most_future: the largest of all units, those at the ends of the signal as well.
        window: samples from the first to the last that a unit sees, of the widest.
        reach: the first and the last sample that the units of the first period together see.
    """

    axis: int
    period: int
    advance: int
    past: tuple[int | None, ...]
    future: tuple[int | None, ...]
    most_past: int
    most_future: int
    window: int
    reach: Span

    @property
    def hop(self) -> Number:
        """Samples from one unit to the next, on average."""
        hop = Fraction(self.advance, self.period)
        return hop.numerator if hop.denominator == 1 else hop

    @property
    def look_ahead(self) -> int:
        """How many samples behind its own hop must have come before a unit can be given."""
        return max(self.most_future, 0)

    def at_ends(self, past: int, future: int) -> Context:
        """The same, with what units at the ends of the signal see."""
        return replace(self, most_past=past, most_future=future)


def find_context(paths: Paths, units: Shape | None) -> Context | None:
    """What units see of an input's axis; None where they see the same, wherever they are, or don't move
    on along it in step.

    Args:
        paths: what the units of a tensor see of the axis.
        units: the tensor's shape.
    """
    found = _time_field(paths, units)
    if found is None:
        return None
    axis, field = found
    marching = _marching(field)
    if marching is None or marching.advance <= 0 or marching.blind:
        return None
    period, advance = len(marching.spans), marching.advance
    sides = [
        None if span is None else sides_of(span, u, period, advance)
        for u, span in enumerate(marching.spans)
    ]
    # Of a list, units at the ends of the signal may look elsewhere than the others.
    listed = field.spans if field.bounded else marching.spans
    every = [
        sides_of(span, u, period, advance) for u, span in enumerate(listed) if span is not None
    ]
    first, last = zip(*[span for span in marching.spans if span is not None], strict=True)
    return Context(
        axis, period, advance,
        tuple([None if one is None else one[0] for one in sides]),
        tuple([None if one is None else one[1] for one in sides]),
        max(past for past, _ in every), max(future for _, future in every),
        field.size, (min(first), max(last)),
    )  # fmt: skip


def sides_of(span: Span, unit: int, period: int, advance: int) -> tuple[int, int]:
    """Past and future context of a unit that sees a span, (1).

    >>> sides_of((0, 990), 0, 1, 270)
    (0, 721)
    """
    first, last = unit * advance // period, -((unit + 1) * advance // -period) - 1
    return first - span[0], span[1] - last


def _time_field(paths: Paths, units: Shape | None) -> tuple[int, Field] | None:
    """The axis along which units move on, and what they see of the input's, all paths together."""
    if not paths.terms or not paths.known or not all(term.digits for term in paths.terms):
        return None
    chosen: int | None = None
    whole: Field | None = None
    for term in paths.terms:
        found = _along_one(term.digits, units, chosen)
        if found is None:
            return None
        chosen, field = found
        length = units[chosen] if units is not None and 0 <= chosen < len(units) else None
        count = length if isinstance(length, int) else None
        joined = field if whole is None else whole.union(field, count)
        if joined is None:
            return None
        whole = joined
    return None if chosen is None or whole is None else (chosen, whole)


def _along_one(
    digits: Sequence[Digit], units: Shape | None, chosen: int | None
) -> tuple[int, Field] | None:
    """Along the axis that moves on most, where several do (frames and the samples in each): the others
    are read whole."""
    groups: dict[int, list[Digit]] = {}
    for digit in digits:
        groups.setdefault(digit.axis, []).append(digit)
    if min(groups) < 0:
        return None
    known, free = units or (), FreeDim.named("?")
    lengths = {axis: known[axis] if axis < len(known) else free for axis in groups}
    fields: dict[int, Field] = {}
    for axis, group in groups.items():
        field = as_field(group, lengths[axis])
        if field is not None:
            fields[axis] = field
    if chosen is None:
        chosen = (
            next(iter(fields))
            if len(fields) == 1
            else max(fields, key=lambda axis: _pace(fields[axis]), default=None)
        )
    if chosen is None or chosen not in fields:
        return None
    rest: Reach = (0, 0)
    for axis, group in groups.items():
        if axis != chosen:
            for digit in group:
                rest = reach_sum(rest, spread(digit, lengths[axis]))
    return (chosen, fields[chosen].widened(rest)) if isinstance(rest, tuple) else None


def _pace(field: Field) -> Fraction:
    marching = _marching(field)
    return Fraction(-1) if marching is None else Fraction(marching.advance, len(marching.spans))


def _marching(field: Field) -> Field | None:
    """The field without ends; of a list, what its middle third keeps to."""
    if not field.bounded:
        return field
    spans, count = field.spans, len(field.spans)
    lo, hi = count // 3, count - count // 3
    middle = spans[lo:hi]
    for period in range(1, min(_LONGEST_PERIOD, (hi - lo) // 2) + 1):
        advance = common_advance(middle, period)
        if advance is not None:
            turns = -(-lo // period)
            back = [spans[turns * period + r] for r in range(period)]
            shift = turns * advance
            own = [None if s is None else (s[0] - shift, s[1] - shift) for s in back]
            return Field(tuple(own), advance)
    return None
