"""Does ONNX Runtime keep as many bytes of activations alive as was said?

Its profile has, for every node, ``mem_bytes_requested_in_use``: bytes requested from the arena and
not yet given back, when the kernel has ended and its inputs are not yet released. Found by
experiment (version 1.31, ResNet-50, LeNet-5, chains of known sizes):

- It includes what kernels packed at the session's start. That is its value before the first node,
  the first event's figure less its ``mem_requested_in_use_delta``, and is taken off.
- Inputs of the network are the caller's memory and not in it: they are added while they live.
- ``mem_in_use_peak`` also has the scratch memory inside kernels, the packing, and the arena's
  rounding to 256 bytes and to chunks: it answers another question.
- Temporary memory of a kernel is given back before the kernel ends, so it isn't in it.
- With ``enable_mem_reuse`` on, a tensor may get a larger buffer that died earlier, which then counts
  in full; with ``enable_mem_pattern`` from the second run all is one block. Both are off here, and
  the nodes run in the order of the analysis (``PRIORITY_BASED``). On ResNet-50 the two peaks are
  then equal to the byte.
- Writing in place can't be switched off: a node that takes no memory for an output has written into
  an input that nobody needs any more (Relu), or handed it on (Reshape). The analysis shares nothing
  (`analyzer.passes.memory`).
- Constants that the graph computes (dequantised weights, say) ONNX Runtime computes in every run;
  the analysis counts them as weights.
- A node without a half-precision kernel runs in float32, on copies twice as large.

So there is a second, *explained* prediction: memory shared where the profile shows that none was
taken, computed constants alive where their nodes ran. On the sample models it equals what is
measured, to the byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from cnnscope.analyzer.model.graph import Graph, used_names
from cnnscope.analyzer.passes.memory import find_liveness
from cnnscope.analyzer.report.verification import MemoryCheck
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.job import runtime_version
from cnnscope.runtime.engine.library import FIRST_WITH_MEMORY, release
from cnnscope.runtime.engine.trace import WIDENED, WITNESS

if TYPE_CHECKING:
    from cnnscope.analyzer.passes.facts import Shapes
    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.runtime.engine.trace import Event


def check_memory(analysis: Analysis, events: Sequence[Event]) -> MemoryCheck:
    """The peak of the run, held against the predicted one."""
    liveness, graph = analysis.liveness, analysis.graph
    known = not liveness.free and not liveness.unsized
    predicted = liveness.peak if known else None
    where = None if liveness.node is None else graph.nodes[liveness.node].name
    index = {node.name: node.index for node in graph.nodes}
    first = next((e for e in events if e.bytes_in_use is not None), None)
    if first is None or first.bytes_in_use is None:
        return MemoryCheck(predicted, where, reason=_why_not_measured(runtime_version()))
    base = first.bytes_in_use - (first.bytes_taken or 0)
    main = [e for e in events if e.name in index and e.bytes_in_use is not None]
    if not main:
        return MemoryCheck(
            predicted, where, reason="ONNX Runtime's profile shows no node by its name"
        )
    lives = _lives(graph)
    sizes = _sizes(analysis, frozenset())
    inputs = [name for name in graph.inputs if sizes.get(name)]
    measured, at = 0, ""
    now, name = len(graph.nodes) - 1, main[-1].name
    ours = list(accumulate(_witness_bytes(event) for event in events))
    # Backwards, for a body's kernels end before the node that has the body.
    for event, added in zip(reversed(events), reversed(ours), strict=True):
        if event.bytes_in_use is None:
            continue
        if event.name in index:
            now, name = index[event.name], event.name
        own = sum(sizes[i] for i in inputs if lives[i][1] >= now)
        total = event.bytes_in_use - base - added + own
        if total >= measured:
            measured, at = total, name
    taken = {e.name: e for e in main}
    shared = _explained(analysis, taken, lives, _sizes(analysis, frozenset(taken)))
    places = [index[e.name] for e in main]
    reasons = []
    if not known:
        missing = sorted(liveness.free) or sorted(liveness.unsized)
        reasons.append(f"the prediction lacks {', '.join(missing)}")
    if places != sorted(places):
        reasons.append("ONNX Runtime ran the nodes in another order")
    hidden = [n for n in graph.nodes if n.name not in taken and not analysis.shapes.folded(n)]
    if hidden:
        were = "node was" if len(hidden) == 1 else "nodes were"
        reasons.append(f"{len(hidden)} {were} replaced by others before the run")
    inside = _computed_inside(graph, analysis.shapes, frozenset(e.name for e in events))
    if inside:
        were = "constant was" if inside == 1 else "constants were"
        reasons.append(f"{inside} {were} computed inside subgraphs")
    if any(e.name.startswith(WIDENED) for e in events):
        reasons.append("nodes without a half-precision kernel ran in float32")
    return MemoryCheck(
        predicted, where, measured, at, "; ".join(reasons) or None,
        shared.nodes, shared.constants, shared.peak if known else None,
    )  # fmt: skip


def _why_not_measured(version: str) -> str:
    if release(version) < FIRST_WITH_MEMORY:
        first = ".".join(map(str, FIRST_WITH_MEMORY))
        return f"ONNX Runtime {version} reports no memory, {first} and later do"
    return "ONNX Runtime reports no memory of this provider"


def _witness_bytes(event: Event) -> int:
    """What a node of ours keeps to the end: nobody reads its output, and nobody releases it."""
    return (event.bytes_taken or 0) if event.name.startswith(WITNESS) else 0


@dataclass(frozen=True, slots=True)
class _Explained:
    nodes: int
    constants: int
    peak: int


def _sizes(analysis: Analysis, ran: frozenset[str]) -> dict[str, int]:
    """Bytes of every activation, and of every constant that one of these nodes computes."""
    sizes = {}
    producers = analysis.graph.producers
    for name, tensor in analysis.shapes.tensors.items():
        if tensor.constant and (name not in producers or producers[name].name not in ran):
            continue
        try:
            nbytes = tensor.nbytes
        except Undetermined:
            continue
        if isinstance(nbytes, int):
            sizes[name] = nbytes
    return sizes


def _lives(graph: Graph) -> dict[str, tuple[int, int]]:
    """From which node to which each tensor is alive, as `analyzer.passes.memory` defines it."""
    lives = dict.fromkeys(graph.inputs, (-1, -1))
    for node in graph.nodes:
        for name in used_names(node):
            if name in lives:
                lives[name] = lives[name][0], node.index
        for name in node.outputs:
            if name:
                lives[name] = node.index, node.index
    for name in graph.outputs:
        if name in lives:
            lives[name] = lives[name][0], len(graph.nodes)
    return lives


def _explained(
    analysis: Analysis, events: Mapping[str, Event], lives: Mapping[str, tuple[int, int]],
    sizes: Mapping[str, int],
) -> _Explained:  # fmt: skip
    """The predicted peak with what the run is seen to do otherwise than the analysis says."""
    buffer: dict[str, str] = {name: name for name in analysis.graph.inputs}
    shared = 0
    for node in analysis.graph.nodes:
        event = events.get(node.name)
        given = [name for name in node.outputs if name]
        left = sum(sizes.get(name, 0) for name in given)
        free = [n for n in dict.fromkeys(node.inputs) if n in buffer and sizes.get(n)]
        spared = 0 if event is None or event.bytes_taken is None else left - event.bytes_taken
        for name in given:
            size = sizes.get(name, 0)
            fit = next((n for n in free if sizes[n] >= size), None)
            if size and size <= spared and fit is not None and not node.bodies:
                buffer[name] = buffer[fit]
                spared -= size
                shared += 1
                free.remove(fit)
            else:
                buffer[name] = name
    spans: dict[str, tuple[int, int]] = {}
    largest: dict[str, int] = {}
    for name, root in buffer.items():
        begin, end = lives[name]
        old = spans.get(root, (begin, end))
        spans[root] = min(old[0], begin), max(old[1], end)
        largest[root] = max(largest.get(root, 0), sizes.get(name, 0))
    change = [0] * (len(analysis.graph.nodes) + 2)
    for root, (begin, end) in spans.items():
        change[max(begin, 0)] += largest[root]
        change[min(end, len(analysis.graph.nodes)) + 1] -= largest[root]
    alive, peak = 0, 0
    for node in analysis.graph.nodes:
        alive += change[node.index]
        inner = _inner(analysis, node.index) if node.bodies else 0
        peak = max(peak, alive + inner)
    constants = sum(
        1 for node in analysis.graph.nodes for name in node.outputs
        if name in sizes and analysis.shapes.tensors[name].constant
    )  # fmt: skip
    return _Explained(shared, constants, peak)


def _computed_inside(graph: Graph, shapes: Shapes, ran: frozenset[str]) -> int:
    """How many nodes of subgraphs that ran gave constants, which no prediction counts."""
    found = 0
    for outer in graph.nodes:
        for attribute, body in outer.bodies.items():
            inner = shapes.bodies.get((outer.index, attribute))
            if inner is None:
                continue
            found += _computed_inside(body, inner, ran)
            for node in body.nodes:
                # In a branch that took the place of its If, the name has the If's before it.
                if (node.name in ran or f"{outer.name}/{node.name}" in ran) and inner.folded(node):
                    found += 1
    return found


def _inner(analysis: Analysis, index: int) -> int:
    """What the bodies of a node need on top of what is alive around it."""
    found = 0
    for attribute, body in analysis.graph.nodes[index].bodies.items():
        shapes = analysis.shapes.bodies.get((index, attribute))
        if shapes is not None:
            found = max(found, find_liveness(body, shapes, inputs_too=False).peak)
    return found
