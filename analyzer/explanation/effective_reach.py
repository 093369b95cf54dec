"""How far does what a unit really hangs on reach, in a few figures?"""

from __future__ import annotations

from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class EffectiveReach:
    """A unit's effective receptive field in figures, as `EffectiveField` has them.

    Args:
        input: the network input.
        sides: by share of what the unit hangs on, the side of the smallest centred square that holds it.
        theoretical: by axis, input positions from the first to the last seen, clipped at the borders.
        field_share: the part of the positions seen that hold the last of these shares.
        sigma: by axis, the standard deviation in input positions.
    """

    input: str
    sides: tuple[tuple[float, int], ...]
    theoretical: tuple[int, ...]
    field_share: float
    sigma: tuple[float, ...]

    def to_dict(self) -> dict[str, object]:
        return {
            "input": self.input,
            "sides": [{"share": share, "side": side} for share, side in self.sides],
            "theoretical": list(self.theoretical),
            "field_share": self.field_share,
            "sigma": list(self.sigma),
        }
