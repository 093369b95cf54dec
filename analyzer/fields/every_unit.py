"""Which indices of the network inputs does every unit of a tensor see, all units at once?

The nodes' reads run forwards: a unit sees what the units that it reads see together. What it sees of one
input axis, the other axes apart, is exact along every path, and in all common networks hangs on one or
two of its indices, so that it is found once per tensor for all units (`index_sets`). Where it isn't told
(control flow, reads that tie several axes together, sets too many to keep) `regions` goes backwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from cnnscope.analyzer.fields.boxes import LONGEST_AXIS
from cnnscope.analyzer.fields.index_sets import IndexSets, Rows
from cnnscope.analyzer.fields.read_sets import SeenSets, joined
from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.operators.reading import Nothing
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import KnownRead, NodeReads, ReadLookup
from cnnscope.analyzer.values.tensor import Tensor

#: spans and rows that are kept for a whole graph, 8 bytes each; an axis seen counts as `AXIS` of them
MAX_KEPT, AXIS = 1 << 24, 8


class EveryUnit:
    """What the units of a graph's tensors see, each tensor gone through once, when first asked for.

    Args:
        graph, shapes: the main graph.
        reads: by node index, what has been found already of what its nodes read; more is added.
    """

    def __init__(self, graph: Graph, shapes: Shapes, reads: dict[int, NodeReads]) -> None:
        self.graph, self.shapes, self.reads = graph, shapes, ReadLookup(shapes, reads)
        self._told: dict[str, SeenSets | None] = {}
        self._same: dict[object, IndexSets] = {}
        self._rows: dict[bytes, Rows] = {}
        self._kinds: dict[tuple[int, ...], tuple[Rows | None, ...]] = {}
        self._left = MAX_KEPT
        for name in graph.inputs:
            self._told[name] = self._first(name, shapes.tensors[name])

    def of(self, tensor: str) -> SeenSets | None:
        """What the units of a tensor see; None where it isn't told here."""
        if tensor not in self._told:
            self._find(tensor)
        return self._told[tensor]

    def known(self, tensor: str) -> SeenSets | None:
        """What `of` found of a tensor that another one hangs on; None where nothing is told."""
        return self._told.get(tensor)

    def _first(self, name: str, x: Tensor) -> SeenSets | None:
        lengths = _lengths(x)
        if lengths is None:
            return None
        if not lengths:
            return {(name, -1): IndexSets(np.zeros(1, np.int64), ())}
        rank = len(lengths)
        return {
            (name, axis): self._kept(IndexSets.own_indices(rank, axis, length))
            for axis, length in enumerate(lengths)
        }

    def _find(self, tensor: str) -> None:
        """Go through the nodes that a tensor hangs on, as far as that hasn't been done."""
        ahead: dict[int, Node] = {}
        waiting = [tensor]
        while waiting:
            name = waiting.pop()
            node = self.graph.producers.get(name)
            if name in self._told or (node is not None and node.index in ahead):
                continue
            if node is None or self.shapes.folded(node):
                self._told[name] = {}
                continue
            ahead[node.index] = node
            waiting += used_names(node)
        for _, node in sorted(ahead.items()):
            self._node(node, self.shapes, self._told)

    def _node(self, node: Node, shapes: Shapes, told: dict[str, SeenSets | None]) -> None:
        names = [name for name in node.outputs if name]
        if shapes.folded(node):
            told.update({name: {} for name in names})
        elif node.index in shapes.functions:
            body, inner = shapes.functions[node.index]
            within = {name: told[name] for name in body.inputs if name in told}
            for one in body.nodes:
                self._node(one, inner, within)
            told.update({name: within.get(name) for name in names})
        elif node.bodies:
            told.update(dict.fromkeys(names))
        else:
            reads = self.reads.of(node, shapes)
            for name, per_input in zip(node.outputs, reads.outputs, strict=False):
                if name:
                    told[name] = self._output(node, shapes.tensors[name], per_input, shapes, told)
            for name in names:  # read through a subgraph that isn't there
                told.setdefault(name, None)

    def _output(
        self, node: Node, output: Tensor, per_input: Sequence[KnownRead], shapes: Shapes,
        told: Mapping[str, SeenSets | None],
    ) -> SeenSets | None:  # fmt: skip
        """What the units of one output see; None where one of its inputs isn't told."""
        after = _lengths(output)
        parts: list[tuple[SeenSets, KnownRead, tuple[int, ...]]] = []
        for name, read in zip(node.inputs, per_input, strict=True):
            if not name or isinstance(read, Nothing) or shapes.tensors[name].constant:
                continue
            seen, before = told.get(name), _lengths(shapes.tensors[name])
            if seen is None or before is None or after is None:
                return None
            if seen:
                parts.append((seen, read, before))
        if not parts:
            return {}
        assert after is not None
        try:
            found = joined(parts, after)
        except ValueError:  # too many, or a window that regions don't go through either
            return None
        if any(found is seen for seen, _, _ in parts):
            return found
        kept = {key: self._kept(sets) for key, sets in found.items()}
        self._left -= AXIS * len(kept)
        return kept if self._left >= 0 else None

    def _kept(self, sets: IndexSets) -> IndexSets:
        """The sets as they are kept: equal ones once, and equal rows, so that they are told at a glance."""
        rows = tuple([None if own is None else self._kept_rows(own) for own in sets.rows])
        rows = self._kinds.setdefault(tuple(map(id, rows)), rows)
        key = sets.spans.shape, sets.spans.tobytes(), id(rows)
        known = self._same.get(key)
        if known is None:
            known = self._same[key] = IndexSets(sets.spans, rows)
            self._left -= 2 * sets.spans.size  # and as many bytes in the key
        return known

    def _kept_rows(self, rows: Rows) -> Rows:
        key = rows.tobytes()
        known = self._rows.get(key)
        if known is None:
            known = self._rows[key] = rows
            self._left -= 2 * rows.size
        return known


def _lengths(x: Tensor) -> tuple[int, ...] | None:
    """A tensor's shape, where it is known and has elements."""
    if x.shape is None or x.kind != "tensor":
        return None
    for length in x.shape:
        if not isinstance(length, int) or not 0 < length <= LONGEST_AXIS:
            return None
    return cast("tuple[int, ...]", x.shape)
