"""How far is the file's own word of a tensor taken?"""

from __future__ import annotations

from dataclasses import replace

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.node_notes import dims_text
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor


def filled_in(x: Tensor, declared: Tensor | None) -> Tensor:
    """What is known, completed by what is declared where nothing is."""
    if declared is None or x is declared:
        return x
    dtype = x.dtype or declared.dtype
    shape = x.shape
    if shape is None:
        if declared.shape is not None and all(isinstance(d, int) for d in declared.shape):
            shape = declared.shape
    elif declared.shape is not None and len(declared.shape) == len(shape):
        shape = tuple(
            theirs if isinstance(mine, FreeDim) and mine.data and isinstance(theirs, int) else mine
            for mine, theirs in zip(shape, declared.shape, strict=True)
        )
    kind = declared.kind if x.kind == "tensor" and x.dtype is None and x.shape is None else x.kind
    element = x.element or declared.element
    if (dtype, shape, kind, element) == (x.dtype, x.shape, x.kind, x.element):
        return x
    return replace(x, dtype=dtype, shape=shape, kind=kind, element=element)


def beside_declared(x: Tensor, declared: Tensor, node: Node, shapes: Shapes) -> Tensor:
    if x.shape is declared.shape or x.shape == declared.shape:
        return filled_in(x, declared)
    if x.shape is not None and declared.shape is not None:
        differs = len(x.shape) != len(declared.shape) or any(
            isinstance(a, int) and isinstance(b, int) and a != b
            for a, b in zip(x.shape, declared.shape, strict=True)
        )
        if differs:
            shapes.diagnostics.append(
                Diagnostic("declared-shape-differs", "warning", node.name,
                           f"{node.title} gives {dims_text(x)}, the file declares {dims_text(declared)}",
                           "the file's value_info is stale; what is computed is used")
            )  # fmt: skip
    return filled_in(x, declared)
