"""Has every tensor the shape and dtype that was said?

One run with optimisations off and ONNX Runtime's profile on (`trace`): what it says of a node's
outputs is compared with what `analyze` says, by the node's name, in the main graph and in
subgraphs. Nothing is held in memory for that, whatever the model's size. What the profile does not
show gets a *witness* (`add_witnesses`): constants from the start, and in a second run whatever was
missing from the first (functions that ONNX Runtime expands, nodes it removed). Sequences are fetched
in that run. Where a kernel ran in another dtype than predicted (float16 without kernels), ONNX
Runtime's own inference, asked for by making the tensor an output, says what the graph's dtype is.

Where a length hangs on data (how many boxes survive), the first tensor that has it can only be held
against its least value; every further one has to agree with the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

import onnx

from cnnscope.analyzer.model.graph import Graph, Node, used_names
from cnnscope.analyzer.report.verification import Agreement, Mismatch, Unchecked
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.runtime.engine.trace import WITNESS

if TYPE_CHECKING:
    from cnnscope.analyzer.passes.facts import Shapes
    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.runtime.engine.flat import FlatModel
    from cnnscope.runtime.engine.trace import Event, Facts

_HALF: Final = ("float16", "bfloat16")

#: node name and position of the output: every dtype and shape it was seen with
SeenFacts = dict[tuple[str, int], set["Facts"]]


@dataclass(frozen=True, eq=False)
class Witnesses:
    """A model in which more can be seen, and where to look for what.

    Args:
        proto: the model.
        places: name of a witness to the node and the position of the output that it shows.
        sequences: tensors that have to be fetched: they are outputs of the model now.
    """

    proto: onnx.ModelProto
    places: Mapping[str, tuple[str, int]]
    sequences: tuple[str, ...] = ()


def add_witnesses(
    flat: FlatModel, analysis: Analysis, wanted: Iterable[tuple[str, int]] | None = None
) -> Witnesses:
    """A copy of the model with witnesses of these outputs; by default, of all constants.

    Args:
        flat: the model.
        analysis: what is said of it.
        wanted: outputs, as name of the node and position.
    """
    proto = onnx.ModelProto()
    proto.CopyFrom(flat.proto)
    places: dict[str, tuple[str, int]] = {}
    if wanted is None:
        chosen = {(node.name, 0) for node, _ in all_nodes(analysis) if _is_constant(node)}
        # Known by what it says itself, and never copied: that would double the weights.
        chosen -= {(name, 0) for name in flat.constants}
    else:
        chosen = set(wanted)
    sequences: dict[str, None] = {}
    for node, shapes in all_nodes(analysis):
        for i, name in enumerate(node.outputs):
            if (node.name, i) not in chosen or not name or shapes.tensors[name].kind == "tensor":
                continue
            # Shape takes nothing but a tensor.
            chosen.discard((node.name, i))
            if shapes is analysis.shapes and shapes.tensors[name].kind == "sequence":
                sequences[name] = None
    _witness(proto.graph, chosen, places)
    kept = {value.name for value in proto.graph.output}
    proto.graph.output.extend(onnx.ValueInfoProto(name=n) for n in sequences if n not in kept)
    if places and not any(o.domain in ("", "ai.onnx") for o in proto.opset_import):
        proto.opset_import.add(domain="", version=13)
    return Witnesses(proto, places, tuple(sequences))


def _witness(
    graph: onnx.GraphProto, chosen: set[tuple[str, int]], places: dict[str, tuple[str, int]]
) -> None:
    nodes = list(graph.node)
    names = {name for name, _ in chosen}
    del graph.node[:]
    for node in nodes:
        kept = graph.node.add()
        kept.CopyFrom(node)
        for a in kept.attribute:
            if a.HasField("g"):
                _witness(a.g, chosen, places)
        for i, tensor in enumerate(node.output) if node.name in names else ():
            if tensor and (node.name, i) in chosen:
                name = f"{WITNESS}{len(places)}"
                places[name] = node.name, i
                # Right behind what it witnesses, which then lives no longer than before.
                graph.node.add(op_type="Shape", name=name, input=[tensor], output=[name])


def _is_constant(node: Node) -> bool:
    return not node.inputs and node.op == "Constant" and not node.domain


def all_nodes(analysis: Analysis) -> Iterator[tuple[Node, Shapes]]:
    """Every node, those of subgraphs too, and the results that its tensors are in."""
    yield from _nodes(analysis.graph, analysis.shapes)


def _nodes(graph: Graph, shapes: Shapes) -> Iterator[tuple[Node, Shapes]]:
    for node in graph.nodes:
        for name, body in node.bodies.items():
            inner = shapes.bodies.get((node.index, name))
            if inner is not None:
                yield from _nodes(body, inner)
        yield node, shapes


def read_seen(
    analysis: Analysis, witnesses: Witnesses, events: Sequence[Event], fetched: Sequence[object]
) -> SeenFacts:
    """What a run shows of each output.

    Args:
        analysis: the nodes to look for.
        witnesses: the model that ran.
        events: what it wrote down.
        fetched: the values of `witnesses.sequences`.
    """
    seen: SeenFacts = {}
    nodes: dict[str, Node] = {}
    tensors: dict[str, Shapes] = {}
    for node, shapes in all_nodes(analysis):
        nodes[node.name], tensors[node.name] = node, shapes
    for outer, node, shapes in _body_nodes(analysis.graph, analysis.shapes):
        nodes.setdefault(f"{outer.name}/{node.name}", node)  # a branch that took its place
        tensors.setdefault(f"{outer.name}/{node.name}", shapes)
    for event in events:
        place = witnesses.places.get(WITNESS + event.name.rpartition(WITNESS)[2])
        if place is not None:  # in a branch that took the place of its If, its name has a prefix
            if event.inputs:
                seen.setdefault(place, set()).add(event.inputs[0])
            continue
        found = nodes.get(event.name)
        if found is None:
            continue
        shapes = tensors[event.name]
        listed = [
            i for i, name in enumerate(found.outputs)
            if name and shapes.tensors[name].kind in ("tensor", "optional", "sparse")
        ]  # fmt: skip
        if len(listed) != len(event.outputs):
            continue  # which of them are there can't be told
        for i, facts in zip(listed, event.outputs, strict=True):
            seen.setdefault((found.name, i), set()).add(facts)
    producers = {o: (n.name, i) for n in analysis.graph.nodes for i, o in enumerate(n.outputs) if o}
    for name, value in zip(witnesses.sequences, fetched, strict=True):
        if isinstance(value, list):
            elements: set[Facts] = {
                (str(getattr(x, "dtype", "?")), tuple(getattr(x, "shape", ()))) for x in value
            }
            seen[producers[name]] = {("sequence", (len(value),)), *elements}
    return seen


def _body_nodes(graph: Graph, shapes: Shapes) -> Iterator[tuple[Node, Node, Shapes]]:
    for outer in graph.nodes:
        for name, body in outer.bodies.items():
            inner = shapes.bodies.get((outer.index, name))
            if inner is not None:
                yield from ((outer, node, inner) for node in body.nodes)
                yield from _body_nodes(body, inner)


def find_doubtful(analysis: Analysis, flat: FlatModel, seen: SeenFacts) -> list[tuple[str, int]]:
    """The outputs that a second run should look at: the first didn't show them."""
    return [
        (node.name, i)
        for node, _ in all_nodes(analysis)
        if node.name not in flat.constants
        for i, name in enumerate(node.outputs)
        if name and (node.name, i) not in seen
    ]


def find_mistyped(analysis: Analysis, seen: SeenFacts) -> dict[str, tuple[str, int]]:
    """Tensors of the main graph that were seen with another dtype than predicted."""
    found = {}
    for node in analysis.graph.nodes:
        for i, name in enumerate(node.outputs):
            facts = seen.get((node.name, i))
            said = analysis.shapes.tensors.get(name)
            if not facts or said is None or said.kind != "tensor" or said.dtype is None:
                continue
            if any(dtype != said.dtype for dtype, _ in facts):
                found[name] = node.name, i
    return found


def check_shapes(analysis: Analysis, flat: FlatModel, seen: SeenFacts) -> Agreement:
    """What was seen, held against what was said."""
    checking = _Checking(flat, seen)
    checking.graph(analysis.graph, analysis.shapes, frozenset(), top=True)
    compared = len(checking.agreeing) + len(checking.wrong)
    return Agreement(
        compared, len(checking.agreeing), tuple(checking.mismatches), tuple(checking.unchecked)
    )


@dataclass
class _Checking:
    flat: FlatModel
    seen: SeenFacts
    agreeing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    mismatches: list[Mismatch] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)
    lengths: dict[str, int] = field(default_factory=dict)
    #: lengths that stand for several: of the elements of a sequence
    several: set[str] = field(default_factory=set)

    def graph(self, graph: Graph, shapes: Shapes, bad: frozenset[str], top: bool) -> None:
        wrong = set(bad)
        ran = top or any(
            self.seen.get((n.name, i)) for n in graph.nodes for i in range(len(n.outputs))
        )
        for node in graph.nodes:
            explained = any(name in wrong for name in used_names(node))
            for attribute, body in node.bodies.items():
                inner = shapes.bodies.get((node.index, attribute))
                if inner is not None:
                    before = len(self.wrong)
                    self.graph(body, inner, frozenset(wrong), top=False)
                    explained |= len(self.wrong) > before
            for i, name in enumerate(node.outputs):
                if not name:
                    continue
                if node.name in self.flat.constants:
                    self.unchecked.append(
                        Unchecked(name, "a stored constant: ONNX Runtime is given it as it is")
                    )
                    continue
                found = self.seen.get((node.name, i))
                if found is None:
                    reason = (
                        "ONNX Runtime's profile doesn't show it" if ran
                        else "its subgraph didn't run with these inputs"
                    )  # fmt: skip
                    self.unchecked.append(Unchecked(name, reason))
                elif node.index in shapes.refused:
                    self.refused(node, name, shapes, found, not explained)
                    wrong.add(name)
                elif self.tensor(node, name, shapes.tensors[name], found, not explained, top):
                    wrong.add(name)

    def refused(
        self, node: Node, name: str, shapes: Shapes, found: set[Facts], cause: bool
    ) -> None:
        """The analysis takes the node for one that can't be, and it ran."""
        said = next((d.message for d in shapes.diagnostics if d.layer == node.name), "")
        said = said.partition("): ")[2] or said
        self.wrong.append(name)
        actual = list(min(shape for _, shape in found))
        self.mismatches.append(
            Mismatch(name, node.name, node.title, "shape", f"none: {said}", actual, cause)
        )

    def tensor(
        self, node: Node, name: str, said: Tensor, found: set[Facts], cause: bool, top: bool
    ) -> bool:
        """Compare one tensor. Is it wrong?"""
        differences: list[tuple[str, object, object]] = []
        open_: list[str] = []
        if said.kind == "sequence":
            lengths = [shape[0] for dtype, shape in found if dtype == "sequence"]
            found = {facts for facts in found if facts[0] != "sequence"}
            if isinstance(said.length, int):
                differences += [("length", said.length, n) for n in lengths if n != said.length]
            else:
                open_.append("its length isn't predicted")
        held = said if said.kind in ("tensor", "sparse") else said.element or Tensor()
        if said.kind == "sequence":  # its elements may differ in a length, under one name
            self.several.update(
                *(d.names | d.data for d in held.shape or () if isinstance(d, FreeDim))
            )
        for dtype, shape in sorted(found):
            if held.dtype is None:
                open_.append("its dtype isn't predicted")
            elif held.dtype in _HALF and dtype == "float32" and not top:
                open_.append("its node ran in float32, for want of a half-precision kernel")
            elif held.dtype != dtype:
                differences.append(("dtype", held.dtype, dtype))
            if held.shape is None:
                open_.append("its rank isn't predicted")
                continue
            if len(shape) != len(held.shape) or not all(
                self.fits(dim, actual, open_, top and said.kind != "sequence")
                for dim, actual in zip(held.shape, shape, strict=True)
            ):
                differences.append(("shape", list(held.shape), list(shape)))
        if differences:
            self.wrong.append(name)
            what, predicted, actual = differences[0]
            self.mismatches.append(
                Mismatch(name, node.name, node.title, what, _plain(predicted), actual, cause)
            )
        elif open_:
            self.unchecked.append(Unchecked(name, f"{open_[0]}; what is predicted agrees"))
        else:
            self.agreeing.append(name)
        return bool(differences)

    def fits(self, dim: Dim, actual: int, open_: list[str], top: bool) -> bool:
        """Can the length be what was said? If it is open, say so."""
        if not isinstance(dim, FreeDim):
            return dim == actual
        least = dim.least()
        if least is not None and actual < least:
            return False
        # Data of a loop's body may differ from one iteration to the next.
        if top and not self.several & (dim.names | dim.data):
            if str(dim) in self.lengths:
                return self.lengths[str(dim)] == actual
            self.lengths[str(dim)] = actual
        open_.append(f"a length hangs on data ({dim})")
        return True


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [d if isinstance(d, int) else str(d) for d in value]
    return value
