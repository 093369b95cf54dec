"""What does each input of a layer bring to its field?

What a tensor's units see is a union over paths. Here is what comes through one input of one node
alone, by the equations of Araujo, Norris & Sim (Distill 2019)::

    e = d*(k - 1) + 1,   r' = r + (e - 1)*S,   S' = S*s,   t' = t - p*S

(extent, size, step, start; d, k, s, p: dilation, kernel, stride and padding before of the window).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from fractions import Fraction

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.fields.one_node import moved_through
from cnnscope.analyzer.fields.paths import InputAxis, Paths, State
from cnnscope.analyzer.fields.seen import Seen, figures, find_seen, widest_term
from cnnscope.analyzer.fields.terms import Term
from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.operators.reading import Along, Flat, Listed, Only, Upto, Whole
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import reads_of
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Shape
from cnnscope.analyzer.values.window import Window


@dataclass(frozen=True, slots=True)
class FieldStep:
    """What one input of a layer brings to its field along one axis of a network input.

    Args:
        tensor: the layer's input.
        tensor_axis: its axis that is read; None where its units all see the same, or several axes
            together tell what is seen.
        input, axis: the network input's.
        before, after: the field of that input, and of the layer through that input alone.
        read: how it is read: ``"window"``, ``"whole"``, ``"listed"``, ``"scan"``, ``"fixed"``,
            ``"reshape"``, ``"subgraph"``, ``"unknown"``.
        window: of a read through a window.
        equations: by what they give (``extent``, ``size``, ``step``, ``start``); of plain windows.
    """

    tensor: str
    tensor_axis: int | None
    input: str
    axis: int
    before: Seen
    after: Seen | None
    read: str
    window: Window | None = None
    equations: Mapping[str, Formula] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        return {
            "tensor": self.tensor,
            "tensor_axis": self.tensor_axis,
            "input": self.input,
            "axis": self.axis,
            "before": self.before.to_dict(),
            "after": None if self.after is None else self.after.to_dict(),
            "read": self.read,
            "window": None if self.window is None else window_dict(self.window),
            "equations": {name: f.to_dict() for name, f in self.equations.items()},
        }


def window_dict(window: Window) -> dict[str, object]:
    """A window as JSON has it, fractions as text."""
    parts = {
        "size": window.size, "stride": window.stride, "dilation": window.dilation,
        "before": window.before, "after": window.after,
    }  # fmt: skip
    plain = {k: str(v) if isinstance(v, Fraction) else v for k, v in parts.items()}
    return {**plain, "outside": window.outside}


class Alone:
    """What each input of a node brings to its outputs by itself, found once.

    Args:
        graph, shapes, fields: of the main graph.
    """

    def __init__(self, graph: Graph, shapes: Shapes, fields: Fields) -> None:
        self.graph, self.shapes, self.fields = graph, shapes, fields
        self._known: dict[tuple[int, str, int, InputAxis], State | None] = {}
        self._known_fields = KnownFields()
        self._figures: dict[tuple[int, InputAxis], tuple[Paths, Seen]] = {}
        self._seen: dict[tuple[int, InputAxis, Shape | None], tuple[Paths, Seen]] = {}

    def through(self, node: Node, given: str, output: int, key: InputAxis) -> State | None:
        """What an output sees of an axis through one input, along all paths to that; see `moved`."""
        at = node.index, given, output, key
        if at not in self._known:
            state = {key: self.fields.states[given][key]}
            self._known[at] = self.moved(node, state, given, output)
        return self._known[at]

    def moved(self, node: Node, state: State, given: str, output: int) -> State | None:
        """What an output sees through an input that sees this; None where a subgraph lies between."""
        reads = reads_of(node, self.shapes, self.fields.reads)
        return moved_through(node, reads, self.graph, self.shapes, state, given, output)

    def figures(self, paths: Paths, key: InputAxis) -> Seen:
        """What paths to an input's axis come to, but for where the units look."""
        at = id(paths), key
        if at not in self._figures:
            self._figures[at] = paths, figures(paths, input_length(self.shapes, key))
        return self._figures[at][1]

    def seen(self, paths: Paths, key: InputAxis, units: Shape | None) -> Seen:
        """What paths to an input's axis come to for the units of a tensor of some shape."""
        at = id(paths), key, units
        if at not in self._seen:
            self._seen[at] = (
                paths,
                find_seen(paths, input_length(self.shapes, key), units, self._known_fields),
            )
        return self._seen[at][1]


def find_steps(alone: Alone, node: Node) -> tuple[FieldStep, ...]:
    """What each input brings to the field of a node's first output."""
    output = next((i for i, name in enumerate(node.outputs) if name), None)
    if output is None:
        return ()
    shapes, fields = alone.shapes, alone.fields
    reads = reads_of(node, shapes, fields.reads)
    found = []
    for tensor in dict.fromkeys(used_names(node)):
        state = fields.states.get(tensor, {})
        for key in spatial_keys(state, fields):
            moved = alone.through(node, tensor, output, key)
            before = alone.seen(state[key], key, shapes.tensors[tensor].shape)
            if moved is None:
                found.append(FieldStep(tensor, None, *key, before, None, "subgraph"))
                continue
            units = shapes.tensors[node.outputs[output]].shape
            after = alone.seen(moved[key], key, units) if key in moved else None
            way = reads.outputs[output][list(node.inputs).index(tensor)]
            main = widest_term(state[key])
            axes = {digit.axis for digit in main.digits} if main is not None else set()
            axis = axes.pop() if len(axes) == 1 else None
            kind, window = _told(way, axis)
            equations = {}
            if window is not None and main is not None and after is not None:
                equations = _equations(main, window, after)
            found.append(FieldStep(tensor, axis, *key, before, after, kind, window, equations))
    return tuple(found)


def _told(read: object, axis: int | None) -> tuple[str, Window | None]:
    if isinstance(read, Flat):
        return "reshape", None
    if not isinstance(read, tuple):
        return "unknown", None
    if axis is None or axis < 0:
        return "fixed", None
    way = read[axis]
    if isinstance(way, Along):
        return "window", way.window
    names = {Whole: "whole", Listed: "listed", Upto: "scan", Only: "fixed"}
    return names.get(type(way), "unknown"), None


def _equations(main: Term, window: Window, after: Seen) -> dict[str, Formula]:
    """The step as equations with numbers in, where everything in them is a whole number."""
    s, p, d, k = window.stride, window.before, window.dilation, window.size
    (digit, *more) = main.digits
    plain = not more and digit.div == 1 and digit.mod is None
    spans = digit.field.spans
    if not (plain and len(spans) == 1 and spans[0] is not None and not digit.field.bounded):
        return {}
    if not (isinstance(s, int) and isinstance(p, int) and isinstance(d, int)) or s < 1 or d < 1:
        return {}
    r, step, start = digit.field.size, digit.field.advance, spans[0][0]
    e = d * (k - 1) + 1
    found = {
        "extent": Formula("d*(k - 1) + 1", {"d": d, "k": k}, e),
        "size": Formula("r + (e - 1)*S", {"r": r, "e": e, "S": step}, r + (e - 1) * step),
        "step": Formula("S*s", {"S": step, "s": s}, step * s),
        "start": Formula("t - p*S", {"t": start, "p": p, "S": step}, start - p * step),
    }
    told = (found["size"].result, found["step"].result, found["start"].result)
    return found if told == (after.local_size, after.step, after.start) else {}


def spatial_keys(state: State, fields: Fields) -> list[InputAxis]:
    return sorted((key for key in state if key in fields.spatial), key=lambda key: key[1])


def input_length(shapes: Shapes, key: InputAxis) -> int | None:
    return shapes.tensors[key[0]].known_length(key[1])
