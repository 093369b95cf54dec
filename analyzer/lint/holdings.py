"""What does a model's file store, who uses it, and what are its numbers?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt
import onnx

from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.model.graph import Graph, used_names
from cnnscope.analyzer.passes.weights import Weights
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import DTYPES, Tensor


@dataclass(frozen=True, slots=True)
class Holding:
    """A tensor stored in the file.

    Args:
        name, tensor, nbytes: the tensor; the bytes are None where they aren't known.
        layers: names of the layers of the main graph that use it, in whatever way.
        read: a node reads it, or it is an output.
    """

    name: str
    tensor: Tensor
    nbytes: int | None
    layers: tuple[str, ...]
    read: bool


class Holdings:
    """What is stored in a model's file; what takes time is worked out once.

    Args:
        file, graph, weights: of one model.
    """

    def __init__(self, file: ModelFile, graph: Graph, weights: Weights) -> None:
        self.file, self.graph, self.weights = file, graph, weights

    def arrays(
        self, wanted: Callable[[str], bool]
    ) -> Iterator[tuple[str, tuple[str, ...], npt.NDArray[np.generic]]]:
        """Every tensor that the file stores, wherever: initializers and Constant nodes, of subgraphs
        and functions too. Its name, the layers of the main graph that use it, and its numbers.

        Args:
            wanted: the dtypes, by name, that are asked for; others aren't read. What can't be read
                (data that isn't there) is left out.
        """
        for name, tensor in stored_tensors(self.file.model):
            if wanted(DTYPES.get(tensor.data_type, "")):
                try:
                    yield name, self._users.get(name, ()), self.file.read(tensor)
                except ModelFileError:
                    continue

    @cached_property
    def _users(self) -> dict[str, tuple[str, ...]]:
        """The layers of the main graph that use each stored tensor, in whatever way."""
        layers: dict[str, dict[str, None]] = {}
        for path, weights in self.weights.by_layer.items():
            index = path[0]
            if isinstance(index, int) and index < len(self.graph.nodes):
                for weight in weights:
                    layers.setdefault(weight.name, {})[self.graph.nodes[index].name] = None
        return {name: tuple(users) for name, users in layers.items()}

    @cached_property
    def holdings(self) -> tuple[Holding, ...]:
        """The initializers of the main graph, in the file's order."""
        read = {name for node in self.graph.nodes for name in used_names(node)}
        read.update(self.graph.outputs)
        return tuple(
            Holding(name, s.tensor, s.nbytes, self._users.get(name, ()), name in read)
            for name, s in self.graph.stored.items()
        )

    def numbers(self, name: str) -> npt.NDArray[np.generic] | None:
        """The numbers of an initializer, mapped from the file; None where they can't be read."""
        proto = self._protos.get(name)
        if proto is None:
            return None
        try:
            return self.file.read(proto)
        except ModelFileError:
            return None

    @cached_property
    def _protos(self) -> dict[str, onnx.TensorProto]:
        return {tensor.name: tensor for tensor in self.file.model.graph.initializer}


def stored_tensors(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Every tensor in a model's file, by the name that it is read under: initializers, and what
    nodes that take nothing in give, in the main graph, in subgraphs and in functions."""
    waiting: list[onnx.GraphProto | onnx.FunctionProto] = [model.graph, *model.functions]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, onnx.GraphProto):
            for tensor in holder.initializer:
                yield tensor.name, tensor
            for sparse in holder.sparse_initializer:
                yield sparse.values.name, sparse.values
        for node in holder.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting += attribute.graphs
                if any(node.input) or not node.output:
                    continue
                given = _given(attribute)
                if given is not None:
                    yield node.output[0], given


def _given(attribute: onnx.AttributeProto) -> onnx.TensorProto | None:
    """The tensor that an attribute of a node without inputs stands for."""
    if attribute.HasField("t"):
        return attribute.t
    if attribute.HasField("sparse_tensor"):
        return attribute.sparse_tensor.values
    if attribute.type in (onnx.AttributeProto.FLOAT, onnx.AttributeProto.FLOATS):
        numbers = list(attribute.floats) or [attribute.f]
        return onnx.TensorProto(data_type=1, dims=[len(numbers)], float_data=numbers)
    return None
