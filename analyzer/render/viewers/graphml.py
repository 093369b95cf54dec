"""How does the network go to yEd, Gephi, Cytoscape or networkx? As GraphML, written by networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.viewers.exported import Exported, Wish
from cnnscope.analyzer.render.viewers.scale import COLORS, METRICS, metric_named, shades
from cnnscope.analyzer.report.file_nodes import call_facts
from cnnscope.analyzer.report.folded_network import Drawing, drawing
from cnnscope.analyzer.report.report import Report

if TYPE_CHECKING:
    import networkx


def graphml(report: Report, wish: Wish) -> Exported:
    """`Report.graph` as GraphML, modules folded below a depth where one is asked for; each node with its
    ``color`` where a metric is.

    Raises:
        ValueError: there is no such metric, or the depth isn't positive.
    """
    import networkx

    drawn = drawing(report, wish.depth)
    network = _folded(report.graph, drawn)
    if wish.color is not None:
        amount = METRICS[metric_named(wish.color)]
        made = [x for x in drawn.nodes if x.layers]
        for node, shade in zip(made, shades(amount(x.layers) for x in made), strict=True):
            if shade is not None:
                network.nodes[node.key]["color"] = COLORS[shade]
    text = "\n".join(networkx.generate_graphml(network))
    return Exported(without_commands(f"{text}\n", colon="&#58;", sign="&#35;"))


def _folded(whole: networkx.DiGraph[str], drawn: Drawing) -> networkx.DiGraph[str]:
    """The network with a module in the place of the layers that it stands for."""
    import networkx

    found: networkx.DiGraph[str] = networkx.DiGraph()
    for node in drawn.nodes:
        facts = dict(whole.nodes[node.key]) if node.kind != "module" else {
            "kind": "module", "name": node.key, **call_facts(node.layers),
        }  # fmt: skip
        if node.kind == "module" and node.shape:
            facts["shape"] = node.shape
        found.add_node(node.key, **facts)
    for (a, b), tensors in drawn.arrows.items():
        found.add_edge(a, b, tensors=", ".join(tensors))
    return found
