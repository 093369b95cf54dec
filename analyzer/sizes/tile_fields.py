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

A map that was cropped and is padded afterwards takes padding where the whole has values, though these lie
inside of what was cut out: both grow by as much as the crop took.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.fields.digits import Digit, Everything, as_field
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.paths import InputAxis, Paths
from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.operators.reading import Along
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.substitution import substituted

#: the longest step that tiles may have
_LONGEST: Final = 1 << 16

_OTHER_END: Final = "its border is what lies at the other end"

Sides = tuple[int, int]
OutputAxis = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an axis can't be cut into tiles.

    Args:
        input, axis: which.
        layer: the node that makes it so; None where it isn't one.
        why: in words.
        whole: every unit sees all of the axis, whatever its length is.
    """

    input: str
    axis: int
    layer: str | None
    why: str
    whole: bool = False

    def to_dict(self) -> dict[str, object]:
        return {"input": self.input, "axis": self.axis, "layer": self.layer, "why": self.why}


@dataclass(frozen=True, slots=True)
class TileAxis:
    """An input's axis that can be cut.

    Args:
        input, axis: which.
        group: axes that are cut together have the same.
        step: tiles start at multiples of so many pixels.
        halo: pixels beyond its own that a tile reads, before and after, where its own are whole steps.
        halo_anywhere: the same where its own start anywhere.
        impulse: how far before and behind a pixel on the grid the units lie that see it, in pixels: what
            CSBDeep measures, and takes the larger of, for an overlap.
    """

    input: str
    axis: int
    group: int
    step: int
    halo: Sides
    halo_anywhere: Sides
    impulse: Sides


@dataclass(frozen=True, slots=True)
class TiledOutput:
    """An output's axis that is put together from tiles.

    Args:
        output, axis: which.
        group: of the input axes that it moves along.
        units: so many belong to a step.
        fields: by input axis, what its units see.
        length: how long it is, as a formula of the inputs' lengths.
    """

    output: str
    axis: int
    group: int
    units: int
    fields: Mapping[InputAxis, Field]
    length: Dim


@dataclass(frozen=True, eq=False)
class Cutting:
    """How a network can be cut.

    Args:
        axes: the input axes that can.
        outputs: the outputs' axes along them.
        obstacles: what keeps the others from it.
        brinks: see `Brink`.
    """

    axes: Mapping[InputAxis, TileAxis]
    outputs: tuple[TiledOutput, ...]
    obstacles: tuple[Obstacle, ...]
    brinks: Mapping[InputAxis, tuple[Brink, ...]]


@dataclass(frozen=True, slots=True)
class Brink:
    """A map that some layer reads beyond its ends.

    Args:
        field: what its units see.
        length: how many it has.
        first, last: it is read before its first unit, and behind its last.
    """

    field: Field
    length: Dim
    first: bool
    last: bool


def find_cutting(
    graph: Graph, shapes: Shapes, fields: Fields, wanted: Collection[InputAxis]
) -> Cutting:
    """How axes of a network's inputs can be cut, and what keeps them from it."""
    keys = sorted(wanted)
    leading = _leading(graph)
    obstacles: dict[InputAxis, Obstacle] = {}
    looks: dict[OutputAxis, dict[InputAxis, Field]] = {}
    for key in keys:
        found = _looks(graph, fields, key, leading)
        if isinstance(found, Obstacle):
            obstacles[key] = found
        else:
            for output, field in found.items():
                looks.setdefault(output, {})[key] = field
    obstacles.update(_own_values(shapes, fields, leading, keys))
    obstacles.update(_wrapping(fields, leading, keys))
    looks = {
        output: {key: field for key, field in seen.items() if key not in obstacles}
        for output, seen in looks.items()
    }
    strides = {key: _stride(fields, key, leading) for key in keys if key not in obstacles}
    brinks = {key: tuple(_brinks(shapes, fields, key, leading)) for key in strides}
    axes: dict[InputAxis, TileAxis] = {}
    outputs: list[TiledOutput] = []
    left = dict(strides)
    group = 0
    while left:
        members, rates = _together(next(iter(left)), looks)
        first = min(members, key=list(strides).index)
        for key in members:
            left.pop(key)
        if rates is None:
            for key in members:
                obstacles[key] = Obstacle(*key, None, "its outputs move along it at several rates")
            continue
        whole = _block(members, rates, looks, strides)
        if whole is None:
            for key in members:
                obstacles[key] = Obstacle(
                    *key, None, f"tiles would start at multiples of more than {_LONGEST}"
                )
            continue
        for key in members:
            step = int(rates[key] * whole)
            seen = [(int(rates[o] * whole), looks[o][key]) for o in looks if key in looks[o]]
            below = max([_below(x) for x in brinks[key]], default=-1)
            axes[key] = TileAxis(
                *key,
                group,
                step,
                _aligned(seen, step, below),
                _anywhere(seen, step, below),
                _impulse(seen, step),
            )
        for o, seen_of in looks.items():
            if first in seen_of or members & seen_of.keys():
                length = shapes.tensors[o[0]].dims[o[1]]
                outputs.append(TiledOutput(*o, group, int(rates[o] * whole), seen_of, length))
        group += 1
    return Cutting(axes, tuple(outputs), tuple(obstacles.values()), brinks)


# -- what the outputs see --------------------------------------------------------------------------


def _leading(graph: Graph) -> list[Node]:
    """The nodes that lead to an output, in running order."""
    wanted = set(graph.outputs)
    found = []
    for node in reversed(list(graph.nodes)):
        if wanted.intersection(node.outputs):
            wanted.update(used_names(node))
            found.append(node)
    return found[::-1]


def _looks(
    graph: Graph, fields: Fields, key: InputAxis, leading: Sequence[Node]
) -> dict[OutputAxis, Field] | Obstacle:
    """By output axis what its units see of an input axis, or why that can't be told for a tile."""
    found: dict[OutputAxis, Field] = {}
    for name in graph.outputs:
        paths = fields.states.get(name, {}).get(key)
        if paths is None:
            continue
        plain = _plain(paths)
        if plain is None:
            return _cause(fields, key, leading)
        axis, field = plain
        found[name, axis] = field
    return found


def _plain(paths: Paths) -> tuple[int, Field] | None:
    """The axis along which units move, and what they see; None where they don't see so."""
    if not paths.known or len(paths.terms) != 1 or not paths.terms[0].digits:
        return None
    digits = paths.terms[0].digits
    if len({digit.axis for digit in digits}) > 1 or digits[0].axis < 0:
        return None
    field = _field(digits)
    if field is None or field.bounded or field.advance <= 0 or field.blind:
        return None
    return digits[0].axis, field


def _field(digits: Sequence[Digit]) -> Field | None:
    field = as_field(list(digits), 0)
    return None if field is None else field.regular()


def _cause(fields: Fields, key: InputAxis, leading: Sequence[Node]) -> Obstacle:
    """The first layer behind which units don't move along an axis plainly."""
    for node in leading:
        for name in node.outputs:
            paths = fields.states.get(name, {}).get(key) if name else None
            if paths is None or _followed(paths):
                continue
            term = next((term for term in paths.terms if not term.digits), None)
            if term is not None and term.by is not None and term.whole:
                return Obstacle(*key, term.by, "every unit sees all of the axis", True)
            if term is not None and isinstance(term.fixed, Everything):
                return Obstacle(
                    *key, term.by or node.path, "what a unit sees has no end, or isn't known"
                )
            if term is not None:
                return Obstacle(
                    *key, term.by or node.path, "every unit sees the same part of the axis"
                )
            return Obstacle(*key, node.path, "what its units see doesn't move on by a step")
    return Obstacle(*key, None, "what its units see isn't known")


def _followed(paths: Paths) -> bool:
    """Units move along the axis, if not as one axis does: what splits it may be put together again."""
    return paths.known and all(
        term.digits and all(not d.field.bounded for d in term.digits) for term in paths.terms
    )


def _stride(fields: Fields, key: InputAxis, leading: Sequence[Node]) -> int:
    """What every map on the way to the outputs moves on by, together: their least common multiple."""
    found = 1
    for node in leading:
        for name in node.outputs:
            paths = fields.states.get(name, {}).get(key) if name else None
            for term in paths.terms if paths is not None else ():
                for digit in term.digits:
                    if not digit.field.bounded and digit.field.advance and digit.mod is None:
                        found = math.lcm(found, abs(digit.field.advance))
    return found


# -- what a tile hasn't got ------------------------------------------------------------------------


def _own_values(
    shapes: Shapes, fields: Fields, leading: Sequence[Node], keys: Sequence[InputAxis]
) -> dict[InputAxis, Obstacle]:
    """Where a layer joins what hangs on the input with values of its own that are as long as the input."""
    found: dict[InputAxis, Obstacle] = {}
    labels = {
        key: length
        for key in keys
        if isinstance(length := (shapes.tensors[key[0]].shape or ())[key[1]], FreeDim)
    }
    for node in leading:
        moving = {k for n in node.inputs for k in fields.states.get(n, {}) if k in labels}
        if not moving:
            continue
        for name in node.inputs:
            if not name or fields.states.get(name) or name not in shapes.tensors:
                continue
            names = {
                n
                for length in shapes.tensors[name].shape or ()
                if isinstance(length, FreeDim)
                for n in length.names
            }
            for key in moving:
                if labels[key].names & names and key not in found:
                    found[key] = Obstacle(
                        *key,
                        node.path,
                        "it takes values that are its own for each place, not the input's",
                    )
    return found


def _wrapping(
    fields: Fields, leading: Sequence[Node], keys: Sequence[InputAxis]
) -> dict[InputAxis, Obstacle]:
    """Where a layer's border is what lies at the other end."""
    found: dict[InputAxis, Obstacle] = {}
    for node, _, axis, along, state in _windows(fields, leading):
        if along.window.outside == "wrap":
            for key, paths in state.items():
                if key in keys and any(d.axis == axis for t in paths.terms for d in t.digits):
                    found.setdefault(key, Obstacle(*key, node.path, _OTHER_END))
    return found


def _windows(
    fields: Fields, leading: Sequence[Node]
) -> Iterator[tuple[Node, str, int, Along, Mapping[InputAxis, Paths]]]:
    """Every window that is no identity, with the tensor and axis that it reads."""
    for node in leading:
        reads = fields.reads.get(node.index)
        if reads is None:
            continue
        for per_input in reads.outputs:
            for name, read in zip(node.inputs, per_input, strict=False):
                state = fields.states.get(name) if name else None
                if not state or not isinstance(read, tuple):
                    continue
                for axis, along in enumerate(read):
                    if isinstance(along, Along) and not along.window.is_identity:
                        yield node, name, axis, along, state


def _brinks(
    shapes: Shapes, fields: Fields, key: InputAxis, leading: Sequence[Node]
) -> Iterator[Brink]:
    """The maps that are read beyond their ends, each kind once."""
    known: set[Brink] = set()
    for _, name, axis, along, state in _windows(fields, leading):
        if key not in state:
            continue
        window = along.window
        first = min(window.at(0), default=0) < 0
        last = window.after > 0 or not isinstance(window.stride, int)
        if not first and not last:
            continue
        length = shapes.tensors[name].dims[axis]
        for term in state[key].terms:
            digits = [digit for digit in term.digits if digit.axis == axis]
            field = _field(digits) if digits and len(digits) == len(term.digits) else None
            if field is not None and not field.bounded:
                brink = Brink(field, length, first, last)
                if brink not in known:
                    known.add(brink)
                    yield brink


def _below(brink: Brink) -> int:
    """What lies before the first unit of a map begins there: units that begin later don't see it."""
    span = brink.field.span(-1) if brink.first else None
    return -1 if span is None else span[0]


def short_of_end(brinks: Sequence[Brink], length: int, lengths: Mapping[str, int]) -> int:
    """By how much what lies behind the last unit of a map ends before the input does, 0 and more."""
    found = 0
    for brink in brinks:
        if brink.last:
            try:
                count = substituted(brink.length, lengths)
            except Undetermined:
                continue
            span = brink.field.span(count) if isinstance(count, int) else None
            if span is not None:
                found = max(found, length - span[1])
    return found


# -- grid and halo ---------------------------------------------------------------------------------


def _together(
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


def _block(
    members: set[InputAxis],
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
    whole = Fraction(top, math.gcd(*[x.denominator for x in asked]))
    steps = [rates[key] * whole for key in members]
    if whole.denominator > 1:
        whole *= whole.denominator
    return int(whole) if max(steps) <= _LONGEST else None


def _aligned(seen: Sequence[tuple[int, Field]], step: int, below: int) -> Sides:
    """What the units of a step see beside it, (1)."""
    spans = [span for units, field in seen for span in map(field.span, range(units)) if span]
    before = max([0, *[max(below, -1) + 1 - lo for lo, _ in spans]])
    return before, max([0, *[hi - step + 1 for _, hi in spans]])


def _anywhere(seen: Sequence[tuple[int, Field]], step: int, below: int) -> Sides:
    """The most that any unit sees beside the pixels that are its own, (2)."""
    before = after = 0
    for units, field in seen:
        for unit in range(units):
            span = field.span(unit)
            if span is not None:
                own = unit * step // units
                end = max(-(-(unit + 1) * step // units) - 1, own) if units >= step else own
                before = max(before, own + max(below, -1) + 1 - span[0])
                after = max(after, span[1] - end)
    return before, after


def _impulse(seen: Sequence[tuple[int, Field]], step: int) -> Sides:
    """How far from a pixel on the grid the units lie that see it."""
    before = after = 0
    for units, field in seen:
        for unit in range(units):
            span = field.span(unit)
            if span is not None:
                own = unit * step // units
                # Moved by whole steps, the span has pixel 0 in it from -hi to -lo.
                first, last = -(span[1] // step), -span[0] // step
                if first <= last:
                    before = max(before, -(first * step + own))
                    after = max(after, last * step + own)
    return before, after
