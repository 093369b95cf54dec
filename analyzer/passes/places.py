"""Which numbers does a constant hold that isn't kept in memory?

Large tensors stay in the file: a shape doesn't hang on them. A grid of places to sample at is as large
as an image, and what each unit reads hangs on all of it, so it is read when a rule asks, or worked out
by onnx's reference from what is stored (`numbers_of`, kept). What a layer's weights are is asked of one
layer after another, and let go of (`weights_of`).
"""

from __future__ import annotations

import numpy as np
import onnx

from cnnscope.analyzer.model.file import note_asked
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.folding import reference_result, values_of
from cnnscope.analyzer.values.diagnostics import ModelFileError

#: the most numbers of a tensor that are read or worked out
MAX_NUMBERS = 1 << 20
#: and of weights, which are read to be looked at: of those in the file, and of what nodes make of them, which
#: isn't bounded by what is stored
MAX_WEIGHTS, MAX_MADE = 1 << 31, 1 << 27
#: and the most nodes that one is worked out from
MAX_NODES = 256


def numbers_of(name: str, shapes: Shapes) -> np.ndarray | None:
    """A constant's numbers; None where it hangs on data, or they are too many or out of reach."""
    return _Search(shapes, shapes.origin.known, MAX_NUMBERS, keeps=True).found(name)


def weights_of(name: str, shapes: Shapes) -> np.ndarray | None:
    """A constant's numbers, however many, none of them kept; what is stored as it is is a view of the file.

    Returns:
        None where it hangs on data, or on what no reference implementation tells.

    Raises:
        ModelFileError: what it comes from can't be read.
    """
    return _Search(shapes, {}, MAX_WEIGHTS, keeps=False).found(name)


class _Search:
    """Going back from a constant to what is stored, and forth again.

    Args:
        shapes: of the graph that has it.
        known: what has been found of each tensor.
        most: numbers of a tensor.
        keeps: it is kept, and counts as that; what can't be read is then not known, no error.
    """

    def __init__(
        self, shapes: Shapes, known: dict[str, np.ndarray | None], most: int, *, keeps: bool
    ) -> None:
        self.shapes, self.known, self.most, self.keeps = shapes, known, most, keeps

    def found(self, name: str) -> np.ndarray | None:
        known, waiting = self.known, [name]
        for _ in range(4 * MAX_NODES):
            if not waiting:
                return known[name]
            at = waiting[-1]
            if at in known:
                waiting.pop()
                continue
            needed = self._needed(at)
            if needed is None:
                known[at] = self._here(at)
            elif missing := [each for each in needed if each and each not in known]:
                waiting += missing
            else:
                known[at] = self._worked_out(at, needed)
        return None

    def _needed(self, name: str) -> tuple[str, ...] | None:
        """The tensors that one is worked out from; None where it is at hand, or can't be."""
        graph, tensor = self.shapes.origin.graph, self.shapes.tensors.get(name)
        most = min(self.most, MAX_MADE)
        if graph is None or tensor is None or tensor.value is not None or not self._few(name, most):
            return None
        node = graph.producers.get(name)
        return node.inputs if node is not None and node.inputs and not node.bodies else None

    def _few(self, name: str, most: int) -> bool:
        tensor = self.shapes.tensors[name]
        if not tensor.constant or tensor.kind != "tensor" or tensor.shape is None:
            return False
        size = tensor.size
        return isinstance(size, int) and size <= most

    def _here(self, name: str) -> np.ndarray | None:
        """What a tensor holds that is stored, or known already."""
        tensor, origin = self.shapes.tensors.get(name), self.shapes.origin
        if tensor is None:
            return None
        if tensor.value is not None:
            note_asked(name)
            return None if tensor.value.dtype == object else tensor.value
        if origin.graph is None or not self._few(name, self.most):
            return None
        proto: onnx.TensorProto | None = None
        node = origin.graph.producers.get(name)
        if node is not None:
            if node.inputs or node.bodies:
                return None
            proto = next((a.t for a in node.proto.attribute if a.HasField("t")), None)
            if proto is None:
                return self._result(node.outputs.index(name), reference_result(node, []))
        elif name in origin.graph.stored:
            proto = origin.graph.stored[name].proto
        elif origin.outer is not None and name not in origin.graph.inputs:
            around = origin.outer
            known = around.origin.known if self.keeps else {}
            return _Search(around, known, self.most, keeps=self.keeps).found(name)
        return None if proto is None else self._read(proto)

    def _read(self, proto: onnx.TensorProto) -> np.ndarray | None:
        note_asked(proto.name)
        root = self.shapes
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
            if not self.keeps:
                raise
            return None
        return array if array.shape == tuple(proto.dims) and array.dtype != object else None

    def _worked_out(self, name: str, needed: tuple[str, ...]) -> np.ndarray | None:
        arrays = [self.known[each] if each else None for each in needed]
        if any(each and array is None for each, array in zip(needed, arrays, strict=True)):
            return None
        assert self.shapes.origin.graph is not None
        node = self.shapes.origin.graph.producers[name]
        return self._result(node.outputs.index(name), values_of(node, arrays), name)

    def _result(
        self, place: int, results: tuple[np.ndarray, ...], name: str = ""
    ) -> np.ndarray | None:
        if place >= len(results) or results[place].dtype == object:
            return None
        array, tensors = results[place], self.shapes.tensors
        if name and array.shape != tensors[name].shape:
            return None
        dtype = tensors[name].dtype if name else None
        if dtype is not None and dtype.startswith("float") and array.dtype.kind == "f":
            array = array.astype(dtype, copy=False)  # the reference may reckon in double precision
        if self.keeps:
            self.shapes.room.keep([array])
        return array
