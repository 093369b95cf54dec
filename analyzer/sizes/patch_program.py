"""What is run, one step after another, where a network's first stage is run patch by patch?

For each patch: what it needs is cut out of the inputs, the stage's nodes run on it, cropped where one
reads less of a map than another, and what they give is put together, along the last axis as soon as a row
of patches is there, and along the others as soon as all is. One patch is done with before the next begins:
that is what keeps the peak low, and ONNX Runtime keeps to it, whether it runs nodes in the file's order or
in its own (from the end backwards, what a node needs first).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Literal

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.parts import Stretch
from cnnscope.analyzer.sizes.patch_regions import NodePart, Part, StageRegions, patches_of
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """The layers that are run patch by patch.

    Args:
        nodes: in running order, the last of which gives the stage's last map.
        last: that map.
        axes: of it, those that are cut.
        counts: in how many patches along each.
    """

    nodes: tuple[Node, ...]
    last: str
    axes: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """One step of a stage that is run patch by patch.

    Args:
        does: cuts out a part, runs a node, or puts parts together.
        reads: by name; empty where a node's input is left out.
        gives: by name.
        stands_for: the tensors of the network that these are parts of.
        part: of those, which; of what is put together, what is there by then.
        node: that is run.
        cut: along each axis, what is cut out of what is read, counted from its own first place; None: all.
        padding: of the node's windows, where it is to be told.
        axis: along which parts are put together.
    """

    does: Literal["cut", "run", "assemble"]
    reads: tuple[str, ...]
    gives: tuple[str, ...]
    stands_for: tuple[str, ...]
    part: Part
    node: Node | None = None
    cut: tuple[Stretch | None, ...] = ()
    padding: tuple[tuple[int, int], ...] | None = None
    axis: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what it gives."""
        return tuple(stop - start for start, stop in self.part)


@dataclass(eq=False)
class _Names:
    """Names that no tensor has yet."""

    taken: set[str]

    def new(self, name: str, patch: Sequence[int]) -> str:
        found = wanted = f"{name}/patch_{'_'.join(map(str, patch))}"
        for count in itertools.count(2):
            if found not in self.taken:
                break
            found = f"{wanted}#{count}"
        self.taken.add(found)
        return found


def program_of(stage: Stage, regions: StageRegions, taken: set[str]) -> list[Piece]:
    """The steps of a stage that is run patch by patch.

    Args:
        stage: its layers, and how it is cut.
        regions: of the network.
        taken: names that tensors have; those that are given are added.

    Raises:
        StageObstacle: a layer isn't run in parts.
    """
    along = patches_along(stage, regions)
    names = _Names(taken)
    pieces: list[Piece] = []
    rows: dict[int, list[tuple[str, Part]]] = {}  # by axis, what waits to be put together
    for place in itertools.product(*(range(len(parts)) for parts in along)):
        wanted = list(regions.whole(stage.last))
        for axis, parts, at in zip(stage.axes, along, place, strict=True):
            wanted[axis] = parts[at]
        patch = _Patch(regions, names, place)
        pieces += patch.steps(regions.patch(stage.nodes, stage.last, tuple(wanted)))
        done = (patch.held[stage.last][0], tuple(wanted))
        for depth in reversed(range(len(stage.axes))):
            rows.setdefault(depth, []).append(done)
            if place[depth] < len(along[depth]) - 1:
                break
            waiting = rows.pop(depth)
            if len(waiting) == 1:
                done = waiting[0]
                continue
            name = stage.last if depth == 0 else names.new(stage.last, place[:depth])
            one = _assembled(stage, stage.axes[depth], waiting, name)
            pieces.append(one)
            done = name, one.part
    return _ending_in(stage.last, pieces)


def patches_along(stage: Stage, regions: StageRegions) -> list[list[Stretch]]:
    """Along each axis that is cut, the patches of the stage's last map."""
    whole = regions.whole(stage.last)
    return [
        patches_of(whole[axis][1], count)
        for axis, count in zip(stage.axes, stage.counts, strict=True)
    ]


def middle_of(stage: Stage, regions: StageRegions) -> list[Piece]:
    """The steps of one patch in the middle: those that take most, for they have neighbours on all sides.

    Raises:
        StageObstacle: a layer isn't run in parts.
    """
    wanted = list(regions.whole(stage.last))
    for axis, parts in zip(stage.axes, patches_along(stage, regions), strict=True):
        wanted[axis] = parts[len(parts) // 2]
    patch = _Patch(regions, _Names(set()), ())
    return list(patch.steps(regions.patch(stage.nodes, stage.last, tuple(wanted))))


def _assembled(stage: Stage, axis: int, waiting: Sequence[tuple[str, Part]], name: str) -> Piece:
    first, last = waiting[0][1], waiting[-1][1]
    part = (*first[:axis], (first[axis][0], last[axis][1]), *first[axis + 1 :])
    reads = tuple(name for name, _ in waiting)
    return Piece("assemble", reads, (name,), (stage.last,), part, axis=axis)


def _ending_in(last: str, pieces: list[Piece]) -> list[Piece]:
    """The same, the last piece giving the stage's last map by its own name."""
    end = pieces[-1]
    given = end.gives[0 if len(end.gives) == 1 else end.stands_for.index(last)]
    if given != last:
        gives = tuple(last if name == given else name for name in end.gives)
        pieces[-1] = Piece(
            end.does, end.reads, gives, end.stands_for, end.part, end.node, end.cut, end.padding,
            end.axis,
        )  # fmt: skip
    return pieces


@dataclass(eq=False)
class _Patch:
    """One patch: what is there of each map, and by which name."""

    regions: StageRegions
    names: _Names
    place: tuple[int, ...]
    held: dict[str, tuple[str, Part]] = field(default_factory=dict)
    cuts: dict[tuple[str, Part], str] = field(default_factory=dict)

    def steps(self, parts: Sequence[NodePart]) -> Iterator[Piece]:
        """What is run for it."""
        made = {name for one in parts for name in one.node.outputs if name}
        for one in parts:
            reads = list(one.node.inputs)
            for place, part in one.reads.items():
                name = one.node.inputs[place]
                if name not in made:
                    self.held.setdefault(name, (name, self.regions.whole(name)))
                piece = self.cut(name, part)
                if piece is not None:
                    yield piece
                reads[place] = self.cuts.get((name, part), self.held[name][0])
            gives = tuple(self.names.new(x, self.place) if x else "" for x in one.node.outputs)
            for name, own in zip(one.node.outputs, gives, strict=True):
                if name:
                    self.held[name] = own, one.given
            yield Piece(
                "run", tuple(reads), gives, one.node.outputs, one.given, one.node,
                padding=one.padding,
            )  # fmt: skip

    def cut(self, name: str, part: Part) -> Piece | None:
        """What cuts a part out of what is there of a map; None where that is all of it, or done."""
        own, there = self.held[name]
        if part == there or (name, part) in self.cuts:
            return None
        self.cuts[name, part] = found = self.names.new(name, self.place)
        inner = tuple(
            None if mine == whole else (mine[0] - whole[0], mine[1] - whole[0])
            for mine, whole in zip(part, there, strict=True)
        )
        return Piece("cut", (own,), (found,), (name,), part, cut=inner)
