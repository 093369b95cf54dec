"""Where does a graph of the model stand in the copy, and what are its stored tensors called there?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from onnx import TensorProto, helper

from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.probe.construction import CODES, CannotProbe, Copy


@dataclass(eq=False)
class ProbeScope:
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
    outer: ProbeScope | None = None
    names: dict[str, str] = field(default_factory=dict)
    true: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def holder(self, name: str) -> ProbeScope:
        """The innermost scope around here in which a tensor is one that hangs on the inputs."""
        scope: ProbeScope | None = self
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
            dtype = helper.tensor_dtype_to_np_dtype(CODES[x.dtype])
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
            data = holder.names.get(given)
            inputs.append(self.copy.whole(data) if data else given and self.true_value(given))
        names = self.copy.call(node.op, inputs, len(node.outputs), node.domain)
        self.copy.nodes[-1].attribute.extend(node.proto.attribute)
        self.true.update({n: copied for n, copied in zip(node.outputs, names, strict=True) if n})
        return self.true[name]
