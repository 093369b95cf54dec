"""How is a network run tile by tile: the halo, the grid, and what tiles of some sizes cost?

What tiles cost is worked out at the sizes that are really cut out: work by the formula of the whole
network, memory by an analysis of the largest part.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace

from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.sizes.at_lengths import AtLengths, Lengths
from cnnscope.analyzer.sizes.proof import TileProof
from cnnscope.analyzer.sizes.tile_cuts import Cut, NoCuts, cuts
from cnnscope.analyzer.sizes.tile_fields import (
    Cutting,
    Obstacle,
    Sides,
    TileAxis,
    TiledOutput,
    short_of_end,
)
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer
from cnnscope.analyzer.values.substitution import substituted

#: steps of a whole that isn't known, in front of an inner tile and behind it
_FAR = 3


@dataclass(frozen=True, slots=True)
class TilePlan:
    """What tiles of one size come to.

    Args:
        tile: the pixels asked for.
        own: of a tile, by input, its own pixels along each axis.
        read: the largest part that is cut out for a tile, by input.
        tiles: how many there are; None where the whole's size isn't known.
        reading: input pixels read over those there are (of an inner tile, where the whole isn't known).
        macs: of all tiles, or of the inner tile; None where not known.
        work: those over the whole's (over the inner tile's share of them).
        peak: the most bytes of activations alive at once, in the largest part; None where not known.
        best: no other size takes less memory without taking more work.
        groups: the cuts along each group of axes, in order; of an inner tile alone, where the whole
            isn't known.
    """

    tile: int
    own: Mapping[str, tuple[int, ...]]
    read: Mapping[str, tuple[int, ...]]
    tiles: int | None
    reading: float
    macs: int | None
    work: float | None
    peak: int | None
    best: bool
    groups: tuple[tuple[Cut, ...], ...]

    def to_dict(self) -> dict[str, object]:
        return {
            "tile": self.tile,
            "own": {name: list(x) for name, x in self.own.items()},
            "read": {name: list(x) for name, x in self.read.items()},
            "tiles": self.tiles,
            "read_ratio": self.reading,
            "recomputed_share": 1 - 1 / self.reading,
            "macs": self.macs,
            "work_ratio": self.work,
            "peak_bytes": self.peak,
            "pareto": self.best,
        }


@dataclass(frozen=True, slots=True)
class Margin:
    """How many units of an output's axis see padding, at either end.

    Args:
        output, axis: which.
        units: at the beginning and at the end; None where the length isn't known.
    """

    output: str
    axis: int
    units: tuple[int, int | None]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Tiling(Answer):
    """How a model is run tile by tile; what `cnnscope.tile` gives.

    Args:
        model: its path; None for one in memory.
        inputs: input name to its shape; None for lengths that aren't known.
        axes: the input axes that can be cut.
        outputs: the outputs' axes that are put together.
        obstacles: what keeps other axes from being cut: those are read whole.
        plans: one for each size of tiles.
        whole_macs, whole_peak: of the whole at once; None where not known.
        margins: how many units of the whole see padding.
        rests: where what was said holds only for lengths that leave a remainder: by input axis the
            number that is divided by, and the remainder.
        proof: what came of running tiles; None: none were.
    """

    model: str | None
    inputs: Mapping[str, tuple[int | None, ...]]
    axes: tuple[TileAxis, ...]
    outputs: tuple[TiledOutput, ...]
    obstacles: tuple[Obstacle, ...]
    plans: tuple[TilePlan, ...]
    whole_macs: int | None
    whole_peak: int | None
    margins: tuple[Margin, ...]
    rests: Mapping[InputAxis, tuple[int, int]] = field(default_factory=dict)
    proof: TileProof | None = None

    @property
    def ok(self) -> bool:
        """Some axis can be cut."""
        return bool(self.axes)

    def halo(self, input: str, axis: int, *, anywhere: bool = False) -> Sides:  # noqa: A002
        """Pixels that a tile reads beyond its own, before and after.

        Args:
            input: an input's name.
            axis: one of its axes.
            anywhere: of tiles that start anywhere; else they start on the grid and are whole steps.

        Raises:
            KeyError: that axis can't be cut.
        """
        for found in self.axes:
            if (found.input, found.axis) == (input, axis):
                return found.halo_anywhere if anywhere else found.halo
        raise KeyError((input, axis))

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope tile``."""
        by_axis: dict[str, dict[str, dict[str, object]]] = {
            "halo": {}, "halo_anywhere": {}, "impulse": {}, "step": {}, "overlap": {}
        }  # fmt: skip
        for x in self.axes:
            told: dict[str, object] = {
                "halo": list(x.halo),
                "halo_anywhere": list(x.halo_anywhere),
                "impulse": list(x.impulse),
                "step": x.step,
                "overlap": [-(-side // x.step) * x.step for side in x.halo],
            }
            for key, value in told.items():
                by_axis[key].setdefault(x.input, {})[str(x.axis)] = value
        margins = {(x.output, x.axis): x.units for x in self.margins}
        found: dict[str, object] = {
            "schema_version": 1,
            "model": self.model,
            "inputs": {name: list(x) for name, x in self.inputs.items()},
            "tileable": self.ok,
            **by_axis,
            "outputs": [
                {
                    "output": x.output,
                    "axis": x.axis,
                    "units_per_step": x.units,
                    "inputs": [{"input": name, "axis": axis} for name, axis in x.fields],
                    "margin": list(margins[x.output, x.axis])
                    if (x.output, x.axis) in margins
                    else None,
                }
                for x in self.outputs
            ],
            "obstacles": [x.to_dict() for x in self.obstacles],
            "lengths": [
                {"input": name, "axis": axis, "step": number, "offset": rest}
                for (name, axis), (number, rest) in self.rests.items()
            ],
            "whole": {"macs": self.whole_macs, "peak_bytes": self.whole_peak},
            "plans": [plan.to_dict() for plan in self.plans],
        }
        if self.proof is not None:
            found["proof"] = self.proof.to_dict()
        return found

    def records(self) -> Iterable[dict[str, object]]:
        """One for each size of tiles."""
        for plan in self.plans:
            told = plan.to_dict()
            yield {k: v for k, v in told.items() if not isinstance(v, dict)} | {
                f"{name}_read": "x".join(map(str, x)) for name, x in plan.read.items()
            }

    def summary(self) -> str:
        if not self.ok:
            return f"can't be cut: {self.obstacles[0].why}" if self.obstacles else "can't be cut"
        sides = "; ".join(f"{x.input} axis {x.axis}: {x.halo[0]} + {x.halo[1]}" for x in self.axes)
        return f"{many(len(self.plans), 'size')}, halo {sides}"


class Planner:
    """The tiles of a network.

    Args:
        cutting: how it can be cut.
        at: the network at lengths.
        labels: by input axis, the name of its length.
        whole: by name, the whole's length; None where it isn't known.
    """

    def __init__(
        self, cutting: Cutting, at: AtLengths, labels: Mapping[InputAxis, str],
        whole: Mapping[str, int | None],
    ) -> None:  # fmt: skip
        self.cutting, self.at, self.labels, self.whole = cutting, at, labels, whole
        count = 1 + max((x.group for x in cutting.axes.values()), default=-1)
        self.groups = [
            [x for x in cutting.axes.values() if x.group == group] for group in range(count)
        ]

    def label(self, axis: TileAxis) -> str:
        return self.labels[axis.input, axis.axis]

    def known(self) -> Lengths | None:
        """The whole's lengths, in the order of their names; None where one isn't known."""
        found = tuple(self.whole[name] for name in self.at.names)
        return None if None in found else found  # type: ignore[return-value]  # no None

    def plan(self, tile: int, halos: Mapping[InputAxis, Sides] | None = None) -> TilePlan:
        """What tiles of so many pixels come to.

        Args:
            tile: own pixels along the first axis of each group, rounded down to whole steps.
            halos: others than those that are needed.

        Raises:
            NoCuts: no part that could be cut out is accepted.
        """
        steps = [max(1, tile // group[0].step) for group in self.groups]
        whole = self.known()
        lengths = dict(zip(self.at.names, whole, strict=True)) if whole else self._far(steps)
        found: list[tuple[Cut, ...]] = []
        for group, count in zip(self.groups, steps, strict=True):
            parts = self._cuts(group, count, lengths, halos)
            if whole is not None and len(parts) > 1:
                self._demand_shorter(group, parts, lengths)
            found.append(tuple(parts))
        if whole is None:  # only a tile in the middle stands for them
            found = [tuple(x for x in part if x.own[0] and not x.last)[-1:] for part in found]
            if not all(found):
                raise NoCuts
        return self._figures(tile, steps, found, lengths, whole is not None)

    def _demand_shorter(
        self, group: Sequence[TileAxis], parts: Sequence[Cut], lengths: Mapping[str, int]
    ) -> None:
        """Parts that are all the whole, though halos end before: the network takes nothing shorter."""
        long = tuple(lengths[self.label(x)] for x in group)
        if any(part.lengths != long for part in parts):
            return
        for part in parts:
            need = tuple(
                min(n, part.own[1] * x.step + x.halo[1]) - max(0, part.own[0] * x.step - x.halo[0])
                for x, n in zip(group, long, strict=True)
            )
            if all(n + x.step < most for n, x, most in zip(need, group, long, strict=True)):
                there = self._with_group(group, need, lengths)
                raise NoCuts(self.at.unmet(there))

    def _with_group(
        self, group: Sequence[TileAxis], parts: tuple[int, ...], lengths: Mapping[str, int]
    ) -> Lengths:
        mine = dict(zip(map(self.label, group), parts, strict=True))
        return tuple(mine.get(name, lengths[name]) for name in self.at.names)

    def _far(self, steps: Sequence[int]) -> dict[str, int]:
        """Lengths of a whole in which some tile is far from either end."""
        far = {name: n for name, n in self.whole.items() if n is not None}
        for group, count in zip(self.groups, steps, strict=True):
            halo = max(-(-max(x.halo) // x.step) for x in group)
            around = math.ceil(halo / count) + _FAR
            for x in group:
                number, rest = self.at.rests.get(self.label(x), (1, 0))
                long = (2 * around + 1) * count * x.step
                far[self.label(x)] = -(-long // number) * number + rest
        return far

    def _cuts(
        self, group: Sequence[TileAxis], count: int, lengths: Mapping[str, int],
        halos: Mapping[InputAxis, Sides] | None,
    ) -> list[Cut]:  # fmt: skip
        def there(parts: tuple[int, ...]) -> Lengths:
            return self._with_group(group, parts, lengths)

        def short(parts: tuple[int, ...]) -> list[int]:
            named = self.at.named(there(parts))
            return [
                short_of_end(self.cutting.brinks[x.input, x.axis], n, named)
                for x, n in zip(group, parts, strict=True)
            ]

        sides = [(halos or {}).get((x.input, x.axis), x.halo) for x in group]
        long = [lengths[self.label(x)] for x in group]
        return cuts(group, long, count, lambda n: self.at.accepts(there(n)), short, sides)

    def _figures(
        self, tile: int, steps: Sequence[int], found: Sequence[tuple[Cut, ...]],
        lengths: Mapping[str, int], complete: bool,
    ) -> TilePlan:  # fmt: skip
        kinds = [Counter(cut.lengths for cut in part) for part in found]
        macs: int | None = 0
        pixels = 0
        for combination in itertools.product(*(kind.items() for kind in kinds)):
            times = math.prod(count for _, count in combination)
            there = self._with(lengths, [parts for parts, _ in combination])
            pixels += times * math.prod(n for parts, _ in combination for n in parts[:1])
            done = self.at.macs(tuple(there[name] for name in self.at.names))
            macs = None if macs is None or done is None else macs + times * done
        largest = self._with(lengths, [tuple(map(max, zip(*kind, strict=True))) for kind in kinds])
        own = {
            self.label(x): min(count * x.step, lengths[self.label(x)])
            for group, count in zip(self.groups, steps, strict=True)
            for x in group
        }
        here = lengths if complete else {**lengths, **own}
        area = math.prod(here[self.label(group[0])] for group in self.groups)
        all_of = self.at.macs(tuple(lengths[name] for name in self.at.names))
        work = None
        if macs is not None and all_of:
            share = 1.0 if complete else math.prod(
                own[self.label(g[0])] / lengths[self.label(g[0])] for g in self.groups
            )  # fmt: skip
            work = macs / (all_of * share)
        return TilePlan(
            tile,
            self._shapes({**lengths, **own}),
            self._shapes(largest),
            math.prod(map(len, found)) if complete else None,
            pixels / area,
            macs,
            work,
            self.at.peak(tuple(largest[name] for name in self.at.names)),
            True,
            tuple(found),
        )

    def _with(self, lengths: Mapping[str, int], parts: Sequence[tuple[int, ...]]) -> dict[str, int]:
        found = dict(lengths)
        for group, long in zip(self.groups, parts, strict=True):
            found.update(zip(map(self.label, group), long, strict=True))
        return found

    def _shapes(self, lengths: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        """Along the axes that are cut, by input."""
        found: dict[str, tuple[int, ...]] = {}
        for x in self.cutting.axes.values():
            found[x.input] = (*found.get(x.input, ()), lengths[self.label(x)])
        return found

    def margins(self) -> tuple[Margin, ...]:
        """How many units of the whole see padding."""
        whole = self.known()
        lengths = None if whole is None else dict(zip(self.at.names, whole, strict=True))
        return tuple(
            Margin(x.output, x.axis, self._margin(x, lengths)) for x in self.cutting.outputs
        )

    def _margin(
        self, output: TiledOutput, lengths: Mapping[str, int] | None
    ) -> tuple[int, int | None]:
        first, last = 0, None if lengths is None else 0
        for key, seen in output.fields.items():
            brinks = self.cutting.brinks[key]
            below = max(
                [span[0] for b in brinks if b.first and (span := b.field.span(-1))], default=None
            )
            if below is not None:
                unit = period = 0
                while period < len(seen.spans):  # a whole period of units that don't
                    span = seen.span(unit)
                    hit = span is not None and span[0] <= below
                    unit, period = unit + 1, 0 if hit else period + 1
                first = max(first, unit - period)
            if lengths is None or last is None:
                continue
            named = self.at.named(tuple(lengths[name] for name in self.at.names))
            long = lengths[self.labels[key]]
            try:
                count = substituted(output.length, named)
                ends = [
                    span[1] for b in brinks
                    if b.last and (span := b.field.span(int(substituted(b.length, named))))
                ]  # fmt: skip
            except (Undetermined, TypeError):
                last = None
                continue
            if not isinstance(count, int):
                last = None
                continue
            above = min([*ends], default=None)
            if above is not None:
                above = min(above, long) if above >= long else above
                unit, period = count - 1, 0
                while period < len(seen.spans) and unit >= 0:
                    span = seen.span(unit)
                    hit = span is not None and span[1] >= above
                    unit, period = unit - 1, 0 if hit else period + 1
                last = max(last, count - 1 - unit - period)
        return first, last


def with_best(plans: Sequence[TilePlan]) -> tuple[TilePlan, ...]:
    """The same, those marked that no other beats: in memory, or in work."""

    def figures(plan: TilePlan) -> tuple[float, float] | None:
        return None if plan.peak is None else (plan.peak, plan.work or plan.reading)

    found = []
    for plan in plans:
        mine = figures(plan)
        beaten = mine is not None and any(
            other[0] <= mine[0] and other[1] <= mine[1] and other != mine
            for x in plans
            if (other := figures(x)) is not None
        )
        found.append(replace(plan, best=not beaten))
    return tuple(found)
