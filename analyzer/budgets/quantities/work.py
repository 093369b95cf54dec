"""What a run takes: multiply-accumulates, operations, memory and traffic."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnscope.analyzer.budgets.quantity import Quantity, define
from cnnscope.analyzer.budgets.totals import figure_of
from cnnscope.analyzer.budgets.verdicts import Contribution
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.sums import sum_traffic, sum_work
from cnnscope.analyzer.values.amounts import Measure

MetricOf = Callable[[Report, Sequence[Layer] | None], Metric]


def _work_of(name: str) -> Callable[[Layer], int | None]:
    def part(layer: Layer) -> int | None:
        found = None if layer.work is None else getattr(layer.work, name)
        return found if isinstance(found, int) else None

    return part


def _traffic_of(layer: Layer) -> int | None:
    read, written = layer.bytes_read, layer.bytes_written
    return read + written if isinstance(read, int) and isinstance(written, int) else None


def _peak(report: Report) -> Sequence[Contribution]:
    layer, peak = report.totals.peak_layer, report.totals.peak_activation_bytes.known
    return () if layer is None or peak is None else (Contribution(layer, peak),)


def _sized(key: str, measure: Measure, meaning: str, metric: MetricOf,
           of_layer: Callable[[Layer], int | None], words: tuple[str, ...] = ()) -> Quantity:  # fmt: skip
    """A quantity that layers have, and that is a formula where lengths are free."""
    return Quantity(
        key, measure, meaning,
        lambda report: (figure_of(metric(report, None)),),
        lambda report, layers: (figure_of(metric(report, layers)),),
        of_layer, words=words, sized=True, metric=metric,
    )  # fmt: skip


def _work(key: str, meaning: str, words: tuple[str, ...]) -> Quantity:
    def metric(report: Report, layers: Sequence[Layer] | None) -> Metric:
        found: Metric = getattr(report.totals, key)
        return found if layers is None else sum_work(layers, key)

    return _sized(key, "count", meaning, metric, _work_of(key), words)


def _traffic(report: Report, layers: Sequence[Layer] | None) -> Metric:
    return report.totals.traffic_bytes if layers is None else sum_traffic(layers)


def _peak_of(report: Report, layers: Sequence[Layer] | None) -> Metric:
    assert layers is None
    return report.totals.peak_activation_bytes


define(
    _work("macs", "multiply-accumulates", ("macs", "mac")),
    _work("int_macs", "those on integers", ("macs", "mac")),
    _work("float_macs", "those on floats", ("macs", "mac")),
    _work("flops", "2 x MACs and every other operation", ("flops", "flop")),
    Quantity("peak_activation", "bytes", "most bytes of activations alive at once",
             lambda report: (figure_of(_peak_of(report, None)),), sized=True, parts=_peak, metric=_peak_of),
    _sized("traffic", "bytes", "bytes that layers read and write", _traffic, _traffic_of),
)  # fmt: skip
