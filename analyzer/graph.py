"""What does the model say, once its spelling is out of the way?

From `onnx.ModelProto` to a `Graph`: nodes in an order in which they can run, each with its
attributes as plain Python, model-local functions put in place of their calls, names made unique.
Nothing here knows what any operator means. A `Graph` is a value that no pass writes into.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import onnx

from cnnscope.analyzer.diagnostics import GraphError
from cnnscope.analyzer.dimension import Dim, FreeDim
from cnnscope.analyzer.tensor import BITS, DTYPES, Tensor

if TYPE_CHECKING:
    import networkx

#: integer tensors up to this many elements keep their values: a shape may hang on them
VALUE_LIMIT = 4096
#: and floats up to this many (scales of a Resize, bounds of a Clip)
FLOAT_VALUE_LIMIT = 64

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
    """

    name: str
    tensor: Tensor
    elements: int
    nbytes: int | None
    node: str | None = None


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

    @property
    def title(self) -> str:
        """The operator as people write it: ``Conv``, ``com.microsoft::QGemm``."""
        return f"{self.domain}::{self.op}" if self.domain else self.op

    @property
    def bodies(self) -> dict[str, Graph]:
        """The subgraphs among the attributes, by attribute name."""
        return {k: v for k, v in self.attributes.items() if isinstance(v, Graph)}


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
    for body in node.bodies.values():
        names.extend(captures(body))
    return names


def captures(graph: Graph) -> list[str]:
    """Names that a subgraph reads from the graphs around it, in order, each once."""
    own = {*graph.inputs, *graph.stored, *graph.producers}
    wanted: dict[str, None] = {}
    for node in graph.nodes:
        for name in used_names(node):
            if name not in own:
                wanted[name] = None
    for name in graph.outputs:
        if name and name not in own:
            wanted[name] = None
    return list(wanted)


# -- reading -------------------------------------------------------------------------------------


def read_graph(model: onnx.ModelProto) -> Graph:
    """The main graph of a model, functions put in place of their calls.

    Raises:
        GraphError: a cycle, a tensor that nothing gives, one given twice, a function that calls
            itself.
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
        return reader.graph(model.graph, opsets, frozenset(), "")
    except UnicodeDecodeError as error:
        raise GraphError(f"a name in the model isn't UTF-8: {error}") from None


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


class _Reader:
    """Holds what is the same for the whole model while its graphs are read."""

    def __init__(self, functions: Mapping[tuple[str, str, str], onnx.FunctionProto]) -> None:
        self.functions = functions
        self.names: Counter[str] = Counter()
        self.taken: set[str] = set()

    def graph(
        self, proto: onnx.GraphProto, opsets: Mapping[str, int], outer: frozenset[str], scope: str
    ) -> Graph:
        names = [v.name for values in (proto.input, proto.output, proto.value_info) for v in values]
        for name in (*names, *(t.name for t in proto.initializer)):
            if not isinstance(name, str):
                raise GraphError(f"a tensor has a name that isn't UTF-8: {name!r}")
        stored = {t.name: stored_tensor(t) for t in proto.initializer}
        for sparse in proto.sparse_initializer:
            found = _stored_sparse(sparse)
            stored[found.name] = found
        inputs = {v.name: declared_tensor(v.type) for v in proto.input if v.name not in stored}
        visible = outer | inputs.keys() | stored.keys()
        nodes = list(self.expanded(proto.node, opsets, scope, ()))
        nodes = _in_order(nodes, visible)
        everything = visible | {name for n in nodes for name in n.outputs}
        read = tuple(self.node(i, n, everything) for i, n in enumerate(nodes))
        for value in proto.output:
            if value.name not in everything:
                raise GraphError(
                    f"output {_q(value.name)} of graph {_q(proto.name)} is given by no node"
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
        calls: tuple[tuple[str, str, str], ...],
    ) -> Iterator[_Call]:
        """The nodes, each call of a model-local function replaced by the function's nodes."""
        for proto in protos:
            domain = _domain(proto.domain)
            key = (domain, proto.op_type, proto.overload if hasattr(proto, "overload") else "")
            function = self.functions.get(key)
            if function is None:
                yield _Call(proto, tuple(proto.input), tuple(proto.output), opsets, scope)
                continue
            if key in calls:
                raise GraphError(f"function {_q(proto.op_type)} calls itself")
            yield from self.inlined(proto, function, opsets, scope, (*calls, key))

    def inlined(
        self,
        call: onnx.NodeProto,
        function: onnx.FunctionProto,
        outer: Mapping[str, int],
        scope: str,
        calls: tuple[tuple[str, str, str], ...],
    ) -> Iterator[_Call]:
        label = call.name or call.op_type
        self.names["call:" + label] += 1
        count = self.names["call:" + label]
        inner = f"{scope}/{label}".lstrip("/") + (f"#{count}" if count > 1 else "")
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
                yield _Call(carry, (passed[name],), (given_name,), opsets, inner)
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
            yield _Call(
                _renamed_bodies(step.proto, rename),
                tuple(map(rename, step.inputs)),
                tuple(map(rename, step.outputs)),
                step.opsets,
                step.scope,
            )

    def node(self, index: int, call: _Call, visible: frozenset[str] | set[str]) -> Node:
        proto = call.proto
        domain = _domain(proto.domain)
        wanted = proto.name
        if wanted and call.scope and call.scope != wanted:
            wanted = f"{call.scope}/{wanted}"
        wanted = wanted or (f"{call.scope}/" if call.scope else "") + f"{proto.op_type}_{index}"
        name = wanted
        while name in self.taken:  # names may be given twice, and look like ours
            self.names[wanted] += 1
            name = f"{wanted}#{self.names[wanted] + 1}"
        self.taken.add(name)
        attributes = {
            a.name: self.attribute(a, call.opsets, frozenset(visible), name)
            for a in proto.attribute
        }
        version = call.opsets.get(domain, call.opsets.get("", 1) if not domain else 1)
        return Node(
            index, name, proto.op_type, domain, version, call.inputs, call.outputs, attributes,
            call.scope or _scope(proto), proto, proto.name,
        )  # fmt: skip

    def attribute(
        self, a: onnx.AttributeProto, opsets: Mapping[str, int], visible: frozenset[str], scope: str
    ) -> object:
        kind: int = a.type
        if kind == _A.UNDEFINED:  # IR version 1 left the type out
            kind = _guessed_type(a)
        if kind == _A.INT:
            return int(a.i)
        if kind == _A.INTS:
            return tuple(a.ints)
        if kind == _A.FLOAT:
            return float(a.f)
        if kind == _A.FLOATS:
            return tuple(a.floats)
        if kind == _A.STRING:
            return a.s.decode("utf-8", "replace")
        if kind == _A.STRINGS:
            return tuple(s.decode("utf-8", "replace") for s in a.strings)
        if kind == _A.TENSOR:
            return stored_tensor(a.t).tensor
        if kind == _A.TENSORS:
            return tuple(stored_tensor(t).tensor for t in a.tensors)
        if kind == _A.GRAPH:
            return self.graph(a.g, opsets, visible, scope)
        if kind == _A.GRAPHS:
            return tuple(self.graph(g, opsets, visible, scope) for g in a.graphs)
        if kind == _A.SPARSE_TENSOR:
            return _stored_sparse(a.sparse_tensor).tensor
        if kind == _A.TYPE_PROTO:
            return declared_tensor(a.tp)
        return None


@dataclass(frozen=True, slots=True)
class _Call:
    """A node about to be read, its tensor names those of the graph that it ends up in."""

    proto: onnx.NodeProto
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opsets: Mapping[str, int]
    scope: str


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
    """A function's node whose subgraphs' captures carry the caller's names."""
    if not any(a.HasField("g") or a.graphs for a in proto.attribute):
        return proto
    assert callable(rename)
    copy = onnx.NodeProto()
    copy.CopyFrom(proto)
    for a in copy.attribute:
        for graph in (a.g, *a.graphs) if a.HasField("g") or a.graphs else ():
            _rename_captures(graph, rename, frozenset())
    return copy


def _rename_captures(graph: onnx.GraphProto, rename: object, outer: frozenset[str]) -> None:
    assert callable(rename)
    own = outer | {v.name for v in graph.input} | {t.name for t in graph.initializer}
    own |= {t.values.name for t in graph.sparse_initializer}
    own |= {name for node in graph.node for name in node.output}
    for node in graph.node:
        for i, name in enumerate(node.input):
            if name and name not in own:
                node.input[i] = rename(name)
        for a in node.attribute:
            for inner in (a.g, *a.graphs) if a.HasField("g") or a.graphs else ():
                _rename_captures(inner, rename, frozenset(own))
    for value in graph.output:
        if value.name not in own:
            value.name = rename(value.name)


def _in_order(calls: list[_Call], visible: frozenset[str] | set[str]) -> list[_Call]:
    """The nodes in an order in which they can run: the file's own where it is one.

    Raises:
        GraphError: there is none, or a tensor is given twice, or by nothing.
    """
    given: dict[str, int] = {}
    for i, call in enumerate(calls):
        for name in (
            call.proto.name,
            call.proto.op_type,
            call.proto.domain,
            *call.inputs,
            *call.outputs,
        ):
            if not isinstance(name, str):  # protobuf hands invalid UTF-8 out as bytes
                raise GraphError(f"node {i} has a name that isn't UTF-8: {name!r}")
        for name in call.outputs:
            if not name:
                continue
            if name in given:
                raise GraphError(f"tensor {_q(name)} is given by two nodes, {given[name]} and {i}")
            given[name] = i
    needs = [[name for name in (*c.inputs, *_captured(c.proto)) if name] for c in calls]
    for i, names in enumerate(needs):
        for name in names:
            if name not in given and name not in visible:
                reader = calls[i].proto
                raise GraphError(
                    f"node {i} {_q(reader.name)} ({reader.op_type}) reads tensor {_q(name)}, "
                    "which nothing gives"
                )
    if all(given.get(name, -1) < i for i, names in enumerate(needs) for name in names):
        return calls
    import networkx

    dag: networkx.DiGraph[int] = networkx.DiGraph()
    dag.add_nodes_from(range(len(calls)))
    for i, names in enumerate(needs):
        dag.add_edges_from((given[name], i) for name in names if name in given)
    try:
        return [calls[i] for i in networkx.lexicographical_topological_sort(dag)]
    except networkx.NetworkXUnfeasible:
        circle = [edge[0] for edge in networkx.find_cycle(dag)]
        shown = ", ".join(
            f"{_q(calls[i].proto.name)} ({calls[i].proto.op_type})" for i in circle[:4]
        )
        raise GraphError(
            f"the graph has a cycle of {len(circle)} nodes: {shown}"
            + (", ..." if len(circle) > 4 else "")
        ) from None


def _captured(proto: onnx.NodeProto) -> list[str]:
    """Names that a node's subgraphs read from outside."""
    names: list[str] = []
    for a in proto.attribute:
        if not (a.HasField("g") or a.graphs):
            continue
        for graph in (a.g, *a.graphs) if a.HasField("g") else a.graphs:
            own = {v.name for v in graph.input} | {t.name for t in graph.initializer}
            own |= {t.values.name for t in graph.sparse_initializer}
            own |= {name for node in graph.node for name in node.output}
            for node in graph.node:
                names.extend(n for n in (*node.input, *_captured(node)) if n and n not in own)
            names.extend(v.name for v in graph.output if v.name and v.name not in own)
    return names


def _scope(proto: onnx.NodeProto) -> str:
    """The module path an exporter left: metadata of torch.onnx, or the path in the name."""
    for entry in proto.metadata_props if hasattr(proto, "metadata_props") else ():
        if entry.key == "pkg.torch.onnx.name_scopes":
            import ast

            try:
                scopes = ast.literal_eval(entry.value)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                break
            modules = [s for s in scopes[:-1] if s] if isinstance(scopes, list) else []
            return str(modules[-1]).replace(".", "/") if modules else ""
    return proto.name.strip("/").rpartition("/")[0]


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
    dims: list[Dim] = []
    for dim in proto.shape.dim:
        if dim.HasField("dim_value") and dim.dim_value >= 0:
            dims.append(int(dim.dim_value))
        else:
            name = dim.dim_param or "?"
            if not isinstance(name, str):
                raise GraphError(f"a dimension's name isn't UTF-8: {name!r}")
            dims.append(FreeDim.named(name))
    return Tensor(dtype, tuple(dims))


def stored_tensor(proto: onnx.TensorProto, node: str | None = None) -> Stored:
    """A stored tensor's facts, with its value where it is small and in the file."""
    dims = tuple(int(d) for d in proto.dims)
    if any(d < 0 for d in dims):
        raise GraphError(f"tensor {_q(proto.name)} has a negative dimension: {list(dims)}")
    elements = 1
    for d in dims:
        elements *= d
    dtype = DTYPES.get(proto.data_type)
    if dtype is None:
        raise GraphError(f"tensor {_q(proto.name)} has the unknown element type {proto.data_type}")
    bits = BITS.get(dtype or "")
    nbytes = None if bits is None else -(-elements * bits // 8)
    value = None
    limit = FLOAT_VALUE_LIMIT if dtype and dtype.startswith("float") else VALUE_LIMIT
    if elements <= limit and proto.data_location != onnx.TensorProto.EXTERNAL and bits:
        value = _value(proto, elements)
    return Stored(proto.name, Tensor(dtype, dims, True, value), elements, nbytes, node)


def _value(proto: onnx.TensorProto, elements: int) -> np.ndarray | None:
    if elements and not (
        proto.raw_data or proto.int64_data or proto.int32_data or proto.float_data
        or proto.double_data or proto.uint64_data
    ):  # fmt: skip
        return None
    from onnx import numpy_helper

    try:
        return numpy_helper.to_array(proto)
    except (ValueError, TypeError, KeyError) as error:
        raise GraphError(
            f"tensor {_q(proto.name)} holds other data than its {list(proto.dims)} declares: {error}"
        ) from None


def _stored_sparse(proto: onnx.SparseTensorProto) -> Stored:
    values = stored_tensor(proto.values)
    dims = tuple(int(d) for d in proto.dims)
    index_count = 1
    for d in proto.indices.dims:
        index_count *= int(d)
    nbytes = None if values.nbytes is None else values.nbytes + 8 * index_count
    tensor = Tensor(values.tensor.dtype, dims, True)
    return Stored(proto.values.name, tensor, values.elements, nbytes)


def _q(name: str) -> str:
    """A name fit for one line of text, quoted and shortened: names are hostile text."""
    shown = repr(name if len(name) <= 120 else name[:117] + "...")
    return shown
