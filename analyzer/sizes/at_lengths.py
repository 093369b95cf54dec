"""What does a network come to at certain lengths: is it accepted, how much work and memory is it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.passes.costs import count_costs
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.memory import find_liveness
from cnnscope.analyzer.passes.shapes import infer_shapes
from cnnscope.analyzer.values.conditions import Claim, Condition, noting
from cnnscope.analyzer.values.diagnostics import GraphError
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.substitution import substituted
from cnnscope.analyzer.values.tensor import Tensor

Lengths = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Inferred:
    """The shapes of a network whose inputs have free lengths, and what these have to meet.

    Args:
        shapes: they.
        conditions: what has to hold of the lengths, each with the node that asks for it.
    """

    shapes: Shapes
    conditions: Mapping[Condition, str | None]

    @classmethod
    def of(cls, graph: Graph, inputs: Mapping[str, Tensor]) -> Inferred:
        """What a graph comes to, its inputs such as these."""
        with noting() as found:
            shapes = infer_shapes(graph, inputs)
        return cls(shapes, {x: by for x, by in found.conditions.items() if not x.data})


class AtLengths:
    """A graph at lengths of its free dimensions.

    Args:
        graph: the graph.
        inputs: its inputs, free dimensions by their names.
        names: the free dimensions, in the order in which lengths are given.
        found: its shapes with those free, and what the lengths have to meet.
        rests: remainders that lengths have to leave, by name: the number that is divided by, and it.
    """

    def __init__(
        self, graph: Graph, inputs: Mapping[str, Tensor], names: tuple[str, ...], found: Inferred,
        rests: Mapping[str, tuple[int, int]],
    ) -> None:  # fmt: skip
        self.graph, self.inputs, self.names = graph, inputs, names
        self.shapes, self.conditions, self.rests = found.shapes, found.conditions, rests
        self._known: dict[Lengths, Shapes | None] = {}
        self._peaks: dict[Lengths, int | None] = {}
        self._works: dict[Lengths, int | None] = {}

    def named(self, lengths: Lengths) -> dict[str, int]:
        """What stands in formulas, by name: of lengths with a remainder, how often they hold the number."""
        return {
            name: (n - self.rests[name][1]) // self.rests[name][0] if name in self.rests else n
            for name, n in zip(self.names, lengths, strict=True)
        }

    def accepts(self, lengths: Lengths) -> bool:
        """Is no node refused, and do they leave the remainders that they have to?"""
        for name, n in zip(self.names, lengths, strict=True):
            number, rest = self.rests.get(name, (1, 0))
            if n <= 0 or n % number != rest:
                return False
        return self.unmet(lengths) is None and self.at(lengths) is not None

    def unmet(self, lengths: Lengths) -> Condition | None:
        """The first condition that lengths don't meet."""
        named = self.named(lengths)
        for condition in self.conditions:
            claims = (*condition.either, *condition.otherwise)
            if not any(_holds(claim, named) for claim in claims):
                return condition
        return None

    def at(self, lengths: Lengths) -> Shapes | None:
        """The shapes there; None where some node is refused."""
        if lengths not in self._known:
            self._known[lengths] = self._inferred(lengths)
        return self._known[lengths]

    def _inferred(self, lengths: Lengths) -> Shapes | None:
        try:
            inputs = inputs_at(self.inputs, self.named(lengths))
            found = infer_shapes(self.graph, inputs, while_valid=True)
        except GraphError:
            return None
        refused = any(note.severity == "error" for note in found.diagnostics)
        return None if refused else found

    def peak(self, lengths: Lengths) -> int | None:
        """The most bytes of activations alive at once; None where that isn't known."""
        if lengths not in self._peaks:
            shapes = self.at(lengths)
            found = None if shapes is None else find_liveness(self.graph, shapes)
            unknown = found is None or found.unsized or found.free
            self._peaks[lengths] = None if found is None or unknown else found.peak
        return self._peaks[lengths]

    @cached_property
    def _macs(self) -> Dim | None:
        costs = count_costs(self.graph, self.shapes)
        return None if costs.uncounted else costs.work.macs

    def macs(self, lengths: Lengths) -> int | None:
        """Multiply-accumulates; None where those of some node aren't known."""
        if lengths not in self._works:
            self._works[lengths] = self._worked(lengths)
        return self._works[lengths]

    def _worked(self, lengths: Lengths) -> int | None:
        if self._macs is None:
            return None
        try:
            found = substituted(self._macs, self.named(lengths))
        except Undetermined:
            return None
        return found if isinstance(found, int) else None


def inputs_at(inputs: Mapping[str, Tensor], lengths: Mapping[str, Dim]) -> dict[str, Tensor]:
    """A network's inputs with lengths put in for the names of free ones."""
    return {
        name: x if x.shape is None else replace(
            x, shape=tuple(substituted(n, lengths) for n in x.shape)
        )
        for name, x in inputs.items()
    }  # fmt: skip


def _holds(claim: Claim, lengths: Mapping[str, int]) -> bool:
    """May it hold?"""
    try:
        value = substituted(claim.difference, lengths)
    except (Undetermined, ZeroDivisionError):
        return True
    if not isinstance(value, int):
        return True
    return claim.holds_of(value)
