"""What a run takes: multiply-accumulates, operations, memory and traffic."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.quantity import Quantity, define
from cnnscope.analyzer.budgets.totals import figure_of
from cnnscope.analyzer.budgets.verdicts import Contribution
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.sums import sum_traffic, sum_work


def _total(name: str) -> Callable[[Report], Sequence[Figure]]:
    return lambda report: (figure_of(getattr(report.totals, name)),)


def _worked(name: str) -> Callable[[Report, Sequence[Layer]], Sequence[Figure]]:
    return lambda _, layers: (figure_of(sum_work(layers, name)),)


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


define(
    Quantity("macs", "count", "multiply-accumulates", _total("macs"),
             _worked("macs"), _work_of("macs"), words=("macs", "mac"), sized=True),
    Quantity("int_macs", "count", "those on integers", _total("int_macs"),
             _worked("int_macs"), _work_of("int_macs"), words=("macs", "mac"), sized=True),
    Quantity("float_macs", "count", "those on floats", _total("float_macs"),
             _worked("float_macs"), _work_of("float_macs"), words=("macs", "mac"), sized=True),
    Quantity("flops", "count", "2 x MACs and every other operation", _total("flops"),
             _worked("flops"), _work_of("flops"), words=("flops", "flop"), sized=True),
    Quantity("peak_activation", "bytes", "most bytes of activations alive at once",
             _total("peak_activation_bytes"), sized=True, parts=_peak),
    Quantity("traffic", "bytes", "bytes that layers read and write", _total("traffic_bytes"),
             lambda _, layers: (figure_of(sum_traffic(layers)),), _traffic_of, sized=True),
)  # fmt: skip
