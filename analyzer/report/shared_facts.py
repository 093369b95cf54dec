"""What do all layers of a network hang on, found once for all of them?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.known_fields import KnownFields
from cnnscope.analyzer.fields.paths import Unfollowed
from cnnscope.analyzer.fields.units import moving_axes
from cnnscope.analyzer.layers.kinds import BORDERED, Kind
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.passes.costs import Costs
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.passes.weights import Weights
from cnnscope.analyzer.report.field_figures import padded_share_of, receptive_field
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.values.tensor import Shape

if TYPE_CHECKING:
    from cnnscope.analyzer.fields.effective import MassLookup
    from cnnscope.analyzer.fields.extreme_paths import ExtremePaths
    from cnnscope.analyzer.fields.own_places import Places
    from cnnscope.analyzer.fields.regions import RegionLookup

#: of how many tensors at once the figures of their fields are kept: some 500 bytes each
_FIGURES = 4096


class SharedFacts:
    """The passes' results, and what is worked out of them when a layer is asked for it."""

    def __init__(
        self, graph: Graph, shapes: Shapes, costs: Costs, weights: Weights, fields: Fields
    ) -> None:
        self.graph, self.shapes, self.costs = graph, shapes, costs
        self.weights, self.fields = weights, fields
        # What many layers share is made once: the fields of tensors whose units see the same (a
        # state stands for what all of them see).
        self._known = KnownFields()
        self._fields_of: dict[tuple[int, Shape | None], tuple[ReceptiveField, ...]] = {}
        self._centers: dict[tuple[int, Shape], list[int | None]] = {}
        self._shares: dict[tuple[int, int, Kind], float | None] = {}

    def __getstate__(self) -> dict[str, object]:
        # What is kept by the identity of objects means nothing to their copies.
        lookups = ("regions", "paths", "masses", "own_places")
        kept = {name: x for name, x in self.__dict__.items() if name not in lookups}
        return {**kept, "_fields_of": {}, "_centers": {}, "_shares": {}, "_known": KnownFields()}

    # Loaded when first asked for: most reports are asked none of them.

    @cached_property
    def regions(self) -> RegionLookup:
        """What single units see."""
        from cnnscope.analyzer.fields.regions import RegionLookup

        return RegionLookup(self.graph, self.shapes, self.fields.reads)

    @cached_property
    def masses(self) -> MassLookup:
        """How single units' dependence spreads."""
        from cnnscope.analyzer.fields.effective import MassLookup

        return MassLookup(self.graph, self.shapes, self.fields.reads)

    def central_unit(self, tensor: str, shape: tuple[int, ...]) -> list[int | None]:
        """The unit that lies in the middle of what is seen; found once for tensors that see the same."""
        from cnnscope.analyzer.fields.central_units import seen_in_the_middle

        key = id(self.fields.states.get(tensor)), shape
        if key not in self._centers:
            tensors = self.shapes.tensors
            lengths = {(n, k): tensors[n].dims[k] for n, k in self.fields.spatial}
            known = {axis: n for axis, n in lengths.items() if isinstance(n, int)}
            self._centers[key] = seen_in_the_middle(self.fields, tensor, shape, known)
        return self._centers[key]

    @cached_property
    def own_places(self) -> Mapping[str, Places]:
        """Along which axes units lie as places of the inputs do, whatever else they see."""
        from cnnscope.analyzer.fields.own_places import own_places

        fields = self.fields
        return own_places(self.graph, self.shapes, fields.reads, fields.spatial)

    @cached_property
    def paths(self) -> ExtremePaths:
        """Along which paths layers see the most and the least."""
        from cnnscope.analyzer.fields.extreme_paths import ExtremePaths
        from cnnscope.analyzer.fields.steps import Alone

        return ExtremePaths(Alone(self.graph, self.shapes, self.fields))

    def moving_axes(self, tensor: str) -> frozenset[int]:
        """The tensor's axes that move along a spatial axis of an input."""
        return frozenset(moving_axes(self.fields, tensor))

    def receptive_field(self, tensor: str) -> tuple[ReceptiveField, ...]:
        """What a tensor's units see, in figures."""
        state, shape = self.fields.states.get(tensor), self.shapes.tensors[tensor].shape
        if not state or isinstance(state, Unfollowed):
            return ()
        known = self._fields_of.get((id(state), shape))
        if known is None:
            if len(self._fields_of) >= _FIGURES:
                self._fields_of.clear()  # those of layers far away, which are rarely asked for again
            spatial = sorted((k for k in state if k in self.fields.spatial), key=lambda k: k[1])
            known = self._fields_of[id(state), shape] = tuple(
                [
                    receptive_field(k, state[k], self.shapes.tensors[k[0]], shape, self._known)
                    for k in spatial
                ]
            )
        return known

    def padded_share(
        self, node: Node, shapes: Shapes, reads: NodeReads, kind: Kind
    ) -> float | None:
        """The share of the node's units whose window touches padding."""
        # Of an operator that nobody says what it is, only its reads can tell.
        if kind.family not in BORDERED and kind.family != "other":
            return 0.0
        number = shapes.alike.get(node.index)
        if number is None:
            return padded_share_of(node, shapes, reads, kind)
        key = id(shapes), number, kind
        if key not in self._shares:
            self._shares[key] = padded_share_of(node, shapes, reads, kind)
        return self._shares[key]
