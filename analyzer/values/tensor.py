"""What is known of a tensor without running the model?

Its shape and dtype, whether it is constant, and its value only where a shape may hang on it.
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from dataclasses import field
from typing import Literal, TypeVar

import numpy as np

from cnnscope.analyzer.values.bounds import Bounds
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, product
from cnnscope.analyzer.values.plain_class import dataclass

Shape = tuple[Dim, ...]

#: bits per element by dtype, numpy's and ml_dtypes' names; strings have no fixed size
BITS: dict[str, int] = {
    "bool": 8, "int2": 2, "uint2": 2, "int4": 4, "uint4": 4, "float4_e2m1fn": 4,
    "int8": 8, "uint8": 8, "float8_e4m3fn": 8, "float8_e4m3fnuz": 8, "float8_e5m2": 8,
    "float8_e5m2fnuz": 8, "float8_e8m0fnu": 8, "int16": 16, "uint16": 16, "float16": 16,
    "bfloat16": 16, "int32": 32, "uint32": 32, "float32": 32, "int64": 64, "uint64": 64,
    "float64": 64, "complex64": 64, "complex128": 128,
}  # fmt: skip

#: dtype names by ONNX's TensorProto.DataType number, spelled out so that reading needs no onnx
DTYPES: dict[int, str] = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    8: "string", 9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64",
    14: "complex64", 15: "complex128", 16: "bfloat16", 17: "float8_e4m3fn",
    18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4",
    23: "float4_e2m1fn", 24: "float8_e8m0fnu", 25: "uint2", 26: "int2",
}  # fmt: skip


#: the most axes of a tensor: numpy's own limit. What grows with the rank (a product of lengths has
#: as many digits) stays small, and no model comes near.
RANK_LIMIT = 64


def axes_of(rank: int) -> range:
    """The axes of a tensor that the model says has so many; raises ValueError for too many.

    >>> list(axes_of(3))
    [0, 1, 2]
    """
    if rank > RANK_LIMIT:
        raise ValueError(f"a tensor with {rank} axes; {RANK_LIMIT} are the most")
    return range(rank)


def dtype_of(code: int) -> str:
    """The dtype with ONNX's number; raises ValueError where there is none.

    >>> dtype_of(7)
    'int64'
    """
    if code not in DTYPES:
        raise ValueError(f"there is no element type {code}")
    return DTYPES[code]


#: free lengths will be given before the model runs: what is made of them alone is as constant as it is then
lengths_to_be_given: ContextVar[bool] = ContextVar("lengths_to_be_given", default=False)

ValueKind = Literal["tensor", "sequence", "optional", "map", "sparse"]


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """Facts about one tensor.

    Args:
        dtype: numpy's name (``"float32"``, ``"bfloat16"``, ``"int4"``), None when not known.
        shape: one `Dim` per axis, None when not even the rank is known.
        constant: its value doesn't depend on the model's inputs.
        value: the elements, for small integer tensors that a shape may hang on; an array of
            numbers, or of `object` where some elements are `FreeDim`.
        kind: ``"tensor"``, or the container ONNX calls sequence, optional or map.
        element: for a container, what it holds.
        length: for a sequence, how many elements it holds.
        runs: for a sequence whose elements differ, what it holds in order, each with how many such
            stand beside each other; None where that isn't known, or would be a long list.
        bounds: what its numbers lie between, where they are made of lengths and not told one by one.

    >>> Tensor("float32", (1, 3, 4)).size
    12
    """

    dtype: str | None = None
    shape: Shape | None = None
    constant: bool = False
    value: np.ndarray | None = None
    kind: ValueKind = "tensor"
    element: Tensor | None = None
    length: Dim | None = None
    runs: tuple[tuple[Tensor, int], ...] | None = None
    bounds: Bounds | None = None
    _size: Dim | None = field(default=None, init=False, repr=False)

    @property
    def dims(self) -> Shape:
        """The shape, for rules that need one: raises `Undetermined` when the rank isn't known."""
        if self.shape is None:
            raise Undetermined("the rank of an input")
        return self.shape

    @property
    def rank(self) -> int:
        """The number of axes; raises `Undetermined` when it isn't known."""
        return len(self.dims)

    def known_length(self, axis: int) -> int | None:
        """The length of an axis; None where it is free or isn't known."""
        length = None if self.shape is None or axis >= len(self.shape) else self.shape[axis]
        return length if isinstance(length, int) else None

    @property
    def size(self) -> Dim:
        """The number of elements; raises `Undetermined` when the rank isn't known."""
        size = self._size
        if size is None:  # every pass asks
            size = product(self.dims)
            object.__setattr__(self, "_size", size)
        return size

    @property
    def nbytes(self) -> Dim:
        """Bytes the elements take, 4-bit types packed two to a byte; strings raise.

        Those of a sequence are those of all that it holds.
        """
        if self.kind == "sequence":
            return self._held_bytes
        bits = BITS.get(self.dtype or "")
        if bits is None:
            raise Undetermined(f"the size in bytes of {self.dtype or 'an unknown type'}")
        return self.size * (bits // 8) if bits >= 8 else -((-self.size * bits) // 8)

    @property
    def _held_bytes(self) -> Dim:
        if self.runs is not None:
            return sum((x.nbytes * count for x, count in self.runs), start=0)
        if self.length == 0:
            return 0
        x, length = self.element, self.length
        alike = x is not None and x.shape is not None and not any(
            isinstance(n, FreeDim) and n.data for n in x.shape
        )  # fmt: skip
        if x is None or length is None or not alike:
            raise Undetermined("the size of a sequence's elements")
        return x.nbytes * length

    @property
    def is_float(self) -> bool:
        return self.dtype is not None and self.dtype.startswith(("float", "bfloat"))

    @property
    def numbers(self) -> list[int]:
        """The value as a flat list of plain integers; raises `Undetermined` where not known."""
        return [int(item) for item in self.lengths]

    @property
    def lengths(self) -> list[Dim]:
        """The value as a flat list of dimensions, free ones included; raises `Undetermined`."""
        if self.value is None:
            raise Undetermined("a value that is computed at run time")
        return [x if isinstance(x, FreeDim) else _whole(x) for x in self.value.ravel().tolist()]

    @property
    def reals(self) -> list[float]:
        """The value as a flat list of floats; raises `Undetermined` where not known."""
        if self.value is None:
            raise Undetermined("a value that is computed at run time")
        return [_float(item) for item in self.value.ravel().tolist()]

    @property
    def only_length(self) -> Dim:
        """The only one of `lengths`; raises ValueError where there are more, or none."""
        return _only(self.lengths)

    @property
    def only_number(self) -> int:
        """The only one of `numbers`, likewise."""
        return _only(self.numbers)

    @property
    def only_real(self) -> float:
        """The only one of `reals`, likewise."""
        return _only(self.reals)

    def of(self, shape: Shape | None, dtype: str | None = None) -> Tensor:
        """A tensor of this dtype (or another) with another shape and no value."""
        return Tensor(dtype or self.dtype, None if shape is None else tuple(shape))

    def without_value(self) -> Tensor:
        """The same tensor, its value forgotten."""
        return self.with_value(None)

    def with_value(self, value: np.ndarray | None) -> Tensor:
        """The same tensor, its value known (or not)."""
        # Spelled out: `dataclasses.replace` takes five times as long, for each folded constant.
        return Tensor(
            self.dtype, self.shape, self.constant, value, self.kind, self.element, self.length,
            self.runs,
        )  # fmt: skip

    def within(self, bounds: Bounds) -> Tensor:
        """The same tensor, its numbers between others."""
        return Tensor(
            self.dtype, self.shape, self.constant, self.value, self.kind, self.element, self.length,
            self.runs, bounds,
        )  # fmt: skip

    @property
    def is_told(self) -> bool:
        """Its elements are known, or hang on free dimensions: none hangs on data."""
        return self.value is not None and (
            self.value.dtype != object
            or not any(
                not isinstance(item, int | float) and bool(item.data)
                for item in self.value.ravel().tolist()
            )
        )

    @property
    def is_known(self) -> bool:
        """Its elements don't hang on the model's inputs: it is constant, or all of them are told."""
        if self.constant or self.value is None:
            return self.constant
        if lengths_to_be_given.get():
            return self.is_told
        return self.value.dtype != object or all(
            isinstance(item, int | float) for item in self.value.ravel().tolist()
        )

    def as_constant(self) -> Tensor:
        """The same tensor, known not to depend on the model's inputs."""
        if self.constant:
            return self
        return Tensor(
            self.dtype, self.shape, True, self.value, self.kind, self.element, self.length,
            self.runs, self.bounds,
        )  # fmt: skip


_T = TypeVar("_T")


def _only(values: list[_T]) -> _T:
    if len(values) != 1:
        raise ValueError(f"{len(values)} numbers, where one is wanted")
    return values[0]


def _whole(x: object) -> int:
    """An element of a value as a whole number."""
    if isinstance(x, (int, bool)):
        return int(x)
    if isinstance(x, float) and math.isfinite(x):
        return int(x)
    _undecided(x)
    raise ValueError(f"{str(x)[:40]}, where a whole number is wanted")


def _undecided(x: object) -> None:
    """Raise `Undetermined` for an element that hangs on free lengths."""
    names, data = getattr(x, "names", None), getattr(x, "data", None)
    if isinstance(names, frozenset) and isinstance(data, frozenset):
        raise Undetermined("a value that isn't known yet", names, data)


def _float(x: object) -> float:
    _undecided(x)
    if isinstance(x, (int, float)):
        try:
            return float(x)
        except OverflowError:
            pass
    raise ValueError(f"{str(x)[:40]}, where a number is wanted")


def plain_shape(shape: tuple[Dim, ...] | None) -> list[int | str] | None:
    """A shape as JSON has it: free dimensions as their formula, None when the rank isn't known."""
    if shape is None:
        return None
    return [d if isinstance(d, int) else str(d) for d in shape]
