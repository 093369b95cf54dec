"""What do the operators by which models work out sizes make of a few numbers, as numpy says it?

Exactly what onnx's reference says (`tests/test_calculations.py` asks both), which takes longer to load than a
model to analyse. A rule returns None, or raises, where there is any doubt: then that one is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cnnscope.analyzer.operators.arithmetic import Calculation, calculates
from cnnscope.analyzer.values.tensor import DTYPES

Arrays = Sequence[Any]
Attributes = Mapping[str, Any]

#: what numpy has types of its own for
_PLAIN = frozenset(
    {
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64",
    }
)  # fmt: skip


def _of_two(calculate: Callable[[Any, Any], Any], gives: str | None = None) -> Calculation:
    """An operator of two arrays of one dtype, which the result has as well unless it says another."""

    def rule(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
        a, b = arrays
        if a.dtype != b.dtype or attributes:
            return None
        found = np.asarray(calculate(a, b))
        return found if found.dtype == (gives or a.dtype) else None

    return rule


def _divided(a: Any, b: Any) -> Any:
    if a.dtype.kind == "f":
        return np.divide(a, b)
    quotient = np.floor_divide(a, b)  # whole numbers are cut off towards zero
    return quotient + ((np.remainder(a, b) != 0) & ((a < 0) ^ (b < 0))).astype(quotient.dtype)


def _cast(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
    dtype = DTYPES.get(attributes["to"])
    return arrays[0].astype(dtype) if dtype in _PLAIN else None


def _where(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
    chosen, x, y = arrays
    alike = x.dtype == y.dtype and chosen.dtype == bool
    return np.asarray(np.where(chosen, x, y)) if alike else None


def _concatenated(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
    alike = len({a.dtype for a in arrays}) == 1
    return np.concatenate(arrays, attributes["axis"]) if alike and version >= 4 else None


def _reshaped(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
    if version < 5:
        return None
    data, shape = arrays
    shape = np.copy(shape)
    if version < 14 or not attributes.get("allowzero"):
        zeros = np.where(shape == 0)
        shape[zeros] = np.array(data.shape)[zeros]
    return np.reshape(data, shape)


def _unsqueezed(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
    if version < 13:
        found = arrays[0]
        for axis in attributes["axes"]:
            found = np.expand_dims(found, axis)
        return np.asarray(found)
    data, axes = arrays
    return np.asarray(np.expand_dims(data, tuple(axes)))


def _squeezed(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
    if version < 13:
        found = arrays[0]
        for axis in reversed(attributes["axes"]):
            found = np.squeeze(found, axis)
        return np.asarray(found)
    data, axes = arrays
    return np.asarray(np.squeeze(data, tuple(axes)))


def _transposed(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
    return np.transpose(arrays[0], attributes["perm"]) if attributes.get("perm") else None


def _gathered(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
    data, indices = arrays
    return np.asarray(np.take(data, indices, axis=attributes.get("axis", 0)))


def _sliced(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
    if (
        version < 10
        or not 3 <= len(arrays) <= 5
        or any(a is None or a.ndim != 1 for a in arrays[1:3])
    ):
        return None
    data, starts, ends, axes, steps = (*arrays, None, None)[:5]
    places = range(len(starts)) if axes is None else axes.tolist()
    strides = [None] * len(starts) if steps is None else steps.tolist()
    if not len(starts) == len(ends) == len(places) == len(strides):
        return None
    slices = [slice(None)] * data.ndim
    for axis, start, end, step in zip(places, starts.tolist(), ends.tolist(), strides, strict=True):
        slices[axis] = slice(start, end, step)
    return np.asarray(data[tuple(slices)])


def _expanded(arrays: Arrays, attributes: Attributes, version: int) -> np.ndarray | None:
    data, shape = arrays
    return np.asarray(data * np.ones(shape, data.dtype))


calculates("Add", rule=_of_two(np.add))
calculates("Sub", rule=_of_two(np.subtract))
calculates("Mul", rule=_of_two(np.multiply))
calculates("Div", rule=_of_two(_divided))
calculates("Equal", rule=_of_two(np.equal, "bool"))
calculates("Cast", rule=_cast)
calculates("Where", rule=_where)
calculates("Concat", rule=_concatenated)
calculates("Reshape", rule=_reshaped)
calculates("Unsqueeze", rule=_unsqueezed)
calculates("Squeeze", rule=_squeezed)
calculates("Transpose", rule=_transposed)
calculates("Gather", rule=_gathered)
calculates("Slice", rule=_sliced)
calculates("Expand", rule=_expanded)
