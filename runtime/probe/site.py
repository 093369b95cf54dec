"""What may a rule of the probe ask of a node, and how does it say what replaces it?

`Site` is one node as its rule sees it. Weights are filled with one number; only what an operator needs
the true values of (shapes, axes, indices) is taken from the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

import numpy as np
import onnx

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.probe.alike import NONE, Runs
from cnnscope.runtime.probe.construction import CannotProbe, Copy
from cnnscope.runtime.probe.node_facts import NodeFacts
from cnnscope.runtime.probe.scope import ProbeScope


@dataclass(frozen=True, eq=False)
class Site(NodeFacts):
    """One node, as its rule sees it: inputs by position, and where to put what replaces it."""

    scope: ProbeScope
    node: Node
    #: the operands that the rule made something of
    used: set[int] = field(default_factory=set)

    @property
    def copy(self) -> Copy:
        """The copy that is written."""
        return self.scope.copy

    @property
    def facts(self) -> Shapes:
        """What is known of the tensors of the node's graph."""
        return self.scope.shapes

    def hangs(self, i: int) -> bool:
        """Does this input hang on the network's inputs?"""
        return self.given(i) and self.node.inputs[i] in self.scope.holder(self.node.inputs[i]).names

    def data(self, i: int) -> str:
        """An input that hangs on the network's inputs, every slice of it there."""
        return self.copy.whole(self.short(i))

    def short(self, i: int, whole: Iterable[int] = ()) -> str:
        """The same as it is held: what is the same once (`alike`), but along some axes whole."""
        name = self.node.inputs[i]
        self.used.add(i)
        return self.copy.whole(self.scope.holder(name).names[name], whole)

    def runs(self, i: int) -> Runs:
        """Of an input that is held short, what each slice stands for."""
        name = self.node.inputs[i]
        return self.copy.runs(self.scope.holder(name).names[name]) if self.hangs(i) else NONE

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
        self, inputs: Sequence[str], op: str | None = None, without: Sequence[str] = (),
        runs: Runs = NONE,
    ) -> None:  # fmt: skip
        """The node itself, or its like by another name, with other inputs, without attributes.

        Args:
            inputs: instead of the node's.
            op: instead of the node's.
            without: attributes to be left out.
            runs: of what comes out, if it is held short.
        """
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
                self.give(k, self.copy.short(name, runs))
            else:
                target.output[k] = ""
