"""How does the length of each axis of an output come about, and what becomes of each axis of an input?"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.explanation.axes import AxisFate, AxisOrigin
from cnnscope.analyzer.fields.extreme_paths import ExtremePaths
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.regions import RegionLookup
from cnnscope.analyzer.fields.steps import Alone
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.operators.formulas import (
    Named,
    rule_keywords,
    shape_formulas,
)
from cnnscope.analyzer.operators.reading import Along, Flat, Listed, Nothing, Only, Upto, Whole
from cnnscope.analyzer.passes.costs import Cost
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.passes.weights import Path, Weights
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.window import Window

ARAUJO = "https://distill.pub/2019/computing-receptive-fields"


@dataclass(frozen=True, slots=True)
class ExplainedNode:
    """A layer to be explained, and the passes' results about it.

    Args:
        graph: the main graph.
        shapes: of the graph that its node is in.
        node, cost, reads, kind: its own.
        weights, path: everything stored, and the layer's place in it.
        fields: None for a layer inside a subgraph.
        regions, paths: what single units of the main graph see, and along which paths.
    """

    graph: Graph
    shapes: Shapes
    node: Node
    cost: Cost
    reads: NodeReads
    kind: Kind
    weights: Weights
    path: Path
    fields: Fields | None
    regions: RegionLookup
    paths: ExtremePaths

    @property
    def alone(self) -> Alone:
        """What the main graph's nodes bring to their outputs, input by input."""
        return self.paths.alone


def axis_origins(subject: ExplainedNode, operands: Sequence[Named]) -> tuple[AxisOrigin, ...]:
    node = subject.node
    formulas = shape_formulas(node, operands, rule_keywords(node))
    how = subject.shapes.how.get(node.index, "unknown")
    found = []
    for n in operands:
        if not n.output:
            continue
        which = node.outputs.index(n.tensor)
        for axis, length in enumerate(n.facts.shape or ()):
            given = formulas[n.tensor][axis] if n.tensor in formulas else None
            way, formula = "given", None
            textbook = _by_window(subject, operands, which, axis, length)
            if textbook is not None:
                way, formula = "window", textbook
            elif given is not None and given.symbolic:
                carried = given.text in given.values
                way, formula = "carried" if carried else "computed", given
            found.append(AxisOrigin(n.axis(axis), n.tensor, axis, length, way, formula, how))
    return tuple(found)


def _by_window(
    subject: ExplainedNode, operands: Sequence[Named], which: int, axis: int, length: Dim
) -> Formula | None:
    """The textbook's formula, where the axis moves over an input's and it comes out exactly."""
    reads = subject.reads.outputs
    if which >= len(reads):
        return None
    by_tensor = {n.tensor: n for n in operands if not n.output}
    for tensor, ways in zip(subject.node.inputs, reads[which], strict=True):
        if not isinstance(ways, tuple) or tensor not in by_tensor:
            continue
        for own, way in enumerate(ways):
            if isinstance(way, Along) and way.axis == axis and way.window.moves:
                n = by_tensor[tensor]
                found = _textbook(n.axis(own), n.facts.dims[own], way.window, length)
                if found is not None:
                    return found
    return None


def _textbook(symbol: str, n: Dim, window: Window, length: Dim) -> Formula | None:
    parts = {
        "before": window.before, "after": window.after, "dilation": window.dilation,
        "kernel": window.size, "stride": window.stride,
    }  # fmt: skip
    whole = {name: value for name, value in parts.items() if isinstance(value, int)}
    if len(whole) < len(parts) or whole["stride"] < 1:
        return None
    for ceil in (False, True):
        if window.output_length(n, ceil=ceil) == length:
            text = f"({symbol} + before + after - (dilation*(kernel - 1) + 1))/stride"
            text = f"{'ceil' if ceil else 'floor'}({text}) + 1"
            return Formula(text, {symbol: n, **whole}, length)
    return None


def axis_fates(subject: ExplainedNode, operands: Sequence[Named]) -> tuple[AxisFate, ...]:
    """What becomes of the axes of what isn't constant."""
    node = subject.node
    reads = subject.reads.outputs[0] if subject.reads.outputs else ()
    outputs = [n for n in operands if n.output and n.tensor == node.outputs[0]]
    found: list[AxisFate] = []
    for n in operands:
        if n.output or n.facts.shape is None or n.facts.constant:
            continue
        which = node.inputs.index(n.tensor)
        ways = reads[which] if which < len(reads) else None
        for axis, length in enumerate(n.facts.shape):
            fate, to = _fate(ways, axis, length)
            if subject.reads.through or node.index in subject.shapes.functions:
                fate, to = "inside", None
            target = None if to is None or not outputs else outputs[0].axis(to)
            found.append(AxisFate(n.axis(axis), length, fate, target))
    return tuple(found)


def _fate(ways: object, axis: int, length: Dim) -> tuple[str, int | None]:
    if isinstance(ways, Flat):
        return "reshaped", None
    if isinstance(ways, Nothing):
        return "unread", None
    if not isinstance(ways, tuple):
        return "unknown", None
    way = ways[axis]
    if isinstance(way, Along):
        return ("carried" if way.window.is_identity else "window"), way.axis
    if isinstance(way, Listed):
        return "grouped", way.axis
    if isinstance(way, Upto):
        return "scanned", way.axis
    if isinstance(way, Only):
        return ("broadcast" if length == 1 else "fixed"), None
    return ("pooled" if isinstance(way, Whole) and way.spatial else "contracted"), None
