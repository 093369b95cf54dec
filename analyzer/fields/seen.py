"""What do the paths to an input axis come to in figures: size, step, where the units look?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from cnnscope.analyzer.fields.digits import Everything, Reach, as_field, width
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.fields.paths import Paths
from cnnscope.analyzer.fields.smallest import way_size
from cnnscope.analyzer.fields.terms import Term, covered
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.field import MAX_PERIOD, Field
from cnnscope.analyzer.values.phases import Phases, phases_dict
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Shape
from cnnscope.analyzer.values.window import Number


@dataclass(frozen=True, slots=True)
class Seen:
    """What the units of a tensor see of one network input's axis, in figures.

    The same figures as `ReceptiveField`'s, which says what each means; and `smallest_local`, the
    smallest size but for paths on which the axis was collapsed and all of the input is seen.
    """

    size: int | None
    phases: Phases | None = None
    center: Fraction | None = None
    output_axis: int | None = None
    global_: bool = False
    global_by: str | None = None
    local_size: int | None = None
    smallest_size: int | None = None
    smallest_local: int | None = None
    at_least: int | None = None

    @property
    def step(self) -> int | None:
        return None if self.phases is None else self.phases.step

    @property
    def start(self) -> int | None:
        return None if self.phases is None else self.phases.start

    @property
    def mean_step(self) -> Number | None:
        return None if self.phases is None else self.phases.mean_step

    def to_dict(self) -> dict[str, object]:
        return {
            "size": self.size,
            "step": self.step,
            "start": self.start,
            **phases_dict(self.phases),
            "global": self.global_,
            "local_size": self.local_size,
            "smallest_size": self.smallest_size,
        }


def find_seen(
    paths: Paths, length: int | None, units: Shape | None, known: KnownFields | None = None
) -> Seen:
    """What the terms come to.

    Args:
        paths: the terms.
        length: of the network input's axis; None: not known.
        units: the shape of the tensor.
        known: what has been worked out of fields already.
    """
    found = figures(paths, length)
    moving = [term for term in paths.terms if term.digits]
    if found.phases is not None or not paths.known or not moving:
        return found
    if not found.global_ and any(term.at_least is not None for term in paths.terms):
        return found  # what else a unit sees isn't known
    fixed = [] if found.global_ else [term for term in paths.terms if not term.digits]
    return replace(found, phases=_phases(moving, fixed, units, known or KnownFields()))


class Extent(NamedTuple):
    """How much the units of a tensor see of an input's axis: `Seen`'s figures of these names."""

    size: int | None
    local_size: int | None
    at_least: int | None = None
    global_: bool = False
    global_by: str | None = None


def extent(paths: Paths, length: int | None) -> Extent:
    """How much the units see, apart from where."""
    if len(paths.terms) == 1 and len(paths.terms[0].digits) == 1:
        whole = paths.terms[0].digits[0].field.size
        return Extent(whole if paths.known else None, whole)
    moving = [term for term in paths.terms if term.digits]
    fixed = [term for term in paths.terms if not term.digits]
    local = max((width(term.digits) for term in moving), default=None)
    unknown = [t for t in fixed if t.at_least is not None]
    sees_all = [t for t in fixed if t.whole or (t not in unknown and _covers(t.fixed, length))]
    sizes = [local] if local is not None else []
    size: int | None
    if sees_all:
        size = length
        reaches = [covered(t.fixed, length) for t in fixed]
        if not moving and None not in reaches:  # e.g. rows that a stride left over aren't seen
            size = max(r for r in reaches if r is not None)
    else:
        sizes += [s for s in (covered(t.fixed, length) for t in fixed) if s is not None]
        size = max(sizes, default=None)
    at_least = None
    if unknown or not paths.known:
        some = [t.at_least for t in unknown if t.at_least is not None]
        at_least = max([*some, *([local] if local is not None else [])], default=None)
        local = None
        if not sees_all:
            size = None
    by = next((t.by for t in sees_all if t.by), None)
    return Extent(size, local, None if size is not None else at_least, bool(sees_all), by)


def figures(paths: Paths, length: int | None) -> Seen:
    """What the terms come to, but for where the units look unless that is plain."""
    if len(paths.terms) == 1 and len(paths.terms[0].digits) == 1:
        return _seen_plainly(paths, length)
    size, local, at_least, global_, global_by = extent(paths, length)
    # The first unit's window, along the paths that move with it where there are any.
    main = widest_term(paths)
    center, fine = None, None
    if main is not None:
        fine = min(main.digits, key=lambda digit: abs(Fraction(digit.field.step)))
        first = [digit.field.span(0) for digit in main.digits]
        if all(span is not None for span in first):
            center = sum((Fraction(sum(s), 2) for s in first if s is not None), Fraction(0))
    return Seen(
        size=size,
        center=center,
        output_axis=fine.axis if fine else None,
        global_=global_,
        global_by=global_by,
        local_size=local,
        smallest_size=_smallest(paths, length, paths.ways, (local, size)),
        smallest_local=_smallest(paths, length, _not_all(paths.ways, length), (local,)),
        at_least=at_least,
    )


def _smallest(
    paths: Paths, length: int | None, ways: Sequence[Term], sizes: Sequence[int | None]
) -> int | None:
    """The smallest size along some single paths; None where one that may be it isn't followed.

    Args:
        sizes: of what is seen along all paths. A single path goes on beyond where others are laid
            beside it, which what is seen along all of them doesn't.
    """
    if not paths.known:
        return None
    known = [size for way in ways if (size := way_size(way, length)) is not None]
    if not known:
        return None
    found = min([*known, *(size for size in sizes if size is not None)])
    for way in ways:
        if way_size(way, length) is None and (way.least is None or way.least < found):
            return None
    return found


def _not_all(ways: tuple[Term, ...], length: int | None) -> Sequence[Term]:
    if all(way.digits for way in ways):
        return ways
    return [w for w in ways if w.digits or w.least is not None or not _covers(w.fixed, length)]


def _phases(
    moving: Sequence[Term], fixed: Sequence[Term], units: Shape | None, known: KnownFields
) -> Phases | None:
    """Where each unit looks along paths that move with it, where that hangs on one axis."""
    axes = {digit.axis for term in moving for digit in term.digits}
    axis = axes.pop()
    if axes or axis < 0:
        return None
    count = units[axis] if units is not None and axis < len(units) else None
    length = count if isinstance(count, int) else None
    found: Field | None = None
    for term in moving:
        one = as_field(list(term.digits), count if count is not None else FreeDim.named("?"))
        found = one if found is None or one is None else found.union(one, length)
        if found is None:
            return None
    for term in fixed:
        if found is None or not isinstance(term.fixed, tuple) or length is None:
            return None
        if length > MAX_PERIOD:
            return None
        found = found.union(Field((term.fixed,) * length, 0, True), length)
    return None if found is None else known.phases(found, length)


def _seen_plainly(paths: Paths, length: int | None) -> Seen:
    """One axis that moves along another and nothing beside it, as in most layers of most nets: the
    same figures, without the sums and choices over terms."""
    ((digit,), known) = paths.terms[0].digits, paths.known
    field, span = digit.field, digit.field.span(0)
    plain = digit.div == 1 and digit.mod is None and len(field.spans) == 1 and not field.bounded
    phases = Phases(1, field.advance, field.spans) if known and plain else None
    return Seen(
        size=field.size if known else None,
        phases=phases,
        center=None if span is None else Fraction(span[0] + span[1], 2),
        output_axis=digit.axis,
        local_size=field.size,
        smallest_size=_smallest(paths, length, paths.ways, (field.size,)),
        smallest_local=_smallest(paths, length, _not_all(paths.ways, length), (field.size,)),
    )


def unclipped(paths: Paths, unit: Sequence[int | None]) -> Span | None:
    """What one unit sees along the widest path that moves with it, before clipping."""
    main = widest_term(paths)
    if main is None:
        return None
    lo = hi = 0
    for digit in main.digits:
        index = unit[digit.axis] if 0 <= digit.axis < len(unit) else None
        if index is None:
            return None
        value = index // digit.div
        span = digit.field.span(value if digit.mod is None else value % digit.mod)
        if span is None:
            return None
        lo, hi = lo + span[0], hi + span[1]
    return lo, hi


def widest_term(paths: Paths) -> Term | None:
    moving = [term for term in paths.terms if term.digits]
    return max(moving, key=lambda term: width(term.digits), default=None)


def _covers(reach: Reach, length: int | None) -> bool:
    if isinstance(reach, Everything):
        return True
    return reach is not None and length is not None and reach[0] <= 0 and reach[1] >= length - 1
