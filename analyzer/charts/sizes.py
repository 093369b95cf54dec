"""What does a model cost against the size of its input, at sizes that it accepts?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.charts.chart import Chart, model_name
from cnnscope.analyzer.report.column_names import resolved
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.report.report import Report
    from cnnscope.analyzer.sizes.sweep import Sweep

#: the totals of a size
TOTALS: Final = (
    "macs", "flops", "params", "weight_bytes", "peak_activation_bytes", "traffic_bytes",
)  # fmt: skip
_WORDS: Final = {
    "macs": "MACs", "flops": "FLOPs", "params": "Parameters", "weight_bytes": "Bytes of weights",
    "peak_activation_bytes": "Peak activation bytes", "traffic_bytes": "Bytes read and written",
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class SizesChart(Chart):
    """Rows: ``length`` of the dimensions that move together, and every total at it.

    Args:
        metric: the total that is drawn.
        dims: the dimensions' names.
        own: the length that the model's file has, or that is shown first.
    """

    metric: str
    dims: tuple[str, ...]
    own: int | None


def chart(report: Report, swept: Sweep, own: int | None, metric: str = "macs") -> SizesChart:
    """The totals over sizes.

    Args:
        swept: those sizes.
        own: the one among them that is the model's.
        metric: a total: one of `TOTALS`.

    Raises:
        ValueError: there is no such total.
    """
    key = resolved(metric, TOTALS, "metric")
    rows = tuple(
        {"length": lengths[0], **{name: swept.totals[name].values[i] for name in TOTALS}}
        for i, lengths in enumerate(swept.sizes)
        if swept.valid[i]
    )
    title = f"{_WORDS[key]} by input size: {model_name(report)}"
    return SizesChart(title, rows, key, swept.dims, own)
