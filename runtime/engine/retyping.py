"""What does a model of float32 look like in float16?

A copy of it in which inputs, outputs, weights and constants of float32 are float16. What the operator's
schema doesn't allow in float16 stays as it is (the scales of a Resize), and where an operator takes
nothing else than float32, it reads and gives casts. Numbers beyond 65504 become infinite, as in any
such conversion: the copy is there to be timed.

Large tensors are not in the copy: they keep their name and length, and `RetypedFile` converts their
numbers when it hands them over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import count
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper

from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.values.plain_class import dataclass

#: by the name of `--dtype`
CODES: Final = {"float16": TensorProto.FLOAT16}
_FROM: Final = TensorProto.FLOAT
_WIDENED: Final = "_as_float32"
_NARROWED: Final = "_narrowed"
_ALLOWED: Final = {TensorProto.FLOAT16: "tensor(float16)"}
#: what a tensor whose numbers are elsewhere is marked with, to be read as what it was
_WAS: Final = "cnnscope_was"


@dataclass(frozen=True, eq=False)
class RetypedFile(ModelFile):
    """A model's file with a retyped copy of the model, whose numbers it converts."""

    def read(self, tensor: TensorProto) -> npt.NDArray[np.generic]:
        """The numbers of one tensor of the copy."""
        if not any(entry.key == _WAS for entry in tensor.external_data):
            return super().read(tensor)
        original = TensorProto()
        original.CopyFrom(tensor)
        original.data_type = _FROM
        del original.external_data[:]
        original.external_data.extend(e for e in tensor.external_data if e.key != _WAS)
        return _narrowed(super().read(original), tensor.data_type)


def retyped_file(file: ModelFile, dtype: str) -> RetypedFile:
    """A model's file with the model of another dtype in it.

    Args:
        file: the model's.
        dtype: a key of `CODES`.
    """
    kept = {field.name: getattr(file, field.name) for field in fields(ModelFile)}
    return RetypedFile(**{**kept, "model": retyped(file.model, dtype)})


def retyped(model: onnx.ModelProto, dtype: str) -> onnx.ModelProto:
    """A copy of the model with float32 replaced.

    Args:
        model: with or without its large tensors.
        dtype: a key of `CODES`.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _Retyping(copy, CODES[dtype]).graph(copy.graph)
    for function in copy.functions:
        for node in function.node:
            _retype_attributes(node, CODES[dtype])
    return copy


class _Retyping:
    def __init__(self, model: onnx.ModelProto, code: int) -> None:
        self.code, self.allowed = code, _ALLOWED[code]  # type: ignore[index]  # an enum's value
        self.casts = count()
        self.versions = {x.domain: x.version for x in model.opset_import}

    def graph(self, graph: onnx.GraphProto) -> None:
        kept = self._kept(graph)
        for value in (*graph.input, *graph.output, *graph.value_info):
            _retype_value(value, self.code, kept)
        for tensor in graph.initializer:
            if tensor.name not in kept:
                _retype_tensor(tensor, self.code)
        nodes = list(graph.node)
        del graph.node[:]
        for node in nodes:
            graph.node.extend(self.node(node, kept))

    def node(self, node: onnx.NodeProto, kept: set[str]) -> Iterator[onnx.NodeProto]:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs) if attribute.HasField("g") else ():
                self.graph(inner)
        if any(name in kept for name in node.output):  # a constant that has to stay
            yield node
            return
        _retype_attributes(node, self.code)
        for i, types in self._types(node):
            if self._only_wide(types) and node.input[i] not in kept:
                wide = f"{node.input[i]}{_WIDENED}/{next(self.casts)}"
                yield onnx.helper.make_node("Cast", [node.input[i]], [wide], to=_FROM)
                node.input[i] = wide
            elif self.allowed in types and node.input[i] in kept:
                narrow = f"{node.input[i]}{_NARROWED}/{next(self.casts)}"
                yield onnx.helper.make_node("Cast", [node.input[i]], [narrow], to=self.code)
                node.input[i] = narrow
        after = []
        schema = self._schema(node)
        for k, name in enumerate(node.output):
            given = _of(schema.outputs, k) if schema is not None and name else None
            if given is not None and self._only_wide(given):
                node.output[k] = f"{name}{_WIDENED}"
                after.append(onnx.helper.make_node("Cast", [node.output[k]], [name], to=self.code))
        yield node
        yield from after

    def _kept(self, graph: onnx.GraphProto) -> set[str]:
        """Stored tensors that some operator takes in float32 only, by name."""
        stored = {tensor.name for tensor in graph.initializer if tensor.data_type == _FROM}
        stored |= {
            name
            for node in graph.node if not node.input
            for given in node.attribute
            for name in node.output
            if given.t.data_type == _FROM or given.name in ("value_float", "value_floats")
        }  # fmt: skip
        return {
            node.input[i]
            for node in graph.node
            for i, types in self._types(node)
            if node.input[i] in stored and self._only_wide(types)
        }

    def _only_wide(self, types: set[str]) -> bool:
        return "tensor(float)" in types and self.allowed not in types

    def _schema(self, node: onnx.NodeProto) -> onnx.defs.OpSchema | None:
        try:
            version = self.versions.get(node.domain, 1)
            return onnx.defs.get_schema(
                node.op_type, max_inclusive_version=version, domain=node.domain
            )
        except onnx.defs.SchemaError:
            return None

    def _types(self, node: onnx.NodeProto) -> Iterator[tuple[int, set[str]]]:
        """By input, the types that the schema allows."""
        schema = self._schema(node)
        for i, name in enumerate(node.input):
            types = _of(schema.inputs, i) if schema is not None and name else None
            if types is not None:
                yield i, types


def _of(parameters: Sequence[onnx.defs.OpSchema.FormalParameter], position: int) -> set[str] | None:
    if not parameters:
        return None
    last = parameters[-1]
    variadic = last.option == onnx.defs.OpSchema.FormalParameterOption.Variadic
    if position >= len(parameters) and not variadic:
        return None
    return set(parameters[min(position, len(parameters) - 1)].types)


def _retype_value(value: onnx.ValueInfoProto, code: int, kept: set[str]) -> None:
    of = value.type.tensor_type
    if value.type.HasField("tensor_type") and of.elem_type == _FROM and value.name not in kept:
        of.elem_type = code


def _retype_tensor(tensor: TensorProto, code: int) -> None:
    if tensor.data_type != _FROM:
        return
    if tensor.data_location == TensorProto.EXTERNAL:  # its numbers are elsewhere
        tensor.data_type = code
        tensor.external_data.add(key=_WAS, value="float32")
        return
    narrow = _narrowed(numpy_helper.to_array(tensor), code)
    tensor.CopyFrom(numpy_helper.from_array(narrow, tensor.name))


def _narrowed(wide: npt.NDArray[np.generic], code: int) -> npt.NDArray[np.generic]:
    with np.errstate(over="ignore"):
        return wide.astype(onnx.helper.tensor_dtype_to_np_dtype(code))


def _retype_attributes(node: onnx.NodeProto, code: int) -> None:
    """What a node says of types: a Cast's target, a constant's numbers."""
    for attribute in node.attribute:
        if attribute.name in ("to", "dtype") and attribute.i == _FROM:
            attribute.i = code
        if attribute.HasField("t"):
            _retype_tensor(attribute.t, code)
        if node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
            floats = [attribute.f] if attribute.name == "value_float" else list(attribute.floats)
            numbers = np.array(floats, np.float32)
            shaped = numbers.reshape(()) if attribute.name == "value_float" else numbers
            given = numpy_helper.from_array(_narrowed(shaped, code), "value")
            attribute.CopyFrom(onnx.helper.make_attribute("value", given))
