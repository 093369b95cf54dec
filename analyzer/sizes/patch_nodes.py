"""How is a stage that is run patch by patch written as ONNX nodes?

Each node is written once a patch, with the same stored tensors: those there are once. Parts are cut out by
Slice and put together by Concat. What was known beforehand of maps that there are no more (a Shape of one)
becomes a constant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cnnscope.analyzer.model.graph import Node, quoted, used_names
from cnnscope.analyzer.model.rewriting import NewNodes
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.sizes.patch_planning import StagePlan
from cnnscope.analyzer.sizes.patch_program import Piece
from cnnscope.analyzer.values.diagnostics import GraphError
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: from this opset on, where Slice begins and ends are inputs
_SLICE_INPUTS = 10
#: from this opset on, Concat takes what isn't floating-point, too
_CONCAT_ANY = 4


@dataclass(eq=False)
class _Writer:
    """Writes nodes, the numbers that they need as constants before them."""

    opset: int
    taken: set[str]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    numbers: dict[tuple[int, ...], str] = field(default_factory=dict)

    def constant(self, numbers: tuple[int, ...]) -> str:
        if numbers not in self.numbers:
            name = self.name(f"patch_numbers_{len(self.numbers)}")
            self.numbers[numbers] = name
            self.nodes.append(_constant(np.array(numbers, np.int64), name))
        return self.numbers[numbers]

    def name(self, wanted: str) -> str:
        found, count = wanted, 1
        while found in self.taken:
            count += 1
            found = f"{wanted}#{count}"
        self.taken.add(found)
        return found

    def write(self, piece: Piece) -> None:
        if piece.does == "cut":
            self.cut(piece)
        elif piece.does == "assemble":
            self.nodes.append(
                helper.make_node(
                    "Concat", piece.reads, piece.gives, name=f"Concat {piece.gives[0]}",
                    axis=piece.axis,
                )
            )  # fmt: skip
        else:
            self.run(piece)

    def cut(self, piece: Piece) -> None:
        cuts = [(axis, stretch) for axis, stretch in enumerate(piece.cut) if stretch is not None]
        axes = tuple(axis for axis, _ in cuts)
        starts = tuple(stretch[0] for _, stretch in cuts)
        ends = tuple(stretch[1] for _, stretch in cuts)
        name = f"Slice {piece.gives[0]}"
        if self.opset >= _SLICE_INPUTS:
            inputs = [*piece.reads, *map(self.constant, (starts, ends, axes))]
            self.nodes.append(helper.make_node("Slice", inputs, piece.gives, name=name))
        else:
            self.nodes.append(
                helper.make_node(
                    "Slice", piece.reads, piece.gives, name=name, starts=starts, ends=ends,
                    axes=axes,
                )
            )  # fmt: skip

    def run(self, piece: Piece) -> None:
        assert piece.node is not None
        proto = onnx.NodeProto()
        proto.CopyFrom(piece.node.proto)
        own = next(name for name in piece.gives if name)
        proto.name = f"{piece.node.name} {own}"
        for names, new in ((proto.input, piece.reads), (proto.output, piece.gives)):
            del names[:]
            names.extend(new)
        if piece.padding is not None:
            everywhere = len(piece.padding) == len(piece.part)
            self.pad(proto, piece.padding, everywhere)
        self.nodes.append(proto)

    def pad(
        self, proto: onnx.NodeProto, padding: Sequence[tuple[int, int]], everywhere: bool
    ) -> None:
        """Tell a node's padding, along all axes or those behind the first two, as it has it told."""
        pads = tuple(before for before, _ in padding) + tuple(after for _, after in padding)
        names = {x.name for x in proto.attribute}
        if everywhere and not names & {"pads", "paddings"}:
            value = [*proto.input[2:3]]  # what axes it tells them of, is behind
            del proto.input[1:]
            proto.input.extend([self.constant(pads), *value])
            return
        told = [x for x in proto.attribute if x.name not in ("auto_pad", "pads", "paddings")]
        name = "paddings" if "paddings" in names else "pads"
        del proto.attribute[:]
        proto.attribute.extend([*told, helper.make_attribute(name, pads)])


def _constant(value: np.ndarray, name: str) -> onnx.NodeProto:
    return helper.make_node(
        "Constant", [], [name], name=name, value=numpy_helper.from_array(value, name)
    )


def nodes_of(analysis: Analysis, plan: StagePlan) -> NewNodes:
    """A model's nodes with its first stage run patch by patch.

    Args:
        analysis: of the model.
        plan: of the stage.

    Raises:
        GraphError: the stage is inside of a function, or what hangs on a map's shape isn't known.
    """
    graph = analysis.graph
    gone = {name for node in plan.stage.nodes for name in node.outputs if name}
    gone.discard(plan.stage.last)
    given = {name for piece in plan.pieces for name in piece.gives}
    opset, last = graph.opsets.get("", 1), analysis.shapes.tensors[plan.stage.last]
    if opset < _CONCAT_ANY and not str(last.dtype).startswith("float"):
        raise GraphError(
            f"at opset {opset} maps of {last.dtype} can't be put together: convert it first"
        )
    writer = _Writer(opset, {*analysis.shapes.tensors, *given})
    for piece in plan.pieces:
        writer.write(piece)
    order = _order(analysis)
    stage = {node.index for node in plan.stage.nodes}
    other = {
        at: list(_known(node, analysis.shapes.tensors))
        for at, node in order.items()
        if node is not None
        and analysis.shapes.folded(node)
        and not gone.isdisjoint(used_names(node))
    }
    end = plan.stage.nodes[-1].index
    before: list[int | onnx.NodeProto] = []
    after: list[int | onnx.NodeProto] = []
    for at, node in order.items():
        if node is None or node.index not in stage:
            place = before if node is None or node.index < end else after
            place += other.get(at, [at])
    nodes = [*before, *writer.nodes, *after]
    return NewNodes(nodes, _inputs(analysis, plan, bound=bool(other)), frozenset(gone))


def _order(analysis: Analysis) -> dict[int, Node | None]:
    """The file's nodes by their place, in running order; None for those that only hold a tensor.

    Raises:
        GraphError: a node that runs is none of the file's own.
    """
    protos = analysis.file.model.graph.node
    places = {name: at for at, proto in enumerate(protos) for name in proto.output if name}
    found: dict[int, Node] = {}
    for node in analysis.graph.nodes:
        at = places.get(next((name for name in node.outputs if name), ""))
        if at is None:
            raise GraphError(
                f"node {quoted(node.name)} is inside of a function: put the functions' bodies in place of"
                " their calls first (onnx.inliner)"
            )
        found[at] = node
    held = [at for at in range(len(protos)) if at not in found]
    return {**dict.fromkeys(held), **found}


def _known(node: Node, tensors: Mapping[str, Tensor]) -> Iterator[onnx.NodeProto]:
    """What a node gives, as constants."""
    for name in node.outputs:
        if not name:
            continue
        value = tensors[name].value
        if value is None or value.dtype == object:
            raise GraphError(
                f"node {quoted(node.name)} looks at a map that is run patch by patch, and what it gives isn't"
                " known"
            )
        yield _constant(value, name)


def _inputs(analysis: Analysis, plan: StagePlan, *, bound: bool) -> dict[str, onnx.ValueInfoProto]:
    """The inputs' declarations, where the lengths that were cut, or all of them, are others now."""
    used = {name for node in plan.stage.nodes for name in node.inputs}
    found = {}
    for value in analysis.file.model.graph.input:
        known = analysis.shapes.tensors.get(value.name)
        if value.name not in used or known is None or known.shape is None or known.constant:
            continue
        copy = onnx.ValueInfoProto()
        copy.CopyFrom(value)
        dims = copy.type.tensor_type.shape.dim
        labels = analysis.batch if not bound else {}
        for dim, length in zip(dims, known.shape, strict=False):
            batch = dim.HasField("dim_param") and dim.dim_param in labels
            if isinstance(length, int) and not batch:
                dim.Clear()
                dim.dim_value = length
        if copy != value:
            found[value.name] = copy
    return found
