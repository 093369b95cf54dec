"""What is said of one layer, by what the passes found?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from cnnscope.analyzer.fields.paths import Unfollowed
from cnnscope.analyzer.fields.seen import Extent
from cnnscope.analyzer.fields.units import whole_unit
from cnnscope.analyzer.layers.kinds import Kind, find_kind
from cnnscope.analyzer.layers.patterns import find_patterns
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.passes.costs import Cost, Costs
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads, reads_of
from cnnscope.analyzer.passes.weights import Path
from cnnscope.analyzer.report.fact_source import Value
from cnnscope.analyzer.report.field_figures import extents
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layers import LayersOnDemand
from cnnscope.analyzer.report.own_weights import stored_at
from cnnscope.analyzer.report.receptive_field import ReceptiveField, Region
from cnnscope.analyzer.report.shared_facts import SharedFacts

if TYPE_CHECKING:
    from cnnscope.analyzer.explanation.effective_reach import EffectiveReach
    from cnnscope.analyzer.explanation.explanation import Explanation
    from cnnscope.analyzer.report.effective_finding import EffectiveUnit

_NO_BODIES: Mapping[str, tuple[Layer, ...]] = {}  # that of most layers


def layers_on_demand(shared: SharedFacts) -> LayersOnDemand:
    """Those of the main graph, each made when it is asked for."""
    graph, folded = shared.graph, shared.shapes.folded
    nodes = [node for node in graph.nodes if not folded(node)]
    found = _GraphLayers(shared, nodes, shared.shapes, shared.costs, graph.outputs)
    return LayersOnDemand(nodes, found.layer)


class _GraphLayers:
    """The layers of one graph, and what each of them is in view of the others.

    Args:
        shared: what they share with all layers of the network.
        nodes: those that are layers.
        costs: of all nodes.
        outputs: tensors that are read from outside.
        path: to the graph, a node's index and an attribute's name in turn; empty: it is the main graph,
            whose tensors have receptive fields.
    """

    def __init__(
        self,
        shared: SharedFacts,
        nodes: Sequence[Node],
        shapes: Shapes,
        costs: Costs,
        outputs: Sequence[str],
        path: Path = (),
    ) -> None:
        self.shared, self.nodes, self.shapes, self.outputs = shared, nodes, shapes, outputs
        self.costs, self.path, self.top = costs, path, not path

    def layer(self, position: int) -> Layer:
        """The layer of a node."""
        node = self.nodes[position]
        cost, path = self.costs.nodes[node.index], (*self.path, node.index)
        bodies: Mapping[str, tuple[Layer, ...]] = _NO_BODIES
        attributes = node.attributes
        if node.bodies:
            attributes = {k: v for k, v in attributes.items() if k not in node.bodies}
            bodies = self.bodies(node, cost, path)
        own = stored_at(self.shared.weights.by_layer.get(path, ()), path)
        return Layer(
            index=position,
            name=node.name,
            op=node.title,
            scope=node.scope,
            inputs=node.inputs,
            outputs=tuple(
                [Value(name, self.shapes.tensors[name]) for name in node.outputs if name]
            ),
            attributes=attributes,
            params=own.params + _inner(bodies, "params"),
            buffers=own.buffers + _inner(bodies, "buffers"),
            constants=own.constants + _inner(bodies, "constants"),
            shared_params=own.shared,
            weight_bytes=own.nbytes + _inner(bodies, "weight_bytes"),
            work=cost.work,
            uncounted=cost.uncounted,
            bytes_read=cost.bytes_read,
            bytes_written=cost.bytes_written,
            how=self.shapes.how.get(node.index, "unknown"),
            bodies=bodies,
            _source=LayerSource(node, self),
        )

    def bodies(self, node: Node, cost: Cost, path: Path) -> dict[str, tuple[Layer, ...]]:
        """The layers of the node's subgraphs, of those that run."""
        found = {}
        for name, body in node.bodies.items():
            inner = self.shapes.bodies.get((node.index, name))
            if inner is not None and name in cost.bodies:
                inside = [n for n in body.nodes if not inner.folded(n)]
                costs, within = cost.bodies[name], (*path, name)
                graph = _GraphLayers(self.shared, inside, inner, costs, body.outputs, within)
                found[name] = tuple(map(graph.layer, range(len(inside))))
        return found

    @cached_property
    def reads(self) -> dict[int, NodeReads]:
        """What each node reads, by its index."""
        # What the fields' pass went through it also knows the reads of.
        known = self.shared.fields.reads if self.top else {}
        return {n.index: reads_of(n, self.shapes, known) for n in self.nodes}

    @cached_property
    def kinds(self) -> dict[int, Kind]:
        """What each node is, alone and together with its neighbours."""
        shapes, kinds = self.shapes, dict[int, Kind]()
        classes: dict[int, Kind] = {}
        for node in self.nodes:
            number = shapes.alike.get(node.index, -1)
            if number in classes:
                kinds[node.index] = classes[number]
                continue
            asked: list[Node] = []

            def moving(node: Node = node, asked: list[Node] = asked) -> frozenset[int]:
                asked.append(node)
                return self.shared.moving_axes(node.outputs[0]) if self.top else frozenset()

            kind = kinds[node.index] = find_kind(node, shapes, self.reads[node.index], moving)
            if number >= 0 and not asked:  # where it lies in the network didn't matter
                classes[number] = kind
        outputs = frozenset(self.outputs)
        kinds.update(find_patterns(self.nodes, shapes, self.reads, kinds, outputs))
        return kinds


class LayerSource:
    """What a layer can be asked for later."""

    __slots__ = ("around", "node")

    def __init__(self, node: Node, around: _GraphLayers) -> None:
        self.node, self.around = node, around

    @property
    def shapes(self) -> Shapes:
        """The facts of the tensors around the node."""
        return self.around.shapes

    @property
    def seen(self) -> str:
        """The tensor whose units have receptive fields: the first output in the main graph, else ""."""
        return next((name for name in self.node.outputs if name), "") if self.around.top else ""

    def kind(self) -> Kind:
        """What the layer is, in the field's words."""
        return self.around.kinds[self.node.index]

    def operands(self) -> tuple[Value | None, ...]:
        """The tensors that it reads."""
        tensors = self.shapes.tensors
        return tuple([Value(name, tensors[name]) if name else None for name in self.node.inputs])

    def receptive_field(self) -> tuple[ReceptiveField, ...]:
        """What the units of its first output see, in figures."""
        return self.around.shared.receptive_field(self.seen) if self.seen else ()

    def extents(self) -> Sequence[Extent]:
        """How much those units see."""
        fields = self.around.shared.fields
        return extents(fields.states.get(self.seen), fields.spatial, self.shapes.tensors)

    def sees(self) -> object:
        """The paths that the figures are made of, and the lengths that they are held against."""
        state = self.around.shared.fields.states.get(self.seen)
        if not state or isinstance(state, Unfollowed):
            return ()
        known = self.shapes.tensors
        return state, known[self.seen].shape, {name: known[name].shape for name, _ in state}

    def padded_share(self) -> float | None:
        """The share of those units whose window touches padding."""
        reads = self.around.reads[self.node.index]
        return self.around.shared.padded_share(self.node, self.shapes, reads, self.kind())

    def regions(self, units: Iterable[Sequence[int | None]]) -> list[Region]:
        """The input indices that each of some units sees."""
        if not self.around.top:
            at = self.node.path
            raise ValueError(f"regions of layer {at!r} inside a subgraph aren't available")
        tensor = self.seen
        if not tensor:
            raise ValueError(f"layer {self.node.path!r} has no output, so no units")
        shape = self.shapes.tensors[tensor].shape
        rank = None if shape is None else len(shape)
        fields = self.around.shared.fields
        return self.around.shared.regions.of(
            tensor, [whole_unit(fields, tensor, rank, unit) for unit in units]
        )

    def effective_unit(
        self, unit: Sequence[int | None] | None, source: str | None
    ) -> EffectiveUnit:
        """One of those units, of which it is asked how much hangs on each position of an input."""
        from cnnscope.analyzer.report.effective_finding import EffectiveUnit

        if not self.seen:
            raise ValueError(
                f"layer {self.node.path!r} has no output, so no units" if self.around.top
                else f"effective fields of layer {self.node.path!r} inside a subgraph aren't available"
            )  # fmt: skip
        shared = self.around.shared
        return EffectiveUnit(shared, self.node.name, self.seen, unit, source)

    def modules(self) -> Mapping[str, str]:
        """The classes of the modules around the node, by path."""
        return self.node.modules

    def explain(self, unit: Sequence[int | None] | None) -> Explanation:
        """How each number comes about."""
        # Loaded when first asked for: most reports are never asked.
        from cnnscope.analyzer.explanation.axis_derivation import ExplainedNode
        from cnnscope.analyzer.explanation.derivation import explain_node

        around = self.around
        shared, index = around.shared, self.node.index
        found = explain_node(
            ExplainedNode(
                shared.graph, self.shapes, self.node, around.costs.nodes[index], around.reads[index],
                self.kind(), shared.weights, (*around.path, index),
                shared.fields if around.top else None, shared.regions, shared.paths,
            ),
            unit,
        )  # fmt: skip
        if found.region is None:
            return found
        return replace(found, _effective=partial(self.reach, found.region.unit))

    def reach(self, unit: Sequence[int | None]) -> EffectiveReach | None:
        """How far what a unit really hangs on reaches, for its explanation; None: it can't be told."""
        from cnnscope.analyzer.explanation.effective_reach import EffectiveReach
        from cnnscope.analyzer.report.effective_field import SHARES

        try:
            found = self.effective_unit(unit, None).field("uniform")
        except ValueError:
            return None
        return EffectiveReach(
            found.input, tuple(zip(SHARES, found.sides(SHARES), strict=True)), found.theoretical,
            found.field_share(SHARES[-1]), found.sigma,
        )  # fmt: skip


def _inner(bodies: Mapping[str, Sequence[Layer]], what: str) -> int:
    if not bodies:
        return 0
    return sum(getattr(layer, what) for layers in bodies.values() for layer in layers)
