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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from cnnscope.analyzer.diagnostics import ModelFileError
from cnnscope.analyzer.graph import Graph, Node
from cnnscope.analyzer.model_file import ModelFile
from cnnscope.analyzer.operator import Role
from cnnscope.analyzer.tensor import DTYPES
from cnnscope.analyzer.weights import Path, Weights

_NOT_ASKED = None, "weights were not asked for"
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
    """

    name: str
    role: Role
    elements: int
    dtype: str | None
    shape: tuple[int, ...]
    digest: str | None
    reason: str | None = None


def find_fingerprints(
    file: ModelFile, graph: Graph, weights: Weights, *, read: bool = True
) -> dict[str, tuple[Fingerprint, ...]]:
    """By layer of the main graph, what it has stored, its subgraphs' included, in order of use.

    Args:
        read: whether to read the numbers; without, no digest is known.
    """
    protos = {name: [tensor] for name, tensor in _initializers(file.model.graph)}
    known: _Known = {}
    found: dict[str, list[Fingerprint]] = {}
    for path, used in weights.by_layer.items():
        index = path[0]
        if not isinstance(index, int) or index >= len(graph.nodes):
            continue  # a constant handed out as a result belongs to no layer
        node = graph.nodes[index]
        inner = _inside(node) if len(path) > 1 else {}
        for weight in used:
            stored = _stored_as(weight.name, path, graph, protos, inner)
            digest, reason = _digest(stored, file, known) if read else _NOT_ASKED
            dtype, shape = _facts(stored)
            found.setdefault(node.name, []).append(
                Fingerprint(weight.name, weight.role, weight.elements, dtype, shape, digest, reason)
            )
    return {name: tuple(dict.fromkeys(prints)) for name, prints in found.items()}


_Stored = onnx.TensorProto | onnx.SparseTensorProto
# By identity: what is stored (kept, so that the identity stays its own), its digest, or why not.
_Known = dict[int, tuple[_Stored, str | None, str | None]]


def _initializers(graph: onnx.GraphProto) -> Iterator[tuple[str, _Stored]]:
    for tensor in graph.initializer:
        yield tensor.name, tensor
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, sparse


def _inside(node: Node) -> dict[str, list[_Stored]]:
    """Everything stored in a node's subgraphs, by name: graphs side by side may repeat names."""
    found: dict[str, list[_Stored]] = {}
    waiting = [a.g for a in node.proto.attribute if a.HasField("g")]
    waiting += [g for a in node.proto.attribute for g in a.graphs]
    while waiting:
        graph = waiting.pop()
        for name, tensor in _initializers(graph):
            found.setdefault(name, []).append(tensor)
        for inner in graph.node:
            constant = _constant(inner)
            for name in inner.output:
                if constant is not None:
                    found.setdefault(name, []).append(constant)
            waiting += [a.g for a in inner.attribute if a.HasField("g")]
            waiting += [g for a in inner.attribute for g in a.graphs]
    return found


def _stored_as(
    name: str,
    path: Path,
    graph: Graph,
    protos: Mapping[str, list[_Stored]],
    inner: Mapping[str, list[_Stored]],
) -> _Stored | None:
    """What holds a tensor; None where that can't be told, or a node computes it."""
    candidates = inner.get(name) if len(path) > 1 else None
    if candidates is None:
        candidates = protos.get(name)
    if candidates is not None:
        return candidates[0] if len(candidates) == 1 else None
    producer = graph.producers.get(name)
    return None if producer is None else _constant(producer.proto)


def _constant(node: onnx.NodeProto) -> _Stored | None:
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
        if attribute.type in (onnx.AttributeProto.INTS, onnx.AttributeProto.INT):
            return onnx.numpy_helper.from_array(np.array(attribute.ints or [attribute.i], np.int64))
    return None


def _facts(stored: _Stored | None) -> tuple[str | None, tuple[int, ...]]:
    if stored is None:
        return None, ()
    values = stored.values if isinstance(stored, onnx.SparseTensorProto) else stored
    return DTYPES.get(values.data_type), tuple(stored.dims)


def _digest(
    stored: _Stored | None, file: ModelFile, known: _Known
) -> tuple[str | None, str | None]:
    """The digest, or why there is none; each tensor is read once."""
    if stored is None:
        return None, "it is computed, not stored"
    if id(stored) not in known:
        try:
            known[id(stored)] = stored, _hashed(stored, file), None
        except ModelFileError as error:
            known[id(stored)] = stored, None, str(error).partition(";")[0]
        except MemoryError:
            known[id(stored)] = stored, None, "it doesn't fit into memory"
    _, digest, reason = known[id(stored)]
    return digest, reason


def _hashed(stored: _Stored, file: ModelFile) -> str:
    sparse = isinstance(stored, onnx.SparseTensorProto)
    tensors = (
        [stored.values, stored.indices] if isinstance(stored, onnx.SparseTensorProto) else [stored]
    )
    digest = hashlib.blake2b(digest_size=16)
    for tensor in tensors:
        digest.update(f"{tensor.data_type} {list(tensor.dims)};".encode())
        array = file.read(tensor)
        if array.size != math.prod(tensor.dims):
            raise ModelFileError(f"tensor {tensor.name!r} holds other than it declares")
        for piece in _pieces(array):
            digest.update(piece)
    if sparse:
        digest.update(f"sparse {list(stored.dims)}".encode())
    return digest.hexdigest()


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
