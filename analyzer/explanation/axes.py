"""What is said of each axis of a layer: whence its length, what becomes of it, what is seen along it?"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class AxisOrigin:
    """Where the length of an output's axis comes from.

    Args:
        symbol: the axis, as formulas have it (``Y[2]``).
        tensor, axis: the output and its axis.
        length: how long it is.
        way: ``"window"`` (moves over an input's axis), ``"carried"`` (an input's axis as it is),
            ``"computed"`` (by the operator's rule), ``"given"`` (a number without a formula).
        formula: None where it is given.
        source: what a given length is known from: rules, function, schema, declared, unknown.
    """

    symbol: str
    tensor: str
    axis: int
    length: Dim
    way: str
    formula: Formula | None
    source: str

    def to_dict(self) -> dict[str, object]:
        return {
            "symbol": self.symbol,
            "tensor": self.tensor,
            "axis": self.axis,
            "length": self.length if isinstance(self.length, int) else str(self.length),
            "way": self.way,
            "formula": None if self.formula is None else self.formula.to_dict(),
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class AxisFate:
    """What becomes of an input's axis in the first output.

    Args:
        symbol: the axis, as formulas have it (``X[1]``).
        length: how long it is.
        fate: ``"carried"``, ``"window"``, ``"contracted"`` (summed or normalised over, all of it
            read), ``"pooled"`` (all of it looked at), ``"grouped"`` (each output reads a list),
            ``"broadcast"``, ``"fixed"``, ``"scanned"``, ``"reshaped"``, ``"unread"``, ``"inside"`` (a
            subgraph or a function's body reads it), ``"unknown"``.
        to: the output axis that moves along it.
    """

    symbol: str
    length: Dim
    fate: str
    to: str | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "symbol": self.symbol,
            "length": self.length if isinstance(self.length, int) else str(self.length),
            "fate": self.fate,
            "to": self.to,
        }


@dataclass(frozen=True, slots=True)
class LengthOrigin:
    """What a figure rests on.

    Args:
        what: ``"operator"``, ``"shape"``, ``"work"``, ``"FLOPs"``, ``"field"``, ...
        rule: the function that says so, if it is one.
        said: its module's one-line question, or the convention in words.
        url: where to read on.
    """

    what: str
    rule: str | None
    said: str
    url: str | None = None

    def to_dict(self) -> dict[str, object]:
        return {"what": self.what, "rule": self.rule, "said": self.said, "url": self.url}


@dataclass(frozen=True, slots=True)
class SeenInput:
    """What a unit sees of one network input.

    Args:
        input, shape: which.
        ranges: per axis, the indices seen, as inclusive ranges.
        spatial: the axes that some layer looks along.
        unclipped: per spatial axis, the first and last position of its window before clipping,
            along the paths that move with the unit; None where none does.
    """

    input: str
    shape: tuple[int, ...]
    ranges: tuple[tuple[tuple[int, int], ...], ...]
    spatial: tuple[int, ...]
    unclipped: Mapping[int, tuple[int, int] | None]

    def count(self, axis: int) -> int:
        """How many indices of an axis are seen."""
        return sum(hi - lo + 1 for lo, hi in self.ranges[axis])

    @property
    def share(self) -> Fraction:
        """Of the spatial axes' positions, the share inside the product of what is seen per axis."""
        found = Fraction(1)
        for axis in self.spatial:
            found *= Fraction(self.count(axis), self.shape[axis] or 1)
        return found

    def outside(self, axis: int) -> Fraction | None:
        """The share of the unclipped window that lies beyond the input's ends, in padding."""
        span = self.unclipped.get(axis)
        if span is None:
            return None
        inside = max(0, min(span[1], self.shape[axis] - 1) - max(span[0], 0) + 1)
        return 1 - Fraction(inside, span[1] - span[0] + 1)

    def to_dict(self) -> dict[str, object]:
        def share(axis: int) -> float | None:
            found = self.outside(axis)
            return None if found is None else float(found)

        return {
            "input": self.input,
            "shape": list(self.shape),
            "ranges": [[list(r) for r in axis] for axis in self.ranges],
            "spatial_axes": list(self.spatial),
            "share": float(self.share),
            "unclipped": {
                str(a): None if s is None else list(s) for a, s in self.unclipped.items()
            },
            "outside": {str(a): share(a) for a in self.spatial},
        }


@dataclass(frozen=True, slots=True)
class UnitRegion:
    """What one unit of the first output sees; None in `unit` stands for all of an axis."""

    unit: tuple[int | None, ...]
    inputs: tuple[SeenInput, ...]

    def to_dict(self) -> dict[str, object]:
        return {"unit": list(self.unit), "inputs": [x.to_dict() for x in self.inputs]}


def number_or_formula(value: Dim | None) -> int | str | None:
    return str(value) if isinstance(value, FreeDim) else value
