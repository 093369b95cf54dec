"""What may a rule of the probe say, and how is it written into the copy that is run?

`Copy` is the graph under construction. Every tensor that hangs on the network's inputs is float32
in it, whatever it was. Weights are no part of what is asked, so a rule fills them with one number,
by their shape alone, small enough that nothing overflows; only what an operator needs the true
values of (shapes, axes, indices) is taken from the model. `Site` is one node as its rule sees it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.analyzer.values.tensor import DTYPES

if TYPE_CHECKING:
    from cnnscope.analyzer.model.file import ModelFile

_CODES: Final = {name: code for code, name in DTYPES.items()}
#: sums are scaled down before float32's 2**127, with room for products
_DOUBLINGS: Final = 40
#: larger fillings are handed to ONNX Runtime apart from the model
_INLINE: Final = 1024
#: an axis or length list that is an attribute before this opset and an input from it on
_AXES_INPUT: Final = {"Unsqueeze": 13, "Squeeze": 13, "ReduceSum": 13, "ReduceMean": 18}


class CannotProbe(Exception):
    """A node whose dependencies no NaN can show; the message says why."""


class Copy:
    """A float32 model under construction.

    Args:
        opsets: operator domain to version.
        file: where stored values are.
    """

    def __init__(self, opsets: Mapping[str, int], file: ModelFile) -> None:
        self.opsets, self.file = dict(opsets), file
        self.nodes: list[onnx.NodeProto] = []
        self.stored: list[TensorProto] = []
        self.fillings: dict[str, np.ndarray] = {}
        self._filled: dict[tuple[tuple[int, ...], float], str] = {}
        #: how often what went into a tensor may have been doubled since it was of the order of 1
        self._doublings: dict[str, int] = {}
        self._count = 0
        #: the node that is being replaced, after which the copy's nodes are called
        self.replacing = "node"

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        return self.opsets.get("", 1)

    def name(self, what: str) -> str:
        """A name that no tensor of the copy has yet."""
        self._count += 1
        return f"{what}:{self._count}"

    def fill(self, shape: Sequence[int], value: float) -> str:
        """A float32 constant, the same number everywhere."""
        key = tuple(shape), value
        if key in self._filled:
            return self._filled[key]
        name = self._filled[key] = self.name("filled")
        if math.prod(shape) <= _INLINE:
            array = np.full(shape, value, np.float32)
            self.stored.append(numpy_helper.from_array(array, name))
            return name
        self.fillings[name] = np.full(shape, value, np.float32)
        kept = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=list(shape))
        kept.data_location = TensorProto.EXTERNAL
        kept.external_data.add(key="location", value="given")
        self.stored.append(kept)
        return name

    def store(self, array: np.ndarray) -> str:
        """A constant with these values."""
        name = self.name("stored")
        self.stored.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def add(self, op: str, inputs: Sequence[str], **attributes: object) -> str:
        """One node more, of ONNX's own operators: the name of its only output."""
        (name,) = self.call(op, inputs, 1)
        for key, value in attributes.items():
            if value is not None:
                self.nodes[-1].attribute.append(helper.make_attribute(key, value))
        return name

    def call(self, op: str, inputs: Sequence[str], outputs: int, domain: str = "") -> list[str]:
        """One node more, its attributes yet to come: the names of its outputs."""
        names = [self.name(op) for _ in range(outputs)]
        self.nodes.append(
            helper.make_node(op, inputs, names, self.name(self.replacing), domain=domain)
        )
        doublings = max((self._doublings.get(name, 0) for name in inputs), default=0)
        self._doublings.update(dict.fromkeys(names, doublings))
        return names

    def over(self, op: str, x: str, axes: Sequence[int], **attributes: object) -> str:
        """An operator with axes, which are an attribute or an input by opset."""
        if self.opset >= _AXES_INPUT[op]:
            inputs = [x, self.store(np.array(axes, np.int64))]
            return self.add(op, inputs, **attributes)
        return self.add(op, [x], axes=list(axes), **attributes)

    def together(self, names: Sequence[str]) -> str:
        """The sum of some tensors, broadcast: it hangs on all of them."""
        total = names[0]
        broadcast = None if self.opset >= 7 else 1
        for name in names[1:]:
            total = self.add("Add", [total, name], broadcast=broadcast)
            doublings = self._doublings[total] = self._doublings[total] + 1
            if doublings > _DOUBLINGS:
                scale = self.fill((), 2.0**-doublings)
                total = self.add("Mul", [total, scale], broadcast=broadcast)
                self._doublings[total] = 0
        return total

    def model(self, inputs: Mapping[str, Sequence[int]], outputs: Sequence[str]) -> onnx.ModelProto:
        """The copy as a model: float32 inputs of these shapes, these outputs."""
        graph = helper.make_graph(
            self.nodes, "probe",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
            [onnx.ValueInfoProto(name=name) for name in outputs], self.stored,
        )  # fmt: skip
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@dataclass(eq=False)
class Scope:
    """One graph being copied: the main one, a function's body, or a subgraph in one iteration.

    Args:
        names: tensors that hang on the network's inputs, by what they are called in the copy.
        true: other tensors with their true values, likewise.
        missing: tensors that hang on the inputs and are not in the copy, with the reason.
    """

    copy: Copy
    graph: Graph
    shapes: Shapes
    protos: Mapping[str, TensorProto]
    outer: Scope | None = None
    names: dict[str, str] = field(default_factory=dict)
    true: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def holder(self, name: str) -> Scope:
        """The innermost scope around here in which a tensor is one that hangs on the inputs."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names or name in scope.missing:
                return scope
            scope = None if scope.owns(name) else scope.outer
        return self

    def owns(self, name: str) -> bool:
        """Is the tensor this graph's own, and not from around it?"""
        graph = self.graph
        return name in graph.producers or name in graph.inputs or name in graph.stored

    def true_value(self, name: str) -> str:
        """A tensor that does not hang on the inputs' values, with its true values.

        Raises:
            CannotProbe: they aren't there.
        """
        if name in self.true:
            return self.true[name]
        if not self.owns(name) and self.outer is not None:
            return self.outer.true_value(name)
        x = self.shapes.tensors[name]
        if x.value is not None and x.value.dtype != object and x.dtype is not None:
            dtype = helper.tensor_dtype_to_np_dtype(_CODES[x.dtype])
            found = self.copy.store(x.value.astype(dtype))
        elif name in self.protos:
            found = self.read(self.protos[name], name)
        else:
            found = self.computed(name)
        self.true[name] = found
        return found

    def read(self, proto: TensorProto, name: str) -> str:
        try:
            return self.copy.store(self.copy.file.read(proto))
        except CnnscopeError:
            raise CannotProbe(f"it needs the values of {name}, which the file lacks") from None

    def computed(self, name: str) -> str:
        node = self.graph.producers.get(name)
        if node is None or node.bodies:
            raise CannotProbe(f"it needs the values of {name}, which aren't known beforehand")
        if (
            not node.inputs
            and len(node.proto.attribute) == 1
            and node.proto.attribute[0].HasField("t")
        ):
            return self.read(node.proto.attribute[0].t, name)
        inputs = []
        for given in node.inputs:
            holder = self.holder(given)
            if given in holder.missing:
                raise CannotProbe(f"it needs {name}, computed from what isn't in the copy")
            inputs.append("" if not given else holder.names.get(given) or self.true_value(given))
        names = self.copy.call(node.op, inputs, len(node.outputs), node.domain)
        self.copy.nodes[-1].attribute.extend(node.proto.attribute)
        self.true.update({n: copied for n, copied in zip(node.outputs, names, strict=True) if n})
        return self.true[name]


@dataclass(frozen=True, eq=False)
class Site:
    """One node, as its rule sees it: inputs by position, and where to put what replaces it."""

    scope: Scope
    node: Node
    #: the operands that the rule made something of
    used: set[int] = field(default_factory=set)

    @property
    def copy(self) -> Copy:
        """The copy that is written."""
        return self.scope.copy

    @property
    def present(self) -> list[int]:
        """The inputs that aren't omitted."""
        return [i for i, name in enumerate(self.node.inputs) if name]

    def attribute(self, name: str, default: object = None) -> object:
        """An attribute, or ONNX's default."""
        return self.node.attributes.get(name, default)

    def number(self, name: str, default: int) -> int:
        """An integer attribute."""
        found = self.node.attributes.get(name, default)
        assert isinstance(found, int)
        return found

    def numbers(self, name: str) -> tuple[int, ...] | None:
        """A list of integers, if it is there."""
        found = self.node.attributes.get(name)
        return tuple(int(v) for v in found) if isinstance(found, tuple) else None

    def given(self, i: int) -> bool:
        """Is there an input at this place?"""
        return i < len(self.node.inputs) and bool(self.node.inputs[i])

    def hangs(self, i: int) -> bool:
        """Does this input hang on the network's inputs?"""
        return self.given(i) and self.node.inputs[i] in self.scope.holder(self.node.inputs[i]).names

    def data(self, i: int) -> str:
        """An input that hangs on the network's inputs."""
        name = self.node.inputs[i]
        self.used.add(i)
        return self.scope.holder(name).names[name]

    def shape(self, i: int) -> tuple[int, ...]:
        """The shape of an input."""
        return self._lengths(self.node.inputs[i])

    def output_shape(self, k: int = 0) -> tuple[int, ...]:
        """The shape of an output, as analysed."""
        return self._lengths(self.node.outputs[k])

    def _lengths(self, name: str) -> tuple[int, ...]:
        shape = self.scope.shapes.tensors[name].shape
        if shape is None or not all(isinstance(d, int) for d in shape):
            raise CannotProbe("a shape isn't known beforehand")
        return tuple(d for d in shape if isinstance(d, int))

    def floats(self, i: int, value: float = 1.0) -> str:
        """An input if it hangs on the network's inputs, else a filling of its shape; or ``""``."""
        if not self.given(i):
            return ""
        return self.data(i) if self.hangs(i) else self.copy.fill(self.shape(i), value)

    def scalar(self, i: int) -> str:
        """An input of one element, as a scalar."""
        return self.copy.add("Reshape", [self.data(i), self.copy.store(np.zeros(0, np.int64))])

    def true(self, i: int) -> str:
        """An input with its true values, or ``""`` where it is omitted."""
        if not self.given(i):
            return ""
        if self.hangs(i):
            raise CannotProbe(
                f"its operand {self.node.inputs[i]} is computed from the input's values"
            )
        return self.scope.true_value(self.node.inputs[i])

    def value(self, i: int) -> np.ndarray | None:
        """An input's values, where they are known without running anything."""
        if not self.given(i):
            return None
        value = self.scope.shapes.tensors[self.node.inputs[i]].value
        return None if value is None or value.dtype == object else value

    def takes_floats(self, i: int) -> bool:
        """May an input be float32, as far as ONNX's own definition of the operator tells?"""
        if self.node.domain not in ("", "ai.onnx") or not onnx.defs.has(self.node.op):
            return True
        schema = onnx.defs.get_schema(self.node.op, self.node.version)
        if not schema.inputs:
            return True
        formal = schema.inputs[min(i, len(schema.inputs) - 1)]
        return any("tensor(float)" in str(kind) for kind in formal.types)

    @property
    def left(self) -> list[int]:
        """The operands that hang on the network's inputs and that the rule made nothing of."""
        return [i for i in self.present if i not in self.used and self.hangs(i)]

    def give(self, k: int, name: str) -> None:
        """What output `k` is in the copy."""
        if k < len(self.node.outputs) and self.node.outputs[k]:
            self.scope.names[self.node.outputs[k]] = name

    def same(
        self, inputs: Sequence[str], op: str | None = None, without: Sequence[str] = ()
    ) -> None:
        """The node itself, or its like by another name, with other inputs, without attributes."""
        domain = self.node.domain if op is None else ""
        while inputs and not inputs[-1]:
            inputs = inputs[:-1]
        names = self.copy.call(op or self.node.op, inputs, len(self.node.outputs), domain)
        target = self.copy.nodes[-1]
        target.attribute.extend(
            a for a in self.node.proto.attribute if not a.ref_attr_name and a.name not in without
        )
        for k, (name, wanted) in enumerate(zip(names, self.node.outputs, strict=True)):
            if wanted:
                self.give(k, name)
            else:
                target.output[k] = ""
