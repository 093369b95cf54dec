"""What is said of an operator without rules: by its function body, by its schema's own inference?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnx.shape_inference

from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.model.tensors import declared_tensor
from cnnscope.analyzer.operators.definition import Family
from cnnscope.analyzer.passes.demands import schema_of
from cnnscope.analyzer.passes.facts import NOT_TOLD
from cnnscope.analyzer.values.diagnostics import (
    GraphError,
)
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import DTYPES, Tensor

CODES = {name: code for code, name in DTYPES.items()}


def _type_proto(x: Tensor) -> onnx.TypeProto | None:
    """The tensor's type as a message: made here, as onnx.helper loads much else."""
    proto = onnx.TypeProto()
    if x.kind in ("sequence", "optional"):
        inner = _type_proto(x.element or NOT_TOLD)
        if inner is None:
            return None
        outer = proto.sequence_type if x.kind == "sequence" else proto.optional_type
        outer.elem_type.CopyFrom(inner)
        return proto
    if x.dtype is None or x.kind != "tensor":
        return None
    proto.tensor_type.elem_type = CODES[x.dtype]
    if x.shape is not None:
        proto.tensor_type.shape.SetInParent()  # a scalar's shape is known, too
        for d in x.shape:
            dim = proto.tensor_type.shape.dim.add()
            if isinstance(d, int):
                dim.dim_value = d
            else:
                dim.dim_param = str(d)
    return proto


def _tensor_proto(array: np.ndarray) -> onnx.TensorProto:
    """Numbers as a message; those that numpy has no type for, and texts, are onnx's to write."""
    if array.dtype.kind not in "biuf":
        return onnx.numpy_helper.from_array(array)
    little = array.astype(array.dtype.newbyteorder("<"))
    return onnx.TensorProto(
        dims=array.shape, data_type=CODES[array.dtype.name], raw_data=little.tobytes()
    )


def function_body(
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
ASKED: frozenset[Family] = frozenset(
    {
        "attention", "position encoding", "recurrent", "normalization", "quantization", "loss",
        "sampling", "region pooling", "max unpooling", "deformable convolution", "scan", "random",
        "signal transform", "indexing", "selection", "linear algebra", "text", "resize", "other",
    }
)  # fmt: skip


#: of those, families whose schemas look at no operand's numbers: networks have hundreds of such nodes
#: that differ in nothing but their scales
_BY_SHAPES: frozenset[Family] = frozenset({"normalization", "quantization"})


def schema_objection(
    node: Node, inputs: tuple[Tensor | None, ...], kind: Family, known: dict[object, str]
) -> str:
    """What ONNX's own inference has against the node's inputs and attributes, or an empty string.

    Args:
        node, inputs: the node and what it is given.
        kind: its family.
        known: what was said of nodes with operands and attributes alike; it is added to.
    """
    schema = schema_of(node.domain, node.op, node.version)
    if schema is None:
        return ""
    if kind not in _BY_SHAPES:
        return _objection(schema, node, inputs)
    key = (
        node.op, node.domain, node.version, len(node.outputs), tuple(node.attributes.items()),
        tuple([None if x is None else (x.dtype, x.shape, x.kind) for x in inputs]),
    )  # fmt: skip
    said = known.get(key)
    if said is None:
        plain = tuple([None if x is None else x.without_value() for x in inputs])
        said = known[key] = _objection(schema, node, plain)
    return said


def _objection(schema: onnx.defs.OpSchema, node: Node, inputs: tuple[Tensor | None, ...]) -> str:
    try:
        _types(schema, node, inputs)
    except onnx.shape_inference.InferenceError as error:
        said = " ".join(str(error).split())
        return said.partition("InferenceError] ")[2] or said
    except Exception:  # noqa: BLE001
        # What it can't read of a node is no fact about the node.
        return ""
    return ""


def schema_inference(
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
    found = _types(schema, node, inputs)
    if found is None:
        return ()
    free: dict[str, Dim] = {}
    for given in inputs:
        if given is not None:
            free.update({str(d): d for d in given.shape or () if isinstance(d, FreeDim)})
    outputs = []
    for i in range(len(node.outputs)):
        x = declared_tensor(found[f"o{i}"]) if f"o{i}" in found else NOT_TOLD
        if x.shape is not None:
            dims: list[Dim] = []
            for axis, d in enumerate(x.shape):
                known = free.get(str(d)) if isinstance(d, FreeDim) else d
                what = f"{node.outputs[i] or node.name} axis {axis}"
                dims.append(FreeDim.from_data(what) if known is None else known)
            x = replace(x, shape=tuple(dims))
        outputs.append(x)
    return tuple(outputs)


def _types(
    schema: onnx.defs.OpSchema, node: Node, inputs: tuple[Tensor | None, ...]
) -> dict[str, onnx.TypeProto] | None:
    """Of the outputs ``o0``, ``o1``, ...; None where an input's type isn't known."""
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
            return None
        types[f"i{i}"] = kind
        if x.value is not None and x.value.dtype != object:
            data[f"i{i}"] = _tensor_proto(x.value)
    proto.output.extend(f"o{i}" for i in range(len(node.outputs)))
    opset = onnx.OperatorSetIdProto(domain=node.domain, version=node.version)
    return onnx.shape_inference.infer_node_outputs(schema, proto, types, data, {}, [opset])
