"""What came of running a network on shifted inputs?"""

from __future__ import annotations

from collections.abc import Iterable

from cnnscope.analyzer.values.notation import many, percent
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer


@dataclass(frozen=True, slots=True)
class MeasuredShift:
    """One layer's map under shifts of the inputs along one axis.

    Args:
        layer: its name.
        axis: along which, the index among `Shifts.axes`.
        error: the largest difference between a unit and the one that it should have become, over the layer's
            largest value, at shifts by its period, both inside the interior; None where none are.
        border: the same of the units outside it, in which padding and borders show.
        aliasing: at the shifts between, moved on by the nearest number of units, the mean square of the
            difference over the mean square of the layer; inside the interior.
        by_shift: shift to that ratio, for every shift that was run, those by the period included.
        allowed: how large the error may be.
    """

    layer: str
    axis: int
    error: float | None
    border: float | None
    aliasing: float | None
    by_shift: tuple[tuple[int, float], ...]
    allowed: float

    @property
    def agrees(self) -> bool:
        """It moves as was said, as far as that was seen."""
        return self.error is None or self.error <= self.allowed

    def to_dict(self) -> dict[str, object]:
        return {
            "layer": self.layer, "axis": self.axis, "error": self.error, "border": self.border,
            "aliasing": self.aliasing, "by_shift": [list(x) for x in self.by_shift],
            "allowed": self.allowed, "agrees": self.agrees,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Consistency:
    """In how many pairs of random shifts of an image the class is the same (Zhang 2019).

    Args:
        output: whose largest element is the class.
        pairs: how many were run.
        equal: in how many both gave one class.
        crop, image: the lengths of the crops and of the images that they are taken from, by axis.
    """

    output: str
    pairs: int
    equal: int
    crop: tuple[int, ...]
    image: tuple[int, ...]

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.equal / self.pairs

    def to_dict(self) -> dict[str, object]:
        return {
            "output": self.output, "pairs": self.pairs, "equal": self.equal, "share": self.share,
            "crop": list(self.crop), "image": list(self.image),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class ShiftProof(Answer):
    """What runs on shifted inputs showed.

    Args:
        layers: for each layer and axis that was compared.
        consistency: of the classification; None where the network gives no classes.
        circular: what left the input on one side came in on the other.
        runtime, provider: ONNX Runtime's version, and what ran it.
    """

    layers: tuple[MeasuredShift, ...]
    consistency: Consistency | None
    circular: bool
    runtime: str
    provider: str

    @property
    def ok(self) -> bool:
        """Every map moves as was said."""
        return all(x.agrees for x in self.layers)

    @property
    def wrong(self) -> tuple[MeasuredShift, ...]:
        """Those that don't."""
        return tuple(x for x in self.layers if not x.agrees)

    @property
    def compared(self) -> int:
        """How many were held against what was said."""
        return sum(x.error is not None for x in self.layers)

    def of(self, layer: str, axis: int) -> MeasuredShift | None:
        """One layer's along one axis."""
        return next((x for x in self.layers if (x.layer, x.axis) == (layer, axis)), None)

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "ok": self.ok, "compared": self.compared, "circular": self.circular,
            "runtime": self.runtime, "provider": self.provider,
            "consistency": None if self.consistency is None else self.consistency.to_dict(),
            "layers": [x.to_dict() for x in self.layers],
        }  # fmt: skip

    def records(self) -> Iterable[dict[str, object]]:
        """One for each layer and axis."""
        for x in self.layers:
            yield {
                "layer": x.layer, "axis": x.axis, "error": x.error, "border": x.border,
                "aliasing": x.aliasing, "agrees": x.agrees,
            }  # fmt: skip

    def summary(self) -> str:
        said = f"{many(self.compared, 'map')} compared, {len(self.wrong)} otherwise than said"
        classes = self.consistency
        return said if classes is None else f"{said}, {percent(classes.share)} consistent"
