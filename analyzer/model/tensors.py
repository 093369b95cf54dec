"""What does the file say of a tensor: of one that it declares, of one that it stores?"""

from __future__ import annotations

import math
import sys

import numpy as np
import onnx

from cnnscope.analyzer.model.graph import Stored, quoted
from cnnscope.analyzer.values.diagnostics import GraphError
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import BITS, DTYPES, RANK_LIMIT, Tensor

#: integer tensors up to this many elements keep their values: a shape may hang on them
VALUE_LIMIT = 4096
#: and floats up to this many (scales of a Resize, bounds of a Clip)
FLOAT_VALUE_LIMIT = 64

_EXTERNAL = onnx.TensorProto.EXTERNAL

#: of each element type: its name, its bits, and up to how many elements values are kept
_STORED = {
    number: (
        dtype, BITS.get(dtype),
        -1 if dtype not in BITS
        else FLOAT_VALUE_LIMIT if dtype.startswith("float") else VALUE_LIMIT,
    )
    for number, dtype in DTYPES.items()
}  # fmt: skip

#: the types whose stored bytes numpy takes as they are, and the fields that hold the same numbers
#: one by one: most constants are of these, and `numpy_helper`, which knows all types, takes several
#: times as long over each
_PLAIN = {
    number: np.dtype(DTYPES[number])
    for number in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13)
    if sys.byteorder == "little"
}

_TYPED = {1: "float_data", 6: "int32_data", 7: "int64_data", 11: "double_data"}


def declared_tensor(proto: onnx.TypeProto) -> Tensor:
    """What a value's declared type says; free dimensions become `FreeDim`.

    A dimension without a name, or of a negative length (some exporters write -1), is free too.
    """
    kind = proto.WhichOneof("value")
    if kind == "tensor_type":
        return _declared_dense(proto.tensor_type)
    if kind == "sparse_tensor_type":
        return _declared_dense(proto.sparse_tensor_type)
    if kind == "sequence_type":
        return Tensor(kind="sequence", element=declared_tensor(proto.sequence_type.elem_type))
    if kind == "optional_type":
        return Tensor(kind="optional", element=declared_tensor(proto.optional_type.elem_type))
    if kind == "map_type":
        return Tensor(kind="map", element=declared_tensor(proto.map_type.value_type))
    return Tensor()


def _declared_dense(proto: onnx.TypeProto.Tensor | onnx.TypeProto.SparseTensor) -> Tensor:
    dtype = DTYPES.get(proto.elem_type)
    if not proto.HasField("shape"):
        return Tensor(dtype)
    _check_rank(len(proto.shape.dim), "a declared tensor")
    dims: list[Dim] = []
    for dim in proto.shape.dim:
        length = dim.dim_value
        if length > 0 or (length == 0 and dim.HasField("dim_value")):
            dims.append(length)
        else:
            name = dim.dim_param or "?"
            if not isinstance(name, str):
                raise GraphError(f"a dimension's name isn't UTF-8: {name!r}")
            dims.append(FreeDim.named(name))
    return Tensor(dtype, tuple(dims))


def stored_tensor(proto: onnx.TensorProto) -> Stored:
    """A stored tensor: its facts, and how much is stored."""
    tensor, elements = tensor_facts(proto)
    bits = _STORED[proto.data_type][1]
    nbytes = None if bits is None else -(-elements * bits // 8)
    return Stored(proto.name, tensor, elements, nbytes, proto=proto)


def tensor_facts(proto: onnx.TensorProto) -> tuple[Tensor, int]:
    """A stored tensor's facts, with its value where it is small and in the file; its elements."""
    dims = tuple(proto.dims[:])  # a list of them all at once, as it's some times as fast
    if len(dims) > RANK_LIMIT:
        _check_rank(len(dims), f"tensor {quoted(proto.name)}")
    if dims and min(dims) < 0:
        raise GraphError(f"tensor {quoted(proto.name)} has a negative dimension: {list(dims)}")
    elements = 1
    for d in dims:
        elements *= d
    kind = proto.data_type
    known = _STORED.get(kind)
    if known is None:
        raise GraphError(f"tensor {quoted(proto.name)} has the unknown element type {kind}")
    dtype, _, limit = known
    value = None
    if elements <= limit and proto.data_location != _EXTERNAL:
        value = _value(proto, kind, dims, elements)
    return Tensor(dtype, dims, True, value), elements


def keeps_numbers(proto: onnx.TensorProto) -> bool:
    """Are the numbers of a stored tensor kept, if they are in the file? Of few elements they are."""
    elements = 1
    for length in proto.dims:
        elements *= length
    known = _STORED.get(proto.data_type)
    return known is None or elements <= known[2]


def is_float(proto: onnx.TensorProto) -> bool:
    """Does a stored tensor hold floats?"""
    return DTYPES.get(proto.data_type, "").startswith(("float", "bfloat"))


def is_whole(proto: onnx.TensorProto) -> bool:
    """Are as many floats stored as a tensor declares, as they are, or not in the file at all?"""
    if proto.data_location == _EXTERNAL:
        return True
    size, bits = math.prod(proto.dims), BITS[DTYPES[proto.data_type]]
    if proto.HasField("raw_data"):
        return len(proto.raw_data) * 8 == size * bits
    name = _TYPED.get(proto.data_type)
    return name is not None and len(getattr(proto, name)) == size


def _check_rank(rank: int, what: str) -> None:
    if rank > RANK_LIMIT:
        raise GraphError(f"{what} has {rank} axes; {RANK_LIMIT} are the most")


def _value(
    proto: onnx.TensorProto, kind: int, dims: tuple[int, ...], elements: int
) -> np.ndarray | None:
    plain, raw = _PLAIN.get(kind), proto.raw_data
    if plain is not None and elements:
        if len(raw) == elements * plain.itemsize:
            return np.frombuffer(raw, plain).reshape(dims)
        if not raw and kind in _TYPED:
            numbers = getattr(proto, _TYPED[kind])
            if len(numbers) == elements:
                return np.array(numbers, plain).reshape(dims)
    if elements and not (
        raw or proto.int64_data or proto.int32_data or proto.float_data
        or proto.double_data or proto.uint64_data
    ):  # fmt: skip
        return None
    from onnx import numpy_helper

    try:
        return numpy_helper.to_array(proto)
    except (ValueError, TypeError, KeyError, ArithmeticError):
        raise GraphError(
            f"tensor {quoted(proto.name)} holds other data than its {list(proto.dims)[:16]} declares"
        ) from None


def stored_sparse(proto: onnx.SparseTensorProto) -> Stored:
    """A sparse tensor: of the declared shape, but only its values and their indices are stored."""
    values = stored_tensor(proto.values)
    _check_rank(len(proto.dims), f"sparse tensor {quoted(proto.values.name)}")
    dims = tuple(int(d) for d in proto.dims)
    if any(d < 0 for d in dims):
        raise GraphError(f"sparse tensor {quoted(proto.values.name)} has a negative dimension")
    index_count = 1
    for d in proto.indices.dims:
        index_count *= int(d)
    nbytes = None if values.nbytes is None else values.nbytes + 8 * index_count
    tensor = Tensor(values.tensor.dtype, dims, True)
    return Stored(proto.values.name, tensor, values.elements, nbytes)
