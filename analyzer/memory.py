"""How many bytes of activations are alive at once?

Liveness over the running order: a tensor is alive from the node that gives it (the start, for an
input) to the last node that reads it (the end, for an output). While a node runs, its inputs and
its outputs are both alive. No buffer is shared between tensors and nothing runs in place, so this
is what any allocator needs that frees each tensor after its last use (Appel & Palsberg, *Modern
Compiler Implementation*, ch. 10). Constants are weights, not activations, and nodes whose result is
known beforehand don't run: what they give takes no room, and they keep nothing alive. A node with a
subgraph needs its body's own peak on top while it runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from cnnscope.analyzer.dimension import FreeDim, Undetermined
from cnnscope.analyzer.graph import Graph, used_names
from cnnscope.analyzer.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Liveness:
    """The peak, and what is in it.

    Args:
        peak: the most bytes alive at once; a lower bound where `unsized` isn't empty.
        node: index of the node where the peak is first reached; None in an empty graph.
        live: bytes alive while each node runs, by node index.
        unsized: operators whose outputs' sizes aren't known, and how often.
        free: the free dimensions that sizes hang on: then the peak isn't known.
    """

    peak: int
    node: int | None
    live: Mapping[int, int]
    unsized: Mapping[str, int]
    free: frozenset[str] = frozenset()


def find_liveness(graph: Graph, shapes: Shapes, *, inputs_too: bool = True) -> Liveness:
    """The peak of live activation bytes of a graph.

    Args:
        inputs_too: count the graph's inputs; a body's are its caller's tensors already.
    """
    unsized: Counter[str] = Counter()
    free: set[str] = set()
    last: dict[str, int] = {}
    running = [node for node in graph.nodes if not shapes.folded(node)]
    for node in running:
        for name in used_names(node):
            last[name] = node.index
    end = len(graph.nodes)
    for name in graph.outputs:
        last[name] = end

    def size(name: str, op: str) -> int:
        x = shapes.tensors[name]
        if x.constant:
            return 0
        try:
            nbytes = x.nbytes
        except Undetermined:
            nbytes = None
        if nbytes is None:
            blamed = shapes.behind.get(name, op)
            unsized[op if blamed == op else f"{op} (behind {blamed})"] += 1
            return 0
        if isinstance(nbytes, FreeDim):
            free.update(nbytes.names)
            if not nbytes.names:
                unsized.update(f"data: {what}" for what in nbytes.data)
            return 0
        return nbytes

    sizes = {name: size(name, "input") for name in graph.inputs} if inputs_too else {}
    alive = sum(sizes.values())
    freed: dict[int, list[str]] = {}
    for name in sizes:
        freed.setdefault(last.get(name, -1), []).append(name)
    peak, where = 0, None
    live: dict[int, int] = {}
    for node in running:
        for name in node.outputs:
            if not name:
                continue
            sizes[name] = size(name, node.title)
            alive += sizes[name]
            freed.setdefault(last.get(name, node.index), []).append(name)
        inner = 0
        for attribute, body in node.bodies.items():
            found = shapes.bodies.get((node.index, attribute))
            if found is not None:
                body_peak = find_liveness(body, found, inputs_too=False)
                inner = max(inner, body_peak.peak)
                unsized.update(body_peak.unsized)
                free.update(body_peak.free)
        live[node.index] = alive + inner
        if where is None or alive + inner > peak:
            peak, where = alive + inner, node.index
        for name in freed.pop(node.index, ()):
            alive -= sizes[name]
    return Liveness(
        max(peak, alive if where is None else peak), where, live, unsized, frozenset(free)
    )
