"""What does Google's Model Explorer colour its nodes by? *Node data*, a JSON file opened beside the model.

By graph, then by node: a value each, and the colours between the smallest and the largest. What graphs and
nodes are called is the ONNX adapter's matter (the package ``model-explorer-onnx``): the graph's name,
``[function]`` with a function's, a node's name with the attribute's for its subgraph; a node without a name
goes by its position.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from cnnscope.analyzer.model.node_places import Written, WrittenNode, written_in, written_nodes
from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.render.viewers.exported import Exported, Wish
from cnnscope.analyzer.render.viewers.scale import COLORS, METRICS, metric_named, text_color
from cnnscope.analyzer.report.file_nodes import analysis_of, file_nodes
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import many

_USUAL: Final = "macs"


def node_data(report: Report, wish: Wish) -> Exported:
    """One metric of the report's layers as Model Explorer's node data; MACs, unless another is asked for.

    Raises:
        ValueError: there is no such metric; or the report was read back from data, and knows no file.
    """
    metric = metric_named(wish.color or _USUAL)
    amount, graphs = METRICS[metric], _graphs(report)
    called = Counter((graphs.get(x.place.within), node_id(x)) for x in _written(report))
    found: dict[str, dict[str, object]] = {}
    lost = 0
    for node in file_nodes(report):
        values = {amount(layers) for layers in node.times}
        value = values.pop() if len(values) == 1 else None
        graph, called_so = graphs.get(node.written.place.within), node_id(node.written)
        if value is None:
            continue
        if graph is None or called[graph, called_so] > 1:
            lost += 1
            continue
        found.setdefault(graph, {})[called_so] = {"value": value}
    data = {
        graph: {"name": f"cnnscope {metric}", "results": results, "gradient": _gradient()}
        for graph, results in found.items()
    }
    notes = () if not lost else (
        f"{many(lost, 'node')} can't be told from others in Model Explorer: no value there",
    )  # fmt: skip
    return Exported(dumped(data), notes)


def _written(report: Report) -> list[WrittenNode]:
    return list(written_nodes(analysis_of(report).file.model))


def node_id(node: WrittenNode) -> str:
    """What a node is called there."""
    return node.proto.name or f"<node_{node.place.at}>"


def _graphs(report: Report) -> dict[Written, str]:
    """What graphs are called there, by what their nodes are written in; those in subgraphs aren't shown."""
    model = analysis_of(report).file.model
    found: dict[Written, str] = {(): model.graph.name}
    for function in model.functions:
        key = written_in(function)
        parts = [function.domain, *map(str, key[1:] if key[-1] else key[1:-1])]
        found[key] = f"[function]{'::'.join(parts)}"
    for node in _written(report):
        if not node.place.within:
            for attribute in node.proto.attribute:
                if attribute.HasField("g"):
                    found[node.place.body(attribute.name)] = f"{node_id(node)}/{attribute.name}"
    return found


def _gradient() -> list[dict[str, object]]:
    last = len(COLORS) - 1
    return [
        {"stop": i / last, "bgColor": color, "textColor": text_color(i)}
        for i, color in enumerate(COLORS)
    ]
