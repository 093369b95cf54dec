"""How is a network run tile by tile: the halo, the grid, and what tiles of some sizes cost?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from cnnscope.analyzer.fields.paths import InputAxis
from cnnscope.analyzer.sizes.cutting import Obstacle, Sides, TileAxis, TiledOutput
from cnnscope.analyzer.sizes.proof import TileProof
from cnnscope.analyzer.sizes.tile_cuts import Cut
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer


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
