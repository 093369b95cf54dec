"""How large does a model become once its functions stand in place of their calls?

A file of a few kilobytes can stand for more nodes than anybody can store: functions that call each
other, in subgraphs or out of them. Here that is added up before anything is expanded, each function
once, so that the answer takes as long as reading the file. One total, in *nodes*::

    a node of the file                                     1
    a node, or a call, in a function, each time            2, and 1/16 for each call around it
    of these, one in a subgraph                            16 more for each call around it
    a node in subgraphs                                    1/4 more for each subgraph around it
    what names and constants take in a function            1 for each kilobyte, each time
    an input or output of a node beyond the first 16       1/2

The weights are those of the time and the room that each takes to be analysed, so that what stays
below `NODE_LIMIT` can be: a million nodes of an honest model, however they are written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import onnx

from cnnscope.analyzer.model.set_fields import ATTRIBUTE, INPUT, OUTPUT, set_fields
from cnnscope.analyzer.values.diagnostics import GraphError, LimitError
from cnnscope.analyzer.values.plain_class import dataclass

#: the most nodes, weighed as above
NODE_LIMIT = 3 << 20
#: the most inputs, and the most outputs, of one node
OPERAND_LIMIT = 1 << 16
#: a node with up to so many of both is nothing special
FEW = 16
#: the most functions calling each other; as for protobuf's nested messages, deeper is no model's
CALL_DEPTH = 100
#: the most subgraphs in each other: what protobuf's limit leaves room for in a file. Functions, whose
#: bodies may call each other, reach no deeper.
NESTING_LIMIT = 33
#: the most characters of a scope that calls are nested in; every node inside carries it in its name
SCOPE_LIMIT = 1000

#: a function: domain, name, overload
Key: TypeAlias = tuple[str, str, str]


@dataclass(slots=True)
class _Size:
    """What a list of nodes stands for.

    Args:
        nodes: how many, those in functions and subgraphs included.
        called: those among them, and the calls, that are in functions.
        levels: of these, the calls around each, summed.
        inner: nodes in subgraphs.
        copied: of these, the calls around each, summed.
        nested: the subgraphs around each, summed.
        names: tensors and nodes that get a name of their own at every call.
        bytes: what names and constants of functions take.
        ends: inputs and outputs of nodes that have many.
        refs: subgraphs that are the call's to give (references to a function's attributes).
        calls: how many calls there are in each other at most.
        depth: how many subgraphs there are in each other at most.
    """

    nodes: int = 0
    called: int = 0
    levels: int = 0
    inner: int = 0
    copied: int = 0
    nested: int = 0
    names: int = 0
    bytes: int = 0
    ends: int = 0
    refs: int = 0
    calls: int = 0
    depth: int = 0

    @property
    def total(self) -> int:
        return (
            self.nodes + self.called + self.levels // 16 + 16 * self.copied + self.nested // 4
            + (self.bytes >> 10) + self.ends // 2
        )  # fmt: skip

    def add_call(self, callee: _Size, label: int) -> None:
        """A call of a function, under a label of so many characters."""
        nodes = callee.nodes + 1
        self.nodes += nodes
        self.called += nodes
        self.levels += callee.levels + nodes
        self.inner += callee.inner
        self.copied += callee.copied + callee.inner
        self.nested += callee.nested
        self.names += callee.names
        self.bytes += callee.bytes + callee.names * label
        self.ends += callee.ends
        self.refs += callee.refs
        self.calls = max(self.calls, callee.calls + 1)
        self.depth = max(self.depth, callee.depth)

    def add_body(self, body: _Size, times: int = 1) -> None:
        """A subgraph, or one that is handed on and stands in so many places."""
        self.nodes += times * body.nodes
        self.called += times * body.called
        self.levels += times * body.levels
        self.inner += times * body.nodes
        self.copied += times * body.levels
        self.nested += times * (body.nested + body.nodes)
        self.names += times * body.names
        self.bytes += times * body.bytes
        self.ends += times * body.ends
        self.refs += times * body.refs
        self.calls = max(self.calls, body.calls)
        self.depth = max(self.depth, body.depth + 1)


def check_expansion(graph: onnx.GraphProto, functions: Mapping[Key, onnx.FunctionProto]) -> None:
    """Raise where a model stands for too much to be read.

    Args:
        graph: the main graph.
        functions: the model's own functions.

    Raises:
        LimitError: it stands for more nodes than `NODE_LIMIT`, or nests deeper than is allowed.
        GraphError: a function calls itself.
    """
    found = _Counting(functions).of(graph.node, 0, ())
    if found.total > NODE_LIMIT:
        whole = "more than 10**15" if found.total >= 10**15 else f"{found.total}"
        raise LimitError(
            f"the model is as much work as {whole} nodes, once its functions stand in place of their"
            f" calls and what lies in calls and subgraphs is weighed; {NODE_LIMIT} are the most"
        )


class Spelt:
    """Weighs a model without functions while it is read: it stands for no more than it spells out.

    Reading goes through all nodes anyway; only what comes near a limit is counted beforehand, too.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.weight = 0
        self.near = False

    def nodes(self, count: int, depth: int) -> None:
        """So many nodes, in so many subgraphs, are about to be read.

        Raises:
            LimitError: as `check_expansion`.
        """
        self.weight += count + count * depth // 4
        if not self.near and (depth > NESTING_LIMIT or self.weight > NODE_LIMIT // 2):
            self.near = True
            check_expansion(self.graph, {})

    def operands(self, inputs: int, outputs: int) -> None:
        """A node with many of them has been read.

        Raises:
            LimitError: as `check_expansion`.
        """
        self.weight += (inputs + outputs) // 2
        if max(inputs, outputs) > OPERAND_LIMIT:
            check_expansion(self.graph, {})


class _Counting:
    def __init__(self, functions: Mapping[Key, onnx.FunctionProto]) -> None:
        self.functions = functions
        self.known: dict[Key, _Size] = {}

    def of(self, protos: Iterable[onnx.NodeProto], depth: int, calls: tuple[Key, ...]) -> _Size:
        """What some nodes stand for that lie in so many subgraphs and in calls of these functions."""
        if depth > NESTING_LIMIT:
            raise _nested()
        size = _Size()
        for proto in protos:
            if self.functions:
                key = function_key(proto)
                if key in self.functions:
                    label = min(len(proto.name or proto.op_type), SCOPE_LIMIT) + 1
                    callee = self.function(key, proto.op_type, depth, calls)
                    # A function that was counted elsewhere may lie deeper here.
                    if depth + callee.depth > NESTING_LIMIT:
                        raise _nested()
                    if len(calls) + callee.calls >= CALL_DEPTH:
                        raise _through(proto.op_type, len(calls) + callee.calls)
                    size.add_call(callee, label)
                    if callee.refs:
                        given = (*proto.attribute, *self.functions[key].attribute_proto)
                        for body in _bodies(given):
                            found = self.of(body.node, depth + 1, calls)
                            if depth + callee.depth + 1 + found.depth > NESTING_LIMIT:
                                raise _nested()
                            size.add_body(found, callee.refs)
                    continue
            size.nodes += 1
            fields = set_fields(proto)
            inputs, outputs = len(fields.get(INPUT, ())), len(fields.get(OUTPUT, ()))
            size.names += 1 + outputs
            if inputs + outputs > FEW:
                size.ends += inputs + outputs - FEW
                for count, what in ((inputs, "inputs"), (outputs, "outputs")):
                    if count > OPERAND_LIMIT:
                        raise LimitError(
                            f"node {proto.name!r:.120} ({proto.op_type!r:.120}) has {count} {what};"
                            f" {OPERAND_LIMIT} are the most"
                        )
            if calls:
                size.bytes += proto.ByteSize()
                size.refs += sum(
                    1 for a in proto.attribute if a.ref_attr_name and a.type in _HOLDS_GRAPHS
                )
            for body in _bodies(fields.get(ATTRIBUTE, ())):
                size.add_body(self.of(body.node, depth + 1, calls))
        return size

    def function(self, key: Key, name: str, depth: int, calls: tuple[Key, ...]) -> _Size:
        known = self.known.get(key)
        if known is not None:
            return known
        if key in calls:
            raise GraphError(f"function {name!r:.120} calls itself")
        if len(calls) >= CALL_DEPTH:
            raise _through(name, len(calls))
        found = self.of(self.functions[key].node, depth, (*calls, key))
        self.known[key] = found
        return found


_HOLDS_GRAPHS = frozenset(
    {onnx.AttributeProto.UNDEFINED, onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS}
)


def _bodies(attributes: Iterable[onnx.AttributeProto]) -> Iterator[onnx.GraphProto]:
    for a in attributes:
        if a.type in _HOLDS_GRAPHS:
            if a.HasField("g"):
                yield a.g
            yield from a.graphs


def function_key(proto: onnx.NodeProto) -> Key:
    """The function that a node would call."""
    domain = proto.domain
    overload = proto.overload if hasattr(proto, "overload") else ""
    return ("" if domain == "ai.onnx" else domain, proto.op_type, overload)


def _nested() -> LimitError:
    return LimitError(f"subgraphs are nested more than {NESTING_LIMIT} deep; flatten them")


def _through(name: str, count: int) -> LimitError:
    return LimitError(
        f"function {name!r:.120} is called through {count} others; {CALL_DEPTH} are the most"
    )
