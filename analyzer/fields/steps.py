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
from cnnscope.analyzer.fields.one_node import moved_through
from cnnscope.analyzer.fields.paths import InputAxis, State
from cnnscope.analyzer.fields.seen import Seen, find_seen, widest_term
from cnnscope.analyzer.fields.terms import Term
from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.operators.reading import Along, Flat, Listed, Only, Upto, Whole
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads, reads_of
from cnnscope.analyzer.values.plain_class import dataclass
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


def find_steps(graph: Graph, shapes: Shapes, fields: Fields, node: Node) -> tuple[FieldStep, ...]:
    """What each input brings to the field of a node's first output."""
    output = next((i for i, name in enumerate(node.outputs) if name), None)
    if output is None:
        return ()
    reads = node_reads(node, shapes, fields)
    found = []
    for tensor in dict.fromkeys(used_names(node)):
        state = fields.states.get(tensor, {})
        for key in spatial_keys(state, fields):
            moved = moved_through(node, reads, graph, shapes, {key: state[key]}, tensor, output)
            length = input_length(shapes, key)
            before = find_seen(state[key], length, shapes.tensors[tensor].shape)
            if moved is None:
                found.append(FieldStep(tensor, None, *key, before, None, "subgraph"))
                continue
            units = shapes.tensors[node.outputs[output]].shape
            after = find_seen(moved[key], length, units) if key in moved else None
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


def node_reads(node: Node, shapes: Shapes, fields: Fields) -> NodeReads:
    """What a node of the main graph reads, found once."""
    return reads_of(node, shapes, fields.reads)


def spatial_keys(state: State, fields: Fields) -> list[InputAxis]:
    return sorted((key for key in state if key in fields.spatial), key=lambda key: key[1])


def input_length(shapes: Shapes, key: InputAxis) -> int | None:
    shape = shapes.tensors[key[0]].shape
    length = shape[key[1]] if shape is not None else None
    return length if isinstance(length, int) else None
