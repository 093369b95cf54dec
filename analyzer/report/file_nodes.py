"""What is said of each node as its file has it, where functions don't stand in place of their calls?

A viewer shows the file: of a function one drawing, however often it is called. What is said of a node there
has to hold for every call; what differs isn't said. A call comes to what its layers come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.model.node_places import NodePlace, Written, WrittenNode, written_nodes
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.report.group import group_of
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layer_records import shape_text
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.plain_class import dataclass

#: what is said of a node, by name
Fact = int | float | str
_Key = tuple[Written, int]


@dataclass(frozen=True, slots=True, eq=False)
class FileNode:
    """A node of the file that costs something, or was told a size.

    Args:
        written: the node, and where it is.
        times: the layers that it stands for, each time that it does: one layer; of a call, some.
    """

    written: WrittenNode
    times: tuple[tuple[Layer, ...], ...]

    @property
    def facts(self) -> dict[str, Fact]:
        """What is said of it: exact numbers; texts where there is no number, such as formulas."""
        call = self.written.function is not None
        each = [call_facts(layers) if call else layer_facts(layers[0]) for layers in self.times]
        first, *others = each
        found = {key: x for key, x in first.items() if all(o.get(key) == x for o in others)}
        return {**found, "calls": len(each)} if others else found


def file_nodes(report: Report) -> list[FileNode]:
    """The nodes of the report's file that are layers, or calls of functions with layers; as `written_nodes`.

    Raises:
        ValueError: the report was read back from data, and knows no file.

    >>> import cnnscope
    >>> nodes = file_nodes(cnnscope.analyze("sample_models/lenet5.onnx"))
    >>> nodes[0].written.proto.name, nodes[0].facts["macs"], nodes[0].facts["receptive_field"]
    ('/conv1/Conv', 117600, '5x5')
    """
    analysis = analysis_of(report)
    nodes = _by_name(analysis.graph)
    found: dict[_Key, dict[NodePlace | None, list[Layer]]] = {}
    for layer, ends in _with_bodies(report.layers, nodes, None):
        place = nodes[layer.name].place
        if place is None:
            continue
        found.setdefault((place.within, place.at), {}).setdefault(place, []).append(layer)
        call = place.call
        while call is not None and call != ends:
            found.setdefault((call.within, call.at), {}).setdefault(call, []).append(layer)
            call = call.call
    made = []
    for written in written_nodes(analysis.file.model):
        times = found.get((written.place.within, written.place.at))
        if times is not None:
            made.append(FileNode(written, tuple(map(tuple, times.values()))))
    return made


def analysis_of(report: Report) -> Analysis:
    """What the report was made from.

    Raises:
        ValueError: it was read back from data.
    """
    if not isinstance(report._analysis, Analysis):
        raise ValueError("the report was read from data: for what its file has, analyse the model")
    return report._analysis


def _by_name(graph: Graph) -> dict[str, Node]:
    found: dict[str, Node] = {}
    waiting = [graph]
    while waiting:
        for node in waiting.pop().nodes:
            found[node.name] = node
            waiting += node.bodies.values()
    return found


def _with_bodies(
    layers: Iterable[Layer], nodes: Mapping[str, Node], ends: NodePlace | None
) -> Iterator[tuple[Layer, NodePlace | None]]:
    """Each layer, those of subgraphs too, with the call around the subgraph: a layer has what its subgraphs
    have, so that a call around it has them already."""
    for layer in layers:
        yield layer, ends
        place = nodes[layer.name].place
        for body in layer.bodies.values():
            yield from _with_bodies(body, nodes, None if place is None else place.call)


def layer_facts(layer: Layer) -> dict[str, Fact]:
    """What is said of a layer in few words; what isn't known isn't there."""
    kind = layer.kind.label
    found: dict[str, Fact | None] = {
        "kind": kind if kind != layer.op else None,
        "output": shape_text(layer.output_shape),
        "params": layer.params,
        **{key: getattr(layer, key) for key in ("macs", "flops")},
        "weight_bytes": layer.weight_bytes,
        **{key: getattr(layer, key) for key in ("bytes_read", "bytes_written")},
        **_field(layer),
    }
    found.update(layer.formulas)
    return {
        key: x if isinstance(x, int | float) else str(x)
        for key, x in found.items()
        if x is not None
    }


def _field(layer: Layer) -> dict[str, Fact | None]:
    """The receptive field along the axes of the first input, which is named where there are several."""
    fields = layer.receptive_field
    first = [f for f in fields if f.input == fields[0].input]
    moving = [f for f in first if f.output_axis is not None]
    return {
        "receptive_field": _along([f.size for f in first]),
        "local_field": _along([f.local_size for f in moving])
        if any(f.global_ for f in first)
        else None,
        "step": _along([f.step for f in moving]),
        "start": ", ".join("?" if f.start is None else str(f.start) for f in moving) or None,
        "sees": first[0].input if len(first) < len(fields) else None,
    }


def _along(sizes: Sequence[int | None]) -> str | None:
    return "x".join("?" if x is None else str(x) for x in sizes) or None


def call_facts(layers: Sequence[Layer]) -> dict[str, Fact]:
    """What the layers of a call, or of a module, come to."""
    group = group_of("module", "", layers)
    totals: dict[str, Metric] = {
        key: getattr(group, key) for key in ("macs", "flops", "traffic_bytes")
    }
    found: dict[str, Fact | None] = {"layers": len(layers), "params": group.params}
    for key, total in totals.items():
        found[key] = total.formula if total.whole else total.value
    found["weight_bytes"] = sum(x.weight_bytes for x in layers)
    return {key: x for key, x in found.items() if x is not None}
