"""Who ran what, and what had to cross between host and device for that?

The providers of the kernels are in the profile; the copies are nodes that ONNX Runtime put into the
graph it saves (MemcpyToHost, MemcpyFromHost); how many of the model's own nodes each provider was
assigned, ONNX Runtime tells since 1.24 (`get_provider_graph_assignment_info`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.machine import Copied, Placement
from cnnscope.runtime.engine.providers import CPU, Provider, short_name

if TYPE_CHECKING:
    import onnx

_TO_HOST: Final = "MemcpyToHost"
_FROM_HOST: Final = "MemcpyFromHost"


def find_placement(
    provider: Provider, rows: Sequence[Row], graph: onnx.GraphProto, assigned: Mapping[str, int]
) -> Placement:
    """The placement of a graph that ran.

    Args:
        provider: what was asked for.
        rows: the kernels.
        graph: the same, as ONNX Runtime saved it.
        assigned: by provider, how many nodes; empty where that isn't told.
    """
    host = short_name(CPU)
    elsewhere = provider.chain[0] != CPU
    copies = [
        Copied(node.input[0], node.op_type == _TO_HOST)
        for node in graph.node if node.op_type in (_TO_HOST, _FROM_HOST)
    ]  # fmt: skip
    fallen = [
        name
        for row in rows
        if elsewhere and row.provider == host and row.op not in (_TO_HOST, _FROM_HOST)
        for name in row.layers or (row.name,)
    ]
    return Placement(
        dict(Counter(row.provider for row in rows)),
        {short_name(name): count for name, count in assigned.items()},
        tuple(fallen),
        tuple(copies),
    )
