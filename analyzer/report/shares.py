"""Which figures add up over layers, and what part of the whole is a row's?

A share is of the model's total, and there is none of a total that isn't known: a part of a lower bound would
be no part of anything. Shares are exact fractions of counts, so that all of them together are 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.sums import sum_bytes, sum_traffic, sum_work
from cnnscope.analyzer.values.amounts import Measure
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Sum:
    """What some layers come to together.

    Args:
        value: that; None: not known.
        why: why not, in words that follow "since".
    """

    value: int | float | None
    why: str = ""

    @classmethod
    def of(cls, total: Metric) -> Sum:
        """Of a total."""
        return cls(total.value, "" if total.value is not None else _why_not(total))


def _why_not(total: Metric) -> str:
    free = total.free
    if free:
        several = "s" if len(free) > 1 else ""
        named = " ".join(f"--dim {name}=LENGTH" for name in free)
        return f"their total hangs on the free dimension{several} {', '.join(free)}: give {named}"
    missing = [f"{what} x{n}" if n > 1 else what for what, n in total.uncounted.items()]
    rest = f", {len(missing) - 4} more" if len(missing) > 4 else ""
    named = f": it lacks {', '.join(missing[:4])}{rest}" if missing else ""
    return f"their total isn't complete{named}"


@dataclass(frozen=True, slots=True)
class Additive:
    """A figure of which the model has what its layers have together.

    Args:
        key: the column's name.
        title: what people call it.
        measure: what it is measured in.
        of_layer: a layer's; None: not known.
        of_layers: what some layers come to.
        of_model: what the model comes to, where that is more than its layers do.
    """

    key: str
    title: str
    measure: Measure
    of_layer: Callable[[Layer], Dim | float | None]
    of_layers: Callable[[Sequence[Layer]], Sum]
    of_model: Sum | None = None

    def whole(self, layers: Sequence[Layer]) -> int | float:
        """What all layers of a model come to.

        Raises:
            ValueError: that isn't known, or nothing, so that nothing is a part of it; with the reason.
        """
        total = self.of_layers(layers) if self.of_model is None else self.of_model
        if total.value is None:
            raise ValueError(f"no share of the {self.title} is known, since {total.why}")
        if not total.value:
            raise ValueError(f"there is no share of the {self.title}, since the total is 0")
        return total.value


def _work(key: str) -> Callable[[Layer], Dim | None]:
    return lambda x: None if x.work is None or x.uncounted else getattr(x.work, key)


def _worked(key: str) -> Callable[[Sequence[Layer]], Sum]:
    return lambda layers: Sum.of(sum_work(layers, key))


def _stored(key: str) -> Callable[[Sequence[Layer]], Sum]:
    return lambda layers: Sum(sum(getattr(x, key) for x in layers))


def _moved(key: str) -> Callable[[Sequence[Layer]], Sum]:
    return lambda layers: Sum.of(sum_bytes(layers, key))


def _traffic(layer: Layer) -> Dim | None:
    read, written = layer.bytes_read, layer.bytes_written
    return None if read is None or written is None else read + written


#: every figure of the model itself that adds up, by its column
ADDITIVE: Final[Mapping[str, Additive]] = {
    x.key: x
    for x in (
        Additive("params", "parameters", "count", lambda x: x.params, _stored("params")),
        Additive("macs", "MACs", "count", _work("macs"), _worked("macs")),
        Additive("flops", "FLOPs", "count", _work("flops"), _worked("flops")),
        Additive("weight_bytes", "weights", "bytes", lambda x: x.weight_bytes,
                 _stored("weight_bytes")),
        Additive("bytes_read", "bytes read", "bytes", lambda x: x.bytes_read,
                 _moved("bytes_read")),
        Additive("bytes_written", "bytes written", "bytes", lambda x: x.bytes_written,
                 _moved("bytes_written")),
        Additive("traffic_bytes", "traffic", "bytes", _traffic,
                 lambda layers: Sum.of(sum_traffic(layers))),
    )
}  # fmt: skip


def seconds_of(times: Mapping[str, float], whole: float | None) -> Additive:
    """Time as a figure that adds up.

    Args:
        times: the seconds of the layers that ran, by name, no kernel's twice.
        whole: what all kernels took, those of no layer included; None: that wasn't measured.
    """

    def of_layers(layers: Sequence[Layer]) -> Sum:
        return Sum(math.fsum(times[x.name] for x in layers if x.name in times))

    total = Sum(whole, "no kernel was timed")
    return Additive("time", "time", "seconds", lambda x: times.get(x.name), of_layers, total)


@dataclass(frozen=True, slots=True)
class Share:
    """A row's part of the whole, and that of all rows so far.

    Args:
        part, running: from 0 to 1, exact for counts; None: not known.
    """

    part: Fraction | None = None
    running: Fraction | None = None


def shares_of(values: Sequence[int | float | None], whole: int | float | None) -> list[Share]:
    """What part of the whole each is, in their order.

    >>> [str(x.running) for x in shares_of([3, 2, 1], 12)]
    ['1/4', '5/12', '1/2']
    """
    if not whole:
        return [Share() for _ in values]
    total, running, found = Fraction(whole), Fraction(0), []
    for value in values:
        part = None if value is None else Fraction(value) / total
        running += part or 0
        found.append(Share(part, None if part is None else running))
    return found


def reaching(shares: Sequence[Share], part: Fraction) -> int:
    """How many rows it takes until they come to that part of the whole: the one that reaches it counts.

    >>> reaching(shares_of([3, 2, 1], 6), Fraction(5, 6)), reaching(shares_of([1], 6), Fraction(1))
    (2, 1)
    """
    for position, share in enumerate(shares, 1):
        if share.running is not None and share.running >= part:
            return position
    return len(shares)
