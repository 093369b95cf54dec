"""What does a node say of itself that any rule for rewriting it may ask: attributes, shapes, known values?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

import numpy as np

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.passes.facts import Shapes

#: they look at their operand's shape and at none of its elements
SHAPE_ONLY: Final = frozenset({
    "Shape", "Size", "EyeLike", "RandomNormalLike", "RandomUniformLike",
})  # fmt: skip


class CannotWrite(Exception):
    """A node of which no rewriting is written; the message says why."""


class NodeFacts(ABC):
    """One node's attributes, and the shapes and known values of what it reads and gives.

    Attributes:
        node: the operator call.
    """

    node: Node

    @property
    @abstractmethod
    def facts(self) -> Shapes:
        """What is known of the graph's tensors."""

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

    def listed(self, name: str, i: int) -> list[int] | None:
        """Whole numbers in an attribute or, in later versions, in an input; None where unknown."""
        if self.given(i):
            value = self.value(i)
            return None if value is None else [int(v) for v in value.reshape(-1)]
        found = self.numbers(name)
        return None if found is None else list(found)

    def given(self, i: int) -> bool:
        """Is there an input at this place?"""
        return i < len(self.node.inputs) and bool(self.node.inputs[i])

    def shape(self, i: int) -> tuple[int, ...]:
        """The shape of an input."""
        return self._lengths(self.node.inputs[i])

    def output_shape(self, k: int = 0) -> tuple[int, ...]:
        """The shape of an output, as analysed."""
        return self._lengths(self.node.outputs[k])

    def _lengths(self, name: str) -> tuple[int, ...]:
        shape = self.facts.tensors[name].shape
        if shape is None or not all(isinstance(d, int) for d in shape):
            raise CannotWrite("a shape isn't known beforehand")
        return tuple(d for d in shape if isinstance(d, int))

    def value(self, i: int) -> np.ndarray | None:
        """An input's values, where they are known without running anything."""
        if not self.given(i):
            return None
        value = self.facts.tensors[self.node.inputs[i]].value
        return None if value is None or value.dtype == object else value
