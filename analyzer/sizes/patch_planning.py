"""After which layer does a first stage that is run patch by patch lower the peak of memory most?

A stage may end where all that comes behind reads one map of it and nothing else: there the patches are put
together. For each such map the run is laid out and its memory summed up; what comes behind the stage, and
the map itself twice (its parts, and put together), no patches can lower: so many maps needn't be looked at.
"""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import Final

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.units import moving_axes
from cnnscope.analyzer.model.graph import Graph, Node, nodes_behind
from cnnscope.analyzer.operators.parts import NotInParts
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.sizes.patch_memory import Footprint
from cnnscope.analyzer.sizes.patch_program import Piece, Stage, middle_of, program_of
from cnnscope.analyzer.sizes.patch_regions import StageObstacle, StageRegions
from cnnscope.analyzer.sizes.sharing import IN_PLACE, Step
from cnnscope.analyzer.values.plain_class import dataclass

#: where a patch alone takes so many times the least peak so far, deeper stages' patches take more yet
_HOPELESS: Final = 1.5
#: a stage that leaves more than that of the peak isn't worth computing halos again
_WORTH: Final = 0.95


@dataclass(frozen=True, slots=True)
class StagePlan:
    """A stage that is run patch by patch.

    Args:
        stage: its layers, and how it is cut.
        pieces: what is run for it.
        steps: the whole network's run.
        sizes: of what the pieces give, bytes and elements.
        peak: the most bytes alive at once, activations in place.
    """

    stage: Stage
    pieces: tuple[Piece, ...]
    steps: tuple[Step, ...]
    sizes: dict[str, tuple[int, int]]
    peak: int


@dataclass(frozen=True, eq=False)
class Planner:
    """Plans the stages of one network.

    Args:
        footprint: the network.
        fields: what its units see.
        patches: how many along each axis; one number: along each.
    """

    footprint: Footprint
    fields: Fields
    patches: tuple[int, ...]
    _obstacles: list[StageObstacle] = field(default_factory=list)

    @cached_property
    def regions(self) -> StageRegions:
        return StageRegions(self.shapes, self.footprint.reads)

    @property
    def graph(self) -> Graph:
        return self.footprint.graph

    @property
    def shapes(self) -> Shapes:
        return self.footprint.shapes

    @property
    def obstacle(self) -> StageObstacle | None:
        """The layer that no stage reaches beyond; None where none was met."""
        return self._obstacles[-1] if self._obstacles else None

    def running(self) -> list[Node]:
        """The nodes that run."""
        return [node for node in self.graph.nodes if not self.shapes.folded(node)]

    def ends(self) -> list[tuple[Node, str]]:
        """Where a stage may end: the node, and its map that all behind it reads."""
        known = self.footprint.bytes_of
        nodes = self.running()
        steps = [self.footprint.step(node) for node in nodes]
        last = {name: at for at, step in enumerate(steps) for name in step.reads}
        last.update(dict.fromkeys(self.graph.outputs, len(steps)))
        alive: set[str] = set()
        found = []
        for at, (node, step) in enumerate(zip(nodes, steps, strict=True)):
            alive.update(name for name in step.gives if last.get(name, -1) > at)
            alive = {name for name in alive if last[name] > at}
            if len(alive) == 1:
                (name,) = alive
                if name in node.outputs and name in known:
                    found.append((node, name))
        return found

    def stage(self, node: Node, name: str) -> Stage | None:
        """The stage that ends with a map; None where it can't be cut along any axis."""
        axes = tuple(moving_axes(self.fields, name))
        shape = self.shapes.tensors[name].shape or ()
        counts = self.patches * len(axes) if len(self.patches) == 1 else self.patches
        if len(counts) != len(axes):
            return None
        pairs = [
            (axis, min(count, length))
            for axis, count in zip(axes, counts, strict=True)
            if isinstance(length := shape[axis], int) and min(count, length) > 1
        ]
        if not pairs:
            return None
        nodes = [x for x in nodes_behind(self.graph, [name]) if not self.shapes.folded(x)]
        return Stage(tuple(nodes), name, tuple(a for a, _ in pairs), tuple(n for _, n in pairs))

    def plan(self, stage: Stage) -> StagePlan:
        """The run of the network whose stage is run patch by patch.

        Raises:
            StageObstacle: a layer of it isn't run in parts.
        """
        footprint = self.footprint
        pieces = program_of(stage, self.regions, set(self.shapes.tensors))
        sizes = footprint.sizes(pieces)
        inside = {node.index for node in stage.nodes}
        end = stage.nodes[-1].index
        before = [x for x in self.running() if x.index < end and x.index not in inside]
        after = [x for x in self.running() if x.index > end]
        steps = (
            *map(footprint.step, before), *map(footprint.piece, pieces), *map(footprint.step, after)
        )  # fmt: skip
        peak = max(footprint.alive(steps, sizes, IN_PLACE))
        return StagePlan(stage, tuple(pieces), steps, sizes, peak)

    def floor(self, stage: Stage) -> int:
        """What a patch in the middle takes alone: no run of the stage takes less.

        Raises:
            StageObstacle: a layer of it isn't run in parts.
        """
        pieces = middle_of(stage, self.regions)
        steps = [self.footprint.piece(piece) for piece in pieces]
        return max(self.footprint.alive(steps, self.footprint.sizes(pieces), IN_PLACE))

    def first_obstacle(self, stage: Stage) -> StageObstacle | None:
        """The first layer of a stage that doesn't give a half of its map from parts of what it reads."""
        for node in stage.nodes:
            name = next((name for name in node.outputs if name), "")
            moving = moving_axes(self.fields, name)
            try:
                whole = self.regions.whole(name)
                half = tuple(
                    (0, -(-stop // 2)) if axis in moving else (0, stop)
                    for axis, (_, stop) in enumerate(whole)
                )
                self.regions.of(node, half)
            except NotInParts as why:
                return StageObstacle(node, str(why))
        return None

    def best(self) -> StagePlan | None:
        """The stage whose run has the least peak, the shortest of those; None: none is worth it."""
        footprint = self.footprint
        nodes = self.running()
        alive = footprint.alive([footprint.step(node) for node in nodes], {}, IN_PLACE)
        place = {node.index: at for at, node in enumerate(nodes)}
        least = int(max(alive, default=0) * _WORTH)
        found = None
        for node, name in self.ends():
            bound = max(alive[place[node.index] + 1 :], default=0)
            stage = self.stage(node, name)
            if stage is None or max(bound, 2 * footprint.bytes_of[name][0]) >= least:
                continue
            try:
                floor = self.floor(stage)
                if floor > _HOPELESS * least:
                    break
                plan = self.plan(stage) if floor < least else None
            except StageObstacle as obstacle:
                self._obstacles.append(self.first_obstacle(stage) or obstacle)
                break
            if plan is not None and plan.peak < least:
                found, least = plan, plan.peak
        return found
