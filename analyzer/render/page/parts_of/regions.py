"""Which input indices does each unit of each layer see? Exactly, clipped at every border, holes and all.

Along an axis most units see what the unit a period before them sees, moved on: a table of regions is written
as runs of such units, and tables that layers share stand once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from cnnscope.analyzer.render.page.blocks import Json
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.plain_class import dataclass

#: units of an axis that are asked, and in all: beyond, only every so many
MOST_OF_AXIS: Final = 512
MOST: Final = 60_000
_FEW: Final = 33
Spans = tuple[tuple[int, int], ...]


def part(contents: Contents) -> object:
    """``layers`` has for each layer, by output axis, its units and for each input axis a place in ``tables``.

    A table is what `runs` gives.
    """
    if contents.large:
        return None
    tables: dict[str, int] = {}
    asking = _Asking(contents.report, tables)
    layers = [asking.layer(layer) for layer in contents.report.layers]
    if not any(layers):
        return None
    return {
        "inputs": [{"name": x.name, "shape": _numbers(x.shape)} for x in contents.report.inputs],
        "tables": [json.loads(text) for text in tables],
        "layers": layers,
    }


class _Asking:
    def __init__(self, report: Report, tables: dict[str, int]) -> None:
        self.report, self.tables = report, tables
        self.left = MOST
        self.last: dict[tuple[str, int], tuple[object, int]] = {}

    def layer(self, layer: Layer) -> Json | None:
        """What units of one layer see; None where no axis of it moves along an input's."""
        shape = _numbers(layer.outputs[0].shape) if layer.outputs else None
        fields = [x for x in layer.receptive_field if x.output_axis is not None]
        if not fields or shape is None:
            return None
        read = {(x.input, x.axis) for x in layer.receptive_field}
        axes = []
        for axis in sorted({x.output_axis for x in fields if x.output_axis is not None}):
            length = shape[axis]
            if length is None or not length:
                return None
            try:
                axes.append(self._axis(layer, len(shape), axis, length, sorted(read)))
            except ValueError:  # regions can't be told
                return None
        return {"shape": shape, "axes": axes}

    def _axis(
        self, layer: Layer, rank: int, axis: int, length: int, read: Sequence[tuple[str, int]]
    ) -> Json:
        most = MOST_OF_AXIS if self.left > 0 else _FEW
        apart = -(-length // most)
        chosen = list(dict.fromkeys([*range(0, length, apart), length - 1]))
        self.left -= len(chosen)
        units = [[None] * axis + [unit] + [None] * (rank - axis - 1) for unit in chosen]
        regions = self.report.regions(layer, units)
        found = {
            key: [region[key[0]][key[1]] if key[0] in region else () for region in regions]
            for key in read
        }
        even = _even(layer, axis, chosen, found) if apart > 1 else frozenset()
        seen = []
        for (source, along), spans in found.items():
            seen.append([source, along, self._table((source, along), chosen, spans, even)])
        return {"axis": axis, "length": length, "apart": apart, "seen": seen}

    def _table(
        self, key: tuple[str, int], units: list[int], spans: list[Spans], even: frozenset[int]
    ) -> int:
        """The place of a table; a layer's is often that of the layer before."""
        asked = units, even, spans
        last, place = self.last.get(key, (None, 0))
        if asked != last:
            text = json.dumps(list(runs(units, spans, even)), separators=(",", ":"))
            place = self.tables.setdefault(text, len(self.tables))
            self.last[key] = asked, place
        return place


def _even(
    layer: Layer, axis: int, units: Sequence[int], found: Mapping[tuple[str, int], Sequence[Spans]]
) -> frozenset[int]:
    """Places of units from which on, up to the next one asked, each unit sees the same, moved on.

    Where the windows of two units are clipped nowhere on the way, so are those between them: along every
    path, what a unit between them reads lies between what they read.
    """
    fields = {(x.input, x.axis): x for x in layer.receptive_field}
    free = [True] * len(units)
    for key, spans in found.items():
        field = fields[key]
        if field.output_axis != axis and len({*spans}) == 1:
            continue
        if field.output_axis != axis or field.phases is None or field.phases.period != 1:
            return frozenset()
        for at, unit in enumerate(units):
            whole = field.span(unit)
            free[at] &= bool(spans[at]) and whole == (spans[at][0][0], spans[at][-1][1])
    return frozenset(at for at in range(len(units) - 1) if free[at] and free[at + 1])


@dataclass(slots=True)
class _Run:
    """Units at one distance, of which each sees what the one before sees, moved."""

    first: int
    apart: int
    count: int
    by: int
    spans: Spans

    def takes(self, other: _Run) -> bool:
        """Go on with a later run, where it fits on."""
        moved = _moved(self.spans, other.spans)
        if moved is None:
            return False
        if self.count == 1 and other.count == 1:
            self.apart, self.by = other.first - self.first, moved
        elif (
            other.first != self.first + self.apart * self.count
            or moved != self.by * self.count
            or (other.count > 1 and (other.apart, other.by) != (self.apart, self.by))
        ):
            return False
        self.count += other.count
        return True


def runs(
    units: Sequence[int], spans: Sequence[Spans], even: Collection[int] = ()
) -> Iterator[list[object]]:
    """Spans of units as runs ``[first unit, units apart, how many, moved by, spans of the first]``.

    Args:
        units: those that were asked, in order.
        spans: of each.
        even: places of units from which on the units up to the next one are alike, too.

    >>> list(runs([0, 1, 2, 3], [((0, 1),), ((0, 2),), ((2, 4),), ((4, 6),)]))
    [[0, 1, 1, 0, [[0, 1]]], [1, 1, 3, 2, [[0, 2]]]]
    """
    last: _Run | None = None
    for at, unit in enumerate(units):
        run = _Run(unit, 1, 1, 0, spans[at])
        if at in even:
            run.count = units[at + 1] - unit
            run.by = (spans[at + 1][0][0] - spans[at][0][0]) // run.count
        if last is not None and not last.takes(run):
            yield _written(last)
            last = run
        last = last or run
    if last is not None:
        yield _written(last)


def _written(run: _Run) -> list[object]:
    return [run.first, run.apart, run.count, run.by, [list(span) for span in run.spans]]


def _moved(one: Spans, other: Spans) -> int | None:
    """By how much the second is the first moved; None where it isn't."""
    if len(one) != len(other) or not one:
        return 0 if one == other else None
    by = other[0][0] - one[0][0]
    same = all(a + by == c and b + by == d for (a, b), (c, d) in zip(one, other, strict=True))
    return by if same else None


def _numbers(shape: Sequence[object] | None) -> list[int | None] | None:
    return None if shape is None else [x if isinstance(x, int) else None for x in shape]
