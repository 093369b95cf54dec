"""Which kernel does each event of ONNX Runtime's profile belong to, run by run?"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Final

import onnx

from cnnscope.analyzer.report.machine import TimeSpan
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.trace import Event, Facts, events_in

#: a profile is kept in memory while it is read, and an event takes some kilobytes
EVENTS: Final = 20_000


@dataclass(frozen=True, slots=True)
class KernelTime:
    """One node of the optimised graph.

    Args:
        name, op: as there.
        provider: ONNX Runtime's name of who ran it; ``""`` when it wasn't seen.
        seconds: mean over the middle runs, rule (3); None when it wasn't seen.
        median: over all steady runs.
        inputs, outputs: dtype and shape of those that are tensors, in the last run.
        inner: how many kernels of its subgraphs ran inside it, in the last run.
        within: of a kernel of a subgraph, the position of the node whose time its own is part of.
        calls: how often it ran in a run, on average.
    """

    name: str
    op: str
    provider: str
    seconds: float | None
    median: float | None = None
    inputs: tuple[Facts, ...] = ()
    outputs: tuple[Facts, ...] = ()
    inner: int = 0
    within: int | None = None
    calls: float = 1.0


@dataclass(frozen=True, eq=False)
class KernelTimes:
    """What the profiled runs showed.

    Args:
        graph: the optimised graph, without weights.
        kernels: one for each of its nodes, in order.
        runs: how many the means are of.
        run_seconds: the mean of those, whole.
        timeline: the one nearest to the median; a span's row is the node's position.
        assigned: how many nodes each provider was assigned, where that is told.
        inside: the kernels of subgraphs, each by name with all its runs together: `seconds` of a
            whole run of the model.
    """

    graph: onnx.GraphProto
    kernels: tuple[KernelTime, ...]
    runs: int
    run_seconds: float
    timeline: tuple[TimeSpan, ...]
    assigned: Mapping[str, int] = field(default_factory=dict)
    inside: tuple[KernelTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One profiled run: when it began, how long it took (microseconds), and its kernels."""

    start: int
    microseconds: int
    events: tuple[Event, ...]


def read_runs(path: Path) -> list[Run]:
    """A profile's runs, rule (1).

    Raises:
        RunError: the file isn't what ONNX Runtime is known to write.
    """
    try:
        marks: list[tuple[int, int]] = []
        events = list(events_in(_marked(entries_of(path), marks)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"ONNX Runtime's profile can't be read: {error!r}") from None
    runs, position = [], 0
    for start, took in sorted(marks):
        inside = []
        while position < len(events) and events[position].start <= start + took:
            if events[position].start >= start:
                inside.append(events[position])
            position += 1
        runs.append(Run(start, took, tuple(inside)))
    return runs


def entries_of(path: Path) -> Iterator[dict[str, Any]]:
    """What a profile lists, an entry at a time: as ONNX Runtime writes it, one a line."""
    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        if next(lines, "").strip() != "[":
            raise ValueError("no list")
        for line in lines:
            text = line.strip().removesuffix(",")
            if text and text != "]":
                yield json.loads(text)


def _marked(
    entries: Iterable[dict[str, Any]], marks: list[tuple[int, int]]
) -> Iterator[dict[str, Any]]:
    """The same entries; where whole runs began and how long they took goes to `marks`."""
    for e in entries:
        if e.get("cat") == "Session" and e.get("name") == "model_run":
            marks.append((int(e["ts"]), int(e["dur"])))
        yield e


def match_events(events: Sequence[Event], nodes: Sequence[tuple[str, str]]) -> list[Event | None]:
    """The event of each node, given as name and operator, rule (2)."""
    found: list[Event | None] = []
    waiting = iter(events)
    for name, op in nodes:
        event = next((e for e in waiting if _is_of(e, name, op)), None)
        found.append(event)
    if all(event is not None for event in found):
        return found
    by_name: dict[str, list[Event]] = {}
    for event in reversed(events):
        by_name.setdefault(event.name, []).append(event)
    return [by_name[name].pop() if by_name.get(name) else None for name, _ in nodes]


def _is_of(event: Event, name: str, op: str) -> bool:
    # A node without a name is called after its operator and position.
    return event.op == op and (event.name == name or not name)


def summed(graph: onnx.GraphProto, runs: Sequence[Run], assigned: Mapping[str, int]) -> KernelTimes:
    nodes = [(node.name, node.op_type) for node in graph.node]
    seen = [match_events(run.events, nodes) for run in runs]
    kept = middle_runs([run.microseconds for run in runs])
    kernels = []
    for position, (name, op) in enumerate(nodes):
        events = [e for matched in seen if (e := matched[position]) is not None]
        central = [e.microseconds for i in kept if (e := seen[i][position]) is not None]
        if not central:
            kernels.append(KernelTime(name, op, "", None))
            continue
        last = events[-1]
        kernels.append(
            KernelTime(
                name, op, last.provider, statistics.fmean(central) / 1e6,
                statistics.median(e.microseconds for e in events) / 1e6, last.inputs, last.outputs,
                _count_inner(runs[-1], last) if holds_graphs(graph.node[position]) else 0,
            )
        )  # fmt: skip
    whole = statistics.fmean(runs[i].microseconds for i in kept)
    chosen = kept[len(kept) // 2]
    return KernelTimes(
        graph, tuple(kernels), len(kept), whole / 1e6, timeline_of(runs[chosen], seen[chosen]),
        dict(assigned), tuple(_inside(graph, runs, seen, kept)),
    )  # fmt: skip


def _inside(
    graph: onnx.GraphProto, runs: Sequence[Run], seen: Sequence[Sequence[Event | None]],
    kept: Sequence[int],
) -> Iterator[KernelTime]:  # fmt: skip
    """The kernels that ran in subgraphs of the graph's nodes, those further inside included."""
    for position, node in enumerate(graph.node):
        if not holds_graphs(node):
            continue
        by_name: dict[tuple[str, str], list[tuple[int, Event]]] = {}
        for i in kept:
            outer = seen[i][position]
            for event in within(runs[i], outer) if outer is not None else ():
                by_name.setdefault((event.name, event.op), []).append((i, event))
        for (name, op), found in by_name.items():
            whole = dict.fromkeys(kept, 0)
            for i, event in found:
                whole[i] += event.microseconds
            last = found[-1][1]
            yield KernelTime(
                name, op, last.provider, statistics.fmean(whole.values()) / 1e6,
                statistics.median(whole.values()) / 1e6, last.inputs, last.outputs,
                within=position, calls=len(found) / len(kept),
            )  # fmt: skip


def holds_graphs(node: onnx.NodeProto) -> bool:
    return any(a.HasField("g") or a.graphs for a in node.attribute)


def _count_inner(run: Run, outer: Event) -> int:
    """How many other kernels a run's events show inside this one."""
    return len(within(run, outer))


def within(run: Run, outer: Event) -> list[Event]:
    """The other kernels that a run's events show inside this one."""
    end = outer.start + outer.microseconds
    inside = [e for e in run.events if e.start >= outer.start and e.start + e.microseconds <= end]
    return [e for e in inside if e is not outer]


def middle_runs(durations: Sequence[int]) -> list[int]:
    """The half of the runs whose time is nearest the middle, by position, the shortest first.

    >>> middle_runs([50, 10, 30, 20, 90])
    [3, 2, 0]
    """
    order = sorted(range(len(durations)), key=lambda i: durations[i])
    left_out = len(order) // 4
    return order[left_out : len(order) - left_out]


def timeline_of(run: Run, matched: Sequence[Event | None]) -> tuple[TimeSpan, ...]:
    rows = {id(event): position for position, event in enumerate(matched) if event is not None}
    spans = [
        TimeSpan(
            rows.get(id(event)), event.name, event.op, (event.start - run.start) / 1e6,
            event.microseconds / 1e6,
        )
        for event in run.events
    ]  # fmt: skip
    return tuple(sorted(spans, key=lambda s: (s.start, -s.seconds)))
