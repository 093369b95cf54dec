"""What does an operator demand of a node, by its schema and by its rule's signature?"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cache, lru_cache
from typing import get_args, get_origin, get_type_hints

import onnx

from cnnscope.analyzer.model.graph import (
    Graph,
    Node,
)
from cnnscope.analyzer.operators.definition import OURS, Operator
from cnnscope.analyzer.operators.rules import Rule
from cnnscope.analyzer.operators.schema_rows import ASKED_FOR, schema_row
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import RANK_LIMIT, Tensor

LENGTH_LIMIT = (1 << 63) - 1


LATEST_OPSET = (1 << 31) - 1  # no opset version is larger


class Contradiction(Exception):
    """A node that can't be, with its attributes and its inputs: the fact, without the node."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What an operator's schema demands of a node."""

    least: int = 0
    most: int = 1 << 31
    present: frozenset[int] = frozenset()  # the inputs that can't be omitted
    last: int = 0  # the last input that the schema has; where it is variadic, it stands for more
    attributes: tuple[str, ...] = ()
    kinds: Mapping[str, tuple[type, ...]] = field(default_factory=dict)
    known: frozenset[str] | None = None  # every attribute there is
    types: tuple[tuple[frozenset[str], str], ...] = ()  # per input: which, and the one they share


#: the attribute types that are plain Python in a `Node`: of what, and of what their items are
_KINDS: dict[str, tuple[type, ...]] = {
    "INT": (int,), "FLOAT": (float,), "STRING": (str,), "INTS": (tuple, int),
    "FLOATS": (tuple, float), "STRINGS": (tuple, str), "TENSOR": (Tensor,), "GRAPH": (Graph,),
}  # fmt: skip


@lru_cache(maxsize=ASKED_FOR)
def schema_demands(domain: str, op: str, version: int) -> Demands:
    # A rule may serve versions from before the operator had a schema: then the latest is asked.
    schema = schema_of(domain, op, version) or schema_of(domain, op, LATEST_OPSET)
    if schema is None:
        return _row_demands(domain, op)
    options = onnx.defs.OpSchema.FormalParameterOption
    optional = options.Optional
    shared = [
        "" if x.option == options.Variadic and not x.is_homogeneous else x.type_str
        for x in schema.inputs
    ]
    return Demands(
        schema.min_input,
        schema.max_input,
        frozenset(i for i, given in enumerate(schema.inputs) if given.option != optional),
        len(schema.inputs) - 1,
        tuple(a.name for a in schema.attributes.values() if a.required),
        {
            name: _KINDS[str(a.type).rpartition(".")[2]]
            for name, a in schema.attributes.items()
            if str(a.type).rpartition(".")[2] in _KINDS
        },
        frozenset(schema.attributes),
        tuple(
            (frozenset(map(_plain_type, {*x.types, *later})), name)
            for x, later, name in zip(schema.inputs, _later_types(schema), shared, strict=True)
        ),
    )


def _row_demands(domain: str, op: str) -> Demands:
    """What an operator demands that `onnx` has no schema of: by its row, else nothing."""
    found = schema_row(domain, op)
    if found is None:
        return Demands()
    (_, operands, settings), sets = found
    inputs = operands.split()
    plain = [word.rstrip("?*") for word in inputs]
    variadic = operands.endswith("*")
    present = frozenset(i for i, word in enumerate(inputs) if not word.endswith("?"))
    kinds = {}
    required = []
    for setting in settings.removesuffix("...").split():
        name, _, kind = setting.partition(":")
        kinds[name] = _KINDS[kind.rstrip("!").upper()]
        if kind.endswith("!"):
            required.append(name)
    return Demands(
        max(present, default=-1) + 1,
        (1 << 31) - 1 if variadic else len(inputs),
        present,
        len(inputs) - 1,
        tuple(required),
        kinds,
        None if settings.endswith("...") else frozenset(kinds),
        tuple(
            (frozenset(sets.get(dtypes, dtypes).split()), "" if given.endswith("*") else word)
            for word, given in zip(plain, inputs, strict=True)
            for dtypes in (word.partition(".")[0],)
        ),
    )


def _later_types(schema: onnx.defs.OpSchema) -> list[set[str]]:
    """Per input the types that the operator has taken since: exporters write bfloat16 long before the
    schemas have it, and it is no contradiction of sizes."""
    newest = schema_of(schema.domain, schema.name, LATEST_OPSET)
    inputs = [] if newest is None else newest.inputs
    return [set(inputs[i].types) if i < len(inputs) else set() for i in range(len(schema.inputs))]


#: element types whose name in a schema isn't numpy's
_SPELLED = {
    "float": "float32", "double": "float64", "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz", "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz", "float8e8m0": "float8_e8m0fnu",
    "float4e2m1": "float4_e2m1fn",
}  # fmt: skip


def _plain_type(text: str) -> str:
    """A dtype, for a tensor's type as schemas spell it; of a container its kind."""
    kind, _, rest = text.partition("(")
    if kind != "tensor":
        return kind
    name = rest.removesuffix(")")
    return _SPELLED.get(name, name)


def unfit_types(node: Node, inputs: tuple[Tensor | None, ...], demands: Demands) -> str:
    """What is wrong with the inputs' dtypes, or an empty string."""
    types = demands.types
    if not types:
        return ""
    shared: dict[str, tuple[int, str]] = {}
    for i, x in enumerate(inputs):
        if x is None or x.dtype is None or x.kind != "tensor":
            continue
        allowed, name = types[min(i, len(types) - 1)]
        if x.dtype not in allowed:
            return f"input {i} is of {x.dtype}, which {node.title} doesn't take"
        if name and shared.setdefault(name, (i, x.dtype))[1] != x.dtype:
            first, other = shared[name]
            return (
                f"input {i} is of {x.dtype}, input {first} of {other}: they have to be of one dtype"
            )
    return ""


def missing_operands(node: Node, operator: Operator) -> str:
    """What the node lacks of what its schema demands, or an empty string."""
    demands = schema_demands(node.domain, node.op, node.version)
    kinds_of = demands.kinds
    if not kinds_of and node.attributes and operator.source == OURS:  # no schema knows it
        kinds_of = _rule_kinds(operator.infer)
    if len(node.inputs) < demands.least:
        return f"inputs: it has {len(node.inputs)} of {demands.least}"
    if len(node.inputs) > demands.most:
        return f"room for its inputs: it has {len(node.inputs)}, the operator takes {demands.most}"
    if "" in node.inputs:
        for i, name in enumerate(node.inputs):
            if not name and min(i, demands.last) in demands.present:
                return f"input {i}"
    for name in demands.attributes:
        if name not in node.attributes:
            return f"the attribute {name}"
    for name, value in node.attributes.items():
        kinds = kinds_of.get(name)
        if kinds is not None and not is_of(value, kinds):
            return f"an attribute {name} of the kind that it has to be ({kind_of(kinds)})"
    return ""


def is_of(value: object, kinds: tuple[type, ...]) -> bool:
    fits = isinstance(value, kinds[0])
    return fits and not (isinstance(value, tuple) and value and not isinstance(value[0], kinds[1]))


def kind_of(kinds: tuple[type, ...]) -> str:
    names = {int: "integer", float: "number", str: "text", Tensor: "tensor", Graph: "graph"}
    return f"{names[kinds[-1]]}s" if kinds[0] is tuple else names[kinds[0]]


@cache
def _rule_kinds(rule: Rule) -> Mapping[str, tuple[type, ...]]:
    """Of which kind the rule's signature says the attributes are, as `_KINDS` puts it."""
    try:
        hints = get_type_hints(rule)
    except (NameError, TypeError):  # a rule from outside may be anything that can be called
        return {}
    plain = {(kind, *rest) for kind, *rest in _KINDS.values() if kind not in (Tensor, Graph)}
    found = {}
    for p in inspect.signature(rule).parameters.values():
        if p.kind is not p.KEYWORD_ONLY:
            continue
        hint = hints.get(p.name)
        ways = [way for way in get_args(hint) or (hint,) if way is not type(None)]
        if get_origin(hint) in (Sequence, tuple):
            ways = [hint]
        if len(ways) != 1:
            continue
        many = get_origin(ways[0]) in (Sequence, tuple)
        kinds = (tuple, get_args(ways[0])[0]) if many else (ways[0],)
        if kinds in plain:
            found[p.name] = kinds
    return found


def unfit_arguments(
    rule: Rule, inputs: tuple[Tensor | None, ...], keywords: Mapping[str, object]
) -> str:
    """What a node lacks of what its rule's signature demands, for operators without a schema."""
    parameters = inspect.signature(rule).parameters.values()
    # A rule around another one takes inputs of its own, and the other's attributes.
    own = inspect.signature(rule, follow_wrapped=False).parameters.values()
    positional = [p for p in own if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_more = any(p.kind is p.VAR_POSITIONAL for p in own)
    if len(inputs) > len(positional) and not takes_more:
        return f"room for its inputs: it has {len(inputs)}, the operator takes {len(positional)}"
    for i, p in enumerate(positional):
        if p.default is p.empty and (i >= len(inputs) or inputs[i] is None):
            return f"input {i}"
    for p in parameters:
        if p.kind is not p.KEYWORD_ONLY:
            continue
        if p.name not in keywords:
            if p.default is p.empty:
                return f"the attribute {p.name}"
        elif (kinds := _rule_kinds(rule).get(p.name)) and not is_of(keywords[p.name], kinds):
            return f"an attribute {p.name} of the kind that it has to be ({kind_of(kinds)})"
    return ""


def check_shape(x: Tensor, k: int) -> None:
    """Raise `Contradiction` for what no tensor can be."""
    if x.shape is None:
        return
    if len(x.shape) > RANK_LIMIT:
        raise Contradiction(
            f"it would give a tensor with {len(x.shape)} axes; {RANK_LIMIT} are the most"
        )
    for axis, length in enumerate(x.shape):
        if not isinstance(length, int) or 0 <= length <= LENGTH_LIMIT:
            continue
        said = f"axis {axis} of output {k} would have length {length}"
        if length > LENGTH_LIMIT:
            said += ", more than a length in ONNX can be (64 bits)"
        raise Contradiction(said)


@lru_cache(maxsize=ASKED_FOR)
def schema_of(domain: str, op: str, version: int) -> onnx.defs.OpSchema | None:
    try:
        # onnx takes 32 bits, a file has 64
        within = min(max(version, 0), LATEST_OPSET)
        return onnx.defs.get_schema(op, max_inclusive_version=within, domain=domain)
    except onnx.defs.SchemaError:
        return None
