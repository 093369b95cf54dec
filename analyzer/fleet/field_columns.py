"""How far does a model see, in the columns of a scan?

The largest field of any layer along paths that collapse no axis, as `check` limits it: of a classifier that
is what its last layers before the pooling see, squeeze-and-excitation left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from cnnscope.analyzer.fields.paths import InputAxis, Unfollowed
from cnnscope.analyzer.fields.seen import Extent, extent
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.values.plain_class import dataclass

#: what axes are called, by how many an input has
_LETTERS: Final = {1: "l", 2: "hw", 3: "dhw"}


def field_axes(analysis: Analysis) -> dict[InputAxis, str]:
    """The axes along which a model's fields are told, and what each is called: those of the input that has
    the most of them, the first of several such inputs; none where it has more than three."""
    by_input: dict[str, list[int]] = {}
    for name, axis in sorted(analysis.fields.spatial):
        by_input.setdefault(name, []).append(axis)
    inputs = [name for name in analysis.graph.inputs if name in by_input]
    main = max(inputs, key=lambda name: len(by_input[name]), default="")
    axes = by_input.get(main, [])
    letters = _LETTERS.get(len(axes), "")
    return {(main, axis): letter for axis, letter in zip(axes, letters, strict=False)}


def field_columns(analysis: Analysis) -> dict[str, object]:
    """The columns whose names begin with ``rf_``."""
    axes = field_axes(analysis)
    found = _Widest(analysis, axes)
    for node in analysis.graph.nodes:
        if not analysis.shapes.folded(node):
            found.take(node)
    columns: dict[str, object] = {f"rf_{letter}": found.size(axis) for axis, letter in axes.items()}
    columns["rf_layer"] = found.layer if axes and not found.unknown else None
    columns["rf_covers_input"] = found.covers() if axes else None
    columns["rf_global"] = found.collapsed if axes else None
    return columns


@dataclass
class _Widest:
    """The largest fields so far.

    Args:
        analysis: the model's.
        axes: along which.
        largest: by axis.
        unknown: the axes along which some layer's field isn't known, so that it may be larger.
        layer: the last whose fields are the largest ones along all axes.
        collapsed: some layer sees everything along an axis.
    """

    analysis: Analysis
    axes: Mapping[InputAxis, str]
    largest: dict[InputAxis, int] = field(default_factory=dict)
    unknown: set[InputAxis] = field(default_factory=set)
    layer: str | None = None
    collapsed: bool = False
    _strangers: frozenset[str] | None = None
    _kept: dict[int, dict[InputAxis, Extent]] = field(default_factory=dict)

    def take(self, node: Node) -> None:
        """Look at a layer's first output, as its receptive field is that."""
        seen = next((name for name in node.outputs if name), "")
        state = self.analysis.fields.states.get(seen)
        if not state:
            return
        if isinstance(state, Unfollowed):
            self.unknown.update(self.axes)
            return
        extents = self._kept.get(id(state))  # most nodes hand on what the one before them sees
        if extents is None:
            tensors = self.analysis.shapes.tensors
            extents = self._kept[id(state)] = {
                axis: extent(state[axis], tensors[axis[0]].known_length(axis[1]))
                for axis in self.axes
                if axis in state
            }
            for axis, found in extents.items():
                self.widen(axis, found)
        sizes = {axis: x.local_size for axis, x in extents.items()}
        if sizes and all(sizes.get(axis) == size for axis, size in self.largest.items()):
            self.layer = str(node.name)

    def widen(self, axis: InputAxis, found: Extent) -> None:
        """Take what a layer sees along an axis."""
        self.collapsed |= found.global_
        # What is behind an operator that nobody knows may see anything; a pooling over an axis of free
        # length sees all of it, and such paths don't count.
        if found.size is None and (not found.global_ or found.global_by in self.strangers):
            self.unknown.add(axis)
        for size in (found.local_size, found.at_least):
            if size is not None:
                self.largest[axis] = max(self.largest.get(axis, 0), size)

    @property
    def strangers(self) -> frozenset[str]:
        """The layers that nobody knows."""
        if self._strangers is None:
            graph, costs = self.analysis.graph, self.analysis.costs.nodes
            self._strangers = frozenset(
                n.name for n in graph.nodes if n.index in costs and costs[n.index].uncounted
            )
        return self._strangers

    def size(self, axis: InputAxis) -> int | None:
        """The largest field along an axis, where it is known."""
        return None if axis in self.unknown else self.largest.get(axis)

    def covers(self) -> bool | None:
        """Is it as large as the input along each axis? None where that can't be said."""
        tensors = self.analysis.shapes.tensors
        told: list[bool | None] = []
        for axis in self.axes:
            length, least = tensors[axis[0]].known_length(axis[1]), self.largest.get(axis)
            if length is None or least is None:
                told.append(None)
            else:
                told.append(True if least >= length else None if axis in self.unknown else False)
        return False if False in told else None if None in told else True
