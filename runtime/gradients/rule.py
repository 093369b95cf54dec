"""What is a rule for a gradient, and what may it ask of its node?

A rule hands the gradient of a node's outputs on to those of its inputs that hang on the network's inputs
and are floating-point numbers. Rules are declared in `products`, `windows`, `pools`, `pointwise`,
`arithmetic`, `moving` and `normalising`.

With *all taps passing* a gradient shows what a unit could hang on: all weights and factors are 1,
rectifiers hand on everything, a maximum hands on to all it compares. The model itself isn't run then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.gradients.values import Value
from cnnscope.runtime.gradients.writer import GradientWriter
from cnnscope.runtime.probe.node_facts import CannotWrite, NodeFacts

GradientRule = Callable[["GradientSite"], None]

MICROSOFT: Final = "com.microsoft"
RULES: Final[dict[tuple[str, str], GradientRule]] = {}
#: operators without a gradient, with the reason
REASONS: Final[dict[tuple[str, str], str]] = {}


class NoGradient(CannotWrite):
    """A node whose gradient isn't told; the message says why."""


def declare(rule: GradientRule, *names: str, domain: str = "") -> None:
    """The rule of some operators."""
    for name in names:
        RULES[domain, name] = rule


def refuse(reason: str, *names: str, domain: str = "") -> None:
    """Why some operators have no gradient that is told."""
    for name in names:
        REASONS[domain, name] = reason


@dataclass(eq=False)
class GradientSite(NodeFacts):
    """One node, as its rule sees it.

    Args:
        writer: of the graph.
        node: the operator call.
        shapes: of the graph's tensors.
        hanging: the tensors that hang on the network's inputs.
        gradients: of the node's outputs, where there is one.
        all_taps: with all taps passing.
        given_on: by input, the gradients that the rule gave.
    """

    writer: GradientWriter
    node: Node
    shapes: Shapes
    hanging: set[str]
    gradients: Mapping[str, Value]
    all_taps: bool = False
    given_on: dict[int, list[Value]] = field(default_factory=dict)

    @property
    def facts(self) -> Shapes:
        return self.shapes

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        return self.writer.opset

    def gradient(self, k: int = 0) -> Value | None:
        """That of an output, if something hangs on it."""
        name = self.node.outputs[k] if k < len(self.node.outputs) else ""
        return self.gradients.get(name)

    @property
    def only(self) -> Value:
        """That of the first output, which is the only one that has one."""
        found = self.gradient()
        if found is None or len(self.gradients) > 1:
            raise NoGradient("something hangs on another of its outputs than the first")
        return found

    def x(self, i: int = 0) -> Value:
        """An input, as the model computes it."""
        return self.writer.value(self.node.inputs[i])

    def y(self, k: int = 0) -> Value:
        """An output, as the model computes it."""
        return self.writer.value(self.node.outputs[k])

    def hangs(self, i: int) -> bool:
        """Does this input hang on the network's inputs?"""
        return self.given(i) and self.node.inputs[i] in self.hanging

    def give(self, i: int, gradient: Value) -> None:
        """Part of the gradient of an input."""
        self.given_on.setdefault(i, []).append(gradient)

    def times(self, gradient: Value, factor: Callable[[], Value]) -> Value:
        """A gradient times a factor that the model's numbers say; as it is, where all taps pass."""
        return gradient if self.all_taps else gradient * factor()

    def real(self, name: str, default: float) -> float:
        """A floating-point attribute."""
        found = self.node.attributes.get(name, default)
        assert isinstance(found, int | float)
        return float(found)

    def axis(self, default: int, rank: int) -> int:
        """The attribute of that name, counted from the first."""
        return self.number("axis", default) % max(rank, 1)
