"""How does a network grow: a node at a time, with shapes, parameters and work counted along?

What is counted here is the benchmark's own account of the model, by the formulas of textbooks, so that what
a scan says of a hundred thousand models is held against something.
"""

from __future__ import annotations

import struct
from math import prod
from random import Random
from typing import NamedTuple

from zoo import wire
from zoo.exporters import IR, Exporter
from zoo.wire import FLOAT, FLOAT16, INT8, INT64, attribute

_DRAWN = Random(11)
_NUMBERS = [_DRAWN.gauss(0, 0.1) for _ in range(1 << 14)]
_POOLS = {
    FLOAT: struct.pack(f"<{len(_NUMBERS)}f", *_NUMBERS) * 2,
    FLOAT16: struct.pack(f"<{len(_NUMBERS)}e", *_NUMBERS) * 4,
    INT8: _DRAWN.randbytes(1 << 17),
    INT64: bytes(1 << 17),
}
_HALF = 1 << 16
SIZES = {FLOAT: 4, FLOAT16: 2, INT8: 1, INT64: 8}
#: what is smaller stays in the file, as exporters have it
_STAYS = 1024


class Tensor(NamedTuple):
    """A tensor between: channels and lengths of all that follows them."""

    name: str
    channels: int
    lengths: tuple[int, ...]


class Conditions(NamedTuple):
    """What is the same all over a model."""

    exporter: Exporter
    opset: int
    dtype: int
    batch: int  # 0: free
    free_sizes: bool
    quantised: bool
    functions: bool
    storage: str  # inside, external, missing
    file: str  # the name of external weights


class Net:
    """A graph that grows."""

    def __init__(self, random: Random, conditions: Conditions, shift: int) -> None:
        self.random, self.conditions, self.shift = random, conditions, shift
        self.exporter, self.opset, self.dtype = conditions[:3]
        self.nodes: list[bytes] = []
        self.tensors: list[bytes] = []
        self.inputs: list[bytes] = []
        self.outputs: list[bytes] = []
        self.declared: list[bytes] = []
        self.functions: dict[str, bytes] = {}
        self.params = self.macs = self.external_bytes = self.layers = 0
        self.batch = conditions.batch or 1
        self.declares = random.random() < self.exporter.declares

    # -- names and declarations -----------------------------------------------------------------------

    def dims(self, tensor: Tensor) -> tuple[wire.Length, ...]:
        batch = self.conditions.batch or self.exporter.batch
        if not self.conditions.free_sizes:
            return (batch, tensor.channels, *tensor.lengths)
        return (
            batch,
            tensor.channels,
            *(f"{tensor.name}_dim_{k}" for k in range(2, 2 + len(tensor.lengths))),
        )

    def input(self, channels: int, lengths: tuple[int, ...]) -> Tensor:
        """The network's input, moved to where convolutions look for channels."""
        last = self.exporter.channels_last
        name = self.exporter.input
        free = (
            ("height", "width")
            if len(lengths) == 2
            else ("depth", "height", "width")[: len(lengths)]
        )
        sizes = free if self.conditions.free_sizes else lengths
        batch = self.dims(Tensor(name, channels, lengths))[0]
        dims = (batch, *sizes, channels) if last else (batch, channels, *sizes)
        self.inputs.append(wire.value(name, self.dtype, dims))
        given = Tensor(name, channels, lengths)
        if not last:
            return given
        rank = len(lengths) + 2
        return self.node(
            "Transpose",
            given,
            [name],
            "transpose_in",
            attribute("perm", (0, rank - 1, *range(1, rank - 1))),
        )

    def node(
        self,
        op: str,
        like: Tensor,
        inputs: list[str],
        scope: str,
        attributes: bytes = b"",
        domain: str = "",
    ) -> Tensor:
        """One node, whose output is like that tensor; its name is the exporter's."""
        self.layers += 1
        n = self.layers
        spoken = scope.replace(".", "/") if self.exporter.node[:1] in "/S" else scope
        name = self.exporter.tensor.format(s=spoken, op=op, n=n)
        called = self.exporter.node.format(s=spoken, op=op, n=n)
        self.nodes.append(wire.node(op, inputs, [name], called, attributes, domain))
        made = Tensor(name, like.channels, like.lengths)
        if self.declares:
            self.declared.append(wire.value(name, self.dtype, self.dims(made)))
        return made

    def output(self, tensor: Tensor, name: str = "") -> None:
        self.outputs.append(wire.value(tensor.name, self.dtype, self.dims(tensor)))

    # -- stored numbers -------------------------------------------------------------------------------

    def weight(
        self, scope: str, role: str, dims: tuple[int, ...], dtype: int = 0, learned: bool = True
    ) -> str:
        """A stored tensor of so many numbers."""
        dtype = dtype or self.dtype
        count = prod(dims)
        self.params += count * learned
        size = count * SIZES[dtype]
        self.shift = (self.shift + 104) % _HALF
        spoken = scope.replace(".", "/") if self.exporter.weight[:1] == "S" else scope
        name = self.exporter.weight.format(
            s=spoken, w=self.exporter.roles.get(role, role), n=len(self.tensors)
        )
        if role in ("mean", "var") and role not in self.exporter.roles:
            name += f".running_{role}"
        if self.conditions.storage != "inside" and size >= _STAYS:
            made = wire.external(name, dtype, dims, self.conditions.file, self.external_bytes, size)
            self.external_bytes += size
        else:
            pool = _POOLS[dtype]
            raw = (
                pool[self.shift : self.shift + size]
                if size <= _HALF
                else (pool * (size // _HALF))[:size]
            )
            made = wire.tensor(name, dtype, dims, raw)
        self._stored(name, dtype, dims, made)
        return name

    def constant(self, scope: str, role: str, dtype: int, dims: tuple[int, ...], raw: bytes) -> str:
        """A constant that isn't learned: a node of its own, or stored."""
        if self.exporter.constants:
            attributes = wire.tensor_attribute("value", wire.tensor("", dtype, dims, raw))
            declares, self.declares = self.declares, False
            made = self.node("Constant", Tensor("", 0, ()), [], f"{scope}.{role}", attributes).name
            self.declares = declares
            return made
        name = f"{scope}.{role}_{len(self.tensors)}"
        self._stored(name, dtype, dims, wire.tensor(name, dtype, dims, raw))
        return name

    def _stored(self, name: str, dtype: int, dims: tuple[int, ...], made: bytes) -> None:
        self.tensors.append(made)
        if IR[self.opset] < 4:  # until then what is stored was an input, too
            self.inputs.append(wire.value(name, dtype, dims))

    def whole(self, scope: str, role: str, *numbers: int) -> str:
        return self.constant(
            scope, role, INT64, (len(numbers),), struct.pack(f"<{len(numbers)}q", *numbers)
        )

    def real(
        self, scope: str, role: str, dims: tuple[int, ...], *numbers: float, dtype: int = 0
    ) -> str:
        dtype = dtype or self.dtype
        letter = "e" if dtype == FLOAT16 else "f"
        return self.constant(
            scope, role, dtype, dims, struct.pack(f"<{len(numbers)}{letter}", *numbers)
        )

    # -- the file -------------------------------------------------------------------------------------

    def bytes(self) -> bytes:
        graph = wire.graph(
            self.exporter.graph, self.nodes, self.inputs, self.outputs, self.tensors, self.declared,
        )  # fmt: skip
        imports = [("", self.opset), *((("local", 1),) if self.functions else ())]
        return wire.model(
            graph, imports, max(IR[self.opset], 8 if self.functions else 0), self.exporter.producer,
            functions=list(self.functions.values()),
        )  # fmt: skip
