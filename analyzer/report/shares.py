"""Which figures add up over layers, and what part of the whole is a row's?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.sums import sum_bytes, sum_traffic, sum_work
from cnnscope.analyzer.values.amounts import Measure
from cnnscope.analyzer.values.dimension import Dim


@dataclass(frozen=True, slots=True)
class Additive:
    """A figure of which the model has what its layers have together.

    Args:
        key: the column's name.
        title: what people call it.
        measure: what it is measured in.
        of_layer: a layer's; None: not known.
        of_layers: what some layers come to.
    """

    key: str
    title: str
    measure: Measure
    of_layer: Callable[[Layer], Dim | None]
    of_layers: Callable[[Sequence[Layer]], Metric]

    def whole(self, layers: Sequence[Layer]) -> int:
        """What all the layers come to.

        Raises:
            ValueError: that isn't known, with the reason.
        """
        total = self.of_layers(layers)
        if total.value is None:
            raise ValueError(f"no share of the {self.title} is known, since {why_not(total)}")
        return total.value


def why_not(total: Metric) -> str:
    """Why a total isn't known, in words that follow "since"."""
    free = [key.removeprefix(_FREE) for key in total.uncounted if key.startswith(_FREE)]
    if free:
        several = "s" if len(free) > 1 else ""
        named = " ".join(f"--dim {name}=LENGTH" for name in free)
        return f"their total hangs on the free dimension{several} {', '.join(free)}: give {named}"
    missing = [f"{what} x{n}" if n > 1 else what for what, n in total.uncounted.items()]
    rest = f", {len(missing) - 4} more" if len(missing) > 4 else ""
    named = f": it lacks {', '.join(missing[:4])}{rest}" if missing else ""
    return f"their total isn't complete{named}"


#: how a total names a free dimension among what it lacks
_FREE: Final = "free dimension "


def _work(key: str) -> Callable[[Layer], Dim | None]:
    return lambda x: None if x.work is None or x.uncounted else getattr(x.work, key)


def _stored(key: str) -> Callable[[Sequence[Layer]], Metric]:
    return lambda layers: Metric.of(sum(getattr(x, key) for x in layers))


def _traffic(layer: Layer) -> Dim | None:
    read, written = layer.bytes_read, layer.bytes_written
    return None if read is None or written is None else read + written


#: every figure that adds up, by its column
ADDITIVE: Final[Mapping[str, Additive]] = {
    x.key: x
    for x in (
        Additive("params", "parameters", "count", lambda x: x.params, _stored("params")),
        Additive("macs", "MACs", "count", _work("macs"), lambda xs: sum_work(xs, "macs")),
        Additive("flops", "FLOPs", "count", _work("flops"), lambda xs: sum_work(xs, "flops")),
        Additive("weight_bytes", "weights", "bytes", lambda x: x.weight_bytes, _stored("weight_bytes")),
        Additive("bytes_read", "bytes read", "bytes", lambda x: x.bytes_read,
                 lambda xs: sum_bytes(xs, "bytes_read")),
        Additive("bytes_written", "bytes written", "bytes", lambda x: x.bytes_written,
                 lambda xs: sum_bytes(xs, "bytes_written")),
        Additive("traffic_bytes", "traffic", "bytes", _traffic, sum_traffic),
    )
}  # fmt: skip
