"""By which formula does an operator's work, or its output's shape, follow from its operands' sizes?

No formula is written down here. The operator's own rule is called a second time, with tensors whose
axes are named free dimensions (``X[1]``, ``W[0]``) instead of lengths, and what it answers *is* the
formula: a polynomial over those names, floors of quotients included. So there is one for every
operator, those of other domains too, and none can go stale.

Each is checked by putting the lengths back in: it must give exactly what the rule gave for the
lengths themselves. Some rules need a number somewhere (is the kernel larger than the input?); then
as many axes are named as the rule goes along with, tried one by one, and the others stay numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache

import onnx

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.definition import Operator, lookup
from cnnscope.analyzer.operators.formula_text import Formula, formula
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.substitution import substituted
from cnnscope.analyzer.values.tensor import Tensor

#: what a rule may raise over a length that it has to know, or over a node it can't handle
STUMBLES = (
    Undetermined, ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError,
    ZeroDivisionError, OverflowError,
)  # fmt: skip
#: beyond this many axes that may be named (a Concat of hundreds) only the outputs' are tried
MAX_AXES = 64


@dataclass(frozen=True, slots=True)
class Named:
    """An operand of a node as formulas call it.

    Args:
        symbol: the operator's own name for it (``X``, ``W``, ``Y``).
        tensor: its name in the model.
        facts: shape and dtype.
        output: the node gives it.
    """

    symbol: str
    tensor: str
    facts: Tensor
    output: bool

    def axis(self, axis: int) -> str:
        """What formulas call the length of an axis."""
        return f"{self.symbol}[{axis}]"


def named_operands(
    node: Node, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]
) -> tuple[Named, ...]:
    """A node's inputs, then its outputs, each with a name of its own; omitted ones are left out."""
    formal_in, formal_out = _formal(node.domain, node.op, node.version)
    found: list[Named] = []
    taken: set[str] = set()
    sides = (
        (node.inputs, inputs, formal_in, "input", False),
        (node.outputs, outputs, formal_out, "output", True),
    )
    for tensors, facts, formal, fallback, output in sides:
        for i, (tensor, x) in enumerate(zip(tensors, facts, strict=True)):
            if not tensor or x is None:
                continue
            symbol, variadic = formal[min(i, len(formal) - 1)] if formal else (fallback, True)
            if variadic:
                symbol = f"{symbol}{i - len(formal) + 1 if formal else i}"
            elif i >= len(formal):
                symbol = f"{fallback}{i}"
            while symbol in taken:
                symbol = f"{symbol}_{'out' if output else i}"
            taken.add(symbol)
            found.append(Named(symbol, tensor, x, output))
    return tuple(found)


@cache
def _formal(
    domain: str, op: str, version: int
) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
    """The formal names in an operator's schema, and which of them stands for any number."""
    try:
        schema = onnx.defs.get_schema(op, max_inclusive_version=version, domain=domain)
    except onnx.defs.SchemaError:
        return (), ()
    variadic = onnx.defs.OpSchema.FormalParameterOption.Variadic

    def told(
        parameters: Iterable[onnx.defs.OpSchema.FormalParameter],
    ) -> tuple[tuple[str, bool], ...]:
        return tuple((re.sub(r"\W", "_", p.name), p.option == variadic) for p in parameters)

    return told(schema.inputs), told(schema.outputs)


# -- work --------------------------------------------------------------------------------------


def work_formulas(
    node: Node, operands: Sequence[Named], work: Work, keywords: Mapping[str, object]
) -> dict[str, Formula]:
    """By primitive class that isn't 0, the formula of a node's work.

    Args:
        node: the node.
        operands: as `named_operands` gives them.
        work: what its rule gave for the lengths themselves.
        keywords: what the rule is given beside the attributes (bodies with their work).
    """
    counts = [f.name for f in fields(Work) if getattr(work, f.name) != 0]
    operator = lookup(node.domain, node.op, node.version)
    values: dict[str, Dim] = {}
    answer: object = None
    if operator is not None and operator.work is not None:
        values = lengths(operands)

        def called(inputs: _Operands, outputs: _Operands) -> dict[str, Dim]:
            assert operator is not None
            assert operator.work is not None
            found = operator.call(operator.work, (outputs, *inputs), dict(keywords))
            assert isinstance(found, Work)
            return {f.name: getattr(found, f.name) for f in fields(Work)}

        wanted = {f.name: getattr(work, f.name) for f in fields(Work)}
        order = [n for n in operands if n.output] + [n for n in operands if not n.output]
        answer = _symbolic(node, operands, order, called, wanted, values)
    found = answer if isinstance(answer, dict) else {}
    return {
        name: formula(found.get(name, getattr(work, name)), values, getattr(work, name))
        for name in counts
    }


def shape_formulas(
    node: Node, operands: Sequence[Named], keywords: Mapping[str, object]
) -> dict[str, tuple[Formula, ...]]:
    """By output tensor, the formula of the length of each axis, as the `infer` rule gives it.

    Outputs of which nothing can be said are left out. Nodes with subgraphs are: their rule applies
    the subgraph, which has formulas of its own.
    """
    operator = lookup(node.domain, node.op, node.version)
    given = [n for n in operands if n.output and n.facts.shape is not None]
    if operator is None or node.bodies or not given:
        return {}
    values = lengths([n for n in operands if not n.output])
    wanted = {
        n.axis(axis): length for n in given for axis, length in enumerate(n.facts.shape or ())
    }

    def called(inputs: _Operands, outputs: _Operands) -> dict[str, Dim]:
        assert operator is not None
        result = operator.call(operator.infer, inputs, dict(keywords))
        results = result if isinstance(result, tuple) else (result,)
        by_tensor = dict(zip(node.outputs, results, strict=False))
        found = {}
        for n in given:
            x = by_tensor[n.tensor]
            assert isinstance(x, Tensor)
            found.update({n.axis(axis): length for axis, length in enumerate(x.dims)})
        return found

    order = [n for n in operands if not n.output]
    answer = _symbolic(node, operands, order, called, wanted, values)
    if answer is None:
        return {}
    return {
        n.tensor: tuple(
            formula(answer[n.axis(axis)], values, length)
            for axis, length in enumerate(n.facts.shape or ())
        )
        for n in given
    }


def lengths(operands: Sequence[Named]) -> dict[str, Dim]:
    """What every axis' symbol stands for, outputs first: the order in which factors are shown."""
    order = [n for n in operands if n.output] + [n for n in operands if not n.output]
    return {n.axis(axis): length for n in order for axis, length in enumerate(n.facts.shape or ())}


# -- the second call ---------------------------------------------------------------------------

_Operands = tuple[Tensor | None, ...]
_Call = Callable[[tuple[Tensor | None, ...], tuple[Tensor, ...]], dict[str, Dim]]


def _symbolic(
    node: Node,
    operands: Sequence[Named],
    order: Sequence[Named],
    called: Callable[..., dict[str, Dim]],
    wanted: Mapping[str, Dim],
    values: Mapping[str, Dim],
) -> dict[str, Dim] | None:
    """The rule's answer with as many axes named as it goes along with; None where it's a number."""
    axes = [
        (n.tensor, n.output, axis, n.axis(axis))
        for n in order
        if n.facts.shape is not None and n.facts.kind == "tensor"
        for axis in range(len(n.facts.shape))
    ]

    def tried(chosen: Sequence[tuple[str, bool, int, str]]) -> dict[str, Dim] | None:
        names = {(tensor, output, axis): symbol for tensor, output, axis, symbol in chosen}
        inputs = tuple(_named(t, False, x, names) for t, x in _side(node.inputs, operands, False))
        outputs = tuple(
            _named(t, True, x, names) or Tensor() for t, x in _side(node.outputs, operands, True)
        )
        try:
            found = called(inputs, outputs)
            agrees = found.keys() >= wanted.keys() and all(
                _put(found[name], values) == length for name, length in wanted.items()
            )
        except STUMBLES:
            return None
        return found if agrees else None

    best = tried(axes)
    if best is not None:
        return best
    kept: list[tuple[str, bool, int, str]] = []
    if len(axes) > MAX_AXES:
        axes = [a for a in axes if a[1]][:MAX_AXES]
    for axis in axes:
        found = tried([*kept, axis])
        if found is not None:
            best, kept = found, [*kept, axis]
    return best


def _side(
    names: Sequence[str], operands: Sequence[Named], output: bool
) -> Iterator[tuple[str, Tensor | None]]:
    facts = {n.tensor: n.facts for n in operands if n.output == output}
    for name in names:
        yield name, facts.get(name)


def _named(
    tensor: str, output: bool, x: Tensor | None, names: Mapping[tuple[str, bool, int], str]
) -> Tensor | None:
    """The tensor with free dimensions in place of the chosen axes' lengths."""
    if x is None or x.shape is None:
        return x
    shape = tuple(
        FreeDim.named(names[tensor, output, axis]) if (tensor, output, axis) in names else length
        for axis, length in enumerate(x.shape)
    )
    return x if shape == x.shape else replace(x, shape=shape)


def _put(value: Dim, values: Mapping[str, Dim]) -> Dim:
    return substituted(value, values)


def rule_keywords(node: Node) -> dict[str, object]:
    """What a rule is given by keyword: the attributes, and the three that aren't attributes."""
    keywords: dict[str, object] = {k: v for k, v in node.attributes.items() if k not in node.bodies}
    keywords["opset"] = node.version
    keywords["output_count"] = len(node.outputs)
    keywords["node_name"] = node.name
    return keywords


def rule_of(node: Node) -> Operator | None:
    """The node's operator, where it is known."""
    return lookup(node.domain, node.op, node.version)
