"""What does each unit see of the network's inputs?

One walk over the nodes in running order: from what each node's inputs see (`paths`) to what its
outputs see, by what it reads of them (`one_node`), or through its subgraphs (`subgraphs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from cnnscope.analyzer.fields.fields import (
    MAX_SPANS,
    MAX_TRIPS,
    NODE_SPANS,
    Fields,
    Room,
    give_up,
    keep,
)
from cnnscope.analyzer.fields.grown_joins import GrownJoin
from cnnscope.analyzer.fields.misalignment import misaligned_joins
from cnnscope.analyzer.fields.one_node import OneNode
from cnnscope.analyzer.fields.passages import NodePassages, find_passages
from cnnscope.analyzer.fields.paths import NONE, State, Unfollowed, initial_state
from cnnscope.analyzer.fields.subgraphs import Subgraphs
from cnnscope.analyzer.model.graph import Graph, Node
from cnnscope.analyzer.operators.likeness import Answers
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.values.diagnostics import Diagnostic


def find_fields(
    graph: Graph,
    shapes: Shapes,
    given: Mapping[str, State] | None = None,
    rounds: int = MAX_TRIPS,
    room: Room | None = None,
) -> Fields:
    """The fields of every tensor.

    Args:
        graph: main graph or body.
        shapes: its shapes.
        given: for a body, the states of its inputs and of what it captures.
        rounds: how often a loop's body may be gone through here; loops in loops share it.
        room: how much may be kept; for a body, what is left of the graph's.
    """
    room = room or Room(MAX_SPANS + NODE_SPANS * len(graph.nodes), Unfollowed())
    found = Fields(dict(given or {}), rounds=rounds, room=room)
    if given is None:
        for name in graph.inputs:
            x = shapes.tensors[name]
            found.states[name] = initial_state(name, x)
            for axis, length in enumerate(x.shape or ()):
                if isinstance(length, int):
                    room.lengths[name, axis] = length
    grown: dict[str, GrownJoin] = {}
    answers: Answers[NodePassages] = Answers(shapes.alike)
    for node in graph.nodes:
        if shapes.folded(node):
            continue
        if not node.bodies and not any(map(found.states.get, node.inputs)):
            continue
        if room.ended is None:
            _outputs(node, graph, shapes, found, answers, grown)
            keep(node, found, room)
        if room.ended is not None:
            give_up(node, found)
    if given is None:
        found.diagnostics.extend(misaligned_joins(found))
        room.known.forget()
    if given is None and room.ended is not None:
        found.diagnostics.append(
            Diagnostic("fields-not-followed", "warning", room.ended,
                       "what the layers see of the inputs grows beyond all measure: receptive fields "
                       "aren't followed from here on", "")
        )  # fmt: skip
    return found


def _outputs(
    node: Node,
    graph: Graph,
    shapes: Shapes,
    found: Fields,
    answers: Answers[NodePassages],
    grown: dict[str, GrownJoin],
) -> None:
    """The states of a node's outputs from those of its inputs."""
    states = found.states
    if node.index in shapes.functions:
        body, inner = shapes.functions[node.index]
        given = {name: states.get(name, NONE) for name in body.inputs}
        result = _nested(found, body, inner, given, 1)
        for name in node.outputs:
            if name:
                states[name] = result.states.get(name, NONE)
        return
    passages = answers.of(node, find_passages, node, shapes)
    reads = passages.reads
    found.reads[node.index] = reads
    if reads.fault is not None:
        found.diagnostics.append(reads.fault)
    if reads.through:
        Subgraphs(node, shapes, found, partial(_nested, found)).through(reads.through)
        return
    one = OneNode(node, graph, shapes, found, grown)
    for k, (name, read) in enumerate(zip(node.outputs, passages.outputs, strict=True)):
        if name:
            output, state = shapes.tensors[name], None
            if read.longer:
                state = one.bordered(name, output, reads.outputs[k])
            states[name] = one.output(output, read) if state is None else state


def _nested(
    found: Fields, body: Graph, inner: Shapes, given: Mapping[str, State], times: int
) -> Fields:
    """The fields of a body, which may be gone through `times` times; what it notes, the graph keeps."""
    result = find_fields(body, inner, given, found.rounds // times, found.room)
    found.spatial.update(result.spatial)
    for join, axes in result.misaligned.items():
        found.misaligned[join] = {**axes, **found.misaligned.get(join, {})}
    found.diagnostics.extend(d for d in result.diagnostics if d not in found.diagnostics)
    return result
