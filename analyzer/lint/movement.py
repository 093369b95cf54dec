"""How does each layer move along the axes of what it works on?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.layers.channels import data_input
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import Along, Whole
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads, find_reads
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window

#: families of layers behind which a zero is still a zero, at its own place
KEEPS_ZERO = frozenset({"identity", "dropout", "conversion", "quantization"})


@dataclass(frozen=True, slots=True)
class Look:
    """How a layer looks along one axis of the tensor it works on.

    Args:
        axis, output_axis: of that tensor, and of the layer's first output.
        window: which positions each output index reads.
        length, units: of the two axes.
    """

    axis: int
    output_axis: int
    window: Window
    length: Dim
    units: Dim


class Movement:
    """How a model's layers read their data, axis by axis; what takes time is worked out once.

    Args:
        graph, shapes, fields: of one model.
    """

    def __init__(self, graph: Graph, shapes: Shapes, fields: Fields) -> None:
        self.graph, self.shapes, self.fields = graph, shapes, fields
        self._reads: dict[str, NodeReads] = {}

    def looks(self, layer: str) -> tuple[Look, ...]:
        """The axes of its data along which a layer of the main graph looks through a window."""
        data = self._data(layer)
        if data is None:
            return ()
        x, output, ways = data
        return tuple(
            Look(axis, way.axis, way.window, x.dims[axis], output.dims[way.axis])
            for axis, way in enumerate(ways)
            if isinstance(way, Along)
            and not (way.window.is_identity and x.dims[axis] == output.dims[way.axis])
        )

    def bordered(self, tensor: str) -> str | None:
        """The tensor that another one is with its border spelt out (circular padding as a Concat)."""
        return self.fields.bordered.get(tensor)

    def borders(self, layer: str) -> tuple[Look, ...]:
        """As `looks`, zeros that layers before it have put around its data counted as padding of
        its own: a layer of padding and a convolution are to the eye what one padded convolution is.
        """
        data = self._data(layer)
        if data is None:
            return ()
        x, output, ways = data
        node = self._nodes[layer]
        before = [0] * x.rank
        after = [0] * x.rank
        lengths = list(x.dims)
        for zeros in self._zeros_around(node.inputs[data_input(self.shapes.inputs(node))]):
            for look in zeros:
                before[look.axis] += int(look.window.before)
                after[look.axis] += int(look.window.after)
                lengths[look.axis] = look.length
        found = []
        for axis, way in enumerate(ways):
            if not isinstance(way, Along):
                continue
            window = way.window
            if before[axis] or after[axis]:
                if window.outside != "nothing":
                    return ()  # what it mirrors or repeats are partly those zeros
                window = replace(
                    window, before=window.before + before[axis], after=window.after + after[axis]
                )
            if not (window.is_identity and lengths[axis] == output.dims[way.axis]):
                found.append(Look(axis, way.axis, window, lengths[axis], output.dims[way.axis]))
        return tuple(found)

    def _zeros_around(self, tensor: str) -> Iterator[tuple[Look, ...]]:
        """What the layers of zero padding that give a tensor add, from the last to the first."""
        producer = self.graph.producers.get(tensor)
        while producer is not None:
            operator = lookup(producer.domain, producer.op, producer.version)
            inputs = self.shapes.inputs(producer)
            if operator is None or not inputs:
                return
            if operator.kind == "padding":
                looks = self.looks(producer.name)
                plain = all(
                    look.axis == look.output_axis
                    and look.window.size == look.window.stride == 1
                    and look.window.outside == "nothing"
                    and isinstance(look.window.before, int)
                    and isinstance(look.window.after, int)
                    and min(look.window.before, look.window.after) >= 0
                    for look in looks
                )
                if not plain or _filling(producer, inputs) != 0:
                    return
                yield looks
            elif operator.kind not in KEEPS_ZERO:
                return
            producer = self.graph.producers.get(producer.inputs[data_input(inputs)])

    def pointwise(self, layer: str) -> bool:
        """Each unit of a layer reads one unit of its data, the one at its own place."""
        data = self._data(layer)
        return data is not None and all(
            isinstance(way, Along) and way.axis == axis and way.window.is_identity
            for axis, way in enumerate(data[2])
        )

    def contracted(self, layer: str) -> int | None:
        """How many channels of its data each output of a layer reads, where it reads all."""
        data = self._data(layer)
        if data is None:
            return None
        x, _, ways = data
        whole = [x.dims[i] for i, way in enumerate(ways) if isinstance(way, Whole)]
        found = whole[0] if len(whole) == 1 else None
        return found if isinstance(found, int) else None

    def output_channels(self, layer: str) -> int | None:
        """How many units a layer's output has at each place: the product of the axes that no axis of
        its data is followed along."""
        data = self._data(layer)
        if data is None:
            return None
        _, output, ways = data
        places = {way.axis for way in ways if isinstance(way, Along)}
        channels = [n for axis, n in enumerate(output.dims) if axis not in places]
        known = [n for n in channels if isinstance(n, int)]
        return math.prod(known) if channels and len(known) == len(channels) else None

    def permutation(self, layer: str) -> tuple[int, ...] | None:
        """For a layer that only reorders axes: which input axis stands at each of the output's.

        None for every other layer.
        """
        node = self._nodes.get(layer)
        if node is None or len([name for name in node.inputs if name]) != 1:
            return None
        data = self._data(layer)
        if data is None or len(data[0].dims) != len(data[1].dims):
            return None
        places: dict[int, int] = {}
        for axis, way in enumerate(data[2]):
            if not isinstance(way, Along) or not way.window.is_identity:
                return None
            places[way.axis] = axis
        order = tuple(places.get(axis, -1) for axis in range(len(data[2])))
        return order if -1 not in order and order != tuple(sorted(order)) else None

    def called(self, layer: str) -> tuple[str, str, int] | None:
        """Which operator a layer of the main graph is: domain, name, opset version."""
        node = self._nodes.get(layer)
        return None if node is None else (node.domain, node.op, node.version)

    @cached_property
    def _nodes(self) -> dict[str, Node]:
        return {node.name: node for node in self.graph.nodes}

    def _data(self, layer: str) -> tuple[Tensor, Tensor, tuple[object, ...]] | None:
        """What a layer works on, what it gives, and how each axis of the first is read."""
        node = self._nodes.get(layer)
        if node is None or not node.outputs or not node.outputs[0]:
            return None
        reads = self._reads.get(layer) or self.fields.reads.get(node.index)
        if reads is None:
            reads = find_reads(node, self.shapes)
        self._reads[layer] = reads
        inputs = self.shapes.inputs(node)
        if not inputs or not reads.outputs:
            return None
        which = data_input(inputs)
        x, output = inputs[which], self.shapes.outputs(node)[0]
        ways = reads.outputs[0][which] if which < len(reads.outputs[0]) else None
        if x is None or x.shape is None or output.shape is None or not isinstance(ways, tuple):
            return None
        return x, output, ways


def _filling(node: Node, inputs: Sequence[Tensor | None]) -> float | None:
    """What a layer of padding puts around its data; None where that can't be told.

    It is the operand of one number in the data's dtype, before opset 11 the attribute `value`.
    """
    data = inputs[0]
    for operand in inputs[1:]:
        if operand is not None and data is not None and operand.dtype == data.dtype:
            return None if operand.value is None else float(np.ravel(operand.value)[0])
    value = node.attributes.get("value", 0.0)
    return float(value) if isinstance(value, (int, float)) else None
