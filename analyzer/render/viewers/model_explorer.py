"""What does Google's Model Explorer colour its nodes by? *Node data*, a JSON file opened beside the model.

By graph, then by node: a value each, and the colours between the smallest and the largest. What graphs and
nodes are called there is told in `adapter_names`.
"""

from __future__ import annotations

from typing import Final

from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.render.viewers.adapter_names import adapter_names
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
    names = adapter_names(analysis_of(report).file.model)
    found: dict[str, dict[str, object]] = {}
    lost = 0
    for node in file_nodes(report):
        values = {METRICS[metric](layers) for layers in node.times}
        value = values.pop() if len(values) == 1 else None
        if value is None:
            continue
        place = node.written.place
        if (place.within, place.at) not in names:
            lost += 1
            continue
        graph, name = names[place.within, place.at]
        found.setdefault(graph, {})[name] = {"value": value}
    data = {
        graph: {"name": f"cnnscope {metric}", "results": results, "gradient": _gradient()}
        for graph, results in found.items()
    }
    return Exported(dumped(data), _not_shown(lost))


def _not_shown(nodes: int) -> tuple[str, ...]:
    if not nodes:
        return ()
    return (
        f"Model Explorer doesn't show {many(nodes, 'node')}, in subgraphs within others or functions",
    )


def _gradient() -> list[dict[str, object]]:
    last = len(COLORS) - 1
    return [
        {"stop": i / last, "bgColor": color, "textColor": text_color(i)}
        for i, color in enumerate(COLORS)
    ]
