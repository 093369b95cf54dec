"""How long was the device at each row in each run, and what was it between?

Everything is a sum of whole nanoseconds over records, nothing is an estimate:

- a row's time in a run: the durations of the kernels that its node launched. Kernels of several
  streams overlap, and each has its whole time;
- *busy*: when at least one kernel ran, the union over streams; *active* likewise of kernels, copies
  and sets;
- *idle* is what the run's wall time (CUPTI's clock before and after it) has besides *active*, in four
  parts: the head before the first record and the tail after the last; and before each record that
  ends an idle time, the *launch gap* where the call that asked for it returned only after the device
  had run out of work, else the device's own *turnaround*. A gap belongs to the row whose record ends it.

So ``active + head + tail + launch gaps + turnaround`` is the wall time to the nanosecond, where no
record of a run lies beyond its marks.
"""

from __future__ import annotations

import numpy as np

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.device.attribution import IN_NODE, NO_ROW, Attribution, Placed
from cnnscope.runtime.device.recording import (
    BYTES,
    END,
    NAME,
    SET_BYTES,
    START,
    Recording,
    Table,
)


@dataclass(frozen=True, eq=False)
class Runs:
    """What each run was on the device, nanoseconds: an array with a number for each.

    Args:
        kernels: the sum of all kernels' durations, in rows or not.
        busy, active, wall, head, tail, launch, turnaround: as above.
    """

    kernels: Table
    busy: Table
    active: Table
    wall: Table
    head: Table
    tail: Table
    launch: Table
    turnaround: Table


@dataclass(frozen=True, eq=False)
class Sums:
    """What each row was on the device in each run: arrays with a line for each run and a number a row.

    Args:
        kernels, copies, sets: nanoseconds.
        kernel_count, copy_count, set_count: records.
        copy_bytes, set_bytes: bytes.
        gaps: nanoseconds of launch gaps before its records.
        names: by row and index of the name, how many kernels of it all runs had, and nanoseconds.
        unattributed: by reason (`attribution`), kernels in no row, all runs together: how many,
            and nanoseconds.
        runs: the same for the whole.
    """

    kernels: Table
    kernel_count: Table
    copies: Table
    copy_count: Table
    copy_bytes: Table
    sets: Table
    set_count: Table
    set_bytes: Table
    gaps: Table
    names: dict[int, dict[int, tuple[int, int]]]
    unattributed: dict[int, tuple[int, int]]
    runs: Runs


def sum_rows(recording: Recording, found: Attribution, row_of: Table, rows: int) -> Sums:
    """The sums by row.

    Args:
        recording: the records.
        found: the event of each.
        row_of: the row of each event; -1 for none.
        rows: how many rows there are.
    """
    kernels, copies, sets = recording.kernels, recording.copies, recording.sets
    runs = recording.runs

    def row(placed: Placed) -> Table:
        known = (placed.event >= 0) & (placed.run >= 0)
        if not len(row_of):
            return np.full(len(known), -1)
        return np.where(known, row_of[placed.event], -1)

    def summed(placed: Placed, amounts: Table) -> Table:
        at = row(placed)
        kept = at >= 0
        total = np.zeros(runs * rows, np.int64)
        np.add.at(total, placed.run[kept] * rows + at[kept], amounts[kept])
        return total.reshape(runs, rows)

    def took(records: Table) -> Table:
        return records[:, END] - records[:, START]

    def each(records: Table) -> Table:
        return np.ones(len(records), np.int64)

    of = row(found.kernels), row(found.copies), row(found.sets)
    gaps, by_run = _timelines(recording, found, of, rows)
    return Sums(
        kernels=summed(found.kernels, took(kernels)),
        kernel_count=summed(found.kernels, each(kernels)),
        copies=summed(found.copies, took(copies)),
        copy_count=summed(found.copies, each(copies)),
        copy_bytes=summed(found.copies, copies[:, BYTES]),
        sets=summed(found.sets, took(sets)),
        set_count=summed(found.sets, each(sets)),
        set_bytes=summed(found.sets, sets[:, SET_BYTES]),
        gaps=gaps,
        names=_by_name(recording, of[0]),
        unattributed=_unattributed(found.kernels, of[0], took(kernels)),
        runs=by_run,
    )


def _by_name(recording: Recording, row: Table) -> dict[int, dict[int, tuple[int, int]]]:
    """Kernels by row and name: how many, and nanoseconds."""
    kept = row >= 0
    names = max(len(recording.kernel_names), 1)
    kernels = recording.kernels[kept]
    keys, where = np.unique(row[kept] * names + kernels[:, NAME], return_inverse=True)
    took = np.zeros(len(keys), np.int64)
    np.add.at(took, where, kernels[:, END] - kernels[:, START])
    counts = np.bincount(where, minlength=len(keys))
    found: dict[int, dict[int, tuple[int, int]]] = {}
    for key, count, spent in zip(keys.tolist(), counts.tolist(), took.tolist(), strict=True):
        found.setdefault(key // names, {})[key % names] = count, spent
    return found


def _unattributed(placed: Placed, row: Table, took: Table) -> dict[int, tuple[int, int]]:
    reason = np.where((row < 0) & (placed.reason == IN_NODE), NO_ROW, placed.reason)
    found = {}
    for why in np.unique(reason[row < 0]).tolist():
        chosen = (row < 0) & (reason == why)
        found[why] = int(chosen.sum()), int(took[chosen].sum())
    return found


def _timelines(
    recording: Recording, found: Attribution, rows: tuple[Table, Table, Table], count: int
) -> tuple[Table, Runs]:
    """The launch gaps by run and row, and what each run was on the whole."""
    tables = recording.kernels, recording.copies, recording.sets
    placed = found.kernels, found.copies, found.sets
    times = np.concatenate([records[:, : END + 1] for records in tables])
    run = np.concatenate([x.run for x in placed])
    row = np.concatenate(rows)
    returned = np.concatenate([x.returned for x in placed])
    is_kernel = np.arange(len(times)) < len(recording.kernels)
    order = np.lexsort((times[:, END], times[:, START], run))
    bounds = np.searchsorted(run[order], np.arange(recording.runs + 1))
    gaps = np.zeros((recording.runs, count), np.int64)
    lines = []
    for i, marks in enumerate(recording.marks):
        chosen = order[bounds[i] : bounds[i + 1]]
        kernels = chosen[is_kernel[chosen]]
        before, after = int(marks[0]), int(marks[-1])
        starts, ends = times[chosen, START], times[chosen, END]
        total = int((times[kernels, END] - times[kernels, START]).sum())
        head, tail, launch, turnaround = after - before, 0, 0, 0
        if len(chosen):
            reached = np.maximum.accumulate(ends)
            idle = np.maximum(starts[1:] - reached[:-1], 0)
            late = returned[chosen[1:]] > reached[:-1]
            launch, turnaround = int(idle[late].sum()), int(idle[~late].sum())
            at = row[chosen[1:]]
            ours = late & (at >= 0)
            np.add.at(gaps[i], at[ours], idle[ours])
            head, tail = max(int(starts[0]) - before, 0), max(after - int(reached[-1]), 0)
        active = _union(starts, ends)
        busy = _union(times[kernels, START], times[kernels, END])
        lines.append((total, busy, active, after - before, head, tail, launch, turnaround))
    columns = np.array(lines, np.int64).reshape(recording.runs, 8).T
    return gaps, Runs(*columns)


def _union(starts: Table, ends: Table) -> int:
    """How long at least one of some spans lasted, given in the order of their starts."""
    if not len(starts):
        return 0
    reached = np.maximum.accumulate(ends)
    idle = np.maximum(starts[1:] - reached[:-1], 0)
    return int(reached[-1] - starts[0] - idle.sum())
