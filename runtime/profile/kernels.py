"""Which layers of the model does each kernel that ran contain?

Before it runs a model, ONNX Runtime folds constants, fuses layers, inserts changes of layout and
renames tensors. What ran is therefore another graph than what was read; both are known (the
optimised one is saved on request), and both compute the same tensors under the same names wherever
a name survived. That is enough to put every layer into exactly one kernel:

(1) The tensors where a kernel *ends* are those of its outputs whose name the source graph has. An
    output that was renamed is found by the kernel's own name, which keeps that of the last layer
    fused into it, as a node's name or as that of its output tensor, before a suffix
    (``relu_nchwc``, ``/fc/MatMul/MatMulAddFusion``). What a kernel gives in float32, for want of one
    in half precision, is called after the tensor that it stands for, behind a prefix (`WIDENED`).
(2) A kernel that only carries data (a change of layout, a reshape, a copy between devices) and
    stands where the source graph has another operator was *inserted*: what it ends at, the kernel
    that feeds it ends at.
(3) A kernel that kept its operator reads what that layer reads. So the kernel that feeds it ends
    where that layer begins, even if it took in layers after the one it is named after (a residual
    Add and its Relu, fused into the convolution before them).
(4) A kernel contains every layer from which its ends follow, up to where other kernels end. In
    running order each layer is claimed once.

What no kernel contains was worked out before the run, or isn't needed for any output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import onnx

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.trace import WIDENED

#: they move data and compute nothing; inserted by optimisers between layers
CARRIERS = frozenset(
    {
        "ReorderInput", "ReorderOutput", "Reshape", "Transpose", "Cast", "Squeeze", "Unsqueeze",
        "Identity", "MemcpyToHost", "MemcpyFromHost", "Flatten", "QuantizeLinear",
        "DequantizeLinear",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kernel:
    """One node of the graph that ran.

    Args:
        index: its position there.
        name, op: ONNX Runtime's.
        layers: the nodes of the source graph that it contains, in their order there.
        inserted: it has no counterpart in the source graph.
    """

    index: int
    name: str
    op: str
    layers: tuple[str, ...]
    inserted: bool


@dataclass(frozen=True, slots=True)
class Assignment:
    """Every node of the source graph in one place.

    Args:
        kernels: in running order.
        unrun: nodes of the source graph that no kernel contains.
    """

    kernels: tuple[Kernel, ...]
    unrun: tuple[str, ...]


def assign_layers(source: onnx.GraphProto, optimised: onnx.GraphProto) -> Assignment:
    """Put every node of the source graph into the kernel that contains it.

    Args:
        source: nodes with unique names, functions inlined.
        optimised: what ONNX Runtime made of it.
    """
    producers = {name: i for i, node in enumerate(source.node) for name in node.output if name}
    ends = _ends(source, optimised, producers)
    ends = _longer(ends, source, optimised, producers, _claimed(ends, source, producers))
    owner = _claimed(ends, source, producers)
    members: dict[int, list[int]] = {}
    for node, index in owner.items():
        members.setdefault(index, []).append(node)
    return Assignment(
        tuple(
            Kernel(
                index,
                node.name,
                node.op_type,
                tuple(source.node[i].name for i in sorted(members.get(index, ()))),
                index not in members,
            )
            for index, node in enumerate(optimised.node)
        ),
        tuple(node.name for i, node in enumerate(source.node) if i not in owner),
    )


def _ends(
    source: onnx.GraphProto, optimised: onnx.GraphProto, producers: Mapping[str, int]
) -> dict[int, list[str]]:
    """By kernel, the tensors of the source graph that it ends at, rules (1) and (2)."""
    names = _Names(source, producers)
    givers = {name: i for i, node in enumerate(optimised.node) for name in node.output if name}
    ends: dict[int, list[str]] = {}
    for index, node in enumerate(optimised.node):
        found = [end for name in node.output if (end := name.removeprefix(WIDENED)) in producers]
        if not found:
            by_name = names.end(node.name)
            found = [by_name] if by_name is not None else []
        for name in found:
            ends.setdefault(
                _computing(index, name, source, optimised, producers, givers), []
            ).append(name)
    return ends


def _computing(
    index: int,
    end: str,
    source: onnx.GraphProto,
    optimised: onnx.GraphProto,
    producers: Mapping[str, int],
    givers: Mapping[str, int],
) -> int:
    """The kernel that computes what this one ends at: itself, unless it only carries, rule (2)."""
    wanted = source.node[producers[end]].op_type
    while True:
        node = optimised.node[index]
        if node.op_type not in CARRIERS or node.op_type == wanted or not node.input:
            return index
        feeding, begins = givers.get(node.input[0]), node.input[0].removeprefix(WIDENED)
        # Where it begins at another tensor of the source graph, nothing before it computes its end.
        if feeding is None or (begins in producers and begins != end):
            return index
        index = feeding


def _claimed(
    ends: Mapping[int, Sequence[str]], source: onnx.GraphProto, producers: Mapping[str, int]
) -> dict[int, int]:
    """Node of the source graph to the kernel that contains it, rule (4)."""
    stops = {name for names in ends.values() for name in names}
    owner: dict[int, int] = {}
    for index in sorted(ends):
        for name in ends[index]:
            for member in _behind(source, producers, name, stops, owner):
                owner[member] = index
    return owner


def _longer(
    ends: Mapping[int, Sequence[str]],
    source: onnx.GraphProto,
    optimised: onnx.GraphProto,
    producers: Mapping[str, int],
    owner: Mapping[int, int],
) -> dict[int, list[str]]:
    """The ends with those that only show where the next kernel begins, rule (3)."""
    givers = {name: i for i, node in enumerate(optimised.node) for name in node.output if name}
    stops = {name for names in ends.values() for name in names}
    found = {index: list(names) for index, names in ends.items()}
    kept: dict[int, onnx.NodeProto] = {}  # kernel to its layer of the same operator
    for member, index in sorted(owner.items()):
        if source.node[member].op_type == optimised.node[index].op_type:
            kept.setdefault(index, source.node[member])
    for index, layer in kept.items():
        for name, begins in zip(optimised.node[index].input, layer.input, strict=False):
            feeding = givers.get(name)
            while feeding is not None and optimised.node[feeding].op_type in CARRIERS:
                before = optimised.node[feeding].input
                feeding = givers.get(before[0]) if before and feeding not in found else None
            if name in producers or begins not in producers or begins in stops or feeding is None:
                continue
            between = _behind(source, producers, begins, stops, {})
            reached = {n for member in between for n in _reads(source.node[member])}
            if reached & set(found.get(feeding, ())):
                found[feeding].append(begins)
                stops.add(begins)
    return found


class _Names:
    """Which tensor does a kernel's own name speak of? Rule (1)."""

    def __init__(self, source: onnx.GraphProto, producers: Mapping[str, int]) -> None:
        self.tensors = producers
        self.nodes = {
            node.name: next((o for o in node.output if o), None)
            for node in source.node if node.name
        }  # fmt: skip

    def end(self, kernel: str) -> str | None:
        for name in shortened(kernel.removeprefix(WIDENED)):
            if name in self.nodes:
                return self.nodes[name]
            if name in self.tensors:
                return name
        return None


def shortened(name: str) -> Iterable[str]:
    """A name, then the same without its last part, and so on: the nodes it may be called after."""
    yield name
    for end in range(len(name) - 1, 0, -1):
        if name[end] in "_/":
            yield name[:end]


def _behind(
    source: onnx.GraphProto,
    producers: Mapping[str, int],
    end: str,
    stops: set[str],
    owner: Mapping[int, int],
) -> Sequence[int]:
    """The nodes that a tensor follows from and that nobody has claimed, rule (4)."""
    found: dict[int, None] = {}
    waiting = [end]
    while waiting:
        node = producers.get(waiting.pop())
        if node is None or node in owner or node in found:
            continue
        found[node] = None
        waiting.extend(
            name for name in _reads(source.node[node]) if name not in stops and name in producers
        )
    return list(found)


def _reads(node: onnx.NodeProto) -> list[str]:
    """What a node reads, its subgraphs' reads included (a name of their own finds no producer)."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                names.extend(_reads(inner))
            names.extend(value.name for value in graph.output)
    return names
