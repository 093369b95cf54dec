"""How do the layers hang together? The report as a networkx graph.

Every attribute is a number, a text or an answer, and what isn't known isn't there, so that networkx's own
writers take the graph as it is: GraphML, GEXF, node-link JSON.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cnnscope.analyzer.report.layer_records import layer_records, shape_text
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.collector import collector_resting
from cnnscope.analyzer.values.frames import Cell, flat
from cnnscope.analyzer.values.notation import escape

if TYPE_CHECKING:
    import networkx

#: what a layer's record calls otherwise than the graph, in which inputs and outputs are nodes, too
_RENAMED = {"kind": "layer_kind", "output": "shape"}


def whole_network(report: Report) -> networkx.DiGraph[str]:
    """The report's layers as a networkx DiGraph."""
    with collector_resting():
        return _network(report)


def _network(report: Report) -> networkx.DiGraph[str]:
    import networkx

    network: networkx.DiGraph[str] = networkx.DiGraph()
    givers: dict[str, str] = {}
    met: Counter[str] = Counter()
    joined: dict[tuple[str, str], list[str]] = {}
    for x in report.inputs:
        givers[x.name] = _add(network, x.name, "input", _end(x), met)
    for layer, record in zip(report.layers, layer_records(report.layers), strict=True):
        facts = {_RENAMED.get(key, key): value for key, value in flat(record).items()}
        node = _add(network, layer.name, "layer", facts, met)
        for tensor in layer.inputs:
            if tensor in givers:
                joined.setdefault((givers[tensor], node), []).append(escape(tensor))
        for value in layer.outputs:
            givers[value.name] = node
    for x in report.outputs:
        if x.name in givers:
            node = _add(network, x.name, "output", _end(x), met)
            joined.setdefault((givers[x.name], node), []).append(escape(x.name))
    for (a, b), tensors in joined.items():
        network.add_edge(a, b, tensors=", ".join(tensors))
    return network


def _end(x: Input) -> dict[str, Cell]:
    return {"name": str(x.name), "shape": shape_text(x.shape), "dtype": x.dtype}


def _add(
    network: networkx.DiGraph[str], name: str, kind: str, facts: dict[str, Cell], met: Counter[str]
) -> str:
    """Adds a node, and gives what it is called: its name, as far as a file can hold that and no other
    node has it."""
    node = called = escape(name)
    if node in network:
        node = f"{called} ({facts['op'] if kind == 'layer' else kind})"
    while node in network:
        # Counted on from where it stopped: a file may call all of its nodes alike.
        met[called] += 1
        node = f"{called} ({met[called] + 1})"
    known = {
        key: escape(x) if isinstance(x, str) else x for key, x in facts.items() if x is not None
    }
    network.add_node(node, **{**known, "kind": kind})
    return node
