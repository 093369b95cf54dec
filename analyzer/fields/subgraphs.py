"""What do the outputs of a loop, a scan or a branch see, given what their bodies' tensors see?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.iterations import (
    all_of,
    moving_along,
    one_iteration,
    spread_iterations,
    stacked_along,
)
from cnnscope.analyzer.fields.joins import merged_states
from cnnscope.analyzer.fields.paths import NONE, State
from cnnscope.analyzer.fields.terms import MAX_TERMS
from cnnscope.analyzer.model.graph import Graph, Node, captures
from cnnscope.analyzer.operators.reading import Through
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.tensor import Tensor

#: a body's fields, given what its inputs see and how often it will be gone through
Nested = Callable[[Graph, Shapes, Mapping[str, State], int], Fields]


class Subgraphs:
    """A node that hands its inputs to subgraphs.

    Args:
        shapes, found: of the graph that the node is in.
        nested: follows a body.
    """

    def __init__(self, node: Node, shapes: Shapes, found: Fields, nested: Nested) -> None:
        self.node, self.shapes, self.found, self.nested = node, shapes, found, nested

    def through(self, bodies: Sequence[Through]) -> None:
        """Follow every body as often as it may run, and say what the node's outputs see."""
        node, states = self.node, self.found.states
        outputs: list[list[State]] = [[] for _ in node.outputs]
        for through in bodies:
            body = node.bodies[through.attribute]
            inner = self.shapes.bodies.get((node.index, through.attribute))
            if inner is None:
                continue
            outer = {name: states.get(name, NONE) for name in captures(body)}
            names = list(body.inputs)
            given: dict[str, State] = dict(outer)
            for i, source in enumerate(through.inputs):
                if source is not None and i < len(names):
                    which, axis = source
                    name = node.inputs[which] if which < len(node.inputs) else ""
                    given[names[i]] = one_iteration(states.get(name, NONE), axis)
                    if axis is not None:
                        self.found.spatial.update(moving_along(states.get(name, NONE), axis))
            rounds = self.found.rounds
            if through.carried and rounds < 2 * MAX_TERMS:  # loops in loops: not followed further
                self.spread_everything(through, body, inner, given)
                self.collect(through, body, inner, self.nested(body, inner, given, 1), outputs)
                continue
            times = max(min(through.trips or 0, rounds), MAX_TERMS) if through.carried else 1
            result = self.nested(body, inner, given, times)
            if through.carried and through.trips is not None and through.trips <= rounds:
                result = self.unrolled(through, body, inner, given, result)
                self.collect(through, body, inner, result, outputs)
                continue
            for _ in range(MAX_TERMS):
                settled = True
                for out, into in through.carried:
                    if into >= len(names) or out >= len(body.outputs):
                        continue
                    name = names[into]
                    new = spread_iterations(result.states.get(body.outputs[out], NONE), node)
                    merged = self.merged(
                        given.get(name, NONE), new, inner.tensors[body.outputs[out]]
                    )
                    if merged != given.get(name, NONE):
                        settled = False
                        given[name] = merged
                if settled:
                    break
                result = self.nested(body, inner, given, times)
            else:  # the field grows with every iteration: after enough of them it is everything
                for _, into in through.carried:
                    if into < len(names):
                        given[names[into]] = all_of(given.get(names[into], NONE), node)
                result = self.nested(body, inner, given, times)
            self.collect(through, body, inner, result, outputs)
        for name, found in zip(node.outputs, outputs, strict=True):
            if not name:
                continue
            merged_state: State = {}
            for state in found:
                merged_state = self.merged(merged_state, state, self.shapes.tensors[name])
            states[name] = merged_state

    def spread_everything(
        self, through: Through, body: Graph, inner: Shapes, given: dict[str, State]
    ) -> None:
        """What is carried sees all of what any iteration is given."""
        names = list(body.inputs)
        whole: State = {}
        for name, state in list(given.items()):
            if name in inner.tensors:
                whole = self.merged(whole, all_of(state, self.node), inner.tensors[name])
        for _, into in through.carried:
            if into < len(names):
                given[names[into]] = whole

    def unrolled(
        self, through: Through, body: Graph, inner: Shapes, given: dict[str, State], first: Fields
    ) -> Fields:
        """A loop of known length, iteration by iteration: each sees what the one before gave."""
        names, result = list(body.inputs), first
        carried = [
            (out, into)
            for out, into in through.carried
            if out < len(body.outputs) and into < len(names)
        ]
        if through.trips == 0:  # what goes in comes out
            for out, into in carried:
                result.states[body.outputs[out]] = given.get(names[into], NONE)
        stacked = [
            target[0]
            for target in through.outputs
            if target is not None and target[1] is not None and target[0] < len(body.outputs)
        ]
        seen = {which: first.states.get(body.outputs[which], NONE) for which in stacked}
        for _ in range((through.trips or 0) - 1):
            for out, into in carried:
                given[names[into]] = spread_iterations(
                    result.states.get(body.outputs[out], NONE), self.node
                )
            result = self.nested(body, inner, given, through.trips or 1)
            for which in stacked:
                name = body.outputs[which]
                seen[which] = self.merged(
                    seen[which], result.states.get(name, NONE), inner.tensors[name]
                )
        for which in stacked:  # an iteration that is stacked may be any of them
            result.states[body.outputs[which]] = seen[which]
        return result

    def collect(
        self,
        through: Through,
        body: Graph,
        inner: Shapes,
        result: Fields,
        outputs: list[list[State]],
    ) -> None:
        """The states of the node's outputs from those of the body's."""
        for k, target in enumerate(through.outputs):
            if target is None or k >= len(outputs) or target[0] >= len(body.outputs):
                continue
            which, axis = target
            state = result.states.get(body.outputs[which], NONE)
            if axis is None:
                state = spread_iterations(state, self.node)
            else:
                state = stacked_along(state, axis)
            outputs[k].append(state)

    def merged(self, a: State, b: State, output: Tensor) -> State:
        """Either of two ways a tensor may have come about."""
        return merged_states(self.node, self.found, a, b, output)
