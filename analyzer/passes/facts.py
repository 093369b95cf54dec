"""What is known of every tensor of a graph, and what may finding it out still take?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Literal

import numpy as np
import onnx

from cnnscope.analyzer.model.expansion import NODE_LIMIT
from cnnscope.analyzer.model.graph import (
    Graph,
    Node,
)
from cnnscope.analyzer.operators.likeness import Key
from cnnscope.analyzer.values.diagnostics import (
    Diagnostic,
    LimitError,
)
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

How = Literal["rules", "function", "schema", "declared", "unknown"]


@dataclass(frozen=True, eq=False)
class Shapes:
    """What is known of every tensor of one graph.

    Args:
        tensors: by name: inputs, stored tensors, node outputs, and what bodies capture.
        how: by node index, what the outputs are known from.
        bodies: of nodes with subgraphs, by node index and attribute name; the last one inferred.
        functions: of operators analysed through their schema's function body: the body.
        alike: by node index, the class of nodes alike (`likeness`) that it belongs to.
        diagnostics: what was noticed.
        refused: by index, the nodes that can't be: an error says why. Nothing is known of their
            outputs, nor of what hangs on those: the file's own word isn't taken there.
        behind: of tensors whose rank isn't known, the operator without rules that costs it.
    """

    tensors: dict[str, Tensor]
    how: dict[int, How] = field(default_factory=dict)
    bodies: dict[tuple[int, str], Shapes] = field(default_factory=dict)
    functions: dict[int, tuple[Graph, Shapes]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    alike: dict[int, int] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    behind: dict[str, str] = field(default_factory=dict)
    _doubtful: set[str] = field(default_factory=set, repr=False)
    _classes: dict[Key, tuple[int, tuple[Tensor, ...]]] = field(default_factory=dict, repr=False)
    _folded: dict[int, bool] = field(default_factory=dict, repr=False)
    _values: dict[object, tuple[np.ndarray, ...]] = field(default_factory=dict, repr=False)
    _objections: dict[object, str] = field(default_factory=dict, repr=False)
    _allowance: BodyAllowance | None = field(default=None, repr=False)
    origin: Origin = field(default_factory=lambda: Origin(), repr=False)

    @property
    def room(self) -> ModelRoom:
        """What the whole model may still take."""
        assert self._allowance is not None
        return self._allowance.room

    def inputs(self, node: Node) -> tuple[Tensor | None, ...]:
        """A node's inputs, None where omitted."""
        return tuple([self.tensors[name] if name else None for name in node.inputs])

    def outputs(self, node: Node) -> tuple[Tensor, ...]:
        """A node's outputs; those omitted are unknown tensors."""
        return tuple([self.tensors[name] if name else NOT_TOLD for name in node.outputs])

    def folded(self, node: Node) -> bool:
        """Is the result known without running the model, so that the node is no layer?"""
        known = self._folded.get(node.index)  # every pass asks
        if known is None:
            known = False
            for name in node.outputs:
                if name:
                    x = self.tensors[name]
                    known = x.constant or x.is_told
                    if not known:
                        break
            self._folded[node.index] = known
        return known


NOT_TOLD = Tensor()


@dataclass(slots=True)
class Origin:
    """Where the numbers are that were not kept: see `cnnscope.analyzer.passes.places`.

    Args:
        graph: the graph whose tensors these are.
        outer: of a subgraph, what is known around it.
        read: reads a stored tensor's numbers from the model's file; None: only what is in memory.
        known: what was found of each tensor.
    """

    graph: Graph | None = None
    outer: Shapes | None = None
    read: Callable[[onnx.TensorProto], np.ndarray] | None = None
    known: dict[str, np.ndarray | None] = field(default_factory=dict)


#: how many nodes may be gone through in subgraphs, and per node of the model. A loop's body is gone
#: through until its state settles, up to three times, and with loops in loops three times three.
_BODY_NODES, _BODY_ROUNDS = 20_000, 9


#: bytes of values worked out beforehand that may be kept at once
VALUE_BYTES = 1 << 28


@dataclass(slots=True)
class ModelRoom:
    """What the whole model may still take: nodes of schemas' function bodies, bytes of values."""

    nodes: int
    values: int = VALUE_BYTES

    def keep(self, arrays: Sequence[np.ndarray | None]) -> None:
        for array in arrays:
            if array is not None:
                self.values -= array.nbytes
        if self.values < 0:
            raise LimitError(
                f"the constants that can be worked out beforehand take more than"
                f" {VALUE_BYTES >> 20} MiB; fold them in the file"
            )

    def expand(self, nodes: int) -> None:
        self.nodes -= 2 * nodes  # as nodes of any other function
        if self.nodes < 0:
            raise LimitError(
                f"the model stands for more than {NODE_LIMIT} nodes once the function bodies of its"
                " operators are put in place of them"
            )


class BodyAllowance:
    """How many nodes subgraphs may still be gone through: loops in loops would take for ever."""

    def __init__(self, graph: Graph, room: ModelRoom | None = None) -> None:
        count = _count(graph)
        self.left = _BODY_NODES + _BODY_ROUNDS * count
        self.room = ModelRoom(NODE_LIMIT - count) if room is None else room

    def spend(self, nodes: int) -> None:
        self.left -= nodes
        if self.left < 0:
            raise Undetermined("loops nested in each other, too many to be followed")


def _count(graph: Graph) -> int:
    inner = (body for node in graph.nodes for body in node.bodies.values())
    return len(graph.nodes) + sum(map(_count, inner))
