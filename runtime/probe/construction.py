"""What is the float32 model that is run made of, while it is being built?

`Copy` is the graph under construction. Every tensor that hangs on the network's inputs is float32
in it, whatever it was. Weights are no part of what is asked, so they are filled with one number, by
their shape alone, small enough that nothing overflows; what is the same for that is held once
(`alike`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.values.tensor import DTYPES
from cnnscope.runtime.probe.alike import NONE, Runs, places
from cnnscope.runtime.probe.node_facts import CannotWrite

if TYPE_CHECKING:
    from cnnscope.analyzer.model.file import ModelFile


CODES: Final = {name: code for code, name in DTYPES.items()}
#: sums are scaled down before float32's 2**127, with room for products
_DOUBLINGS: Final = 40
#: larger fillings are handed to ONNX Runtime apart from the model
_INLINE: Final = 1024
#: an axis or length list that is an attribute before this opset and an input from it on
_AXES_INPUT: Final = {"Unsqueeze": 13, "Squeeze": 13, "ReduceSum": 13, "ReduceMean": 18}


class CannotProbe(CannotWrite):
    """A node whose dependencies no NaN can show; the message says why."""


class Copy:
    """A float32 model under construction.

    Args:
        opsets: operator domain to version.
        file: where stored values are.
    """

    def __init__(self, opsets: Mapping[str, int], file: ModelFile) -> None:
        self.opsets, self.file = dict(opsets), file
        self.nodes: list[onnx.NodeProto] = []
        self.stored: list[TensorProto] = []
        self.fillings: dict[str, np.ndarray] = {}
        self._filled: dict[tuple[tuple[int, ...], float], str] = {}
        #: how often what went into a tensor may have been doubled since it was of the order of 1
        self._doublings: dict[str, int] = {}
        self._count = 0
        #: of tensors that are held short, what each slice stands for
        self._runs: dict[str, Runs] = {}
        self._whole: dict[tuple[str, int], str] = {}
        #: the node that is being replaced, after which the copy's nodes are called
        self.replacing = "node"

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        return self.opsets.get("", 1)

    def name(self, what: str) -> str:
        """A name that no tensor of the copy has yet."""
        self._count += 1
        return f"{what}:{self._count}"

    def fill(self, shape: Sequence[int], value: float) -> str:
        """A float32 constant, the same number everywhere."""
        key = tuple(shape), value
        if key in self._filled:
            return self._filled[key]
        name = self._filled[key] = self.name("filled")
        if math.prod(shape) <= _INLINE:
            array = np.full(shape, value, np.float32)
            self.stored.append(numpy_helper.from_array(array, name))
            return name
        self.fillings[name] = np.full(shape, value, np.float32)
        kept = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=list(shape))
        kept.data_location = TensorProto.EXTERNAL
        kept.external_data.add(key="location", value="given")
        self.stored.append(kept)
        return name

    def store(self, array: np.ndarray) -> str:
        """A constant with these values."""
        name = self.name("stored")
        self.stored.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def add(self, op: str, inputs: Sequence[str], **attributes: object) -> str:
        """One node more, of ONNX's own operators: the name of its only output."""
        (name,) = self.call(op, inputs, 1)
        for key, value in attributes.items():
            if value is not None:
                self.nodes[-1].attribute.append(helper.make_attribute(key, value))
        return name

    def call(self, op: str, inputs: Sequence[str], outputs: int, domain: str = "") -> list[str]:
        """One node more, its attributes yet to come: the names of its outputs."""
        names = [self.name(op) for _ in range(outputs)]
        self.nodes.append(
            helper.make_node(op, inputs, names, self.name(self.replacing), domain=domain)
        )
        doublings = max((self._doublings.get(name, 0) for name in inputs), default=0)
        self._doublings.update(dict.fromkeys(names, doublings))
        return names

    def runs(self, name: str) -> Runs:
        """Of a tensor that is held short, what each slice stands for."""
        return self._runs.get(name, NONE)

    def short(self, name: str, runs: Runs) -> str:
        """The tensor, which is held short along these axes from now on."""
        self._runs[name] = {a: counts for a, counts in runs.items() if set(counts) != {1}}
        return name

    def whole(self, name: str, axes: Iterable[int] | None = None) -> str:
        """The tensor with every slice of its own along these axes; along all if not said."""
        for axis in sorted(self.runs(name) if axes is None else self.runs(name).keys() & set(axes)):
            runs = dict(self.runs(name))
            if (name, axis) not in self._whole:
                index = self.store(places(runs.pop(axis)))
                found = self.add("Gather", [name, index], axis=axis)
                self._whole[name, axis] = self.short(found, runs)
            name = self._whole[name, axis]
        return name

    def over(self, op: str, x: str, axes: Sequence[int], **attributes: object) -> str:
        """An operator with axes, which are an attribute or an input by opset."""
        if self.opset >= _AXES_INPUT[op]:
            inputs = [x, self.store(np.array(axes, np.int64))]
            return self.add(op, inputs, **attributes)
        return self.add(op, [x], axes=list(axes), **attributes)

    def together(self, names: Sequence[str]) -> str:
        """The sum of some tensors, broadcast: it hangs on all of them."""
        total = names[0]
        broadcast = None if self.opset >= 7 else 1
        for name in names[1:]:
            total = self.add("Add", [total, name], broadcast=broadcast)
            doublings = self._doublings[total] = self._doublings[total] + 1
            if doublings > _DOUBLINGS:
                scale = self.fill((), 2.0**-doublings)
                total = self.add("Mul", [total, scale], broadcast=broadcast)
                self._doublings[total] = 0
        return total

    def model(self, inputs: Mapping[str, Sequence[int]], outputs: Sequence[str]) -> onnx.ModelProto:
        """The copy as a model: float32 inputs of these shapes, these outputs."""
        graph = helper.make_graph(
            self.nodes, "probe",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
            [onnx.ValueInfoProto(name=name) for name in outputs], self.stored,
        )  # fmt: skip
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)
