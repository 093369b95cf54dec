"""Which numbers does a constant hold that says which places are read?

Large tensors stay in the file: a shape doesn't hang on them. A grid of places to sample at is as large
as an image, and what each unit reads hangs on all of it, so it is read when a rule asks, or worked out
by onnx's reference from what is stored.
"""

from __future__ import annotations

import numpy as np
import onnx

from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.folding import reference_result
from cnnscope.analyzer.values.diagnostics import ModelFileError

#: the most numbers of a tensor that are read or worked out
MAX_NUMBERS = 1 << 20
#: and the most nodes that one is worked out from
MAX_NODES = 256


def numbers_of(name: str, shapes: Shapes) -> np.ndarray | None:
    """A constant's numbers; None where it hangs on data, or they are too many or out of reach."""
    known = shapes.origin.known
    waiting = [name]
    for _ in range(4 * MAX_NODES):
        if not waiting:
            return known[name]
        at = waiting[-1]
        if at in known:
            waiting.pop()
            continue
        needed = _needed(at, shapes)
        if needed is None:
            known[at] = _here(at, shapes)
        elif missing := [each for each in needed if each and each not in known]:
            waiting += missing
        else:
            known[at] = _worked_out(at, needed, shapes)
    return None


def _needed(name: str, shapes: Shapes) -> tuple[str, ...] | None:
    """The tensors that one is worked out from; None where it is at hand, or can't be."""
    graph, tensor = shapes.origin.graph, shapes.tensors.get(name)
    if graph is None or tensor is None or tensor.value is not None or not _small(name, shapes):
        return None
    node = graph.producers.get(name)
    return node.inputs if node is not None and node.inputs and not node.bodies else None


def _small(name: str, shapes: Shapes) -> bool:
    tensor = shapes.tensors[name]
    if not tensor.constant or tensor.kind != "tensor" or tensor.shape is None:
        return False
    size = tensor.size
    return isinstance(size, int) and size <= MAX_NUMBERS


def _here(name: str, shapes: Shapes) -> np.ndarray | None:
    """What a tensor holds that is stored, or known already."""
    tensor, origin = shapes.tensors.get(name), shapes.origin
    if tensor is None:
        return None
    if tensor.value is not None:
        return None if tensor.value.dtype == object else tensor.value
    if origin.graph is None or not _small(name, shapes):
        return None
    proto: onnx.TensorProto | None = None
    node = origin.graph.producers.get(name)
    if node is not None:
        if node.inputs or node.bodies:
            return None
        proto = next((a.t for a in node.proto.attribute if a.HasField("t")), None)
        if proto is None:
            return _result(node.outputs.index(name), reference_result(node, []), shapes)
    elif name in origin.graph.stored:
        proto = origin.graph.stored[name].proto
    elif origin.outer is not None and name not in origin.graph.inputs:
        return numbers_of(name, origin.outer)
    return None if proto is None else _read(proto, shapes)


def _read(proto: onnx.TensorProto, shapes: Shapes) -> np.ndarray | None:
    root = shapes
    while root.origin.outer is not None:
        root = root.origin.outer
    try:
        if root.origin.read is not None:
            array = root.origin.read(proto)
        elif proto.data_location == onnx.TensorProto.EXTERNAL:
            return None
        else:
            array = onnx.numpy_helper.to_array(proto)
    except (ModelFileError, ValueError, TypeError, MemoryError):
        return None
    return array if array.shape == tuple(proto.dims) and array.dtype != object else None


def _worked_out(name: str, needed: tuple[str, ...], shapes: Shapes) -> np.ndarray | None:
    arrays = [shapes.origin.known[each] if each else None for each in needed]
    if any(each and array is None for each, array in zip(needed, arrays, strict=True)):
        return None
    assert shapes.origin.graph is not None
    node = shapes.origin.graph.producers[name]
    return _result(node.outputs.index(name), reference_result(node, arrays), shapes, name)


def _result(
    place: int, results: tuple[np.ndarray, ...], shapes: Shapes, name: str = ""
) -> np.ndarray | None:
    if place >= len(results) or results[place].dtype == object:
        return None
    array = results[place]
    if name and array.shape != shapes.tensors[name].shape:
        return None
    dtype = shapes.tensors[name].dtype if name else None
    if dtype is not None and dtype.startswith("float") and array.dtype.kind == "f":
        array = array.astype(dtype, copy=False)  # the reference may reckon in double precision
    shapes.room.keep([array])
    return array
