"""What are graphs and nodes called in Model Explorer?

That is the matter of its ONNX adapter (the package ``model-explorer-onnx``, 0.4.2). It names nodes without a
name ``node``, and counts on where a graph has a name twice; the branches of an If lie in the graph around it,
their nodes' names behind the If's; the subgraph of another node of the main graph is a graph of its own;
those further in, and those in functions, aren't shown.
"""

from __future__ import annotations

from collections import Counter

import onnx

from cnnscope.analyzer.model.node_places import NodePlace, Written, written_nodes
from cnnscope.analyzer.values.plain_class import dataclass

_BRANCHING = ("", "If")
"""Domain and operator of the nodes whose subgraphs are drawn where they are."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """Where the nodes of a graph are shown: in which graph, behind which name; None: nowhere."""

    graph: str | None
    before: str = ""


def adapter_names(model: onnx.ModelProto) -> dict[tuple[Written, int], tuple[str, str]]:
    """For each node of the file that is shown, its graph's name there and its own.

    >>> import onnx.parser
    >>> head = '<ir_version: 8, opset_import: ["": 17]> g (float[1] x) => (float[1] y)'
    >>> list(adapter_names(onnx.parser.parse_model(head + '{ t = Relu(x) y = Relu(t) }')).values())
    [('g', 'node'), ('g', 'node_1')]
    """
    graphs: dict[Written, _Shown] = {(): _Shown(model.graph.name)}
    for function in model.functions:
        key = (function.domain, function.name, getattr(function, "overload", ""))
        named = "::".join(key if key[2] else key[:2])
        graphs[("" if key[0] == "ai.onnx" else key[0], *key[1:])] = _Shown(f"[function]{named}")
    used: dict[Written, set[str]] = {}
    counts: dict[Written, Counter[str]] = {}
    found: dict[tuple[Written, int], tuple[str, str]] = {}
    for place, proto, _ in written_nodes(model):
        of_function = bool(place.within) and isinstance(place.within[0], str)
        root = place.within[:3] if of_function else ()
        taken = used.setdefault(place.within, set())
        own = _unlike(proto.name or "node", taken, counts.setdefault(root, Counter()))
        shown = graphs.get(place.within, _Shown(None))
        if shown.graph is not None:
            found[place.within, place.at] = shown.graph, f"{shown.before}{own}"
        if not of_function:
            _add_bodies(graphs, place, proto, f"{shown.before}{own}", shown)
    return found


def _unlike(wanted: str, taken: set[str], counts: Counter[str]) -> str:
    name = wanted
    while name in taken:
        counts[wanted] += 1
        name = f"{wanted}_{counts[wanted]}"
    taken.add(name)
    return name


def _add_bodies(
    graphs: dict[Written, _Shown], place: NodePlace, proto: onnx.NodeProto, name: str, shown: _Shown
) -> None:
    """Where the subgraphs of a node of the main graph, or of one in a subgraph there, are shown."""
    main = graphs[()].graph
    for attribute in proto.attribute:
        if not attribute.HasField("g"):
            continue
        at = f"{name}/{attribute.name}"
        if (proto.domain, proto.op_type) == _BRANCHING:
            graphs[place.body(attribute.name)] = _Shown(shown.graph, f"{at}/")
        elif shown.graph == main and _in_branches(graphs, place):
            graphs[place.body(attribute.name)] = _Shown(at)


def _in_branches(graphs: dict[Written, _Shown], place: NodePlace) -> bool:
    """The node is in the main graph, be it by way of branches."""
    return not place.within or bool(graphs[place.within].before)
