"""Which node did each kernel, copy and set of a device run for?

(1) A record's correlation is that of the call that asked for it. Numbers may come again in a long
    recording: of several calls, it is the last that began before the record did.
(2) The call belongs to the run between whose marks it began.
(3) Put on ONNX Runtime's clock (`alignment`), the call's beginning lies in one node's event: of events
    inside each other, such as those of a loop's body, the innermost.

What of this fails is said for each record, so that every record is in exactly one node or is named
with a reason. Where two nodes ran at once on two threads, no clock tells which of them called.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

import numpy as np
import numpy.typing as npt

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.device.alignment import MICROSECOND, Alignment, align
from cnnscope.runtime.device.recording import (
    API,
    CALLBACK,
    CORRELATION,
    END,
    START,
    Recording,
    Table,
)

#: why a record is in no node
IN_NODE, NO_CALL, NO_RUN, GRAPH, BETWEEN, AT_ONCE, NO_ROW = range(7)
REASONS: Final = {
    NO_CALL: "the call that launched it isn't recorded",
    NO_RUN: "launched outside of the recorded runs",
    GRAPH: "launched as part of a CUDA graph: one call for all its kernels, which can't be split",
    BETWEEN: "launched between nodes",
    AT_ONCE: "launched while several nodes ran at once",
    NO_ROW: "launched by a node that the optimised graph hasn't",
}
_GRAPH_LAUNCH: Final = "graphlaunch"
#: events inside events that are gone through: bodies of loops inside each other
_DEEPEST: Final = 64


@dataclass(frozen=True, eq=False)
class Placed:
    """Where the records of one table belong.

    Args:
        run: the run of each; -1 for none.
        event: the node's event of each, by position in the recording; -1 for none.
        reason: why not; `IN_NODE` where there is one.
        returned: when the call that launched it had done so; -1 where that isn't known.
    """

    run: Table
    event: Table
    reason: npt.NDArray[np.int64]
    returned: Table


@dataclass(frozen=True, eq=False)
class Attribution:
    """Where all records belong, and how each run's clocks were put together."""

    kernels: Placed
    copies: Placed
    sets: Placed
    alignments: tuple[Alignment, ...]


def attribute(recording: Recording) -> Attribution:
    """The node of every record, or the reason why it has none."""
    calls = recording.calls
    order = np.lexsort((calls[:, START], calls[:, CORRELATION]))
    tables = (recording.kernels, recording.copies, recording.sets)
    asked = [_calls_of(records, calls[order]) for records in tables]
    asked = [np.where(found >= 0, order[found], -1) if len(order) else found for found in asked]
    used = np.unique(np.concatenate(asked))
    used = used[used >= 0]
    began = calls[used, START]
    run = _run_at(began, recording.marks)
    event = np.full(len(used), -1)
    reason = np.full(len(used), NO_RUN)
    alignments = []
    bounds = np.searchsorted(recording.event_runs, np.arange(recording.runs + 1))
    every = np.sort(calls[:, START])
    marks = recording.marks[:, [0, -1]]
    of_run = np.searchsorted(every, marks[:, 0]), np.searchsorted(every, marks[:, 1], "right")
    by_run = np.argsort(run, kind="stable")
    groups = np.searchsorted(run[by_run], np.arange(recording.runs + 1))
    graph = _graph_launches(recording)[used]
    for i in range(recording.runs):
        inside = by_run[groups[i] : groups[i + 1]]
        nodes = _Nodes(recording, int(bounds[i]), int(bounds[i + 1]))
        made = every[of_run[0][i] : of_run[1][i]]
        aligned = nodes.align(began[inside[~graph[inside]]], made, marks[i], recording.spans[i])
        alignments.append(aligned)
        event[inside], reason[inside] = nodes.at(began[inside] - aligned.offset)
    reason[graph & (event < 0) & (run >= 0)] = GRAPH
    placed = [
        _placed(records, found, used, run, event, reason, recording)
        for records, found in zip(tables, asked, strict=True)
    ]
    return Attribution(placed[0], placed[1], placed[2], tuple(alignments))


def _graph_launches(recording: Recording) -> npt.NDArray[np.bool_]:
    """Which calls launch a whole CUDA graph."""
    named = [key for key, said in recording.callback_names.items() if _GRAPH_LAUNCH in said.lower()]
    calls, found = recording.calls, np.zeros(len(recording.calls), bool)
    for api, callback in named:
        found |= (calls[:, API] == api) & (calls[:, CALLBACK] == callback)
    return found


def _calls_of(records: Table, calls: Table) -> Table:
    """The call of each record by position in the calls, sorted by correlation and start; -1: none."""
    wanted = records[:, CORRELATION]
    first = np.searchsorted(calls[:, CORRELATION], wanted, "left")
    last = np.searchsorted(calls[:, CORRELATION], wanted, "right")
    found = np.where(last > first, first, -1)
    starts = calls[:, START]
    for i in np.flatnonzero(last > first + 1):  # the number came again
        low, high = int(first[i]), int(last[i])
        found[i] = max(bisect_right(starts, records[i, START], low, high) - 1, low)
    return found


def _run_at(times: Table, marks: Table) -> Table:
    """The run between whose marks each time lies; -1 for none."""
    if not len(marks):
        return np.full(len(times), -1)
    found = np.searchsorted(marks[:, 0], times, "right") - 1
    return np.where((found >= 0) & (times <= marks[found, -1]), found, -1)


def _placed(
    records: Table, asked: Table, used: Table, run: Table, event: Table, reason: Table,
    recording: Recording,
) -> Placed:  # fmt: skip
    known = asked >= 0
    if not len(used):
        place, known = np.zeros(len(records), np.int64), np.zeros(len(records), bool)
        run = event = reason = np.zeros(1, np.int64)
    else:
        place = np.searchsorted(used, np.where(known, asked, used[0]))
    alone = _run_at(records[:, START], recording.marks)
    returned = recording.calls[np.where(known, asked, 0), END] if known.any() else place
    return Placed(
        run=np.where(known, run[place], alone),
        event=np.where(known, event[place], -1),
        reason=np.where(known, reason[place], np.where(alone >= 0, NO_CALL, NO_RUN)),
        returned=np.where(known, returned, -1),
    )


class _Nodes:
    """The nodes that one run's events show, by ONNX Runtime's clock in nanoseconds."""

    def __init__(self, recording: Recording, first: int, last: int) -> None:
        self.first = first
        events = recording.events[first:last]
        self.begins = np.array([e.start for e in events], np.int64) * MICROSECOND
        took = np.array([e.microseconds for e in events], np.int64) * MICROSECOND
        self.ended = self.begins + took
        self.ends = self.ended + MICROSECOND
        self.outer, self.level = _outer(self.begins, self.ended)

    def align(self, launches: Table, calls: Table, marks: Table, span: Table) -> Alignment:
        before, after = marks.tolist()
        ts, dur = (int(n) * MICROSECOND for n in span)
        outermost = np.flatnonzero(self.level == 1)
        least, most = before - ts, after - ts - dur
        return align(launches, calls, self.begins, self.ends, outermost, least, most)

    def at(self, times: Table) -> tuple[Table, Table]:
        """The event at each time, and why there is none."""
        begun = np.searchsorted(self.begins, times, "right")
        found = begun - 1
        for _ in range(_DEEPEST):
            over = np.flatnonzero(found >= 0)
            over = over[times[over] >= self.ends[found[over]]]
            if not len(over):
                break
            found[over] = self.outer[found[over]]
        else:
            found[over] = -1
        running = begun - np.searchsorted(np.sort(self.ended), times, "right")
        none = found < 0
        at_once = ~none & (running > self.level[found] if len(self.level) else none)
        reason = np.where(none, BETWEEN, np.where(at_once, AT_ONCE, IN_NODE))
        return np.where(none | at_once, -1, found + self.first), reason


def _outer(begins: Table, ended: Table) -> tuple[Table, Table]:
    """The event that each one lies in, the nearest around it (-1: none); in how many, itself one."""
    outer, level = np.full(len(begins), -1), np.ones(len(begins), np.int64)
    around: list[int] = []
    ends = ended.tolist()
    for i, begin in enumerate(begins.tolist()):
        while around and (ends[around[-1]] < ends[i] or ends[around[-1]] <= begin):
            around.pop()
        if around:
            outer[i] = around[-1]
        around.append(i)
        level[i] = len(around)
    return outer, level
