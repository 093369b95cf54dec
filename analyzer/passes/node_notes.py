"""What is said of a node that can't be, or whose outputs hang on what isn't known?"""

from __future__ import annotations

from cnnscope.analyzer.model.graph import Node, quoted
from cnnscope.analyzer.passes.demands import Contradiction
from cnnscope.analyzer.passes.facts import NOT_TOLD, Shapes
from cnnscope.analyzer.values.diagnostics import (
    Diagnostic,
    one_line,
)
from cnnscope.analyzer.values.dimension import FreeDim, Undetermined
from cnnscope.analyzer.values.tensor import Tensor


def note_lost_rank(node: Node, name: str, shapes: Shapes) -> None:
    """Keep which operator costs a tensor's rank."""
    blamed = next((shapes.behind[n] for n in node.inputs if n in shapes.behind), None)
    if blamed is None and shapes.how.get(node.index) in ("unknown", "schema"):
        blamed = node.title
    if blamed is not None:
        shapes.behind[name] = blamed


def refuse(node: Node, error: Contradiction, shapes: Shapes) -> tuple[Tensor, ...]:
    """Nothing of the node's outputs, and an error that names it, with its inputs' shapes."""
    inputs = tuple([shapes.tensors[name] if name else None for name in node.inputs])
    text = f"{place_of(node)}: {error}{given_shapes(inputs)}"
    shapes.diagnostics.append(
        Diagnostic("invalid-node", "error", node.name, one_line(text),
                   "what it gives is unknown, and so is whatever hangs on that")
    )  # fmt: skip
    for name in node.bodies:
        shapes.bodies.pop((node.index, name), None)
    shapes.functions.pop(node.index, None)
    shapes.how[node.index] = "unknown"
    shapes.refused.add(node.index)
    return tuple([NOT_TOLD for _ in node.outputs])


def note_undetermined(node: Node, unknown: Undetermined, shapes: Shapes) -> None:
    if unknown.names:
        what = f"hangs on the free dimension {', '.join(sorted(unknown.names))}"
        hint = " ".join(f"--dim {name}=LENGTH" for name in sorted(unknown.names))
    elif unknown.data:
        what, hint = f"depends on data: {', '.join(sorted(unknown.data))}", ""
    else:
        what, hint = f"depends on {unknown.reason or 'data'}", ""
    shapes.diagnostics.append(
        Diagnostic("undetermined-shape", "info", node.name,
                   f"the output size of {node.title} {what}", hint)
    )  # fmt: skip


def note_data(node: Node, outputs: tuple[Tensor, ...], shapes: Shapes) -> None:
    """Say where a size first hangs on data."""
    new: set[str] = set()
    for x in outputs:
        for d in x.shape or ():
            if d.__class__ is not int and isinstance(d, FreeDim):
                new |= d.data
    if not new:
        return
    for name in node.inputs:
        for d in (shapes.tensors[name].shape or ()) if name else ():
            if isinstance(d, FreeDim):
                new -= d.data
    if new:
        shapes.diagnostics.append(
            Diagnostic("data-dependent-size", "info", node.name,
                       f"how large {node.title}'s output is depends on data: {', '.join(sorted(new))}",
                       "what hangs on it is unavailable or a lower bound")
        )  # fmt: skip


_SHOWN = 8  # input shapes, and axes of each, that an error shows


def place_of(node: Node) -> str:
    """A node in an error: which, and what it is."""
    title = node.title if len(node.title) <= 120 else f"{node.title[:117]}..."
    return f"node {quoted(node.name)} ({title})"


def given_shapes(inputs: tuple[Tensor | None, ...]) -> str:
    """The input shapes, for an error's reader."""
    shown = [
        "-" if x is None else "?" if x.shape is None else dims_text(x) for x in inputs[:_SHOWN]
    ]
    more = ", ..." if len(inputs) > _SHOWN else ""
    return f" (inputs: {', '.join(shown)}{more})" if shown else ""


def dims_text(x: Tensor) -> str:
    shape = x.shape or ()
    return "x".join(map(str, shape[:_SHOWN])) + ("x..." if len(shape) > _SHOWN else "") or "scalar"
