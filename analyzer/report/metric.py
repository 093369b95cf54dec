"""What does a total come to, and is all of it known?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Literal

from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.plain_class import dataclass

Status = Literal["complete", "partial", "unavailable"]

#: how a total names a free dimension, and what hangs on the data, among what it lacks
FREE, _DATA = "free dimension ", "data: "


def free_lengths(uncounted: Iterable[str]) -> tuple[str, ...]:
    """The free dimensions among what is missing from a total."""
    return tuple(x.removeprefix(FREE) for x in uncounted if x.startswith(FREE))


@dataclass(frozen=True, slots=True)
class Metric:
    """A total that says how far it can be trusted.

    Args:
        value: the exact figure, None unless every term is known.
        known: the sum of the known terms, a lower bound; None when nothing is known.
        status: ``"complete"``, ``"partial"`` (some terms missing) or ``"unavailable"``.
        uncounted: what is missing: operator (or reason) to how many times.
        formula: the figure as a formula in the free dimensions, where it hangs on them.
        upper: what the figure never exceeds, a formula too, where it has none of its own. A bound.
        moments: the formula itself; where it is a maximum, what that is of. JSON has these as texts.

    >>> Metric.of(7).status
    'complete'
    """

    value: int | None
    known: int | None
    status: Status
    uncounted: Mapping[str, int] = field(default_factory=dict)
    formula: str | None = None
    upper: str | None = None
    moments: tuple[Dim, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def of(cls, known: Dim | None, uncounted: Mapping[str, int] | None = None) -> Metric:
        """The metric of a sum of known terms and a list of missing ones."""
        missing = dict(uncounted or {})
        if known is None:
            return cls(None, None, "unavailable", missing)
        if isinstance(known, FreeDim):
            missing.update({f"{FREE}{name}": 1 for name in sorted(known.names)})
            missing.update({f"{_DATA}{what}": 1 for what in sorted(known.data)})
            if known.names:
                return cls(None, None, "unavailable", missing, str(known), moments=(known,))
            # What hangs on data only (how often a loop runs) leaves a lower bound.
            # Nothing is counted below none: of n - 1, for an n that may be 0, nothing is known.
            least = known.least()
            known_part = None if least is None else max(least, 0)
            return cls(None, known_part, "partial", missing, str(known), moments=(known,))
        if missing:
            return cls(None, known, "partial", missing)
        return cls(known, known, "complete")

    @property
    def free(self) -> tuple[str, ...]:
        """The free dimensions that it hangs on."""
        return free_lengths(self.uncounted)

    @property
    def lacking(self) -> dict[str, int]:
        """What is missing besides the lengths of free dimensions."""
        return {x: times for x, times in self.uncounted.items() if not x.startswith(FREE)}

    @property
    def whole(self) -> bool:
        """The formula is all of the figure: no term is missing from it.

        >>> from cnnscope.analyzer.values.dimension import FreeDim
        >>> [Metric.of(FreeDim.named("H"), missing).whole for missing in ({}, {"MyOp": 1})]
        [True, False]
        """
        return self.formula is not None and all(x.startswith(_DATA) for x in self.lacking)

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "value": self.value,
            "known": self.known,
            "status": self.status,
            "uncounted": dict(self.uncounted),
        }
        if self.formula is not None:
            found["formula"] = self.formula
        if self.upper is not None:
            found["upper"] = self.upper
        moments = [x if isinstance(x, int) else str(x) for x in self.moments]
        if (moments or self.formula is not None) and moments != [self.formula]:
            found["moments"] = moments
        return found

    def record(self, key: str) -> dict[str, object]:
        """As entries of a row: what is known exactly, how far it is, and the formula if that is all of it.

        >>> Metric.of(7).record("macs")
        {'macs': 7, 'macs_status': 'complete'}
        """
        found: dict[str, object] = {key: self.value, f"{key}_status": self.status}
        return {**found, f"{key}_formula": self.formula} if self.whole else found


@dataclass(frozen=True, slots=True)
class Totals:
    """The model's figures.

    Args:
        params: distinct learned weight elements, shared ones once.
        buffers: stored statistics that aren't learned (batch normalisation's running ones).
        constants: stored shapes, axes, quantisation scales and zero points.
        macs: products in convolutions, matrix products, attention, recurrence and einsum.
        float_macs, int_macs: those on floats and those on integers.
        flops: 2 * macs + every other arithmetic operation once.
        folded_macs, folded_flops: of the nodes whose result is constant, which are no layers: what they
            cost where they are run all the same. Not part of the other totals.
        weight_bytes: bytes of everything stored that is used.
        peak_activation_bytes: the most bytes of activations alive at once, in running order.
        peak_layer: the layer where that is.
        traffic_bytes: bytes every layer reads plus bytes it writes.
    """

    params: Metric
    buffers: Metric
    constants: Metric
    macs: Metric
    float_macs: Metric
    int_macs: Metric
    flops: Metric
    folded_macs: Metric
    folded_flops: Metric
    weight_bytes: Metric
    peak_activation_bytes: Metric
    traffic_bytes: Metric
    peak_layer: str | None = None

    def metrics(self) -> dict[str, Metric]:
        """What the model is and costs, by name, in the order they are shown."""
        apart = ("peak_layer", "folded_macs", "folded_flops")
        return {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in apart
        }

    def to_dict(self) -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = {n: m.to_dict() for n, m in self.metrics().items()}
        found["peak_activation_bytes"]["layer"] = self.peak_layer
        found["folded_macs"] = self.folded_macs.to_dict()
        found["folded_flops"] = self.folded_flops.to_dict()
        return found
