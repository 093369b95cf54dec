"""Exactly which input indices does one unit see?

What the units of a tensor see is found for all of them at once and kept (`every_unit`), so that a region
is looked up: the time goes with the answer, not with the layers behind it. From tensors of which that
isn't told, wanted indices run backwards (`wanted`) until they come to some of which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from cnnscope.analyzer.fields.boxes import Box, known_lengths
from cnnscope.analyzer.fields.every_unit import EveryUnit
from cnnscope.analyzer.fields.index_sets import IndexSets, spans_of, together
from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.fields.read_sets import SeenSets
from cnnscope.analyzer.fields.wanted import Wanted, want_before
from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.values.spans import Span

#: network input -> per axis, the indices seen as inclusive ranges
Ranges = dict[str, tuple[tuple[Span, ...], ...]]
Unit = Sequence[int | None]
#: what has been found of units, by their indices counted from the first
Known = dict[tuple[int | None, ...], Ranges]
#: units that are remembered from one question to the next
_REMEMBERED = 1 << 12


class RegionLookup:
    """What single units of a graph's tensors see; what was found on the way serves all that are asked for.

    Args:
        graph, shapes: the main graph.
        reads: by node index, what has been found already of what its nodes read; more is added.
    """

    def __init__(self, graph: Graph, shapes: Shapes, reads: dict[int, NodeReads]) -> None:
        self.graph, self.shapes = graph, shapes
        self._every = EveryUnit(graph, shapes, reads)
        self._last: tuple[SeenSets, tuple[int, ...], Known] = {}, (), {}

    def of(self, tensor: str, units: Iterable[Unit]) -> list[Ranges]:
        """What units of a tensor see of the network inputs, each by itself, in their order.

        Args:
            units: an index per axis; None: all of the axis.

        Raises:
            ValueError: a unit isn't one of the tensor's, or a size on the way isn't known.
        """
        lengths = known_lengths(self.shapes.tensors[tensor], tensor)
        seen = self._every.of(tensor)
        find = self._backwards(tensor, lengths) if seen is None else self._looked_up(seen)
        known = {} if seen is None else self._known(seen, lengths)
        found = []
        for unit in units:
            exact = _one_of(tensor, lengths, unit)
            if exact not in known:
                known[exact] = find(exact)
            found.append(dict(known[exact]))
        return found

    def _known(self, seen: SeenSets, lengths: tuple[int, ...]) -> Known:
        """What has been found of units that see this: layers that follow each other often see alike."""
        last, of, known = self._last
        same = of == lengths and last.keys() == seen.keys() and len(known) <= _REMEMBERED
        if not same or any(last[key] is not sets for key, sets in seen.items()):
            known = {}
            self._last = seen, lengths, known
        return known

    def _looked_up(self, seen: SeenSets) -> Callable[[tuple[int | None, ...]], Ranges]:
        lookups = {key: _lookup(sets) for key, sets in seen.items()}
        return lambda unit: self._ranges({key: look(unit) for key, look in lookups.items()})

    def _backwards(
        self, tensor: str, lengths: tuple[int, ...]
    ) -> Callable[[tuple[int | None, ...]], Ranges]:
        every, nodes = self._every, self.graph.nodes
        nodes = (
            nodes[: self.graph.producers[tensor].index + 1]
            if tensor in self.graph.producers
            else ()
        )
        untold = [
            node
            for node in nodes
            if any(name and every.known(name) is None for name in node.outputs)
        ]

        def find(unit: tuple[int | None, ...]) -> Ranges:
            wanted: Wanted = {tensor: [_box(unit, lengths)]}
            want_before(untold, self.shapes, wanted, every.reads.of)
            return self._met(wanted)

        return find

    def _met(self, wanted: Wanted) -> Ranges:
        """What is seen through the wanted units of all tensors of which that is told."""
        parts: dict[InputAxis, list[np.ndarray]] = {}
        for name, boxes in wanted.items():
            for key, sets in (self._every.known(name) or {}).items():
                for box in boxes:
                    unit = [np.flatnonzero(mask) for mask in box]
                    if all(map(len, unit)):
                        parts.setdefault(key, []).append(sets.of(unit))
        return self._ranges({key: spans_of(together(spans)) for key, spans in parts.items()})

    def _ranges(self, found: Mapping[InputAxis, tuple[Span, ...]]) -> Ranges:
        ranges: Ranges = {}
        for name in self.graph.inputs:
            if found.get((name, -1)):
                ranges[name] = ()
            if found.get((name, 0)):
                rank = len(self.shapes.tensors[name].dims)
                ranges[name] = tuple([found[name, axis] for axis in range(rank)])
        return ranges


def _one_of(tensor: str, lengths: tuple[int, ...], unit: Unit) -> tuple[int | None, ...]:
    """A tensor's unit, its indices counted from the first."""
    if len(unit) != len(lengths):
        raise ValueError(f"{tensor!r} has {len(lengths)} axes, the unit has {len(unit)}")
    found: list[int | None] = []
    for axis, (index, length) in enumerate(zip(unit, lengths, strict=True)):
        if index is not None and not -length <= index < length:
            raise ValueError(f"index {index} is outside axis {axis} of {tensor!r}, length {length}")
        found.append(None if index is None else index % length)
    return tuple(found)


def _box(unit: tuple[int | None, ...], lengths: tuple[int, ...]) -> Box:
    """One unit as the boxes have it."""
    masks = [np.full(length, index is None) for index, length in zip(unit, lengths, strict=True)]
    for mask, index in zip(masks, unit, strict=True):
        if index is not None:
            mask[index] = True
    return tuple(masks)


def _lookup(sets: IndexSets) -> Callable[[tuple[int | None, ...]], tuple[Span, ...]]:
    """What units have, found once for those that stand for the same rows."""
    mine = [(axis, own) for axis, own in enumerate(sets.rows) if own is not None]
    if not mine:  # all units have the same
        every = spans_of(sets.of([None] * sets.rank))
        return lambda _: every
    known: dict[tuple[int | None, ...], tuple[Span, ...]] = {}

    def look(unit: tuple[int | None, ...]) -> tuple[Span, ...]:
        rows = tuple([None if (at := unit[axis]) is None else int(own[at]) for axis, own in mine])
        if rows not in known:
            known[rows] = spans_of(sets.of(unit))
        return known[rows]

    return look
