"""From the passes' results to a unit's effective receptive field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.fields.boxes import known_lengths
from cnnscope.analyzer.fields.effective import COUNTINGS, Counting
from cnnscope.analyzer.fields.effective_mass import Mass, Values
from cnnscope.analyzer.fields.seen import unclipped
from cnnscope.analyzer.fields.units import whole_unit
from cnnscope.analyzer.report.effective_field import EffectiveField
from cnnscope.analyzer.report.shared_facts import SharedFacts
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.spans import Span

if TYPE_CHECKING:
    from cnnscope.analyzer.report.receptive_field import Region


class EffectiveUnit:
    """A unit whose effective field is asked for: what it sees, and about where.

    Args:
        shared: what the layers of the network have in common.
        layer, tensor: the layer's name, and its first output.
        unit: an index per axis of it, or per axis that moves; None: the central one.
        source: the network input; None: the first one of which positions are seen.

    Raises:
        ValueError: there is no such unit or input, or nothing of it is seen.
    """

    def __init__(
        self, shared: SharedFacts, layer: str, tensor: str, unit: Sequence[int | None] | None,
        source: str | None,
    ) -> None:  # fmt: skip
        self.shared, self.layer = shared, layer
        lengths = known_lengths(shared.shapes.tensors[tensor], tensor)
        if unit is None:
            unit = shared.central_unit(tensor, lengths)
            if unit == [None] * len(lengths):
                places = shared.own_places.get(tensor, {})
                unit = [n // 2 if k in places else None for k, n in enumerate(lengths)]
        self.lengths = lengths
        unit = whole_unit(shared.fields, tensor, len(lengths), unit)
        region: Region = shared.regions.of(tensor, [unit])[0]
        self.tensor = tensor
        self.unit = tuple(
            [None if i is None else i % n for i, n in zip(unit, lengths, strict=True)]
        )
        self.input = self._input(region, source)
        self.axes = tuple(
            [k for k in range(len(region[self.input])) if (self.input, k) in shared.fields.spatial]
        )
        self.region = tuple([region[self.input][axis] for axis in self.axes])
        self.center = tuple(map(self._center, self.axes, self.region))

    def _input(self, region: Region, source: str | None) -> str:
        spatial = {key for key, _ in self.shared.fields.spatial}
        if source is not None:
            if source not in self.shared.graph.inputs:
                there = ", ".join(map(name, self.shared.graph.inputs))
                raise ValueError(f"there is no input {name(source)}: inputs are {there}")
            if source in region and source in spatial:
                return source
        found = next((key for key in region if key in spatial), None)
        if found is None or source is not None:
            of = "an input" if source is None else f"input {name(source)}"
            raise ValueError(f"the unit sees no axis of {of} that layers look along")
        return found

    def _center(self, axis: int, seen: tuple[Span, ...]) -> float:
        """The middle of what is seen before clipping, by the widest path that moves with the unit; where
        none does, the place that the unit has among those of its axis; else the middle of all it sees."""
        paths = self.shared.fields.states.get(self.tensor, {}).get((self.input, axis))
        span = None if paths is None else unclipped(paths, self.unit)
        if span is None:
            found = self._own_place(axis)
            span = (found, found) if found is not None else (seen[0][0], seen[-1][1])
        return (span[0] + span[1]) / 2

    def _own_place(self, axis: int) -> int | None:
        places = self.shared.own_places.get(self.tensor, {})
        along = [k for k, key in places.items() if key == (self.input, axis)]
        at = self.unit[along[0]] if len(along) == 1 else None
        length = self.shared.shapes.tensors[self.input].dims[axis]
        if at is None or not isinstance(length, int):
            return None
        return (2 * at + 1) * length // (2 * self.lengths[along[0]])

    def field(self, counting: Counting) -> EffectiveField:
        """Its effective field, without weights.

        Raises:
            ValueError: it can't be told, or nothing arrives at the input.
        """
        if counting not in COUNTINGS:
            raise ValueError(f"counting {counting!r}: give one of {', '.join(COUNTINGS)}")
        held = self.shared.masses.of(self.tensor, self.unit, counting)
        if self.input not in held:
            raise ValueError(f"nothing of the unit hangs on input {name(self.input)}")
        found = self._map(held[self.input])
        return EffectiveField(
            self.layer, self.input, self.axes, self.unit, counting, found, self.center, self.region
        )

    def measured(self, squares: Values, draws: int) -> EffectiveField:
        """Its effective field by the weights.

        Args:
            squares: the mean squared gradient, an axis per one of `axes`.
            draws: how many times it was taken.
        """
        return EffectiveField(
            self.layer, self.input, self.axes, self.unit, "gradient", squares / squares.sum(),
            self.center, self.region, draws,
        )  # fmt: skip

    def _map(self, mass: Mass) -> Values:
        """The mass over the axes that are looked along, in sum 1."""
        lengths = known_lengths(self.shared.shapes.tensors[self.input], self.input)
        found = mass.over(self.axes, lengths)
        total: Values = found / found.sum()
        return total
