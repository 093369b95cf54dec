"""What did the device do for each row, by its own records?

ONNX Runtime's events, in which the records were found (`attribution`), are matched with the nodes of
the optimised graph as times on the host are (`kernel_events`): an event of the main graph is its
node's row, and one inside of it, of a loop's body, has a row that is part of it. A row's figures are
means over all recorded runs; the median's interval is that of order statistics (`timing`).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from cnnscope.analyzer.report.device import (
    Device,
    DeviceKernel,
    Moves,
    RowDevice,
    Unattributed,
)
from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.machine import TimeSpan
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.device.attribution import REASONS, Placed, attribute
from cnnscope.runtime.device.device_sums import Sums, sum_rows
from cnnscope.runtime.device.kernel_names import short_kernel_name, uses_tensor_cores
from cnnscope.runtime.device.recording import (
    BYTES,
    END,
    NAME,
    SET_BYTES,
    START,
    STREAM,
    Recording,
    Table,
)
from cnnscope.runtime.profile.ceilings import TF32
from cnnscope.runtime.profile.kernel_events import (
    KernelTimes,
    Run,
    holds_graphs,
    match_events,
    within,
)
from cnnscope.runtime.profile.timing import median_interval

_NANO: Final = 1e-9


@dataclass(frozen=True, eq=False)
class TimedRows:
    """The rows with what the device did for them, and what it did in a run; one run for a timeline."""

    rows: tuple[Row, ...]
    device: Device
    timeline: tuple[TimeSpan, ...]


def runs_of(recording: Recording) -> list[Run]:
    """ONNX Runtime's events, run by run."""
    bounds = np.searchsorted(recording.event_runs, np.arange(recording.runs + 1)).tolist()
    return [
        Run(int(ts), int(dur), recording.events[bounds[i] : bounds[i + 1]])
        for i, (ts, dur) in enumerate(recording.spans.tolist())
    ]


def with_device(
    rows: Sequence[Row], recording: Recording, times: KernelTimes, latency: float
) -> TimedRows:
    """The rows, timed by the device's records.

    Args:
        rows: as the host saw them: one for each node of the graph, then those of subgraphs.
        recording: the records.
        times: what the rows were made from.
        latency: seconds of a whole, unprofiled run.
    """
    found = attribute(recording)
    row_of = rows_of_events(recording, times)
    sums = sum_rows(recording, found, row_of, len(rows))
    parts: dict[int, list[int]] = {i: [i] for i in range(len(rows))}
    for i, time in enumerate(times.inside, start=len(times.kernels)):
        if time.within is not None:
            parts[time.within].append(i)
    device = _device(recording, sums)
    busy = 1 - device.host_bound(latency)
    timed = []
    for i, row in enumerate(rows):
        of_row = _row_device(sums, parts[i], row, recording)
        share = of_row.seconds / device.seconds if device.seconds else None
        timed.append(
            replace(
                row, seconds=of_row.seconds, median=of_row.median, share=share, device=of_row,
                part=busy,
            )
        )  # fmt: skip
    return TimedRows(tuple(timed), device, _timeline(recording, found.kernels, rows, row_of))


def rows_of_events(recording: Recording, times: KernelTimes) -> Table:
    """The row of each event by position; -1 where the optimised graph hasn't its node."""
    nodes = [(node.name, node.op_type) for node in times.graph.node]
    inner = {
        (time.within, time.name, time.op): i
        for i, time in enumerate(times.inside, start=len(times.kernels))
    }
    found: list[int] = []
    for run in runs_of(recording):
        rows: dict[int, int] = {}
        for position, event in enumerate(match_events(run.events, nodes)):
            if event is None:
                continue
            rows[id(event)] = position
            if holds_graphs(times.graph.node[position]):
                for part in within(run, event):
                    key = position, part.name, part.op
                    rows.setdefault(id(part), inner.get(key, position))
        found.extend(rows.get(id(event), -1) for event in run.events)
    return np.array(found, np.int64)


def _row_device(sums: Sums, parts: Sequence[int], row: Row, recording: Recording) -> RowDevice:
    def mean(of: Table) -> float:
        return float(of[:, parts].sum()) / len(of)

    spent = sums.kernels[:, parts].sum(axis=1).tolist()
    runs = len(spent)
    kernels: dict[int, tuple[int, int]] = {}
    for part in parts:
        for name, (count, took) in sums.names.get(part, {}).items():
            before = kernels.get(name, (0, 0))
            kernels[name] = before[0] + count, before[1] + took
    listed = tuple(
        DeviceKernel(
            full := recording.kernel_names[name], short_kernel_name(full), _count(count, runs),
            took * _NANO / runs, uses_tensor_cores(full),
        )
        for name, (count, took) in sorted(kernels.items(), key=lambda item: -item[1][1])
    )  # fmt: skip
    interval = median_interval(sorted(spent))
    return RowDevice(
        seconds=sum(spent) * _NANO / runs,
        median=statistics.median(spent) * _NANO,
        interval=None if interval is None else (interval[0] * _NANO, interval[1] * _NANO),
        gap=mean(sums.gaps) * _NANO,
        count=_count(int(sums.kernel_count[:, parts].sum()), runs),
        kernels=listed,
        copies=_moves(sums.copy_count, sums.copy_bytes, sums.copies, parts),
        sets=_moves(sums.set_count, sums.set_bytes, sums.sets, parts),
        host=row.seconds,
        arithmetic=_arithmetic(row.dtype, listed),
    )


def _count(total: int, runs: int) -> float:
    """How many in a run: a whole number where every run had as many."""
    return total // runs if total % runs == 0 else total / runs


def _moves(count: Table, size: Table, took: Table, parts: Sequence[int]) -> Moves:
    runs = len(count)
    return Moves(
        _count(int(count[:, parts].sum()), runs),
        _count(int(size[:, parts].sum()), runs),
        float(took[:, parts].sum()) * _NANO / runs,
    )


def _arithmetic(dtype: str | None, kernels: Sequence[DeviceKernel]) -> str | None:
    """What products were computed in: tensor cores take no float32 but rounded to TF32."""
    if not kernels:
        return None
    return TF32 if dtype == "float32" and any(k.tensor_cores for k in kernels) else dtype


def _device(recording: Recording, sums: Sums) -> Device:
    runs, number = sums.runs, recording.runs

    def mean(of: Table) -> float:
        return float(of.sum()) * _NANO / number

    lost = sum(took for _, took in sums.unattributed.values())
    total = int(sums.kernels.sum()) + lost
    return Device(
        seconds=total * _NANO / number,
        busy=mean(runs.busy),
        active=mean(runs.active),
        wall=mean(runs.wall),
        head=mean(runs.head),
        tail=mean(runs.tail),
        launch_gaps=mean(runs.launch),
        turnaround=mean(runs.turnaround),
        runs=number,
        streams=len(np.unique(recording.kernels[:, STREAM])),
        copies=_all_moves(recording.copies, number, BYTES),
        sets=_all_moves(recording.sets, number, SET_BYTES),
        unattributed=tuple(
            Unattributed(REASONS[why], _count(count, number), took * _NANO / number,
                         took / total if total else 0.0)
            for why, (count, took) in sorted(sums.unattributed.items(), key=lambda x: -x[1][1])
        ),
        profiled=recording.latency_profiled,
        source="CUPTI",
    )  # fmt: skip


def _all_moves(records: Table, runs: int, size: int) -> Moves:
    return Moves(
        _count(len(records), runs),
        _count(int(records[:, size].sum()), runs),
        float((records[:, END] - records[:, START]).sum()) * _NANO / runs,
    )


def _timeline(
    recording: Recording, placed: Placed, rows: Sequence[Row], row_of: Table
) -> tuple[TimeSpan, ...]:
    """The kernels of the recorded run of middling length, on the device."""
    walls = recording.marks[:, -1] - recording.marks[:, 0]
    chosen = int(np.argsort(walls, kind="stable")[(len(walls) - 1) // 2])
    began = int(recording.marks[chosen, 0])
    spans = []
    for i in np.flatnonzero(placed.run == chosen).tolist():
        start, end, name = (int(recording.kernels[i, c]) for c in (START, END, NAME))
        event = int(placed.event[i])
        row = int(row_of[event]) if event >= 0 else -1
        spans.append(
            TimeSpan(
                row if row >= 0 else None,
                short_kernel_name(recording.kernel_names[name]),
                rows[row].op if row >= 0 else "",
                (start - began) * _NANO,
                (end - start) * _NANO,
            )
        )
    return tuple(sorted(spans, key=lambda span: (span.start, -span.seconds)))
