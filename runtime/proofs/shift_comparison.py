"""By how much are a layer's units off when the input is shifted: within its interior, at its borders, between
its periods?

Units of which both places lie in the predicted interior have to be equal, to rounding: what differs elsewhere
is the border's doing, and at shifts between the periods it is aliasing.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from cnnscope.analyzer.sizes.shift_proof import MeasuredShift
from cnnscope.analyzer.sizes.shifts import AxisShift

#: of a layer's largest value, how much a unit may differ from what it should be
ALLOWED: Final = 1e-5
Array = np.ndarray


class Compared:
    """One layer's map under shifts.

    Args:
        layer: its name.
        said: what is predicted.
        rest: the map where nothing is shifted.
    """

    def __init__(self, layer: str, said: AxisShift, rest: Array) -> None:
        self.layer, self.said = layer, said
        self.dtype = rest.dtype
        self.kept = rest
        finite = np.abs(rest[np.isfinite(rest)].astype(np.float64))
        self.scale = float(finite.max(initial=0)) or 1.0
        self.errors: list[float] = []
        self.borders: list[float] = []
        self.between: list[tuple[float, float]] = []
        self.by_shift: list[tuple[int, float]] = []

    def _laid(self, x: Array) -> Array:
        """With what moves as the middle one of three axes."""
        axis, units, div = self.said.output_axis or 0, int(self.said.units or 1), self.said.div
        before = int(np.prod(x.shape[:axis], dtype=np.int64)) * (x.shape[axis] // (units * div))
        return x.astype(np.float64).reshape(before, units, -1)

    def _off(self, now: Array, rest: Array) -> Array:
        """Differences; where only one is a number, as large as the layer's largest value."""
        with np.errstate(all="ignore"):
            off: Array = np.abs(now - rest)
        same = (now == rest) | (np.isnan(now) & np.isnan(rest))
        off[~np.isfinite(off)] = self.scale
        off[same] = 0
        return off

    def hold(self, s: int, moved: Array) -> None:
        """Take a run in which the input was shifted by s."""
        said = self.said
        period, advance = said.period or 1, said.advance or 1
        if moved.shape != self.kept.shape:
            return
        now, rest = self._laid(moved), self._laid(self.kept)
        by = round(s * period / advance)
        exact = s % abs(advance) == 0
        units = now.shape[1]
        lo, hi = max(0, -by), min(units, units - by)
        if lo >= hi:
            return
        off = self._off(now[:, lo:hi], rest[:, lo + by : hi + by])
        first, last = said.interior or (1, 0)
        inside = slice(max(0, max(first, first - by) - lo), max(0, min(last, last - by) + 1 - lo))
        within = off[:, inside]
        if exact:
            if within.size:
                self.errors.append(float(within.max()))
            outer = np.delete(off, inside, axis=1)
            if outer.size:
                self.borders.append(float(outer.max()))
        if within.size:
            start = max(first, first - by) + by
            level = rest[:, start : start + within.shape[1]]
            power, wrong = _power(level), _power(within)
            self.by_shift.append((s, wrong / power if power else 0.0))
            if not exact:
                self.between.append((wrong, power))

    def result(self) -> MeasuredShift:
        power = sum(x for _, x in self.between)
        return MeasuredShift(
            self.layer,
            self.said.axis,
            max(self.errors) / self.scale if self.errors else None,
            max(self.borders) / self.scale if self.borders else None,
            sum(x for x, _ in self.between) / power if power else None,
            tuple(self.by_shift),
            self._allowed(),
        )

    def _allowed(self) -> float:
        """To rounding, of the layer's own numbers."""
        if self.dtype.kind == "f" and self.dtype.itemsize < 4:
            return 4 * float(np.finfo(self.dtype).eps)
        return ALLOWED


def _power(x: Array) -> float:
    """The mean square of what is finite."""
    finite = x[np.isfinite(x)]
    return float(np.mean(np.square(finite))) if finite.size else 0.0
