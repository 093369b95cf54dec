"""How can a network be cut into tiles: along which axes, on which grid, with how much around each?"""

from __future__ import annotations

from collections.abc import Mapping

from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.plain_class import dataclass

#: pixels before and after
Sides = tuple[int, int]
#: an output, and one of its axes
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
