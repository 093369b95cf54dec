"""What does the model say, once its spelling is out of the way?

From `onnx.ModelProto` to a `Graph`: nodes in an order in which they can run, each with its
attributes as plain Python, model-local functions put in place of their calls, names made unique.
Nothing here knows what any operator means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import onnx

from cnnscope.analyzer.model.attribute_tables import AttributeTables
from cnnscope.analyzer.model.attributes import PLAIN_ATTRIBUTES, guessed_type
from cnnscope.analyzer.model.expansion import (
    FEW,
    SCOPE_LIMIT,
    Key,
    Spelt,
    check_expansion,
    function_key,
)
from cnnscope.analyzer.model.exporter_notes import SCOPES, noted_list, noted_module
from cnnscope.analyzer.model.function_calls import Call, call_of, renamed_bodies, with_arguments
from cnnscope.analyzer.model.graph import Graph, Node, quoted
from cnnscope.analyzer.model.mechanical_names import (
    Unnamed,
    give_paths,
    is_mechanical,
    module_of,
)
from cnnscope.analyzer.model.node_places import NodePlace, Written
from cnnscope.analyzer.model.running_order import Visible, in_running_order
from cnnscope.analyzer.model.tensors import declared_tensor, stored_sparse, stored_tensor
from cnnscope.analyzer.values.diagnostics import GraphError
from cnnscope.analyzer.values.node_name import NodeName
from cnnscope.analyzer.values.tensor import DTYPES

_FLOATS = {dtype for dtype in DTYPES.values() if dtype.startswith(("float", "bfloat"))}
_LATEST = (1 << 31) - 1  # no opset version is larger

_A = onnx.AttributeProto
_NO_ATTRIBUTES: Mapping[str, object] = {}


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
    reader = _Reader(functions, None if functions else Spelt(model.graph))
    try:
        if functions:
            check_expansion(model.graph, functions)
        graph = reader.graph(model.graph, opsets, Visible(set()), "")
    except UnicodeDecodeError as error:
        raise GraphError(f"a name in the model isn't UTF-8: {error.object[:60]!r}") from None
    if reader.unnamed:
        give_paths(reader.unnamed, reader.taken, (name for n in reader.nodes for name in n.outputs))
    return graph


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


class _Reader:
    """Holds what is the same for the whole model while its graphs are read."""

    def __init__(
        self, functions: Mapping[tuple[str, str, str], onnx.FunctionProto], spelt: Spelt | None
    ) -> None:
        self.functions, self.spelt = functions, spelt
        self.names: Counter[str] = Counter()
        self.taken: set[str] = set()
        #: names of tensors and operators, so that each is one text however often it stands in the file
        self.shared: dict[str, str] = {}
        self.tables = AttributeTables(self.shared)
        self.nodes: list[Node] = []
        self.unnamed: list[Unnamed] = []
        #: stored numbers that a module may own, by their names' spelling; is it more than a row?
        self.weights: dict[str, bool] = {}

    def graph(
        self,
        proto: onnx.GraphProto,
        opsets: Mapping[str, int],
        outer: Visible,
        scope: str,
        calls: tuple[Key, ...] = (),
        within: Written = (),
        call: NodePlace | None = None,
    ) -> Graph:
        if self.spelt is not None:
            self.spelt.nodes(len(proto.node), outer.depth)
        names = [v.name for values in (proto.input, proto.output, proto.value_info) for v in values]
        for name in (*names, *(t.name for t in proto.initializer)):
            if not isinstance(name, str):
                raise GraphError(f"a tensor has a name that isn't UTF-8: {name!r}")
        stored = {t.name: stored_tensor(t) for t in proto.initializer}
        for sparse in proto.sparse_initializer:
            found = stored_sparse(sparse)
            stored[found.name] = found
        for at, kept in stored.items():
            if "." in at and kept.tensor.shape and kept.tensor.dtype in _FLOATS:
                self.weights[at] = len(kept.tensor.shape) > 1
        inputs = {v.name: declared_tensor(v.type) for v in proto.input if v.name not in stored}
        visible = Visible({*inputs, *stored}, outer)
        nodes = list(self.expanded(proto.node, opsets, scope, calls, within, call))
        nodes = in_running_order(nodes, visible)
        visible.own.update(name for n in nodes for name in n.outputs if name)
        read = tuple([self.node(i, n, visible) for i, n in enumerate(nodes)])
        self.nodes += read
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
        within: Written,
        call: NodePlace | None,
    ) -> Iterator[Call]:
        """The nodes, each call of a model-local function replaced by the function's nodes."""
        for at, proto in enumerate(protos):
            function, place = None, NodePlace(within, at, call)
            if self.functions:
                key = function_key(proto)
                function = self.functions.get(key)
            if function is None:
                read = call_of(proto, opsets, scope, calls, self.shared, place)
                ends = len(read.inputs), len(read.outputs)
                if sum(ends) > FEW and self.spelt is not None:
                    self.spelt.operands(*ends)
                yield read
                continue
            yield from self.inlined(proto, function, opsets, scope, (*calls, key), place)

    def inlined(
        self,
        call: onnx.NodeProto,
        function: onnx.FunctionProto,
        outer: Mapping[str, int],
        scope: str,
        calls: tuple[Key, ...],
        place: NodePlace,
    ) -> Iterator[Call]:
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
                yield Call(
                    carry, (passed[name],), (given_name,), opsets, inner, calls,
                    carry.name, carry.op_type, "", (), (), None,
                )  # fmt: skip
                renamed[name] = passed[name]

        def rename(name: str) -> str:
            if not name:
                return ""
            if name not in renamed:
                renamed[name] = f"{inner}/{name}"
            return renamed[name]

        protos = [with_arguments(proto, given) for proto in function.node]
        for proto in protos:
            for name in proto.output:  # an unused output of the call keeps a private name
                if name and renamed.get(name) == "":
                    renamed[name] = f"{inner}/{name}"
        for step in self.expanded(protos, opsets, inner, calls, calls[-1], place):
            # A nested call has been renamed one level already: its names are this level's.
            renamed_proto = renamed_bodies(step.proto, rename)
            yield step._replace(
                proto=renamed_proto,
                attributes=tuple(step.attributes and renamed_proto.attribute),
                inputs=tuple(map(rename, step.inputs)),
                outputs=tuple(map(rename, step.outputs)),
            )

    def node(self, index: int, call: Call, visible: Visible) -> Node:
        proto, inputs, outputs, opsets, scope, _, given, op, domain, *_, place = call
        wanted = given
        if wanted and scope and scope != wanted:
            wanted = f"{scope}/{wanted}"
        wanted = wanted or (f"{scope}/" if scope else "") + f"{op}_{index}"
        name = wanted
        while name in self.taken:  # names may be given twice, and look like ours
            self.names[wanted] += 1
            name = f"{wanted}#{self.names[wanted] + 1}"
        self.taken.add(name)
        name, within = self.known(name, call)
        attributes = _NO_ATTRIBUTES
        if call.attributes:
            attributes = self.tables.of(call.attributes, name, self.attribute, call, visible)
        version = opsets.get(domain, opsets.get("", 1) if not domain else 1)
        version = min(max(version, 0), _LATEST)  # onnx takes 32 bits, a file has 64
        return Node(
            index, name, op, domain, version, inputs, outputs, attributes,
            scope or within, proto, given, place,
        )  # fmt: skip

    def known(self, name: str, call: Call) -> tuple[str, str]:
        """The node's name, to get a path where it is a machine's, and the module that the node is of."""
        notes = noted_list(call.notes, SCOPES)
        within = noted_module(notes) if notes else call.name.strip("/").rpartition("/")[0]
        own: list[str] = []
        if self.weights and (notes or "/" not in call.name):
            own = [at for at in call.inputs if at in self.weights]
        if (notes or own) and is_mechanical(call.name, call.op, notes):
            own.sort(key=self.weights.__getitem__, reverse=True)
            module = module_of(within if notes else None, own)
            if module is not None:
                known = NodeName(name)
                self.unnamed.append(Unnamed(known, call.op, module, any(call.inputs), call.outputs))
                return known, module if notes else within
        if isinstance(call.scope, NodeName):  # inside a node that is known by a path
            known = NodeName(name)
            rest = name.removeprefix(f"{call.scope}/")
            self.unnamed.append(Unnamed(known, rest, "", False, call.outputs, call.scope))
            return known, within
        return name, within

    def attribute(
        self, a: onnx.AttributeProto, kind: int, scope: str, call: Call, visible: Visible
    ) -> object:
        """An attribute of any type."""
        if kind == _A.UNDEFINED:  # IR version 1 left the type out
            kind = guessed_type(a)
        if kind in PLAIN_ATTRIBUTES:
            return PLAIN_ATTRIBUTES[kind](a)
        if kind not in (_A.GRAPH, _A.GRAPHS):
            return None
        place = call.place or NodePlace((), -1)  # only what holds no graph is written nowhere
        found = tuple(
            self.graph(
                g, call.opsets, visible, scope, call.calls, place.body(a.name, i), place.call
            )
            for i, g in enumerate((a.g,) if kind == _A.GRAPH else a.graphs)
        )
        return found[0] if kind == _A.GRAPH else found
