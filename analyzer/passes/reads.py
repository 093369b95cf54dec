"""Which inputs does each output of this node read? The rule's answer, made whole.

Fields and regions both walk the graph along these answers: forwards, what a unit sees grows;
backwards, what it needs is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.answers import RuleFailed
from cnnscope.analyzer.operators.custom import failure
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    Beside,
    Flat,
    InputRead,
    Listed,
    Nothing,
    Through,
    Upto,
    elementwise,
    everything,
)
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.places import numbers_of
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: a read with the default spelled out; None: the rule can't tell (unknown operator or rank)
KnownRead = tuple[object, ...] | Flat | Nothing | None


@dataclass(frozen=True, slots=True)
class NodeReads:
    """Per output, per input of a node: what is read; or the subgraphs it is read through.

    `fault` says why a rule from outside told nothing.
    """

    outputs: tuple[Sequence[KnownRead], ...] = ()
    through: tuple[Through, ...] = ()
    fault: Diagnostic | None = None


@dataclass(frozen=True, slots=True)
class BodyEnds:
    """A subgraph as `reads` rules see it: its ends, and its outputs' facts where it was applied."""

    output_count: int
    outputs: Sequence[Tensor] | None


def find_reads(node: Node, shapes: Shapes) -> NodeReads:
    """What every output of a node reads."""
    inputs, outputs = shapes.inputs(node), shapes.outputs(node)
    operator = lookup(node.domain, node.op, node.version)
    if operator is None or node.index in shapes.refused:
        return NodeReads(tuple(tuple(None for _ in inputs) for _ in outputs))
    given: object = ()
    if operator.reads is not None:
        keywords: dict[str, object] = dict(node.attributes)
        for name, body in node.bodies.items():
            inner = shapes.bodies.get((node.index, name))
            known = None if inner is None else [inner.tensors[o] for o in body.outputs]
            keywords[name] = BodyEnds(len(body.outputs), known)
        keywords["opset"] = node.version
        keywords["output_count"] = len(node.outputs)
        keywords["node_name"] = node.name
        told = inputs
        if operator.places:
            told = tuple([
                x.with_value(numbers_of(node.inputs[i], shapes))
                if i in operator.places and x is not None and x.value is None and x.constant else x
                for i, x in enumerate(inputs)
            ])  # fmt: skip
        try:
            given = operator.call(operator.reads, (outputs, *told), keywords)
        except RuleFailed as fault:
            nothing = tuple(tuple(None for _ in inputs) for _ in outputs)
            return NodeReads(nothing, fault=failure(node, fault))
        except (
            Undetermined, ValueError, TypeError, IndexError, KeyError, AttributeError,
            AssertionError, ArithmeticError,
        ):  # fmt: skip
            # Half-known shapes: anything may be read, and the fields say "not known".
            nothing = tuple(tuple(None for _ in inputs) for _ in outputs)
            return NodeReads(nothing, fault=_not_told(node, inputs, operator.places))
    if isinstance(given, tuple) and given and isinstance(given[0], Through):
        return NodeReads(through=given)
    rows: list[Sequence[KnownRead]] = []
    for k, output in enumerate(outputs):
        if isinstance(given, dict):
            per_input: Sequence[InputRead] = given.get(k) or tuple(
                None if x is None else _everything(x) for x in inputs
            )
        else:
            assert isinstance(given, tuple | Beside)
            per_input = given
        if isinstance(per_input, Beside) and _all_of_rank(per_input.rank, (output, *inputs)):
            rows.append(per_input)
            continue
        count = len(per_input)
        rows.append(
            tuple(
                [
                    _known(per_input[i] if i < count else None, output, x)
                    for i, x in enumerate(inputs)
                ]
            )
        )
    return NodeReads(tuple(rows))


def reads_of(node: Node, shapes: Shapes, known: dict[int, NodeReads]) -> NodeReads:
    """What every output of a node of one graph reads, found once.

    Args:
        known: by node index, what has been found already; what is found now is added.
    """
    found = known.get(node.index)
    if found is None:
        found = known[node.index] = find_reads(node, shapes)
    return found


class ReadLookup:
    """What the nodes of a graph read, and those of the functions that it calls, each found once.

    Args:
        shapes: the graph's.
        known: by index of its nodes, what has been found already; what is found now is added.
    """

    def __init__(self, shapes: Shapes, known: dict[int, NodeReads]) -> None:
        self._known = {id(shapes): known}

    def of(self, node: Node, shapes: Shapes) -> NodeReads:
        """What a node reads, of the graph or of a function's body with these shapes."""
        return reads_of(node, shapes, self._known.setdefault(id(shapes), {}))


def _not_told(
    node: Node, inputs: Sequence[Tensor | None], places: Sequence[int]
) -> Diagnostic | None:
    """Said where a constant tells which places are read, and that isn't followed."""
    for i in places:
        x = inputs[i] if i < len(inputs) else None
        if x is not None and x.constant:
            return Diagnostic(
                "axis-not-followed", "info", node.name,
                f"{node.title} reads constant places that aren't followed: what is behind it sees at "
                "least what one of its units saw, and may see all of the input", ""
            )  # fmt: skip
    return None


def _all_of_rank(rank: int, tensors: Iterable[Tensor | None]) -> bool:
    """Are there tensors of so many axes, and nothing else?"""
    for x in tensors:
        if x is None or x.shape is None or len(x.shape) != rank or x.kind != "tensor":
            return False
    return True


def _everything(x: Tensor) -> InputRead:
    return None if x.shape is None else everything(x)


def _known(read: InputRead, output: Tensor, x: Tensor | None) -> KnownRead:
    if x is None:
        return NOTHING
    if isinstance(read, Flat | Nothing):
        return read
    if x.shape is None or x.kind != "tensor" or output.kind != "tensor":
        return None
    if read is None:
        if output.shape is None or len(x.shape) > len(output.shape):
            return None
        return elementwise(output, x)
    if len(read) != len(x.shape):
        return None
    # Of a model that contradicts itself, or of a rule from outside: an axis that isn't there.
    if output.shape is not None:
        rank = len(output.shape)
        for along in read:
            if isinstance(along, Along | Listed | Upto) and along.axis >= rank:
                return None
    return read
