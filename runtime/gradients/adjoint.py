"""How is the gradient of a tensor by a network input written behind a model's own nodes?

In reverse running order, each node by its rule: what it hands on to each input is added up. Only nodes
between the input and the tensor take part, and of the model only what these need is left. What has no
rule is told with the node's name; no gradient is 0 because of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import onnx
from onnx import helper

from cnnscope.analyzer.model.graph import Node, used_names
from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.notation import name as shown_name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.flat import flat_model
from cnnscope.runtime.gradients import arithmetic as _arithmetic  # noqa: F401  (declares the table)
from cnnscope.runtime.gradients import moving as _moving  # noqa: F401  (likewise, as those below)
from cnnscope.runtime.gradients import normalising as _normalising  # noqa: F401
from cnnscope.runtime.gradients import pointwise as _pointwise  # noqa: F401
from cnnscope.runtime.gradients import pools as _pools  # noqa: F401
from cnnscope.runtime.gradients import products as _products  # noqa: F401
from cnnscope.runtime.gradients import windows as _windows  # noqa: F401
from cnnscope.runtime.gradients.rule import REASONS, RULES, GradientSite, NoGradient
from cnnscope.runtime.gradients.values import Value
from cnnscope.runtime.gradients.writer import GradientWriter
from cnnscope.runtime.probe.construction import CODES
from cnnscope.runtime.probe.node_facts import SHAPE_ONLY, CannotWrite

if TYPE_CHECKING:
    from cnnscope.analyzer.report.examination import Analysis

#: the network input that takes the gradient to begin with
SEED: Final = "gradient/seed"
#: before it, operators that gradients are written with don't exist
_OLDEST: Final = 9
#: so many operators that have no gradient are named
_NAMED: Final = 5


@dataclass(frozen=True, eq=False)
class WrittenGradient:
    """A model that computes a gradient.

    Args:
        proto: the model, without large weights; its input `SEED` takes the gradient to begin with, of the
            tensor's shape.
        output: what the gradient by the network input is called.
        tensors: initializers that are to be given their numbers, as `FlatModel` has them.
        dtype: of the seed and the gradient.
    """

    proto: onnx.ModelProto
    output: str
    tensors: Mapping[str, onnx.TensorProto]
    dtype: str


def write_gradient(
    analysis: Analysis, tensor: str, source: str, all_taps: bool = False
) -> WrittenGradient:
    """The gradient of a sum of a tensor's elements, weighed by a seed, by a network input.

    Args:
        analysis: of the model, without free dimensions.
        tensor: of the main graph.
        source: the network input.
        all_taps: with all taps passing, as `rule` says; then the signs of gradients are handed on, so
            that no depth makes them too small.

    Raises:
        RunError: a node on the way has no gradient that is told; it is named.
    """
    flat = flat_model(analysis, fold=True)
    shapes = {n: analysis.shapes.tensors[n].shape for n in analysis.graph.inputs}
    lengths = {
        n: [d if isinstance(d, int) else None for d in x]
        for n, x in shapes.items()
        if x is not None
    }
    inner = examine(flat.proto, shapes=lengths)
    walk = _Walk(inner, tensor, source, all_taps)
    output = walk.write()
    return walk.written(flat.proto, output, flat.tensors)


class _Walk:
    """From a tensor back to a network input."""

    def __init__(self, analysis: Analysis, tensor: str, source: str, all_taps: bool) -> None:
        self.graph, self.shapes = analysis.graph, analysis.shapes
        self.tensor, self.source, self.all_taps = tensor, source, all_taps
        dtype = self.shapes.tensors[tensor].dtype or ""
        if dtype not in ("float32", "float64"):
            raise RunError(
                f"tensor {shown_name(tensor)} holds {dtype or 'what is not known'}: "
                "gradients are told of float32 and float64"
            )
        self.writer = GradientWriter(self.graph.opsets, analysis.file, dtype)
        if self.writer.opset < _OLDEST:
            raise RunError(
                f"the model is of opset {self.writer.opset}: gradients are told from {_OLDEST} on; convert"
                " it with onnx.version_converter"
            )
        self.hanging = self._hanging()
        self.parts: dict[str, list[Value]] = {tensor: [Value(self.writer, SEED)]}
        self.refused: dict[str, str] = {}

    def _hanging(self) -> set[str]:
        """The tensors that hang on elements of the network input."""
        found = {self.source}
        for node in self.graph.nodes:
            if self.shapes.folded(node) or (node.op in SHAPE_ONLY and not node.domain):
                continue
            if any(name in found for name in used_names(node)):
                found.update(filter(None, node.outputs))
        return found

    def write(self) -> str:
        """What the gradient by the network input is called."""
        for node in reversed(self.graph.nodes):
            gradients = {
                name: self._total(name) for name in node.outputs if self.parts.get(name)
            }  # fmt: skip
            if gradients and any(name in self.hanging for name in node.outputs):
                self._node(node, gradients)
        if self.refused:
            told = [f"{title} ({why})" for title, why in self.refused.items()]
            more = len(told) - _NAMED
            end = f" and {more} more" if more > 0 else ""
            raise RunError(f"gradients don't go through {', '.join(told[:_NAMED])}{end}")
        if not self.parts.get(self.source):
            raise RunError(
                f"no gradient of {shown_name(self.tensor)} reaches input {shown_name(self.source)}"
            )
        return self._total(self.source).name

    def _total(self, name: str) -> Value:
        first, *others = self.parts.pop(name)
        for other in others:
            first = first + other
        return first.by("Sign") if self.all_taps else first

    def _node(self, node: Node, gradients: Mapping[str, Value]) -> None:
        self.writer.replacing = f"gradient/{node.name}"
        site = GradientSite(
            self.writer, node, self.shapes, self.hanging, gradients, self.all_taps
        )  # fmt: skip
        try:
            self._by_rule(site)
        except CannotWrite as reason:
            self.refused.setdefault(shown_name(node.title), f"{shown_name(node.path)}: {reason}")
            for name in used_names(node):  # so that whatever lies behind it is named, too
                x = self.shapes.tensors.get(name)
                if name in self.hanging and x is not None and x.is_float:
                    self.parts.setdefault(name, []).append(self.writer.zeros((1,)))
            return
        for i, found in site.given_on.items():
            self.parts.setdefault(node.inputs[i], []).extend(found)

    def _by_rule(self, site: GradientSite) -> None:
        node = site.node
        rule = RULES.get((node.domain, node.op))
        if rule is None:
            raise NoGradient(REASONS.get((node.domain, node.op), "no gradient is written for it"))
        for name in site.gradients:
            dtype = self.shapes.tensors[name].dtype
            if dtype != self.writer.dtype:
                raise NoGradient(f"it gives {dtype}, and gradients are {self.writer.dtype}")
        rule(site)
        for i in site.present:
            if site.hangs(i) and i not in site.given_on:
                raise NoGradient(f"its operand {shown_name(node.inputs[i])} hangs on the input")

    def written(
        self, flat: onnx.ModelProto, output: str, tensors: Mapping[str, onnx.TensorProto]
    ) -> WrittenGradient:
        """The model's nodes that are needed, and behind them the gradient's."""
        nodes, needed = [], {output}
        forward = [self._with_second(node) for node in flat.graph.node]
        for node in reversed([*forward, *self.writer.nodes]):
            if any(name in needed for name in node.output):
                nodes.append(node)
                needed.update(_read_by(node))
        inputs = [value for value in flat.graph.input if value.name in needed]
        shape = [int(d) for d in self.shapes.tensors[self.tensor].dims if isinstance(d, int)]
        code = CODES[self.writer.dtype]
        inputs.append(helper.make_tensor_value_info(SEED, code, shape))
        kept = [x for x in (*flat.graph.initializer, *self.writer.stored) if x.name in needed]
        graph = helper.make_graph(
            nodes[::-1], "gradient", inputs, [helper.make_tensor_value_info(output, code, None)], kept,
            sparse_initializer=[x for x in flat.graph.sparse_initializer if x.values.name in needed],
        )  # fmt: skip
        opsets = [helper.make_opsetid(d, v) for d, v in self.writer.opsets.items()]
        proto = helper.make_model(graph, opset_imports=opsets, ir_version=flat.ir_version)
        there = {x.name for x in kept}
        return WrittenGradient(
            proto, output, {n: x for n, x in tensors.items() if n in there}, self.writer.dtype
        )

    def _with_second(self, node: onnx.NodeProto) -> onnx.NodeProto:
        second = self.writer.second.get(node.output[0]) if node.output else None
        if second is not None:
            del node.output[1:]
            node.output.append(second)
        return node


def _read_by(node: onnx.NodeProto) -> set[str]:
    """What a node reads, its subgraphs too."""
    found = set(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs) if attribute.HasField("g") else ():
            for inner in graph.node:
                found |= _read_by(inner)
    return found
