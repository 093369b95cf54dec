"""What does JSON have of a tensor that a layer reads, and of a node's attributes?

Of a tensor its dtype and shape, and the few numbers that shapes hang on where they are known. An attribute is
a number, a text, a list of those, or an object that says what JSON has no value for: a tensor, or a
number that isn't finite. What holds a graph is left out, the graph's layers being told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from cnnscope.analyzer.report.json_values import WrongDataError, elements, entries, text
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import BITS, Tensor, plain_shape

#: the most elements of a tensor that are listed
LISTED = 64
#: kinds of numbers that JSON has too, and of formulas
_KINDS = "biufO"
_NOT_FINITE = ("inf", "-inf", "nan")


def tensor_record(tensor: Tensor) -> dict[str, object]:
    """A tensor's dtype and shape, and what else is to be said of it."""
    found: dict[str, object] = {"dtype": tensor.dtype, "shape": plain_shape(tensor.shape)}
    if tensor.kind != "tensor":
        found["kind"] = tensor.kind
    if tensor.constant:
        found["constant"] = True
    value = tensor.value
    if value is not None and value.dtype.kind in _KINDS and value.size <= LISTED:
        found["value"] = _nested(value.tolist())
    return found


def attribute_record(value: object) -> object:
    """An attribute as JSON has it."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, Tensor):
        return {"tensor": tensor_record(value)}
    if isinstance(value, tuple):
        return [attribute_record(part) for part in value]
    return None


def lengths_in(tensor: Tensor) -> Iterator[Dim]:
    """The lengths that a tensor's record names."""
    yield from tensor.shape or ()
    if tensor.value is not None and tensor.value.dtype == object and tensor.value.size <= LISTED:
        yield from tensor.value.ravel().tolist()


def tensor_of(record: object, shape: Callable[[object], tuple[Dim, ...] | None]) -> Tensor:
    """The tensor of a record.

    Args:
        record: what `tensor_record` gave.
        shape: reads a shape, whose formulas it knows.

    Raises:
        WrongDataError: it is no such record.
    """
    entry = entries(record)
    try:
        lengths = shape(entry.get("shape"))
    except WrongDataError as error:
        error.where.append("shape")
        raise
    dtype = None if entry.get("dtype") is None else text(entry["dtype"])
    kind = entry.get("kind", "tensor")
    if kind not in ("tensor", "sequence", "optional", "map", "sparse"):
        raise WrongDataError("its kind is none of a tensor, sequence, optional, map or sparse")
    value = _array(entry["value"], dtype, lengths, shape) if "value" in entry else None
    return Tensor(dtype, lengths, entry.get("constant") is True, value, kind)


def attribute_of(record: object, shape: Callable[[object], tuple[Dim, ...] | None]) -> object:
    """The attribute of a record; raises WrongDataError."""
    if isinstance(record, list):
        return tuple([attribute_of(part, shape) for part in record])
    if not isinstance(record, dict):
        return record
    if "tensor" in record:
        return tensor_of(record["tensor"], shape)
    number = record.get("float")
    if number not in _NOT_FINITE:
        raise WrongDataError("an attribute that is no number, text, list or tensor")
    return float(str(number))


def _nested(value: object) -> object:
    if isinstance(value, list):
        return [_nested(part) for part in value]
    if isinstance(value, FreeDim):
        return str(value)
    return attribute_record(value)


def _array(
    record: object,
    dtype: str | None,
    lengths: Sequence[Dim] | None,
    shape: Callable[[object], tuple[Dim, ...] | None],
) -> np.ndarray:
    """The elements, in the order and form in which they are listed."""
    sizes = [n for n in lengths or () if isinstance(n, int)]
    flat: list[object] = []
    waiting = [(record, len(sizes))]
    while waiting:
        part, depth = waiting.pop()
        if depth:
            parts = elements(part)
            if len(parts) != sizes[len(sizes) - depth]:
                raise WrongDataError("its elements don't have its shape")
            waiting += [(x, depth - 1) for x in reversed(parts)]
        else:
            flat.append(part)
        if len(flat) + len(waiting) > 64 * LISTED:
            raise WrongDataError(f"a value of more than {LISTED} elements")
    if any(isinstance(x, str) for x in flat):
        found = np.empty(len(flat), object)
        found[:] = shape(flat)
        return found.reshape(sizes)
    numbers = [attribute_of(x, shape) if isinstance(x, Mapping) else x for x in flat]
    if not all(isinstance(x, bool | int | float) for x in numbers):
        raise WrongDataError("its elements are no numbers")
    known = dtype if dtype in BITS and hasattr(np, dtype) else None
    try:
        return np.array(numbers, known).reshape(sizes)
    except (TypeError, ValueError, OverflowError):
        raise WrongDataError(f"its elements aren't of dtype {dtype!r:.40}") from None
