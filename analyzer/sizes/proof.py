"""What came of running a model at sizes of which something was said?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cnnscope.analyzer.values.notation import many, percent
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer


@dataclass(frozen=True, slots=True)
class SizeTrial:
    """One size, and what ONNX Runtime did with it.

    Args:
        lengths: a length for each free dimension.
        said: it is accepted, by the analysis.
        ran: ONNX Runtime ran it.
        why: what ONNX Runtime said where it didn't.
        departure: why that is no contradiction, where the two differ; ``""`` where it is one.
    """

    lengths: Mapping[str, int]
    said: bool
    ran: bool
    why: str = ""
    departure: str = ""

    @property
    def agrees(self) -> bool:
        """What was said is what happened, or a known departure of ONNX Runtime's."""
        return self.said == self.ran or bool(self.departure)

    def to_dict(self) -> dict[str, object]:
        return {
            "lengths": dict(self.lengths), "said": self.said, "ran": self.ran, "why": self.why,
            "departure": self.departure, "agrees": self.agrees,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class SizeProof(Answer):
    """Sizes that were run, and whether what was said of them is so.

    Args:
        trials: in the order they ran in.
        runtime: ONNX Runtime's version.
        provider: what ran them.
    """

    trials: tuple[SizeTrial, ...]
    runtime: str
    provider: str

    @property
    def ok(self) -> bool:
        """All agree."""
        return all(trial.agrees for trial in self.trials)

    @property
    def wrong(self) -> tuple[SizeTrial, ...]:
        """Those that don't."""
        return tuple(trial for trial in self.trials if not trial.agrees)

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "ok": self.ok, "runtime": self.runtime, "provider": self.provider,
            "trials": [trial.to_dict() for trial in self.trials],
        }  # fmt: skip

    def records(self) -> Iterable[dict[str, object]]:
        """One for each size."""
        for trial in self.trials:
            yield {**trial.lengths, "said": trial.said, "ran": trial.ran, "agrees": trial.agrees}

    def summary(self) -> str:
        return f"{many(len(self.trials), 'size')}, {len(self.wrong)} otherwise than said"


@dataclass(frozen=True, slots=True)
class TiledRun:
    """What came of running one output tile by tile.

    Args:
        output: its name.
        difference: the largest from the whole's.
        scale: the largest value of the whole's.
        wrong: units that differ by more than rounding.
    """

    output: str
    difference: float
    scale: float
    wrong: int

    def to_dict(self) -> dict[str, object]:
        return {
            "output": self.output, "largest_difference": self.difference, "largest_value": self.scale,
            "wrong": self.wrong,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RingTrial:
    """Whether the outermost pixels of a tile's halo are needed.

    Args:
        input, axis: which.
        side: ``"before"`` or ``"after"``.
        halo: how many pixels there are on that side.
        shown: a change of the outermost ones alone changed the tile's own units. Where it didn't, the
            change may have been too small to be seen, or didn't pass some layer.
    """

    input: str
    axis: int
    side: str
    halo: int
    shown: bool

    def to_dict(self) -> dict[str, object]:
        return {
            "input": self.input, "axis": self.axis, "side": self.side, "halo": self.halo,
            "shown": self.shown,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class TileProof(Answer):
    """A model run tile by tile, held against the whole.

    Args:
        tile: the tiles' size.
        tiles: how many were run.
        shapes: of the whole, by input.
        runs: one for each output.
        rings: one for each side that has a halo.
        runtime: ONNX Runtime's version.
        provider: what ran them.
    """

    tile: int
    tiles: int
    shapes: Mapping[str, tuple[int, ...]]
    runs: tuple[TiledRun, ...]
    rings: tuple[RingTrial, ...]
    runtime: str
    provider: str

    @property
    def ok(self) -> bool:
        """All outputs are as the whole's, to rounding."""
        return not any(run.wrong for run in self.runs)

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "ok": self.ok, "tile": self.tile, "tiles": self.tiles,
            "inputs": {name: list(x) for name, x in self.shapes.items()},
            "runtime": self.runtime, "provider": self.provider,
            "outputs": [run.to_dict() for run in self.runs],
            "rings": [ring.to_dict() for ring in self.rings],
        }  # fmt: skip

    def records(self) -> Iterable[dict[str, object]]:
        """One for each output."""
        for run in self.runs:
            yield run.to_dict()

    def summary(self) -> str:
        return f"{many(self.tiles, 'tile')}, {sum(run.wrong for run in self.runs)} units otherwise"


@dataclass(frozen=True, slots=True, repr=False)
class PatchProof(Answer):
    """A model whose first stage is run patch by patch, held against the model as it was.

    Args:
        runs: one for each output.
        peaks: the bytes that ONNX Runtime's arena had alive, before and after; None where it doesn't say.
        runtime: ONNX Runtime's version.
        provider: what ran them.
        reason: why the peaks aren't those of activations in the file's order; None where they are.
    """

    runs: tuple[TiledRun, ...]
    peaks: tuple[int, int] | None
    runtime: str
    provider: str
    reason: str | None = None

    @property
    def ok(self) -> bool:
        """All outputs are as before, to rounding."""
        return not any(run.wrong for run in self.runs)

    @property
    def ratio(self) -> float | None:
        """What is left of the peak, as measured."""
        return None if self.peaks is None or not self.peaks[0] else self.peaks[1] / self.peaks[0]

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        before, after = self.peaks or (None, None)
        return {
            "ok": self.ok, "runtime": self.runtime, "provider": self.provider,
            "outputs": [run.to_dict() for run in self.runs],
            "peak_bytes": {"before": before, "after": after}, "reason": self.reason,
        }  # fmt: skip

    def records(self) -> Iterable[dict[str, object]]:
        """One for each output."""
        for run in self.runs:
            yield run.to_dict()

    def summary(self) -> str:
        wrong = sum(run.wrong for run in self.runs)
        left = "" if self.ratio is None else f", {percent(self.ratio)} of the peak left"
        return f"{many(len(self.runs), 'output')}, {wrong} units otherwise{left}"
