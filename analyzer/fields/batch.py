"""Which free dimensions of the inputs are the batch: what every operator only carries along?

A dimension is a candidate by its name or by standing first. It *is* the batch where, with its length
left free, each tensor that hangs on it has one axis along which it lies, a multiple of it, and every
node reads its inputs index by index along that axis: nothing mixes examples, no size is worked out
from it in another way. Then every figure at 1 is one example's, and at N it is N times as much::

    proven     so it is, shown node by node
    open       it couldn't be shown (a shape isn't known, a subgraph, a name that says "batch" although
               something mixes examples); 1 is taken, but no verdict hangs on it
    refuted    it is a length like any other
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from cnnscope.analyzer.model.binding import says_batch
from cnnscope.analyzer.model.graph import Graph, Node, captures
from cnnscope.analyzer.operators.likeness import Answers
from cnnscope.analyzer.operators.reading import Along, Flat, Nothing
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads, find_reads
from cnnscope.analyzer.passes.shapes import infer_shapes
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, product
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.substitution import substituted
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import POINT

Standing = Literal["proven", "open", "refuted"]

#: candidates that are looked at one by one, where they aren't the batch together
_MANY = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """What was found of one free dimension.

    Args:
        state: whether it is the batch.
        why: what speaks against it, or ``""``.
    """

    state: Standing
    why: str = ""


class _Against(Exception):
    """What speaks against a dimension being the batch, and how much."""

    def __init__(self, how: Literal["unknown", "mixed", "size"], why: str) -> None:
        super().__init__(why)
        self.how = how


def find_batch(
    graph: Graph, inputs: Mapping[str, Tensor], labels: Mapping[str, bool]
) -> dict[str, Batch]:
    """Of each candidate, whether it is the batch.

    Args:
        graph: the model's.
        inputs: with the candidates left free.
        labels: the candidates; whether they stand first.
    """
    if not labels:
        return {}
    together = _tried(graph, inputs, labels)
    if together is None:
        return dict.fromkeys(labels, Batch("proven"))
    found = {}
    for label, first in labels.items():
        against = together
        if len(labels) > 1:
            alone = _tried(graph, inputs, [label]) if len(labels) <= _MANY else together
            if alone is None:
                found[label] = Batch("proven")
                continue
            against = alone
        named = says_batch(label)
        is_open = (against.how == "unknown" and (named or first)) or (
            against.how == "mixed" and named
        )
        found[label] = Batch("open" if is_open else "refuted", str(against))
    return found


def _tried(graph: Graph, inputs: Mapping[str, Tensor], labels: Iterable[str]) -> _Against | None:
    """What speaks against the dimensions being one batch; None: nothing does."""
    batch = FreeDim.named("the batch")
    lengths: dict[str, Dim] = dict.fromkeys(labels, batch)
    given = {}
    for name, x in inputs.items():
        shape = x.shape
        if shape is not None:
            shape = tuple(substituted(d, lengths) for d in shape)
        given[name] = replace(x, shape=shape)
    try:
        _Carried(batch).walk(graph, given)
    except _Against as against:
        return against
    return None


class _Carried:
    """Along which axis each tensor lies along the batch, node after node."""

    def __init__(self, batch: FreeDim) -> None:
        self.batch = batch
        self.axes: dict[str, int] = {}

    def walk(self, graph: Graph, inputs: Mapping[str, Tensor]) -> None:
        shapes = infer_shapes(graph, inputs)
        if any(d.severity == "error" for d in shapes.diagnostics):
            raise _Against("unknown", "a node contradicts its operands")
        for name, x in inputs.items():
            axis = self.axis(x, f"input {name}")
            if axis is not None:
                self.axes[name] = axis
        reads: Answers[NodeReads] = Answers(shapes.alike)
        for node in graph.nodes:
            if not shapes.folded(node):
                self.node(node, shapes, reads)
            else:
                self.made(node, shapes)

    def axis(self, x: Tensor, where: str) -> int | None:
        """The tensor's axis along the batch, None where it has none."""
        found = None
        for axis, dim in enumerate(x.shape or ()):
            if not isinstance(dim, FreeDim) or not dim.names & self.batch.names:
                continue
            times = dim // self.batch
            if isinstance(times, FreeDim) and times.names & self.batch.names:
                raise _Against("size", f"{where} has the length {dim}")
            if found is not None:
                raise _Against("size", f"{where} has it along two axes")
            found = axis
        return found

    def made(self, node: Node, shapes: Shapes) -> None:
        """What hangs on no input's numbers: a state of zeros for each example."""
        for name in node.outputs:
            if name:
                axis = self.axis(shapes.tensors[name], f"what {node.path} gives")
                if axis is not None:
                    self.axes[name] = axis

    def node(self, node: Node, shapes: Shapes, answers: Answers[NodeReads]) -> None:
        axes = self.axes
        inside = {name for body in node.bodies.values() for name in captures(body)}
        if not inside.isdisjoint(axes) or (node.bodies and not axes.keys().isdisjoint(node.inputs)):
            raise _Against("unknown", f"{node.path} carries it into a subgraph")
        if axes.keys().isdisjoint(node.inputs):
            self.made(node, shapes)
            return
        reads = answers.of(node, find_reads, node, shapes)
        for k, name in enumerate(node.outputs):
            if not name:
                continue
            y = shapes.tensors[name]
            if y.shape is None or y.kind != "tensor":
                raise _Against("unknown", f"the shape of what {node.path} gives isn't known")
            axis = self.axis(y, f"what {node.path} gives")
            if k >= len(reads.outputs):
                raise _Against("unknown", f"what {node.path} reads isn't known")
            for i, source in enumerate(node.inputs):
                if source in axes and i < len(reads.outputs[k]):
                    x = shapes.tensors[source]
                    self.read(node, reads.outputs[k][i], (x, axes[source]), (y, axis))
            if axis is not None:
                axes[name] = axis

    def read(
        self,
        node: Node,
        read: KnownRead,
        source: tuple[Tensor, int],
        given: tuple[Tensor, int | None],
    ) -> None:
        """Raises where the output doesn't follow the input index by index."""
        (x, axis), (y, along) = source, given
        if isinstance(read, Nothing):
            return
        if read is None:
            raise _Against("unknown", f"what {node.path} reads isn't known")
        if along is None:
            if any(isinstance(d, FreeDim) and d.data for d in y.dims):
                raise _Against("unknown", f"how long what {node.path} gives is isn't known")
            raise _Against("mixed", f"{node.path} takes examples together or picks one")
        if isinstance(read, Flat):
            try:
                if product(x.dims[:axis]) == product(y.dims[:along]):
                    return
            except Undetermined:
                pass
            raise _Against("mixed", f"{node.path} spreads an example over two axes")
        way = read[axis]
        if isinstance(way, Along) and way.axis == along and not way.partly:
            if way.window == POINT:
                return
            raise _Against("size", f"{node.path} has a window along it")
        raise _Against("mixed", f"{node.path} takes examples together or picks one")
