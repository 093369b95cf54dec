"""Are two stored tensors the same numbers?

A *fingerprint* is a BLAKE2b digest of a tensor's numbers in ONNX's raw form (little-endian, row by
row), with its dtype and shape. The numbers go through the digest piece by piece from where they are
stored, so that no weight is ever held in memory whole where the file has it as raw bytes, floats or
external data; other encodings are decoded tensor by tensor. How a tensor is stored (inline or
external, raw or typed, initializer or constant) and what it is called make no difference.

What can't be read (external data that isn't there) has no digest: it is not known whether it changed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

import numpy as np
import onnx

from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.operators.definition import Role
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import DTYPES

_PIECE = 1 << 22  # bytes handed to the digest at a time


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A stored tensor that a layer uses.

    Args:
        name: the tensor's.
        role: what it is: ``"parameter"``, ``"buffer"`` or ``"constant"``.
        elements: how many numbers.
        dtype: theirs, None where not known.
        shape: theirs, as stored.
        digest: equal for equal dtype, shape and numbers; None where they can't be read.
        reason: why not.
        zeros: all of the numbers are 0; None where they can't be read.
    """

    name: str
    role: Role
    elements: int
    dtype: str | None
    shape: tuple[int, ...]
    digest: str | None
    reason: str | None = None
    zeros: bool | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """What identifies some numbers, or why nothing does."""

    text: str | None
    reason: str | None = None
    zeros: bool | None = None


StoredNumbers = onnx.TensorProto | onnx.SparseTensorProto
NOT_ASKED = Digest(None, "weights were not asked for")


class Digests:
    """The digests of a file's stored tensors, each read once, when first asked for."""

    def __init__(self, file: ModelFile) -> None:
        self.file = file
        # By identity: what is stored (kept, so that the identity stays its own), its digest.
        self.known: dict[int, tuple[StoredNumbers, Digest]] = {}

    def of(self, stored: StoredNumbers) -> Digest:
        """A stored tensor's digest."""
        found = self.known.get(id(stored))
        if found is None:
            try:
                digest = _hashed(stored, self.file)
            except ModelFileError as error:
                digest = Digest(None, str(error).partition(";")[0])
            except MemoryError:
                digest = Digest(None, "it doesn't fit into memory")
            found = self.known[id(stored)] = stored, digest
        return found[1]


def initializers(graph: onnx.GraphProto) -> Iterator[tuple[str, StoredNumbers]]:
    """What a graph stores, by name."""
    for tensor in graph.initializer:
        yield tensor.name, tensor
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, sparse


def in_node(node: onnx.NodeProto) -> StoredNumbers | None:
    """The tensor among a node's attributes, of a node that takes nothing in."""
    if any(node.input):
        return None
    for attribute in node.attribute:
        if attribute.HasField("t"):
            return attribute.t
        if attribute.HasField("sparse_tensor"):
            return attribute.sparse_tensor
        if attribute.type in (onnx.AttributeProto.FLOATS, onnx.AttributeProto.FLOAT):
            values = attribute.floats or [attribute.f]
            return onnx.numpy_helper.from_array(np.array(values, np.float32))
        if attribute.type in (onnx.AttributeProto.STRING, onnx.AttributeProto.STRINGS):
            texts = list(attribute.strings) or [attribute.s]
            return onnx.numpy_helper.from_array(np.array(texts, object))
        if attribute.type in (onnx.AttributeProto.INTS, onnx.AttributeProto.INT):
            return onnx.numpy_helper.from_array(np.array(attribute.ints or [attribute.i], np.int64))
    return None


def facts_of(stored: StoredNumbers) -> tuple[str | None, tuple[int, ...]]:
    """A stored tensor's dtype and shape."""
    values = stored.values if isinstance(stored, onnx.SparseTensorProto) else stored
    return DTYPES.get(values.data_type), tuple(stored.dims)


def _hashed(stored: StoredNumbers, file: ModelFile) -> Digest:
    sparse = isinstance(stored, onnx.SparseTensorProto)
    tensors = (
        [stored.values, stored.indices] if isinstance(stored, onnx.SparseTensorProto) else [stored]
    )
    digest = hashlib.blake2b(digest_size=16)
    zeros = True
    for tensor in tensors:
        array = file.read(tensor)
        if array.size != math.prod(tensor.dims):
            raise ModelFileError(f"tensor {tensor.name!r} holds other than it declares")
        zeros = _update(digest, tensor.data_type, tuple(tensor.dims), array) and zeros
    if sparse:
        digest.update(f"sparse {list(stored.dims)}".encode())
    return Digest(digest.hexdigest(), None, zeros and not sparse)


def digest_of(dtype: str | None, array: np.ndarray) -> Digest:
    """The digest of numbers at hand, the same as if they were stored."""
    digest = hashlib.blake2b(digest_size=16)
    zeros = _update(digest, _CODES.get(dtype or "", 0), array.shape, array)
    return Digest(digest.hexdigest(), None, zeros)


def _update(digest: hashlib.blake2b, code: int, dims: tuple[int, ...], array: np.ndarray) -> bool:
    """Take numbers in; are all of them 0?"""
    digest.update(f"{code} {list(dims)};".encode())
    zeros = array.dtype != object
    for piece in _pieces(array):
        digest.update(piece)
        zeros = zeros and not np.frombuffer(piece, np.uint8).any()
    return zeros


def _pieces(array: np.ndarray) -> Iterator[bytes | memoryview]:
    """The array's bytes as ONNX stores them raw, some megabytes at a time."""
    if array.dtype == object:
        for item in array.ravel():
            text = item if isinstance(item, bytes) else str(item).encode("utf-8", "surrogatepass")
            yield len(text).to_bytes(8, "little")
            yield text
        return
    flat = array.reshape(-1)
    step = max(1, _PIECE // max(1, flat.dtype.itemsize))
    for start in range(0, flat.size, step):
        piece = np.ascontiguousarray(flat[start : start + step])
        if piece.dtype.byteorder == ">" or (piece.dtype.byteorder == "=" and not _LITTLE):
            piece = piece.byteswap()
        yield piece.view(np.uint8).data


_LITTLE = np.little_endian
_CODES = {name: code for code, name in DTYPES.items()}
