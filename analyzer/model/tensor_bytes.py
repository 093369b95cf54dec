"""How many bytes does a tensor take, and which numbers are they?"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto

from cnnscope.analyzer.model.payload_places import field_key, varint_bytes
from cnnscope.analyzer.values.diagnostics import ModelFileError

_LITTLE_ENDIAN: Final[dict[int, str]] = {
    TensorProto.FLOAT: "<f4",
    TensorProto.UINT8: "u1",
    TensorProto.INT8: "i1",
    TensorProto.UINT16: "<u2",
    TensorProto.INT16: "<i2",
    TensorProto.INT32: "<i4",
    TensorProto.INT64: "<i8",
    TensorProto.BOOL: "?",
    TensorProto.FLOAT16: "<f2",
    TensorProto.DOUBLE: "<f8",
    TensorProto.UINT32: "<u4",
    TensorProto.UINT64: "<u8",
    TensorProto.COMPLEX64: "<c8",
    TensorProto.COMPLEX128: "<c16",
}

# The types that numpy doesn't have, and onnx decodes: bits per element.
_NARROW: Final[dict[int, int]] = {
    TensorProto.DataType.Value(name): bits
    for bits, names in (
        (16, ("BFLOAT16",)),
        (8, ("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0")),
        (6, ("FLOAT6E2M3", "FLOAT6E3M2")),
        (4, ("INT4", "UINT4", "FLOAT4E2M1")),
        (2, ("INT2", "UINT2")),
    )
    for name in names
    if hasattr(TensorProto, name)  # not in every version of onnx
}

_BITS: Final = {
    **{data_type: 8 * np.dtype(name).itemsize for data_type, name in _LITTLE_ENDIAN.items()},
    **_NARROW,
}

# Typed payloads whose bytes are those of raw data.
_LIKE_RAW: Final = {
    "raw": frozenset(_LITTLE_ENDIAN),
    "float_data": frozenset({TensorProto.FLOAT, TensorProto.COMPLEX64}),
    "double_data": frozenset({TensorProto.DOUBLE, TensorProto.COMPLEX128}),
}


def declared_bytes(tensor: TensorProto) -> int:
    """Bytes that a tensor of these dimensions and this type takes in raw form; 0 if unknown."""
    elements: int = math.prod(tensor.dims)
    return (max(0, elements) * _BITS.get(tensor.data_type, 0) + 7) // 8


def numbers_view(tensor: TensorProto, kind: str, payload: memoryview) -> npt.NDArray[np.generic]:
    """A tensor's numbers, out of a payload of the given kind."""
    if tensor.data_type in _LIKE_RAW.get(kind, ()):
        expected = declared_bytes(tensor)
        if expected != len(payload):
            raise ModelFileError(
                f"tensor {tensor.name!r} declares {expected} bytes ({list(tensor.dims)}) but has"
                f" {len(payload)}; export the model again"
            )
        dtype = np.dtype(_LITTLE_ENDIAN[tensor.data_type])
        return np.frombuffer(payload, dtype).reshape(tuple(tensor.dims))
    whole = TensorProto()
    if kind == "raw":
        whole.raw_data = bytes(payload)
    elif kind == "fields":
        whole.ParseFromString(bytes(payload))
        del whole.dims[:], whole.external_data[:]
        whole.ClearField("data_location")
    else:
        head = varint_bytes(field_key("TensorProto", kind)) + varint_bytes(len(payload))
        whole.ParseFromString(head + payload)
    whole.dims.extend(tensor.dims)
    whole.data_type = tensor.data_type
    return onnx.numpy_helper.to_array(whole)
