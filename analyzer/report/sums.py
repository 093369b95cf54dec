"""What do layers come to, summed?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.values.dimension import Dim


class Costing(Protocol):
    """What work a node is, and what it moves: a layer, or what the pass found of one."""

    @property
    def work(self) -> Work | None: ...
    @property
    def uncounted(self) -> Mapping[str, int]: ...
    @property
    def bytes_read(self) -> Dim | None: ...
    @property
    def bytes_written(self) -> Dim | None: ...


class Alike(NamedTuple):
    """Layers of one operator that cost the same: the cost of each, and how many they are."""

    cost: Costing
    op: str
    times: int


def alike(costs: Iterable[tuple[Costing, str]]) -> list[Alike]:
    """Costs with their operators, each cost that several layers share once: there are few of them."""
    found: dict[int, tuple[Costing, str]] = {}
    times: dict[int, int] = {}
    for cost, op in costs:
        key = id(cost)
        times[key] = times.get(key, 0) + 1
        if key not in found:
            found[key] = cost, op
    return [Alike(cost, op, times[key]) for key, (cost, op) in found.items()]


def sum_work(layers: Sequence[Layer], what: str) -> Metric:
    """The sum of ``work.macs`` or another count over layers, missing ones listed."""
    return sum_alike_work([Alike(x, x.op, 1) for x in layers], what)


def sum_alike_work(costs: Sequence[Alike], what: str) -> Metric:
    """The same of layers that are alike."""
    total: Dim = 0
    missing: dict[str, int] = {}
    counted = False
    for cost, _, times in costs:
        for op, lacking in cost.uncounted.items():
            missing[op] = missing.get(op, 0) + times * lacking
        if cost.work is not None:
            total = total + times * getattr(cost.work, what)
            counted = True
    return Metric.of(total if counted or not costs else None, missing)


def sum_traffic(layers: Sequence[Layer]) -> Metric:
    """Bytes read and written over layers."""
    return sum_alike_traffic([Alike(x, x.op, 1) for x in layers])


def sum_alike_traffic(costs: Sequence[Alike]) -> Metric:
    """The same of layers that are alike."""
    total: Dim = 0
    missing: dict[str, int] = {}
    for cost, op, times in costs:
        for part in (cost.bytes_read, cost.bytes_written):
            if part is not None:
                total = total + times * part
        if cost.bytes_read is None or cost.bytes_written is None:
            missing[op] = missing.get(op, 0) + times
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
