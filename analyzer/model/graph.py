"""What does the model say, once its spelling is out of the way?

From `onnx.ModelProto` to a `Graph`: nodes in an order in which they can run, each with its
attributes as plain Python, model-local functions put in place of their calls, names made unique.
Nothing here knows what any operator means. A `Graph` is a value that no pass writes into.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx

from cnnscope.analyzer.model.expansion import SCOPE_LIMIT, Key, check_expansion, function_key
from cnnscope.analyzer.values.diagnostics import GraphError
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import BITS, DTYPES, RANK_LIMIT, Tensor

if TYPE_CHECKING:
    import networkx

#: integer tensors up to this many elements keep their values: a shape may hang on them
VALUE_LIMIT = 4096
#: and floats up to this many (scales of a Resize, bounds of a Clip)
FLOAT_VALUE_LIMIT = 64

#: the most characters of a list of names in a node's metadata: parsing takes 300 bytes for each
NOTE_LIMIT = 20_000

_LATEST = (1 << 31) - 1  # no opset version is larger

_A = onnx.AttributeProto


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor stored in the model: a weight, or a constant of another role.

    Args:
        name: the tensor's name.
        tensor: its shape, dtype, and value where small.
        elements: how many numbers are stored (of a sparse tensor, the non-zero ones).
        nbytes: what they take, 4-bit types packed; a sparse tensor's indices included; None for
            strings whose bytes were not read.
        node: the name of the Constant node that holds it, or None for an initializer.
        proto: what it was read from.
    """

    name: str
    tensor: Tensor
    elements: int
    nbytes: int | None
    node: str | None = None
    proto: onnx.TensorProto | None = field(default=None, compare=False, repr=False)


_NO_BODIES: Mapping[str, Graph] = {}  # that of most nodes; a view of it could not be pickled


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator call.

    Args:
        index: position in running order within its graph.
        name: unique within the model; ONNX's where it has one.
        op, domain, version: which operator, by the opset of its domain in force there.
        inputs: tensor names, ``""`` where omitted.
        outputs: tensor names, ``""`` where omitted.
        attributes: plain Python: numbers, strings, tuples, `Tensor`, `Graph`.
        scope: path of the function calls or modules that it belongs to, ``/``-separated.
        proto: what it was read from, references to a function's attributes resolved.
        bodies: the subgraphs among the attributes, by attribute name.
    """

    index: int
    name: str
    op: str
    domain: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, object]
    scope: str
    proto: onnx.NodeProto
    given_name: str = ""
    bodies: Mapping[str, Graph] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Every pass asks each node for its subgraphs, and hardly any node has one.
        bodies = _NO_BODIES
        for value in self.attributes.values():
            if isinstance(value, Graph):
                bodies = {k: v for k, v in self.attributes.items() if isinstance(v, Graph)}
                break
        object.__setattr__(self, "bodies", bodies)

    @property
    def title(self) -> str:
        """The operator as people write it: ``Conv``, ``com.microsoft::QGemm``."""
        return f"{self.domain}::{self.op}" if self.domain else self.op

    @property
    def modules(self) -> dict[str, str]:
        """The classes of the modules it belongs to, by their path, where the exporter noted them."""
        scopes, classes = _noted(self.proto, _SCOPES), _noted(self.proto, _CLASSES)
        if len(scopes) != len(classes):
            return {}
        pairs = zip(scopes[:-1], classes[:-1], strict=True)
        return {scope.replace(".", "/"): title for scope, title in pairs}


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph of operators, in running order.

    Args:
        inputs: name to the declared `Tensor`, without those that have an initializer.
        outputs: tensor names.
        stored: the initializers, by tensor name.
        nodes: in an order in which they can run.
        declared: what the file says of tensors in between (`value_info`) and outputs.
        opsets: operator domain to version.
    """

    name: str
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]
    stored: Mapping[str, Stored]
    nodes: tuple[Node, ...]
    declared: Mapping[str, Tensor]
    opsets: Mapping[str, int]

    @cached_property
    def producers(self) -> dict[str, Node]:
        """The node that gives each tensor."""
        return {name: node for node in self.nodes for name in node.outputs if name}

    @cached_property
    def captured(self) -> tuple[str, ...]:
        """`captures`, found once: every pass asks each graph around a subgraph."""
        own = {*self.inputs, *self.stored, *self.producers}
        wanted: dict[str, None] = {}
        for node in self.nodes:
            for name in used_names(node):
                if name not in own:
                    wanted[name] = None
        for name in self.outputs:
            if name and name not in own:
                wanted[name] = None
        return tuple(wanted)

    @cached_property
    def dag(self) -> networkx.DiGraph[int]:
        """Nodes are operators by index, edges are tensors (attribute `tensors`: their names)."""
        import networkx

        dag: networkx.DiGraph[int] = networkx.DiGraph()
        for node in self.nodes:
            dag.add_node(node.index, node=node)
        for node in self.nodes:
            for name in used_names(node):
                producer = self.producers.get(name)
                if producer is None:
                    continue
                if dag.has_edge(producer.index, node.index):
                    dag.edges[producer.index, node.index]["tensors"].append(name)
                else:
                    dag.add_edge(producer.index, node.index, tensors=[name])
        return dag


def used_names(node: Node) -> list[str]:
    """The tensors a node reads: its inputs, and what its subgraphs capture from outside."""
    names = [name for name in node.inputs if name]
    if not node.bodies:
        return names
    for body in node.bodies.values():
        names.extend(captures(body))
    return names


def captures(graph: Graph) -> list[str]:
    """Names that a subgraph reads from the graphs around it, in order, each once."""
    return list(graph.captured)


# -- reading -------------------------------------------------------------------------------------


def read_graph(model: onnx.ModelProto) -> Graph:
    """The main graph of a model, functions put in place of their calls.

    Raises:
        GraphError: a cycle, a tensor that nothing gives, one given twice, a function that calls
            itself.
        LimitError: it stands for more nodes than can be analysed.
    """
    functions = {
        (_domain(f.domain), f.name, f.overload if hasattr(f, "overload") else ""): f
        for f in model.functions
    }
    opsets = {_domain(o.domain): int(o.version) for o in model.opset_import}
    if not opsets and model.ir_version >= 3:
        raise GraphError("the model names no opset (opset_import): it is incomplete or cut off")
    # IR versions before 3 had no opset_import: they mean version 1. A later model that imports only
    # other domains may still reach ai.onnx through their functions' bodies.
    opsets.setdefault("", onnx.defs.onnx_opset_version() if opsets else 1)
    reader = _Reader(functions)
    try:
        check_expansion(model.graph, functions)
        return reader.graph(model.graph, opsets, _Visible(set()), "")
    except UnicodeDecodeError as error:
        raise GraphError(f"a name in the model isn't UTF-8: {error.object[:60]!r}") from None


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


class _Visible:
    """The tensor names that a node of a graph may read: its graph's and those of the graphs around.

    Looked up from the inside out. A set of them all would have to be made anew for each subgraph,
    which in a model of many small ones takes the square of its size.
    """

    __slots__ = ("depth", "outer", "own")

    def __init__(self, own: set[str], outer: _Visible | None = None) -> None:
        self.own, self.outer = own, outer
        self.depth: int = outer.depth + 1 if outer is not None else 0

    def __contains__(self, name: object) -> bool:
        at: _Visible | None = self
        while at is not None:
            if name in at.own:
                return True
            at = at.outer
        return False


class _Reader:
    """Holds what is the same for the whole model while its graphs are read."""

    def __init__(self, functions: Mapping[tuple[str, str, str], onnx.FunctionProto]) -> None:
        self.functions = functions
        self.names: Counter[str] = Counter()
        self.taken: set[str] = set()

    def graph(
        self,
        proto: onnx.GraphProto,
        opsets: Mapping[str, int],
        outer: _Visible,
        scope: str,
        calls: tuple[Key, ...] = (),
    ) -> Graph:
        names = [v.name for values in (proto.input, proto.output, proto.value_info) for v in values]
        for name in (*names, *(t.name for t in proto.initializer)):
            if not isinstance(name, str):
                raise GraphError(f"a tensor has a name that isn't UTF-8: {name!r}")
        stored = {t.name: stored_tensor(t) for t in proto.initializer}
        for sparse in proto.sparse_initializer:
            found = stored_sparse(sparse)
            stored[found.name] = found
        inputs = {v.name: declared_tensor(v.type) for v in proto.input if v.name not in stored}
        visible = _Visible({*inputs, *stored}, outer)
        nodes = list(self.expanded(proto.node, opsets, scope, calls))
        nodes = _in_order(nodes, visible)
        visible.own.update(name for n in nodes for name in n.outputs if name)
        read = tuple([self.node(i, n, visible) for i, n in enumerate(nodes)])
        for value in proto.output:
            if value.name not in visible:
                raise GraphError(
                    f"output {quoted(value.name)} of graph {quoted(proto.name)} is given by no node"
                )
        declared = {
            v.name: declared_tensor(v.type)
            for values in (proto.value_info, proto.output)
            for v in values
            if v.HasField("type")
        }
        return Graph(
            proto.name, inputs, tuple(v.name for v in proto.output), stored, read, declared,
            opsets,
        )  # fmt: skip

    def expanded(
        self,
        protos: Iterable[onnx.NodeProto],
        opsets: Mapping[str, int],
        scope: str,
        calls: tuple[Key, ...],
    ) -> Iterator[_Call]:
        """The nodes, each call of a model-local function replaced by the function's nodes."""
        for proto in protos:
            name, op, domain = proto.name, proto.op_type, _domain(proto.domain)
            function = None
            if self.functions:
                key = function_key(proto)
                function = self.functions.get(key)
            if function is None:
                yield _Call(
                    proto, tuple(proto.input), tuple(proto.output), opsets, scope, calls,
                    name, op, domain,
                )  # fmt: skip
                continue
            yield from self.inlined(proto, function, opsets, scope, (*calls, key))

    def inlined(
        self,
        call: onnx.NodeProto,
        function: onnx.FunctionProto,
        outer: Mapping[str, int],
        scope: str,
        calls: tuple[Key, ...],
    ) -> Iterator[_Call]:
        label = call.name or call.op_type
        self.names["call:" + label] += 1
        count = self.names["call:" + label]
        inner = f"{scope}/{label}".lstrip("/")
        if len(inner) > SCOPE_LIMIT:  # every call counts the same label, so this stays unique
            inner = f"{inner[: SCOPE_LIMIT // 2]}...{inner[-SCOPE_LIMIT // 2 :]}"
            self.names["call:" + inner] += 1
            count = self.names["call:" + inner]
        inner += f"#{count}" if count > 1 else ""
        renamed = dict(zip(function.input, call.input, strict=False))
        renamed.update({name: "" for name in function.input if name not in renamed})
        renamed.update(zip(function.output, call.output, strict=False))
        given = {a.name: a for a in call.attribute}
        for default in function.attribute_proto:
            given.setdefault(default.name, default)
        # What the function doesn't import itself it has from around it.
        opsets = {**outer, **{_domain(o.domain): int(o.version) for o in function.opset_import}}
        passed = dict(zip(function.input, call.input, strict=False))
        # An output that is an input handed through needs a node to carry it.
        for name, given_name in zip(function.output, call.output, strict=False):
            if name in passed and given_name:
                carry = onnx.NodeProto(op_type="Identity", name=f"{label}/{name}")
                yield _Call(
                    carry, (passed[name],), (given_name,), opsets, inner, calls,
                    carry.name, carry.op_type, "",
                )  # fmt: skip
                renamed[name] = passed[name]

        def rename(name: str) -> str:
            if not name:
                return ""
            if name not in renamed:
                renamed[name] = f"{inner}/{name}"
            return renamed[name]

        protos = [_bound(proto, given) for proto in function.node]
        for proto in protos:
            for name in proto.output:  # an unused output of the call keeps a private name
                if name and renamed.get(name) == "":
                    renamed[name] = f"{inner}/{name}"
        for step in self.expanded(protos, opsets, inner, calls):
            # A nested call has been renamed one level already: its names are this level's.
            yield step._replace(
                proto=_renamed_bodies(step.proto, rename),
                inputs=tuple(map(rename, step.inputs)),
                outputs=tuple(map(rename, step.outputs)),
            )

    def node(self, index: int, call: _Call, visible: _Visible) -> Node:
        proto, inputs, outputs, opsets, scope, calls, given, op, domain = call
        wanted = given
        if wanted and scope and scope != wanted:
            wanted = f"{scope}/{wanted}"
        wanted = wanted or (f"{scope}/" if scope else "") + f"{op}_{index}"
        name = wanted
        while name in self.taken:  # names may be given twice, and look like ours
            self.names[wanted] += 1
            name = f"{wanted}#{self.names[wanted] + 1}"
        self.taken.add(name)
        attributes = {}
        for a in proto.attribute:
            kind = a.type
            if type(a.name) is not str:  # protobuf hands invalid UTF-8 out as bytes
                raise GraphError(
                    f"an attribute of node {quoted(name)} isn't UTF-8: {a.name!r:.200}"
                )
            plain = _PLAIN_ATTRIBUTES.get(kind)
            attributes[a.name] = (
                self.attribute(a, kind, opsets, visible, name, calls) if plain is None else plain(a)
            )
        version = opsets.get(domain, opsets.get("", 1) if not domain else 1)
        version = min(max(version, 0), _LATEST)  # onnx takes 32 bits, a file has 64
        return Node(
            index, name, op, domain, version, inputs, outputs, attributes,
            scope or _scope(proto, given), proto, given,
        )  # fmt: skip

    def attribute(
        self,
        a: onnx.AttributeProto,
        kind: int,
        opsets: Mapping[str, int],
        visible: _Visible,
        scope: str,
        calls: tuple[Key, ...],
    ) -> object:
        """An attribute of any type."""
        if kind == _A.UNDEFINED:  # IR version 1 left the type out
            kind = _guessed_type(a)
        if kind in _PLAIN_ATTRIBUTES:
            return _PLAIN_ATTRIBUTES[kind](a)
        if kind == _A.GRAPH:
            return self.graph(a.g, opsets, visible, scope, calls)
        if kind == _A.GRAPHS:
            return tuple(self.graph(g, opsets, visible, scope, calls) for g in a.graphs)
        return None


class _Call(NamedTuple):
    """A node about to be read, its tensor names those of the graph that it ends up in.

    What protobuf spells out anew each time it is asked (names) is asked for once.
    """

    proto: onnx.NodeProto
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opsets: Mapping[str, int]
    scope: str
    calls: tuple[Key, ...]
    name: str
    op: str
    domain: str


def _bound(proto: onnx.NodeProto, given: Mapping[str, onnx.AttributeProto]) -> onnx.NodeProto:
    """A function's node with the call's attributes put where it refers to them."""
    if not any(a.ref_attr_name or a.HasField("g") or a.graphs for a in proto.attribute):
        return proto
    bound = onnx.NodeProto()
    bound.CopyFrom(proto)
    del bound.attribute[:]
    for a in proto.attribute:
        if a.ref_attr_name:
            if a.ref_attr_name in given:
                copy = bound.attribute.add()
                copy.CopyFrom(given[a.ref_attr_name])
                copy.name = a.name
            continue
        copy = bound.attribute.add()
        copy.CopyFrom(a)
        for graph in (copy.g, *copy.graphs) if copy.HasField("g") or copy.graphs else ():
            nodes = [_bound(inner, given) for inner in graph.node]
            del graph.node[:]
            graph.node.extend(nodes)
    return bound


def _renamed_bodies(proto: onnx.NodeProto, rename: object) -> onnx.NodeProto:
    """A function's node whose subgraphs' tensors carry the caller's names."""
    if not any(a.HasField("g") or a.graphs for a in proto.attribute):
        return proto
    assert callable(rename)
    copy = onnx.NodeProto()
    copy.CopyFrom(proto)
    for a in copy.attribute:
        for graph in (a.g, *a.graphs) if a.HasField("g") or a.graphs else ():
            _rename_all(graph, rename)
    return copy


def _rename_all(graph: onnx.GraphProto, rename: object) -> None:
    """Rename what a subgraph captures, and its own tensors with it.

    Its own because the caller may use their names too: what it captures would then become its own.
    """
    assert callable(rename)
    for values in (graph.input, graph.output, graph.value_info):
        for value in values:
            value.name = rename(value.name)
    for tensor in graph.initializer:
        tensor.name = rename(tensor.name)
    for sparse in graph.sparse_initializer:
        sparse.values.name = rename(sparse.values.name)
    for node in graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = rename(name)
        for a in node.attribute:
            for inner in (a.g, *a.graphs) if a.HasField("g") or a.graphs else ():
                _rename_all(inner, rename)


def _in_order(calls: list[_Call], visible: _Visible) -> list[_Call]:
    """The nodes in an order in which they can run: the file's own where it is one.

    Raises:
        GraphError: there is none, or a tensor is given twice, or by nothing.
    """
    given: dict[str, int] = {}
    for i, call in enumerate(calls):
        names = (call.name, call.op, call.domain, *call.inputs, *call.outputs)
        if set(map(type, names)) != {str}:  # protobuf hands invalid UTF-8 out as bytes
            wrong = next(name for name in names if type(name) is not str)
            raise GraphError(f"node {i} has a name that isn't UTF-8: {wrong!r:.200}")
        for name in call.outputs:
            if not name:
                continue
            if name in given:
                raise GraphError(
                    f"tensor {quoted(name)} is given by two nodes, {given[name]} and {i}"
                )
            given[name] = i
    needs = [[*c.inputs, *_captured(c.proto)] for c in calls]
    in_order = True
    for i, wanted in enumerate(needs):
        for name in wanted:
            giver = given.get(name)
            if giver is not None:
                in_order = in_order and giver < i
            elif name and name not in visible:
                reader = calls[i]
                raise GraphError(
                    f"node {i} {quoted(reader.name)} ({reader.op}) reads tensor {quoted(name)}, "
                    "which nothing gives"
                )
    if in_order:
        return calls
    import networkx

    dag: networkx.DiGraph[int] = networkx.DiGraph()
    dag.add_nodes_from(range(len(calls)))
    for i, wanted in enumerate(needs):
        dag.add_edges_from((given[name], i) for name in wanted if name in given)
    try:
        return [calls[i] for i in networkx.lexicographical_topological_sort(dag)]
    except networkx.NetworkXUnfeasible:
        circle = [edge[0] for edge in networkx.find_cycle(dag)]
        shown = ", ".join(f"{quoted(calls[i].name)} ({calls[i].op})" for i in circle[:4])
        raise GraphError(
            f"the graph has a cycle of {len(circle)} nodes: {shown}"
            + (", ..." if len(circle) > 4 else "")
        ) from None


def _captured(proto: onnx.NodeProto) -> list[str]:
    """Names that a node's subgraphs read from outside."""
    names: list[str] = []
    for a in proto.attribute:
        if a.type in _PLAIN_ATTRIBUTES or not (a.HasField("g") or a.graphs):
            continue
        for graph in (a.g, *a.graphs) if a.HasField("g") else a.graphs:
            own = {v.name for v in graph.input} | {t.name for t in graph.initializer}
            own |= {t.values.name for t in graph.sparse_initializer}
            own |= {name for node in graph.node for name in node.output}
            for node in graph.node:
                names.extend({n for n in (*node.input, *_captured(node)) if n and n not in own})
            names.extend(v.name for v in graph.output if v.name and v.name not in own)
    return names


#: not in every version of onnx
_HAS_METADATA = "metadata_props" in onnx.NodeProto.DESCRIPTOR.fields_by_name
_SCOPES = "pkg.torch.onnx.name_scopes"
_CLASSES = "pkg.torch.onnx.class_hierarchy"


def _scope(proto: onnx.NodeProto, name: str) -> str:
    """The module path an exporter left: metadata of torch.onnx, or the path in the name."""
    scopes = _noted(proto, _SCOPES)
    if scopes:
        modules = [scope for scope in scopes[:-1] if scope]
        return modules[-1].replace(".", "/") if modules else ""
    return name.strip("/").rpartition("/")[0]


def _noted(proto: onnx.NodeProto, key: str) -> list[str]:
    """A list of names among a node's metadata, written as Python writes it."""
    entries = proto.metadata_props if _HAS_METADATA else None
    if not entries:
        return []
    for entry in entries:
        if entry.key == key:
            if len(entry.value) > NOTE_LIMIT:
                return []
            import ast

            try:
                found = ast.literal_eval(entry.value)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                return []
            return [str(name) for name in found] if isinstance(found, list) else []
    return []


def _guessed_type(a: onnx.AttributeProto) -> int:
    for name, kind in (
        ("f", _A.FLOAT), ("i", _A.INT), ("s", _A.STRING), ("t", _A.TENSOR), ("g", _A.GRAPH),
    ):  # fmt: skip
        if a.HasField(name):
            return int(kind)
    for name, kind in (
        ("floats", _A.FLOATS), ("ints", _A.INTS), ("strings", _A.STRINGS),
        ("tensors", _A.TENSORS), ("graphs", _A.GRAPHS),
    ):  # fmt: skip
        if getattr(a, name):
            return int(kind)
    return int(_A.INTS)


# -- tensors -------------------------------------------------------------------------------------


def declared_tensor(proto: onnx.TypeProto) -> Tensor:
    """What a value's declared type says; free dimensions become `FreeDim`.

    A dimension without a name, or of a negative length (some exporters write -1), is free too.
    """
    kind = proto.WhichOneof("value")
    if kind == "tensor_type":
        return _declared_dense(proto.tensor_type)
    if kind == "sparse_tensor_type":
        return _declared_dense(proto.sparse_tensor_type)
    if kind == "sequence_type":
        return Tensor(kind="sequence", element=declared_tensor(proto.sequence_type.elem_type))
    if kind == "optional_type":
        return Tensor(kind="optional", element=declared_tensor(proto.optional_type.elem_type))
    if kind == "map_type":
        return Tensor(kind="map", element=declared_tensor(proto.map_type.value_type))
    return Tensor()


def _declared_dense(proto: onnx.TypeProto.Tensor | onnx.TypeProto.SparseTensor) -> Tensor:
    dtype = DTYPES.get(proto.elem_type)
    if not proto.HasField("shape"):
        return Tensor(dtype)
    _check_rank(len(proto.shape.dim), "a declared tensor")
    dims: list[Dim] = []
    for dim in proto.shape.dim:
        length = dim.dim_value
        if length > 0 or (length == 0 and dim.HasField("dim_value")):
            dims.append(length)
        else:
            name = dim.dim_param or "?"
            if not isinstance(name, str):
                raise GraphError(f"a dimension's name isn't UTF-8: {name!r}")
            dims.append(FreeDim.named(name))
    return Tensor(dtype, tuple(dims))


def stored_tensor(proto: onnx.TensorProto) -> Stored:
    """A stored tensor: its facts, and how much is stored."""
    tensor, elements = _facts(proto)
    bits = _STORED[proto.data_type][1]
    nbytes = None if bits is None else -(-elements * bits // 8)
    return Stored(proto.name, tensor, elements, nbytes, proto=proto)


def _facts(proto: onnx.TensorProto) -> tuple[Tensor, int]:
    """A stored tensor's facts, with its value where it is small and in the file; its elements."""
    dims = tuple(proto.dims)
    if len(dims) > RANK_LIMIT:
        _check_rank(len(dims), f"tensor {quoted(proto.name)}")
    if dims and min(dims) < 0:
        raise GraphError(f"tensor {quoted(proto.name)} has a negative dimension: {list(dims)}")
    elements = 1
    for d in dims:
        elements *= d
    kind = proto.data_type
    known = _STORED.get(kind)
    if known is None:
        raise GraphError(f"tensor {quoted(proto.name)} has the unknown element type {kind}")
    dtype, _, limit = known
    value = None
    if elements <= limit and proto.data_location != _EXTERNAL:
        value = _value(proto, kind, dims, elements)
    return Tensor(dtype, dims, True, value), elements


def _check_rank(rank: int, what: str) -> None:
    if rank > RANK_LIMIT:
        raise GraphError(f"{what} has {rank} axes; {RANK_LIMIT} are the most")


_EXTERNAL = onnx.TensorProto.EXTERNAL

#: of each element type: its name, its bits, and up to how many elements values are kept
_STORED = {
    number: (
        dtype, BITS.get(dtype),
        -1 if dtype not in BITS
        else FLOAT_VALUE_LIMIT if dtype.startswith("float") else VALUE_LIMIT,
    )
    for number, dtype in DTYPES.items()
}  # fmt: skip

#: the types whose stored bytes numpy takes as they are, and the fields that hold the same numbers
#: one by one: most constants are of these, and `numpy_helper`, which knows all types, takes several
#: times as long over each
_PLAIN = {
    number: np.dtype(DTYPES[number])
    for number in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13)
    if sys.byteorder == "little"
}
_TYPED = {1: "float_data", 6: "int32_data", 7: "int64_data", 11: "double_data"}


def _value(
    proto: onnx.TensorProto, kind: int, dims: tuple[int, ...], elements: int
) -> np.ndarray | None:
    plain, raw = _PLAIN.get(kind), proto.raw_data
    if plain is not None and elements:
        if len(raw) == elements * plain.itemsize:
            return np.frombuffer(raw, plain).reshape(dims)
        if not raw and kind in _TYPED:
            numbers = getattr(proto, _TYPED[kind])
            if len(numbers) == elements:
                return np.array(numbers, plain).reshape(dims)
    if elements and not (
        raw or proto.int64_data or proto.int32_data or proto.float_data
        or proto.double_data or proto.uint64_data
    ):  # fmt: skip
        return None
    from onnx import numpy_helper

    try:
        return numpy_helper.to_array(proto)
    except (ValueError, TypeError, KeyError, ArithmeticError):
        raise GraphError(
            f"tensor {quoted(proto.name)} holds other data than its {list(proto.dims)[:16]} declares"
        ) from None


def stored_sparse(proto: onnx.SparseTensorProto) -> Stored:
    """A sparse tensor: of the declared shape, but only its values and their indices are stored."""
    values = stored_tensor(proto.values)
    _check_rank(len(proto.dims), f"sparse tensor {quoted(proto.values.name)}")
    dims = tuple(int(d) for d in proto.dims)
    if any(d < 0 for d in dims):
        raise GraphError(f"sparse tensor {quoted(proto.values.name)} has a negative dimension")
    index_count = 1
    for d in proto.indices.dims:
        index_count *= int(d)
    nbytes = None if values.nbytes is None else values.nbytes + 8 * index_count
    tensor = Tensor(values.tensor.dtype, dims, True)
    return Stored(proto.values.name, tensor, values.elements, nbytes)


#: what an attribute that holds no graph is as plain Python, by its type
_PLAIN_ATTRIBUTES: dict[int, Callable[[onnx.AttributeProto], object]] = {
    _A.INT: lambda a: a.i,
    _A.INTS: lambda a: tuple(a.ints),
    _A.FLOAT: lambda a: a.f,
    _A.FLOATS: lambda a: tuple(a.floats),
    _A.STRING: lambda a: a.s.decode("utf-8", "replace"),
    _A.STRINGS: lambda a: tuple([s.decode("utf-8", "replace") for s in a.strings]),
    _A.TENSOR: lambda a: _facts(a.t)[0],
    _A.TENSORS: lambda a: tuple([_facts(t)[0] for t in a.tensors]),
    _A.SPARSE_TENSOR: lambda a: stored_sparse(a.sparse_tensor).tensor,
    _A.TYPE_PROTO: lambda a: declared_tensor(a.tp),
}


def quoted(name: str) -> str:
    """A name fit for one line of text, quoted and shortened: names are hostile text."""
    shown = repr(name if len(name) <= 120 else name[:117] + "...")
    return shown
