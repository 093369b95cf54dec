"""By how much does CUPTI's clock differ from that of ONNX Runtime's profile, in one run?

Both count from somewhere else, and the difference drifts by some microseconds, so each run is asked
by itself. A call that launches a kernel is made while some node runs: of all offsets, the right one
puts the most calls into nodes.

(1) A node's event says when it began and how long it took, in whole microseconds, cut off. It is
    taken for ``[ts, ts + dur + 1 us)``.
(2) The call at ``L`` lies in the node ``[a, b)`` for the offsets ``L - b < o <= L - a``. The number
    of calls in nodes is thus constant between the ends of these intervals; counted in the order of
    the ends, the most is found exactly, with how wide the range of offsets is that gives it.
(3) The run lies between CUPTI's clock before and after it, which bounds the offset from both sides to
    what ONNX Runtime's caller spends outside of the run: some ten microseconds. It is looked for there,
    and, should launches stay outside of nodes, in `FAR` beside.
(4) Nodes make other calls, too (they ask for errors after a launch, say), and the nodes of a loop's body
    lie in the loop's. Of the offsets with the most launches in nodes, those with the most calls of
    any kind in nodes of either kind are nearer to the right one.

In the middle of the widest such range, no answer hangs on a microsecond.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.device.recording import Table

MICROSECOND: Final = 1000
#: beyond the bounds, in nanoseconds: what cutting off to microseconds may hide; where else to look
NEAR, FAR = 2 * MICROSECOND, 100 * MICROSECOND
#: intervals that are counted at most; a range that has more of them is searched around its middle
_MOST: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Alignment:
    """One run's clocks: CUPTI's is ONNX Runtime's and `offset`, in nanoseconds.

    Args:
        offset: the middle of those that put the most calls into nodes.
        width: of the range of those that put the most launches into nodes.
        calls: how many calls launched something.
        inside: how many of them lie in a node.
    """

    offset: int
    width: int
    calls: int
    inside: int


def align(
    launches: Table,
    calls: Table,
    begins: Table,
    ends: Table,
    outermost: Table,
    least: int,
    most: int,
) -> Alignment:
    """The offset that puts the most calls into nodes.

    Args:
        launches: when the calls that launched something began, by CUPTI's clock.
        calls: likewise all of the run.
        begins, ends: of the nodes by the other clock, rule (1), in the order of the beginnings.
        outermost: those that lie in no other node, by position.
        least, most: the offset's bounds, rule (3).
    """
    least, most = min(least, most), max(least, most)
    best = Alignment((least + most) // 2, 0, len(launches), 0)
    if not len(launches) or not len(begins):
        return best
    for slack in (NEAR, FAR):
        low, high = least - slack, most + slack
        found, inside = _most_inside(
            np.sort(launches), begins[outermost], ends[outermost], low, high
        )
        if inside > best.inside:
            low, high = found[int(np.argmax(found[:, 1] - found[:, 0]))].tolist()
            nearer, _ = _most_inside(np.sort(calls), begins, ends, low, high - 1)
            first, last = nearer[int(np.argmax(nearer[:, 1] - nearer[:, 0]))].tolist()
            best = Alignment((first + last - 1) // 2, high - low, len(launches), inside)
        if best.inside == len(launches):
            break
    return best


def _most_inside(
    calls: Table, begins: Table, ends: Table, low: int, high: int
) -> tuple[Table, int]:
    """The ranges of offsets that put the most calls into nodes, and how many, rule (2)."""
    ended = np.maximum.accumulate(ends)
    while True:
        # The nodes that a call is in for some offset of the range overlap [L - high, L - low].
        first = np.searchsorted(ended, calls - high, side="right")
        last = np.searchsorted(begins, calls - low, side="right")
        counts = np.maximum(last - first, 0)
        if int(counts.sum()) <= _MOST or high - low <= 2:
            break
        quarter = (high - low) // 4
        low, high = low + quarter, high - quarter
    call = np.repeat(np.arange(len(calls)), counts)
    node = np.arange(len(call)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    opens = np.maximum(calls[call] - ends[node] + 1, low)
    closes = np.minimum(calls[call] - begins[node] + 1, high + 1)
    kept = opens < closes
    if not kept.any():
        return np.array([[low, high + 1]]), 0
    opens, closes = np.sort(opens[kept]), np.sort(closes[kept])
    edges = np.unique(np.concatenate([opens, closes]))
    inside = np.searchsorted(opens, edges, "right") - np.searchsorted(closes, edges, "right")
    most = int(inside.max())
    # What is true of one stretch between two ends and the next one is true of both together.
    flat = np.concatenate([[False], inside == most, [False]])
    starts = np.flatnonzero(~flat[:-1] & flat[1:])
    stops = np.flatnonzero(flat[:-1] & ~flat[1:])
    return np.stack([edges[starts], edges[stops]], axis=1), most
