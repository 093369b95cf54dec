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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property

from cnnscope.analyzer.fields.batch import find_batch
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.paths import InputAxis, Paths
from cnnscope.analyzer.fields.seen import Seen, find_seen
from cnnscope.analyzer.lint.holdings import Holdings
from cnnscope.analyzer.lint.movement import Movement
from cnnscope.analyzer.model.binding import batch_labels, bind_inputs, says_batch
from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.model.graph import Graph, nodes_behind, used_names
from cnnscope.analyzer.operators.reading import Upto, Whole
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.weights import Weights
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.field import Field
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Shape
from cnnscope.analyzer.values.window import Number


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


class Particulars(Movement, Holdings):
    """The passes' results, to be asked; what takes time is worked out once.

    Args:
        file, graph, shapes, weights, fields: of one model.
    """

    def __init__(
        self, file: ModelFile, graph: Graph, shapes: Shapes, weights: Weights, fields: Fields
    ) -> None:
        Movement.__init__(self, graph, shapes, fields)
        Holdings.__init__(self, file, graph, weights)
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

    def _given_shape(self, name: str, declared: Shape) -> Shape:
        """An input's shape as it was bound; as declared where a node gives a tensor of that name."""
        shape = self.shapes.tensors[name].shape
        return declared if shape is None or len(shape) != len(declared) else shape

    @property
    def metadata(self) -> Mapping[str, str]:
        """The model's own properties (`metadata_props`)."""
        return {entry.key: entry.value for entry in self.file.model.metadata_props}

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
        return frozenset(node.name for node in nodes_behind(self.graph, self.graph.outputs))

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
        return self.shapes.tensors[key[0]].known_length(key[1])

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
