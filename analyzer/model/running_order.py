"""In which order can a graph's nodes run?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

import onnx

from cnnscope.analyzer.model.attributes import PLAIN_ATTRIBUTES
from cnnscope.analyzer.model.function_calls import Call
from cnnscope.analyzer.model.graph import quoted
from cnnscope.analyzer.values.diagnostics import GraphError
from cnnscope.analyzer.values.notation import many

if TYPE_CHECKING:
    import networkx


_INPUTS, _OUTPUTS = attrgetter("inputs"), attrgetter("outputs")
_TITLE = attrgetter("name", "op", "domain")


class Visible:
    """The tensor names that a node of a graph may read: its graph's and those of the graphs around.

    Looked up from the inside out. A set of them all would have to be made anew for each subgraph,
    which in a model of many small ones takes the square of its size.
    """

    __slots__ = ("depth", "outer", "own")

    def __init__(self, own: set[str], outer: Visible | None = None) -> None:
        self.own, self.outer = own, outer
        self.depth: int = outer.depth + 1 if outer is not None else 0

    def __contains__(self, name: object) -> bool:
        at: Visible | None = self
        while at is not None:
            if name in at.own:
                return True
            at = at.outer
        return False


def in_running_order(calls: list[Call], visible: Visible) -> list[Call]:
    """The nodes in an order in which they can run: the file's own where it is one.

    Raises:
        GraphError: there is none, or a tensor is given twice, or by nothing.
    """
    _check_names(calls)
    given: dict[str, int] = {}
    for i, call in enumerate(calls):
        for name in call.outputs:
            if not name:
                continue
            if name in given:
                raise GraphError(
                    f"tensor {quoted(name)} is given by two nodes, {given[name]} and {i}"
                )
            given[name] = i
    needs = [
        (*c.inputs, *captured_names(c.attributes)) if c.attributes else c.inputs for c in calls
    ]
    in_order = True
    for i, wanted in enumerate(needs):
        for name in wanted:
            giver = given.get(name)
            if giver is not None:
                in_order = in_order and giver < i
            elif name and name not in visible:
                reader = calls[i]
                raise GraphError(
                    f"node {i} {quoted(reader.name)} ({reader.op}) reads tensor {quoted(name)}, "
                    "which nothing gives"
                )
    if in_order:
        return calls
    import networkx

    dag: networkx.DiGraph[int] = networkx.DiGraph()
    dag.add_nodes_from(range(len(calls)))
    for i, wanted in enumerate(needs):
        dag.add_edges_from((given[name], i) for name in wanted if name in given)
    try:
        return [calls[i] for i in networkx.lexicographical_topological_sort(dag)]
    except networkx.NetworkXUnfeasible:
        circle = [edge[0] for edge in networkx.find_cycle(dag)]
        shown = ", ".join(f"{quoted(calls[i].name)} ({calls[i].op})" for i in circle[:4])
        raise GraphError(
            f"the graph has a cycle of {many(len(circle), 'node')}: {shown}"
            + (", ..." if len(circle) > 4 else "")
        ) from None


def _check_names(calls: Sequence[Call]) -> None:
    """Protobuf hands invalid UTF-8 out as bytes."""
    ends = chain.from_iterable([*map(_INPUTS, calls), *map(_OUTPUTS, calls)])
    if {str}.issuperset(map(type, chain(ends, chain.from_iterable(map(_TITLE, calls))))):
        return
    for i, call in enumerate(calls):
        for name in (call.name, call.op, call.domain, *call.inputs, *call.outputs):
            if type(name) is not str:
                raise GraphError(f"node {i} has a name that isn't UTF-8: {name!r:.200}")


def captured_names(attributes: Iterable[onnx.AttributeProto]) -> list[str]:
    """Names that the subgraphs among a node's attributes read from outside."""
    names: list[str] = []
    for a in attributes:
        if a.type in PLAIN_ATTRIBUTES or not (a.HasField("g") or a.graphs):
            continue
        for graph in (a.g, *a.graphs) if a.HasField("g") else a.graphs:
            own = {v.name for v in graph.input} | {t.name for t in graph.initializer}
            own |= {t.values.name for t in graph.sparse_initializer}
            own |= {name for node in graph.node for name in node.output}
            for node in graph.node:
                names.extend(
                    {
                        n
                        for n in (*node.input, *captured_names(node.attribute))
                        if n and n not in own
                    }
                )
            names.extend(v.name for v in graph.output if v.name and v.name not in own)
    return names
