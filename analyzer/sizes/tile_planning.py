"""What do tiles of some size come to: their parts, their work, their memory?

It is worked out at the sizes that are really cut out: work by the formula of the whole network, memory by an
analysis of the largest part.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.sizes.at_lengths import AtLengths, Lengths
from cnnscope.analyzer.sizes.brinks import short_of_end
from cnnscope.analyzer.sizes.cutting import Cutting, Sides, TileAxis
from cnnscope.analyzer.sizes.margins import units_in_padding
from cnnscope.analyzer.sizes.tile_cuts import Cut, NoCuts, cuts
from cnnscope.analyzer.sizes.tiling import Margin, TilePlan

#: steps of a whole that isn't known, in front of an inner tile and behind it
_FAR = 3


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
        named = {} if whole is None else self.at.named(whole)
        by_name = dict(zip(self.at.names, whole or (), strict=False))
        long = None if whole is None else {key: by_name[x] for key, x in self.labels.items()}
        return tuple(
            Margin(x.output, x.axis, units_in_padding(x, self.cutting.brinks, long, named))
            for x in self.cutting.outputs
        )


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
