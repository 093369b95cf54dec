"""How are sums and products of tensors written into a graph as one writes them on paper?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.probe.construction import CODES, Copy

if TYPE_CHECKING:
    from cnnscope.analyzer.model.file import ModelFile

Number = int | float


class TypedCopy(Copy):
    """A graph under construction whose numbers are of one type.

    Args:
        opsets: operator domain to version.
        file: where stored values are.
        dtype: of the numbers, such as ``"float32"``.
    """

    def __init__(self, opsets: Mapping[str, int], file: ModelFile, dtype: str) -> None:
        super().__init__(opsets, file)
        self.dtype = dtype
        self._numbers: dict[tuple[tuple[int, ...], float], str] = {}

    def fill(self, shape: Sequence[int], value: float) -> str:
        """A constant, the same number everywhere."""
        key = tuple(shape), value
        if key not in self._numbers:
            self._numbers[key] = self.store(np.full(shape, value, self.dtype))
        return self._numbers[key]

    def as_number(self, x: Value) -> Value:
        """A truth or a whole number as 0 and 1, or what it is."""
        return x.by("Cast", to=CODES[self.dtype])


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A floating-point tensor of the graph that is being written; arithmetic adds nodes to it.

    Args:
        writer: of the graph.
        name: of the tensor.
    """

    writer: TypedCopy
    name: str

    def _with(self, op: str, other: Value | Number, swapped: bool = False) -> Value:
        second = other.name if isinstance(other, Value) else self.writer.fill((), float(other))
        inputs = [second, self.name] if swapped else [self.name, second]
        return Value(self.writer, self.writer.add(op, inputs))

    def __add__(self, other: Value | Number) -> Value:
        return self._with("Add", other)

    __radd__ = __add__

    def __sub__(self, other: Value | Number) -> Value:
        return self._with("Sub", other)

    def __rsub__(self, other: Number) -> Value:
        return self._with("Sub", other, swapped=True)

    def __mul__(self, other: Value | Number) -> Value:
        return self._with("Mul", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Value | Number) -> Value:
        return self._with("Div", other)

    def __rtruediv__(self, other: Number) -> Value:
        return self._with("Div", other, swapped=True)

    def __neg__(self) -> Value:
        return self.by("Neg")

    def __pow__(self, other: Value | Number) -> Value:
        return self._with("Pow", other)

    def __matmul__(self, other: Value) -> Value:
        return self._with("MatMul", other)

    def above(self, other: Value | Number) -> Value:
        """1 where it is greater, else 0."""
        return self.writer.as_number(self._with("Greater", other))

    def at_least(self, other: Value | Number) -> Value:
        """1 where it is greater or the same, else 0."""
        return 1 - self.writer.as_number(self._with("Less", other))

    def by(self, op: str, **attributes: object) -> Value:
        """What an operator with one input makes of it."""
        return Value(self.writer, self.writer.add(op, [self.name], **attributes))

    def reshape(self, shape: Sequence[int]) -> Value:
        """The same elements in another shape."""
        lengths = self.writer.store(np.array(shape, np.int64))
        return Value(self.writer, self.writer.add("Reshape", [self.name, lengths]))

    def expand(self, shape: Sequence[int]) -> Value:
        """Repeated along axes of length 1."""
        lengths = self.writer.store(np.array(shape, np.int64))
        return Value(self.writer, self.writer.add("Expand", [self.name, lengths]))

    def transpose(self, order: Sequence[int]) -> Value:
        """With its axes in another order."""
        if tuple(order) == tuple(range(len(order))):
            return self
        return self.by("Transpose", perm=list(order))

    def sum(self, axes: Sequence[int], keep: bool = True) -> Value:
        """Its sum over some axes; itself over none."""
        if not axes:
            return self
        return Value(
            self.writer, self.writer.over("ReduceSum", self.name, axes, keepdims=int(keep))
        )

    def mean(self, axes: Sequence[int]) -> Value:
        """Its mean over some axes, which stay with length 1; itself over none."""
        if not axes:
            return self
        return Value(self.writer, self.writer.over("ReduceMean", self.name, axes, keepdims=1))

    def rows(self, indices: Sequence[int], axis: int) -> Value:
        """Those slices of an axis."""
        index = self.writer.store(np.array(indices, np.int64))
        return Value(self.writer, self.writer.add("Gather", [self.name, index], axis=axis))

    def beside(self, others: Sequence[Value], axis: int) -> Value:
        """Itself with others behind it along an axis."""
        names = [self.name, *(other.name for other in others)]
        return Value(self.writer, self.writer.add("Concat", names, axis=axis))
