"""What does the analysed graph look like as a model that ONNX Runtime can be given?

The copy is written from the `Graph`, not from the file: functions are inlined, nodes stand in
running order under the report's names (unique, so that ONNX Runtime's profile can be read by name),
and inputs have the lengths they were bound to, unless there are branches, of which one may be for
other lengths. It computes the same function as the model.

No weight is in it. Every tensor whose numbers were left in the file is an initializer of the main
graph marked as external data, also those of subgraphs (which may read what is around them) and of
Constant nodes, and `Flat.tensors` says which they are: `weights` finds the numbers and ONNX Runtime
is handed them by name. So neither protobuf's 2 GB nor a copy of the weights stands in the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import onnx
from onnx import TensorProto

from cnnscope.analyzer.model.graph import Graph, Node, captures
from cnnscope.analyzer.values.diagnostics import CnnscopeError, RunError
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import DTYPES

if TYPE_CHECKING:
    import numpy as np

    from cnnscope.analyzer.passes.facts import Shapes
    from cnnscope.analyzer.report.examination import Analysis

_CODES: Final = {name: code for code, name in DTYPES.items()}

#: the types whose arrays ONNX Runtime takes as they are; others stay inside the model
PLAIN: Final = frozenset(
    getattr(TensorProto, name)
    for name in (
        "FLOAT", "DOUBLE", "FLOAT16", "INT8", "INT16", "INT32", "INT64",
        "UINT8", "UINT16", "UINT32", "UINT64", "BOOL",
    )
)  # fmt: skip

#: the oldest version in which a stored tensor need not be an input too
_IR_VERSION: Final = 8


@dataclass(frozen=True, eq=False)
class FlatModel:
    """The copy, and what it still needs.

    Args:
        proto: the model without weights.
        tensors: initializers that are to be given their numbers, by their name in the copy; each
            as the file has it, for `ModelFile.read`.
        constants: Constant nodes that became initializers; ONNX Runtime runs no such node.
    """

    proto: onnx.ModelProto
    tensors: Mapping[str, TensorProto]
    constants: frozenset[str]


def flat_model(analysis: Analysis, *, fold: bool = False) -> FlatModel:
    """The analysed graph as a model.

    Args:
        analysis: of the model.
        fold: put known values in place of the nodes that compute them.

    Raises:
        RunError: a function of the model means another version of an operator than the model.
    """
    writer = _Writer(analysis, fold)
    proto = onnx.ModelProto(
        ir_version=max(int(analysis.file.model.ir_version), _IR_VERSION),
        producer_name="cnnscope",
    )
    _write_inputs(analysis, proto.graph, bound=not _has_branches(analysis.graph, analysis.shapes))
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in analysis.graph.outputs)
    source = analysis.file.model.graph
    writer.main(source, proto.graph)
    for domain, version in writer.opsets.items():
        proto.opset_import.add(domain=domain, version=version)
    return FlatModel(proto, writer.tensors, frozenset(writer.constants))


def _has_branches(graph: Graph, shapes: Shapes) -> bool:
    """Is there a branch that may be for other lengths than those that the inputs were bound to?"""
    return any(
        node.op == "If"
        or any(_has_branches(body, shapes) for body in node.bodies.values())
        or (node.index in shapes.functions and _has_branches(*shapes.functions[node.index]))
        for node in graph.nodes
    )


def _write_inputs(analysis: Analysis, graph: onnx.GraphProto, *, bound: bool) -> None:
    """The inputs, with the lengths that they were bound to or only those that the file has.

    ONNX Runtime infers the shapes of both branches of an If, whichever will run, and refuses a model
    in which one contradicts the lengths of the inputs.
    """
    declared = {value.name: value for value in analysis.file.model.graph.input}
    for name in analysis.graph.inputs:
        tensor = analysis.shapes.tensors[name]
        value = graph.input.add(name=name)
        if tensor.kind != "tensor" or tensor.dtype is None or not bound:
            value.type.CopyFrom(declared[name].type)
            continue
        value.type.tensor_type.elem_type = _CODES[tensor.dtype]
        if tensor.shape is not None:
            value.type.tensor_type.shape.SetInParent()
            for dim in tensor.shape:
                _write_dim(value.type.tensor_type.shape.dim.add(), dim)


def _write_dim(target: onnx.TensorShapeProto.Dimension, dim: Dim) -> None:
    if isinstance(dim, int):
        target.dim_value = dim


def is_left_out(tensor: TensorProto) -> bool:
    """Are the tensor's numbers elsewhere: left in the file, or external data?"""
    return bool(tensor.data_location == TensorProto.EXTERNAL)


class _Writer:
    """What is the same for the whole copy while its graphs are written."""

    def __init__(self, analysis: Analysis, fold: bool) -> None:
        self.analysis, self.fold = analysis, fold
        self.opsets: dict[str, int] = dict(analysis.graph.opsets)
        self.tensors: dict[str, TensorProto] = {}
        self.constants: list[str] = []
        self.hoisted: list[TensorProto] = []
        self.taken: set[str] = set(_names(analysis.graph))

    def main(self, source: onnx.GraphProto, target: onnx.GraphProto) -> None:
        graph = self.analysis.graph
        target.name = graph.name or "main"
        for tensor in source.initializer:
            self.store(target, tensor, tensor.name)
        target.sparse_initializer.extend(map(self.whole_sparse, source.sparse_initializer))
        for node in graph.nodes:
            if self.fold and self.write_value(node, target):
                continue
            constant = _constant(node)
            if constant is not None and is_left_out(constant):
                self.constants.append(node.name)
                self.store(target, constant, node.outputs[0])
            else:
                self.write(node, target, {})
        target.initializer.extend(self.hoisted)

    def body(
        self, graph: Graph, source: onnx.GraphProto, renamed: Mapping[str, str]
    ) -> onnx.GraphProto:
        """A subgraph; `renamed` is what the names around it became."""
        target = onnx.GraphProto(name=graph.name or "body")
        names = {name: renamed[name] for name in captures(graph) if name in renamed}
        # What a function's body calls its own may be called so around the place it was put in.
        for name in _own_names(graph):
            if name in self.taken:
                names[name] = self.unique(name)
            self.taken.add(names.get(name, name))
        for value in source.input:
            if value.name in graph.inputs:
                target.input.append(_typed(value, names))
        for tensor in source.initializer:
            if is_left_out(tensor):
                names[tensor.name] = self.hoist(tensor)
            else:
                kept = target.initializer.add()
                kept.CopyFrom(tensor)
                kept.name = names.get(tensor.name, tensor.name)
        for sparse in source.sparse_initializer:
            copy = self.whole_sparse(sparse)
            copy.values.name = names.get(copy.values.name, copy.values.name)
            target.sparse_initializer.append(copy)
        for node in graph.nodes:
            constant = _constant(node)
            if constant is not None and is_left_out(constant):
                given = target.node.add(op_type="Identity", name=node.name)
                given.input.append(self.hoist(constant))
                given.output.append(names.get(node.outputs[0], node.outputs[0]))
            else:
                self.write(node, target, names)
        made = {name for node in target.node for name in node.output}
        made |= {value.name for value in target.input}
        for value in source.output:
            typed = _typed(value, names)
            if typed.name not in made:
                # A subgraph has to give its outputs itself, also what it took from outside.
                carried = self.unique(typed.name)
                target.node.add(op_type="Identity", input=[typed.name], output=[carried])
                typed.name = carried
            target.output.append(typed)
        return target

    def write(self, node: Node, target: onnx.GraphProto, names: Mapping[str, str]) -> None:
        """One node, under its unique name."""
        self.import_opset(node)
        proto = target.node.add(op_type=node.op, domain=node.domain, name=node.name)
        proto.input.extend(names.get(name, name) for name in node.inputs)
        proto.output.extend(names.get(name, name) for name in node.outputs)
        for a in node.proto.attribute:
            copy = proto.attribute.add()
            graph = node.attributes.get(a.name)
            if isinstance(graph, Graph):
                copy.name, copy.type = a.name, onnx.AttributeProto.GRAPH
                copy.g.CopyFrom(self.body(graph, a.g, names))
                continue
            copy.CopyFrom(a)
            for tensor in (copy.t, *copy.tensors) if copy.HasField("t") or copy.tensors else ():
                if is_left_out(tensor):
                    tensor.CopyFrom(self.whole(tensor))
            if copy.HasField("sparse_tensor"):
                copy.sparse_tensor.CopyFrom(self.whole_sparse(copy.sparse_tensor))

    def write_value(self, node: Node, target: onnx.GraphProto) -> bool:
        """The node's results instead of the node, where they are known."""
        found = [self.analysis.shapes.tensors[name] for name in node.outputs if name]
        if not found or any(x.value is None or x.value.dtype == object for x in found):
            return False
        for name, x in zip(filter(None, node.outputs), found, strict=True):
            if x.value is not None and x.dtype is not None:
                target.initializer.append(_stored(x.value, x.dtype, name))
        self.constants.append(node.name)
        return True

    def store(self, target: onnx.GraphProto, tensor: TensorProto, name: str) -> None:
        """An initializer of the main graph: its numbers, or that it is to be given them."""
        kept = target.initializer.add()
        kept.CopyFrom(self.stored(tensor, name))

    def hoist(self, tensor: TensorProto) -> str:
        """A subgraph's tensor as an initializer of the main graph: its name there."""
        name = self.unique(tensor.name or "constant")
        self.hoisted.append(self.stored(tensor, name))
        return name

    def stored(self, tensor: TensorProto, name: str) -> TensorProto:
        """The tensor by another name: a place holder, where its numbers can be handed over."""
        if not is_left_out(tensor):
            kept = TensorProto()
            kept.CopyFrom(tensor)
            kept.name = name
            return kept
        if tensor.data_type not in PLAIN:
            kept = self.whole(tensor)
            kept.name = name
            return kept
        self.tensors[name] = tensor
        kept = TensorProto(name=name, data_type=tensor.data_type, dims=tensor.dims)
        kept.data_location = TensorProto.EXTERNAL
        kept.external_data.add(key="location", value="given")
        return kept

    def whole(self, tensor: TensorProto) -> TensorProto:
        """The tensor with its numbers, of a type that can't be handed over apart."""
        from onnx import numpy_helper

        try:
            found = self.analysis.file.read(tensor)
        except CnnscopeError as error:
            raise RunError(f"{error}, and there is no random data of its type") from None
        return numpy_helper.from_array(found, tensor.name)

    def whole_sparse(self, sparse: onnx.SparseTensorProto) -> onnx.SparseTensorProto:
        kept = onnx.SparseTensorProto()
        kept.CopyFrom(sparse)
        for tensor in (kept.values, kept.indices):
            if is_left_out(tensor):
                tensor.CopyFrom(self.whole(tensor))
        return kept

    def import_opset(self, node: Node) -> None:
        version = self.opsets.setdefault(node.domain, node.version)
        if version == node.version:
            return
        since = [since_version(node, v) for v in (version, node.version)]
        if since[0] != since[1]:
            raise RunError(
                f"node {node.name!r} ({node.title}) is of opset {node.version}, inside a function; "
                f"the model's is {version}, in which the operator is another"
            )

    def unique(self, name: str) -> str:
        count = 2
        while f"{name}#{count}" in self.taken:
            count += 1
        self.taken.add(f"{name}#{count}")
        return f"{name}#{count}"


def _constant(node: Node) -> TensorProto | None:
    """The tensor that a node without inputs holds and gives, if that is all it does."""
    if node.inputs or node.domain or len(node.outputs) != 1 or len(node.proto.attribute) != 1:
        return None
    a = node.proto.attribute[0]
    return a.t if node.op == "Constant" and a.name == "value" and a.HasField("t") else None


def _names(graph: Graph) -> Iterable[str]:
    yield from graph.inputs
    yield from graph.stored
    yield from graph.producers


def _own_names(graph: Graph) -> list[str]:
    return list(dict.fromkeys(_names(graph)))


def _typed(value: onnx.ValueInfoProto, names: Mapping[str, str]) -> onnx.ValueInfoProto:
    """A subgraph's input or output, under its name in the copy."""
    kept = onnx.ValueInfoProto()
    kept.CopyFrom(value)
    kept.name = names.get(value.name, value.name)
    return kept


def since_version(node: Node, version: int) -> int:
    """Since when a node's operator is what it is at an opset version; -1 where ONNX has none."""
    try:
        schema = onnx.defs.get_schema(node.op, max_inclusive_version=version, domain=node.domain)
    except onnx.defs.SchemaError:
        return -1
    return int(schema.since_version)


def _stored(value: np.ndarray, dtype: str, name: str) -> TensorProto:
    from onnx import numpy_helper

    wanted = onnx.helper.tensor_dtype_to_np_dtype(_CODES[dtype])
    return numpy_helper.from_array(value.astype(wanted), name)
