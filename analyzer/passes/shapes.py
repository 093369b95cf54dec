"""What shape and dtype has every tensor?

One walk over the nodes in running order, each operator's `infer` rule applied to what is known of
its inputs. Where a shape hangs on values (Shape, Gather, Concat feeding Reshape), small values are
folded by `onnx.reference`. An operator without rules is analysed through its schema's function
body, then by the schema's own inference, then taken at the file's word; what stays unknown gets a
diagnostic.
"""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal, get_args, get_origin, get_type_hints

import numpy as np
import onnx

from cnnscope.analyzer.model.expansion import NODE_LIMIT
from cnnscope.analyzer.model.graph import (
    VALUE_LIMIT,
    Graph,
    Node,
    captures,
    declared_tensor,
    quoted,
    read_graph,
)
from cnnscope.analyzer.operators.answers import RuleFailed
from cnnscope.analyzer.operators.custom import failure
from cnnscope.analyzer.operators.definition import OURS, Family, Operator, lookup, reckoner
from cnnscope.analyzer.operators.likeness import Key, likeness
from cnnscope.analyzer.operators.plugins import load_plugins
from cnnscope.analyzer.operators.rules import Rule
from cnnscope.analyzer.values.diagnostics import (
    STUMBLED,
    Diagnostic,
    GraphError,
    LimitError,
    one_line,
    own_words,
)
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.elements import Ratio
from cnnscope.analyzer.values.reckoning import Sums, unknown
from cnnscope.analyzer.values.tensor import DTYPES, RANK_LIMIT, Tensor

How = Literal["rules", "function", "schema", "declared", "unknown"]

_CODES = {name: code for code, name in DTYPES.items()}

_SHOWN = 8  # input shapes, and axes of each, that an error shows
LENGTH_LIMIT = (1 << 63) - 1
_LATEST = (1 << 31) - 1  # no opset version is larger


@dataclass(frozen=True, eq=False)
class Shapes:
    """What is known of every tensor of one graph.

    Args:
        tensors: by name: inputs, stored tensors, node outputs, and what bodies capture.
        how: by node index, what the outputs are known from.
        bodies: of nodes with subgraphs, by node index and attribute name; the last one inferred.
        functions: of operators analysed through their schema's function body: the body.
        alike: by node index, the class of nodes alike (`likeness`) that it belongs to.
        diagnostics: what was noticed.
        refused: by index, the nodes that can't be: an error says why. Nothing is known of their
            outputs, nor of what hangs on those: the file's own word isn't taken there.
        behind: of tensors whose rank isn't known, the operator without rules that costs it.
    """

    tensors: dict[str, Tensor]
    how: dict[int, How] = field(default_factory=dict)
    bodies: dict[tuple[int, str], Shapes] = field(default_factory=dict)
    functions: dict[int, tuple[Graph, Shapes]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    alike: dict[int, int] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    behind: dict[str, str] = field(default_factory=dict)
    _doubtful: set[str] = field(default_factory=set, repr=False)
    _classes: dict[Key, tuple[int, tuple[Tensor, ...]]] = field(default_factory=dict, repr=False)
    _folded: dict[int, bool] = field(default_factory=dict, repr=False)
    _values: dict[object, tuple[np.ndarray, ...]] = field(default_factory=dict, repr=False)
    _allowance: _Allowance | None = field(default=None, repr=False)
    origin: Origin = field(default_factory=lambda: Origin(), repr=False)

    @property
    def room(self) -> _Room:
        """What the whole model may still take."""
        assert self._allowance is not None
        return self._allowance.room

    def inputs(self, node: Node) -> tuple[Tensor | None, ...]:
        """A node's inputs, None where omitted."""
        return tuple([self.tensors[name] if name else None for name in node.inputs])

    def outputs(self, node: Node) -> tuple[Tensor, ...]:
        """A node's outputs; those omitted are unknown tensors."""
        return tuple([self.tensors[name] if name else _UNKNOWN for name in node.outputs])

    def folded(self, node: Node) -> bool:
        """Is the result known without running the model, so that the node is no layer?"""
        known = self._folded.get(node.index)  # every pass asks
        if known is None:
            known = False
            for name in node.outputs:
                if name:
                    x = self.tensors[name]
                    known = x.constant or x.is_told
                    if not known:
                        break
            self._folded[node.index] = known
        return known


_UNKNOWN = Tensor()


@dataclass(slots=True)
class Origin:
    """Where the numbers are that were not kept: see `cnnscope.analyzer.passes.places`.

    Args:
        graph: the graph whose tensors these are.
        outer: of a subgraph, what is known around it.
        read: reads a stored tensor's numbers from the model's file; None: only what is in memory.
        known: what was found of each tensor.
    """

    graph: Graph | None = None
    outer: Shapes | None = None
    read: Callable[[onnx.TensorProto], np.ndarray] | None = None
    known: dict[str, np.ndarray | None] = field(default_factory=dict)


#: how many nodes may be gone through in subgraphs, and per node of the model. A loop's body is gone
#: through until its state settles, up to three times, and with loops in loops three times three.
_BODY_NODES, _BODY_ROUNDS = 20_000, 9


#: bytes of values worked out beforehand that may be kept at once
VALUE_BYTES = 1 << 28


@dataclass(slots=True)
class _Room:
    """What the whole model may still take: nodes of schemas' function bodies, bytes of values."""

    nodes: int
    values: int = VALUE_BYTES

    def keep(self, arrays: Sequence[np.ndarray | None]) -> None:
        for array in arrays:
            if array is not None:
                self.values -= array.nbytes
        if self.values < 0:
            raise LimitError(
                f"the constants that can be worked out beforehand take more than"
                f" {VALUE_BYTES >> 20} MiB; fold them in the file"
            )

    def expand(self, nodes: int) -> None:
        self.nodes -= 2 * nodes  # as nodes of any other function
        if self.nodes < 0:
            raise LimitError(
                f"the model stands for more than {NODE_LIMIT} nodes once the function bodies of its"
                " operators are put in place of them"
            )


class _Allowance:
    """How many nodes subgraphs may still be gone through: loops in loops would take for ever."""

    def __init__(self, graph: Graph, room: _Room | None = None) -> None:
        count = _count(graph)
        self.left = _BODY_NODES + _BODY_ROUNDS * count
        self.room = _Room(NODE_LIMIT - count) if room is None else room

    def spend(self, nodes: int) -> None:
        self.left -= nodes
        if self.left < 0:
            raise Undetermined("loops nested in each other, too many to be followed")


def _count(graph: Graph) -> int:
    inner = (body for node in graph.nodes for body in node.bodies.values())
    return len(graph.nodes) + sum(map(_count, inner))


class Body:
    """A subgraph that a control-flow rule can apply: ``body(*inputs)`` gives its outputs.

    Args:
        graph: the subgraph.
        outer: what is known around it; what is noticed inside is added there.
        key: the node's index and the attribute that holds it.

    After a call, `refused` says whether a node inside can't be; `withdraw` takes back whatever was
    found, for a branch that can't be the one that runs.
    """

    def __init__(self, graph: Graph, outer: Shapes, key: tuple[int, str]) -> None:
        self.graph = graph
        self.refused = False
        self._outer = outer
        self._key = key
        self._said = len(outer.diagnostics), len(outer.diagnostics)

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self.graph.inputs, inputs, strict=False))
        for name, declared in self.graph.inputs.items():
            given[name] = _filled(given.get(name, _UNKNOWN), declared)
        outer = self._outer
        if outer._allowance is not None:
            outer._allowance.spend(1 + len(self.graph.nodes))
        seen = {n: outer.tensors[n] for n in captures(self.graph) if n in outer.tensors}
        shapes = infer_shapes(self.graph, given, seen, outer._allowance)
        shapes.origin.outer = outer
        outer.bodies[self._key] = shapes
        before = len(outer.diagnostics)
        outer.diagnostics.extend(shapes.diagnostics)
        self._said = before, len(outer.diagnostics)
        self.refused = any(d.severity == "error" for d in shapes.diagnostics)
        for name in self.graph.outputs:
            if name not in shapes.tensors:
                raise ValueError(f"its subgraph's output {quoted(name)} is given by no node")
        return tuple(shapes.tensors[name] for name in self.graph.outputs)

    def tried(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """As a call, with nothing kept of it."""
        outer = self._outer
        known, said = outer.bodies.get(self._key), len(outer.diagnostics)
        try:
            return self(*inputs)
        finally:
            del outer.diagnostics[said:]
            if known is not None:
                outer.bodies[self._key] = known

    @property
    def declared(self) -> Sequence[Tensor]:
        """Its inputs, as the file declares them."""
        return tuple(self.graph.inputs.values())

    def withdraw(self) -> None:
        """As if the last call hadn't been."""
        del self._outer.bodies[self._key]
        del self._outer.diagnostics[slice(*self._said)]

    @property
    def captured(self) -> tuple[Tensor, ...]:
        """What the body reads from the graphs around it."""
        return tuple(
            self._outer.tensors[name]
            for name in captures(self.graph)
            if name in self._outer.tensors
        )


def infer_shapes(
    graph: Graph,
    inputs: Mapping[str, Tensor],
    outer: Mapping[str, Tensor] | None = None,
    allowance: _Allowance | None = None,
) -> Shapes:
    """Shapes, dtypes and small values of every tensor of a graph.

    Args:
        graph: the graph.
        inputs: its inputs, free dimensions bound as far as they are.
        outer: for a subgraph, the tensors visible around it.
        allowance: for a subgraph, what is left of the whole model's.

    Raises:
        GraphError: a node reads what nothing gives, or there is too much of something.
    """
    shapes = Shapes(
        {**(outer or {}), **inputs},
        _allowance=_Allowance(graph) if allowance is None else allowance,
    )
    tensors = shapes.tensors
    for stored in graph.stored.values():
        tensors[stored.name] = stored.tensor
    doubtful = shapes._doubtful
    for node in graph.nodes:
        try:
            outputs = _node_outputs(graph, node, shapes)
        except Contradiction as error:
            outputs = _refused(node, error, shapes)
        _note_data(node, outputs, shapes)
        behind_error = bool(doubtful) and not doubtful.isdisjoint(node.inputs)
        for i, name in enumerate(node.outputs):
            if name:
                x = outputs[i] if i < len(outputs) else _UNKNOWN
                if x.shape is None and (behind_error or node.index in shapes.refused):
                    # What the file declares was written for a model that runs.
                    tensors[name] = x
                    doubtful.add(name)
                    continue
                declared = graph.declared.get(name)
                tensors[name] = x
                if declared is not None:
                    tensors[name] = _against_declared(x, declared, node, shapes)
                if x.shape is None and tensors[name].shape is None and x.kind == "tensor":
                    _note_behind(node, name, shapes)
                if tensors[name] is not x:  # the file knows more of this one than of its like
                    shapes.alike.pop(node.index, None)
    shapes._classes.clear()
    shapes._values.clear()
    shapes.origin.graph = graph
    return shapes


def _note_behind(node: Node, name: str, shapes: Shapes) -> None:
    """Keep which operator costs a tensor's rank."""
    blamed = next((shapes.behind[n] for n in node.inputs if n in shapes.behind), None)
    if blamed is None and shapes.how.get(node.index) in ("unknown", "schema"):
        blamed = node.title
    if blamed is not None:
        shapes.behind[name] = blamed


class Contradiction(Exception):
    """A node that can't be, with its attributes and its inputs: the fact, without the node."""


def _refused(node: Node, error: Contradiction, shapes: Shapes) -> tuple[Tensor, ...]:
    """Nothing of the node's outputs, and an error that names it, with its inputs' shapes."""
    inputs = tuple([shapes.tensors[name] if name else None for name in node.inputs])
    text = f"{_at(node)}: {error}{_given(inputs)}"
    shapes.diagnostics.append(
        Diagnostic("invalid-node", "error", node.name, one_line(text),
                   "what it gives is unknown, and so is whatever hangs on that")
    )  # fmt: skip
    for name in node.bodies:
        shapes.bodies.pop((node.index, name), None)
    shapes.functions.pop(node.index, None)
    shapes.how[node.index] = "unknown"
    shapes.refused.add(node.index)
    return tuple([_UNKNOWN for _ in node.outputs])


def _node_outputs(graph: Graph, node: Node, shapes: Shapes) -> tuple[Tensor, ...]:
    try:
        inputs = tuple([shapes.tensors[name] if name else None for name in node.inputs])
    except KeyError as missing:  # a capture that the graph around doesn't show
        raise GraphError(
            f"{_at(node)} reads {quoted(str(missing.args[0]))}, which nothing gives"
        ) from None
    operator = lookup(node.domain, node.op, node.version)
    if operator is None:
        shapes.diagnostics.extend(load_plugins())
        operator = lookup(node.domain, node.op, node.version)
    if operator is None:
        return _without_rules(graph, node, inputs, shapes)
    key = likeness(node, operator, inputs)
    if key is not None and (known := shapes._classes.get(key)) is not None:
        shapes.how[node.index] = "rules"
        shapes.alike[node.index], outputs = known
        return outputs
    lacks = _lacking(node, operator)
    if lacks:
        raise Contradiction(f"it lacks {lacks}")
    if operator.source == OURS:
        demands = _demands(node.domain, node.op, node.version)
        wrong = _unfit_types(node, inputs, demands)
        if wrong:
            raise Contradiction(wrong)
        if demands.known is not None and not demands.known.issuperset(node.attributes):
            odd = sorted(node.attributes.keys() - demands.known)
            raise Contradiction(f"{node.title} has no attribute {quoted(odd[0])} at this opset")
    keywords: dict[str, object] = dict(node.attributes)
    bodies = node.bodies
    for name, body in bodies.items():
        keywords[name] = Body(body, shapes, (node.index, name))
    keywords["opset"] = node.version
    keywords["output_count"] = len(node.outputs)
    keywords["node_name"] = node.name
    shapes.how[node.index] = "rules"
    try:
        result = operator.call(operator.infer, inputs, keywords)
    except LimitError as error:
        raise LimitError(f"{_at(node)}: {error}") from None
    except Undetermined as unknown:
        if all(x is None or x.shape is not None for x in inputs):
            _note_undetermined(node, unknown, shapes)
        return _without_rules(graph, node, inputs, shapes, quiet=True)
    except RuleFailed as fault:
        shapes.diagnostics.append(failure(node, fault))
        return _without_rules(graph, node, inputs, shapes, quiet=True)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        # Rules raise ValueError for what can't be: the model contradicts itself there.
        raise Contradiction(own_words(error)) from None
    except (TypeError, IndexError, KeyError, AttributeError, AssertionError) as error:
        lacks = _unfit(operator.infer, inputs, keywords)
        if lacks:
            raise Contradiction(f"it lacks {lacks}") from None
        logging.getLogger("cnnscope").debug("the rule of %s failed", node.title, exc_info=error)
        shapes.diagnostics.append(
            Diagnostic("rule-failed", "warning", node.name,
                       f"{node.title}: its rule failed on this node: {STUMBLED}, or the rule is wrong",
                       "please report it with the model's graph")
        )  # fmt: skip
        return _without_rules(graph, node, inputs, shapes, quiet=True)
    if operator.source == OURS and operator.kind in _ASKED and not bodies:
        objection = _objection(node, inputs)
        if objection:
            raise Contradiction(objection)
    outputs = result if isinstance(result, tuple) else (result,)
    for k, x in enumerate(outputs):
        if not isinstance(x, Tensor):  # e.g. a Constant whose value is a graph
            raise Contradiction("it has an attribute of a wrong kind")
        _check_shape(x, k)
    if operator.source != OURS and any(node.outputs[len(outputs) :]):
        short = RuleFailed(f"its infer rule gave {len(outputs)} of {len(node.outputs)} outputs")
        shapes.diagnostics.append(failure(node, short))
    constant = told = not operator.random
    for each in inputs if constant else ():
        if each is not None:
            # What is made of sizes alone (the lengths that Shape gives) is as constant as what is stored.
            constant = constant and each.is_known
            told = told and each.value is not None
    if bodies and constant:
        constant = all(
            x.is_known for name in bodies for x in Body(bodies[name], shapes, (0, "")).captured
        )
    if told and inputs:
        outputs = _folded(node, inputs, outputs, shapes)
    elif not told and inputs and (rule := reckoner(node.domain, node.op)) and rule.joins:
        outputs = _folded(node, _partly(node, inputs), outputs, shapes)
    if constant:
        outputs = tuple([x.as_constant() for x in outputs])
    if told:
        shapes.room.keep([x.value for x in outputs])
    if key is not None:
        shapes.alike[node.index] = number = len(shapes._classes)
        shapes._classes[key] = number, outputs
    return outputs


@dataclass(frozen=True, slots=True)
class _Demands:
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


@cache
def _demands(domain: str, op: str, version: int) -> _Demands:
    # A rule may serve versions from before the operator had a schema: then the latest is asked.
    schema = _schema(domain, op, version) or _schema(domain, op, _LATEST)
    if schema is None:
        return _Demands()
    options = onnx.defs.OpSchema.FormalParameterOption
    optional = options.Optional
    shared = [
        "" if x.option == options.Variadic and not x.is_homogeneous else x.type_str
        for x in schema.inputs
    ]
    return _Demands(
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


def _later_types(schema: onnx.defs.OpSchema) -> list[set[str]]:
    """Per input the types that the operator has taken since: exporters write bfloat16 long before the
    schemas have it, and it is no contradiction of sizes."""
    newest = _schema(schema.domain, schema.name, _LATEST)
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


def _unfit_types(node: Node, inputs: tuple[Tensor | None, ...], demands: _Demands) -> str:
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


def _lacking(node: Node, operator: Operator) -> str:
    """What the node lacks of what its schema demands, or an empty string."""
    demands = _demands(node.domain, node.op, node.version)
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
        if kinds is not None and not _is_of(value, kinds):
            return f"an attribute {name} of the kind that it has to be ({_kind(kinds)})"
    return ""


def _is_of(value: object, kinds: tuple[type, ...]) -> bool:
    fits = isinstance(value, kinds[0])
    return fits and not (isinstance(value, tuple) and value and not isinstance(value[0], kinds[1]))


def _kind(kinds: tuple[type, ...]) -> str:
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


def _unfit(rule: Rule, inputs: tuple[Tensor | None, ...], keywords: Mapping[str, object]) -> str:
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
        elif (kinds := _rule_kinds(rule).get(p.name)) and not _is_of(keywords[p.name], kinds):
            return f"an attribute {p.name} of the kind that it has to be ({_kind(kinds)})"
    return ""


def _check_shape(x: Tensor, k: int) -> None:
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


def _at(node: Node) -> str:
    """A node in an error: which, and what it is."""
    title = node.title if len(node.title) <= 120 else f"{node.title[:117]}..."
    return f"node {quoted(node.name)} ({title})"


def _given(inputs: tuple[Tensor | None, ...]) -> str:
    """The input shapes, for an error's reader."""
    shown = ["-" if x is None else "?" if x.shape is None else _dims(x) for x in inputs[:_SHOWN]]
    more = ", ..." if len(inputs) > _SHOWN else ""
    return f" (inputs: {', '.join(shown)}{more})" if shown else ""


def _note_undetermined(node: Node, unknown: Undetermined, shapes: Shapes) -> None:
    if unknown.names:
        what = f"hangs on the free dimension {', '.join(sorted(unknown.names))}"
        hint = " ".join(f"--dim {name}=LENGTH" for name in sorted(unknown.names))
    elif unknown.data:
        what, hint = f"depends on data: {', '.join(sorted(unknown.data))}", ""
    else:
        what, hint = f"depends on {unknown.reason or 'data'}", ""
    shapes.diagnostics.append(
        Diagnostic("undetermined-shape", "info", node.name,
                   f"the output size of {node.title} {what}", hint)
    )  # fmt: skip


def _note_data(node: Node, outputs: tuple[Tensor, ...], shapes: Shapes) -> None:
    """Say where a size first hangs on data."""
    new: set[str] = set()
    for x in outputs:
        for d in x.shape or ():
            if d.__class__ is not int and isinstance(d, FreeDim):
                new |= d.data
    if not new:
        return
    for name in node.inputs:
        for d in (shapes.tensors[name].shape or ()) if name else ():
            if isinstance(d, FreeDim):
                new -= d.data
    if new:
        shapes.diagnostics.append(
            Diagnostic("data-dependent-size", "info", node.name,
                       f"how large {node.title}'s output is depends on data: {', '.join(sorted(new))}",
                       "what hangs on it is unavailable or a lower bound")
        )  # fmt: skip


# -- values --------------------------------------------------------------------------------------


@cache
def _reference(domain: str, op: str, version: int) -> type | None:
    from onnx.reference.ops import load_op

    try:
        found: type = load_op(domain, op, version)
        return found
    except Exception:  # noqa: BLE001
        # load_op raises several unrelated types for what it lacks; lacking is no error here.
        return None


def _folded(
    node: Node, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...], shapes: Shapes
) -> tuple[Tensor, ...]:
    """The outputs with their values, where they are small and onnx's reference can tell them."""
    if all(x.value is not None for x in outputs) or node.bodies:
        return outputs
    for x in outputs:
        if x.kind != "tensor" or x.shape is None:
            return outputs
        size = x.size
        if not isinstance(size, int) or size > VALUE_LIMIT:
            return outputs
    arrays = [None if x is None else x.value for x in inputs]
    if any(x is not None and x.value is None for x in inputs):
        return outputs
    if any(a is not None and a.dtype == object for a in arrays):
        return _reckoned(node, inputs, outputs)
    # Blocks alike do the same arithmetic with the same numbers: it is done once.
    key = (
        node.op, node.domain, node.version, len(outputs), tuple(node.attributes.items()),
        *[None if a is None else (a.dtype, a.shape, a.tobytes()) for a in arrays],
    )  # fmt: skip
    results = shapes._values.get(key)
    if results is None:
        results = reference_result(node, arrays)
        shapes.room.keep(arrays)  # in the key
        shapes._values[key] = results
    folded = [
        x.with_value(array) if array.shape == x.shape and array.dtype != object else x
        for x, array in zip(outputs, results, strict=False)
    ]
    return tuple(folded) or outputs


#: elements of an array up to which what hangs on free lengths is worked out
RECKONED = 256
#: and in which dtypes: narrower ones, and those without a sign, may wrap around
_RECKONED_IN = frozenset({"int64", "int32", "float32", "float64", "bool"})


def _reckoned(
    node: Node, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """The outputs with values that hang on free lengths, or that say so."""
    arrays = [None if x is None else x.value for x in inputs]
    if any(a is not None and a.size > RECKONED for a in arrays):
        return outputs
    found: Sequence[np.ndarray] = ()
    rule = reckoner(node.domain, node.op)
    plain = all(x is None or x.dtype in _RECKONED_IN for x in inputs)
    if rule is not None and plain and not node.attributes.get(rule.unless):
        sums = Sums(
            arrays, [None if x is None else x.dtype for x in inputs], node.attributes,
            outputs[0].dtype, lambda others: reference_result(node, others),
        )  # fmt: skip
        try:
            found = rule.rule(sums)
        except (ValueError, TypeError, IndexError, Undetermined, OverflowError):
            found = ()  # what can't be laid against each other is the shape rule's to refuse
    told = []
    for k, x in enumerate(outputs):
        array = found[k] if k < len(found) else None
        shape = tuple(n for n in x.shape or () if isinstance(n, int))
        if array is None or array.shape != shape:
            if math.prod(shape) > RECKONED:
                told.append(x)
                continue
            array = unknown(shape, f"{node.name} value {k}", arrays)
        named = _named(array, f"{node.name} value {k}")
        if named.dtype != object and x.dtype in _RECKONED_IN:
            named = named.astype(x.dtype)  # the reference wants operands of one dtype
        told.append(x.with_value(named))
    return tuple(told)


def _named(array: np.ndarray, what: str) -> np.ndarray:
    """The elements that aren't followed called after the node that lost them."""
    for index in np.ndindex(*array.shape):
        item: object = array[index]
        if isinstance(item, FreeDim) and (lost := item.lost) is not None:
            place = f" {list(index)}" if index else ""
            array[index] = FreeDim.unknown(f"{what}{place}", lost.names, lost.data)
    if all(not isinstance(item, FreeDim | Ratio) for item in array.ravel().tolist()):
        return np.array(array.tolist())
    return array


def _partly(node: Node, inputs: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    """The inputs, what a few whole numbers come to that hang on data as so many unknowns."""
    if not any(x is not None and x.value is not None for x in inputs):
        return inputs
    found = []
    for x, name in zip(inputs, node.inputs, strict=True):
        if x is None or x.value is not None:
            found.append(x)
            continue
        shape = tuple(n for n in x.shape or () if isinstance(n, int))
        known = x.shape is not None and len(shape) == len(x.shape) and x.kind == "tensor"
        if not known or math.prod(shape) > RECKONED or x.dtype not in ("int64", "int32"):
            return inputs
        array = np.empty(shape, object)
        for index in np.ndindex(*shape):
            what = f"{name} {list(index)}" if index else name
            array[index] = FreeDim.unknown(what, data=(what,))
        found.append(x.with_value(array))
    return tuple(found)


def reference_result(node: Node, arrays: list[np.ndarray | None]) -> tuple[np.ndarray, ...]:
    """What onnx's reference gives for these inputs; nothing where it can't tell."""
    implementation = _reference(node.domain, node.op, node.version)
    if implementation is None:
        return ()
    parameters = {
        "log": lambda *_: None, "opsets": {node.domain: node.version}, "verbose": 0,
        "new_ops": None,
    }  # fmt: skip
    try:
        with np.errstate(all="ignore"):
            results = implementation(node.proto, parameters).run(*arrays)
        return tuple([np.asarray(value) for value in results])
    except Exception:  # noqa: BLE001
        # The reference raises whatever numpy does, e.g. on dimensions that aren't numbers: then
        # the value stays unknown, which whoever needs it will say.
        return ()


# -- operators without rules ---------------------------------------------------------------------


@cache
def _schema(domain: str, op: str, version: int) -> onnx.defs.OpSchema | None:
    try:
        # onnx takes 32 bits, a file has 64
        within = min(max(version, 0), _LATEST)
        return onnx.defs.get_schema(op, max_inclusive_version=within, domain=domain)
    except onnx.defs.SchemaError:
        return None


def _without_rules(
    graph: Graph,
    node: Node,
    inputs: tuple[Tensor | None, ...],
    shapes: Shapes,
    quiet: bool = False,
) -> tuple[Tensor, ...]:
    schema = _schema(node.domain, node.op, node.version)
    if schema is not None and not quiet:
        body = _function_body(graph, schema, node, inputs)
        if body is not None:
            given = {name: x for name, x in zip(node.inputs, inputs, strict=True) if name and x}
            shapes.room.expand(len(body.nodes))
            inner = infer_shapes(body, given, allowance=_Allowance(body, shapes.room))
            shapes.functions[node.index] = (body, inner)
            shapes.diagnostics.extend(inner.diagnostics)
            shapes.how[node.index] = "function"
            return tuple(inner.tensors.get(name, _UNKNOWN) for name in body.outputs)
    outputs: tuple[Tensor, ...] = ()
    how: How = "unknown"
    if schema is not None:
        outputs = _schema_inference(schema, node, inputs)
        if any(x.shape is not None or x.dtype is not None or x.kind != "tensor" for x in outputs):
            how = "schema"
    if how == "unknown" and any(
        name in graph.declared and graph.declared[name].shape is not None for name in node.outputs
    ):
        how = "declared"
    shapes.how[node.index] = how if not quiet else "rules"
    if schema is None and not quiet:
        taken = (
            "its declared output shapes are taken"
            if how == "declared"
            else "its outputs are unknown"
        )
        shapes.diagnostics.append(
            Diagnostic("unknown-operator", "warning", node.name,
                       f"operator {node.title} isn't known: its work isn't counted, {taken}",
                       "cnnscope.register gives it rules; `cnnscope operators` shows what is covered")
        )  # fmt: skip
    if all(x is None or x.is_known for x in inputs) and inputs:
        outputs = tuple([x.as_constant() for x in outputs])
    return outputs


def _type_proto(x: Tensor) -> onnx.TypeProto | None:
    if x.kind == "sequence":
        inner = _type_proto(x.element or _UNKNOWN)
        return None if inner is None else onnx.helper.make_sequence_type_proto(inner)
    if x.kind == "optional":
        inner = _type_proto(x.element or _UNKNOWN)
        return None if inner is None else onnx.helper.make_optional_type_proto(inner)
    if x.dtype is None or x.kind != "tensor":
        return None
    dims = None if x.shape is None else [d if isinstance(d, int) else str(d) for d in x.shape]
    return onnx.helper.make_tensor_type_proto(_CODES[x.dtype], dims)


def _function_body(
    graph: Graph, schema: onnx.defs.OpSchema, node: Node, inputs: tuple[Tensor | None, ...]
) -> Graph | None:
    """The schema's function body as a graph of its own, inputs and outputs named as the node's."""
    # (onnx's type stubs leave these members out)
    has_body: bool = getattr(schema, "has_function", False)
    depends_on_types: bool = getattr(schema, "has_context_dependent_function", False)
    if not (has_body or depends_on_types):
        return None
    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    del proto.input[:]
    del proto.output[:]
    proto.input.extend(node.inputs)
    proto.output.extend(node.outputs)
    function: onnx.FunctionProto | None = None
    try:
        if depends_on_types:
            types = [onnx.TypeProto() if x is None else _type_proto(x) for x in inputs]
            if all(t is not None for t in types):
                text = schema.get_context_dependent_function(  # type: ignore[attr-defined]  # not in its stubs
                    proto.SerializeToString(),
                    [t.SerializeToString() for t in types if t is not None],
                )
                function = onnx.FunctionProto.FromString(text)
        if function is None and has_body:
            function = schema.function_body
        if function is None or not function.node:
            return None
        model = onnx.ModelProto(ir_version=10)
        for domain, version in graph.opsets.items():
            model.opset_import.add(domain=domain, version=version)
        copy = model.functions.add()
        copy.CopyFrom(function)
        copy.name, copy.domain = node.op, node.domain
        model.graph.name = node.name
        model.graph.node.add().CopyFrom(proto)
        model.graph.input.extend(
            onnx.ValueInfoProto(name=n) for n in dict.fromkeys(node.inputs) if n
        )
        model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in node.outputs if n)
        return read_graph(model)
    except (GraphError, RuntimeError, ValueError, TypeError):
        return None  # the schema's inference is tried next


#: What ONNX's own inference is asked to object to, besides our rules. It takes a tenth of a
#: millisecond a node, more than all of ours: families whose rules check their operands, and of which
#: a network has hundreds of nodes, aren't asked about.
_ASKED: frozenset[Family] = frozenset(
    {
        "attention", "position encoding", "recurrent", "normalization", "quantization", "loss",
        "sampling", "region pooling", "max unpooling", "deformable convolution", "scan", "random",
        "signal transform", "indexing", "selection", "linear algebra", "text", "resize", "other",
    }
)  # fmt: skip


def _objection(node: Node, inputs: tuple[Tensor | None, ...]) -> str:
    """What ONNX's own inference has against the node's inputs and attributes, or an empty string."""
    schema = _schema(node.domain, node.op, node.version)
    if schema is None:
        return ""
    try:
        _inferred(schema, node, inputs)
    except onnx.shape_inference.InferenceError as error:
        said = " ".join(str(error).split())
        return said.partition("InferenceError] ")[2] or said
    except Exception:  # noqa: BLE001
        # What it can't read of a node is no fact about the node.
        return ""
    return ""


def _schema_inference(
    schema: onnx.defs.OpSchema, node: Node, inputs: tuple[Tensor | None, ...]
) -> tuple[Tensor, ...]:
    """What the operator's schema infers by itself."""
    try:
        return _inferred(schema, node, inputs)
    except Exception:  # noqa: BLE001
        # The C++ inference reports every kind of disagreement as one of several exception types;
        # what it can't infer stays unknown.
        return ()


def _inferred(
    schema: onnx.defs.OpSchema, node: Node, inputs: tuple[Tensor | None, ...]
) -> tuple[Tensor, ...]:
    from onnx import numpy_helper, shape_inference

    free: dict[str, Dim] = {}
    types: dict[str, onnx.TypeProto] = {}
    data: dict[str, onnx.TensorProto] = {}
    proto = onnx.NodeProto(op_type=node.op, domain=node.domain)
    proto.attribute.extend(node.proto.attribute)
    for i, x in enumerate(inputs):
        proto.input.append("" if x is None else f"i{i}")
        kind = None if x is None else _type_proto(x)
        if x is None:
            continue
        if kind is None:
            return ()
        types[f"i{i}"] = kind
        free.update({str(d): d for d in x.shape or () if isinstance(d, FreeDim)})
        if x.value is not None and x.value.dtype != object:
            data[f"i{i}"] = numpy_helper.from_array(x.value)
    proto.output.extend(f"o{i}" for i in range(len(node.outputs)))
    found = shape_inference.infer_node_outputs(
        schema, proto, types, data, {}, [onnx.helper.make_opsetid(node.domain, node.version)]
    )
    outputs = []
    for i in range(len(node.outputs)):
        x = declared_tensor(found[f"o{i}"]) if f"o{i}" in found else _UNKNOWN
        if x.shape is not None:
            dims: list[Dim] = []
            for axis, d in enumerate(x.shape):
                known = free.get(str(d)) if isinstance(d, FreeDim) else d
                what = f"{node.outputs[i] or node.name} axis {axis}"
                dims.append(FreeDim.from_data(what) if known is None else known)
            x = replace(x, shape=tuple(dims))
        outputs.append(x)
    return tuple(outputs)


# -- the file's own word -------------------------------------------------------------------------


def _filled(x: Tensor, declared: Tensor | None) -> Tensor:
    """What is known, completed by what is declared where nothing is."""
    if declared is None or x is declared:
        return x
    dtype = x.dtype or declared.dtype
    shape = x.shape
    if shape is None:
        if declared.shape is not None and all(isinstance(d, int) for d in declared.shape):
            shape = declared.shape
    elif declared.shape is not None and len(declared.shape) == len(shape):
        shape = tuple(
            theirs if isinstance(mine, FreeDim) and mine.data and isinstance(theirs, int) else mine
            for mine, theirs in zip(shape, declared.shape, strict=True)
        )
    kind = declared.kind if x.kind == "tensor" and x.dtype is None and x.shape is None else x.kind
    element = x.element or declared.element
    if (dtype, shape, kind, element) == (x.dtype, x.shape, x.kind, x.element):
        return x
    return replace(x, dtype=dtype, shape=shape, kind=kind, element=element)


def _against_declared(x: Tensor, declared: Tensor, node: Node, shapes: Shapes) -> Tensor:
    if x.shape is declared.shape or x.shape == declared.shape:
        return _filled(x, declared)
    if x.shape is not None and declared.shape is not None:
        differs = len(x.shape) != len(declared.shape) or any(
            isinstance(a, int) and isinstance(b, int) and a != b
            for a, b in zip(x.shape, declared.shape, strict=True)
        )
        if differs:
            shapes.diagnostics.append(
                Diagnostic("declared-shape-differs", "warning", node.name,
                           f"{node.title} gives {_dims(x)}, the file declares {_dims(declared)}",
                           "the file's value_info is stale; what is computed is used")
            )  # fmt: skip
    return _filled(x, declared)


def _dims(x: Tensor) -> str:
    shape = x.shape or ()
    return "x".join(map(str, shape[:_SHOWN])) + ("x..." if len(shape) > _SHOWN else "") or "scalar"
