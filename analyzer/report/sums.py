"""What do layers come to, summed?"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.values.dimension import Dim


def sum_work(layers: Sequence[Layer], what: str) -> Metric:
    """The sum of ``work.macs`` or another count over layers, missing ones listed."""
    total: Dim = 0
    missing: dict[str, int] = {}
    counted = 0
    for layer in layers:
        for op, times in layer.uncounted.items():
            missing[op] = missing.get(op, 0) + times
        if layer.work is not None:
            total = total + getattr(layer.work, what)
            counted += 1
    return Metric.of(total if counted or not layers else None, missing)


def sum_traffic(layers: Sequence[Layer]) -> Metric:
    """Bytes read and written over layers."""
    total: Dim = 0
    missing: dict[str, int] = {}
    for layer in layers:
        for part in (layer.bytes_read, layer.bytes_written):
            if part is not None:
                total = total + part
        if layer.bytes_read is None or layer.bytes_written is None:
            missing[layer.op] = missing.get(layer.op, 0) + 1
    return Metric.of(total, missing)


def sum_bytes(layers: Sequence[Layer], key: str) -> Metric:
    """The sum of ``bytes_read`` or ``bytes_written`` over layers."""
    total: Dim = 0
    missing: dict[str, int] = {}
    for layer in layers:
        part: Dim | None = getattr(layer, key)
        if part is None:
            missing[layer.op] = missing.get(layer.op, 0) + 1
        else:
            total = total + part
    return Metric.of(total, missing)
