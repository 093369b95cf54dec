"""How much of what a unit could see does it hang on: its effective receptive field, as a value?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cnnscope.analyzer.fields.effective_figures import position_counts, spreads, square_sides
from cnnscope.analyzer.report.unit_text import ranges_text, unit_text
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer
from cnnscope.analyzer.values.spans import Span

#: the shares of the mass of which sides and areas are told
SHARES = (0.5, 0.8, 0.95)
#: digits of a map's values in JSON
_DIGITS = 6


@dataclass(frozen=True, eq=False, repr=False)
class EffectiveField(Answer):
    """How a unit's dependence on a network input spreads over its positions.

    Args:
        layer: the layer's name.
        input: the network input.
        axes: its axes that layers look along; batch and channels are summed over.
        unit: an index per axis of the layer's output; None: all of the axis together.
        counting: how the map came about: ``"uniform"`` (each operator's taps sum to 1, each addend of
            a join counts 1), ``"paths"`` (each tap counts 1), or ``"gradient"`` (measured by the weights:
            the mean squared gradient).
        map: how much of the unit hangs on each position, an axis per one of `axes`, in sum 1. It is 0
            outside the region.
        center: by axis, the middle of what the unit sees before clipping; may lie between positions.
        region: by axis, the positions that the unit sees, as inclusive ranges, clipped at every border:
            the theoretical field.
        draws: of a measured one, how many gradients the mean is of.

    >>> import cnnscope
    >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
    >>> found = report.effective_field("/conv2/Conv")
    >>> found.map.shape, found.center, found.side(0.95), found.theoretical
    ((32, 32), (16.5, 16.5), 14, (14, 14))
    """

    layer: str
    input: str
    axes: tuple[int, ...]
    unit: tuple[int | None, ...]
    counting: str
    map: NDArray[np.float64]
    center: tuple[float, ...]
    region: tuple[tuple[Span, ...], ...]
    draws: int | None = None

    @property
    def theoretical(self) -> tuple[int, ...]:
        """By axis, input positions from the first to the last seen, clipped at the borders."""
        return tuple(spans[-1][1] - spans[0][0] + 1 for spans in self.region)

    @cached_property
    def sigma(self) -> tuple[float, ...]:
        """By axis, the map's standard deviation in input positions."""
        return spreads(self.map)

    def side(self, share: float) -> int:
        """The side of the smallest square (cube, interval) about the centre that holds a share of the map.

        Args:
            share: above 0, up to 1.

        Returns:
            Input positions: odd about a position, even about the middle of two.
        """
        return self.sides([share])[0]

    def side_share(self, share: float) -> float:
        """The side of that square over the input's (its longest axis): RepLKNet's r(t) before it is
        squared."""
        return self.side(share) / int(max(self.map.shape))

    def area_share(self, share: float) -> float:
        """The part of the input that lies in that square: RepLKNet's high-contribution area ratio r."""
        inside = math.prod(self._inside(self.side(share)))
        return inside / int(self.map.size)

    def field_share(self, share: float) -> float:
        """The part of the theoretical field's positions that hold a share of the map, the strongest
        first."""
        return position_counts(self.map, [_checked(share)])[0] / self.positions

    @property
    def positions(self) -> int:
        """How many input positions the unit sees."""
        return math.prod(sum(last - first + 1 for first, last in spans) for spans in self.region)

    def sides(self, shares: Sequence[float] = SHARES) -> list[int]:
        """What `side` gives, of several shares at once."""
        return square_sides(self.map, self.center, [_checked(share) for share in shares])

    def _inside(self, side: int) -> Iterator[int]:
        """By axis, how many positions of the input lie in the square of a side."""
        for middle, length in zip(self.center, self.map.shape, strict=True):
            first = max(math.ceil(middle - (side - 1) / 2), 0)
            yield max(min(math.floor(middle + (side - 1) / 2), length - 1) - first + 1, 0)

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data; of the map what lies between the first and the last position seen."""
        seen = tuple(slice(spans[0][0], spans[-1][1] + 1) for spans in self.region)
        return {
            "schema_version": 1,
            "layer": self.layer,
            "input": self.input,
            "axes": list(self.axes),
            "unit": list(self.unit),
            "counting": self.counting,
            "draws": self.draws,
            "center": list(self.center),
            "region": [[list(span) for span in spans] for spans in self.region],
            "theoretical": list(self.theoretical),
            "sigma": list(self.sigma),
            "shares": list(self.records()),
            "map": {
                "shape": list(self.map.shape),
                "start": [spans[0][0] for spans in self.region],
                "values": _rounded(self.map[seen]),
            },
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each share of the mass: the side that holds it, and the parts that this is."""
        for share in SHARES:
            yield {
                "share": share,
                "side": self.side(share),
                "side_share": self.side_share(share),
                "area_share": self.area_share(share),
                "field_share": self.field_share(share),
            }

    def summary(self) -> str:
        sides = ", ".join(f"{share:.0%} in {self.side(share)}" for share in SHARES)
        seen = "x".join(map(str, self.theoretical))
        return f"of {name(self.layer, 120)}, unit [{unit_text(self.unit)}]: {sides} of {seen}"

    def seen_text(self) -> str:
        """The positions that the unit sees, axis by axis."""
        return ", ".join(map(ranges_text, self.region))


def _checked(share: float) -> float:
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share}: give one above 0 and up to 1, such as 0.95")
    return share


def _rounded(found: NDArray[np.float64]) -> object:
    """A map as lists of numbers of a few digits."""
    if found.ndim == 0:
        return float(f"{float(found):.{_DIGITS}g}")
    return [_rounded(line) for line in found]
