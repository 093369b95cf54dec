"""What shape and dtype has every tensor?

One walk over the nodes in running order, each operator's `infer` rule applied to what is known of
its inputs. Where a shape hangs on values (Shape, Gather, Concat feeding Reshape), small values are
folded by `onnx.reference`. An operator without rules is analysed through its schema's function
body, then by the schema's own inference, then taken at the file's word; what stays unknown gets a
diagnostic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

import numpy as np
import onnx

from cnnscope.analyzer.diagnostics import Diagnostic, GraphError
from cnnscope.analyzer.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.graph import VALUE_LIMIT, Graph, Node, captures, declared_tensor, read_graph
from cnnscope.analyzer.operator import lookup
from cnnscope.analyzer.tensor import DTYPES, Tensor

How = Literal["rules", "function", "schema", "declared", "unknown"]

_CODES = {name: code for code, name in DTYPES.items()}


@dataclass(frozen=True, eq=False)
class Shapes:
    """What is known of every tensor of one graph.

    Args:
        tensors: by name: inputs, stored tensors, node outputs, and what bodies capture.
        how: by node index, what the outputs are known from.
        bodies: of nodes with subgraphs, by node index and attribute name; the last one inferred.
        functions: of operators analysed through their schema's function body: the body.
        diagnostics: what was noticed.
    """

    tensors: dict[str, Tensor]
    how: dict[int, How] = field(default_factory=dict)
    bodies: dict[tuple[int, str], Shapes] = field(default_factory=dict)
    functions: dict[int, tuple[Graph, Shapes]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def inputs(self, node: Node) -> tuple[Tensor | None, ...]:
        """A node's inputs, None where omitted."""
        return tuple(self.tensors[name] if name else None for name in node.inputs)

    def outputs(self, node: Node) -> tuple[Tensor, ...]:
        """A node's outputs; those omitted are unknown tensors."""
        return tuple(self.tensors[name] if name else _UNKNOWN for name in node.outputs)

    def folded(self, node: Node) -> bool:
        """Is the result known without running the model, so that the node is no layer?"""
        outputs = [self.tensors[name] for name in node.outputs if name]
        return bool(outputs) and all(x.constant or x.value is not None for x in outputs)


_UNKNOWN = Tensor()


class Body:
    """A subgraph that a control-flow rule can apply: ``body(*inputs)`` gives its outputs."""

    def __init__(self, graph: Graph, outer: Shapes, key: tuple[int, str]) -> None:
        self.graph = graph
        self._outer = outer
        self._key = key

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(self.graph.inputs, inputs, strict=False))
        for name, declared in self.graph.inputs.items():
            given[name] = _filled(given.get(name, _UNKNOWN), declared)
        shapes = infer_shapes(self.graph, given, self._outer.tensors)
        self._outer.bodies[self._key] = shapes
        self._outer.diagnostics.extend(shapes.diagnostics)
        return tuple(shapes.tensors[name] for name in self.graph.outputs)

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
) -> Shapes:
    """Shapes, dtypes and small values of every tensor of a graph.

    Args:
        graph: the graph.
        inputs: its inputs, free dimensions bound as far as they are.
        outer: for a subgraph, the tensors visible around it.

    Raises:
        GraphError: sizes that contradict each other, naming the node.
    """
    shapes = Shapes({**(outer or {}), **inputs})
    tensors = shapes.tensors
    for stored in graph.stored.values():
        tensors[stored.name] = stored.tensor
    for node in graph.nodes:
        outputs = _node_outputs(graph, node, shapes)
        _note_data(node, outputs, shapes)
        for i, name in enumerate(node.outputs):
            if name:
                tensors[name] = _against_declared(
                    outputs[i] if i < len(outputs) else _UNKNOWN, graph, node, name, shapes
                )
    return shapes


def _node_outputs(graph: Graph, node: Node, shapes: Shapes) -> tuple[Tensor, ...]:
    try:
        inputs = tuple([shapes.tensors[name] if name else None for name in node.inputs])
    except KeyError as missing:  # a capture that the graph around doesn't show
        raise GraphError(
            f"node {node.name!r} ({node.title}) reads {missing}, which nothing gives"
        ) from None
    operator = lookup(node.domain, node.op, node.version)
    if operator is None:
        return _without_rules(graph, node, inputs, shapes)
    lacks = _lacking(node)
    if lacks:
        raise GraphError(f"node {node.name!r} ({node.title}) lacks {lacks}{_given(inputs)}")
    keywords: dict[str, object] = dict(node.attributes)
    bodies = node.bodies
    for name, body in bodies.items():
        keywords[name] = Body(body, shapes, (node.index, name))
    keywords.setdefault("opset", node.version)
    keywords.setdefault("output_count", len(node.outputs))
    keywords.setdefault("node_name", node.name)
    shapes.how[node.index] = "rules"
    try:
        result = operator.call(operator.infer, inputs, keywords)
    except Undetermined as unknown:
        if all(x is None or x.shape is not None for x in inputs):
            _note_undetermined(node, unknown, shapes)
        return _without_rules(graph, node, inputs, shapes, quiet=True)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        # Rules raise ValueError for what can't be: the model contradicts itself there.
        raise GraphError(f"node {node.name!r} ({node.title}): {error}{_given(inputs)}") from None
    except (TypeError, IndexError, KeyError, AttributeError, AssertionError) as error:
        shapes.diagnostics.append(
            Diagnostic("rule-failed", "warning", node.name,
                       f"{node.title}: its rule failed on this node ({type(error).__name__}: {error})",
                       "please report it with the model's graph")
        )  # fmt: skip
        return _without_rules(graph, node, inputs, shapes, quiet=True)
    given = result if isinstance(result, tuple) else (result,)
    outputs = tuple(x for x in given if isinstance(x, Tensor))
    if len(outputs) != len(given):  # e.g. a Constant whose value is a graph
        raise GraphError(f"node {node.name!r} ({node.title}) has an attribute of a wrong kind")
    constant = not operator.random and all(x is None or x.constant for x in inputs)
    if bodies and constant:
        constant = all(
            x.constant for name in bodies for x in Body(bodies[name], shapes, (0, "")).captured
        )
    if not operator.random and inputs and all(x is None or x.value is not None for x in inputs):
        outputs = _folded(node, inputs, outputs)
    if constant:
        outputs = tuple(x if x.constant else replace(x, constant=True) for x in outputs)
    return outputs


@cache
def _needs(domain: str, op: str, version: int) -> tuple[int, int, tuple[str, ...]]:
    """How many inputs at least and at most, and which attributes, the operator's schema demands."""
    schema = _schema(domain, op, version)
    if schema is None:
        return 0, 1 << 31, ()
    required = (a.name for a in schema.attributes.values() if a.required)
    return schema.min_input, schema.max_input, tuple(required)


def _lacking(node: Node) -> str:
    """What the node lacks of what its schema demands, or an empty string."""
    inputs, most, attributes = _needs(node.domain, node.op, node.version)
    if len(node.inputs) < inputs:
        return f"inputs: it has {len(node.inputs)} of {inputs}"
    if len(node.inputs) > most:
        return f"room for its inputs: it has {len(node.inputs)}, the operator takes {most}"
    missing = [name for name in attributes if name not in node.attributes]
    return f"the attribute {missing[0]}" if missing else ""


def _given(inputs: tuple[Tensor | None, ...]) -> str:
    """The input shapes, for an error's reader."""
    shown = ["-" if x is None else "?" if x.shape is None else "x".join(map(str, x.shape)) or "scalar"
             for x in inputs]  # fmt: skip
    return f" (inputs: {', '.join(shown)})" if shown else ""


def _note_undetermined(node: Node, unknown: Undetermined, shapes: Shapes) -> None:
    if unknown.names:
        what = f"hangs on the free dimension {', '.join(sorted(unknown.names))}"
        hint = " ".join(f"--dim {name}=N" for name in sorted(unknown.names))
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
    new = {
        what for x in outputs for d in x.shape or () if isinstance(d, FreeDim) for what in d.data
    }
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
    node: Node, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]
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
    implementation = _reference(node.domain, node.op, node.version)
    if implementation is None:
        return outputs
    arrays = [None if x is None else x.value for x in inputs]
    try:
        with np.errstate(all="ignore"):
            parameters = {
                "log": lambda *_: None,
                "opsets": {node.domain: node.version},
                "verbose": 0,
                "new_ops": None,
            }
            results = implementation(node.proto, parameters).run(*arrays)
    except Exception:  # noqa: BLE001
        # The reference raises whatever numpy does, e.g. on dimensions that aren't numbers: then
        # the value stays unknown, which whoever needs it will say.
        return outputs
    folded = []
    for x, value in zip(outputs, results, strict=False):
        array = np.asarray(value)
        symbolic = array.dtype == object
        if array.shape != x.shape or (symbolic and not _lengths_only(array)):
            folded.append(x)
        else:
            folded.append(replace(x, value=array))
    return tuple(folded)


def _lengths_only(array: np.ndarray) -> bool:
    return all(isinstance(x, FreeDim | int | np.integer) for x in array.ravel().tolist())


# -- operators without rules ---------------------------------------------------------------------


@cache
def _schema(domain: str, op: str, version: int) -> onnx.defs.OpSchema | None:
    try:
        return onnx.defs.get_schema(op, max_inclusive_version=version, domain=domain)
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
            inner = infer_shapes(body, given)
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
                       "see `cnnscope operators` for what is covered")
        )  # fmt: skip
    if all(x is None or x.constant for x in inputs) and inputs:
        outputs = tuple(replace(x, constant=True) for x in outputs)
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


def _schema_inference(
    schema: onnx.defs.OpSchema, node: Node, inputs: tuple[Tensor | None, ...]
) -> tuple[Tensor, ...]:
    """What the operator's schema infers by itself."""
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
    try:
        found = shape_inference.infer_node_outputs(
            schema, proto, types, data, {}, [onnx.helper.make_opsetid(node.domain, node.version)]
        )
    except Exception:  # noqa: BLE001
        # The C++ inference reports every kind of disagreement as one of several exception types;
        # what it can't infer stays unknown.
        return ()
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


def _against_declared(x: Tensor, graph: Graph, node: Node, name: str, shapes: Shapes) -> Tensor:
    declared = graph.declared.get(name)
    if declared is None:
        return x
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
    return "x".join(map(str, x.shape or ())) or "scalar"
