"""How do the layers hang together? The report as a networkx graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnscope.analyzer.report.report import Report

if TYPE_CHECKING:
    import networkx


def whole_network(report: Report) -> networkx.DiGraph[str]:
    """The report's layers as a networkx DiGraph."""
    import networkx

    network: networkx.DiGraph[str] = networkx.DiGraph()
    givers: dict[str, str] = {}
    for x in report.inputs:
        network.add_node(x.name, kind="input", shape=x.shape, dtype=x.dtype)
        givers[x.name] = x.name
    for layer in report.layers:
        name = layer.name if layer.name not in network else f"{layer.name} ({layer.op})"
        network.add_node(
            name, kind="layer", layer=layer, op=layer.op, params=layer.params, macs=layer.macs,
            flops=layer.flops, shape=layer.output_shape, bytes_read=layer.bytes_read,
            bytes_written=layer.bytes_written, receptive_field=layer.receptive_field,
        )  # fmt: skip
        for tensor in layer.inputs:
            if tensor in givers:
                _join(network, givers[tensor], name, tensor)
        for value in layer.outputs:
            givers[value.name] = name
    for x in report.outputs:
        if x.name in givers:
            end = x.name if x.name not in network else f"{x.name} (output)"
            network.add_node(end, kind="output", shape=x.shape, dtype=x.dtype)
            _join(network, givers[x.name], end, x.name)
    return network


def _join(network: networkx.DiGraph[str], a: str, b: str, tensor: str) -> None:
    if network.has_edge(a, b):
        network.edges[a, b]["tensors"].append(tensor)
    else:
        network.add_edge(a, b, tensors=[tensor])
