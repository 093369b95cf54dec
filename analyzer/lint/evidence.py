"""What do the passes know of a model beyond what a report shows of each layer?

A report's layers say what people ask for. Rules that look for mistakes (`rules`) also ask how a
layer moves along an axis, in which order it leaves the axes, where the units of a tensor are
centred, and what the file stores: here the passes' results are asked for that, layer by layer and
tensor by tensor, when somebody wants to know.

Where the middles of units lie: after upsampling those of one period's P units lie about a line.
With the step S it is, for unit u::

    center(u) ~ c + u*S,     c = mean over the period of center(u) - u*S
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnx

from cnnscope.analyzer.fields.batch import find_batch
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.paths import InputAxis, Paths
from cnnscope.analyzer.fields.seen import Seen, find_seen
from cnnscope.analyzer.layers.channels import data_input
from cnnscope.analyzer.model.binding import batch_labels, bind_inputs, says_batch
from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import Along, Upto, Whole
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads, find_reads
from cnnscope.analyzer.passes.weights import Weights
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.tensor import DTYPES, Shape, Tensor
from cnnscope.analyzer.values.window import Number, Window

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


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the units of a tensor lie on one axis of a network input.

    Args:
        step: input positions from one unit to the next.
        start, center, end: of unit 0's window, on average over a period.
    """

    step: Number
    start: Fraction
    center: Fraction
    end: Fraction


@dataclass(frozen=True, slots=True)
class Holding:
    """A tensor stored in the file.

    Args:
        name, tensor, nbytes: the tensor; the bytes are None where they aren't known.
        layers: names of the layers of the main graph that use it, in whatever way.
        read: a node reads it, or it is an output.
    """

    name: str
    tensor: Tensor
    nbytes: int | None
    layers: tuple[str, ...]
    read: bool


class Particulars:
    """The passes' results, to be asked; what takes time is worked out once.

    Args:
        file, graph, shapes, weights, fields: of one model.
    """

    def __init__(
        self, file: ModelFile, graph: Graph, shapes: Shapes, weights: Weights, fields: Fields
    ) -> None:
        self.file, self.graph, self.shapes = file, graph, shapes
        self.weights, self.fields = weights, fields
        self._reads: dict[str, NodeReads] = {}
        self._seen: dict[str, dict[InputAxis, Seen]] = {}

    @cached_property
    def batch(self) -> str | None:
        """The free dimension of the declared inputs that is the batch, whatever size it was given.

        One that every operator only carries along; of several, or where that can't be shown, the one
        whose name says so or that stands first. Dimensions without a name are called after input and
        axis (``x:0``). None: there is none.
        """
        inputs, _ = bind_inputs(self.graph.inputs, {}, {}, {})
        free: dict[str, int] = {}  # by dimension, the first axis it is
        for x in inputs.values():
            for axis, dim in enumerate(x.shape or ()):
                if isinstance(dim, FreeDim):
                    free[str(dim)] = min(axis, free.get(str(dim), axis))
        likely = [label for label in batch_labels(self.graph.inputs) if label in free]
        for labels in (likely, [label for label in free if label not in likely]):
            given = {
                name: replace(x, shape=tuple(
                    dim if str(dim) in labels else at
                    for dim, at in zip(x.shape, self._given_shape(name, x.shape), strict=True)
                ))
                if x.shape is not None else x
                for name, x in inputs.items()
            }  # fmt: skip
            found = find_batch(self.graph, given, {label: free[label] == 0 for label in labels})
            named = sorted(found, key=lambda label: (not says_batch(label), free[label]))
            for state in ("proven", "open"):
                for label in named:
                    if found[label].state == state:
                        return label
        return None

    @property
    def metadata(self) -> Mapping[str, str]:
        """The model's own properties (`metadata_props`)."""
        return {entry.key: entry.value for entry in self.file.model.metadata_props}

    # -- layers --------------------------------------------------------------------------------

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
    def captured(self) -> frozenset[str]:
        """Tensors that subgraphs read from the main graph."""
        return frozenset(
            name
            for node in self.graph.nodes
            if node.bodies
            for name in used_names(node)[len([n for n in node.inputs if n]) :]
        )

    @cached_property
    def leading(self) -> frozenset[str]:
        """Layers that an output depends on, be it only on their results' shapes."""
        wanted, found = set(self.graph.outputs), set()
        for node in reversed(self.graph.nodes):
            if any(name in wanted for name in node.outputs):
                wanted.update(used_names(node))
                found.add(node.name)
        return frozenset(found)

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

    # -- tensors -------------------------------------------------------------------------------

    def seen(self, tensor: str) -> Mapping[InputAxis, Seen]:
        """What the units of a tensor see, by spatial axis of each network input."""
        known = self._seen.get(tensor)
        if known is None:
            known = self._seen[tensor] = {
                key: find_seen(paths, self.length(key), self.shapes.tensors[tensor].shape)
                for key, paths in self._paths(tensor)
            }
        return known

    def length(self, key: InputAxis) -> int | None:
        """The length of a network input's axis, where it is known."""
        x = self.shapes.tensors[key[0]]
        length = x.shape[key[1]] if x.shape is not None and key[1] < len(x.shape) else None
        return length if isinstance(length, int) else None

    def grids(self, tensor: str) -> dict[InputAxis, Grid]:
        """Where its units lie, on the axes along which they move in even steps."""
        found = {}
        for key, paths in self._paths(tensor):
            moving = [term for term in paths.terms if term.digits]
            if paths.known and len(moving) == 1 and len(moving[0].digits) == 1:
                grid = _grid(moving[0].digits[0].field)
                if grid is not None:
                    found[key] = grid
        return found

    def overlooks(self, layer: str) -> bool:
        """Does each unit of a layer of the main graph read all units of a tensor that moves along a
        spatial axis of an input, as attention and fully connected layers do?"""
        node = self._nodes.get(layer)
        reads = None if node is None else self.fields.reads.get(node.index)
        if node is None or reads is None:
            return False
        return any(
            isinstance(read, tuple)
            and any(
                self._all_read(paths, read, self.shapes.tensors[tensor].dims)
                for key, paths in self._paths(tensor)
                if self.length(key) != 1
            )
            for per_input in reads.outputs
            for tensor, read in zip(node.inputs, per_input, strict=True)
            if tensor
        )

    @staticmethod
    def _all_read(paths: Paths, read: Sequence[object], lengths: Sequence[Dim]) -> bool:
        return any(
            all(
                d.axis >= 0 and isinstance(read[d.axis], Whole | Upto) and lengths[d.axis] != 1
                for d in term.digits
            )
            for term in paths.terms
            if term.digits
        )

    def unaligned(self, tensor: str) -> list[InputAxis]:
        """The spatial axes along which the paths to a tensor differ in step or centre."""
        return [key for key, paths in self._paths(tensor) if not paths.aligned]

    def _paths(self, tensor: str) -> Iterator[tuple[InputAxis, Paths]]:
        state = self.fields.states.get(tensor)
        if isinstance(state, Mapping):
            for key in sorted(state):
                if key in self.fields.spatial:
                    yield key, state[key]

    # -- what is stored ------------------------------------------------------------------------

    def arrays(
        self, wanted: Callable[[str], bool]
    ) -> Iterator[tuple[str, tuple[str, ...], npt.NDArray[np.generic]]]:
        """Every tensor that the file stores, wherever: initializers and Constant nodes, of subgraphs
        and functions too. Its name, the layers of the main graph that use it, and its numbers.

        Args:
            wanted: the dtypes, by name, that are asked for; others aren't read. What can't be read
                (data that isn't there) is left out.
        """
        for name, tensor in stored_tensors(self.file.model):
            if wanted(DTYPES.get(tensor.data_type, "")):
                try:
                    yield name, self._users.get(name, ()), self.file.read(tensor)
                except ModelFileError:
                    continue

    def _given_shape(self, name: str, declared: Shape) -> Shape:
        """An input's shape as it was bound; as declared where a node gives a tensor of that name."""
        shape = self.shapes.tensors[name].shape
        return declared if shape is None or len(shape) != len(declared) else shape

    @cached_property
    def _users(self) -> dict[str, tuple[str, ...]]:
        """The layers of the main graph that use each stored tensor, in whatever way."""
        layers: dict[str, dict[str, None]] = {}
        for path, weights in self.weights.by_layer.items():
            index = path[0]
            if isinstance(index, int) and index < len(self.graph.nodes):
                for weight in weights:
                    layers.setdefault(weight.name, {})[self.graph.nodes[index].name] = None
        return {name: tuple(users) for name, users in layers.items()}

    @cached_property
    def holdings(self) -> tuple[Holding, ...]:
        """The initializers of the main graph, in the file's order."""
        read = {name for node in self.graph.nodes for name in used_names(node)}
        read.update(self.graph.outputs)
        return tuple(
            Holding(name, s.tensor, s.nbytes, self._users.get(name, ()), name in read)
            for name, s in self.graph.stored.items()
        )

    def numbers(self, name: str) -> npt.NDArray[np.generic] | None:
        """The numbers of an initializer, mapped from the file; None where they can't be read."""
        proto = self._protos.get(name)
        if proto is None:
            return None
        try:
            return self.file.read(proto)
        except ModelFileError:
            return None

    @cached_property
    def _protos(self) -> dict[str, onnx.TensorProto]:
        return {tensor.name: tensor for tensor in self.file.model.graph.initializer}


def stored_tensors(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Every tensor in a model's file, by the name that it is read under: initializers, and what
    nodes that take nothing in give, in the main graph, in subgraphs and in functions."""
    waiting: list[onnx.GraphProto | onnx.FunctionProto] = [model.graph, *model.functions]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, onnx.GraphProto):
            for tensor in holder.initializer:
                yield tensor.name, tensor
            for sparse in holder.sparse_initializer:
                yield sparse.values.name, sparse.values
        for node in holder.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting += attribute.graphs
                if any(node.input) or not node.output:
                    continue
                given = _given(attribute)
                if given is not None:
                    yield node.output[0], given


def _given(attribute: onnx.AttributeProto) -> onnx.TensorProto | None:
    """The tensor that an attribute of a node without inputs stands for."""
    if attribute.HasField("t"):
        return attribute.t
    if attribute.HasField("sparse_tensor"):
        return attribute.sparse_tensor.values
    if attribute.type in (onnx.AttributeProto.FLOAT, onnx.AttributeProto.FLOATS):
        numbers = list(attribute.floats) or [attribute.f]
        return onnx.TensorProto(data_type=1, dims=[len(numbers)], float_data=numbers)
    return None


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


def _grid(field: Field) -> Grid | None:
    """The line about which the units' windows lie; None where they lie about none."""
    spans = [span for span in field.spans if span is not None]
    if field.bounded or not spans or len(spans) < len(field.spans) or not field.step:
        return None
    step, count = Fraction(field.step), len(spans)
    lag = step * (count - 1) / 2
    start = Fraction(sum(lo for lo, _ in spans), count) - lag
    end = Fraction(sum(hi for _, hi in spans), count) - lag
    return Grid(field.step, start, (start + end) / 2, end)
