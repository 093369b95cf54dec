"""Is a model quantised, in which way, and in which types are its weights stored?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from cnnscope.analyzer.fleet.row_values import counts
from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.operators.definition import Scheme, lookup
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.report.examination import Analysis

#: the one that says the most of a model comes first
_ORDER: Final[tuple[Scheme, ...]] = ("dynamic", "qoperator", "qdq", "weights")


def quantised_columns(analysis: Analysis) -> dict[str, object]:
    """How a model is quantised, and what its weights are stored in."""
    schemes = set(_schemes(analysis.graph, analysis.shapes))
    found: Counter[str] = Counter()
    for weight in analysis.weights.used:
        found[weight.dtype or "unknown"] += weight.nbytes
    return {
        "quantised": next((x for x in _ORDER if x in schemes), "none"),
        "weight_dtypes": counts({dtype: nbytes for dtype, nbytes in found.items() if nbytes}),
    }


def _schemes(graph: Graph, shapes: Shapes) -> Iterator[Scheme]:
    """Those of a graph's nodes, and of its subgraphs'."""
    known: dict[tuple[str, str, int], Scheme | None] = {}
    for node in graph.nodes:
        key = node.domain, node.op, node.version
        if key not in known:
            operator = lookup(*key)
            known[key] = None if operator is None else operator.scheme
        scheme = known[key]
        if scheme == "qdq" and _is_stored(node.inputs, shapes):
            scheme = "weights"
        if scheme is not None:
            yield scheme
        for attribute, body in node.bodies.items():
            inner = shapes.bodies.get((node.index, attribute))
            if inner is not None:
                yield from _schemes(body, inner)


def _is_stored(inputs: tuple[str, ...], shapes: Shapes) -> bool:
    """What is rounded or turned back there doesn't hang on the network's inputs."""
    tensor = shapes.tensors.get(inputs[0]) if inputs else None
    return tensor is not None and tensor.constant
