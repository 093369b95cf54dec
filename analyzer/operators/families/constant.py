"""Operators that make a tensor out of nothing, or out of a shape alone.

A value that follows from the shape (Shape, Size) or stands in the node (Constant) is given here; a
constant is never made only because its declared size says so: ConstantOfShape fills at most 1024
elements. Work: a range is ``start + i*delta``, one multiplication and one addition per element;
drawing random numbers isn't arithmetic of the model: 0. Sampling from a distribution compares the
draw with it: Bernoulli once per element; Multinomial turns n log-weights into running sums (n exp,
n - 1 add) and finds each of its samples among them by bisection (ceil(log2 n) compare).
"""

from __future__ import annotations

import math

import numpy as np

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    OutputReads,
    Whole,
    elementwise,
    nothing_read,
)
from cnnscope.analyzer.operators.rules import Outputs, demand_least_rank, each
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, ceil_div, product
from cnnscope.analyzer.values.reckoning import hangs_on
from cnnscope.analyzer.values.tensor import Tensor, axes_of, dtype_of

#: more elements than this are never filled in
LIMIT = 1024


def constant_output(
    *, value: Tensor | None = None, sparse_value: Tensor | None = None,
    value_int: int | None = None, value_ints: tuple[int, ...] | None = None,
    value_float: float | None = None, value_floats: tuple[float, ...] | None = None,
    value_string: str | None = None, value_strings: tuple[str, ...] | None = None,
) -> Tensor:  # fmt: skip
    if value is not None:
        return value
    if sparse_value is not None:
        return Tensor(sparse_value.dtype, sparse_value.shape)
    for given, dtype in (
        (value_int, "int64"), (value_ints, "int64"), (value_float, "float32"),
        (value_floats, "float32"), (value_string, "string"), (value_strings, "string"),
    ):  # fmt: skip
        if given is None:
            continue
        if dtype == "string":
            return Tensor(dtype, () if isinstance(given, str | bytes) else (len(given),))  # type: ignore[arg-type]
        array = np.array(given, dtype=dtype)
        return Tensor(dtype, array.shape, value=array if array.size <= LIMIT else None)
    raise ValueError("a Constant without a value")


def filled_output(shape: Tensor, *, value: Tensor | None = None, node_name: str = "") -> Tensor:
    dtype = value.dtype if value is not None else "float32"
    # ONNX Runtime takes numbers in any layout, but no scalar.
    demand_least_rank(shape, "the shape", 1)
    if shape.value is None:
        if shape.rank != 1:
            return Tensor(dtype, None)
        if shape.dims == (0,):
            dims: tuple[Dim, ...] = ()
        elif isinstance(shape.dims[0], int):
            dims = tuple(FreeDim.from_data(f"{node_name} axis {i}") for i in axes_of(shape.dims[0]))
        else:
            return Tensor(dtype, None)
    else:
        dims = tuple(shape.lengths)
    size = product(dims)
    if not isinstance(size, int) or size > LIMIT or (value is not None and value.value is None):
        return Tensor(dtype, dims)
    if any(isinstance(dim, FreeDim) or dim < 0 for dim in dims):
        return Tensor(dtype, dims)
    fill = np.zeros(1, np.float32) if value is None or value.value is None else value.value
    if fill.size != 1:
        raise ValueError(f"value holds {fill.size} numbers, 1 is wanted")
    return Tensor(dtype, dims, value=np.full([int(d) for d in dims], fill.ravel()[0], fill.dtype))


def lengths_value(dims: tuple[Dim, ...]) -> np.ndarray:
    free = any(isinstance(dim, FreeDim) for dim in dims)
    found = np.empty(len(dims), dtype=object if free else np.int64)
    found[:] = dims
    return found


def shape_output(
    x: Tensor, *, start: int = 0, end: int | None = None, node_name: str = ""
) -> Tensor:
    """Python's slicing clamps `start` and `end` as ONNX does."""
    if x.shape is None:
        return Tensor("int64", (FreeDim.from_data(f"{node_name} rank"),))
    dims = x.dims[start:end]
    return Tensor("int64", (len(dims),), value=lengths_value(dims))


def size_output(x: Tensor) -> Tensor:
    if x.shape is None:
        return Tensor("int64", ())
    return Tensor("int64", (), value=lengths_value((x.size,)).reshape(()))


def range_output(start: Tensor, limit: Tensor, delta: Tensor, *, node_name: str = "") -> Tensor:
    return Tensor(start.dtype, (range_length(start, limit, delta, node_name),))


def _whole_numbers(*bounds: Tensor) -> bool:
    """Each is a whole number, or a free length; floating point or not."""
    for bound in bounds:
        for item in [] if bound.value is None else bound.value.ravel().tolist():
            if isinstance(item, float) and item.is_integer():
                continue
            if not isinstance(item, FreeDim | int):
                return False
    return True


def range_length(start: Tensor, limit: Tensor, delta: Tensor, node_name: str) -> Dim:
    if start.value is None or limit.value is None or delta.value is None:
        return FreeDim.from_data(f"{node_name} count")
    if start.is_float and not _whole_numbers(start, limit, delta):
        names, data = hangs_on([start.value, limit.value, delta.value])
        if names or data:
            return FreeDim.unknown(f"{node_name} count", names, data)
        first, last, step = start.only_real, limit.only_real, delta.only_real
        if step == 0:
            raise ValueError("a range with step 0")
        if not all(map(math.isfinite, (first, last, step))):
            raise ValueError("a range from, to or by infinity, or what is no number")
        return max(math.ceil((last - first) / step), 0)
    by = delta.only_number
    if by == 0:
        raise ValueError("a range with step 0")
    room = limit.only_length - start.only_length
    count = ceil_div(room, by) if by > 0 else ceil_div(-room, -by)
    try:
        return count if count >= 0 else 0
    except Undetermined:
        return count  # a free length is taken to be long enough


def typed(x: Tensor, dtype: int | None) -> str | None:
    return x.dtype if dtype is None else dtype_of(dtype)


def eye_output(x: Tensor, *, dtype: int | None = None) -> Tensor:
    if x.shape is not None and x.rank != 2:
        raise ValueError(f"an identity matrix like a tensor with {x.rank} axes")
    return Tensor(typed(x, dtype), x.shape)


def random_output(*, shape: tuple[int, ...], dtype: int = 1) -> Tensor:
    return Tensor(dtype_of(dtype), tuple(shape))


def random_like_output(x: Tensor, *, dtype: int | None = None) -> Tensor:
    return Tensor(typed(x, dtype), x.shape)


def multinomial_output(x: Tensor, *, sample_size: int = 1, dtype: int = 6) -> Tensor:
    return Tensor(dtype_of(dtype), None if x.shape is None else (x.dims[0], sample_size))


def multinomial_work(outputs: Outputs, x: Tensor) -> Work:
    rows, n = x.dims
    searching = outputs[0].size * (int(n) - 1).bit_length()
    return Work(exp=n, add=n - 1) * rows + Work(compare=searching)


def multinomial_reads(outputs: Outputs, x: Tensor) -> OutputReads:
    return ((Along(0), Whole()),)


def range_reads(outputs: Outputs, start: Tensor, limit: Tensor, delta: Tensor) -> OutputReads:
    return elementwise(outputs[0], start), NOTHING, elementwise(outputs[0], delta)


define("Constant", kind="constant", infer=constant_output)
define("ConstantOfShape", kind="constant", infer=filled_output, reads=nothing_read)
define("Shape", kind="constant", infer=shape_output, reads=nothing_read)
define("Size", kind="constant", infer=size_output, reads=nothing_read)
define("Range", kind="constant", infer=range_output, work=each(mul=1, add=1), reads=range_reads)
define("EyeLike", kind="constant", infer=eye_output, reads=nothing_read)
define("RandomNormal", "RandomUniform", kind="random", infer=random_output, random=True)
define("RandomNormalLike", "RandomUniformLike", kind="random",
       infer=random_like_output, reads=nothing_read, random=True)  # fmt: skip
define("Bernoulli", kind="random", infer=random_like_output, work=each(compare=1), random=True)
define("Multinomial", kind="random",
       infer=multinomial_output, work=multinomial_work, reads=multinomial_reads, random=True)  # fmt: skip
