"""What does one unit of a graph's tensor see, asked by itself?"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.fields.regions import Ranges, RegionLookup
from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.passes.facts import Shapes


def find_region(graph: Graph, shapes: Shapes, tensor: str, unit: Sequence[int | None]) -> Ranges:
    """By network input, the indices seen per axis as inclusive ranges; nothing is kept for the next."""
    return RegionLookup(graph, shapes, {}).of(tensor, [unit])[0]
