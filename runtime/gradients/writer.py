"""How are the nodes of gradients written: which numbers are they of, and how is a gradient laid in place?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from onnx import numpy_helper

from cnnscope.runtime.gradients.values import TypedCopy, Value

if TYPE_CHECKING:
    from cnnscope.analyzer.model.file import ModelFile
    from cnnscope.analyzer.model.graph import Node

#: up to so many times an index may be read before its gradient is added up by a matrix product
_ROUNDS: Final = 8


class GradientWriter(TypedCopy):
    """The nodes behind a model's own that compute a gradient.

    Args:
        opsets: operator domain to version.
        file: where stored values are.
        dtype: of all numbers, such as ``"float32"``.
    """

    def __init__(self, opsets: Mapping[str, int], file: ModelFile, dtype: str) -> None:
        super().__init__(opsets, file, dtype)
        #: second outputs that nodes of the model are given, by their first
        self.second: dict[str, str] = {}

    def name(self, what: str) -> str:
        """A name that no tensor of the model has."""
        return super().name(f"gradient/{what}")

    def indices(self, node: Node) -> str:
        """The second output of a node of the model, which it gets if it hasn't got one."""
        if len(node.outputs) > 1 and node.outputs[1]:
            return node.outputs[1]
        return self.second.setdefault(node.outputs[0], self.name("indices"))

    def value(self, name: str) -> Value:
        """A tensor of the model, to be reckoned with."""
        return Value(self, name)

    def ones(self) -> Value:
        """The number 1."""
        return Value(self, self.fill((), 1.0))

    def constant(self, array: np.ndarray) -> Value:
        """A constant of numbers."""
        return Value(self, self.store(array.astype(self.dtype)))

    def zeros(self, shape: Sequence[int]) -> Value:
        """Zeros that take no room in the model."""
        lengths = self.store(np.array(shape, np.int64))
        zero = numpy_helper.from_array(np.zeros(1, self.dtype))
        return Value(self, self.add("ConstantOfShape", [lengths], value=zero))

    def folded(self, x: Value, shape: Sequence[int], target: Sequence[int]) -> Value:
        """A gradient of this shape, added up over the axes along which its tensor was broadcast."""
        if tuple(shape) == tuple(target):
            return x
        front = len(shape) - len(target)
        axes = [*range(front)]
        axes += [front + k for k, n in enumerate(target) if n == 1 and shape[front + k] != 1]
        return x.sum(axes).reshape(target)

    def fitted(self, x: Value, shape: Sequence[int], axis: int, before: int, after: int) -> Value:
        """With so many zeros before and behind along an axis; with fewer than none, cut.

        Args:
            shape: of `x`.
        """
        first, last = max(-before, 0), shape[axis] - max(-after, 0)
        if (first, last) != (0, shape[axis]):
            x = x.rows(range(first, last), axis)
        parts = []
        for count in (before, after):
            lengths = list(shape)
            lengths[axis] = count
            parts.append([self.zeros(lengths)] if count > 0 else [])
        whole = [*parts[0], x, *parts[1]]
        return x if len(whole) == 1 else whole[0].beside(whole[1:], axis)

    def unread(
        self, x: Value, shape: Sequence[int], axis: int, rows: np.ndarray, length: int
    ) -> Value:
        """The gradient of a tensor of which slices were picked, from that of what was picked.

        Args:
            x, shape: the gradient of what was picked.
            axis: along which.
            rows: which slice of the tensor each one is; -1: none.
            length: how many slices the tensor has.
        """
        if len(rows) == length and (rows == np.arange(length)).all():
            return x
        times = np.bincount(rows[rows >= 0], minlength=length)
        if times.max(initial=0) > _ROUNDS:
            picked = np.zeros((len(rows), length))
            picked[np.flatnonzero(rows >= 0), rows[rows >= 0]] = 1
            return self.weighed(x, len(shape), axis, picked)
        nothing = list(shape)
        nothing[axis] = 1
        padded = x.beside([self.zeros(nothing)], axis)
        total = None
        for readers in self._rounds(rows, length):
            found = padded.rows(readers, axis)
            total = found if total is None else total + found
        return padded.rows([len(rows)] * length, axis) if total is None else total

    @staticmethod
    def _rounds(rows: np.ndarray, length: int) -> list[list[int]]:
        """By tensor slice its first reader, its second, ...; where there is none, one past the last."""
        found: list[list[int]] = []
        seen = [0] * length
        for reader, row in enumerate(rows.tolist()):
            if row < 0:
                continue
            if seen[row] == len(found):
                found.append([len(rows)] * length)
            found[seen[row]][row] = reader
            seen[row] += 1
        return found

    def weighed(self, x: Value, rank: int, axis: int, weights: np.ndarray) -> Value:
        """Along an axis, a gradient by outputs as one by inputs: the weights are outputs by inputs."""
        order = [k for k in range(rank) if k != axis] + [axis]
        back = np.argsort(order).tolist()
        return (x.transpose(order) @ self.constant(weights)).transpose(back)
